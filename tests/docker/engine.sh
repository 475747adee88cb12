# Starting and stopping a private dockerd and containerd, and looking for what they left behind. Sourced by run.sh.
#
# $WORK/NAME/ holds all of an engine: sockets, data-root, exec-root, containerd's root and state, logs, pid files.
# $PARENT is the cgroup, in every hierarchy, under which all containers of the suite live.

# Makes this mount namespace ours: a private /run and /etc, so that no file of the host is touched.
private_host() {
  chmod 711 "$WORK"
  mount -t tmpfs -o mode=755 tmpfs /run
  mkdir -p /run/lock
  cp -a /etc "$WORK/etc"
  mount --bind "$WORK/etc" /etc
  rm -rf /etc/agentsafe # the operator of this engine has configured nothing
  ip link set lo up
  echo 1 >/proc/sys/net/ipv4/ip_forward
  echo "agentsafe-remap:x:54321:54321::/nonexistent:/bin/false" >>/etc/passwd
  echo "agentsafe-remap:x:54321:" >>/etc/group
  echo "agentsafe-remap:1600000:65536" | tee -a /etc/subuid >>/etc/subgid
}

# daemon.json for the engine in folder $1 with extra lines $2.
daemon_json() {
  local args='' word
  for word in $RUNTIME_ARGS; do args+="${args:+, }\"$word\""; done
  cat <<JSON
{
  "hosts": ["unix://$1/docker.sock"],
  "containerd": "$1/containerd.sock",
  "data-root": "$1/data",
  "exec-root": "$1/exec",
  "pidfile": "$1/docker.pid",
  "storage-driver": "${STORAGE_DRIVER:-overlay2}",
  "exec-opts": ["native.cgroupdriver=cgroupfs"],
  "cgroup-parent": "/$PARENT",
  "live-restore": false,
  $2
  "runtimes": {
    "sut": {"path": "$RUNTIME", "runtimeArgs": [$args]},
    "plain": {"path": "$RUNTIME"},
    "strict": {"path": "$RUNTIME", "runtimeArgs": ["--policy", "strict"]},
    "open": {"path": "$RUNTIME", "runtimeArgs": ["--policy", "open"]},
    "reference": {"path": "$REFERENCE"}
  },
  "default-runtime": "sut"
}
JSON
}

containerd_toml() {
  cat <<TOML
version = 2
root = "$1/containerd"
state = "$1/containerd-state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$1/containerd.sock"
TOML
}

# BuildKit inside dockerd takes one program and no arguments (20.10 looks for "runc" in its PATH, later ones read
# DOCKER_BUILDKIT_RUNC_COMMAND). The log proves that it was used.
buildkit_runtime() {
  cat <<SH
#!/bin/sh
echo "\$@" >>$WORK/buildkit.log
exec $RUNTIME $RUNTIME_ARGS "\$@"
SH
}

# start_engine NAME [EXTRA daemon.json LINES]: afterwards $ENGINE is its folder and docker commands reach it.
start_engine() {
  export ENGINE=$WORK/$1
  mkdir -p "$ENGINE"
  containerd_toml "$ENGINE" >"$ENGINE/containerd.toml"
  daemon_json "$ENGINE" "${2:-}" >"$ENGINE/daemon.json"
  mkdir -p "$WORK/bin"
  buildkit_runtime >"$WORK/bin/runc"
  chmod +x "$WORK/bin/runc"
  start_containerd && start_dockerd && return
  [ -z "${STORAGE_DRIVER:-}" ] || return 1
  stop_engine "$1"
  STORAGE_DRIVER=vfs
  rm -rf "$ENGINE"
  start_engine "$@"
}

start_containerd() {
  "$CONTAINERD" --config "$ENGINE/containerd.toml" >>"$ENGINE/containerd.log" 2>&1 &
  echo $! >"$ENGINE/containerd.pid"
  eventually 20 test -S "$ENGINE/containerd.sock"
}

