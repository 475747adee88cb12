# An engine with userns-remap: root in a container is uid 1600000 outside.

case_remapped_root_is_nobody_outside() {
  is root run bb id -un
  has '^ +0 +1600000 +65536$' run bb cat /proc/self/uid_map
  has '^ +0 +1600000 +65536$' run bb cat /proc/self/gid_map
  idle a
  is 1600000 eval 'stat -c %u /proc/$(inspect a "{{.State.Pid}}")/root/bin/idle'
  is "1600000 1600000" eval 'stat -c "%u %g" /proc/$(inspect a "{{.State.Pid}}")'
}

case_remapped_containers_have_the_mounts_of_the_reference() {
  same mount_table
  same run bb sh -c 'cd /dev; stat -c "%n %F %t:%T %u:%g" null zero full tty random urandom ptmx pts shm'
}

case_a_remapped_container_is_entered() {
  idle a
  is "uid=0(root) gid=0(root) groups=0(root)" in_container a id
  is "uid=1000(worker) gid=1000(worker) groups=1000(worker),2000(extra)" d exec -u worker "$ME-a" id
  has tty terminal "$(docker_words) exec -t $ME-a sh -c 'test -t 0 && echo tty'"
  same d exec "$ME-a" grep -E '^(Uid|Gid|Cap|Seccomp:)' /proc/self/status
}

case_a_remapped_container_has_limits_network_and_a_terminal() {
  idle a -m 48m
  is 50331648 knob a memory memory.limit_in_bytes memory.max
  has 'inet 172' in_container a ip addr show eth0
  is tty run -t bb sh -c 'test -t 1 && printf tty'
  is ok run --read-only --tmpfs /tmp bb sh -c 'touch /tmp/x && echo ok'
  is ok run -v "$ME-v:/v" bb sh -c 'touch /v/x && echo ok'
  d volume rm "$ME-v" >/dev/null
  d stop -t 20 "$ME-a"
  is 143 inspect a '{{.State.ExitCode}}'
}

case_a_container_can_keep_the_hosts_users() {
  is "$(readlink /proc/self/ns/user)" run --userns host bb readlink /proc/self/ns/user
}
