load helpers

@test "exec runs a command in the container's namespaces and cgroup" {
  launch
  local kind
  in_container sh -c 'for n in pid net ipc uts mnt; do readlink /proc/self/ns/$n; done; hostname'
  succeeded
  for kind in pid net ipc uts mnt; do says "$(namespace_of "$(pid_of)" $kind)"; done
  says tested
  rt exec --detach --pid-file "$WORK/exec.pid" "$CID" sleep 300 </dev/null >/dev/null 2>&1
  equal "$(cat "/proc/$(pid_of)/cgroup")" "$(cat "/proc/$(cat "$WORK/exec.pid")/cgroup")"
}

@test "exec ends with the command's exit status" {
  launch
  local n
  for n in 0 1 42 255; do in_container sh -c "exit $n"; failed $n; done
}

@test "exec ends with 128 plus the signal that killed the command" {
  launch
  in_container sh -c 'kill -TERM $$'
  failed 143
}

@test "exec keeps stdin, stdout and stderr apart" {
  launch
  run --separate-stderr bash -c 'echo in | "$0" --root "$1" $2 exec "$3" sh -c "cat; echo error >&2"' \
    "$RUNTIME" "$ROOT" "$RUNTIME_FLAGS" "$CID"
  succeeded
  is in
  complains error
}

@test "exec --cwd --env --user and --additional-gids set what they say" {
  launch
  run_rt exec --cwd /tmp --env A=one --env B="two words" --user 1000:2000 "$CID" sh -c 'pwd; echo "$A $B"; id -u; id -g'
  succeeded
  is $'/tmp\none two words\n1000\n2000'
  run_rt exec --user 1000 "$CID" sh -c 'id -u; id -g'
  succeeded
  says 1000
  is_runc || is_crun || {
    run_rt exec --user 1000:1000 --additional-gids 2000 -g 3000 "$CID" sh -c 'grep ^Groups /proc/self/status'
    succeeded
    is $'Groups:\t1000 2000 3000 ' || is $'Groups:\t2000 3000 '
  }
}

@test "exec takes empty values as if they were not given" {
  is_agentsafe || is_runc || skip "as runc"
  launch
  run_rt exec --cwd "" --user= --pid-file "" --process "" --console-socket= "$CID" pwd
  succeeded
  is /
}

@test "exec refuses a user that is not a number" {
  is_agentsafe || skip "others wrap or look it up"
  launch
  local user
  for user in 4294967296 4294967295 -1 1:-1 1:4294967295 '1 ' 0x1 1:2:3; do
    run_rt exec --user "$user" "$CID" id
    [ "$status" -ne 0 ] || { echo "accepted $user: $output"; return 1; }
  done
}

@test "exec inherits the container's environment and a later variable wins" {
  edit '.process.env += ["A=config", "B=config"]'
  launch
  run_rt exec --env A=flag "$CID" sh -c 'echo $A $B'
  is "flag config"
}

@test "exec --process reads everything from a file" {
  launch
  jq '.process | .args = ["sh", "-c", "pwd; echo $X; id -u; exit 9"] | .cwd = "/tmp" | .env += ["X=y"] | .user.uid = 1000' \
    "$CONFIG" >"$WORK/process.json"
  run_rt exec --process "$WORK/process.json" "$CID"
  failed 9
  is $'/tmp\ny\n1000'
  run_rt exec -p "$WORK/process.json" "$CID"
  failed 9
}

@test "exec --detach returns while the command runs and writes its pid" {
  launch
  rt exec --detach --pid-file "$WORK/exec.pid" "$CID" sleep 300 </dev/null >/dev/null 2>&1
  local pid
  pid=$(cat "$WORK/exec.pid")
  equal 0 "$(tr -d 0-9 <"$WORK/exec.pid" | wc -c)"
  eventually file_says "/proc/$pid/comm" sleep
  equal "$(namespace_of "$(pid_of)" pid)" "$(namespace_of "$pid" pid)"
}

@test "exec gets a runtime error as 255" {
  launch
  run_rt exec "$CID" no-such-command
  is_crun || failed 255
  complains "executable file not found in"
  run_rt exec "$CID" /no/such/command
  is_crun || failed 255
  complains "no such file or directory"
  run_rt exec missing true
  is_crun || failed 255
  complains "does not exist"
  run_rt exec --pid-file "$WORK/none/pid" "$CID" true
  is_crun || failed 255
  run_rt exec --process "$WORK/none" "$CID"
  is_crun || failed 255
}

