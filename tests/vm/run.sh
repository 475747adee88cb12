#!/bin/bash
# The suites on a host as most are: Debian with systemd, pure cgroup v2, AppArmor, Docker and containerd with the systemd
# driver; in a virtual machine, with the program that was built here. Prints a table of all that ran, and last
# "vm: N passed, N failed, N skipped".
#
#   tests/vm/run.sh                              all parts
#   tests/vm/run.sh chosen                       a part: of bats the files in which such a host makes the difference,
#                                                docker and containerd; where no image can be had, one test that is skipped
#   tests/vm/run.sh docker cri                   some parts:
#     bats                                         tests/integration and tests/cve
#     unit                                         the unit tests of what asks the kernel
#     kernel                                       modules of the kernel held back
#     docker containerd                            the machine's own engines, with the systemd driver (tests/vm/cases)
#     checkpoint                                   checkpoint and restore as Docker and podman ask for it
#     docker-suite cri podman                      tests/docker, tests/cri and tests/podman
#   PACKAGE=/path/agentsafe_0.1.0-1_amd64.deb tests/vm/run.sh package    a Debian package is installed, used, and removed without residue
#   BENCH='--rounds 20' tests/vm/run.sh bench    tests/bench/run.sh with these options: version 2 with all controllers
#   tests/vm/run.sh tests/integration/exec.bats  some bats files
#   VM_RUNTIME=/usr/bin/crun tests/vm/run.sh     another runtime (runc and crun are in the machine)
#   VM_SECONDS=600 tests/vm/run.sh …             more or less time; for the last three parts PATTERNS='exec kill' names cases, and
#                                                ALONE, REFERENCE, DRIVERS, MODES and MANAGERS are as the suites know them
#   VM_LEFT=1200 tests/vm/run.sh chosen          within so many seconds, the image too; what they are too short for is skipped
#   AGENTSAFE_VM=/path/to/program tests/vm/run.sh    another machine: $AGENTSAFE_VM --share FOLDER --timeout SECONDS COMMAND
#                                                runs COMMAND in it as root, where FOLDER is /mnt/host
# Without AGENTSAFE_VM the image of tests/vm/build.sh is taken, and built first when there is none.
set -u
top=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
build=${BUILD:-$top/build}
vm_runtime=${VM_RUNTIME:-/usr/local/bin/agentsafe}
all='unit bats kernel docker checkpoint containerd docker-suite cri podman'
chosen='systemd checkpoint resources scratch events'
unit_chosen='cgroup systemd mount namespaces process container' unit_more='security net'
parts='' files='' programs='' seconds=7200 build_seconds=1500 optional=''
cd "$top" || exit 1
for word in "$@"; do
  case $word in
    chosen)
      for topic in $chosen; do files+=" tests/integration/$topic.bats"; done
      parts+=' kernel docker containerd' programs=$unit_chosen seconds=1800 optional=yes
      ;;
    package) parts+=' package'; [ -s "${PACKAGE:-}" ] || { echo "run.sh: PACKAGE=/path/agentsafe_VERSION_ARCH.deb is missing" >&2; exit 2; } ;;
    bats | unit | kernel | docker | checkpoint | containerd | docker-suite | cri | podman | bench) parts+=" $word" ;;
    *.bats) files+=" $word" ;;
    *) sed -n '2,28s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
done
[ -n "$parts$files" ] || parts=" $all"
seconds=${VM_SECONDS:-$seconds}
has() { [[ "$parts " == *" $1 "* ]]; }
if has bats; then files="$(echo tests/integration/*.bats tests/cve/*.bats)"; fi
if has unit; then programs="$unit_chosen $unit_more"; fi
[ "$(basename "$vm_runtime")" = agentsafe ] || programs='' # they are about agentsafe
[ -n "$programs$files" ] || [ "$parts" != " unit" ] ||
  { echo "run.sh: nothing is left to run: the unit tests are agentsafe's, not of $vm_runtime" >&2; exit 2; }

finish() { # PASSED FAILED SKIPPED
  printf 'vm: %d passed, %d failed, %d skipped\n' "$@"
  [ "$2" -eq 0 ]
  exit
}
skip_all() { # WHY
  echo "ok 1 the suites in the virtual machine # skip $1"
  finish 0 0 1
}
# With VM_LEFT, whoever waits for the end cannot wait longer: the suites alone take 500 s at the least, an image ten minutes.
image=${AGENTSAFE_VM_DIR:-/var/tmp/agentsafe-tests-vm}/${SUITE:-trixie}/id
remedy="contrib/test.sh --vm-chosen takes the time that it needs"
if [ -n "${VM_LEFT:-}" ]; then
  least=1100 what="for the image and the suites"
  [ -z "${AGENTSAFE_VM:-}" ] && [ ! -s "$image" ] || least=500 what="for the suites"
  [ "$VM_LEFT" -ge $least ] || skip_all "$VM_LEFT s are left, $what $least s are needed: $remedy"
  build_seconds=$((VM_LEFT < build_seconds ? VM_LEFT : build_seconds))
