load helpers

# value FILE-ON-V1(CONTROLLER/FILE) FILE-ON-V2
value() { if on_cgroup_v2; then cgroup_value x "$2"; else cgroup_value "${1%%/*}" "${1#*/}"; fi; }
controller() { if on_cgroup_v2; then require_v2_controller "$2"; else require_v1_controller "$1"; fi; }

@test "pids.limit is set, and 0 and -1 mean what they say" {
  controller pids pids
  edit '.linux.resources.pids = {limit: 20}'
  launch
  equal 20 "$(value pids/pids.max pids.max)"
  rt delete --force "$CID"
  edit '.linux.resources.pids = {limit: -1}'
  launch
  equal max "$(value pids/pids.max pids.max)"
}

@test "a fork bomb ends at the limit" {
  controller pids pids
  script 'n=0; while [ $n -lt 60 ]; do sleep 5 & n=$((n + 1)); done 2>/tmp/err; cat /sys/fs/cgroup/pids.peak 2>/dev/null; grep -c fork /tmp/err' '.linux.resources.pids = {limit: 12}'
  launch
  eventually file_says "$ROOTFS/tmp/err" fork
  (( $(value pids/pids.current pids.current) <= 12 ))
}

@test "memory limit and reservation are set" {
  controller memory memory
  edit '.linux.resources.memory = {limit: 33554432, reservation: 16777216}'
  launch
  equal 33554432 "$(value memory/memory.limit_in_bytes memory.max)"
  equal 16777216 "$(value memory/memory.soft_limit_in_bytes memory.low)"
}

@test "memory and swap together are set" {
  controller memory memory
  if on_cgroup_v2; then compgen -G '/sys/fs/cgroup/*/memory.swap.max' >/dev/null || skip "the host accounts no swap"
  else [ -e /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes ] || skip "the host accounts no swap"; fi
  edit '.linux.resources.memory = {limit: 33554432, swap: 67108864}'
  launch
  if on_cgroup_v2; then equal 33554432 "$(cgroup_value x memory.swap.max)"; else equal 67108864 "$(cgroup_value memory memory.memsw.limit_in_bytes)"; fi
}

@test "swap without a limit, or below it, is refused" {
  is_agentsafe || skip "others leave it to the kernel"
  controller memory memory
  edit '.linux.resources.memory = {limit: 33554432, swap: 16777216}'
  run_bundle
  failed 1
  no_leftovers
}

@test "a container that needs more memory than its limit is killed" {
  controller memory memory
  script 'dd if=/dev/zero of=/dev/null bs=200M count=1' '.linux.resources.memory = {limit: 16777216, swap: 16777216}'
  on_cgroup_v2 && edit 'del(.linux.resources.memory.swap)'
  run_bundle
  failed 137
  no_leftovers
}

@test "a very small memory limit still starts" {
  is_agentsafe || skip "about agentsafe"
  controller memory memory
  command_is true
  edit '.linux.resources.memory = {limit: 524288}'
  run_bundle
  succeeded
}

# Each processor charges up to 256 KiB in advance. A limit that the kernel refuses for it is never accepted here. Once it holds,
# the kernel takes back what another processor has charged when that one gets to it, and kills what would fit where it has no
# time just then (a virtual one): such a kill, of the init or of the command, says nothing of agentsafe.
@test "a memory limit of 256 KiB is never refused: what processors have charged in advance is waited for" {
  is_agentsafe || skip "about agentsafe"
  require_v1_controller memory
  command_is true
  edit '.linux.resources.memory = {limit: 262144}'
  local round worked=0
  for round in {1..20}; do
    run_bundle
    case $status in
      0) worked=$((worked + 1)) ;;
      137) ;;
      *) complains 'container init was OOM-killed' ;;
    esac
  done
  [ "$worked" -gt 0 ]
}

@test "cpu shares, quota and period are set" {
  controller cpu cpu
  edit '.linux.resources.cpu = {shares: 512, quota: 50000, period: 100000}'
  launch
  if on_cgroup_v2; then
    equal "50000 100000" "$(cgroup_value x cpu.max)"
    ! is_agentsafe || equal 59 "$(cgroup_value x cpu.weight)"
  else
    equal 512 "$(cgroup_value cpu cpu.shares)"
    equal 50000 "$(cgroup_value cpu cpu.cfs_quota_us)"
    equal 100000 "$(cgroup_value cpu cpu.cfs_period_us)"
  fi
}