@test "exec refuses a stopped container" {
  script true
  launch
  await_status stopped
  run_rt exec "$CID" true
  failed
  is_crun || complains "cannot exec in a stopped container"
}

@test "exec refuses a paused container unless --ignore-paused" {
  launch
  rt pause "$CID"
  run_rt exec "$CID" true
  failed
  is_crun || complains "cannot exec in a paused container (use --ignore-paused to override)"
  if is_agentsafe; then
    spawn_rt exec --ignore-paused "$CID" echo thawed
    sleep 0.3
    not file_says "$WORK/out" thawed
    rt resume "$CID"
    ends_with 0 "$RUNNER"
    file_says "$WORK/out" thawed
  else
    rt resume "$CID"
  fi
}

@test "exec works in a created container" {
  create
  in_container hostname
  is tested
}

@test "exec stops reading its own flags at the container's id" {
  launch
  in_container echo --user -e --cwd
  is "--user -e --cwd"
  run_rt exec "$CID" -- true
  [ "$status" -ne 0 ] || is_crun || is_runc
}

@test "exec closes every descriptor but the standard ones" {
  launch
  run --separate-stderr bash -c 'exec 7</etc/hostname; exec "$0" --root "$1" $2 exec "$3" probe fds' \
    "$RUNTIME" "$ROOT" "$RUNTIME_FLAGS" "$CID" 3>&- 4>&-
  succeeded
  equal 3 "${#lines[@]}"
}

@test "exec --preserve-fds passes that many descriptors" {
  launch
  run --separate-stderr bash -c 'exec 3</etc/hostname 4</etc/hosts 5</etc/passwd
    exec "$0" --root "$1" $2 exec --preserve-fds 2 "$3" probe fds' "$RUNTIME" "$ROOT" "$RUNTIME_FLAGS" "$CID"
  succeeded
  equal 5 "${#lines[@]}"
}

@test "exec has the restrictions of the container" {
  launch
  in_container grep -E '^(NoNewPrivs|Cap...|Seccomp):' /proc/self/status
  succeeded
  is "$(grep -E '^(NoNewPrivs|Cap...|Seccomp):' "/proc/$(pid_of)/status")"
}

@test "exec with a process file that asks for more gets no more" {
  is_agentsafe || skip "others give what is asked for"
  edit '.process.capabilities = {bounding: ["CAP_KILL"], effective: ["CAP_KILL"], permitted: ["CAP_KILL"]}'
  launch
  jq '.process | .args = ["grep", "-E", "^(NoNewPrivs|Cap...):", "/proc/self/status"] | .noNewPrivileges = false
    | .capabilities = {bounding: ["CAP_KILL", "CAP_SYS_ADMIN"], effective: ["CAP_SYS_ADMIN"], permitted: ["CAP_SYS_ADMIN"]}
    ' "$CONFIG" >"$WORK/process.json"
  run_rt exec --process "$WORK/process.json" "$CID"
  succeeded
  says $'NoNewPrivs:\t1'
  says $'CapBnd:\t0000000000000020'
  says $'CapEff:\t0000000000000000'
}

@test "exec --cap beyond the container's sets is an error" {
  is_agentsafe || skip "others give what is asked for"
  edit '.process.capabilities = {bounding: ["CAP_KILL"], effective: ["CAP_KILL"], permitted: ["CAP_KILL"]}'
  launch
  run_rt exec --cap CAP_SYS_ADMIN "$CID" true
  failed 255
  run_rt exec --cap CAP_KILL "$CID" true
  succeeded
}

@test "exec --no-new-privs adds it" {
  edit '.process.noNewPrivileges = false'
  launch
  in_container grep NoNewPrivs /proc/self/status
  is $'NoNewPrivs:\t0'
  run_rt exec --no-new-privs "$CID" grep NoNewPrivs /proc/self/status
  is $'NoNewPrivs:\t1'
}

@test "exec applies rlimits, umask and oom score of the container" {
  script 'exec sleep 1000' '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 100, hard: 200}] | .process.user.umask = 7
    | .process.oomScoreAdj = 500'
  launch
  in_container sh -c 'ulimit -Sn; ulimit -Hn; umask; cat /proc/self/oom_score_adj'
  succeeded
  is $'100\n200\n0007\n500'
}

