# Where podman runs and who runs it. Sourced by run.sh.
#
# $ENGINE is the folder of one mode and manager: storage, network and logs of podman. d, run, up … of the Docker suite's
# harness are podman here: its command line is the same.

USER_NAME=agentsafe-podman
USER_ID=54399

# A user with subordinate ids: in the real /etc where a user manager has to know it, else in a copy for us.
has_systemd() { [ -d /run/systemd/system ]; }
write_user() {
  grep -q "^$USER_NAME:" /etc/passwd || echo "$USER_NAME:*:$USER_ID:$USER_ID::$WORK/home:/bin/bash" >>/etc/passwd # x: PAM misses him in shadow(5)
  grep -q "^$USER_NAME:" /etc/group || echo "$USER_NAME:x:$USER_ID:" >>/etc/group
  echo "$USER_NAME:1700000:65536" | tee -a /etc/subuid >>/etc/subgid
}
make_user() {
  mkdir -p "$WORK/home/.config" "$WORK/run"
  chown -R "$USER_ID:$USER_ID" "$WORK/home" "$WORK/run"
  chmod 700 "$WORK/run"
  has_systemd || return 0
  write_user
  loginctl enable-linger "$USER_NAME"
  eventually 60 test -S "/run/user/$USER_ID/bus" || refuse "the user has no bus: $(systemctl --no-pager status "user@$USER_ID" 2>&1 | tail -n 3)"
}
remove_user() {
  has_systemd || return 0
  loginctl disable-linger "$USER_NAME" 2>/dev/null
  loginctl terminate-user "$USER_NAME" 2>/dev/null
  eventually 20 no_user_process
  sed -i "/^$USER_NAME:/d" /etc/passwd /etc/group /etc/subuid /etc/subgid
}
no_user_process() { ! pgrep -u "$USER_ID" >/dev/null; }

private_place() {
  ip link set lo up
  echo 1 >/proc/sys/net/ipv4/ip_forward
  mount -t tmpfs -o mode=755 tmpfs /run/netns 2>/dev/null || { mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns; }
  has_systemd && return
  cp -a /etc "$WORK/etc"
  mount --bind "$WORK/etc" /etc
  write_user
}

as_mode() {
  if [ "$MODE" = root ]; then "$@"; return; fi
  local runtime_dir=$WORK/run
  has_systemd && runtime_dir=/run/user/$USER_ID
  setpriv --reuid "$USER_ID" --regid "$USER_ID" --init-groups --inh-caps=-all env -i -C "$WORK/home" PATH="$PATH" HOME="$WORK/home" \
    USER="$USER_NAME" XDG_RUNTIME_DIR="$runtime_dir" DBUS_SESSION_BUS_ADDRESS="unix:path=$runtime_dir/bus" \
    CONTAINERS_CONF="$ENGINE/containers.conf" CONTAINERS_STORAGE_CONF="$ENGINE/storage.conf" "$@"
}

