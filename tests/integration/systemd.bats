#!/usr/bin/env bats
# The systemd cgroup driver against the systemd of the host: what systemd says of the unit, what the kernel's files hold.
load helpers

setup() {
  setup_bundle
  require_systemd
  RUNTIME_FLAGS="--systemd-cgroup ${RUNTIME_FLAGS:-}"
  UNIT=agentsafe-$CID.scope
  edit '.linux.cgroupsPath = $p' --arg p "system.slice:agentsafe:$CID"
}
teardown() {
  [ ! -d "${MERGED:-/nonexistent}" ] || umount -l "$MERGED" 2>/dev/null || :
  finish
  [ -z "${UNIT:-}" ] || [ ! -d /run/systemd/system ] || no_unit "$UNIT"
}
require_systemd() { [ -d /run/systemd/system ] || skip "systemd does not run on this host"; }
property() { systemctl show --value -p "$1" "${2:-$UNIT}"; }
# A slice that is asked for by its name is loaded, whether it was ever made or not: only the list tells.
listed() { systemctl list-units --all --plain --no-legend "${1:-$UNIT}"; }
no_unit() { equal "" "$(listed "$1")"; }
is_gone() { [ -z "$(listed "$@")" ]; }
scope_dir() { echo "/sys/fs/cgroup/system.slice/$UNIT"; }
in_scope() { cat "$(scope_dir)/$1"; }

@test "a container is a delegated scope in the slice that it names" {
  launch
  equal active "$(property ActiveState)"
  equal system.slice "$(property Slice)"
  equal "/system.slice/$UNIT" "$(property ControlGroup)"
  equal yes "$(property Delegate)"
  equal no "$(property DefaultDependencies)"
  for kind in CPU Memory Tasks; do equal yes "$(property ${kind}Accounting)"; done
  grep -q ":/system.slice/$UNIT$" "/proc/$(pid_of)/cgroup"
}

@test "only the container's processes are left in the scope" {
  launch
  require_v2
  equal "$(pid_of)" "$(in_scope cgroup.procs)"
}

@test "systemd knows every limit, and the kernel has it" {
  require_v2
  edit '.linux.resources += {memory: {limit: 67108864, reservation: 33554432, swap: 100663296},
    cpu: {shares: 512, quota: 50000, period: 200000, cpus: "0", mems: "0"}, pids: {limit: 77},
    unified: {"memory.high": "60817408", "memory.min": "4096", "memory.oom.group": "1", "cpu.max.burst": "1000"}}'
  launch
  equal 67108864 "$(property MemoryMax)"
  equal 33554432 "$(property MemoryLow)"
  equal 33554432 "$(property MemorySwapMax)"
  equal 60817408 "$(property MemoryHigh)"
  equal 4096 "$(property MemoryMin)"
  equal 59 "$(property CPUWeight)"
  equal 250ms "$(property CPUQuotaPerSecUSec)"
  equal 200ms "$(property CPUQuotaPeriodUSec)"
  equal 0 "$(property AllowedCPUs)"
  equal 0 "$(property AllowedMemoryNodes)"
  equal 77 "$(property TasksMax)"
  equal 67108864 "$(in_scope memory.max)"
  equal 60817408 "$(in_scope memory.high)"
  equal "50000 200000" "$(in_scope cpu.max)"
  equal 77 "$(in_scope pids.max)"
  equal 0 "$(in_scope cpuset.cpus)"
  equal 1 "$(in_scope memory.oom.group)"
  equal 1000 "$(in_scope cpu.max.burst)"
}

@test "limits outlive systemctl daemon-reload" {
  require_v2
  edit '.linux.resources += {memory: {limit: 67108864}, cpu: {shares: 512, quota: 50000, period: 100000}, pids: {limit: 77},
    unified: {"memory.high": "60817408", "memory.oom.group": "1"}}'
  launch
  systemctl daemon-reload
  equal 67108864 "$(in_scope memory.max)"
  equal 60817408 "$(in_scope memory.high)"
  equal 1 "$(in_scope memory.oom.group)"
  equal "50000 100000" "$(in_scope cpu.max)"
  equal 59 "$(in_scope cpu.weight)"
  equal 77 "$(in_scope pids.max)"
}

