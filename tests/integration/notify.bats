load helpers

notify_listener() {
  background notified "$PYTHON" -c 'import array, os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); print("listening", flush=True)
while True:
    data, ancillary, _, _ = s.recvmsg(4096, socket.CMSG_SPACE(16)); print(repr(data), len(ancillary), flush=True)
    for _, _, fds in ancillary:
        for fd in array.array("i", fds): os.close(fd)' "$WORK/notify.sock"
  await_line listening "$WORK/notified"
}

@test "READY=1 of the container is passed on with its host pid" {
  is_crun && skip "crun 1.8.1 does this otherwise"
  script 'echo $NOTIFY_SOCKET; probe notify READY=1; sleep 1000'
  notify_listener
  NOTIFY_SOCKET=$WORK/notify.sock spawn_rt run --detach --bundle "$BUNDLE" --pid-file "$WORK/pid" "$CID"
  await_line READY=1 "$WORK/notified"
  ends_with 0 "$RUNNER"
  await_line "MAINPID=$(pid_of)" "$WORK/notified"
  is_agentsafe || return 0
  await_line "^/run/notify/notify.sock"
  await_line "BARRIER=1' 1" "$WORK/notified"
}

@test "create and start with NOTIFY_SOCKET wait for the container to be ready" {
  is_agentsafe || is_runc || skip "runc's behaviour"
  script 'probe notify "READY=1"; sleep 1000'
  notify_listener
  NOTIFY_SOCKET=$WORK/notify.sock create
  NOTIFY_SOCKET=$WORK/notify.sock timeout 20 "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS start "$CID" 3>&- 4>&-
  await_line READY=1 "$WORK/notified"
}

@test "a container that ends without a word does not hang its caller" {
  is_agentsafe || is_runc || skip "runc's behaviour"
  script true
  notify_listener
  NOTIFY_SOCKET=$WORK/notify.sock create
  NOTIFY_SOCKET=$WORK/notify.sock timeout 20 "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS start "$CID" 3>&- 4>&- || [ $? -ne 124 ]
}

@test "without NOTIFY_SOCKET nothing is mounted" {
  script 'echo "[$NOTIFY_SOCKET]"; ls /run'
  run_bundle
  is "[]"
}

@test "a link of the image in the place of /run/notify is not followed to the host" { # CVE-2025-24965 and its kin
  is_agentsafe || is_runc || skip "runc's behaviour"
  mkdir "$WORK/victim"
  rm -rf "$ROOTFS/run"
  ln -s "../../../../../../../../..$WORK/victim" "$ROOTFS/run"
  script 'echo $NOTIFY_SOCKET; exec sleep 1000'
  notify_listener
  NOTIFY_SOCKET=$WORK/notify.sock run_rt create --bundle "$BUNDLE" "$CID"
  equal "" "$(ls -A "$WORK/victim")"
  rt delete --force "$CID"
  equal "" "$(ls -A "$WORK/victim")"
}
