# docker exec.

case_exec_runs_a_command_inside() {
  idle a
  is hello in_container a echo hello
  is "idle" in_container a cat /proc/1/comm
  status 23 in_container a sh -c 'exit 23'
  is "to stderr" in_container a sh -c 'echo to stderr >&2'
}

case_exec_refuses_what_it_cannot_run() {
  idle a
  refused 12[67] 'executable file not found|no such file' in_container a no-such-command
  refused 12[67] 'no such file' in_container a /no/such/command
  refused 126 'permission denied' in_container a /data/text
  refused 126 'permission denied|is a directory' in_container a /data
}

case_exec_needs_a_running_container() {
  up a bb true
  await state_is a exited
  refused 1 'is not running' in_container a true
}

case_exec_takes_user_directory_and_variables() {
  idle a -e BASE=1
  is "uid=1000(worker) gid=1000(worker) groups=1000(worker),2000(extra)" d exec -u worker "$ME-a" id
  is "uid=77 gid=88 groups=88" d exec -u 77:88 "$ME-a" id
  is /data d exec -w /data "$ME-a" pwd
  is "1 2" d exec -e MORE=2 "$ME-a" sh -c 'echo $BASE $MORE'
  is /home/worker d exec -u worker "$ME-a" sh -c 'echo $HOME'
}

case_exec_has_the_confinement_of_the_container() {
  idle a --cap-drop CHOWN --security-opt no-new-privileges --ulimit nofile=99:99 -m 64m
  local what='grep -E "^(Cap|Seccomp:|NoNewPrivs)" /proc/self/status; ulimit -n; cat /proc/self/oom_score_adj; umask'
  same d exec "$ME-a" sh -c "$what"
  same d exec -u worker "$ME-a" sh -c "$what"
  is same d exec "$ME-a" sh -c 'cmp /proc/1/cgroup /proc/self/cgroup && echo same'
  is same d exec "$ME-a" sh -c 'for n in mnt net ipc uts pid cgroup; do [ $(readlink /proc/1/ns/$n) = $(readlink /proc/self/ns/$n) ] || echo $n; done; echo same'
}

case_exec_privileged_has_more_capabilities() {
  needs_all_capabilities
  idle a
  same d exec --privileged "$ME-a" grep ^Cap /proc/self/status
}

case_exec_has_a_terminal() {
  idle a
  has '^tty' terminal "$(docker_words) exec -t $ME-a sh -c 'test -t 0 && test -t 1 && echo tty'"
  has '^tty' terminal "$(docker_words) exec -t -u worker $ME-a sh -c 'echo tty >/dev/tty'"
  same d exec -t "$ME-a" sh -c 'stat -c "%u:%g %a" $(tty)'
}

case_exec_terminals_are_of_the_container() {
  up a -t bb idle
  has '^/dev/pts/1' d exec -t "$ME-a" tty
}

case_exec_passes_stdin() {
  idle a
  is piped eval 'echo piped | d exec -i $ME-a cat'
  is 3000000 eval 'head -c 3000000 /dev/zero | d exec -i $ME-a wc -c'
}

case_exec_detached_runs_on() {
  idle a
  d exec -d "$ME-a" sh -c 'echo done >/tmp/flag'
  await in_container a test -s /tmp/flag
}

case_exec_ends_with_the_container() {
  idle a
  d exec "$ME-a" sh -c 'echo on; sleep 600' >"$DIR/out" 2>&1 &
  local client=$! code=0
  await grep -q on "$DIR/out"
  d kill "$ME-a"
  wait "$client" || code=$?
  is 137 echo "$code"
}

case_ten_execs_at_once_all_answer() {
  idle a
  local i pids=()
  for i in $(seq 10); do in_container a echo "number $i" >"$DIR/out.$i" 2>&1 & pids+=($!); done
  for i in "${pids[@]}"; do wait "$i" || fail "status $?: $(cat "$DIR"/out.*)"; done
  is 10 eval 'cat "$DIR"/out.* | sort -u | grep -c ^number'
}

case_exec_works_while_the_memory_is_nearly_used_up() {
  idle a -m 16m
  is ok in_container a echo ok
}

case_exec_joins_the_cgroup() {
  idle a
  in_container a sh -c 'echo here; exec sleep 99' >"$DIR/out" &
  await grep -q here "$DIR/out"
  [ "$(knob a pids cgroup.procs cgroup.procs | wc -l)" -ge 3 ] || fail "$(knob a pids cgroup.procs cgroup.procs)"
}
