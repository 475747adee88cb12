#!/bin/bash
# The Docker suite: starts its own dockerd and containerd, runs every case under the runtime under test and under the
# reference (Debian's runc), and compares what they printed.
#
#   tests/docker/run.sh                        everything; ends with "docker: N passed, N failed, N skipped"
#   tests/docker/run.sh exec 'memory'          only the cases whose name matches one of the patterns
#   RUNTIME=/path/agentsafe RUNTIME_ARGS='--policy oci' tests/docker/run.sh
#   REFERENCE=/usr/bin/crun tests/docker/run.sh
#   ALONE=1 tests/docker/run.sh                without the reference: quicker, for slow machines; nothing is compared
#   JOBS=4 TIMEOUT=60 KEEP=1 DOCKER=… DOCKERD=… CONTAINERD=…      (KEEP leaves the logs, and prints where)
#
# packages.txt: one package a line; those with a "?" exist in some releases only.
# The engine lives in network, mount and PID namespaces of its own with a private /run, so nothing of the host changes;
# the last check is that nothing is left over. Needs root and the packages of packages.txt.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/engine.sh"
. "$here/harness.sh"

usage() { sed -n '2,14s/^# \{0,1\}//p' "$0"; }

default_runtime() {
  local found
  for found in "$here"/../../build/{,runtime/cli/}agentsafe; do
    [ -x "$found" ] && { realpath "$found"; return; }
  done
  command -v agentsafe
}

settings() {
  export RUNTIME=${RUNTIME:-$(default_runtime)}
  export RUNTIME_ARGS=${RUNTIME_ARGS-$(case $RUNTIME in */agentsafe) echo "--policy oci" ;; esac)}
  export REFERENCE=${REFERENCE:-$(command -v runc)}
  export DOCKER=${DOCKER:-/usr/bin/docker} DOCKERD=${DOCKERD:-/usr/sbin/dockerd} CONTAINERD=${CONTAINERD:-containerd}
  export JOBS=${JOBS:-3} TIMEOUT=${TIMEOUT:-60}
}

refuse() { echo "docker: $*" >&2; exit 2; }

check_host() {
  [ "$(id -u)" = 0 ] || refuse "needs root"
  [ -x "$RUNTIME" ] || refuse "no runtime to test: build it, or set RUNTIME=/path/to/agentsafe"
  local tool
  for tool in "$DOCKER" "$DOCKERD" "$CONTAINERD" "$REFERENCE" docker-init unshare busybox iptables ip nft script; do
    command -v "$tool" >/dev/null || refuse "$tool is missing: apt-get install $(grep -v "?" "$here/packages.txt" | xargs)"
  done
}

# Everything from here on runs as a child of PID 1 of the suite's own PID namespace.
inside() {
  private_host
  start_engine main || { not_ok "the engine starts" "$(tail -5 "$WORK"/main/*.log)"; return; }
  import_image
  run_cases parallel "$here"/cases/[1-8]*.sh
  run_cases serial "$here"/cases/9*.sh
  check_engine_is_empty
  stop_engine main
  if wanted_in "$here/cases/userns.sh"; then
    start_engine userns '"userns-remap": "agentsafe-remap",' || { not_ok "the engine starts with userns-remap"; return; }
    import_image
    run_cases parallel "$here/cases/userns.sh"
    stop_engine userns
  fi
  check_nothing_runs
}

outside() {
  settings
  check_host
  WORK=$(mktemp -d "${TMPDIR:-/tmp}/agentsafe-docker.XXXXXX")
  export WORK PARENT=agentsafe-docker-${WORK##*.}
  : >"$WORK/results"
  mounts_before=$(wc -l </proc/self/mounts)
  trap 'exit 130' INT TERM
  trap finish EXIT
  echo "docker: $("$DOCKERD" --version); runtime $RUNTIME $RUNTIME_ARGS; reference $REFERENCE"
  unshare --net --mount --pid --fork --kill-child --mount-proc --propagation private \
    docker-init -s -- bash "$here/run.sh" --inside "$@" </dev/null
}

finish() {
  check_host_is_clean
  summary docker
  exit
}

case ${1:-} in
  --inside) shift; PATTERNS=("$@"); inside ;;
  -h | --help) usage ;;
  *) outside "$@" ;;
esac
