#!/bin/bash
# Times `run` of a static `true` (busybox root, default spec): agentsafe against the crun, runc, runsc, bwrap and systemd-nspawn
# found here, and against the floor, which does only the kernel's work (floor.c). All take turns in one loop (timer.c).
#
#   tests/bench/run.sh [--rounds N] [--views 'host v2 v1'] [--modes 'hot idle'] [--seccomp FILE] [--syscalls] [--json FILE]
#   tests/bench/run.sh --rows 'verbs run many thousand limit growth'   the other rows of one view (rows.py), all or some
#   tests/bench/run.sh --quick          3 rounds, back to back: only whether it works; ends with a line of counts
#
#   hot   back to back          idle  60 ms of rest before each run, as on a machine where nothing else starts
#   host  the host's cgroups    v2, v1  only that version, in a mount namespace of our own
#   --svg FILE       draws how the times of `run` are distributed (with --rows)
#   --seccomp FILE   a linux.seccomp object to add to config.json; the floor then loads a filter of 400 comparisons
#   RUNTIME=/path/agentsafe; MORE='name=/path/of/another/oci-runtime …'; CC=cc
#   COMPILED=/folder with floor and timer, for a machine without a compiler: tests/bench/run.sh --compile /folder makes them
#
# Prints median and 90th percentile, ratios to the floor, to crun and to runc, and the peak RSS. Needs root.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
views='host v2 v1' quick=''
: "${rounds:=60}" "${modes:=hot idle}" "${syscalls:=}" "${seccomp:=}" "${rows:=}" "${svg:=}"
: "${json:=${TMPDIR:-/tmp}/agentsafe-bench.json}"
passed=0 failed=0 skipped=0

usage() { sed -n '2,18s/^# \{0,1\}//p' "$0"; }
refuse() { echo "bench: $*" >&2; exit 2; }

options() {
  while [ $# -gt 0 ]; do
    case $1 in
      --rounds) rounds=$2; shift ;;
      --views) views=$2; shift ;;
      --modes) modes=$2; shift ;;
      --json) json=$2; shift ;;
      --rows) rows=$2; shift ;;
      --svg) svg=$2; shift ;;
      --seccomp) seccomp=$(realpath "$2") || exit 2; shift ;;
      --syscalls) syscalls=yes ;;
      --compile) compile "$2"; exit ;;
      --quick) quick=yes rounds=3 modes=hot ;;
      -h | --help) usage; exit 0 ;;
      *) usage >&2; exit 2 ;;
    esac
    shift
  done
}

find_runtime() {
  local found
  if [ -n "${RUNTIME:-}" ]; then realpath "$RUNTIME"; return; fi
  for found in "$here"/../../build/{,runtime/cli/}agentsafe; do
    [ -x "$found" ] && { realpath "$found"; return; }
  done
  command -v agentsafe
}

compile() { # FOLDER
  local name
  for name in floor timer; do
    "${CC:-cc}" -std=gnu11 -O2 -static "$here/$name.c" -o "$1/$name" || refuse "$name.c does not compile"
  done
}

prepare() {
  [ "$(id -u)" = 0 ] || refuse "needs root"
  command -v busybox >/dev/null || refuse "busybox is missing: apt-get install busybox-static"
  runtime=$(find_runtime) || refuse "no agentsafe to time: build it, or set RUNTIME=/path/to/agentsafe"
  work=$(mktemp -d "${TMPDIR:-/tmp}/agentsafe-bench.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT TERM
  if [ -n "${COMPILED:-}" ]; then cp "$COMPILED"/{floor,timer} "$work/" || exit 2; else compile "$work"; fi
  mkdir -p "$work/bundle/rootfs"/{bin,proc,sys,dev,tmp,usr} "$work/state"
  cp "$(command -v busybox)" "$work/bundle/rootfs/bin/true"
  chmod 0711 "$work"  # for user namespaces
  : >"$work/results"
}

is_v2() { [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; }

# Changes this mount namespace to the view; fails with the reason printed when the host cannot show it.
enter_view() {
  case $1 in
    host) ;;
    v2)
      is_v2 && return
      umount -l /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup || { echo "cannot mount cgroup2"; return 1; }
      ;;
    v1)
      is_v2 && { echo "the host has no cgroup v1"; return 1; }
      ! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified
      ;;
    *) echo "no such view"; return 1 ;;
  esac
}

