# CVE-2025-31133 (runc), CVE-2025-62161 (youki): masks made of a /dev/null that is not one.
# CVE-2025-52565 (runc): the console is mounted from a path of the container.
load cve

# The container's /dev is a folder of the attacker.
evil_dev() {
  mkdir "$WORK/dev"
  echo DECOY >"$WORK/decoy"
  echo SECRET >"$ROOTFS/tmp/secret"
  edit '.mounts |= (map(select(.destination | startswith("/dev") | not)) + [{destination: "/dev", type: "bind", source: $d, options: ["rbind"]}])
    | .linux.maskedPaths = ["/tmp/secret"]' --arg d "$WORK/dev"
}
masked() { # it does not start, or what is masked yields nothing
  [ "$status" -ne 0 ] || [ -z "$output" ] || { show; return 1; }
}

@test "positive control: the mask works with an honest /dev/null" {
  evil_dev
  mknod -m 666 "$WORK/dev/null" c 1 3
  command_is cat /tmp/secret
  run_bundle
  succeeded
  silent
}

@test "CVE-2025-31133: /dev/null as a link, a file, another device or missing does not unmask" {
  evil_dev
  cp "$WORK/decoy" "$ROOTFS/decoy"
  command_is cat /tmp/secret
  ln -s /decoy "$WORK/dev/null"
  run_bundle
  masked
  rm "$WORK/dev/null"
  echo DECOY >"$WORK/dev/null"
  run_bundle
  masked
  rm "$WORK/dev/null"
  run_bundle
  masked
  rm -f "$WORK/dev/null"
  mknod "$WORK/dev/null" c 1 9
  run_bundle
  [ "$status" -ne 0 ] || equal "" "$(tr -d '\0' <<<"$output" 2>/dev/null)"
}

@test "CVE-2025-31133: a /dev/null that is exchanged for a link during the start does not unmask" {
  evil_dev
  cp "$WORK/decoy" "$ROOTFS/decoy"
  mknod -m 666 "$WORK/dev/null" c 1 3
  ln -s /decoy "$WORK/dev/evil"
  command_is cat /tmp/secret
  swap_forever "$WORK/dev/null" "$WORK/dev/evil"
  rounds start_masked
  stop_swapping
}
start_masked() { run_bundle; masked; }

@test "negative control: runc 1.1.5 masks with the attacker's file" {
  require_old runc
  evil_dev
  cp "$WORK/decoy" "$ROOTFS/decoy"
  ln -s /decoy "$WORK/dev/null"
  command_is cat /tmp/secret
  with_old runc run_bundle
  says DECOY || says SECRET
}

@test "a masked path that is a link hides its target, not the link" {
  mkdir "$ROOTFS/real"
  echo SECRET >"$ROOTFS/real/file"
  ln -s ../real/file "$ROOTFS/tmp/link"
  script 'cat /real/file; cat /tmp/link' '.linux.maskedPaths = ["/tmp/link"]'
  run_bundle
  masked
}

@test "a masked path that is a link out of the root touches nothing of the host" {
  make_victim
  ln -s "$VICTIM/file" "$ROOTFS/tmp/link"
  script 'cat /tmp/link' '.linux.maskedPaths = ["/tmp/link"] | .linux.readonlyPaths = ["/tmp/link"]'
  run_bundle
  untouched
  equal original "$(cat "$VICTIM/file")"
}

@test "CVE-2025-52565: the console is the terminal that was sent, whatever lies in the image's /dev" {
  local before
  before=$(host_sysctls)
  rm -rf "$ROOTFS/dev" && mkdir -p "$ROOTFS/dev/pts"
  ln -s /proc/sys/kernel/core_pattern "$ROOTFS/dev/console"
  ln -s /proc/sys/kernel/core_pattern "$ROOTFS/dev/ptmx"
  edit '.mounts |= map(select(.destination | . == "/dev" or . == "/dev/shm" or . == "/dev/mqueue" | not)) | .process.terminal = true
    | .process.args = ["sh", "-c", "stat -L -c %t:%T /dev/console; echo evil >/dev/console"]'
  background agent "$PYTHON" "$TOOLS/recvtty.py" "$WORK/console.sock"
  await_line listening "$WORK/agent"
  if launch --console-socket "$WORK/console.sock"; then await_line "^> 88:" "$WORK/agent"; fi
  equal "$before" "$(host_sysctls)"
}

@test "CVE-2025-52565: /dev/pts/0 that is exchanged during the start does not become the console" {
  local before
  before=$(host_sysctls)
  mkdir "$WORK/dev" "$WORK/dev/pts" "$WORK/dev/other"
  ln -s /proc/sys/kernel/core_pattern "$WORK/dev/other/0"
  touch "$WORK/dev/pts/0"
  edit '.mounts |= (map(select(.destination | startswith("/dev") | not)) + [{destination: "/dev", type: "bind", source: $d, options: ["rbind"]},
    {destination: "/dev/pts", type: "devpts", source: "devpts", options: ["newinstance", "ptmxmode=0666"]}]) | .process.terminal = true
    | .process.args = ["sh", "-c", "echo evil >/dev/console"]' --arg d "$WORK/dev"
  background agent "$PYTHON" "$TOOLS/recvtty.py" --count 100000 "$WORK/console.sock"
  local agent=$HELPER
  await_line listening "$WORK/agent"
  swap_forever "$WORK/dev/pts" "$WORK/dev/other"
  ROUNDS=40 rounds console_round
  stop_swapping
  kill "$agent"
  equal "$before" "$(host_sysctls)"
}
console_round() {
  timeout 5 "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS run --detach --console-socket "$WORK/console.sock" --bundle "$BUNDLE" "$CID" </dev/null >/dev/null 2>&1 3>&- 4>&- || :
  rt delete --force "$CID" >/dev/null 2>&1 || :
}
