# Races between callers of the runtime, and a runtime that is killed at any moment: nothing is left, nothing is done twice.
load cve

@test "two creates of one id: one wins, the other leaves the winner alone" {
  command_is sleep 1000
  rounds two_creates
}
two_creates() {
  local first second a=0 b=0
  rt create --bundle "$BUNDLE" "$CID" </dev/null >/dev/null 2>&1 &
  first=$!
  rt create --bundle "$BUNDLE" "$CID" </dev/null >/dev/null 2>&1 &
  second=$!
  wait "$first" || a=$?
  wait "$second" || b=$?
  [ $((a == 0)) -ne $((b == 0)) ] || { echo "statuses $a and $b"; return 1; }
  equal created "$(status)" && rt delete --force "$CID"
}

@test "a create that is killed at any moment leaves nothing that delete --force does not remove" {
  is_agentsafe || skip "others leave cgroups and mounts"
  command_is sleep 1000
  DELAY=0
  rounds killed_create
  no_leftovers
}
killed_create() {
  "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS create --bundle "$BUNDLE" "$CID" </dev/null >/dev/null 2>&1 3>&- 4>&- &
  local creator=$!
  DELAY=$(((DELAY + 7) % 40))
  sleep "0.0$(printf %02d $DELAY)"
  kill -KILL "$creator" 2>/dev/null || :
  wait "$creator" 2>/dev/null || :
  rt delete --force "$CID" && no_leftovers
}

@test "a start that is killed at any moment leaves a container that delete --force removes" {
  is_agentsafe || skip "others leave cgroups and mounts"
  command_is sleep 1000
  DELAY=0
  rounds killed_start
}
killed_start() {
  create || return
  "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS start "$CID" </dev/null >/dev/null 2>&1 3>&- 4>&- &
  local starter=$!
  DELAY=$(((DELAY + 1) % 10))
  sleep "0.00$DELAY"
  kill -KILL "$starter" 2>/dev/null || :
  wait "$starter" 2>/dev/null || :
  rt delete --force "$CID" && no_leftovers
}

@test "delete while start runs: the container is gone or runs, and nothing is between" {
  is_agentsafe || skip "others answer differently"
  command_is sleep 1000
  rounds delete_against_start
  no_leftovers
}
delete_against_start() {
  create || return
  rt start "$CID" </dev/null >/dev/null 2>&1 &
  local starter=$!
  rt delete --force "$CID" >/dev/null 2>&1 || { echo "delete --force failed"; return 1; }
  wait "$starter" || :
  rt delete --force "$CID"
}

@test "kill while the command ends answers that it runs or that it does not" {
  script 'exit 0'
  rounds kill_against_exit
}
kill_against_exit() {
  create || return
  start || :
  run_rt kill "$CID" TERM
  [ "$status" -eq 0 ] || [[ $stderr == *"not running"* || $stderr == *"already finished"* || $stderr == *"no such process"* ]] || { show; return 1; }
  rt delete --force "$CID"
}

@test "exec while process 1 ends does not hang and leaves nothing" {
  script 'sleep 0.02'
  rounds exec_against_exit
  no_leftovers
}
exec_against_exit() {
  create && start || return
  timeout 10 "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS exec "$CID" true </dev/null >/dev/null 2>&1 3>&- 4>&- || [ $? -ne 124 ] || return
  rt delete --force "$CID"
}

@test "no file of the state may be read or written by others" {
  create
  equal "" "$(find "$ROOT" -mindepth 1 -type f -perm /077)"
  equal "" "$(find "$ROOT" -mindepth 0 -type d -perm /066)"
}

@test "the state holds no value of the container's environment" {
  is_agentsafe || skip "others keep the whole config"
  edit '.process.env += ["TOKEN=secret-value-4711"]'
  create
  [ -z "$(grep -rl secret-value-4711 "$ROOT")" ] || equal "" "$(find "$ROOT" -type f -perm /077)"
}
