#!/bin/bash
# Guards what a busy machine cannot blur: the system calls of a `run`, the instructions of the half that decides, sizes and memory.
# Each figure is compared with tests/bench/budget.txt; more than 5 % above it fails. Whoever makes a figure smaller lowers
# the budget in the same commit.
#
#   tests/bench/budget.sh [--show]      --show: print the figures only, to write them down
#   RUNTIME=/path/agentsafe CC=cc BUILD=/build/folder
#
# Needs root, strace and valgrind.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${BUILD:=$here/../../build}"
runtime=$(realpath "${RUNTIME:-$BUILD/agentsafe}") || exit 2

is_v2() { [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; }

# Changes this mount namespace to a version of cgroups; 77: the host cannot show it.
enter_view() {
  case $1 in
    v2) is_v2 || { umount -l /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup; } || return 77 ;;
    v1)
      is_v2 && return 77
      ! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified
      ;;
  esac
}

# v1: what each mounted hierarchy adds is no news, so that machines with more or fewer of them agree.
hierarchies() { awk '$2 ~ "^/sys/fs/cgroup/" && $3 == "cgroup"' /proc/self/mounts | wc -l; }

calls() { # ARGUMENT… of agentsafe
  # the first run makes folders and enables controllers
  "$runtime" --root "$work/state" --policy oci "$@" </dev/null >/dev/null 2>&1 || return 1
  strace -f -c -o "$work/strace" "$runtime" --root "$work/state" --policy oci "$@" </dev/null >/dev/null 2>&1 || return 1
  awk '$NF == "total" {print $4}' "$work/strace"
}

instructions() { # ARGUMENT… of agentsafe
  env -i valgrind --tool=callgrind --callgrind-out-file=/dev/null "$runtime" --root "$work/state" --policy oci "$@" \
    2>&1 >/dev/null </dev/null | awk '/Collected :/ {print $4}'
}

# Peak memory of what waits in a container for `start`, in KiB.
waiting() {
  local pid kib
  "$runtime" --root "$work/state" --policy oci create --bundle "$work/bundle" --pid-file "$work/pid" waiting </dev/null >/dev/null 2>&1 || return 1
  pid=$(cat "$work/pid") kib=$(awk '/^VmHWM:/ {print $2}' "/proc/$pid/status")
  "$runtime" --root "$work/state" delete --force waiting && echo "$kib"
}

# "NAME FIGURE" of one view.
figures() {
  local total each
  enter_view "$1" || return 77
  case $1 in
    v2)
      echo "v2-run-syscalls $(calls run --bundle "$work/bundle" budget)"
      echo "v2-list-syscalls $(calls list)"
      echo "waiting-kib $(waiting)"
      echo "plan-instructions $(instructions create --dry-run --bundle "$work/bundle" budget)"
      echo "features-instructions $(instructions features)"
      ;;
    v1)
      each=12
      total=$(calls run --bundle "$work/bundle" budget) || return 1
      echo "v1-run-syscalls $((total - each * $(hierarchies)))"
      ;;
    size)
      strip -o "$work/stripped" "$runtime"
      echo "program-bytes $(stat -c %s "$work/stripped")"
      [ ! -e "$BUILD/runtime/container/agentsafe-init.stripped" ] ||
        echo "image-bytes $(stat -c %s "$BUILD/runtime/container/agentsafe-init.stripped")"
      ;;
  esac
}

if [ "${1:-}" = --figures ]; then
  figures "$2"
  exit
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/agentsafe-budget.XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/bundle/rootfs"/{bin,proc,sys,dev} "$work/state"
echo 'int main(void) { return 0; }' | "${CC:-cc}" -O1 -static -x c -o "$work/bundle/rootfs/bin/true" - || exit 2
"$runtime" spec --bundle "$work/bundle" || exit 2
sed -i -e 's/"terminal": *true/"terminal": false/' -e 's,^\([[:space:]]*\)"sh"$,\1"/bin/true",' "$work/bundle/config.json"
export work BUILD RUNTIME=$runtime

passed=0 failed=0 skipped=0
judge() { # NAME FIGURE
  local budget
  budget=$(awk -v name="$1" '$1 == name {print $2}' "$here/budget.txt")
  if [ -z "$2" ] || [ -z "$budget" ]; then
    echo "not ok $1: measured \"$2\", the budget is \"$budget\""
    failed=$((failed + 1))
  elif [ $((100 * $2)) -gt $((105 * budget)) ]; then
    echo "not ok $1: $2, more than 5 % above the budget of $budget"
    failed=$((failed + 1))
  else
    echo "ok $1: $2 (budget $budget)"
    passed=$((passed + 1))
  fi
}
for view in v2 v1 size; do
  unshare --mount --propagation private bash "$here/budget.sh" --figures "$view" >"$work/figures"
  case $? in
    0) ;;
    77) skipped=$((skipped + 1)); echo "skipped: this host cannot show cgroup $view"; continue ;;
    *) failed=$((failed + 1)); echo "not ok: the figures of $view" ;;
  esac
  if [ "${1:-}" = --show ]; then cat "$work/figures"; continue; fi
  while read -r name figure; do judge "$name" "${figure:-}"; done <"$work/figures"
done
[ "${1:-}" = --show ] || echo "budget: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