make_config() {
  local bundle=$work/bundle
  rm -f "$bundle/config.json"
  "$runtime" spec --bundle "$bundle" 2>/dev/null || runc spec --bundle "$bundle" || return 1
  # crun 1.8 refuses versions newer than itself
  sed -i -e 's/"ociVersion": *"[^"]*"/"ociVersion": "1.0.2"/' -e 's/"terminal": *true/"terminal": false/' -e 's,"sh","/bin/true",; s,^\([[:space:]]*\)"sh"$,\1"/bin/true",' "$bundle/config.json"
  [ -n "$seccomp" ] || return 0
  { echo '"seccomp":'; cat "$seccomp"; echo ','; } >"$work/seccomp"
  sed -i "/\"linux\": {/r $work/seccomp" "$bundle/config.json"
}

command_line() { local IFS=$'\t'; printf '%s\n' "$*"; }

candidates() {
  local root=$work/bundle/rootfs other
  local oci=(run --bundle "$work/bundle" "bench-$$")
  command_line 'true' "$root/bin/true"
  command_line floor "$work/floor" ${seccomp:+--seccomp} "$root" /bin/true
  command_line agentsafe "$runtime" --root "$work/state/agentsafe" $(policy) "${oci[@]}"
  for other in crun runc runsc; do
    ! command -v "$other" >/dev/null || command_line "$other" "$(command -v "$other")" --root "$work/state/$other" "${oci[@]}"
  done
  for other in ${MORE:-}; do command_line "${other%%=*}" "${other#*=}" --root "$work/state/${other%%=*}" "${oci[@]}"; done
  ! command -v bwrap >/dev/null ||
    command_line bwrap "$(command -v bwrap)" --unshare-all --ro-bind "$root" / --proc /proc --dev /dev --tmpfs /tmp /bin/true
  ! command -v systemd-nspawn >/dev/null ||
    command_line nspawn "$(command -v systemd-nspawn)" --quiet --register=no --keep-unit --resolv-conf=off --timezone=off --link-journal=no --directory="$root" /bin/true
}