# 10:229 is fuse, 10:200 is tun.
@test "device rules outlive systemctl daemon-reload" {
  [ -c /dev/fuse ] || modprobe fuse || skip "the host lacks fuse"
  edit '.linux.resources.devices += [{allow: true, type: "c", major: 10, minor: 229, access: "rw"}]'
  script 'mknod /fuse c 10 229; mknod /tun c 10 200; sleep 1000'
  launch
  equal strict "$(property DevicePolicy)"
  property DeviceAllow | grep -q '/dev/char/10:229 rw$'
  local round
  for round in before after; do
    in_container sh -c 'exec 3<>/fuse && echo open'
    is open
    in_container sh -c 'exec 3<>/tun'
    failed
    complains "peration not permitted"
    in_container sh -c 'echo x >/dev/null && head -c 1 /dev/zero | wc -c'
    is 1
    [ $round = after ] || systemctl daemon-reload
  done
}

@test "block I/O limits are properties of the unit" {
  require_v2_controller io
  local disk
  disk=$(lsblk -dno MAJ:MIN 2>/dev/null | grep -vE '^(7|11|1):' | head -n 1 | tr -d ' ')
  [ -n "$disk" ] || skip "the host has no disk"
  edit '.linux.resources.blockIO = {throttleReadBpsDevice: [{major: $a, minor: $b, rate: 1048576}]}' \
    --argjson a "${disk%:*}" --argjson b "${disk#*:}"
  launch
  property IOReadBandwidthMax | grep -q "/dev/block/$disk 1048576"
  grep -q "^$disk rbps=1048576" "$(scope_dir)/io.max"
}

@test "update changes the unit and its files" {
  require_v2
  edit '.linux.resources += {memory: {limit: 67108864}, pids: {limit: 77}}'
  launch
  run_rt update --memory 100663296 --pids-limit 99 --cpu-quota 20000 --cpu-period 100000 "$CID"
  succeeded
  equal 100663296 "$(property MemoryMax)"
  equal 99 "$(property TasksMax)"
  equal 200ms "$(property CPUQuotaPerSecUSec)"
  equal 100663296 "$(in_scope memory.max)"
  equal 99 "$(in_scope pids.max)"
  equal "20000 100000" "$(in_scope cpu.max)"
}

@test "a failing update rolls the unit and its files back" {
  require_v2
  edit '.linux.resources += {memory: {limit: 67108864}, pids: {limit: 77}}'
  launch
  echo '{"pids": {"limit": 99}, "memory": {"limit": 100663296}, "cpu": {"quota": 30000}, "unified": {"memory.high": "nonsense"}}' >"$WORK/new.json"
  run_rt update --resources "$WORK/new.json" "$CID"
  refuses_briefly
  equal 77 "$(property TasksMax)"
  equal 67108864 "$(property MemoryMax)"
  equal infinity "$(property CPUQuotaPerSecUSec)"
  equal 77 "$(in_scope pids.max)"
  equal 67108864 "$(in_scope memory.max)"
  equal "max 100000" "$(in_scope cpu.max)"
}

@test "checkBeforeUpdate keeps systemd from setting a limit below what is in use" {
  require_v2
  script "head -c 30000000 /dev/urandom >/dev/shm/x; echo filled; sleep 1000" ".linux.resources.memory = {limit: 134217728}"
  launch
  await_line filled
  echo '{"memory": {"limit": 8388608, "checkBeforeUpdate": true}}' >"$WORK/new.json"
  run_rt update --resources "$WORK/new.json" "$CID"
  refuses_briefly
  complains checkBeforeUpdate
  equal 134217728 "$(property MemoryMax)"
  equal 134217728 "$(in_scope memory.max)"
  equal running "$(status)"
}

