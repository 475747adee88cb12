# fs.scratch "disk": what a container writes lies on the host's disk, within a project quota of its own.
# The file systems are images, mounted in a mount namespace that the runtime is run in.

load helpers

setup() {
  is_agentsafe || skip "policies are agentsafe's"
  [ "$(id -u)" -eq 0 ] || skip "only root can mount"
  kernel_at_least 5.14 || skip "needs Linux 5.14 (quotactl_fd)"
  setup_bundle
  edit '.process.noNewPrivileges = false | .process.rlimits = []'
  POLICY=$WORK/policy.json
  SCRATCH=$WORK/disk/scratch
  policy '{}'
  own_mounts
}
# policy JSON: what the bundle's policy says besides strict with a scratch layer of 8M on disk.
policy() {
  jq -n --argjson more "$1" '{version: 1, extends: "strict", egress: {mode: "off"},
    fs: {scratch: "disk", size: "8M"}} * $more' >"$POLICY"
  chmod 644 "$POLICY"
  RUNTIME_FLAGS="--policy $POLICY"
}
# A mount namespace with the operator's files of this test; the runtime is called in it from now on.
own_mounts() {
  local real
  real=$(readlink -f "$RUNTIME")
  mkdir -p "$WORK/disk"
  [ -d /etc/agentsafe ] || { mkdir /etc/agentsafe && : >"$WORK/made-etc"; }
  background mounts unshare --mount --propagation private sleep 1000
  SPACE=$HELPER
  eventually own_namespace
  there mount -t tmpfs operator /etc/agentsafe
  there sh -c 'printf "{\"version\": 1, \"scratch_dir\": \"%s\"}" "$1" >/etc/agentsafe/config.json' - "$SCRATCH"
  printf '#!/bin/sh\nexec nsenter --mount=/proc/%s/ns/mnt "%s" "$@"\n' "$SPACE" "$real" >"$WORK/agentsafe"
  chmod +x "$WORK/agentsafe"
  RUNTIME=$WORK/agentsafe
}
own_namespace() { [ "$(namespace_of "$SPACE" mnt)" != "$(namespace_of $$ mnt)" ] && [ -n "$(namespace_of "$SPACE" mnt)" ]; }
there() { nsenter --mount="/proc/$SPACE/ns/mnt" "$@" 3>&- 4>&-; }
quota() { there "$PYTHON" "$TOOLS/quota.py" "$WORK/disk" "$@"; }
teardown() {
  [ -n "${WORK:-}" ] || return 0
  delete_all
  [ ! -e "$WORK/made-etc" ] || rmdir /etc/agentsafe || :
  RUNTIME=true
  [ -z "${SPACE:-}" ] || { kill "$SPACE" && eventually gone "$SPACE"; }
  rm -rf "$ROOT"
  finish
}
# disk TYPE: a file system with project quotas below $SCRATCH.
disk() {
  command -v "mkfs.$1" >/dev/null || skip "the host lacks mkfs.$1"
  if [ "$1" = xfs ]; then
    truncate -s 320M "$WORK/image" && mkfs.xfs -q "$WORK/image"
  else
    truncate -s 96M "$WORK/image" && mkfs.ext4 -q -O project,quota "$WORK/image"
  fi
  there mount -o loop,prjquota "$WORK/image" "$WORK/disk" 2>/dev/null || skip "the host's kernel has no project quotas for $1"
}
no_records() { [ -z "$(quota)" ]; }
nothing_left() {
  equal '' "$(there ls -A "$SCRATCH")"
  eventually no_records
}
second() { # another container of the same policy: sh -c "$1"
  new_bundle "$WORK/second" "$CID-second"
  jq --arg text "$1" '.process.args = ["sh", "-c", $text]' "$WORK/second/config.json" >"$WORK/new"
  mv "$WORK/new" "$WORK/second/config.json"
  run_rt run --bundle "$WORK/second" "$CID-second"
}
fills_its_layer() {
  local project
  script 'dd if=/dev/zero of=/big bs=1M count=20 2>&1; stat -c %s /big; touch /full && echo again >/full; sleep 1000'
  launch
  await_line '^[0-9][0-9]*$'
  file_says "$WORK/out" 'No space left\|quota exceeded'
  [ "$(grep -x '[0-9]*' "$WORK/out")" -le 8388608 ]
  second 'dd if=/dev/zero of=/big bs=1M count=4 2>/dev/null && stat -c %s /big'
  is 4194304
  read -r project bytes files < <(quota)
  equal "8388608 1048576" "$bytes $files"
  quota "$project" 10
  in_container sh -c 'rm /big; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do : >/f$i || exit 3; done'
  failed
  [[ "$stderr" == *"uota exceeded"* || "$stderr" == *"No space left"* ]]
  second 'for i in $(seq 100); do : >/f$i || exit 3; done; ls / | grep -c ^f'
  is 100
  [ ! -e "$ROOTFS/big" ]
  rt delete --force "$CID"
  nothing_left
}

@test "a layer on ext4 ends at its bytes and its number of files, and other containers do not notice" {
  disk ext4
  fills_its_layer
}

@test "a layer on xfs ends at its bytes and its number of files, and other containers do not notice" {
  disk xfs
  fills_its_layer
}

