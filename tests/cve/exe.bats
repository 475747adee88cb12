# CVE-2019-5736 (runc, crun, LXC): the container reaches the runtime's executable through /proc and writes to it later.
load cve

# The runtime is a copy of the test's own, so that a successful attack hurts nobody.
private_runtime() {
  cp "$RUNTIME" "$WORK/$(basename "$RUNTIME")"
  RUNTIME=$WORK/$(basename "$RUNTIME")
  sha256sum "$RUNTIME" >"$WORK/runtime.sha256"
}
runtime_unchanged() { sha256sum --quiet -c "$WORK/runtime.sha256"; }

@test "the executable of a created container's process cannot be opened for writing after the start" {
  private_runtime
  script 'sleep 1000'
  create
  exec {exe}<"/proc/$(pid_of)/exe"
  local path
  path=$(readlink "/proc/$(pid_of)/exe")
  [ "$path" != "$RUNTIME" ] || is_runc || is_crun
  start
  eventually file_says "/proc/$(pid_of)/comm" 'sh\|sleep'
  # the descriptor is re-opened with the rights of root of the host: still refused
  run bash -c "echo x >/proc/$$/fd/$exe"
  exec {exe}<&-
  failed
  runtime_unchanged
}

@test "args of /proc/self/exe do not reach the runtime's file" {
  private_runtime
  command_is /proc/self/exe --version
  run_bundle
  runtime_unchanged
  printf '#!/proc/self/exe\n' >"$ROOTFS/bin/script"
  chmod +x "$ROOTFS/bin/script"
  command_is /bin/script
  run_bundle
  runtime_unchanged
}

@test "a process 1 that waits for exec cannot write to the executable of the entering process" {
  private_runtime
  command_is probe overwrite-exe 3
  launch
  await_line ready
  local n
  for n in $(seq 30); do rt exec "$CID" true >/dev/null 2>&1 || :; done
  await_line visited=
  out
  # after its execve the process is the user's own program, a file of the container
  run grep -vE '\(true\) for writing|^ready|^visited|^held' "$WORK/out"
  silent
  runtime_unchanged
}

@test "an interpreter and a preloaded library of the image are not loaded by the runtime" {
  private_runtime
  mkdir -p "$ROOTFS/lib64" "$ROOTFS/etc"
  printf '/evil.so\n' >"$ROOTFS/etc/ld.so.preload"
  printf 'not a library' >"$ROOTFS/evil.so"
  command_is echo ran
  edit '.process.env += ["LD_PRELOAD=/evil.so", "LD_LIBRARY_PATH=/"]'
  run_bundle
  is ran
  command_is sleep 1000
  launch
  rt exec "$CID" true
  runtime_unchanged
}

@test "the program carries no set-id bits and no capabilities (bwrap CVE-2016-8659)" {
  [ ! -u "$RUNTIME" ]
  [ ! -g "$RUNTIME" ]
  equal "" "$(getcap "$RUNTIME")"
}
