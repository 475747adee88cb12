load helpers

caps() { # the five sets, as numbers of the container's process
  command_is grep -E '^Cap' /proc/self/status
  run_bundle
  succeeded
}

@test "each set holds exactly what config.json says" {
  edit '.process.capabilities = {bounding: ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW"], permitted: ["CAP_CHOWN", "CAP_KILL"],
    effective: ["CAP_CHOWN"], inheritable: []}'
  caps
  # root gets back its bounding set by execve: effective and permitted follow it
  says $'CapBnd:\t0000000000002021'
  says $'CapInh:\t0000000000000000'
  says $'CapAmb:\t0000000000000000'
}

@test "a user that is not root has its ambient set and no more" {
  edit '.process.user = {uid: 1000, gid: 1000} | .process.capabilities = {bounding: ["CAP_CHOWN", "CAP_KILL"],
    permitted: ["CAP_CHOWN", "CAP_KILL"], effective: ["CAP_CHOWN", "CAP_KILL"], inheritable: ["CAP_KILL"], ambient: ["CAP_KILL"]}'
  caps
  is $'CapInh:\t0000000000000020\nCapPrm:\t0000000000000020\nCapEff:\t0000000000000020\nCapBnd:\t0000000000000021\nCapAmb:\t0000000000000020'
}

@test "a user that is not root has nothing without an ambient set" {
  edit '.process.user = {uid: 1000, gid: 1000}'
  caps
  says $'CapPrm:\t0000000000000000'
  says $'CapEff:\t0000000000000000'
}

@test "no capabilities at all means none" {
  edit '.process.capabilities = {}'
  caps
  says $'CapBnd:\t0000000000000000'
  says $'CapEff:\t0000000000000000'
}

@test "an unknown capability is a warning" {
  edit '.process.capabilities.bounding += ["CAP_NO_SUCH"]'
  command_is true
  run_bundle
  is_crun || succeeded
}

@test "a dropped capability is really missing" {
  command_is chown 1000 /etc/passwd
  run_bundle
  succeeded
  edit '.process.capabilities |= map_values(map(select(. != "CAP_CHOWN" and . != "CAP_FOWNER")))'
  run_bundle
  failed
  equal 1000 "$(stat -c %u "$ROOTFS/etc/passwd")"
}
