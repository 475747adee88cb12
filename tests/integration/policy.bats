# What a policy does to a container, seen from inside and from the host, and that the operator's file relaxes each.

load helpers

setup() {
  is_agentsafe || skip "policies are agentsafe's"
  setup_bundle
  edit '.process.noNewPrivileges = false | .process.rlimits = []'
  POLICY=$WORK/policy.json
  policy '{}'
}
# policy JSON: what the bundle's policy says besides strict. Egress rules have suites of their own.
policy() {
  jq -n --argjson more "$1" '{version: 1, extends: "strict", egress: {mode: "off"}} * $more' >"$POLICY"
  chmod 644 "$POLICY"
  RUNTIME_FLAGS="--policy $POLICY"
}
# inside SCRIPT: what it prints in the container.
inside() {
  script "$1"
  run_bundle
  succeeded
}
# refused_unless WORDS JSON: refused with these words under strict, not so under the relaxed policy.
refused_unless() {
  script 'echo ran'
  run_bundle
  refuses_briefly
  complains "$1"
  complains "refuses this bundle"
  policy "$2"
  run_bundle
  succeeded
  says ran
}

@test "a policy takes capabilities away, and the operator's file gives them back" {
  inside 'grep -E "Cap(Bnd|Eff)" /proc/self/status'
  # CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE
  equal 2 "$(grep -c 00000000000005fb <<<"$output")"
  policy '{"process": {"capabilities": ["ALL"]}}'
  inside 'grep CapBnd /proc/self/status'
  says 00000000a80425fb
}

@test "a user who is not root holds no capability, and an exec as root has the bounding set" {
  edit '.process.user = {uid: 1000, gid: 1000}'
  launch
  equal 0000000000000000 "$(awk '/^CapEff/ {print $2}' "/proc/$(pid_of)/status")"
  rt exec --user 0 "$CID" true
}

@test "a policy sets no_new_privs for the container and its execs, unless it is relaxed" {
  launch
  equal 1 "$(awk '/^NoNewPrivs/ {print $2}' "/proc/$(pid_of)/status")"
  in_container grep NoNewPrivs /proc/self/status
  equal 1 "$(awk '{print $2}' <<<"$output")"
  rt delete --force "$CID"
  policy '{"process": {"no_new_privileges": false}}'
  launch
  equal 0 "$(awk '/^NoNewPrivs/ {print $2}' "/proc/$(pid_of)/status")"
}

@test "a policy stacks its seccomp filter in the container and in execs, unless it is none" {
  launch
  equal 1 "$(awk '/^Seccomp_filters/ {print $2}' "/proc/$(pid_of)/status")"
  in_container grep Seccomp_filters /proc/self/status
  equal 1 "$(awk '{print $2}' <<<"$output")"
  in_container unshare -U true
  failed
  rt delete --force "$CID"
  policy '{"process": {"seccomp": "none"}}'
  launch
  equal 0 "$(awk '/^Seccomp_filters/ {print $2}' "/proc/$(pid_of)/status")"
}

@test "under rootfs overlay every path can be written and the image stays as it is" {
  local before after
  before=$(cd "$ROOTFS" && find . -printf '%p %m %s %l\n' | sort)
  inside 'echo new >/etc/new && rm /etc/passwd && mkdir -p /made/here && cat /etc/new && ls /etc'
  says new
  [[ "$output" != *passwd* ]]
  after=$(cd "$ROOTFS" && find . -printf '%p %m %s %l\n' | sort)
  equal "$before" "$after"
}

@test "under rootfs overlay the scratch layer has the policy's size" {
  policy '{"fs": {"size": "2M"}}'
  inside 'df -i / | tail -n 1; dd if=/dev/zero of=/big bs=1M count=8 2>&1; stat -c %s /big'
  says ' 1048576 '
  says 'No space left'
  [ "${lines[-1]}" -le 2097152 ]
}

@test "a rootfs path with the overlay's own characters is taken as it is" {
  mkdir "$BUNDLE/a,b:c\\d"
  cp -a "$ROOTFS/." "$BUNDLE/a,b:c\\d"
  edit '.root.path = "a,b:c\\d"'
  inside 'touch /new && echo fine'
  is fine
  [ ! -e "$BUNDLE/a,b:c\\d/new" ]
}