fi
no_machine=77
if [ -n "${AGENTSAFE_VM:-}" ]; then
  machine=("$AGENTSAFE_VM")
else
  log=$(mktemp) code=0
  timeout "$build_seconds" tests/vm/build.sh 2>&1 | tee "$log"
  code=${PIPESTATUS[0]} why=$(tail -n 1 "$log")
  rm -f "$log"
  [ "$code" != 124 ] || why="not built after $build_seconds s, the last words were: $why" code=$no_machine # a slow network
  [ "$code" != $no_machine ] || [ -z "$optional" ] || skip_all "no machine: $why"
  [ "$code" = 0 ] || { echo "the image of the virtual machine could not be built: $why"; finish 0 1 0; }
  machine=("$top/tests/vm/vm" run)
fi
if [ -n "${VM_LEFT:-}" ]; then
  left=$((VM_LEFT - SECONDS))
  seconds=$((left < seconds ? left : seconds))
  [ "$seconds" -ge 60 ] || skip_all "the image took $SECONDS s, and $seconds s are left for the suites: $remedy"
fi

for program in $programs; do
  [ -x "$build/tests/unit/test-$program" ] || { echo "run.sh: $build/tests/unit/test-$program is missing: ninja -C $build" >&2; exit 2; }
done
share=$(mktemp -d)
trap 'rm -rf "$share"' EXIT
mkdir -p "$share"/{build/hooks,build/tests/unit,tests,results}
cp -r tests/{integration,cve,vm,docker,cri,podman,bench} "$share/tests/"
cp -r README.md seccomp-profiles contrib hooks "$share/"
# shellcheck disable=SC2086 # words
for program in agentsafe hooks/agentsafe-egress $(printf 'tests/unit/test-%s ' $programs); do # small: what starts in an emulated machine is also read there
  [ ! -e "$build/$program" ] || strip -o "$share/build/$program" "$build/$program" || cp "$build/$program" "$share/build/$program"
done
if has bench; then mkdir "$share/build/bench" && tests/bench/run.sh --compile "$share/build/bench" || exit 1; fi
if has package; then cp "$PACKAGE" "$share/package.deb"; fi
gcc -static -O1 -o "$share/build/probe" tests/integration/probe.c || exit 1

# One line for each thing to run: when, its name in the table, its command. The longest files come first.
bats='tini -s -- bats --tap --print-output-on-failure'
engine="TIMEOUT=300 JOBS=2 RUNTIME=$vm_runtime TMPDIR=/var/tmp timeout 3600 tini -s --"
# shellcheck disable=SC2086 # words
in_order() { { printf '%s\n' $files | grep -E '/(systemd|checkpoint)\.'; printf '%s\n' $files; } | grep . | awk '!seen[$0]++'; }
in_order | while read -r file; do
  name=${file#tests/}
  echo "beside ${name%.bats} $bats $file"
done >"$share/jobs"
# golden files are where the tests were compiled
for program in $programs; do echo "beside unit/$program build/tests/unit/test-$program --gtest_filter=-*GoldenTest*"; done >>"$share/jobs"
for part in $parts; do
  case $part in
    kernel) echo "alone kernel $bats tests/vm/cases/kernel.bats" ;;
    docker) echo "alone docker RUNTIME_NAME=$(basename "$vm_runtime") $bats tests/vm/cases/docker.bats" ;;
    package) echo "alone package $bats tests/vm/cases/package.bats" ;;
    checkpoint) echo "alone engines-checkpoint RUNTIME_NAME=$(basename "$vm_runtime") PROGRAM=$vm_runtime $bats tests/vm/cases/checkpoint.bats" ;;
    containerd) echo "alone containerd PROGRAM=$vm_runtime $bats tests/vm/cases/containerd.bats" ;;
    docker-suite) echo "alone docker-suite $engine tests/docker/run.sh ${PATTERNS:-}" ;;
    bench) echo "alone bench COMPILED=build/bench timeout 3600 tini -s -- tests/bench/run.sh --views host ${BENCH:-}" ;;
    cri | podman) echo "alone $part $engine tests/$part/run.sh ${PATTERNS:-}" ;;
  esac
done >>"$share/jobs"

