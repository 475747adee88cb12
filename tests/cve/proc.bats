# Writes to procfs that land elsewhere: CVE-2019-16884, CVE-2019-19921, CVE-2023-27561, CVE-2023-28642, CVE-2025-52881 (runc),
# CVE-2025-54867, CVE-2025-62596 (youki), CVE-2022-0811, CVE-2022-0532 (CRI-O).
load cve

# A folder that looks like /proc to a careless writer.
fake_proc() {
  mkdir -p "$1/self/attr" "$1/self/fd" "$1/sys/net/ipv4"
  touch "$1/self/attr/exec" "$1/self/attr/current" "$1/self/oom_score_adj" "$1/sysrq-trigger"
  echo 1024 >"$1/sys/net/ipv4/ip_unprivileged_port_start"
}

@test "positive control: the sysctl that the attacks ask for can be set" {
  script 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start' '.linux.sysctl = {"net.ipv4.ip_unprivileged_port_start": "77"}'
  run_bundle
  succeeded
  is 77
}

@test "CVE-2019-16884: a folder bound over /proc is refused" {
  fake_proc "$WORK/fake"
  local destination
  for destination in /proc /proc/ /./proc /tmp/../proc; do
    edit '.mounts |= (map(select(.source != $s)) + [{destination: $d, type: "bind", source: $s, options: ["bind"]}])' --arg s "$WORK/fake" --arg d "$destination"
    run_bundle
    failed || { echo "accepted $destination"; return 1; }
  done
}

@test "CVE-2019-16884: files below /proc that steer a process are not mounted over" {
  touch "$WORK/file"
  mkdir "$WORK/folder"
  local row
  for row in /proc/self/attr/exec:file /proc/sys:folder /proc/self:folder /proc/1/attr:folder /proc/../proc/sys/kernel:folder /proc/thread-self:folder; do
    edit '.mounts |= (map(select(.destination | test("^/proc.")|not)) + [{destination: $d, type: "bind", source: $s, options: ["bind"]}])' --arg s "$WORK/${row#*:}" --arg d "${row%:*}"
    run_bundle
    failed || { echo "accepted $row"; return 1; }
  done
}

@test "CVE-2019-19921: /proc that is a symbolic link of the image is refused" {
  fake_proc "$ROOTFS/evil"
  rm -rf "$ROOTFS/proc"
  ln -s evil "$ROOTFS/proc"
  script 'echo ran' '.linux.sysctl = {"net.ipv4.ip_unprivileged_port_start": "77"}'
  run_bundle
  failed
  equal 1024 "$(cat "$ROOTFS/evil/sys/net/ipv4/ip_unprivileged_port_start")"
  no_leftovers
}

@test "CVE-2023-27561: /sys that is a symbolic link of the image is refused" {
  mkdir "$ROOTFS/evil"
  rmdir "$ROOTFS/sys"
  ln -s /evil "$ROOTFS/sys"
  command_is true
  run_bundle
  failed
}

@test "CVE-2019-19921: /proc exchanged with a link by a second container while this one starts" {
  mkdir "$ROOTFS/evil"
  fake_proc "$ROOTFS/evil"
  ln -s evil "$ROOTFS/link"
  script true '.linux.sysctl = {"net.ipv4.ip_unprivileged_port_start": "77"}'
  local before
  before=$(host_sysctls)
  swap_forever "$ROOTFS/proc" "$ROOTFS/link"
  rounds one_start
  stop_swapping
  equal "$before" "$(host_sysctls)"
  equal 1024 "$(cat "$ROOTFS/evil/sys/net/ipv4/ip_unprivileged_port_start")"
}
one_start() { # it may start or not; what the link leads to must not be written
  run_bundle
  equal 1024 "$(cat "$ROOTFS/evil/sys/net/ipv4/ip_unprivileged_port_start")" && [ ! -s "$ROOTFS/evil/self/attr/exec" ]
}

@test "CVE-2025-52881: a volume full of links does not turn the writes of another container" {
  # the files that the runtime writes during a start are given to it as links to others
  mkdir -p "$ROOTFS/farm/self/attr" "$WORK/shared"
  ln -s /proc/sysrq-trigger "$ROOTFS/farm/self/attr/exec"
  script 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start; cat /proc/self/oom_score_adj' \
    '.linux.sysctl = {"net.ipv4.ip_unprivileged_port_start": "77"} | .process.oomScoreAdj = 99
    | .mounts += [{destination: "/proc/self/attr", type: "tmpfs", source: "tmpfs"}]'
  local before
  before=$(host_sysctls)
  run_bundle
  failed
  equal "$before" "$(host_sysctls)"
  edit 'del(.mounts[-1])'
  run_bundle
  succeeded
  is $'77\n99'
}

@test "CVE-2022-0811: sysctl values with a plus, a newline or a NUL do not set a second one" {
  local value before
  before=$(host_sysctls)
  for value in '1+kernel.core_pattern=|/tmp/x' $'1\nkernel.core_pattern=|/tmp/x'; do
    edit '.linux.sysctl = {"kernel.shm_rmid_forced": $v}' --arg v "$value"
    command_is true
    run_bundle
    failed || is_crun || is_runc
    equal "$before" "$(host_sysctls)"
  done
  edit '.linux.sysctl = {"kernel.shm_rmid_forced": "1\u0000+kernel.core_pattern=x"}'
  run_bundle
  failed || is_crun || is_runc
  equal "$before" "$(host_sysctls)"
}

@test "CVE-2022-0532: sysctls of a namespace that is the host's are refused" {
  local row before
  before=$(host_sysctls)
  for row in network:net.ipv4.ip_unprivileged_port_start ipc:kernel.shm_rmid_forced ipc:fs.mqueue.msg_max uts:kernel.domainname; do
    cp "$CONFIG" "$WORK/saved"
    edit '.linux.namespaces |= map(select(.type != $n)) | .linux.sysctl = {($k): "7"} | del(.hostname)' --arg n "${row%%:*}" --arg k "${row#*:}"
    run_bundle
    cp "$WORK/saved" "$CONFIG"
    failed || { echo "accepted $row"; return 1; }
    equal "$before" "$(host_sysctls)"
  done
}