# Another runtime may stand in for agentsafe (RUNTIME=/usr/sbin/runc), and knows no policies.
policy() { case ${runtime##*/} in agentsafe*) echo --policy oci ;; esac; }

# Keeps the candidates that work in this view, says of the others why not. agentsafe and the floor must.
choose() {
  local line words out
  candidates | while IFS= read -r line; do
    IFS=$'\t' read -ra words <<<"$line"
    if out=$("${words[@]:1}" 2>&1 </dev/null); then
      printf '%s\n' "$line"
    else
      echo "  ${words[0]} does not run here: $(tail -n 1 <<<"$out")" >&2
      case ${words[0]} in agentsafe | floor) touch "$work/broken" ;; esac
    fi
  done
}

count_syscalls() {
  local line words
  while IFS= read -r line; do
    IFS=$'\t' read -ra words <<<"$line"
    strace -f -c -o "$work/strace" "${words[@]:1}" >/dev/null 2>&1 </dev/null
    printf '%s\t%s\n' "${words[0]}" "$(awk '$NF == "total" {print $4}' "$work/strace")"
  done <"$work/commands" >"$work/syscalls"
}

# One table, and the same figures as JSON objects appended to $work/results.
summarise() {
  local view=$1 mode=$2
  sort -t$'\t' -k1,1 -k2,2n "$work/raw" | awk -F'\t' -v view="$view" -v mode="$mode" -v results="$work/results" \
    -v order="$(cut -f1 "$work/commands" | xargs)" -v calls_file="$work/syscalls" '
    function at(name, share,   i) { i = int(share * (n[name] - 1) + 0.5); return time[name, i] }
    function ratio(name, other) { return (other in n) ? sprintf("%.2f", at(name, 0.5) / at(other, 0.5)) : "-" }
    { time[$1, n[$1]++ + 0] = $2; if ($3 > rss[$1]) rss[$1] = $3 }
    END {
      while ((getline line < calls_file) > 0) { split(line, part, "\t"); calls[part[1]] = part[2] }
      printf "%-12s %10s %8s %8s %8s %8s %9s%s\n", view " " mode, "median ms", "p90", "x floor", "x crun", "x runc", "RSS KiB", length(calls) ? "  syscalls" : ""
      count = split(order, names, " ")
      for (i = 1; i <= count; i++) {
        name = names[i]
        printf "%-12s %10.2f %8.2f %8s %8s %8s %9d%s\n", name, at(name, 0.5) / 1000, at(name, 0.9) / 1000,
          ratio(name, "floor"), ratio(name, "crun"), ratio(name, "runc"), rss[name], length(calls) ? sprintf("  %8s", calls[name]) : ""
        printf "{\"view\": \"%s\", \"mode\": \"%s\", \"name\": \"%s\", \"rounds\": %d, \"median_us\": %d, \"p90_us\": %d, \"rss_kib\": %d%s}\n",
          view, mode, name, n[name], at(name, 0.5), at(name, 0.9), rss[name], (name in calls) ? ", \"syscalls\": " calls[name] : "" >> results
      }
    }'
  echo
}

# In a mount namespace of its own. Status 77: the host cannot show this view.
bench_view() {
  local view=$1 mode pause
  enter_view "$view" || return 77
  mount -t tmpfs state "$work/state" || { echo "cannot mount a tmpfs"; return 1; }  # as /run, where runtimes keep it
  make_config || { echo "cannot make a config.json"; return 1; }
  rm -f "$work/broken" "$work/syscalls"
  choose >"$work/commands"
  [ ! -e "$work/broken" ] || return 1
  [ -z "$syscalls" ] || count_syscalls
  if [ -n "$rows" ]; then
    bench_rows
    return
  fi
  for mode in $modes; do
    pause=0
    [ "$mode" != idle ] || pause=60
    "$work/timer" "$rounds" "$pause" "$work/commands" >"$work/raw" || return 1
    summarise "$view" "$mode"
  done
}

# The OCI runtimes that work in this view.
bench_rows() {
  local line words runtimes=()
  ln -sf true "$work/bundle/rootfs/bin/sleep"
  while IFS= read -r line; do
    IFS=$'\t' read -ra words <<<"$line"
    case ${words[0]} in true | floor | bwrap | nspawn) ;; *) runtimes+=("${words[0]}=${words[1]}") ;; esac
  done <"$work/commands"
  python3 "$here/rows.py" --work "$work" --rounds "$rounds" --rows "$rows" --json "$json" ${svg:+--svg "$svg"} "${runtimes[@]}"
}

write_json() { { echo '['; sed '$!s/$/,/' "$work/results"; echo ']'; } >"$json" && echo "figures: $json"; }

if [ "${1:-}" = --view ]; then
  shift
  bench_view "$1"
  exit
fi
options "$@"
prepare
export work runtime rounds modes syscalls seccomp rows svg json
[ -n "$quick" ] || echo "$("$runtime" --version | head -n 1); $(nproc) CPUs, Linux $(uname -r); $rounds rounds"
show() { # VIEW
  unshare --mount --propagation private bash "$here/run.sh" --view "$1"
  case $? in
    0) passed=$((passed + 1)) ;;
    77) skipped=$((skipped + 1)); echo "view $1: skipped" ;;
    *) failed=$((failed + 1)); echo "view $1: failed" ;;
  esac
}
for view in $views; do show "$view"; done
if [ -n "$quick" ]; then
  rows='verbs run' json=$work/rows.json
  show host
  rows=''
fi
[ -n "$rows" ] || write_json
echo "bench: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
