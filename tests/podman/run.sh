#!/bin/bash
# The Podman suite: podman and buildah, as root and as a user without privileges, under the runtime under test and under the
# reference (crun; runc where cgroups are not purely version 2), compared. Run it as root, on a host or inside a virtual machine.
#
#   RUNTIME=/path/agentsafe tests/podman/run.sh              everything; ends with "podman: N passed, N failed, N skipped"
#   tests/podman/run.sh exec 'keep id'                       only the cases whose name matches one of the patterns
#   MODES='root user' MANAGERS='cgroupfs systemd' REFERENCE=/usr/bin/runc ALONE=1 JOBS=2 TIMEOUT=180 KEEP=1 …
#
# MODES: as whom podman runs. MANAGERS: both, where systemd is PID 1 and the runtime has its driver, else cgroupfs. Everything
# lies in a folder of the suite's own, podman runs in network and mount namespaces of its own; where systemd runs, the user
# "agentsafe-podman" is made for as long as the suite runs, else in a private copy of /etc.
set -u
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
. "$here/../docker/harness.sh"
. "$here/place.sh"

usage() { sed -n '2,12s/^# \{0,1\}//p' "$0"; }
refuse() { echo "podman: $*" >&2; exit 2; }

settings() {
  export RUNTIME=${RUNTIME:-$here/../../build/agentsafe}
  RUNTIME=$(readlink -f "$RUNTIME")
  # crun refuses hybrid hosts
  export REFERENCE=${REFERENCE:-$(if [ -e /sys/fs/cgroup/cgroup.controllers ]; then command -v crun || command -v runc; else command -v runc || command -v crun; fi)}
  export JOBS=${JOBS:-2} TIMEOUT=${TIMEOUT:-180}
  [ "$(id -u)" = 0 ] || refuse "needs root"
  [ -x "$RUNTIME" ] || refuse "no runtime to test: build it, or set RUNTIME=/path/to/agentsafe"
  local tool
  for tool in podman buildah conmon busybox newuidmap unshare ip "$REFERENCE"; do
    command -v "$tool" >/dev/null || refuse "$tool is missing: apt-get install $(grep -v "?" "$here/packages.txt" | xargs)"
  done
}

managers() {
  if [ -n "${MANAGERS:-}" ]; then echo "$MANAGERS"; return; fi
  echo cgroupfs
  [ -d /run/systemd/system ] && "$RUNTIME" features | grep -q '"systemd": true' && echo systemd
}

inside() {
  cd "$WORK" || return # conmon leaves a file where it was started
  CG=$([ -e /sys/fs/cgroup/cgroup.controllers ] && echo 2 || echo 1)
  export CG
  private_place
  for MODE in ${MODES:-root user}; do
    for MANAGER in $(managers); do
      export MODE MANAGER ENGINE=$WORK/$MODE-$MANAGER
      rm -rf "$WORK/cases"
      label="$MODE, $MANAGER: "
      prepare_storage || { not_ok "podman runs a first command" "$(tail -n 5 "$ENGINE/log")"; continue; }
      run_cases parallel "$here"/cases/*.sh
      verdict "no container is left" "$(d ps -aq)"
      verdict "no cgroup is left" "$(find /sys/fs/cgroup -type d -path "*/$PARENT/*" -name 'libpod-*')"
      verdict "no state of the runtime is left" "$(states_left)"
    done
  done
}

outside() {
  settings
  WORK=$(mktemp -d "${TMPDIR:-/tmp}/agentsafe-podman.XXXXXX")
  chmod 711 "$WORK"
  export WORK PARENT=agentsafe-podman-${WORK##*.}
  : >"$WORK/results"
  trap 'exit 130' INT TERM
  trap finish EXIT
  make_user
  echo "podman: $(podman --version), $(buildah --version); runtime $RUNTIME; reference $REFERENCE"
  unshare --net --mount --propagation private bash "$here/run.sh" --inside "$@" </dev/null
}

finish() {
  remove_user
  find /sys/fs/cgroup -depth -path "*/$PARENT*" -type d -exec rmdir {} + 2>/dev/null
  summary podman
  exit
}

case ${1:-} in
  --inside) shift; PATTERNS=("$@"); inside ;;
  -h | --help) usage ;;
  *) outside "$@" ;;
esac
