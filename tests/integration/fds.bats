load helpers

run_with_fds() { # REDIRECTIONS as text, then arguments of run
  local redirections=$1
  shift
  run --separate-stderr bash -c "exec $redirections; exec \"\$@\"" - "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS run --bundle "$BUNDLE" "$@" "$CID" 3>&- 4>&-
}

@test "only the standard descriptors reach the command" {
  command_is probe fds
  run_with_fds '5</etc/hostname 9</etc 200</'
  succeeded
  equal 3 "${#lines[@]}"
}

@test "--preserve-fds passes that many after the standard ones" {
  command_is sh -c 'probe fds; cat <&3'
  echo marker >"$WORK/marker"
  run_with_fds "3<$WORK/marker 4</dev/null 5</dev/null" --preserve-fds 2
  succeeded
  says marker
  says "4 /dev/null"
  [[ $output != *$'\n5 '* ]]
}

@test "--preserve-fds fails when one of them is closed" {
  is_agentsafe || skip "others take a descriptor of their own for it"
  command_is true
  run_with_fds "3</dev/null 4<&-" --preserve-fds 2
  failed 1
  no_leftovers
}

@test "socket activation passes descriptors and sets LISTEN_FDS and LISTEN_PID" {
  command_is sh -c 'echo "$LISTEN_FDS $LISTEN_PID"; probe fds'
  run --separate-stderr bash -c 'exec 3</dev/null 4</dev/zero; LISTEN_FDS=2 LISTEN_PID=$$ exec "$@"' - \
    "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS run --bundle "$BUNDLE" "$CID" 3>&- 4>&-
  succeeded
  says "2 1"
  says "3 /dev/null"
  says "4 /dev/zero"
}

@test "LISTEN_FDS of another process is ignored" {
  is_agentsafe || skip "others do not look at LISTEN_PID"
  command_is sh -c 'echo "[$LISTEN_FDS]"; probe fds'
  run --separate-stderr bash -c 'exec 3</dev/null; LISTEN_FDS=1 LISTEN_PID=1 exec "$@"' - \
    "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS run --bundle "$BUNDLE" "$CID" 3>&- 4>&-
  succeeded
  says "[]"
  equal 4 "${#lines[@]}"
}

@test "descriptors of socket activation come before preserved ones" {
  is_agentsafe || is_runc || skip "runc's order"
  command_is probe fds
  run --separate-stderr bash -c 'exec 3</dev/null 4</dev/zero; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"' - \
    "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS run --preserve-fds 1 --bundle "$BUNDLE" "$CID" 3>&- 4>&-
  succeeded
  says "3 /dev/null"
  says "4 /dev/zero"
  equal 5 "${#lines[@]}"
}

@test "--pidfd-socket receives a descriptor of the container's process" {
  is_agentsafe || skip "newer than other runtimes"
  background agent "$PYTHON" "$TOOLS/recvtty.py" --pidfd "$WORK/pidfd.sock"
  await_line listening "$WORK/agent"
  create --pidfd-socket "$WORK/pidfd.sock"
  await_line "^name=standard" "$WORK/agent"
  await_line "^Pid:.*$(pid_of)" "$WORK/agent"
}
