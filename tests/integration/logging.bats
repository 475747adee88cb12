load helpers

@test "an error goes to stderr as one logrus line when there is no --log" {
  is_crun && skip "crun prints bare text"
  run_rt state missing
  failed 1
  [[ $stderr =~ ^time=\"[0-9]{4}-[0-9]{2}-[0-9]{2}T[^\"]+\"\ level=error\ msg=\".*\"$ ]]
}

@test "with --log json the error is one object in the file and bare text on stderr" {
  is_crun && skip "crun has other words"
  run_rt --log "$WORK/log.json" --log-format json state missing
  failed 1
  equal 1 "$(wc -l <"$WORK/log.json")"
  equal error "$(jq -r .level "$WORK/log.json")"
  [[ $(jq -r .time "$WORK/log.json") =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(Z|[+-][0-9:]{5}|\.[0-9]+Z)$ ]]
  jq -r .msg "$WORK/log.json" | grep -q "does not exist"
  is_agentsafe || return 0
  complains "does not exist"
  equal "$(jq -r .msg "$WORK/log.json")" "$stderr"
}

@test "the log file is appended to" {
  run_rt --log "$WORK/log" state missing
  run_rt --log "$WORK/log" state missing
  equal 2 "$(wc -l <"$WORK/log")"
}

@test "success writes nothing into the log" {
  script true
  run_rt --log "$WORK/log" --log-format json run --bundle "$BUNDLE" "$CID"
  succeeded
  [ ! -s "$WORK/log" ] || { cat "$WORK/log"; return 1; }
}

@test "--debug tells each step of runtime and init, and the place in the sources" {
  is_crun && skip "not in crun"
  script true
  run_rt --debug --log "$WORK/log" --log-format json run --bundle "$BUNDLE" "$CID"
  succeeded
  equal 0 "$(jq -c 'select((.level and .time and .msg and .file and .func) | not)' "$WORK/log" | wc -l)"
  equal '"debug"' "$(jq -c .level "$WORK/log" | sort -u)"
  is_agentsafe || return 0
  jq -r .file "$WORK/log" | grep -qE '^runtime/container/create.cpp:[0-9]+$'
  jq -r .msg "$WORK/log" | grep -qx 'init: become the user'
  run_rt --debug exec missing true
  failed 255
  complains ' func=run_program file="runtime/cli/program.cpp:'
}

@test "without --debug no line has a place" {
  is_crun && skip "not in crun"
  run_rt --log "$WORK/log" --log-format json state missing
  equal '["level","msg","time"]' "$(jq -c keys "$WORK/log")"
}

@test "text with quotes and control characters stays one line" {
  is_agentsafe || skip "about agentsafe"
  run_rt --log "$WORK/log.json" --log-format json state $'a"b\nc\x01'
  failed 1
  equal 1 "$(wc -l <"$WORK/log.json")"
  jq -e . "$WORK/log.json" >/dev/null
}

@test "an unknown log format and an unwritable log are errors" {
  run_rt --log-format yaml list
  failed 1
  run_rt --log "$WORK/none/log" list
  failed 1
}

# A datagram socket in the place of the service's, in a mount namespace of its own; then `state missing`.
says_to() { # SOCKET --log=VALUE
  unshare -m "$PYTHON" - "$@" "$RUNTIME" --root "$ROOT" <<'PY' >"$WORK/said" 2>"$WORK/said.err"
import os, socket, subprocess, sys
path, log, runtime = sys.argv[1], sys.argv[2], sys.argv[3:]
folder = os.path.dirname(path)
above = "/" + folder.split("/")[1]
subprocess.run(["mount", "-t", "tmpfs", "none", above], check=True)
os.makedirs(folder, exist_ok=True)
os.mknod("/dev/null", 0o20666, os.makedev(1, 3)) if above == "/dev" else None
there = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
there.bind(path)
there.settimeout(5)
print(subprocess.run([runtime[0], log, *runtime[1:], "state", "missing"], stdin=there, stderr=sys.stderr).returncode)
print(there.recv(65536).decode())
PY
}

@test "--log=journald:NAME and syslog:NAME go to the service's socket" {
  is_agentsafe || skip "about agentsafe"
  says_to /run/systemd/journal/socket --log=journald:mine
  equal 1 "$(head -n 1 "$WORK/said")"
  grep -q '^MESSAGE=.*does not exist' "$WORK/said"
  grep -q '^PRIORITY=3$' "$WORK/said"
  grep -q '=mine$' "$WORK/said"
  says_to /dev/log --log=syslog:mine
  equal 1 "$(head -n 1 "$WORK/said")"
  grep -qE '^<[0-9]+>.*mine.*does not exist' "$WORK/said"
  grep -q "does not exist" "$WORK/said.err"
}

@test "--log-level=error leaves warnings out" {
  is_agentsafe || skip "about agentsafe"
  edit '.process.capabilities.bounding += ["CAP_NO_SUCH"] | .process.args = ["true"]'
  run_bundle
  succeeded
  complains "level=warning"
  run_rt --log-level error run --bundle "$BUNDLE" "$CID"
  succeeded
  equal "" "$stderr"
}
