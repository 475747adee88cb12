load helpers

@test "sysctls of the container's namespaces are set" {
  script 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shm_rmid_forced /proc/sys/fs/mqueue/msg_max' \
    '.linux.sysctl = {"net.ipv4.ip_forward": "1", "kernel.shm_rmid_forced": "1", "fs.mqueue.msg_max": "15"}'
  run_bundle
  succeeded
  is $'1\n1\n15'
}

@test "keys may be written with slashes" {
  is_crun || is_runc && skip "not in old runtimes"
  script 'cat /proc/sys/net/ipv4/ip_forward' '.linux.sysctl = {"net/ipv4/ip_forward": "1"}'
  run_bundle
  succeeded
  is 1
}

@test "sysctls of the host are refused and not written" {
  local key before
  for key in kernel.core_pattern vm.swappiness fs.file-max kernel.panic kernel.pid_max net/../kernel/core_pattern kernel/../vm/swappiness; do
    before=$(sysctl -a 2>/dev/null | grep -E '^(kernel.core_pattern|vm.swappiness|fs.file-max|kernel.panic|kernel.pid_max) ')
    edit '.linux.sysctl = {($k): "12345"}' --arg k "$key"
    run_bundle
    refuses_briefly
    equal "$before" "$(sysctl -a 2>/dev/null | grep -E '^(kernel.core_pattern|vm.swappiness|fs.file-max|kernel.panic|kernel.pid_max) ')"
  done
}

@test "net sysctls with the host's network namespace, ipc ones with the host's ipc namespace, are refused" {
  edit '.linux.namespaces |= map(select(.type != "network")) | .linux.sysctl = {"net.ipv4.ip_forward": "1"}'
  run_bundle
  failed 1
  edit '.linux.namespaces |= map(select(.type != "ipc")) | .linux.sysctl = {"kernel.shm_rmid_forced": "1"}'
  run_bundle
  failed 1
}

@test "a sysctl that does not exist is an error" {
  edit '.linux.sysctl = {"net.no.such": "1"}'
  run_bundle
  refuses_briefly
}

@test "kernel.hostname contradicting hostname is refused" {
  is_agentsafe || is_runc || skip "crun allows it"
  edit '.linux.sysctl = {"kernel.hostname": "other"}'
  run_bundle
  failed 1
}

@test "kernel.domainname can be set" {
  script 'cat /proc/sys/kernel/domainname' '.linux.sysctl = {"kernel.domainname": "example.org"}'
  run_bundle
  succeeded
  is example.org
}
