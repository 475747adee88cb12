#!/bin/sh
# Makes containerd of a node know agentsafe, and forget it. Root; on the node itself, or in the DaemonSet beside this file.
#
#   install.sh install      copies the program, patches containerd's configuration, restarts containerd if that changed
#   install.sh uninstall    takes both back; refused while a container of agentsafe is there (FORCE=1 does it all the same)
#   install.sh stay         installs, then waits for its end: what the DaemonSet runs
#
# PROGRAM=/path/agentsafe     the program to copy (default: beside this file)
# POLICIES="moderate oci"     one handler more for each: agentsafe-moderate …; "agentsafe" has the node's default policy
# HOST=/host                  where the node's root is mounted; commands are then run in process 1's namespaces
# CONFIG, PREFIX, DRIVER      /etc/containerd/config.toml, /usr/local, auto (as the node's runc) | systemd | cgroupfs
# CONTAINERD, RESTART, ANSWERS    commands: containerd; systemctl restart containerd; ctr version
#
# Idempotent: a second run changes and restarts nothing. The new configuration is read by containerd before it is put in
# place; when containerd does not come back with it, the old one is put back. Only the lines between two marks are touched.
set -eu
HOST=${HOST:-}
CONFIG=${CONFIG:-/etc/containerd/config.toml}
PREFIX=${PREFIX:-/usr/local}
DRIVER=${DRIVER:-auto}
POLICIES=${POLICIES:-}
PROGRAM=${PROGRAM:-$(dirname "$0")/agentsafe}
CONTAINERD=${CONTAINERD:-containerd}
RESTART=${RESTART:-systemctl restart containerd}
ANSWERS=${ANSWERS:-ctr version}
PATIENCE=${PATIENCE:-60}
BEGIN='# agentsafe begin: written by install.sh, which replaces what is between these lines'
END='# agentsafe end'
MADE='# made by agentsafe'

say() { echo "agentsafe: $*"; }
fail() { echo "agentsafe: $*" >&2; exit 1; }
on_node() { if [ -n "$HOST" ]; then nsenter -t 1 -m -u -i -n -p -- "$@"; else "$@"; fi; }

# --- the configuration as text ---

# 1.x reads version 2, 2.x also version 3, which names the CRI plugin anew.
version_of() {
  found=$(sed -n 's/^version *= *\([0-9]*\).*/\1/p' "$1" 2>/dev/null | head -n 1)
  [ -n "$found" ] && { echo "$found"; return; }
  [ -s "$1" ] && { echo 1; return; }
  # shellcheck disable=SC2086 # words
  case $(on_node $CONTAINERD --version) in *' '[v]1.* | *' '1.*) echo 2 ;; *) echo 3 ;; esac
}
plugin_of() {
  case $1 in
    2) echo io.containerd.grpc.v1.cri ;;
    3) echo io.containerd.cri.v1.runtime ;;
    *) fail "$CONFIG has version $1 of containerd's configuration: bring it to version 2 (containerd config migrate)" ;;
  esac
}
without_ours() { sed "/^# agentsafe begin/,/^$END\$/d" "$1"; }
names() { echo agentsafe; for policy in $POLICIES; do echo "agentsafe-$policy"; done; }
uses_systemd() {
  case $DRIVER in
    systemd) echo true ;;
    cgroupfs) echo false ;;
    *) if without_ours "$1" 2>/dev/null | grep -q '^ *SystemdCgroup *= *true'; then echo true; else echo false; fi ;;
  esac
}
has_driver() { "$PROGRAM" features | tr -d ' \n' | grep -q '"systemd":true'; }
block() { # PLUGIN SYSTEMD
  echo "$BEGIN"
  for name in $(names); do
    table="plugins.\"$1\".containerd.runtimes.$name"
    printf '[%s]\n  runtime_type = "io.containerd.runc.v2"\n' "$table"
    printf '  pod_annotations = ["org.agentsafe.*"]\n  container_annotations = ["org.agentsafe.*"]\n'
    printf '  [%s.options]\n    BinaryName = "%s/bin/%s"\n    SystemdCgroup = %s\n' "$table" "$PREFIX" "$name" "$2"
  done
  echo "$END"
}
configuration() { # the whole file as it should be
  version=$(version_of "$HOST$CONFIG")
  plugin=$(plugin_of "$version") || return 1
  systemd=$(uses_systemd "$HOST$CONFIG")
  if [ -s "$HOST$CONFIG" ]; then without_ours "$HOST$CONFIG"; else printf '%s\nversion = %s\n' "$MADE" "$version"; fi
  block "$plugin" "$systemd"
}

# --- putting it in place ---

