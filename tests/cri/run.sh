#!/bin/bash
# The CRI suite: what the kubelet asks of containerd, with the runtime under test and with the reference (runc) beside it.
# Run it as root, on a host or inside a virtual machine; it starts a containerd of its own in namespaces of its own.
#
#   RUNTIME=/path/agentsafe tests/cri/run.sh              everything; ends with "cri: N passed, N failed, N skipped"
#   tests/cri/run.sh exec 'user namespace'                only the cases whose name matches one of the patterns
#   ALONE=1 tests/cri/run.sh                              without the reference: half the time, but nothing is compared
#   REFERENCE=/usr/bin/crun JOBS=2 DRIVERS='cgroupfs systemd' KEEP=1 tests/cri/run.sh     (KEEP leaves the logs)
#
# Needs the packages of packages.txt. DRIVERS: both, where systemd is PID 1 and the runtime has its driver, else cgroupfs.
set -u
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
[ "$(id -u)" = 0 ] || { echo "cri: needs root" >&2; exit 2; }
export RUNTIME=${RUNTIME:-$here/../../build/agentsafe} REFERENCE=${REFERENCE:-$(command -v runc)}
RUNTIME=$(realpath "$RUNTIME")
for tool in containerd ctr busybox unshare ip /usr/lib/cni/bridge "$REFERENCE" "$RUNTIME"; do
  command -v "$tool" >/dev/null || { echo "cri: $tool is missing: apt-get install $(xargs <"$here/packages.txt")" >&2; exit 2; }
done
for python in python3 /usr/bin/python3 ''; do # a python3 of the user's own may come first
  [ -z "$python" ] || "$python" -c 'import grpc' 2>/dev/null && break
done
[ -n "$python" ] || { echo "cri: apt-get install python3-grpcio" >&2; exit 2; }
exec unshare --net --mount --propagation private "$python" "$here/run.py" "$@"
