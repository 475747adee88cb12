load helpers

@test "state follows a container through its life" {
  create
  equal created "$(status)"
  start
  equal running "$(status)"
  rt kill "$CID" KILL
  await_status stopped
  equal 0 "$(state_of | jq .pid)"
}

@test "state has the keys of a runc state in its order" {
  create
  if is_agentsafe || is_runc; then
    equal "ociVersion id pid status bundle rootfs created owner" "$(state_of | jq -r 'keys_unsorted | join(" ")')"
  fi
  equal "$BUNDLE" "$(state_of | jq -r .bundle)"
  equal "$ROOTFS" "$(state_of | jq -r .rootfs)"
  equal "$CID" "$(state_of | jq -r .id)"
  equal "" "$(state_of | jq -r .owner)"
  equal "$(pid_of)" "$(state_of | jq .pid)"
}

@test "state is indented by two spaces" {
  is_crun && skip "crun prints other white space"
  create
  run_rt state "$CID"
  succeeded
  equal '  "id": "'"$CID"'",' "$(printf '%s\n' "$output" | sed -n 3p)"
  equal "{" "${lines[0]}"
}

@test "state shows when the container was created, in UTC" {
  create
  local created
  created=$(state_of | jq -r .created)
  [[ $created =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]{1,9})?Z$ ]]
  (( $(date +%s) - $(date -d "$created" +%s) < 60 ))
}

@test "state shows the annotations of config.json" {
  edit '.annotations = {"com.example/key": "a \"quoted\" value\u00e9", "other": ""}'
  create
  equal 'a "quoted" valueé' "$(state_of | jq -r '.annotations["com.example/key"]')"
  equal "" "$(state_of | jq -r '.annotations.other')"
}

@test "state of a missing container fails" {
  run_rt state missing
  failed 1
  silent
  complains "does not exist"
}

@test "state does not take another process with the same pid for the container" {
  is_agentsafe || skip "looks into agentsafe's own state file"
  create
  local file=$ROOT/$CID/state.json
  rt kill "$CID" KILL
  await_status stopped
  # the number now belongs to this shell, which started at another time
  sed -i "s/$(pid_of)/$$/" "$file"
  equal stopped "$(status)"
}

@test "state refuses a policy that the container was not made with" {
  is_agentsafe || skip "agentsafe's own flag"
  create
  run --separate-stderr "$RUNTIME" --root "$ROOT" --policy strict state "$CID"
  failed 1
}

@test "state needs exactly one id" {
  run_rt state
  failed
  run_rt state a b
  failed
}

@test "state ends without a newline, as runc's" {
  is_agentsafe || is_runc || skip "as runc"
  create
  equal 7d "$(rt state "$CID" | tail -c 1 | od -An -tx1 | tr -d ' ')"
}

@test "a container whose process nobody has reaped is stopped" {
  # the process becomes a child of one that does not wait for it
  "$PYTHON" - "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS <<PY >"$WORK/seen" 2>&1
import ctypes, json, os, signal, subprocess, sys, time
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
runtime = sys.argv[1:]
null = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
subprocess.run([*runtime, "create", "--bundle", "$BUNDLE", "--pid-file", "$WORK/pid", "$CID"], check=True, **null)
pid = int(open("$WORK/pid").read())
os.kill(pid, signal.SIGKILL)
for _ in range(200):
    if open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] == "Z":
        break
    time.sleep(0.01)
print(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0])
print(json.loads(subprocess.check_output([*runtime, "state", "$CID"]))["status"])
subprocess.run([*runtime, "delete", "$CID"], check=True, **null)
PY
  equal $'Z\nstopped' "$(cat "$WORK/seen")"
  no_leftovers
}