answers() {
  left=$PATIENCE
  # shellcheck disable=SC2086 # words
  until on_node $ANSWERS >/dev/null 2>&1; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    sleep 1
  done
}
restart() {
  # shellcheck disable=SC2086 # words
  on_node $RESTART && answers
}
check() { # FILE: containerd itself reads it
  # shellcheck disable=SC2086 # words
  on_node $CONTAINERD --config "$1" config dump >/dev/null 2>"$HOST$1.error" && { rm -f "$HOST$1.error"; return; }
  reason=$(tail -n 1 "$HOST$1.error")
  rm -f "$HOST$1" "$HOST$1.error"
  fail "containerd does not take the new $CONFIG, which stays as it was: $reason"
}
put() { # the new text is in $CONFIG.agentsafe-new; an empty one: the file goes
  new=$CONFIG.agentsafe-new old=$CONFIG.agentsafe-old
  if [ -e "$HOST$CONFIG" ] && cmp -s "$HOST$CONFIG" "$HOST$new"; then
    rm -f "$HOST$new"
    say "$CONFIG is as it should be"
    return
  fi
  check "$new"
  rm -f "$HOST$old"
  [ ! -e "$HOST$CONFIG" ] || cp -p "$HOST$CONFIG" "$HOST$old"
  if [ -s "$HOST$new" ]; then mv "$HOST$new" "$HOST$CONFIG"; else rm -f "$HOST$new" "$HOST$CONFIG"; fi
  if restart; then
    rm -f "$HOST$old"
    say "$CONFIG is changed, containerd is restarted"
    return
  fi
  if [ -e "$HOST$old" ]; then mv "$HOST$old" "$HOST$CONFIG"; else rm -f "$HOST$CONFIG"; fi
  restart || fail "containerd does not answer, with the old $CONFIG neither"
  fail "containerd did not come back with the new $CONFIG: the old one is in place again"
}

# --- the program ---

copy_program() {
  [ -x "$PROGRAM" ] || fail "no program at $PROGRAM: set PROGRAM=/path/agentsafe"
  mkdir -p "$HOST$PREFIX/bin"
  # a running one cannot be written to: another file takes its name
  cp "$PROGRAM" "$HOST$PREFIX/bin/.agentsafe-new"
  chmod 755 "$HOST$PREFIX/bin/.agentsafe-new"
  mv "$HOST$PREFIX/bin/.agentsafe-new" "$HOST$PREFIX/bin/agentsafe"
  for policy in $POLICIES; do
    printf '#!/bin/sh\nexec %s/bin/agentsafe --policy %s "$@"\n' "$PREFIX" "$policy" >"$HOST$PREFIX/bin/agentsafe-$policy"
    chmod 755 "$HOST$PREFIX/bin/agentsafe-$policy"
  done
}
in_use() {
  grep -lsE "$PREFIX/bin/agentsafe" "$HOST"/run/containerd/io.containerd.runtime.v2.task/*/*/options.json "$HOST"/run/agentsafe/*/state.json |
    sed 's,/[^/]*$,,; s,.*/,,'
}

install() {
  if without_ours "$HOST$CONFIG" 2>/dev/null | grep -qE '^ *\[.*\.runtimes\."?agentsafe"?\]'; then
    fail "$CONFIG has a handler agentsafe that install.sh did not write: take it out, or leave things as they are"
  fi
  if [ "$(uses_systemd "$HOST$CONFIG")" = true ] && ! has_driver; then
    fail "this node's runc uses the systemd cgroup driver, which $PROGRAM does not have: set DRIVER=cgroupfs, and the kubelet's"
  fi
  copy_program
  mkdir -p "$(dirname "$HOST$CONFIG")"
  configuration >"$HOST$CONFIG.agentsafe-new" || { rm -f "$HOST$CONFIG.agentsafe-new"; exit 1; }
  put
}
uninstall() {
  users=$(in_use)
  [ -z "$users" ] || [ -n "${FORCE:-}" ] || fail "containers of agentsafe are there, delete their pods first:" $users
  if [ -e "$HOST$CONFIG" ]; then
    new=$HOST$CONFIG.agentsafe-new
    if grep -qx "$MADE" "$HOST$CONFIG"; then : >"$new"; else without_ours "$HOST$CONFIG" >"$new"; fi
    programs=$(sed -n "/^# agentsafe begin/,/^$END\$/s/^ *BinaryName = \"\(.*\)\"/\1/p" "$HOST$CONFIG")
    put
    for file in $programs; do rm -f "$HOST$file"; done
  fi
  rm -f "$HOST$PREFIX/bin/agentsafe"
}

case ${1:-} in
  install) install ;;
  uninstall) uninstall ;;
  stay)
    install
    trap 'exit 0' TERM INT
    while :; do sleep 3600 & wait $!; done
    ;;
  *) sed -n '2,18s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
