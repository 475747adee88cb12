load helpers

@test "ps --format json lists the host pids of the whole cgroup" {
  script 'sleep 500 & sleep 501 & wait'
  launch
  eventually three_processes
  run_rt ps --format json "$CID"
  succeeded
  equal "$(sort -n "$(cgroup_dir pids)/cgroup.procs" | paste -sd,)" "$(jq -r 'sort | map(tostring) | join(",")' <<<"$output")"
  [[ "$output" =~ ^\[[0-9]+,[0-9]+,[0-9]+\]$ ]]
}
three_processes() { [ "$(wc -l <"$(cgroup_dir pids)/cgroup.procs")" -eq 3 ]; }

@test "ps shows a table of the container's processes only" {
  launch
  run_rt ps "$CID"
  succeeded
  equal 2 "${#lines[@]}"
  [[ ${lines[0]} =~ PID ]]
  [[ ${lines[1]} =~ " $(pid_of) " ]]
  says "sleep 1000"
}

@test "ps passes options on to ps" {
  launch
  run_rt ps "$CID" -o pid,args
  succeeded
  [[ ${lines[0]} =~ ^\ *PID\ +COMMAND ]]
  run_rt ps --format table "$CID" -ef
  succeeded
}

@test "ps refuses an unknown format and options without a PID column" {
  launch
  run_rt ps --format xml "$CID"
  failed 1
  run_rt ps "$CID" -o args
  failed 1
}

@test "ps of a missing container fails" {
  run_rt ps missing
  failed 1
  complains "does not exist"
}

@test "ps includes processes in cgroups below the container's" {
  launch
  mkdir "$(cgroup_dir pids)/sub"
  rt exec --detach --pid-file "$WORK/exec.pid" "$CID" sleep 300 </dev/null >/dev/null 2>&1
  cat "$WORK/exec.pid" >"$(cgroup_dir pids)/sub/cgroup.procs"
  run_rt ps --format json "$CID"
  succeeded
  # other runtimes on v1 read another hierarchy
  is_agentsafe && on_cgroup_v2 || return 0
  equal 2 "$(jq length <<<"$output")"
}
