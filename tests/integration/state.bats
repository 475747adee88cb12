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
  rt kill "$CID" KILL
  await_status stopped
  # the number now belongs to this shell, which started at another time
  rewrite_state '.pid = $shell' --argjson shell $$
  equal stopped "$(status)"
  run_rt kill "$CID" KILL
  failed 1
  complains "container not running"
}

@test "state does not take another process with the same pid and start time for the container" {
  is_agentsafe || skip "looks into agentsafe's own state file"
  require_kernel 6.9 # pidfds with inodes of their own
  create
  equal created "$(status)"
  rewrite_state '.pidfdInode += 1'
  equal stopped "$(status)"
  rewrite_state '.pidfdInode -= 1'
  equal created "$(status)"
}

# --- a record that cannot be believed (security.md rule 16) ---------------------------------------------------------
# The pid in the record is that of a process of ours, which must live on whatever is asked of the container.
bystander() {
  sleep 50 3>&- 4>&- &
  BYSTANDER=$!
  HELPERS="${HELPERS:-} $!"
  rewrite_state '.pid = $pid | .startTime = $start | .pidfdInode = $inode' --argjson pid "$BYSTANDER" \
    --argjson start "$(awk '{print $22}' "/proc/$BYSTANDER/stat")" \
    --argjson inode "$("$PYTHON" -c 'import os, sys; print(os.fstat(os.pidfd_open(int(sys.argv[1]))).st_ino)' "$BYSTANDER")"
}
lives() { kill -0 "$BYSTANDER" && [ "$(awk '/^State/ {print $2}' "/proc/$BYSTANDER/status")" != Z ]; }
# What has no record anywhere, so that the runtime cannot end it.
end_unrecorded() {
  kill -KILL "$(pid_of)"
  eventually gone "$(pid_of)"
}
each_verb() { # COMMAND, with the words of a verb behind it
  local verb
  echo '{"pids": {"limit": 9}}' >"$WORK/resources"
  for verb in "start $CID" "exec $CID true" "kill $CID KILL" "pause $CID" "resume $CID" "ps $CID" "events --stats $CID" \
    "update --resources $WORK/resources $CID" "checkpoint --image-path $WORK/images $CID"; do
    # shellcheck disable=SC2086 # words
    "$@" $verb || { echo "at $verb" >&2; return 1; }
  done
}
refuses_damage() {
  run_rt "$@"
  refuses_briefly
  complains "$ROOT/$CID/state.json: the state is damaged"
  complains "delete --force"
  lives
}
damage() { # a script that changes the file; positive control: it is as believed before as it is refused afterwards
  create
  end_unrecorded
  bystander
  equal created "$(status)"
  "$@" "$ROOT/$CID/state.json"
}

@test "a record whose checksum does not fit is refused by every verb" {
  is_agentsafe || skip "looks into agentsafe's own state file"
  damage sed -i 's/"ownPidNamespace":true/"ownPidNamespace":false/'
  refuses_damage state "$CID"
  refuses_damage delete "$CID"
  each_verb refuses_damage
  run_rt delete --force "$CID"
  succeeded
  complains damaged
  lives
  no_leftovers
}

@test "a record that is cut off, empty, without a checksum or with another one is refused and removed with --force" {
  is_agentsafe || skip "looks into agentsafe's own state file"
  local change
  for change in 'truncate -s -1' 'truncate -s 300' 'truncate -s 40' 'truncate -s 0' 'sed -i s/"checksum":"[0-9a-f]*",//' \
    'sed -i s/"checksum":"/&0/' 'sed -i s/"checksum":"[0-9a-f]*"/"checksum":"0000000000000000"/' 'sed -i s/^/\x20/' 'sed -i s/$/\x20/'; do
    damage $change
    refuses_damage state "$CID"
    refuses_damage kill "$CID" KILL
    refuses_damage delete "$CID"
    run_rt delete --force "$CID"
    succeeded
    lives
    no_leftovers
    kill "$BYSTANDER"
  done
}

@test "list shows the others and says which record is damaged" {
  is_agentsafe || skip "looks into agentsafe's own state file"
  damage truncate -s -1
  new_bundle "$WORK/other" "$CID-other"
  rt create --bundle "$WORK/other" "$CID-other" </dev/null >"$WORK/out" 2>&1
  run_rt list --quiet
  succeeded
  run_rt list --format json
  succeeded
  equal "$CID-other" "$(jq -r '.[].id' <<<"$output")"
  complains "load container $CID: "
  complains damaged
  rt delete --force "$CID-other"
  rt delete --force "$CID"
}

@test "a record and a config.json that are both unreadable are removed with --force" {
  is_agentsafe || skip "looks into agentsafe's own state file"
  create
  local pid
  pid=$(pid_of)
  truncate -s 0 "$ROOT/$CID/state.json" "$ROOT/$CID/config.json"
  run_rt delete --force "$CID"
  succeeded
  [ ! -e "$ROOT/$CID" ]
  # nothing says where its cgroup is: that it is left is told
  complains "its cgroup is left"
  kill -KILL "$pid"
  eventually gone "$pid"
  eventually sweep_cgroups
}

@test "a record of the version before is refused, and removed with --force" {
  is_agentsafe || skip "looks into agentsafe's own state file"
  create
  jq -c 'del(.checksum, .bootId, .pidfdInode) | .version = 1' "$ROOT/$CID/state.json" >"$WORK/old"
  cp "$WORK/old" "$ROOT/$CID/state.json"
  run_rt state "$CID"
  refuses_briefly
  complains "version 1"
  complains "delete --force"
  run_rt delete --force "$CID"
  succeeded
  no_leftovers
}

refuses_as_ended() {
  run_rt "$@"
  case $1 in
    ps) succeeded ;;
    *)
      refuses_briefly
      complains "made before this machine was started; delete it"
      ;;
  esac
  lives
}
reboot() { rewrite_state '.bootId = "00000000-0000-4000-8000-000000000000"'; }

@test "a container of another boot is stopped: no verb reaches the process that has its pid now" {
  is_agentsafe || skip "looks into agentsafe's own state file"
  damage true
  reboot
  equal stopped "$(status)"
  equal 0 "$(state_of | jq .pid)"
  run_rt list
  says stopped
  each_verb refuses_as_ended
  run_rt delete "$CID"
  succeeded
  lives
  no_leftovers
}

@test "delete of a container of another boot leaves a cgroup that is in use now" {
  is_agentsafe || skip "looks into agentsafe's own state file"
  local force
  for force in "" --force; do
    script 'sleep 1000' '.linux.namespaces |= map(select(.type != "pid"))'
    create
    reboot
    run_rt kill "$CID" KILL
    failed 1
    # shellcheck disable=SC2086 # a word or none
    run_rt delete $force "$CID"
    succeeded
    [ ! -e "$ROOT/$CID" ]
    kill -0 "$(pid_of)"
    grep -q "$CID" "/proc/$(pid_of)/cgroup"
    end_unrecorded
    eventually sweep_cgroups
  done
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