@test "exec works when the container's cgroup has children and processes" {
  launch
  local dir
  dir=$(cgroup_dir pids)/sub
  mkdir "$dir"
  in_container true
  succeeded
  if on_cgroup_v2; then
    pid_of >"$dir/cgroup.procs"
    echo +pids >"$(cgroup_dir pids)/cgroup.subtree_control"
    in_container cat /proc/self/cgroup
    succeeded
    says "$CID/sub"
  fi
}

@test "exec --cgroup places the command below the container's cgroup" {
  is_agentsafe || skip "per controller groups are not in old runtimes"
  launch
  mkdir "$(cgroup_dir pids)/below"
  if on_cgroup_v2; then run_rt exec --cgroup below "$CID" cat /proc/self/cgroup
  else run_rt exec --cgroup pids:below "$CID" cat /proc/self/cgroup; fi
  succeeded
  says "/$CID/below"
  run_rt exec --cgroup ../.. "$CID" true
  failed 255
  complains "bad sub cgroup path"
}

@test "exec forwards signals" {
  launch
  spawn_rt exec "$CID" probe report-signals
  await_line ready
  kill -TERM "$RUNNER"
  await_line "got 15"
  kill -USR2 "$RUNNER"
  ends_with 7 "$RUNNER"
}

@test "a hundred short execs in a row and ten at once all end" {
  launch
  local n pids=()
  for n in $(seq 100); do timeout 20 "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS exec "$CID" true; done
  for n in $(seq 10); do
    rt exec "$CID" sh -c "exit $n" </dev/null >/dev/null 2>&1 &
    pids[n]=$!
  done
  for n in $(seq 10); do ends_with "$n" "${pids[n]}"; done
}

@test "a background child of an exec does not keep it from ending" {
  launch
  run timeout 10 "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS exec "$CID" sh -c 'sleep 300 >/dev/null 2>&1 </dev/null & exit 4' 3>&- 4>&-
  failed 4
}

@test "exec leaves no zombie in the container" {
  launch
  local n
  for n in 1 2 3; do in_container true; done
  in_container sh -c 'grep -l "^State:.Z" /proc/[0-9]*/status || echo none'
  is none
}

@test "exec --pidfd-socket receives a descriptor of the process" {
  is_agentsafe || skip "newer than other runtimes"
  background agent "$PYTHON" "$TOOLS/recvtty.py" --pidfd "$WORK/pidfd.sock"
  await_line listening "$WORK/agent"
  launch
  rt exec --detach --pid-file "$WORK/exec.pid" --pidfd-socket "$WORK/pidfd.sock" "$CID" sleep 300 </dev/null >/dev/null 2>&1
  await_line "^name=setns" "$WORK/agent"
  await_line "^Pid:.*$(cat "$WORK/exec.pid")" "$WORK/agent"
}

@test "exec --apparmor and --process-label are errors where the LSM is absent" {
  is_agentsafe || skip "about agentsafe"
  launch
  if [ ! -e /sys/kernel/security/apparmor ]; then
    run_rt exec --apparmor a-profile "$CID" true
    failed 255
    complains "apply AppArmor profile a-profile: this host has no AppArmor"
  fi
  if [ ! -e /sys/fs/selinux/enforce ]; then
    run_rt exec --process-label a:b:c "$CID" true
    failed 255
    complains "apply SELinux label a:b:c: this host has no SELinux"
  fi
}

@test "exec passes descriptors of socket activation on" {
  is_agentsafe || is_runc || skip "as runc"
  launch
  run --separate-stderr bash -c 'exec 3</dev/zero; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"' - \
    "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS exec "$CID" sh -c 'echo $LISTEN_FDS; probe fds' 3>&- 4>&-
  succeeded
  equal 1 "${lines[0]}"
  says "3 /dev/zero"
}

@test "exec joins the session keyring and has the personality of the container" {
  is_crun && skip "not in crun 1.8.1"
  edit '.linux.personality = {domain: "LINUX32"}'
  command_is sh -c 'probe keyring >/tmp/keyring; uname -m >/tmp/machine; exec sleep 1000'
  launch
  eventually test -s "$ROOTFS/tmp/machine"
  in_container probe keyring
  is "$(cat "$ROOTFS/tmp/keyring")"
  is_agentsafe || return 0
  in_container uname -m
  is "$(cat "$ROOTFS/tmp/machine")"
}