@test "the scratch layer works in a user namespace, and under shared propagation" {
  edit '.linux.rootfsPropagation = "shared"'
  inside 'touch /new && echo fine'
  is fine
  chown 100000:100000 "$ROOTFS"
  edit '.linux.rootfsPropagation = "" | .linux.namespaces += [{type: "user"}]
    | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
  inside 'touch /new && stat -c %u /new'
  is 0
  [ ! -e "$ROOTFS/new" ]
}

@test "rootfs writable writes the image, and readonly leaves the usual places writable" {
  policy '{"fs": {"rootfs": "writable"}}'
  inside 'touch /kept'
  [ -e "$ROOTFS/kept" ]
  policy '{"fs": {"rootfs": "readonly", "writable": ["/var/cache"]}}'
  inside 'for p in /tmp /var/tmp /run /root /var/cache; do touch $p/x || echo "no $p"; done; touch /no 2>&1; true'
  says 'Read-only file system'
  [[ "$output" != *"no /"* ]]
  inside 'cp /bin/busybox /tmp/echo && /tmp/echo ran'
  is ran
}

# has_flags YES|NO FLAG POINT…: of the container's mounts, as the host sees them.
has_flags() {
  local wanted=$1 flag=$2 point found
  shift 2
  for point in "$@"; do
    found=no
    [[ ",$(mount_line "$(pid_of)" "$point" | awk '{print $6}')," != *",$flag,"* ]] || found=yes
    equal "$wanted $flag $point" "$found $flag $point"
  done
}
@test "setuid programs and devices of the root and of volumes are ignored, unless the operator's file lets them work" {
  mkdir -p "$WORK/volume/below"
  cp "$ROOTFS/bin/busybox" "$WORK/volume/id" && chmod 4755 "$WORK/volume/id"
  mknod -m 666 "$WORK/volume/null" c 1 3
  edit '.mounts += [{destination: "/volume", type: "bind", source: $s, options: ["rbind"]}]' --arg s "$WORK/volume"
  policy '{"process": {"userns": "off"}}'
  launch
  has_flags yes nosuid / /volume /proc /sys /dev /dev/pts /dev/shm
  has_flags yes nodev / /volume /proc /sys /dev/shm
  has_flags no nodev /dev /dev/pts
  in_container sh -c 'echo x >/dev/null && echo x >/volume/null'
  failed
  complains 'Permission denied'
  in_container grep ' /volume ' /proc/self/mountinfo
  says nosuid,nodev
  rt delete --force "$CID"
  for root in readonly writable; do
    policy '{"fs": {"rootfs": "'$root'"}}'
    launch
    has_flags yes nosuid / /volume
    has_flags yes nodev / /volume
    rt delete --force "$CID"
  done
  policy '{"privileged": true, "process": {"userns": "off", "no_new_privileges": false}}'
  launch
  has_flags no nosuid / /volume
  has_flags no nodev / /volume
  in_container sh -c 'echo x >/volume/null'
  succeeded
}

@test "a root that config.json makes read-only stays so" {
  edit '.root.readonly = true'
  inside 'touch /no 2>&1; true'
  says 'Read-only file system'
}

@test "hidden files and directories are empty, readonly paths cannot be written" {
  mkdir -p "$ROOTFS/secret" "$ROOTFS/data"
  echo s >"$ROOTFS/secret/key"
  echo t >"$ROOTFS/token"
  policy '{"fs": {"hidden": ["/secret", "/token"], "readonly": ["/data"]}}'
  inside 'ls /secret; cat /token; touch /data/x 2>&1; true'
  says 'Read-only file system'
  equal 1 "${#lines[@]}"
}

@test "kernel files that tell about the host are masked or read-only, unless privileged ones are allowed" {
  edit '.linux.maskedPaths = [] | .linux.readonlyPaths = []'
  inside 'cat /proc/interrupts | wc -c; { echo x >/proc/sys/kernel/hostname; } 2>&1 || true'
  equal 0 "${lines[0]}"
  says 'Read-only file system'
  policy '{"privileged": true}'
  inside 'cat /proc/interrupts | wc -c'
  [ "$output" -gt 0 ]
}

