load helpers

@test "masked files are empty and cannot be written" {
  echo secret >"$ROOTFS/tmp/secret"
  script 'cat /tmp/secret; stat -c %F:%t:%T /tmp/secret' '.linux.maskedPaths += ["/tmp/secret"]'
  run_bundle
  succeeded
  is "character special file:1:3"
  equal secret "$(cat "$ROOTFS/tmp/secret")"
}

@test "masked folders are empty and read-only" {
  mkdir "$ROOTFS/secrets"
  touch "$ROOTFS/secrets/one"
  script 'ls -A /secrets; touch /secrets/x || echo refused' '.linux.maskedPaths += ["/secrets"]'
  run_bundle
  is refused
}

@test "masked paths that do not exist are passed over, and the same one twice is fine" {
  mkdir "$ROOTFS/secrets"
  command_is echo ran
  edit '.linux.maskedPaths += ["/no/such", "/secrets", "/secrets"]'
  run_bundle
  succeeded
  is ran
}

@test "a masked path that is a symbolic link hides what it points to" {
  mkdir "$ROOTFS/real"
  echo secret >"$ROOTFS/real/file"
  ln -s /real/file "$ROOTFS/link"
  script 'cat /real/file /link' '.linux.maskedPaths += ["/link"]'
  run_bundle
  silent
}

@test "many masked folders share one file system" {
  is_agentsafe || skip "newer than other runtimes"
  local n
  for n in $(seq 20); do mkdir "$ROOTFS/m$n"; done
  script 'for n in $(seq 20); do stat -c %d /m$n; done | sort -u | wc -l' '.linux.maskedPaths += [range(1; 21) | "/m\(.)"]'
  run_bundle
  succeeded
  is 1
}

@test "readonly paths can be read and not written" {
  mkdir "$ROOTFS/data"
  echo text >"$ROOTFS/data/file"
  script 'cat /data/file; touch /data/new || echo refused; echo x >/data/file || echo refused' '.linux.readonlyPaths += ["/data"]'
  run_bundle
  is $'text\nrefused\nrefused'
}

@test "readonly paths that do not exist are passed over" {
  command_is echo ran
  edit '.linux.readonlyPaths += ["/no/such"]'
  run_bundle
  succeeded
}

@test "a readonly path keeps the flags that its mount had" {
  command_is awk '$5 == "/proc/sys" {print $6}' /proc/self/mountinfo
  edit '(.mounts[] | select(.destination == "/proc")).options = ["nosuid", "nodev", "noexec"]'
  run_bundle
  succeeded
  [[ ,$output, == *,ro,* && ,$output, == *,nosuid,* && ,$output, == *,nodev,* && ,$output, == *,noexec,* ]]
}

@test "the dangerous files of proc are protected" {
  script 'echo x >/proc/sysrq-trigger && echo bad; echo x >/proc/sys/kernel/core_pattern && echo bad; dd if=/proc/kcore bs=1 count=1 2>/dev/null | wc -c'
  run_bundle
  is 0
}

@test "relative masked and readonly paths are refused" {
  is_agentsafe || skip "others are silent"
  edit '.linux.maskedPaths = ["relative"]'
  run_bundle
  refuses_briefly
}