@test "cpu idle and burst are set" {
  is_agentsafe || skip "too old"
  controller cpu cpu
  edit '.linux.resources.cpu = {quota: 50000, period: 100000, burst: 10000}'
  launch
  equal 10000 "$(value cpu/cpu.cfs_burst_us cpu.max.burst)"
  rt delete --force "$CID"
  edit '.linux.resources.cpu = {idle: 1}'
  launch
  equal 1 "$(value cpu/cpu.idle cpu.idle)"
}

@test "cpuset is set" {
  controller cpuset cpuset
  edit '.linux.resources.cpu = {cpus: "0", mems: "0"}'
  launch
  equal 0 "$(value cpuset/cpuset.cpus cpuset.cpus)"
  equal 0 "$(value cpuset/cpuset.mems cpuset.mems)"
  equal 0 "$(awk '/Cpus_allowed_list/ {print $2}' "/proc/$(pid_of)/status")"
}

@test "a cpuset that the host does not have is an error that names it" {
  controller cpuset cpuset
  edit '.linux.resources.cpu = {cpus: "4096"}'
  run_bundle
  refuses_briefly
  no_leftovers
}

@test "on v2 block I/O is weighed and throttled" {
  require_v2_controller io
  local device
  device=$(awk '$3 ~ /^(vda|sda|nvme0n1)$/ {print $1, $2; exit}' /proc/diskstats)
  [ -n "$device" ] || skip "the host has no disk"
  edit '.linux.resources.blockIO = {throttleReadBpsDevice: [{major: $a, minor: $b, rate: 1048576}],
    throttleWriteIOPSDevice: [{major: $a, minor: $b, rate: 30}]}' --argjson a "${device% *}" --argjson b "${device#* }"
  launch
  equal "${device/ /:} rbps=1048576 wbps=max riops=max wiops=30" "$(cgroup_value x io.max)"
  rt delete --force "$CID"
  edit '.linux.resources.blockIO = {weight: 500}'
  run_rt run --detach --bundle "$BUNDLE" "$CID" </dev/null
  if compgen -G '/sys/fs/cgroup/*/io.weight' >/dev/null || compgen -G '/sys/fs/cgroup/*/io.bfq.weight' >/dev/null; then
    succeeded
    grep -qx 'default 4950' "$(cgroup_dir x)/io.weight" || grep -qx 'default 500' "$(cgroup_dir x)/io.bfq.weight"
  else # a limit that cannot be set is no limit
    refuses_briefly
    complains io.weight
  fi
}

@test "blkio weight and throttling are set where the host has them" {
  require_v1_controller blkio
  local device
  device=$(awk '$3 ~ /^(vda|sda|loop0|ram0|nvme0n1)$/ {print $1, $2; exit}' /proc/diskstats)
  [ -n "$device" ] || skip "the host has no disk"
  [ -e /sys/fs/cgroup/blkio/blkio.throttle.read_bps_device ] || skip "the host does not throttle"
  edit '.linux.resources.blockIO = {throttleReadBpsDevice: [{major: $a, minor: $b, rate: 1048576}]}' --argjson a "${device% *}" --argjson b "${device#* }"
  launch
  grep -q "^${device/ /:} 1048576$" "$(cgroup_dir blkio)/blkio.throttle.read_bps_device"
}

@test "io limits are set on v2" {
  require_v2_controller io
  local device
  device=$(awk '$3 ~ /^(vda|sda|nvme0n1)$/ {print $1, $2; exit}' /proc/diskstats)
  [ -n "$device" ] || skip "the host has no disk"
  edit '.linux.resources.blockIO = {throttleReadBpsDevice: [{major: $a, minor: $b, rate: 1048576}]}' --argjson a "${device% *}" --argjson b "${device#* }"
  launch
  grep -q "^${device/ /:} rbps=1048576" "$(cgroup_dir x)/io.max"
}

@test "hugepage limits are set where the host has them" {
  controller hugetlb hugetlb
  edit '.linux.resources.hugepageLimits = [{pageSize: "2MB", limit: 4194304}]'
  launch
  equal 4194304 "$(value hugetlb/hugetlb.2MB.limit_in_bytes hugetlb.2MB.max)"
}

