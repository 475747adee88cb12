#!/bin/bash
# The suites on a host as most are: Debian with systemd, pure cgroup v2, AppArmor, Docker and containerd with the systemd
# driver; in a virtual machine, with the program that was built here. Ends with "vm: N passed, N failed, N skipped".
#
#   tests/vm/run.sh                              all parts: bats (integration, CVE, systemd), docker, containerd;
#                                                with CI set, of bats only the files in which the host makes the difference
#   tests/vm/run.sh docker                       one part
#   tests/vm/run.sh tests/integration/exec.bats  some bats files
#   VM_RUNTIME=/usr/bin/crun tests/vm/run.sh     another runtime (runc and crun are in the machine)
#   AGENTSAFE_VM=/path/to/program tests/vm/run.sh    another machine: $AGENTSAFE_VM --share FOLDER --timeout SECONDS COMMAND
#                                                runs COMMAND in it as root, where FOLDER is /mnt/host
# Without AGENTSAFE_VM the image of tests/vm/build.sh is taken, and built first when there is none.
set -u
top=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
build=${BUILD:-$top/build}
vm_runtime=${VM_RUNTIME:-/usr/local/bin/agentsafe}
parts='' files=''
for word in "$@"; do
  case $word in
    bats | docker | containerd) parts+=" $word" ;;
    *) files+=" $word" ;;
  esac
done
[ -n "$parts$files" ] || parts='bats docker containerd'

if [ -n "${AGENTSAFE_VM:-}" ]; then
  machine=("$AGENTSAFE_VM")
else
  "$top/tests/vm/build.sh" || { echo "the image of the virtual machine could not be built"; echo "vm: 0 passed, 1 failed, 0 skipped"; exit 1; }
  machine=("$top/tests/vm/vm" run)
fi

share=$(mktemp -d)
trap 'rm -rf "$share"' EXIT
mkdir -p "$share/build" "$share/tests"
cp -r "$top/tests/integration" "$top/tests/cve" "$top/tests/vm" "$share/tests/"
cp -r "$top/seccomp-profiles" "$top/contrib" "$share/"
[ ! -e "$build/agentsafe" ] || cp "$build/agentsafe" "$share/build/"
gcc -static -O1 -o "$share/build/probe" "$top/tests/integration/probe.c" || exit 1
if [[ $parts == *bats* ]] && [ -n "${CI:-}" ]; then
  echo "with CI set: systemd, cgroups, limits and what depends on them; the other files run on the host"
  for topic in systemd cgroups resources update events devices exec pause kill delete rootless scratch; do files+=" tests/integration/$topic.bats"; done
elif [[ $parts == *bats* ]]; then
  files+=' tests/integration/*.bats tests/cve/*.bats'
fi

# Everything is copied to the machine's own disk: the share is slow and keeps no owners; the machine's /tmp refuses devices.
# Without KVM a suite takes minutes; a bats file for each processor runs at a time. The engines come last, alone. The longest
# file comes first.
cat >"$share/inside.sh" <<SH
mkdir -p /opt/suite /opt/tmp && cp -r /mnt/host/. /opt/suite && cd /opt/suite || exit 1
mount -t tmpfs -o mode=1777 suite /opt/tmp
! modprobe rdma_rxe || rdma link add rxe0 type rxe netdev lo # an RDMA device of software
[ ! -e build/agentsafe ] || install build/agentsafe /usr/local/bin/agentsafe
export TMPDIR=/opt/tmp PROBE=/opt/suite/build/probe RUNTIME=$vm_runtime AGENTSAFE_ROUNDS=${AGENTSAFE_ROUNDS:-100} AGENTSAFE_TEST_SECONDS=240
run() { tini -s -- bats --tap --print-output-on-failure "\$@"; }
export -f run
part() { printf '# part %s at %s s\n' "\$1" "\$SECONDS"; }
if [ -n "$files" ]; then
  part bats
  ls -d $files | sort -u | awk '/systemd.bats/ {print; next} {rest[n++] = \$0} END {for (i = 0; i < n; i++) print rest[i]}' |
    xargs -P \$(nproc) -I{} bash -c 'run {}'
fi
# what engines ask for, and nothing from us
mkdir -p /etc/agentsafe && echo '{"version": 1, "default_policy": "oci"}' >/etc/agentsafe/config.json
case "$parts" in *docker*) part docker; RUNTIME_NAME=$(basename "$vm_runtime") run tests/vm/cases/docker.bats ;; esac
case "$parts" in *containerd*) part containerd; PROGRAM=$vm_runtime run tests/vm/cases/containerd.bats ;; esac
part end
SH
timeout 3000 "${machine[@]}" --share "$share" --timeout "${VM_SECONDS:-2900}" 'bash /mnt/host/inside.sh' 2>&1 | tee "$share/tap"
planned=$(sed -n 's/^1\.\.\([0-9]*\)\r*$/\1/p' "$share/tap" | awk '{n += $1} END {print n}')
skipped=$(grep -c '^ok .*# skip' "$share/tap")
passed=$(($(grep -c '^ok' "$share/tap") - skipped))
failed=$((${planned:-1} - passed - skipped))
grep -q '^# part end' "$share/tap" || failed=$((failed + 1))
echo "vm: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