@test "a layer on disk works with the host's ids, and in a user namespace of the bundle" {
  disk ext4
  policy '{"process": {"userns": "off"}}'
  script 'echo kept >/new && mkdir -p /a/b && rm /etc/passwd && stat -c %u /new'
  run_bundle
  succeeded
  is 0
  chown 100000:100000 "$ROOTFS"
  edit '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
    | .linux.gidMappings = .linux.uidMappings'
  script 'echo kept >/new && mkdir -p /a/b && stat -c %u /new'
  run_bundle
  succeeded
  is 0
  nothing_left
}

@test "a file cannot leave the quota of its container" {
  disk ext4
  policy '{"process": {"userns": "off"}}'
  # ioctl(0, FS_IOC_SETFLAGS or FS_IOC_FSSETXATTR): ENOTTY; FS_IOC_FSGETXATTR
  script 'mkdir /d; b=$(printf "%64s" x); for r in 0x40086602 0x40046602 0x401c5820 0x801c581f; do probe syscall 16 0 $r "$b" </d; done'
  run_bundle
  succeeded
  equal 3 "$(grep -c 'ret=-1 errno=25' <<<"$output")"
  equal 'ret=0 errno=0' "${lines[3]}"
  policy '{"process": {"userns": "off", "seccomp": "none"}}'
  run_bundle
  refuses_briefly
  complains 'could leave its quota on disk'
  policy '{"process": {"userns": "off", "capabilities": ["SYS_RESOURCE"]}}'
  edit '.process.capabilities.bounding += ["CAP_SYS_RESOURCE"]'
  run_bundle
  refuses_briefly
  complains 'CAP_SYS_RESOURCE goes over the quota'
}

@test "delete removes a tree that nests deeper than paths reach" {
  disk ext4
  script 'levels=$(printf "dddddddd/%.0s" $(seq 100)); mkdir -p /top/bottom || exit 3
    for i in $(seq 20); do mkdir -p "/new/$levels" && mv /top "/new/$levels" && mv /new /top || exit 4; done; echo made'
  run_bundle
  is made
  nothing_left
}

@test "after kill -9 of create, delete --force leaves neither folder nor quota" {
  disk ext4
  printf '#!/bin/sh\nkill -9 $PPID\nsleep 1\n' >"$WORK/killer"
  chmod +x "$WORK/killer"
  edit '.hooks.createRuntime = [{path: $p}]' --arg p "$WORK/killer"
  run_rt create --bundle "$BUNDLE" "$CID"
  failed
  [ -n "$(quota)" ]
  run_rt delete --force "$CID"
  succeeded
  nothing_left
  edit 'del(.hooks)'
  script 'echo fine'
  run_bundle
  is fine
}

@test "what a killed create had before it wrote its state goes with delete --force" {
  disk ext4
  launch
  name=$(there ls "$SCRATCH")
  holder=$(there readlink "$SCRATCH/$name/container")
  ids=$(jq .firstId "$ROOT/$CID/state.json")
  rt delete --force "$CID"
  nothing_left
  mkdir "$ROOT/$CID"
  there mkdir -p "$SCRATCH/$name/upper/x"
  there ln -s "$holder" "$SCRATCH/$name/container"
  quota "$name" 5
  if [ "$ids" != null ]; then mkdir -p /run/agentsafe-ids && printf %s "$ROOT/$CID" >"/run/agentsafe-ids/$ids"; fi
  run_rt delete --force "$CID"
  succeeded
  nothing_left
  [ ! -e "/run/agentsafe-ids/$ids" ]
}

@test "the layer of a container that is gone is removed by the next one" {
  disk ext4
  launch
  mv "$ROOT/$CID" "$WORK/kept"
  second 'echo fine'
  is fine
  mkdir -p "$ROOT"
  mv "$WORK/kept" "$ROOT/$CID"
  rt delete --force "$CID"
  nothing_left
}

@test "a file system without project quotas is refused by name, with its mount and the remedy" {
  there mount -t tmpfs none "$WORK/disk"
  script 'echo ran'
  run_bundle
  refuses_briefly
  complains "$SCRATCH lies on the tmpfs file system mounted at $WORK/disk, which enforces no project quotas"
  complains 'scratch_dir in /etc/agentsafe/config.json'
  complains '(fs.scratch)'
  there umount "$WORK/disk"
  if command -v mkfs.ext4 >/dev/null; then
    truncate -s 32M "$WORK/image" && mkfs.ext4 -q "$WORK/image"
    there mount -o loop "$WORK/image" "$WORK/disk"
    run_bundle
    refuses_briefly
    complains "the ext4 file system mounted at $WORK/disk"
    complains 'tune2fs -O project,quota'
  fi
  equal '' "$(there ls "$WORK/disk" | grep -v lost+found)"
}

@test "a scratch folder that others can write is refused" {
  disk ext4
  there mkdir -m 777 "$SCRATCH"
  run_bundle
  refuses_briefly
  complains "scratch_dir $SCRATCH can be written by others"
}

@test "explain and the plan tell where the layer lies, and disk without overlay is refused" {
  disk ext4
  run_rt policy explain "$BUNDLE"
  says "an overlay of 8M and 1048576 files on disk below $SCRATCH"
  run_rt create --dry-run --bundle "$BUNDLE" "$CID"
  says "scratch=8388608 below $SCRATCH"
  policy '{"fs": {"rootfs": "readonly"}}'
  run_bundle
  refuses_briefly
  complains 'goes with fs.rootfs'
}