@test "the driver is remembered: delete, exec and update need no flag" {
  launch
  RUNTIME_FLAGS=${RUNTIME_FLAGS#--systemd-cgroup }
  in_container cat /proc/self/cgroup
  succeeded
  run_rt update --pids-limit 55 "$CID"
  succeeded
  equal 55 "$(property TasksMax)"
  rt delete --force "$CID"
  no_unit "$UNIT"
  [ ! -d "$(scope_dir)" ]
}

@test "a container that ends takes its unit along" {
  script 'true'
  run_bundle
  succeeded
  no_unit "$UNIT"
}

@test "a unit that failed with its container is reset by delete" {
  require_v2
  script 'sleep 1; tail /dev/zero' '.linux.resources.memory = {limit: 16777216, swap: 16777216}'
  launch
  await_status stopped
  rt delete "$CID"
  eventually is_gone
}

@test "a failed create leaves no unit" {
  command_is /no/such/program
  run_rt create --bundle "$BUNDLE" "$CID"
  failed 1
  no_unit "$UNIT"
  [ ! -d "$(scope_dir)" ]
}

@test "a failed unit of the same name is reset, and the container starts" {
  systemd-run --quiet --scope --unit "$UNIT" -p RuntimeMaxSec=1 sleep 60 3>&- 4>&- || :
  equal failed "$(property ActiveState)"
  launch
  equal active "$(property ActiveState)"
}

@test "a unit of the same name that is in use is refused, and left alone" {
  systemd-run --quiet --scope --unit "$UNIT" sleep 300 3>&- 4>&- &
  HELPERS="$HELPERS $!"
  unit_is_active() { [ "$(property ActiveState)" = active ]; }
  eventually unit_is_active
  run_rt create --bundle "$BUNDLE" "$CID"
  refuses_briefly
  complains "$UNIT"
  equal active "$(property ActiveState)"
  systemctl stop "$UNIT"
  eventually is_gone
}

@test "slices of slices are made as Kubernetes names them" {
  require_v2
  local pod=kubepods-burstable-pod${CID//-/_}.slice
  edit '.linux.cgroupsPath = $p' --arg p "$pod:cri-containerd:$CID"
  UNIT=cri-containerd-$CID.scope
  launch
  equal "/kubepods.slice/kubepods-burstable.slice/$pod/$UNIT" "$(property ControlGroup)"
  equal "$pod" "$(property Slice)"
  rt delete --force "$CID"
  systemctl stop "$pod"
}

@test "a cgroupsPath is not needed" {
  edit 'del(.linux.cgroupsPath)'
  UNIT=runc-$CID.scope
  launch
  equal "/system.slice/$UNIT" "$(property ControlGroup)"
}

@test "a name that is a slice makes the container one" {
  require_v2
  local slice=agentsafe${CID//-/_}.slice
  edit '.linux.cgroupsPath = $p' --arg p "-:none:$slice"
  UNIT=$slice
  launch
  equal "/$slice" "$(property ControlGroup)"
  grep -q ":/$slice$" "/proc/$(pid_of)/cgroup"
  rt delete --force "$CID"
  eventually is_gone "$slice"
}

@test "a cgroupsPath of the other kind is refused" {
  edit '.linux.cgroupsPath = "/a/b"'
  run_bundle
  refuses_briefly
  complains 'slice:prefix:name'
  edit '.linux.cgroupsPath = "a--b.slice:p:n"'
  run_bundle
  refuses_briefly
  complains 'invalid slice name'
}

@test "annotations set properties of the unit" {
  edit '.annotations = {"org.systemd.property.TimeoutStopUSec": "uint64 7000000",
    "org.systemd.property.CollectMode": "\u0027inactive-or-failed\u0027", "org.systemd.property.Description": "\u0027of the test\u0027"}'
  launch
  equal 7s "$(property TimeoutStopUSec)"
  equal inactive-or-failed "$(property CollectMode)"
  equal "of the test" "$(property Description)"
}

@test "an annotation that systemd or we cannot read is refused and leaves nothing" {
  local bad
  for bad in '"org.systemd.property.NoSuchThing": "1"' '"org.systemd.property.TimeoutStopUSec": "uint64"' '"org.systemd.property.a": "1"'; do
    edit ".annotations = {$bad}"
    run_bundle
    refuses_briefly
    no_unit "$UNIT"
  done
}

@test "a subgroup of the unit can be the container's" {
  require_v2
  edit '.annotations = {"run.oci.systemd.subgroup": "container"} | .linux.resources.pids = {limit: 50}'
  launch
  grep -q "/$UNIT/container$" "/proc/$(pid_of)/cgroup"
  equal 50 "$(property TasksMax)"
  equal 50 "$(in_scope container/pids.max)"
  in_container cat /proc/self/cgroup
  succeeded
}

@test "exec enters a scope whose processes have moved to children" {
  require_v2
  script 'mkdir /sys/fs/cgroup/below && echo $$ >/sys/fs/cgroup/below/cgroup.procs && echo +pids >/sys/fs/cgroup/cgroup.subtree_control && echo moved; sleep 1000' \
    '.mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["rw"]}] | .linux.namespaces += [{type: "cgroup"}]'
  launch
  await_line moved
  in_container cat /proc/self/cgroup
  is "0::/below"
}

@test "pause and resume work on a scope, and delete on a frozen one" {
  launch
  rt pause "$CID"
  equal paused "$(status)"
  rt resume "$CID"
  equal running "$(status)"
  rt pause "$CID"
  rt delete --force "$CID"
  no_unit "$UNIT"
}

@test "without the bus root reaches systemd by its own socket" {
  [ -S /run/systemd/private ] || skip "this systemd has no socket of its own"
  unshare -m sh -c 'mount -t tmpfs none /run/dbus && exec "$@"' sh "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS run --detach --bundle "$BUNDLE" "$CID" \
    </dev/null >"$WORK/out" 2>"$WORK/err" 3>&- 4>&- || why
  equal active "$(property ActiveState)"
}

@test "without libsystemd one line says what to install" {
  local library
  library=$(ldconfig -p | awk '/libsystemd.so.0 / {print $NF; exit}')
  run --separate-stderr unshare -m sh -c 'mount --bind /dev/null "$0" && exec "$@"' "$library" "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS run --bundle "$BUNDLE" "$CID" 3>&- 4>&-
  refuses_briefly
  complains "load libsystemd.so.0"
  complains "--cgroup-manager=cgroupfs"
}

@test "twenty containers start and end side by side" {
  local n pids='' code=0
  script 'true'
  for n in $(seq 20); do
    new_bundle "$WORK/b$n" "$CID-$n"
    CONFIG=$WORK/b$n/config.json script 'true' '.linux.cgroupsPath = $p' --arg p "system.slice:agentsafe:$CID-$n"
    rt run --bundle "$WORK/b$n" "$CID-$n" </dev/null >"$WORK/out$n" 2>&1 &
    pids+=" $!"
  done
  for n in $pids; do wait "$n" || code=1; done
  cat "$WORK"/out* >&2
  equal 0 "$code"
  equal "" "$(systemctl list-units --all --plain --no-legend "agentsafe-$CID-*")"
}

# --- a user without privileges, by the user's own systemd -------------------------------------------------------------

as_user() {
  setpriv --reuid 1000 --regid 1000 --clear-groups env -i PATH="$PATH" HOME=/home/user XDG_RUNTIME_DIR=/run/user/1000 "$@" 3>&- 4>&-
}
rootless_bundle() {
  [ -S /run/user/1000/bus ] || skip "no user 1000 with a session"
  require_v2
  UNIT=''
  ROOT=$WORK/user-root
  mkdir -m 0700 "$ROOT"
  chown -R 1000:1000 "$WORK"
  edit '.linux.uidMappings = [{containerID: 0, hostID: 1000, size: 1}] | .linux.gidMappings = .linux.uidMappings
    | .linux.namespaces += [{type: "user"}] | .linux.namespaces |= map(select(.type != "network")) | .linux.cgroupsPath = $p
    | .mounts |= map(select(.type != "sysfs")) | .mounts |= map(if .options then .options |= map(select(startswith("gid=") | not)) else . end)
    | .linux.resources = {memory: {limit: 67108864}, pids: {limit: 66}, cpu: {shares: 512}}' --arg p ":agentsafe:$CID"
  chown 1000:1000 "$CONFIG"
}
user_unit() { as_user systemctl --user show --value -p "$1" "agentsafe-$CID.scope"; }

@test "without privileges the user's systemd makes the scope and limits it" {
  rootless_bundle
  as_user "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS run --detach --bundle "$BUNDLE" --pid-file "$WORK/pid" "$CID" </dev/null >"$WORK/out" 2>"$WORK/err" || why
  equal active "$(user_unit ActiveState)"
  equal 67108864 "$(user_unit MemoryMax)"
  equal 66 "$(user_unit TasksMax)"
  local dir
  dir=/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/user.slice/agentsafe-$CID.scope
  equal "$(pid_of)" "$(cat "$dir/cgroup.procs")"
  equal 67108864 "$(cat "$dir/memory.max")"
  as_user "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS exec "$CID" cat /proc/self/cgroup </dev/null >"$WORK/exec.out" 2>"$WORK/exec.err" || { cat "$WORK/exec.err" >&2; return 1; }
  grep -q "agentsafe-$CID.scope" "$WORK/exec.out"
  as_user "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS update --pids-limit 55 "$CID"
  equal 55 "$(user_unit TasksMax)"
  as_user "$RUNTIME" --root "$ROOT" delete --force "$CID"
  equal not-found "$(user_unit LoadState)"
  [ ! -d "$dir" ]
}

@test "without privileges and without a session one line says so" {
  rootless_bundle
  run --separate-stderr setpriv --reuid 1000 --regid 1000 --clear-groups unshare -rm sh -c 'mount -t tmpfs none /run && exec "$@"' sh \
    "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS run --bundle "$BUNDLE" "$CID" 3>&- 4>&-
  refuses_briefly
  complains "connect to systemd"
}

# --- systemd as the container's init ----------------------------------------------------------------------------------

systemd_bundle() {
  [ -x /opt/systemd-rootfs/sbin/init ] || skip "no root file system with systemd (/opt/systemd-rootfs)"
  require_v2
  MERGED=$BUNDLE/merged
  mkdir -p "$MERGED" "$WORK/upper" "$WORK/work"
  mount -t overlay -o "lowerdir=/opt/systemd-rootfs,upperdir=$WORK/upper,workdir=$WORK/work" overlay "$MERGED"
  edit '.root.path = "merged" | .process.args = ["/sbin/init"] | .process.env += ["container=agentsafe"] | .process.noNewPrivileges = false
    | .process.capabilities = (["bounding", "effective", "permitted"] | map({key: ., value: ($caps + ["CAP_SYS_ADMIN", "CAP_SYS_RESOURCE", "CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH"])}) | from_entries)
    | .process.rlimits = [] | .linux.namespaces += [{type: "cgroup"}] | .linux.maskedPaths = [] | .linux.readonlyPaths = []
    | .mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["rw", "nosuid", "nodev", "noexec"]},
        {destination: "/run", type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev", "mode=755"]},
        {destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev"]}]' --argjson caps "$DEFAULT_CAPABILITIES"
}
has_ended() { [ "$(status)" = stopped ]; }

@test "systemd boots to running as the container's init, and shuts down in order" {
  systemd_bundle
  launch
  eventually rt exec "$CID" test -S /run/systemd/private
  in_container timeout 200 systemctl is-system-running --wait
  is running
  in_container systemctl --failed --no-legend --plain
  is ""
  in_container systemd-run --quiet --wait -p MemoryMax=16M true
  succeeded
  in_container cat /proc/self/cgroup
  succeeded
  rt kill "$CID" 37 # SIGRTMIN+3: halt
  local _
  for _ in $(seq 60); do has_ended && break; sleep 1; done
  has_ended
  rt delete "$CID"
  eventually is_gone
}