@test "a bundle without a mount on /dev has its devices under a policy" {
  local root
  edit '.mounts |= map(select(.destination | startswith("/dev") | not))'
  for root in overlay readonly; do
    policy '{"process": {"userns": "off"}, "fs": {"rootfs": "'$root'"}}'
    inside 'echo x >/dev/null && echo fine'
    is fine
  done
}

@test "a policy bounds memory, processes, files and cores; what the bundle bounds more tightly stays" {
  require_v1_controller memory
  edit '.linux.resources.memory.limit = 17179869184 | .linux.resources.pids.limit = 50'
  launch
  equal 4294967296 "$(cgroup_value memory memory.limit_in_bytes)"
  equal 50 "$(cgroup_value pids pids.max)"
  [ "$(cgroup_value cpu cpu.cfs_quota_us)" -gt 0 ]
  grep -qE 'Max core file size +0 +0 ' "/proc/$(pid_of)/limits"
  grep -qE 'Max open files +(65536|[0-9]{1,4}|[1-5][0-9]{4}) ' "/proc/$(pid_of)/limits"
  rt update --memory 32G --pids-limit -1 "$CID"
  equal 4294967296 "$(cgroup_value memory memory.limit_in_bytes)"
  equal 512 "$(cgroup_value pids pids.max)"
  rt update --pids-limit 20 "$CID"
  equal 20 "$(cgroup_value pids pids.max)"
}

@test "the operator's file takes the bounds away" {
  require_v1_controller memory
  policy '{"limits": {"memory": "unlimited", "pids": "unlimited", "cpus": "unlimited", "core": "unlimited"}}'
  launch
  [ "$(cgroup_value memory memory.limit_in_bytes)" -gt 4294967296 ]
  equal max "$(cgroup_value pids pids.max)"
  equal -1 "$(cgroup_value cpu cpu.cfs_quota_us)"
}

@test "a policy bounds memory, swap, processors and processes on cgroup version 2, and ends a container as a whole" {
  require_v2_controller memory
  launch
  equal 4294967296 "$(cgroup_value memory memory.max)"
  [ ! -e "$(cgroup_dir memory)/memory.swap.max" ] || equal 0 "$(cgroup_value memory memory.swap.max)"
  equal 1 "$(cgroup_value memory memory.oom.group)"
  equal 512 "$(cgroup_value pids pids.max)"
  [[ "$(cgroup_value cpu cpu.max)" != max* ]]
  in_container cat /sys/fs/cgroup/memory.max
  [ "$status" -ne 0 ] || is 4294967296
  rt delete --force "$CID"
  policy '{"limits": {"memory": "unlimited", "swap": "unlimited", "pids": "unlimited", "cpus": "unlimited"}}'
  launch
  equal max "$(cgroup_value memory memory.max)"
  equal max "$(cgroup_value pids pids.max)"
  [[ "$(cgroup_value cpu cpu.max)" == max* ]]
}

@test "a policy never limits the address space, and open files only as asked" {
  launch
  grep -qE 'Max address space +unlimited +unlimited' "/proc/$(pid_of)/limits"
  in_container sh -c 'ulimit -v; ulimit -c'
  equal 'unlimited 0' "${lines[*]}"
  rt delete --force "$CID"
  policy '{"limits": {"open_files": 100}}'
  inside 'ulimit -n'
  is 100
}

@test "/dev/shm has the policy's size" {
  policy '{"limits": {"shm": "1M"}}'
  inside 'df -k /dev/shm | tail -n 1'
  says ' 1024 '
}

@test "denied variables do not reach the container or an exec" {
  edit '.process.env += ["API_TOKEN=x", "KEPT=1"]'
  policy '{"process": {"env_deny": ["*_TOKEN"]}}'
  launch
  in_container env
  says KEPT=1
  [[ "$output" != *API_TOKEN* ]]
  rt exec --env OTHER_TOKEN=x "$CID" env >"$WORK/env"
  not grep TOKEN "$WORK/env"
}

@test "a missing cgroup namespace is added" {
  launch
  [ "$(namespace_of "$(pid_of)" cgroup)" != "$(namespace_of self cgroup)" ]
}