# Everything is copied to the machine's own disk: the share is slow and keeps no owners; the machine's /tmp refuses devices.
# Without KVM a suite takes minutes; a bats file for each processor runs at a time, the engines alone and last.
cat >"$share/inside.sh" <<SH
mkdir -p /opt/suite /opt/tmp && cp -r /mnt/host/. /opt/suite && cd /opt/suite || exit 1
mount -t tmpfs -o mode=1777 suite /opt/tmp
! modprobe rdma_rxe || rdma link add rxe0 type rxe netdev lo # an RDMA device of software
[ ! -e build/agentsafe ] || install build/agentsafe /usr/local/bin/agentsafe
export TMPDIR=/opt/tmp BUILD=/opt/suite/build PROBE=/opt/suite/build/probe RUNTIME=$vm_runtime
export AGENTSAFE_ROUNDS=${AGENTSAFE_ROUNDS:-100} AGENTSAFE_TEST_SECONDS=240
SH
for name in ALONE REFERENCE DRIVERS MODES MANAGERS; do
  [ -z "${!name:-}" ] || printf 'export %s=%q\n' "$name" "${!name}"
done >>"$share/inside.sh"
cat >>"$share/inside.sh" <<'SH'
job() { # WHEN NAME COMMAND: its output is seen when it has ended, and meanwhile in the share
  local began=$SECONDS name=$2 log=/mnt/host/results/${2//\//.}
  shift 2
  bash -c "$*" >"$log" 2>&1
  echo "# ended after $((SECONDS - began)) s" >>"$log"
  printf '\n# --- %s\n%s\n' "$name" "$(cat "$log")"
}
export -f job
sed -n '/^beside /p' jobs | xargs -r -P "$(nproc)" -d '\n' -I{} bash -c 'job {}'
# what engines ask for, and nothing from us
mkdir -p /etc/agentsafe && echo '{"version": 1, "default_policy": "oci"}' >/etc/agentsafe/config.json
sed -n '/^alone /p' jobs | xargs -r -P 1 -d '\n' -I{} bash -c 'job {}'
SH
timeout $((seconds + 100)) "${machine[@]}" --share "$share" --timeout "$seconds" 'bash /mnt/host/inside.sh' 2>&1
status=$?

# result LOG: "PASSED FAILED SKIPPED MISSING SECONDS". A plan (of bats, of GoogleTest) that was not carried out and a suite
# without its last line miss tests.
result() {
  local took passed failed skipped numbers planned
  took=$(sed -n 's/^# ended after \([0-9]*\) s$/\1/p' "$1" 2>/dev/null)
  numbers=$(sed -n 's/^[a-z]*: \([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3 0/p' "$1" 2>/dev/null | tail -n 1)
  planned=$(sed -n 's/^1\.\.\([0-9]*\)\r*$/\1/p; s/^\[=*\] Running \([0-9]*\) tests* from .*/\1/p' "$1" 2>/dev/null | head -n 1)
  read -r passed failed skipped < <({ ! [ -e "$1" ] || cat "$1"; } | awk '
    /^ok .*# skip/ || /^\[  SKIPPED \] .* ms\)$/ {skipped++; next}
    /^ok / || /^\[       OK \] / {passed++}
    /^not ok / || /^\[  FAILED  \] .* ms\)$/ {failed++}
    END {print passed + 0, failed + 0, skipped + 0}')
  local ran=$((passed + failed + skipped))
  echo "${numbers:-$passed $failed $skipped $((${planned:-$((ran + 1))} - ran))} ${took:--}"
}
# What the end of VM_LEFT cut off is skipped; what is missing otherwise has failed.
printf '\n# %-28s %7s %7s %8s %8s\n' "$(basename "$vm_runtime")" passed failed skipped seconds
passed=0 failed=0 skipped=0 cut=''
while read -r _ name _; do
  log=$share/results/${name//\//.}
  read -r ok bad skip missing took < <(result "$log")
  if [ "$took" = - ] && [ "$status" = 124 ] && [ -n "${VM_LEFT:-}" ]; then
    skip=$((skip + missing)) cut+=" $name"
  else
    bad=$((bad + missing))
    [ "$took" != - ] || { [ "$bad" -gt 0 ] || bad=1; tail -n 20 "$log" 2>/dev/null | sed 's/^/# /'; }
  fi
  printf '# %-28s %7d %7d %8d %8s\n' "$name" "$ok" "$bad" "$skip" "$took"
  passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
done <"$share/jobs"
[ "$status" != 124 ] || echo "# the machine was ended after $seconds s (VM_SECONDS, VM_LEFT)"
[ -z "$cut" ] || echo "# skip the time was too short for all of$cut: $remedy"
[ "$status" = 0 ] || [ -n "$cut" ] || [ "$failed" -gt 0 ] || failed=1
finish $passed $failed $skipped