start_dockerd() {
  PATH=$WORK/bin:$PATH DOCKER_BUILDKIT_RUNC_COMMAND=$WORK/bin/runc "$DOCKERD" --config-file "$ENGINE/daemon.json" \
    >>"$ENGINE/dockerd.log" 2>&1 &
  echo $! >"$ENGINE/dockerd.pid"
  eventually 60 engine_answers_or_is_dead && d version >/dev/null 2>&1
}

engine_answers_or_is_dead() {
  d version >/dev/null 2>&1 || ! kill -0 "$(cat "$ENGINE/dockerd.pid")" 2>/dev/null
}

# stop_pid_of FILE: SIGTERM, then SIGKILL after 20 s; waits for the end of it.
stop_pid_of() {
  local pid
  pid=$(cat "$1" 2>/dev/null) || return 0
  kill "$pid" 2>/dev/null
  eventually 20 is_gone "$pid" || kill -9 "$pid"
  wait "$pid" 2>/dev/null
  rm -f "$1"
}

# A zombie counts as gone: its parent may be this very shell.
is_gone() { ! grep -q '^State:.[^Z]' "/proc/$1/status" 2>/dev/null; }

stop_engine() {
  stop_pid_of "$WORK/$1/dockerd.pid"
  stop_pid_of "$WORK/$1/containerd.pid"
}

# Called while the engine still runs, and all containers are removed: what a runtime's delete should have removed.
check_engine_is_empty() {
  local left
  left=$(d ps -aq)
  [ -z "$left" ] || d rm -f -v $left >/dev/null 2>&1
  verdict "no container is left after the cases" "$(d ps -aq)"
  eventually 10 no_state_left
  verdict "no state of a container is left in the runtime's root" "$(state_left)"
  eventually 10 no_cgroups_left
  verdict "no cgroup of a container is left" "$(cgroups_left)"
  verdict "no mount of a container is left" "$(grep -E "$ENGINE/(data/overlay2/.*/merged|exec/.*/rootfs)|/containers/.*/mounts" /proc/self/mounts)"
}

# Folders below the state roots of both runtimes: one per container.
state_left() { find "$ENGINE"/exec/runtime-*/moby "$ENGINE"/containerd-state/*/{moby,agentsafe} /run/containerd/runc/* -mindepth 1 -maxdepth 1 ! -name '.*' 2>/dev/null; }
no_state_left() { [ -z "$(state_left)" ]; }
cgroups_left() { find /sys/fs/cgroup -mindepth 2 -path "*/$PARENT/*" -type d 2>/dev/null | grep -vE "/$PARENT/(buildkit|below|below/[a-z]*)$"; }
no_cgroups_left() { [ -z "$(cgroups_left)" ]; }

# All processes of the PID namespace but this shell, its parent and what the check itself starts.
processes_left() {
  local status pid
  for status in /proc/[0-9]*/status; do
    pid=${status//[!0-9]/}
    [ "$pid" = 1 ] || [ "$pid" = $$ ] || [ "$pid" = "$BASHPID" ] || is_gone "$pid" && continue
    echo "$pid: $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)"
  done
}
no_processes_left() { [ -z "$(processes_left)" ]; }

check_nothing_runs() {
  eventually 10 no_processes_left
  verdict "no process outlives the engine" "$(processes_left)"
}

# Back on the host. The suite's namespaces are gone, and with them its mounts and interfaces.
check_host_is_clean() {
  rmdir_tree_of_parent
  verdict "no cgroup is left on the host" "$(find /sys/fs/cgroup -maxdepth 3 -name "$PARENT*" 2>/dev/null)"
  verdict "no mount is left on the host" \
    "$(grep -F "$WORK" /proc/self/mounts; [ "$(wc -l </proc/self/mounts)" -le "$mounts_before" ] || echo "more mounts than before")"
}

# The empty parents themselves are the suite's to remove. (Children were looked for while the engine ran.)
rmdir_tree_of_parent() {
  find /sys/fs/cgroup -depth -path "*/$PARENT*" -type d -exec rmdir {} + 2>/dev/null
}
