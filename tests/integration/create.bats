load helpers

@test "create leaves a container that waits to be started" {
  script 'echo ran >/tmp/ran'
  create
  equal created "$(status)"
  [ ! -e "$ROOTFS/tmp/ran" ]
  kill -0 "$(pid_of)"
}

@test "create prints nothing when it succeeds" {
  create
  equal "" "$(out)$(err)"
}

@test "create writes the host pid without a newline into the pid file" {
  create
  equal "$(state_of | jq -j .pid)" "$(cat "$WORK/pid")"
  equal 0 "$(tr -d 0-9 <"$WORK/pid" | wc -c)"
}

@test "create refuses an id that is taken" {
  create
  run_rt create --bundle "$BUNDLE" "$CID"
  failed 1
  complains "container with given ID already exists"
}

@test "create refuses bad ids" {
  local id
  for id in "" . .. a/b ../x 'a b' 'a$b' "$(printf 'a%.0s' $(seq 1025))"; do
    run_rt create --bundle "$BUNDLE" "$id"
    failed
    [ ! -e "$ROOT" ] || equal "" "$(find "$ROOT" -mindepth 1 -maxdepth 1 ! -name '.*')"
  done
  run_rt create --bundle "$BUNDLE" 'a b'
  failed 1
  complains "invalid container ID format"
  is_agentsafe || return 0
  for id in .agentsafe .agentsafe-x "$(printf 'a%.0s' $(seq 256))" $'a\n' é; do
    run_rt create --bundle "$BUNDLE" "$id"
    refuses_briefly || { echo "accepted $id"; return 1; }
    complains "invalid container ID format"
  done
  run_rt create --bundle "$BUNDLE" -- -x
  refuses_briefly
  complains "invalid container ID format"
  rt create --bundle "$BUNDLE" "$(printf 'a%.0s' $(seq 255))" </dev/null >"$WORK/out" 2>&1
}

@test "create accepts every character an id may have" {
  local id="a_B+c.d-9.$CID"
  rt create --bundle "$BUNDLE" "$id" </dev/null >"$WORK/out" 2>&1
  equal created "$(status "$id")"
}

@test "create without an id or with two fails" {
  run_rt create --bundle "$BUNDLE"
  failed
  run_rt create --bundle "$BUNDLE" "$CID" another
  failed
}

@test "create takes the bundle from the current folder when none is given" {
  (cd "$BUNDLE" && rt create "$CID" </dev/null >"$WORK/out" 2>&1)
  equal "$BUNDLE" "$(state_of | jq -r .bundle)"
}

@test "create takes empty values as if they were not given" {
  is_agentsafe || is_runc || skip "as runc"
  cd "$BUNDLE"
  run_rt create --bundle "" --pid-file= --console-socket "" "$CID"
  succeeded
  [ "$(status)" = created ]
}

@test "errors of what comes after config.json begin as runc's do" {
  is_agentsafe || is_runc || skip "as runc"
  command_is no-such-command
  run_bundle
  complains 'unable to start container process: '
  edit '.mounts += [{destination: "/tmp", type: "nosuchfs", source: "x"}]'
  run_bundle
  complains 'error mounting \"x\" to rootfs at \"/tmp\": '
  edit '.mounts = .mounts[:-1] | .process.args = ["sleep", "1000"]'
  launch
  run_rt exec "$CID" no-such-command
  complains 'exec failed: unable to start container process: '
}

@test "create resolves a relative bundle and pid file before it moves" {
  (cd "$WORK" && rt create --bundle bundle --pid-file relative.pid "$CID" </dev/null >"$WORK/out" 2>&1)
  equal "$BUNDLE" "$(state_of | jq -r .bundle)"
  equal "$(state_of | jq -r .pid)" "$(cat "$WORK/relative.pid")"
}

@test "create of a missing bundle fails and leaves nothing" {
  run_rt create --bundle "$WORK/none" "$CID"
  failed 1
  no_leftovers
}

@test "create fails for a missing command, in words that callers understand, and leaves nothing" {
  command_is no-such-command
  run_rt create --bundle "$BUNDLE" "$CID"
  failed 1
  complains 'executable file not found in $PATH'
  no_leftovers
}

@test "create says no such file or directory for a missing absolute command" {
  command_is /no/such/command
  run_rt create --bundle "$BUNDLE" "$CID"
  failed 1
  complains "no such file or directory"
  no_leftovers
}

@test "create fails for a command that is a directory or may not be executed" {
  command_is /etc
  run_rt create --bundle "$BUNDLE" "$CID"
  failed 1
  complains '/etc'
  is_runc || is_crun || complains 'exec: \"/etc\": is a directory'
  command_is /etc/passwd
  run_rt create --bundle "$BUNDLE" "$CID"
  failed 1
  complains "permission denied"
  no_leftovers
}

@test "create keeps its own copy of config.json" {
  script 'echo original'
  create
  script 'echo changed'
  start
  await_line original
}

