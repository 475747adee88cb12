# What "podman run" and its relatives promise, in every mode.

case_run_prints_and_passes_the_status_on() {
  is hello run bb echo hello
  status 42 run bb sh -c 'exit 42'
  status 137 run bb sh -c 'sh -c "kill -9 \$\$"; exit $?'
}
case_a_missing_command_is_127_and_one_that_may_not_run_126() {
  refused 127 'not found|no such file' run bb nosuchthing
  refused 126 'permission denied' run bb /etc/passwd
  idle a
  refused 127 'not found|no such file' in_container a nosuchthing
}
case_input_reaches_the_command() { is hello bash -c "echo hello | $(shell_line) run -i bb cat"; }
case_a_terminal_is_one() {
  has 'yes /dev/pts/0' script -qefc "$(shell_line) run -t bb sh -c 'test -t 0 && echo yes \$(tty)'" /dev/null
}
case_environment_user_and_working_folder() {
  is $'1000 1000\n/data\nvalue' run -u worker -w /data -e WORD=value bb sh -c 'echo $(id -u) $(id -g); pwd; echo $WORD'
  has '(^| )2000( |$)' run -u worker --group-add 2000 bb id -G
}
case_a_detached_container_is_managed() {
  idle a
  is running inspect a '{{.State.Status}}'
  is inside in_container a echo inside
  status 7 in_container a sh -c 'exit 7'
  has 'idle' d top "$ME-a" args
  has '^ready$' d logs "$ME-a"
  d kill -s USR1 "$ME-a" >/dev/null
  await log_has a 'got USR1'
  d stop -t 20 "$ME-a" >/dev/null
  is 143 inspect a '{{.State.ExitCode}}'
  d start "$ME-a" >/dev/null
  await state_is a running
  d restart -t 1 "$ME-a" >/dev/null
  d rm -f -t 0 "$ME-a" >/dev/null
}
case_exec_detached_with_user_and_environment() {
  idle a
  d exec -d "$ME-a" touch /tmp/done
  await in_container a test -e /tmp/done
  is '1000 x' d exec -u worker -e V=x "$ME-a" sh -c 'echo $(id -u) $V'
  is $'hello' bash -c "echo hello | $(shell_line) d exec -i $ME-a cat"
}
case_a_health_check_turns_healthy_and_unhealthy() {
  idle a --health-cmd 'test -e /tmp/fine' --health-interval disable --health-retries 1
  status 1 d healthcheck run "$ME-a"
  in_container a touch /tmp/fine
  status 0 d healthcheck run "$ME-a"
  has healthy inspect a '{{.State.Healthcheck.Status}}{{.State.Health.Status}}'
}
case_pause_and_unpause() {
  limits_only
  idle a
  d pause "$ME-a" >/dev/null
  is paused inspect a '{{.State.Status}}'
  d unpause "$ME-a" >/dev/null
  is here in_container a echo here
}
case_limits_are_set_and_updated() {
  limits_only
  idle a --memory 64m --pids-limit 77
  has '^(67108864)$' in_container a sh -c 'cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes'
  has '^77$' in_container a sh -c 'cat /sys/fs/cgroup/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids/pids.max'
  d update --memory 96m "$ME-a" >/dev/null
  has '^(100663296)$' in_container a sh -c 'cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes'
  has '[0-9]' d stats --no-stream --format '{{.PIDs}}' "$ME-a"
}
case_limits_that_a_user_may_not_set_are_refused() {
  rootless_only
  ! may_limit || skip "systemd delegates them"
  [ "$CG" = 2 ] || skip "podman itself drops them on cgroup version 1"
  refused '12[567]' 'cgroup|memory|controller|permission' run --memory 64m bb true
}
case_a_container_without_cgroups() {
  is hello d run --rm --network none --cgroups=disabled bb echo hello
}
case_volumes_read_only_roots_and_temporary_file_systems() {
  mkdir -p "$DIR/v"
  chmod 777 "$DIR/v"
  run -v "$DIR/v:/v" bb sh -c 'echo written >/v/file'
  is written cat "$DIR/v/file"
  status 1 run -v "$DIR/v:/v:ro" bb touch /v/other
  status 1 run --read-only bb touch /file
  has '^tmpfs .*65536|64' run --read-only --tmpfs /t:size=64k bb sh -c 'touch /t/x && df -k /t | tail -n 1'
  is kept run --rm -v "$ME-vol:/vol" bb sh -c 'echo kept >/vol/f; cat /vol/f'
  d volume rm "$ME-vol" >/dev/null
}
case_capabilities_seccomp_and_no_new_privileges() {
  same run --cap-drop all --cap-add chown bb grep ^Cap /proc/self/status
  same run bb grep -E '^(Cap|Seccomp|NoNewPrivs)' /proc/self/status
  is $'NoNewPrivs:\t1' run --security-opt no-new-privileges bb grep NoNewPrivs /proc/self/status
  is $'Seccomp:\t0' run --security-opt seccomp=unconfined bb grep Seccomp: /proc/self/status
}
case_sysctls_and_an_init() {
  is 7000 run --sysctl net.ipv4.ip_unprivileged_port_start=7000 bb cat /proc/sys/net/ipv4/ip_unprivileged_port_start
  has 'catatonit|init' run --init bb cat /proc/1/comm
  is 100k run --shm-size 100k bb sh -c 'df -h /dev/shm | tail -n 1 | tr -s " " | cut -d " " -f 2 | sed s/.0K/k/'
}
case_limits_of_processes() {
  needs_resource_capability
  is 333 run --ulimit nofile=333:333 bb sh -c 'ulimit -n'
}
case_files_are_copied_and_changes_committed() {
  idle a
  echo from outside >"$DIR/in"
  chmod 644 "$DIR/in"
  d cp "$DIR/in" "$ME-a:/tmp/in"
  is 'from outside' in_container a cat /tmp/in
  has '/tmp/in' d diff "$ME-a"
  d commit -q "$ME-a" "$ME-image" >/dev/null 2>&1
  is 'from outside' run "$ME-image" cat /tmp/in
  d rm -f -t 0 "$ME-a" >/dev/null
  d rmi -f "$ME-image" >/dev/null
}
case_a_container_that_runs_out_of_memory_says_so() {
  limits_only
  up a --memory 24m --memory-swap 24m bb sh -c 'exec tail /dev/zero'
  is 137 d wait "$ME-a"
  await state_is a exited
  is 137 inspect a '{{.State.ExitCode}}'
}
case_the_hosts_namespaces_on_request() {
  NET=host is "$(readlink /proc/self/ns/net)" run bb readlink /proc/self/ns/net
  is "$(readlink /proc/self/ns/uts)" run --uts host bb readlink /proc/self/ns/uts
  [ ! -d /dev/mqueue ] || is "$(readlink /proc/self/ns/ipc)" run --ipc host bb readlink /proc/self/ns/ipc
  is "$(cat /proc/1/comm)" run --pid host bb cat /proc/1/comm
}
case_a_systemd_like_command_gets_its_mounts() {
  same run --systemd always bb sh -c 'grep -E " (/run|/run/lock|/tmp|/var/log/journal) " /proc/mounts | cut -d " " -f 2,3 | sort; echo $container'
}
case_privileged_containers_see_devices_and_mount() {
  is done run --privileged bb sh -c 'mkdir /tmp/m && mount -t tmpfs tmpfs /tmp/m && echo done'
  same run --privileged bb grep -E '^(Cap|Seccomp:)' /proc/self/status
}
case_a_published_port_answers() {
  rootful_only
  NET=bridge up a -p 127.0.0.1::8080 bb sh -c 'while echo hello | nc -l -p 8080; do :; done'
  local port
  port=$(d port "$ME-a" 8080/tcp | sed 's/.*://')
  await bash -c "busybox nc -w 2 127.0.0.1 $port </dev/null | grep -q hello"
}
