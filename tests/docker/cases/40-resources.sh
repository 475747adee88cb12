# Limits: what the container's cgroup holds, and that it works.

case_memory_is_limited() {
  idle a -m 48m --memory-reservation 32m
  is 50331648 knob a memory memory.limit_in_bytes memory.max
  is 33554432 knob a memory memory.soft_limit_in_bytes memory.low
  same knob a memory memory.memsw.limit_in_bytes memory.swap.max
}

case_memory_and_swap_are_limited() {
  idle a -m 48m --memory-swap 64m
  same knob a memory memory.memsw.limit_in_bytes memory.swap.max
  idle b -m 48m --memory-swap -1
  same knob b memory memory.memsw.limit_in_bytes memory.swap.max
}

# The engine hears of the OOM kill and of the end on two ways, and forgets the first if the second is quicker.
ends_as() {
  local want=$1 try
  shift
  for try in 1 2 3 4 5; do
    up "$try" -m 16m --memory-swap 16m bb "$@"
    await state_is "$try" exited
    [ "$(inspect "$try" '{{.State.ExitCode}} {{.State.OOMKilled}}')" != "$want" ] || return 0
  done
  fail "$(inspect 5 '{{.State.ExitCode}} {{.State.OOMKilled}}'), wanted: $want"
}

case_a_container_out_of_memory_is_killed_and_said_so() { ends_as "137 true" sh -c 'exec tail -c 400m /dev/zero'; }

case_a_child_out_of_memory_is_reported_too() { ends_as "3 true" sh -c 'tail -c 400m /dev/zero; sleep 0.2; exit 3'; }

case_the_oom_killer_can_be_turned_off() {
  [ "$CG" = 1 ] || skip "cgroup v2 has no switch for the OOM killer"
  idle a -m 48m --oom-kill-disable
  has 'oom_kill_disable 1' knob a memory memory.oom_control none
}

case_swappiness_is_set() {
  [ "$CG" = 1 ] || skip "cgroup v2 has no swappiness"
  idle a --memory-swappiness 7
  is 7 knob a memory memory.swappiness none
}

case_the_number_of_processes_is_limited() {
  idle a --pids-limit 17
  is 17 knob a pids pids.max pids.max
  refused 2 "can't fork" run --pids-limit 4 bb sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 2 & done'
}

case_no_pids_limit_is_no_limit() {
  idle a --pids-limit -1
  is max knob a pids pids.max pids.max
}

case_cpu_time_is_limited() {
  idle a --cpus 0.5
  same knob a cpu cpu.cfs_quota_us cpu.max
  idle b --cpu-period 50000 --cpu-quota 20000
  same knob b cpu cpu.cfs_quota_us cpu.max
  same knob b cpu cpu.cfs_period_us cpu.max
}

# shares NAME: the CPU shares for which its cgroup stands; version 2 has weights, by an old formula and a newer one.
shares() {
  local value
  value=$(knob "$1" cpu cpu.shares cpu.weight)
  if [ "$CG" = 1 ]; then echo "$value"; return; fi
  case $value in 1) echo 2 ;; 10 | 35) echo 256 ;; 20 | 59) echo 512 ;; *) echo "weight $value" ;; esac
}
case_cpu_shares_become_a_weight() {
  idle a --cpu-shares 512
  is 512 shares a
  idle b --cpu-shares 2
  is 2 shares b
}

case_cpus_are_chosen() {
  idle a --cpuset-cpus 0 --cpuset-mems 0
  is 0 knob a cpuset cpuset.cpus cpuset.cpus
  is 0 knob a cpuset cpuset.mems cpuset.mems
  has '^Cpus_allowed_list:[[:space:]]*0$' in_container a grep Cpus_allowed_list /proc/self/status
}

case_an_impossible_cpuset_is_refused() { refused 125 'cpuset|cpus' run --cpuset-cpus 4095 bb true; }

case_block_io_has_a_weight() {
  d info 2>&1 | grep -q 'No blkio weight support' && skip "the kernel has no blkio weight"
  [ "$CG" = 1 ] && [ ! -e /sys/fs/cgroup/blkio/blkio.weight ] && skip "the kernel has no blkio weight"
  idle a --blkio-weight 300
  same knob a blkio blkio.weight io.weight
}

