load helpers

# A user namespace whose root is the host's uid 100000. The root file system belongs to it.
user_namespace() {
  edit '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
    | .linux.gidMappings = [{containerID: 0, hostID: 200000, size: 65536}]'
  rm -rf "$ROOTFS" && cp -a "$(rootfs_template)" "$ROOTFS"
  chown -hR 100000:200000 "$ROOTFS"
}

@test "root of the container is not root of the host" {
  user_namespace
  launch
  equal 100000 "$(awk '/^Uid/ {print $2}' "/proc/$(pid_of)/status")"
  equal 200000 "$(awk '/^Gid/ {print $2}' "/proc/$(pid_of)/status")"
  in_container sh -c 'id -u; cat /proc/self/uid_map /proc/self/gid_map | tr -s " "'
  succeeded
  is $'0\n 0 100000 65536\n 0 200000 65536'
}

@test "several mappings are written" {
  user_namespace
  edit '.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 100}, {containerID: 100, hostID: 300000, size: 50}, {containerID: 1000, hostID: 400000, size: 1}]'
  command_is sh -c 'tr -s " " </proc/self/uid_map'
  run_bundle
  succeeded
  is $' 0 100000 100\n 100 300000 50\n 1000 400000 1'
}

@test "every namespace belongs to the user namespace" {
  user_namespace
  script 'mount -t tmpfs t /tmp && echo mounted; ip link set lo mtu 1400 && echo net; hostname changed && echo uts' \
    '.process.capabilities |= (map_values(. + ["CAP_SYS_ADMIN", "CAP_NET_ADMIN"]))'
  run_bundle
  succeeded
  is $'mounted\nnet\nuts'
}

@test "devices are bind mounts of the host's" {
  user_namespace
  script 'echo x >/dev/null && head -c 2 /dev/zero | wc -c; stat -c "%F %t:%T" /dev/null; grep -c " /dev/null " /proc/self/mountinfo'
  run_bundle
  succeeded
  is $'2\ncharacter special file 1:3\n1'
}

@test "exec enters the user namespace" {
  user_namespace
  launch
  run_rt exec --user 1000:1000 "$CID" sh -c 'id -u; grep CapBnd /proc/self/status'
  succeeded
  equal 1000 "${lines[0]}"
  in_container readlink /proc/self/ns/user
  is "$(namespace_of "$(pid_of)" user)"
}

@test "additional groups work where they are mapped" {
  user_namespace
  script 'grep ^Groups: /proc/self/status' '.process.user.additionalGids = [10, 20]'
  run_bundle
  succeeded
  [[ $output == *"10 20"* ]]
}

@test "an unmapped user is refused" {
  user_namespace
  edit '.process.user.uid = 70000'
  run_bundle
  refuses_briefly
  no_leftovers
}

@test "mappings without a user namespace, and a user namespace without mappings, are refused" {
  command_is true
  edit '.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 10}]'
  run_bundle
  ! is_agentsafe || failed 1
  edit 'del(.linux.uidMappings) | .linux.namespaces += [{type: "user"}]'
  run_bundle
  ! is_agentsafe || failed 1
}

@test "overlapping, empty and wrapping mappings are refused" {
  is_agentsafe || skip "others leave it to the kernel"
  user_namespace
  local mappings
  for mappings in '[{containerID: 0, hostID: 100000, size: 0}]' '[{containerID: 0, hostID: 4294967290, size: 100}]' \
    '[{containerID: 0, hostID: 1000, size: 10}, {containerID: 5, hostID: 2000, size: 10}]'; do
    edit ".linux.uidMappings = $mappings"
    run_bundle
    refuses_briefly || { echo "with $mappings"; return 1; }
  done
}

@test "a terminal belongs to the mapped user" {
  user_namespace
  edit '.process.terminal = true | .process.args = ["sh", "-c", "stat -c %u $(tty); echo x >/dev/tty"]'
  background agent "$PYTHON" "$TOOLS/recvtty.py" "$WORK/console.sock"
  await_line listening "$WORK/agent"
  launch --console-socket "$WORK/console.sock"
  await_line "^> 0$" "$WORK/agent"
  await_line "^> x$" "$WORK/agent"
}

@test "masked paths, readonly paths and the root hold in a user namespace" {
  user_namespace
  script 'cat /proc/kcore | wc -c; echo x >/proc/sys/kernel/hostname || echo ro; umount /proc/kcore || echo locked' \
    '.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"])'
  run_bundle
  succeeded
  says ro
  equal 0 "${lines[0]}"
}

@test "a sysctl of the container's own namespaces works" {
  user_namespace
  script 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start' '.linux.sysctl = {"net.ipv4.ip_unprivileged_port_start": "77"}'
  run_bundle
  succeeded
  is 77
}

@test "an implied idmapped mount maps by the container's user namespace" {
  is_agentsafe || skip "too old"
  user_namespace
  mkdir "$WORK/src"
  touch "$WORK/src/file"
  chmod 0711 "$WORK/src"
  script 'stat -c %u:%g /vol/file; touch /vol/new' '.mounts += [{destination: "/vol", type: "bind", source: $s, options: ["bind", "idmap"]}]' --arg s "$WORK/src"
  run_bundle
  succeeded
  is 0:0
  equal 0:0 "$(stat -c %u:%g "$WORK/src/new")"
}