@test "network class and priorities are set where the host has them" {
  require_v1_controller net_cls
  edit '.linux.resources.network = {classID: 1048577}'
  launch
  equal 1048577 "$(cgroup_value net_cls net_cls.classid)"
}

@test "rdma limits are set where the host has them" {
  controller rdma rdma
  local device
  device=$(ls /sys/class/infiniband 2>/dev/null | head -n 1)
  [ -n "$device" ] || skip "the host has no RDMA device"
  edit '.linux.resources.rdma = {($d): {hcaHandles: 3, hcaObjects: 100}}' --arg d "$device"
  launch
  equal "$device hca_handle=3 hca_object=100" "$(value rdma/rdma.max rdma.max | grep -w "$device" | sed 's/ *$//')"
}

@test "intelRdt is set where the host has it, and refused where not" {
  [ -d /sys/fs/resctrl ] && [ -e /sys/fs/resctrl/schemata ] && skip "the host has resctrl: not tried here"
  is_agentsafe || skip "others pass it over"
  edit '.linux.intelRdt = {closID: "group", l3CacheSchema: "L3:0=f"}'
  run_bundle
  refuses_briefly
  no_leftovers
}

@test "unified values are written on v2, and refused on pure v1" {
  edit '.linux.resources.unified = {"pids.max": "77"}'
  if on_cgroup_v2; then
    launch
    equal 77 "$(cgroup_value x pids.max)"
    rt delete --force "$CID"
    edit '.linux.resources.unified = {"no.such": "1"}'
    run_bundle
    refuses_briefly
    edit '.linux.resources.unified = {"../cgroup.procs": "1"}'
    run_bundle
    refuses_briefly
  else
    run_bundle
    failed 1
  fi
  no_leftovers
}

@test "the container's processes are in its cgroup in every hierarchy from the first instruction" {
  command_is cat /proc/self/cgroup
  run_bundle
  succeeded
  if on_cgroup_v2; then is "0::/$CID"; else
    local controller
    for controller in pids memory cpu devices freezer; do
      [ -d "/sys/fs/cgroup/$controller" ] || continue
      grep -qE "[:,]$controller[,:].*/$CID$|^[0-9]+:([a-z_,=]*,)?$controller(,[a-z_,=]*)?:/$CID$" <<<"$output"
    done
  fi
}

@test "without a cgroups path the container has a cgroup of its own all the same" {
  edit 'del(.linux.cgroupsPath)'
  launch
  [ "$(awk -F: '/pids|^0::/ {print $3; exit}' "/proc/$(pid_of)/cgroup")" != "$(awk -F: '/pids|^0::/ {print $3; exit}' /proc/self/cgroup)" ]
  rt delete --force "$CID"
  no_leftovers
}

@test "a relative cgroups path lies below the runtime's own cgroup" {
  edit '.linux.cgroupsPath = $c' --arg c "$CID/inner"
  launch
  grep -q "$CID/inner" "/proc/$(pid_of)/cgroup"
  rt delete --force "$CID"
  is_agentsafe || cgroups_named "$CID" | tac | xargs -r rmdir
}

@test "a cgroups path cannot leave the hierarchy" {
  edit '.linux.cgroupsPath = "/../../../../" + $c' --arg c "$CID"
  run_rt create --bundle "$BUNDLE" "$CID"
  [ ! -e "/$CID" ]
  [ ! -e "/sys/$CID" ]
  [ ! -e "/sys/fs/$CID" ]
}

@test "disableOOMKiller false is no change" {
  controller memory memory
  command_is true
  edit '.linux.resources.memory = {disableOOMKiller: false, limit: 33554432}'
  run_bundle
  succeeded
}

@test "swappiness is set on v1" {
  require_v1_controller memory
  [ -e /sys/fs/cgroup/memory/memory.swappiness ] || skip "the host has no swappiness"
  edit '.linux.resources.memory = {limit: 33554432, swappiness: 17}'
  launch
  equal 17 "$(cgroup_value memory memory.swappiness)"
}

@test "a contradictory resource is refused before anything is made" {
  is_agentsafe || skip "about agentsafe"
  edit '.linux.resources.pids = {limit: "many"}'
  run_bundle
  refuses_briefly
  no_leftovers
}