case_block_io_is_throttled() {
  local disk
  disk=$(lsblk -dnpo NAME,TYPE 2>/dev/null | awk '$2 == "disk" {print $1; exit}')
  [ -b "$disk" ] || skip "the host has no disk to throttle"
  idle a --device-read-bps "$disk:1mb" --device-write-iops "$disk:100"
  same knob a blkio blkio.throttle.read_bps_device io.max
  same knob a blkio blkio.throttle.write_iops_device io.max
}

case_update_changes_limits_of_a_running_container() {
  idle a -m 64m --memory-swap 64m --pids-limit 50
  d update --memory 96m --memory-swap 128m --pids-limit 20 --cpus 0.25 --cpu-shares 256 "$ME-a"
  is 100663296 knob a memory memory.limit_in_bytes memory.max
  same knob a memory memory.memsw.limit_in_bytes memory.swap.max
  is 20 knob a pids pids.max pids.max
  same knob a cpu cpu.cfs_quota_us cpu.max
  is 256 shares a
  d update --memory 32m --memory-swap 48m "$ME-a"
  is 33554432 knob a memory memory.limit_in_bytes memory.max
  is 20 knob a pids pids.max pids.max
}

case_update_keeps_devices_forbidden() {
  idle a --cap-add MKNOD
  d update --cpus 0.5 "$ME-a"
  status 1 in_container a sh -c 'mknod /tmp/kmsg c 1 11 && cat /tmp/kmsg'
  status 0 in_container a head -c 1 /dev/zero
}

case_update_sets_the_cpus() {
  idle a
  d update --cpuset-cpus 0 "$ME-a"
  is 0 knob a cpuset cpuset.cpus cpuset.cpus
}

case_the_parent_cgroup_can_be_chosen() {
  idle a --cgroup-parent "/$PARENT/below/$RT"
  local id
  id=$(inspect a '{{.Id}}')
  has . find /sys/fs/cgroup -path "*/$PARENT/below/$RT/$id" -type d
}

case_ulimits_are_set() {
  is "64 128" run --ulimit nofile=64:128 bb sh -c 'echo $(ulimit -Sn) $(ulimit -Hn)'
  is 0 run --ulimit core=0 bb sh -c 'ulimit -c'
  same run --ulimit nproc=500:500 --ulimit fsize=100000000 bb cat /proc/self/limits
}

case_ulimits_can_be_raised() {
  needs_resource_capability
  is 2000000 run --ulimit memlock=-1 --ulimit nofile=1048576 bb sh -c 'echo 2000000'
  is 1048576 run --ulimit nofile=1048576 bb sh -c 'ulimit -Hn'
}

case_the_oom_score_is_adjusted() {
  is 500 run --oom-score-adj 500 bb cat /proc/self/oom_score_adj
}

case_the_oom_score_can_be_lowered() {
  needs_resource_capability
  is -500 run --oom-score-adj -500 bb cat /proc/self/oom_score_adj
}

case_the_shared_memory_has_the_size() { has '^shm +8192 ' run --shm-size 8m bb df -k /dev/shm; }

case_sysctls_are_set() {
  is "1 300" run --sysctl net.ipv4.ip_forward=1 --sysctl kernel.shm_rmid_forced=1 --sysctl net.core.somaxconn=300 \
    bb sh -c 'echo $(cat /proc/sys/kernel/shm_rmid_forced) $(cat /proc/sys/net/core/somaxconn)'
  is 1024 run --sysctl net.ipv4.ip_unprivileged_port_start=1024 bb cat /proc/sys/net/ipv4/ip_unprivileged_port_start
}

case_a_sysctl_of_the_host_is_refused() {
  refused 125 'kernel.shm_rmid_forced|not allowed|sysctl' run --ipc host --sysctl kernel.shm_rmid_forced=1 bb true
  refused 125 'sysctl|not allowed' run --sysctl kernel.panic=1 bb true
}