# fingerprint PID: what confines a process, as the host sees it.
fingerprint() {
  grep -E '^(Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp|Seccomp_filters):' "/proc/$1/status"
  for ns in cgroup ipc mnt net pid user uts; do readlink "/proc/$1/ns/$ns"; done
  cat "/proc/$1/uid_map" "/proc/$1/gid_map" "/proc/$1/cgroup"
  grep -E 'core|open files' "/proc/$1/limits"
}
@test "an exec is confined as the container's first process is" {
  launch
  rt exec --detach --pid-file "$WORK/pid" "$CID" sleep 100
  equal "$(fingerprint "$(pid_of)")" "$(fingerprint "$(<"$WORK/pid")")"
}

require_own_ids() {
  on_idmappable || skip "the bundle's file system cannot be idmapped"
}
on_idmappable() { kernel_at_least 5.19 && case $(stat -fc %T "$ROOTFS") in ext2/ext3 | xfs | btrfs | f2fs) ;; *) false ;; esac; }

@test "a container has 64K host ids of its own, and gives them back" {
  require_own_ids
  launch
  local first second
  read -r _ first _ <"/proc/$(pid_of)/uid_map"
  [ "$first" -ge 65536 ]
  equal "$first" "$(awk '/^Uid/ {print $2}' "/proc/$(pid_of)/status")"
  equal "$ROOT/$CID" "$(cat "/run/agentsafe-ids/$first")"
  new_bundle "$WORK/other" "$CID-other"
  rt run --detach --bundle "$WORK/other" "$CID-other"
  read -r _ second _ <"/proc/$(jq .pid "$ROOT/$CID-other/state.json")/uid_map"
  [ "$first" != "$second" ]
  rt delete --force "$CID-other"
  rt delete --force "$CID"
  [ ! -e "/run/agentsafe-ids/$first" ]
  [ ! -e "/run/agentsafe-ids/$second" ]
}

@test "files keep their owners in a container with ids of its own, also those of volumes" {
  require_own_ids
  mkdir "$WORK/volume"
  touch "$WORK/volume/of-user"
  chown 1000:1000 "$WORK/volume/of-user"
  edit '.mounts += [{destination: "/volume", type: "bind", source: $s, options: ["rbind"]}]' --arg s "$WORK/volume"
  inside 'stat -c "%n %u:%g" /bin/busybox /home/user /volume/of-user /dev/null /dev/shm /tmp; touch /volume/new /tmp/new'
  says '/bin/busybox 0:0'
  says '/home/user 1000:1000'
  says '/volume/of-user 1000:1000'
  says '/dev/null 0:0'
  says '/dev/shm 0:0'
  equal 0:0 "$(stat -c %u:%g "$WORK/volume/new")"
  policy '{"fs": {"rootfs": "writable"}}'
  inside 'touch /kept'
  equal 0:0 "$(stat -c %u:%g "$ROOTFS/kept")"
}

@test "nothing inside owns the network namespace, and low ports can be served" {
  require_own_ids
  launch
  equal "$(namespace_of self user)" "$("$PYTHON" - "$(pid_of)" <<'PY'
import fcntl, os, sys
owner = fcntl.ioctl(os.open(f"/proc/{sys.argv[1]}/ns/net", os.O_RDONLY), 0xb701)  # NS_GET_USERNS
print(os.readlink(f"/proc/self/fd/{owner}"))
PY
)"
  in_container sh -c 'ip link set lo down 2>&1; nc -l -p 80 -w 1 </dev/null; cat /proc/sys/net/ipv4/ip_unprivileged_port_start; ls /sys/class/net'
  says 'Operation not permitted'
  equal 0 "${lines[1]}"
  equal lo "${lines[2]}"
}

@test "a terminal works in a container with ids of its own" {
  require_own_ids
  edit '.process.terminal = true'
  script 'tty; stat -c %u:%g /dev/pts/0; echo written >/dev/tty'
  run --separate-stderr "$PYTHON" "$TOOLS/withtty.py" -- "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS run --bundle "$BUNDLE" "$CID" 3>&- 4>&-
  says /dev/pts/0
  says 0:5
  says written
}

