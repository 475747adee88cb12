load helpers

# The same bundle, run by uid 1000 of the host without any privilege.
setup() {
  setup_bundle
  command -v setpriv >/dev/null || skip "the host has no setpriv"
  rm -rf "$ROOTFS" && cp -a "$(rootfs_template)" "$ROOTFS"
  edit '.linux.namespaces |= (map(select(.type != "network")) + [{type: "user"}]) | del(.linux.resources, .linux.cgroupsPath)
    | .linux.uidMappings = [{containerID: 0, hostID: 1000, size: 1}] | .linux.gidMappings = [{containerID: 0, hostID: 1000, size: 1}]
    | .mounts |= map(if .destination == "/sys" then {destination: "/sys", type: "none", source: "/sys", options: ["rbind", "nosuid", "noexec", "nodev", "ro"]}
        elif .destination == "/dev/pts" then .options |= map(select(. != "gid=5")) else . end)
    | .process.rlimits = []'
  mkdir -m 0700 "$WORK/user"
  ROOT=$WORK/user/root
  chown -hR 1000:1000 "$WORK/user" "$BUNDLE"
  # the kernel's own rule: an unprivileged user may do all this at all
  unprivileged unshare -Ur true 2>/dev/null || skip "the host gives no user namespaces to users"
}
unprivileged() { setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps=-all --bounding-set=-all env -u NOTIFY_SOCKET XDG_RUNTIME_DIR="$WORK/user" USER=user HOME=/ "$@" 3>&- 4>&-; }
rootless() { unprivileged "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS "$@"; }

@test "an unprivileged user runs a container" {
  script 'id -u; hostname; echo $$; cat /proc/self/uid_map | tr -s " "'
  run --separate-stderr rootless run --bundle "$BUNDLE" "$CID"
  succeeded
  is $'0\ntested\n1\n 0 1000 1'
}

@test "an unprivileged user creates, starts, enters, kills and deletes a container" {
  rootless create --bundle "$BUNDLE" --pid-file "$WORK/user/pid" "$CID" </dev/null >"$WORK/out" 2>"$WORK/err"
  equal created "$(rootless state "$CID" | jq -r .status)"
  rootless start "$CID"
  run --separate-stderr rootless exec "$CID" sh -c 'id -u; hostname'
  succeeded
  is $'0\ntested'
  run --separate-stderr rootless list --format json
  equal "$CID" "$(jq -r '.[0].id' <<<"$output")"
  rootless kill "$CID" KILL
  eventually gone "$(cat "$WORK/user/pid")"
  rootless delete "$CID"
  [ ! -e "$ROOT/$CID" ]
}

@test "a network namespace of its own has its loopback up" {
  edit '.linux.namespaces += [{type: "network"}]'
  script 'ip addr show lo'
  run --separate-stderr rootless run --bundle "$BUNDLE" "$CID"
  succeeded
  says 127.0.0.1
}

@test "the default root of an unprivileged user is below XDG_RUNTIME_DIR" {
  is_agentsafe || skip "about agentsafe"
  script true
  run --separate-stderr unprivileged "$RUNTIME" $RUNTIME_FLAGS run --bundle "$BUNDLE" --keep "$CID"
  succeeded
  [ -d "$WORK/user/agentsafe/$CID" ]
  unprivileged "$RUNTIME" $RUNTIME_FLAGS delete "$CID"
}

@test "additional groups are refused where the kernel denies setgroups" {
  edit '.process.user.additionalGids = [5]'
  run --separate-stderr rootless run --bundle "$BUNDLE" "$CID"
  failed 1
}

@test "newuidmap and newgidmap write several mappings" {
  command -v newuidmap >/dev/null || skip "the host has no newuidmap"
  unshare -m true
  local sub=$WORK/subid
  printf '1000:300000:65536\n' >"$sub"
  edit '.linux.uidMappings += [{containerID: 1, hostID: 300000, size: 1000}] | .linux.gidMappings += [{containerID: 1, hostID: 300000, size: 1000}]'
  script 'tr -s " " </proc/self/uid_map; grep ^Groups /proc/self/status; chown 5:5 /tmp/f 2>&1 || touch /tmp/f && chown 5:5 /tmp/f && stat -c %u /tmp/f'
  # the tables and a user name are shown to this test only
  run --separate-stderr unshare -m --propagation private bash -c '
    cp /etc/passwd "$1.passwd"; grep -q "^[^:]*:x:1000:" /etc/passwd || echo "agentsafe-test:x:1000:1000::/:/bin/sh" >>"$1.passwd"
    mount --bind "$1.passwd" /etc/passwd; touch /etc/subuid /etc/subgid; mount --bind "$1" /etc/subuid; mount --bind "$1" /etc/subgid
    shift; exec setpriv --reuid 1000 --regid 1000 --clear-groups env USER=user HOME=/ XDG_RUNTIME_DIR=/nowhere "$@"' \
    - "$sub" "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS run --bundle "$BUNDLE" "$CID" 3>&- 4>&-
  succeeded
  says " 1 300000 1000"
  equal 5 "${lines[-1]}"
}

@test "rootless without a cgroup namespace gives no write access to the host's cgroups" {
  edit '.mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["nosuid", "noexec", "nodev", "relatime"]}]'
  script 'n=0; for f in $(find /sys/fs/cgroup -name cgroup.procs); do echo 0 >$f 2>/dev/null && n=$((n + 1)); done; echo written $n'
  run --separate-stderr rootless run --bundle "$BUNDLE" "$CID"
  succeeded
  is "written 0"
}

# What Podman and rootless Docker do: the runtime is root in a user namespace that is there already, with many ids.
mapped() {
  env XDG_RUNTIME_DIR="$WORK/mapped" python3 "$BATS_TEST_DIRNAME/mapped.py" "$@" 3>&- 4>&-
}
mapped_bundle() {
  edit 'del(.linux.uidMappings, .linux.gidMappings) | .linux.namespaces |= map(select(.type != "user"))'
  mkdir "$WORK/mapped"
  chown -hR 100000:100000 "$WORK/mapped" "$BUNDLE"
  chmod 0755 "$WORK"
}

in_mapped() { mapped "$RUNTIME" --root "$WORK/mapped/root" $RUNTIME_FLAGS "$@"; }

@test "root of a user namespace sets additional groups" {
  mapped_bundle
  script 'id -G; cat /proc/self/uid_map | tr -s " "' '.process.user.additionalGids = [5, 10, 27]'
  run --separate-stderr in_mapped run --bundle "$BUNDLE" "$CID"
  succeeded
  is $'0 5 10 27\n 0 100000 65536'
}

@test "root of a user namespace maps a part of its ids into another" {
  mapped_bundle
  script 'id -u; id -G; cat /proc/self/uid_map | tr -s " "' '.linux.namespaces += [{type: "user"}] | .process.user.additionalGids = [27]
    | .linux.uidMappings = [{containerID: 0, hostID: 0, size: 1}, {containerID: 1, hostID: 1000, size: 99}] | .linux.gidMappings = .linux.uidMappings'
  run --separate-stderr in_mapped run --bundle "$BUNDLE" "$CID"
  succeeded
  is $'0\n0 27\n 0 0 1\n 1 1000 99'
}
