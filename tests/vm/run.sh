#!/bin/bash
# The integration and CVE suites on a host with pure cgroup v2: in a virtual machine, with the program that was built here.
#
#   AGENTSAFE_VM=/path/to/run-in-vm tests/vm/run.sh [BATS FILES below tests/, default: all]; VM_RUNTIME=/usr/bin/crun tries another
#
# $AGENTSAFE_VM --share FOLDER --timeout SECONDS COMMAND runs COMMAND in a fresh Debian virtual machine as root, where FOLDER
# is /mnt/host. The machine needs bats, jq, tini, python3 and busybox-static. Ends with "vm: N passed, N failed, N skipped".
set -u
top=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
: "${AGENTSAFE_VM:?names the program that runs a command in a virtual machine}"
build=${BUILD:-$top/build}
share=$(mktemp -d)
trap 'rm -rf "$share"' EXIT

mkdir -p "$share/build" "$share/tests"
cp -r "$top/tests/integration" "$top/tests/cve" "$share/tests/"
cp -r "$top/seccomp-profiles" "$top/contrib" "$share/"
[ -n "${VM_RUNTIME:-}" ] || cp "$build/agentsafe" "$share/build/"
gcc -static -O1 -o "$share/build/probe" "$top/tests/integration/probe.c" || exit 1
files=${*:-tests/integration/*.bats tests/cve/*.bats}

# Everything is copied to the machine's own disk: the share is slow and keeps no owners; the machine's /tmp refuses devices.
# Without KVM a suite takes a minute; one for each processor runs at a time.
timeout 3000 "$AGENTSAFE_VM" --share "$share" --timeout 2900 "
  mkdir -p /opt/suite /opt/tmp && cp -r /mnt/host/. /opt/suite && cd /opt/suite &&
  mount -t tmpfs -o mode=1777 suite /opt/tmp &&
  { ! modprobe rdma_rxe || rdma link add rxe0 type rxe netdev lo; } && # an RDMA device of software
  export TMPDIR=/opt/tmp PROBE=/opt/suite/build/probe RUNTIME=${VM_RUNTIME:-/opt/suite/build/agentsafe} \
    AGENTSAFE_ROUNDS=${AGENTSAFE_ROUNDS:-100} AGENTSAFE_TEST_SECONDS=240 &&
  ls -d $files | xargs -P \$(nproc) -n 1 tini -s -- bats --tap --print-output-on-failure" 2>&1 | tee "$share/tap"
planned=$(sed -n 's/^1\.\.\([0-9]*\)\r*$/\1/p' "$share/tap" | awk '{n += $1} END {print n}')
skipped=$(grep -c '^ok .*# skip' "$share/tap")
passed=$(($(grep -c '^ok' "$share/tap") - skipped))
failed=$((${planned:-1} - passed - skipped))
echo "vm: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