@test "userns off is the host's, on is refused where the root cannot be idmapped, and auto says why it is off" {
  policy '{"process": {"userns": "off"}}'
  inside 'cat /proc/self/uid_map'
  equal 4294967295 "$(awk '{print $3}' <<<"$output")"
  mkdir -p "$WORK/lower" "$WORK/scratch"
  run unshare -m --propagation private bash -s "$RUNTIME" "$ROOT" "$BUNDLE" "$WORK" "$CID" <<'SH'
mount -t tmpfs none "$4/scratch" && mkdir "$4/scratch/u" "$4/scratch/w"
mount -t overlay -o "lowerdir=$3/rootfs,upperdir=$4/scratch/u,workdir=$4/scratch/w" none "$3/rootfs" || exit 9
"$1" --root "$2" policy explain "$3" | grep -A1 'userns "auto"'
jq '.process.args = ["cat", "/proc/self/uid_map"]' "$3/config.json" >"$3/c" && mv "$3/c" "$3/config.json"
jq -n '{version: 1, extends: "strict", egress: {mode: "off"}, process: {userns: "on"}}' >"$4/on.json"
"$1" --root "$2" --policy "$4/on.json" run --bundle "$3" "$5" 2>&1
jq '.process.userns = "auto"' "$4/on.json" >"$4/auto.json"
"$1" --root "$2" --policy "$4/auto.json" run --bundle "$3" "$5" 2>&1
SH
  [ "$status" -ne 9 ] || skip "the host does not stack an overlay here"
  says 'off, root in the container is root of the host without most of its capabilities: the root file system cannot be idmapped'
  says 'cannot have host ids of its own: the root file system cannot be idmapped'
  says 4294967295
}

@test "the host's pid namespace is refused by name" {
  edit '.linux.namespaces |= map(select(.type != "pid"))'
  refused_unless "the host's pid namespace" '{"host_namespaces": ["pid"]}'
}
@test "the host's ipc, uts and cgroup namespaces are refused by name" {
  local type
  edit 'del(.hostname)'
  for type in ipc uts; do
    edit '.linux.namespaces |= map(if .type == $t then .path = "/proc/self/ns/" + $t else . end)' --arg t "$type"
    policy '{}'
    refused_unless "the host's $type namespace" '{"host_namespaces": ["'$type'"]}'
    edit '.linux.namespaces |= map(del(.path))'
  done
  edit '.linux.namespaces += [{type: "cgroup", path: "/proc/self/ns/cgroup"}]'
  policy '{}'
  refused_unless "the host's cgroup namespace" '{"privileged": true}'
}
@test "the host's network namespace, joined by path, is refused by name" {
  edit '.linux.namespaces |= map(if .type == "network" then .path = "/proc/self/ns/net" else . end)'
  refused_unless "the host's network namespace" '{"host_namespaces": ["network"]}'
}
@test "a privileged container is refused" {
  edit '.linux.resources.devices = [{"allow": true, "access": "rwm"}]'
  refused_unless "allows every device" '{"privileged": true}'
}
@test "an engine's socket is refused under another name and inside a tree" {
  "$PYTHON" -c 'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$WORK/docker.sock"
  edit '.mounts += [{destination: "/s", type: "bind", source: $s, options: ["rbind"]}]' --arg s "$WORK"
  refused_unless "docker.sock, which commands the host" '{"engine_sockets": true}'
}

@test "annotations narrow, and one that would widen is refused with key and remedy" {
  require_v1_controller memory
  edit '.annotations = {"org.agentsafe.limits.memory": "64M"}'
  launch
  equal 67108864 "$(cgroup_value memory memory.limit_in_bytes)"
  rt delete --force "$CID"
  edit '.annotations = {"org.agentsafe.limits.memory": "64G"}'
  run_bundle
  refuses_briefly
  complains 'org.agentsafe.limits.memory: it would widen'
  complains 'allow_widen'
}

@test "keys whose machinery is missing are refused with that reason" {
  policy '{"limits": {"wall": "30m"}}'
  run_bundle
  refuses_briefly
  complains 'limits.wall: \"30m\" needs the guard'
}

@test "a policy file that others can write is refused" {
  chmod 666 "$POLICY"
  run_bundle
  refuses_briefly
  complains 'chmod go-w'
}

