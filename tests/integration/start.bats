load helpers

@test "start runs the user's command" {
  script 'echo hello; echo oops >&2'
  create
  start
  await_line hello
  await_line oops "$WORK/err"
}

@test "start prints nothing when it succeeds" {
  create
  run_rt start "$CID"
  succeeded
  silent
  equal "" "$stderr"
}

@test "start of a missing container fails" {
  run_rt start missing
  failed 1
  complains "does not exist"
}

@test "start of a running container fails" {
  launch
  run_rt start "$CID"
  failed 1
  complains "cannot start an already running container"
  equal running "$(status)"
}

@test "start of a stopped container fails" {
  script true
  launch
  await_status stopped
  run_rt start "$CID"
  failed 1
  complains "cannot start a container that has stopped"
}

@test "start of a container whose process was killed before does not hang" {
  create
  kill -KILL "$(pid_of)"
  eventually gone "$(pid_of)"
  run_rt start "$CID"
  failed 1
}

@test "start reports a command that vanished after create" {
  is_agentsafe || skip "other runtimes report success here"
  cp "$ROOTFS/bin/busybox" "$ROOTFS/bin/vanishing"
  command_is /bin/vanishing true
  create
  rm "$ROOTFS/bin/vanishing"
  run_rt start "$CID"
  failed 1
}

@test "the command's stdin stdout and stderr are those of create" {
  script 'cat; echo error >&2'
  echo input | rt create --bundle "$BUNDLE" --pid-file "$WORK/pid" "$CID" >"$WORK/out" 2>"$WORK/err"
  start
  await_line input
  await_line error "$WORK/err"
}

@test "start removes the fifo that create waits on" {
  create
  start
  equal "" "$(find "$ROOT" -type p)"
}