# The runtimes by name, so that any podman command finds the one a container was made with.
containers_conf() {
  # podman asks for more than a machine without CAP_SYS_RESOURCE may give
  local limits=''
  ((16#$(sed -n 's/^CapEff:\t//p' /proc/self/status) >> 24 & 1)) ||
    limits="default_ulimits = [\"nofile=$(ulimit -Hn):$(ulimit -Hn)\", \"nproc=32768:32768\"]"
  cat <<TOML
[containers]
$limits
[network]
network_config_dir = "$ENGINE/networks"
[engine]
cgroup_manager = "$MANAGER"
events_logger = "file"
runtime = "reference"
runtime_supports_nocgroups = ["sut", "strict", "reference"]
runtime_supports_nocgroup = ["sut", "strict", "reference"]
runtime_supports_json = ["sut", "strict", "strict-without-limits", "reference", "crun", "runc"]
[engine.runtimes]
sut = ["$WORK/sut"]
strict = ["$WORK/strict"]
strict-without-limits = ["$WORK/strict-without-limits"]
reference = ["$REFERENCE"]
TOML
}
wrapper() { # NAME POLICY
  printf '#!/bin/sh\nexec %s --policy %s "$@"\n' "$RUNTIME" "$2" >"$WORK/$1"
  chmod 755 "$WORK/$1"
}

prepare_storage() {
  mkdir -p "$ENGINE/networks"
  containers_conf >"$ENGINE/containers.conf"
  printf '[storage]\ndriver = "%s"\ngraphroot = "%s"\nrunroot = "%s"\n' "${STORAGE_DRIVER:-overlay}" "$ENGINE/root" \
    "$ENGINE/runroot" >"$ENGINE/storage.conf"
  case ${RUNTIME##*/} in
    agentsafe*)
      echo '{"version": 1, "fs": {"size": "64M"},
        "limits": {"memory": "unlimited", "swap": "unlimited", "cpus": "unlimited", "pids": "unlimited"}}' >"$ENGINE/policy.json"
      wrapper sut oci
      wrapper strict strict
      wrapper strict-without-limits "$ENGINE/policy.json"
      ;;
    *) ln -sf "$RUNTIME" "$WORK/sut"; ln -sf "$RUNTIME" "$WORK/strict" ;;
  esac
  [ "$MODE" = root ] || chown -R "$USER_ID:$USER_ID" "$ENGINE"
  image_root >/dev/null
  tar -C "$WORK/image" -c . >"$ENGINE/image.tar"
  chmod 644 "$ENGINE/image.tar"
  RT=reference d import --change 'CMD sh' --change 'ENV PATH=/bin' "$ENGINE/image.tar" bb >"$ENGINE/log" 2>&1 && return
  [ -z "${STORAGE_DRIVER:-}" ] || return 1
  STORAGE_DRIVER=vfs
  rm -rf "$ENGINE"
  prepare_storage
}

podman_words() {
  [ "$MODE" != root ] || echo "env CONTAINERS_CONF=$ENGINE/containers.conf CONTAINERS_STORAGE_CONF=$ENGINE/storage.conf"
}
# shellcheck disable=SC2046 # words
d() { as_mode $(podman_words) podman --runtime "${RT:-reference}" "$@"; }
b() { as_mode $(podman_words) buildah "$@"; }
# --cgroup-parent: only below it is looked for what is left
parent_option() { [ "$MANAGER" = systemd ] || [ "$MODE" = user ] || echo "--cgroup-parent=/$PARENT"; }
run() { d run --rm $(parent_option) --network "${NET:-none}" "$@"; }
up() { local name=$1; shift; d run -d $(parent_option) --network "${NET:-none}" --name "$ME-$name" "$@" >/dev/null; }
tidy() {
  local left
  left=$(d pod ps -q --filter "name=^c$number-" 2>/dev/null)
  [ -z "$left" ] || d pod rm -f -t 0 $left >/dev/null 2>&1
  left=$(d ps -aq --filter "name=^c$number-" 2>/dev/null)
  [ -z "$left" ] || d rm -f -t 0 -v $left >/dev/null 2>&1
}
# The beginning of a command line for another shell: $(shell_line) run -i bb cat
shell_line() {
  { declare -f as_mode has_systemd podman_words d parent_option run
    echo "USER_ID=$USER_ID USER_NAME=$USER_NAME"
    echo '"$@"'; } >"$DIR/line"
  echo "bash $DIR/line"
}
states_left() { find /run/agentsafe "$WORK/run/agentsafe" "/run/user/$USER_ID/agentsafe" -mindepth 1 -maxdepth 1 ! -name '.*' 2>/dev/null; }

rootful_only() { [ "$MODE" = root ] || skip "needs root"; }
rootless_only() { [ "$MODE" = user ] || skip "about users without privileges"; }
# A user with a session: Podman asks his systemd for a scope, with either manager.
may_limit() { [ "$MODE" = root ] || has_systemd; }
limits_only() { may_limit || skip "a user may limit only what systemd delegates"; }
