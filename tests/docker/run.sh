#!/bin/bash
# The Docker suite: starts its own dockerd and containerd, runs every case under the runtime under test and under the
# reference (Debian's runc), and compares what they printed.
#
#   tests/docker/run.sh                        everything; ends with "docker: N passed, N failed, N skipped"
#   tests/docker/run.sh exec 'memory'          only the cases whose name matches one of the patterns
#   tests/docker/run.sh --time 20              no cases: 20 times `docker run --rm … true` and `docker exec … true` with each runtime in
#                                              turns, and a table of milliseconds (sut: RUNTIME; strict: the same with that policy)
#   RUNTIME=/path/agentsafe RUNTIME_ARGS='--policy oci' tests/docker/run.sh
#   REFERENCE=/usr/bin/crun tests/docker/run.sh
#   ALONE=1 tests/docker/run.sh                without the reference: quicker, for slow machines; nothing is compared
#   JOBS=4 TIMEOUT=180 KEEP=1 DOCKER=… DOCKERD=… CONTAINERD=…      (KEEP leaves the logs, and prints where)
#
# packages.txt: one package a line; those with a "?" exist in some releases only.
# The engine lives in network, mount and PID namespaces of its own with a private /run, so nothing of the host changes;
# the last check is that nothing is left over. Needs root and the packages of packages.txt.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/engine.sh"
. "$here/harness.sh"

usage() { sed -n '2,16s/^# \{0,1\}//p' "$0"; }

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
  export TIMED=${TIMED:-sut strict reference}
  export JOBS=${JOBS:-3} TIMEOUT=${TIMEOUT:-180}
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

# What a user waits for, the engine's own time included.
inside_timed() {
  local rounds=$1 runtime round
  private_host
  start_engine main || { not_ok "the engine starts" "$(tail -5 "$WORK"/main/*.log)"; return; }
  import_image
  for runtime in $TIMED; do d run -d --name "exec-$runtime" --runtime "$runtime" bb sleep 1000 >/dev/null || refuse "no container under $runtime"; done
  for ((round = 0; round < rounds; round++)); do
    for runtime in $TIMED; do
      timed run "$runtime" d run --rm --runtime "$runtime" bb true
      timed exec "$runtime" d exec "exec-$runtime" true
    done
  done
  for runtime in $TIMED; do d rm -f "exec-$runtime" >/dev/null; done
  stop_engine main
  sort -k1,2 -k3,3n "$WORK/times" | awk '
    { n = ++count[$1 " " $2]; time[$1 " " $2, n] = $3 }
    function median(name) { return time[name, int((count[name] + 1) / 2)] / 1000 }
    END {
      for (name in count) {
        split(name, part, " ")
        printf "%-6s %-10s %8.1f ms   x reference %.2f\n", part[1], part[2], median(name), median(name) / median(part[1] " reference")
      }
    }' | sort
}
timed() { # VERB RUNTIME COMMAND…
  local verb=$1 runtime=$2 began=${EPOCHREALTIME/./}
  shift 2
  "$@" >/dev/null || refuse "$* failed"
  echo "$verb $runtime $((${EPOCHREALTIME/./} - began))" >>"$WORK/times"
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
  --inside) shift; if [ "${1:-}" = --time ]; then inside_timed "$2"; else PATTERNS=("$@"); inside; fi ;;
  -h | --help) usage ;;
  *) outside "$@" ;;
esac