@test "without a word strict holds, and later verbs keep it" {
  RUNTIME_FLAGS=
  script 'sleep 1000'
  launch
  equal strict "$(jq -r .policy "$ROOT/$CID/state.json")"
  in_container grep -E "CapBnd|Seccomp_filters" /proc/self/status
  says 00000000000005fb
  in_container touch /etc/made
  succeeded
  [ ! -e "$ROOTFS/etc/made" ]
}

@test "another policy on a verb for an existing container is an error" {
  launch
  RUNTIME_FLAGS='--policy oci' run_rt exec "$CID" true
  failed 255
  complains 'was created with the policy'
}

@test "explain and --dry-run name every change and do nothing" {
  run_rt policy explain "$BUNDLE"
  succeeded
  says 'process.noNewPrivileges: false -> true'
  says "rule process.no_new_privileges, from built-in policy strict"
  run_rt policy --format json explain "$BUNDLE"
  succeeded
  equal true "$(jq '[.changes[].property] | index("root") != null' <<<"$output")"
  run_rt create --dry-run --bundle "$BUNDLE" "$CID"
  succeeded
  says ' scratch='
  says 'process.noNewPrivileges: false -> true'
  [ ! -d "$ROOT/$CID" ]
}

@test "explain tells of the network what may leave, what never, what comes in, with rule and source" {
  policy '{"egress": {"mode": "strict", "allow": ["203.0.113.7:443"]}}'
  run_rt policy explain "$BUNDLE"
  succeeded
  says 'network out: everything -> nothing but what egress.allow and egress.internal list'
  says 'network out to: (nothing) -> 203.0.113.7:443'
  says "rule egress.allow, from $POLICY"
  says 'network never out to, unless internal'
  run_rt policy --format json explain "$BUNDLE"
  equal '["ingress","built-in policy strict"]' "$(jq -c '.changes[] | select(.property == "network in") | [.rule, .source]' <<<"$output")"
}

@test "why tells what refuses a path, a program and a capability, as the container finds it" {
  mkdir -p "$ROOTFS/data" "$ROOTFS/secret"
  touch "$ROOTFS/data/x" "$ROOTFS/secret/key"
  policy '{"fs": {"readonly": ["/data"], "hidden": ["/secret"]}}'
  launch
  answers() { run_rt why "$CID" "$1" "$2"; succeeded; says "$3"; }
  answers open /data/x 'refused: to write (EROFS): fs.readonly of policy'
  in_container sh -c 'echo >/data/x'
  failed
  answers open /secret 'refused: it is masked, and reads as empty: fs.hidden of policy'
  answers open /proc/interrupts 'refused: it is masked, and reads as empty: privileged of policy'
  answers open /proc/sys/kernel/hostname 'linux.readonlyPaths of config.json'
  answers open /etc/passwd 'allowed: as the file'
  answers open /etc/passwd 'the scratch layer'
  answers open /no/such 'missing'
  answers exec /bin/busybox allowed
  answers exec /etc/passwd 'refused: its mode has no x'
  answers exec /dev 'refused: it is no regular file'
  answers capability NET_RAW 'does not list it (EPERM); to allow it'
  answers capability CAP_CHOWN allowed
  answers capability SYS_ADMIN 'config.json does not give it'
  run_rt why "$CID" capability FLY
  refuses_briefly
  complains 'a right name is CAP_NET_RAW'
  run_rt why "$CID" open etc/passwd
  refuses_briefly
}

@test "every policy of contrib can be used" {
  local file
  for file in "$TOP"/contrib/policies/*.json; do
    run_rt policy check "$file"
    succeeded
    RUNTIME_FLAGS="--policy $file"
    inside 'echo ran'
    is ran
  done
}

@test "policy list, show and check answer" {
  run_rt policy list
  for name in strict moderate open oci; do says "$name "; done
  run_rt policy --format json show strict
  equal overlay "$(jq -r .fs.rootfs <<<"$output")"
  run_rt policy check "$POLICY"
  succeeded
  echo '{"version": 1, "limits": {"memory": "4X"}}' >"$POLICY"
  run_rt policy check "$POLICY"
  refuses_briefly
  complains 'limits.memory: \"4X\" is not a right value; a right value is \"4G\"'
}
