load helpers

@test "run prints what the command prints" {
  script 'echo out; echo error >&2'
  run_bundle
  succeeded
  is out
  complains error
}

@test "run ends with the command's exit status" {
  local n
  for n in 0 1 7 42 127 255; do
    script "exit $n"
    run_bundle
    failed $n
  done
}

@test "run ends with 128 plus the signal that killed the command" {
  # process 1 of a pid namespace ignores what it has no handler for: the host sends the signal
  script 'echo up; exec sleep 1000'
  spawn_rt run --bundle "$BUNDLE" --pid-file "$WORK/pid" "$CID"
  await_line up
  kill -KILL "$(pid_of)"
  ends_with 137 "$RUNNER"
}

@test "run deletes the container when it ends" {
  script true
  run_bundle
  succeeded
  no_leftovers
}

@test "run --keep leaves the stopped container" {
  is_crun && skip "crun 1.8.1 spells this differently"
  script true
  run_bundle --keep
  succeeded
  equal stopped "$(status)"
}

@test "run --detach returns while the command runs" {
  launch
  equal running "$(status)"
  kill -0 "$(pid_of)"
}

@test "run passes its standard input on" {
  script 'cat'
  run --separate-stderr bash -c 'printf "one\ntwo" | "$0" --root "$1" $2 run --bundle "$3" "$4"' \
    "$RUNTIME" "$ROOT" "$RUNTIME_FLAGS" "$BUNDLE" "$CID"
  succeeded
  is $'one\ntwo'
}

@test "run loses no output" {
  script 'dd if=/dev/zero bs=65536 count=160 2>/dev/null | tr "\0" x; dd if=/dev/zero bs=65536 count=16 >&2 2>/dev/null'
  rt run --bundle "$BUNDLE" "$CID" </dev/null >"$WORK/out" 2>"$WORK/err"
  equal 10485760 "$(stat -c %s "$WORK/out")"
  equal 1048576 "$(stat -c %s "$WORK/err")"
}

@test "run works with closed standard descriptors" {
  script 'echo x >/tmp/ran'
  rt run --bundle "$BUNDLE" "$CID" <&- >&- 2>&-
  [ -e "$ROOTFS/tmp/ran" ]
}

@test "run forwards signals to the command" {
  command_is probe report-signals
  spawn_rt run --bundle "$BUNDLE" --pid-file "$WORK/pid" "$CID"
  local signal
  await_line ready
  for signal in HUP INT TERM USR1 QUIT CONT; do
    kill -$signal "$RUNNER"
    await_line "got $(kill -l $signal)"
  done
  kill -USR2 "$RUNNER"
  ends_with 7 "$RUNNER"
}

@test "run of a failing bundle leaves nothing" {
  command_is no-such-command
  run_bundle
  failed 1
  no_leftovers
}

@test "run reaps what the command leaves behind" {
  edit 'del(.linux.namespaces[] | select(.type == "pid"))'
  script '(sleep 0.1; exit 3) & (sleep 0.05) & exit 5'
  run_bundle
  failed 5
}

@test "a detached run's command gets no descriptor of its caller" {
  command_is probe fds
  (
    exec 7</etc/hostname 8<"$WORK"
    launch
  )
  await_line "^2 "
  equal 0 "$(grep -cE '^[0-9]+ (/etc|.*'"$WORK"'$)' "$WORK/out" || :)"
  equal 3 "$(wc -l <"$WORK/out")"
}

@test "a command starts with no signal blocked or ignored" {
  command_is probe signals
  bash -c 'trap "" USR1 PIPE HUP; exec "$0" --root "$1" $2 run --bundle "$3" "$4"' \
    "$RUNTIME" "$ROOT" "$RUNTIME_FLAGS" "$BUNDLE" "$CID" </dev/null >"$WORK/out"
  equal "blocked=0 ignored=0" "$(out)"
}

@test "twenty containers run at once" {
  local n pids=()
  script 'echo "$AGENTSAFE_TEST"'
  for n in $(seq 20); do
    mkdir "$WORK/b$n"
    ln -s "$ROOTFS" "$WORK/b$n/link"
    jq --arg r "$ROOTFS" --arg n "$n" '.root = {path: $r, readonly: true} | .linux.cgroupsPath += "-" + $n' \
      "$CONFIG" >"$WORK/b$n/config.json"
    rt run --bundle "$WORK/b$n" "$CID-$n" </dev/null >"$WORK/out$n" 2>&1 &
    pids+=($!)
  done
  for n in "${pids[@]}"; do wait "$n"; done
  for n in $(seq 20); do equal "$CID" "$(cat "$WORK/out$n")"; done
  no_leftovers
}

@test "a user may open its standard streams again where they are pipes" {
  script 'echo one >/dev/stdout; echo two >/dev/stderr; cat /dev/stdin' '.process.user = {uid: 1000, gid: 1000} | .process.capabilities = {}'
  echo three | rt run --bundle "$BUNDLE" "$CID" 2> >(cat >"$WORK/err") | cat >"$WORK/out"
  equal $'one\nthree' "$(out)"
  await_line two "$WORK/err"
  command_is sleep 1000
  launch
  echo four | rt exec --user 1000 "$CID" sh -c 'cat /dev/stdin >/dev/stdout' | cat >"$WORK/out"
  equal four "$(out)"
}

@test "run does not pass SIGURG on" {
  is_crun && skip "crun 1.8.1 does"
  command_is probe report-signals
  spawn_rt run --bundle "$BUNDLE" --pid-file "$WORK/pid" "$CID"
  await_line ready
  kill -URG "$RUNNER"
  kill -TERM "$RUNNER"
  await_line "got 15"
  not file_says "$WORK/out" "got 23"
  kill -USR2 "$RUNNER"
  ends_with 7 "$RUNNER"
}

@test "an orphan becomes a child of run, with --no-subreaper of somebody else" {
  is_crun && skip "not in crun"
  local flag parent
  mkfifo "$ROOTFS/tmp/go"
  script '(sleep 300 </dev/null >/dev/null 2>&1 & echo $! >/tmp/orphan); cat /tmp/go' 'del(.linux.namespaces[] | select(.type == "pid"))'
  for flag in "" --no-subreaper; do
    : >"$ROOTFS/tmp/orphan"
    # shellcheck disable=SC2086 # no argument, or one
    spawn_rt run $flag --bundle "$BUNDLE" "$CID"
    eventually test -s "$ROOTFS/tmp/orphan"
    parent=$(awk '/^PPid/ {print $2}' "/proc/$(cat "$ROOTFS/tmp/orphan")/status")
    if [ -z "$flag" ]; then equal "$RUNNER" "$parent"; else [ "$parent" != "$RUNNER" ]; fi
    echo >"$ROOTFS/tmp/go"
    ends_with 0 "$RUNNER"
    eventually nothing_runs
  done
}

@test "while the program runs, the tables that it has relocated are read-only" {
  is_agentsafe || skip "about agentsafe"
  script 'echo up; exec sleep 1000'
  spawn_rt run --bundle "$BUNDLE" "$CID"
  await_line up
  grep -w "$(readlink "/proc/$RUNNER/exe")" "/proc/$RUNNER/maps" | awk '{print $2}' >"$WORK/maps"
  rt kill "$CID" KILL
  ends_with 137 "$RUNNER"
  equal "r--p" "$(sed -n 1p "$WORK/maps")"
  equal "r-xp" "$(sed -n 2p "$WORK/maps")"
  equal "r--p" "$(sed -n 3p "$WORK/maps")"
}
