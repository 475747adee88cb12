load helpers

@test "kill sends a signal by number, name, SIG name and in lower case" {
  command_is probe report-signals
  launch
  await_line ready
  local how
  for how in 10:10 USR1:10 SIGUSR1:10 usr1:10 sigint:2 HUP:1 15:15 SIGRTMIN+1:35 RTMIN:34; do
    case $how in *RTMIN*) is_agentsafe || continue ;; esac
    : >"$WORK/out"
    run_rt kill "$CID" "${how%:*}"
    succeeded
    await_line "got ${how#*:}"
  done
}

@test "kill sends TERM when no signal is named" {
  command_is probe report-signals
  launch
  await_line ready
  rt kill "$CID"
  await_line "got 15"
}

@test "kill --all and -a are accepted" {
  command_is probe report-signals
  launch
  await_line ready
  rt kill --all "$CID" USR1
  await_line "got 10"
  rt kill -a "$CID" 12
  await_status stopped
  is_crun || { run_rt kill --all "$CID" KILL; succeeded; }
}

@test "kill refuses an unknown signal" {
  launch
  run_rt kill "$CID" NOSUCH
  failed 1
  is_crun || complains 'unknown signal'
  run_rt kill "$CID" 9999
  failed 1
  equal running "$(status)"
}

@test "kill of a missing container says that it does not exist" {
  run_rt kill missing KILL
  failed 1
  complains "does not exist"
}

@test "kill of a stopped container says that it is not running" {
  script true
  launch
  await_status stopped
  run_rt kill "$CID" TERM
  failed 1
  is_crun || complains "container not running"
}

@test "kill -KILL ends a created container" {
  create
  rt kill "$CID" KILL
  await_status stopped
}

@test "kill -KILL ends a paused container" {
  launch
  rt pause "$CID"
  rt kill "$CID" KILL
  is_crun && rt resume "$CID"
  eventually gone "$(pid_of)"
}

@test "kill -KILL ends every process of a container that shares the host's pid namespace" {
  script 'sleep 500 & sleep 501 & echo up; wait' 'del(.linux.namespaces[] | select(.type == "pid"))'
  launch
  await_line up
  equal 3 "$(wc -l <"$(cgroup_dir pids)/cgroup.procs")"
  if is_agentsafe; then rt kill "$CID" KILL; else rt kill --all "$CID" KILL; fi
  eventually nothing_runs
}

@test "kill -KILL reaches the orphans of a shared pid namespace when the first process is gone" {
  is_agentsafe || skip "other runtimes need --all"
  script 'setsid sleep 500 & echo up' 'del(.linux.namespaces[] | select(.type == "pid"))'
  launch
  await_line up
  await_status stopped
  rt kill "$CID" KILL || :
  eventually nothing_runs
}

@test "kill with signal 0 probes" {
  launch
  run_rt kill "$CID" 0
  is_crun || succeeded
  equal running "$(status)"
}

@test "kill --regex signals every container whose id matches, from its beginning" {
  is_agentsafe || is_crun || skip "crun's flag"
  is_crun && skip "crun 1.8.1 matches any part of an id"
  local id
  for id in "$CID-a" "$CID-b" "other-$CID"; do
    edit '.linux.cgroupsPath = $c' --arg c "/$CID-${id:0:5}${id: -2}"
    rt run --detach --bundle "$BUNDLE" "$id" </dev/null >"$WORK/out" 2>&1
  done
  rt kill --regex "$CID-[ab]" KILL
  eventually is_stopped "$CID-a"
  eventually is_stopped "$CID-b"
  equal running "$(status "other-$CID")"
  run_rt kill --regex "[" KILL
  refuses_briefly
}
is_stopped() { [ "$(status "$1")" = stopped ]; }