@test "create with an unwritable pid file leaves nothing" {
  run_rt create --bundle "$BUNDLE" --pid-file "$WORK/none/pid" "$CID"
  failed 1
  no_leftovers
}

@test "create may be told twice of different ids on one bundle" {
  create
  edit '.linux.cgroupsPath += "-b"'
  rt create --bundle "$BUNDLE" "$CID-b" </dev/null >"$WORK/out-b" 2>&1
  equal created "$(status "$CID-b")"
}

@test "a created container runs in the cgroup it was given" {
  create
  grep -q "/$CID\$" "/proc/$(pid_of)/cgroup"
}

@test "a killed create leaves nothing that delete --force does not remove" {
  script 'sleep 1000' '.hooks = {createRuntime: [{path: "/bin/sleep", args: ["sleep", "987"]}]}'
  spawn_rt create --bundle "$BUNDLE" "$CID"
  eventually pgrep -f "^sleep 987\$" >/dev/null
  local hook
  hook=$(pgrep -f "^sleep 987\$" | head -n 1)
  kill -KILL "$RUNNER"
  ends_with 137 "$RUNNER"
  kill -KILL "$hook" 2>/dev/null || :
  run_rt delete --force "$CID"
  succeeded
  no_leftovers
}

@test "at created no descriptor of the host is open in the container's process" {
  create
  local fd target
  for fd in $(ls "/proc/$(pid_of)/fd"); do
    target=$(readlink "/proc/$(pid_of)/fd/$fd")
    [ ! -d "/proc/$(pid_of)/fd/$fd" ] || on_host_mount "$(pid_of)" "$fd" || continue
    case $target in
      /dev/null | pipe:* | socket:* | anon_inode:* | "$WORK"/out | "$WORK"/err | *exec.fifo* | /memfd:* | /proc* ) ;;
      *) echo "unexpected descriptor: $target" >&2; return 1 ;;
    esac
  done
}

@test "create on a cgroup with processes in it fails" {
  is_agentsafe || skip "other runtimes join it"
  on_cgroup_v2 || require_v1_controller pids
  mkdir "$(cgroup_dir pids)"
  occupy "$(cgroup_dir pids)"
  run_rt create --bundle "$BUNDLE" "$CID"
  vacate
  eventually rmdir "$(cgroup_dir pids)"
  failed 1
  complains "cgroup is not empty"
}

@test "a created container outlives create, every time" {
  local round
  for round in $(seq 1 $((ROUNDS / 10))); do
    rt create --bundle "$BUNDLE" "$CID" </dev/null >"$WORK/out" 2>&1
    equal created "$(rt state "$CID" | jq -r .status)"
    rt delete --force "$CID"
  done
}

@test "create refuses a frozen cgroup" {
  is_agentsafe || skip "others hang or start frozen"
  on_cgroup_v2 || require_v1_controller freezer
  local dir
  dir=$(cgroup_dir freezer)
  mkdir "$dir"
  if on_cgroup_v2; then echo 1 >"$dir/cgroup.freeze"; else echo FROZEN >"$dir/freezer.state"; fi
  run_rt create --bundle "$BUNDLE" "$CID"
  rmdir "$dir"
  refuses_briefly
  complains "container's cgroup unexpectedly frozen"
  no_leftovers
}

@test "the pid file replaces what is there, and follows no link" {
  echo untouched >"$WORK/target"
  ln -s target "$WORK/pid"
  create
  equal untouched "$(cat "$WORK/target")"
  equal "$(state_of | jq -j .pid)" "$(cat "$WORK/pid")"
  equal "" "$(find "$WORK" -maxdepth 1 -name '.*' -type f)"
}

@test "a caller that is stopped and continued all the time gets its container all the same" {
  # SIGCONT ends poll(2) and its kin with EINTR, though nobody handles it
  script 'exit 7'
  "$PYTHON" - "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS <<PY
import os, signal, subprocess, sys, time
def disturbed(*arguments):
    child = subprocess.Popen([*sys.argv[1:], *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open("$WORK/err", "a"))
    while child.poll() is None:
        for number in (signal.SIGSTOP, signal.SIGCONT):
            child.send_signal(number)
            time.sleep(0.0005)
    return child.returncode
for _ in range(10):
    assert disturbed("create", "--bundle", "$BUNDLE", "$CID") == 0, open("$WORK/err").read()
    assert disturbed("exec", "$CID", "sh", "-c", "exit 3") == 3, open("$WORK/err").read()
    assert disturbed("start", "$CID") == 0, open("$WORK/err").read()
    assert disturbed("delete", "--force", "$CID") == 0, open("$WORK/err").read()
    assert disturbed("run", "--bundle", "$BUNDLE", "$CID") == 7, open("$WORK/err").read()
PY
  no_leftovers
}

@test "create takes --detach, which changes nothing" {
  is_agentsafe || skip "containerd's old callers"
  create --detach
  equal created "$(status)"
}
