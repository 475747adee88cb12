#!/usr/bin/env bats
# Docker as most hosts have it: its systemd driver, the host's own systemd, cgroup version 2. Runs in the virtual machine,
# whose daemon.json names the runtime under test "agentsafe" (and Debian's crun, to compare with: RUNTIME_NAME=crun).
bats_require_minimum_version 1.5.0
load helpers

RUNTIME_NAME=${RUNTIME_NAME:-agentsafe}
# As the engine's own tests: what the bundle says and no more. The policies are tested with their own suites.
RUN=(docker run --runtime "$RUNTIME_NAME")

setup_file() {
  [ -d /run/systemd/system ] || skip "systemd does not run on this host"
  docker info >/dev/null 2>&1 || skip "Docker does not run on this host"
  [ "$(docker info --format '{{.CgroupDriver}} {{.CgroupVersion}}')" = "systemd 2" ]
}
setup() { NAME=at-$BATS_TEST_NUMBER-$$; }
teardown() {
  local id
  id=$(docker inspect --format '{{.Id}}' "$NAME" 2>/dev/null) || id=''
  docker rm --force "$NAME" >/dev/null 2>&1 || :
  [ -z "$id" ] || eventually no_unit "$id"
}
unit() { echo "docker-$(docker inspect --format '{{.Id}}' "$NAME").scope"; }
no_unit() { [ "$(systemctl show --value -p LoadState "docker-$1.scope")" = not-found ] && [ -z "$(find /sys/fs/cgroup -name "docker-$1.scope")" ]; }
property() { systemctl show --value -p "$1" "$(unit)"; }
idle() { "${RUN[@]}" --detach --name "$NAME" "$@" busybox sleep 1000 >/dev/null; }

@test "docker: a container is a scope in system.slice" {
  idle
  equal active "$(property ActiveState)"
  equal "/system.slice/$(unit)" "$(property ControlGroup)"
  equal yes "$(property Delegate)"
}

@test "docker: the exit status, the output and the input are the command's" {
  run "${RUN[@]}" --rm --name "$NAME" -i busybox sh -c 'cat; exit 7' <<<hello
  equal 7 "$status"
  equal hello "$output"
}

@test "docker: every limit is known to systemd and in force" {
  idle --memory 64m --memory-reservation 32m --memory-swap 96m --cpus 0.5 --cpu-shares 512 --cpuset-cpus 0 --pids-limit 77
  equal 67108864 "$(property MemoryMax)"
  equal 33554432 "$(property MemoryLow)"
  equal 33554432 "$(property MemorySwapMax)"
  equal 500ms "$(property CPUQuotaPerSecUSec)"
  equal 59 "$(property CPUWeight)"
  equal 0 "$(property AllowedCPUs)"
  equal 77 "$(property TasksMax)"
  systemctl daemon-reload
  equal "67108864
50000 100000
77" "$(docker exec "$NAME" sh -c 'cd /sys/fs/cgroup && cat memory.max cpu.max pids.max')"
}

@test "docker: update changes what systemd knows" {
  idle --memory 64m --memory-swap 64m
  docker update --memory 96m --memory-swap 96m --pids-limit 55 --cpus 0.25 "$NAME" >/dev/null
  equal 100663296 "$(property MemoryMax)"
  equal 55 "$(property TasksMax)"
  equal 250ms "$(property CPUQuotaPerSecUSec)"
}

@test "docker: a device that was given works before and after daemon-reload" {
  [ -c /dev/fuse ] || modprobe fuse
  idle --device /dev/fuse
  docker exec "$NAME" sh -c 'exec 3<>/dev/fuse'
  systemctl daemon-reload
  docker exec "$NAME" sh -c 'exec 3<>/dev/fuse'
  docker exec "$NAME" sh -c 'echo x >/dev/null'
}

@test "docker: exec, pause, unpause, top and stop" {
  idle
  equal hi "$(docker exec "$NAME" echo hi)"
  docker pause "$NAME"
  equal paused "$(docker inspect --format '{{.State.Status}}' "$NAME")"
  docker unpause "$NAME"
  docker top "$NAME" | grep -q sleep
  docker stop --time 1 "$NAME"
  equal exited "$(docker inspect --format '{{.State.Status}}' "$NAME")"
  docker start "$NAME"
  equal active "$(property ActiveState)"
}

@test "docker: a container that runs out of memory is reported as such, and leaves no failed unit" {
  run "${RUN[@]}" --name "$NAME" --memory 16m --memory-swap 16m busybox tail /dev/zero
  equal 137 "$status"
  equal true "$(docker inspect --format '{{.State.OOMKilled}}' "$NAME")"
  eventually no_unit "$(docker inspect --format '{{.Id}}' "$NAME")"
}

@test "docker: a command that is not there ends with 127, and leaves no unit" {
  run "${RUN[@]}" --name "$NAME" busybox /no/such/program
  equal 127 "$status"
  no_unit "$(docker inspect --format '{{.Id}}' "$NAME")"
}

@test "docker: a slice of slices can be the parent" {
  idle --cgroup-parent kubepods-burstable-podx.slice
  equal "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podx.slice/$(unit)" "$(property ControlGroup)"
}

@test "docker: the cgroup namespace begins at the scope" {
  idle
  equal "0::/" "$(docker exec "$NAME" cat /proc/self/cgroup)"
}

@test "docker: eight containers start and end at once" {
  local n pids='' code=0
  for n in 1 2 3 4 5 6 7 8; do "${RUN[@]}" --rm --name "$NAME-$n" busybox true & pids+=" $!"; done
  for n in $pids; do wait "$n" || code=1; done
  equal 0 "$code"
}

@test "docker: a health check and a restart policy work" {
  idle --health-cmd true --health-interval 1s
  is_healthy() { [ "$(docker inspect --format '{{.State.Health.Status}}' "$NAME")" = healthy ]; }
  eventually is_healthy
  docker rm --force "$NAME" >/dev/null
  "${RUN[@]}" --detach --name "$NAME" --restart on-failure:2 busybox false >/dev/null
  has_restarted() { [ "$(docker inspect --format '{{.RestartCount}} {{.State.Status}}' "$NAME")" = "2 exited" ]; }
  eventually has_restarted
}

@test "docker: systemd boots to running as the container's init, and stops in order" {
  [ -x /opt/systemd-rootfs/sbin/init ] || skip "no root file system with systemd (/opt/systemd-rootfs)"
  docker image inspect systemd >/dev/null 2>&1 || tar -C /opt/systemd-rootfs -c . | docker import - systemd >/dev/null
  # privileged: the only way in which Docker before 28 mounts the container's own cgroup writable
  "${RUN[@]}" --detach --name "$NAME" --privileged --cgroupns private --tmpfs /run --tmpfs /tmp --stop-signal SIGRTMIN+3 \
    -e container=docker systemd /sbin/init >/dev/null
  answers() { docker exec "$NAME" test -S /run/systemd/private; }
  eventually answers
  run docker exec "$NAME" timeout 200 systemctl is-system-running --wait
  equal running "$output"
  docker stop --time 60 "$NAME" >/dev/null
  equal false "$(docker inspect --format '{{.State.OOMKilled}}' "$NAME")"
  [ "$(docker inspect --format '{{.State.ExitCode}}' "$NAME")" -ne 137 ]
}
