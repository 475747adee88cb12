# How cases are written and run. Sourced by run.sh.
#
# A case is a function case_WHAT_IS_CLAIMED in cases/*.sh. It runs in a shell of its own with errexit, twice at once:
# with the runtime under test and with the reference. It fails when it fails under the runtime under test, or when what
# it printed differs from what it printed under the reference.
#
#   case_run_passes_the_exit_status_on() {
#     status 42 run bb sh -c 'exit 42'
#   }
#
# It has: $ME (unique prefix; also its containers' names), $DIR (an own folder), $RT (the runtime's name in Docker),
# $CG (cgroup version of the host), bb (the image), and the functions of this file.

harness_folder=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
d() { "$DOCKER" -H "unix://$ENGINE/docker.sock" "$@"; }

# run [OPTIONS] IMAGE [COMMAND…]: foreground, removed at the end.
run() { d run --rm --runtime "$RT" "$@"; }
# up NAME [OPTIONS] IMAGE [COMMAND…]: a detached container called $ME-NAME.
up() { local name=$1; shift; d run -d --runtime "$RT" --name "$ME-$name" "$@" >/dev/null; }
# idle NAME [OPTIONS]: one that waits until it is signalled.
idle() { up "$@" bb idle; }
# in_container NAME COMMAND…
in_container() { local name=$1; shift; d exec "$ME-$name" "$@"; }
inspect() { d inspect -f "$2" "$ME-$1"; }

fail() { echo "$*" >&2; exit 1; }
skip() { echo "$*" >"$DIR/.skip"; exit 77; }

# is WANT COMMAND…: the command succeeds and prints exactly WANT (and so does the reference).
is() {
  local want=$1 got code=0
  shift
  got=$("$@" 2>&1) || code=$?
  [ "$code" = 0 ] || fail "status $code of: $*: $got"
  [ "$got" = "$want" ] || fail "$(printf '%s\n  printed: %s\n  wanted:  %s' "$*" "$got" "$want")"
  echo "$got"
}

# has PATTERN COMMAND…: the command succeeds and its output matches the extended regular expression.
has() {
  local want=$1 got code=0
  shift
  got=$("$@" 2>&1) || code=$?
  [ "$code" = 0 ] || fail "status $code of: $*: $got"
  grep -qE -- "$want" <<<"$got" || fail "$(printf '%s\n  printed: %s\n  wanted:  /%s/' "$*" "$got" "$want")"
}

# status WANT COMMAND…: its exit status (or a pattern, "12[67]"). Output is thrown away.
status() {
  local want=$1 got code=0
  shift
  got=$("$@" 2>&1) || code=$?
  [[ $code == $want ]] || fail "$(printf '%s\n  status %s, wanted %s: %s' "$*" "$code" "$want" "$got")"
  echo "status $code"
}

# refused STATUS PATTERN COMMAND…: it fails with that status and a message that matches.
refused() {
  local want=$1 pattern=$2 got code=0
  shift 2
  got=$("$@" 2>&1) || code=$?
  [[ $code == $want ]] || fail "$(printf '%s\n  status %s, wanted %s: %s' "$*" "$code" "$want" "$got")"
  grep -qiE -- "$pattern" <<<"$got" || fail "$(printf '%s\n  printed: %s\n  wanted:  /%s/' "$*" "$got" "$pattern")"
  echo "status $code"
}

# same COMMAND…: whatever it prints and returns, the reference does the same.
same() {
  local code=0
  "$@" 2>"$DIR/.stderr" || code=$?  # apart: the two streams come in no order
  cat "$DIR/.stderr"
  echo "status $code"
}

# eventually SECONDS COMMAND…: polls until the command succeeds.
eventually() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -le "$end" ] || return 1
    sleep 0.05
  done
}
await() { eventually $((TIMEOUT / 3)) "$@" || fail "waited in vain for: $*"; }
state_is() { [ "$(inspect "$1" '{{.State.Status}}')" = "$2" ]; }
log_has() { d logs "$ME-$1" 2>&1 | grep -qE -- "$2"; }

# knob NAME CONTROLLER V1FILE V2FILE: a file of the container's cgroup, read on the host.
knob() {
  local id
  id=$(inspect "$1" '{{.Id}}')
  if [ "$CG" = 1 ]; then cat "/sys/fs/cgroup/$2/$PARENT/$id/$3"; else cat "/sys/fs/cgroup/$PARENT/$id/$4"; fi
}

# terminal COMMAND: runs a shell command with a terminal as stdin, stdout and stderr; its exit status is passed on.
terminal() { script -qefc "$1" /dev/null </dev/null; }
docker_words() { echo "$DOCKER -H unix://$ENGINE/docker.sock"; }

# What is mounted where with which file system, without what differs from run to run or between ways of doing the same:
# the order, and whose null device covers a masked file. (A hybrid host's v2 hierarchy is shown by some runtimes only.)
mount_table() {
  run "$@" bb cat /proc/mounts | awk '$2 ~ "^/proc/" && $3 ~ "tmpfs" { $3 = "mask" } $2 != "/sys/fs/cgroup/unified" { print $2, $3 }' | sort
}

needs_all_capabilities() {
  local last mine
  last=$(cat /proc/sys/kernel/cap_last_cap)
  mine=$((16#$(sed -n 's/^CapBnd:\t//p' /proc/self/status)))
  [ "$mine" = $(((1 << (last + 1)) - 1)) ] || skip "the host itself lacks some capabilities"
}
needs_resource_capability() {
  local mine=$((16#$(sed -n 's/^CapBnd:\t//p' /proc/self/status)))
  ((mine >> 24 & 1)) || skip "the host lacks CAP_SYS_RESOURCE"
}

# The files of the image bb: busybox, a few users, and files to trip over.
image_root() {
  local root=$WORK/image name
  echo "$root"
  [ ! -d "$root" ] || return 0
  mkdir -p "$root"/{bin,etc,tmp,root,home/worker,data,var,proc,sys,dev}
  chmod 1777 "$root/tmp"
  cp "$(command -v busybox)" "$root/bin/busybox"
  for name in $(busybox --list); do [ "$name" = busybox ] || ln -s busybox "$root/bin/$name"; done
  printf '%s\n' root:x:0:0:root:/root:/bin/sh worker:x:1000:1000::/home/worker:/bin/sh >"$root/etc/passwd"
  printf '%s\n' root:x:0: worker:x:1000: extra:x:2000:worker >"$root/etc/group"
  chown 1000:1000 "$root/home/worker"
  cp "$harness_folder/idle.sh" "$root/bin/idle"
  chmod 755 "$root/bin/idle"
  echo "not a program" >"$root/data/text"
  printf '#!/no/such/interpreter\n' >"$root/data/orphan"
  chmod 755 "$root/data/orphan"
}
import_image() {
  tar -C "$(image_root)" -c . | d import --change 'CMD ["sh"]' --change 'ENV PATH=/bin' - bb >/dev/null
}

# Cases that cannot be compared: they use the engine's default runtime, or the engine as a whole.
declare -A ONLY_SUT=()
number=0

# --- running -------------------------------------------------------------------------------------------------------

claims_of() { sed -n 's/^case_\([a-z0-9_]*\)() {$/\1/p' "$@"; }
wanted() {
  [ ${#PATTERNS[@]} -gt 0 ] || return 0
  local pattern
  for pattern in "${PATTERNS[@]}"; do [[ ${1//_/ } =~ ${pattern//_/ } ]] && return 0; done
  return 1
}
wanted_in() { local claim; for claim in $(claims_of "$1"); do wanted "$claim" && return 0; done; return 1; }

# run_cases parallel|serial FILE…
run_cases() {
  local mode=$1 file claim ended pids=()
  shift
  CG=${CG:-$(d info -f '{{.CgroupVersion}}')}
  export CG
  for file in "$@"; do
    . "$file"
    for claim in $(claims_of "$file"); do
      wanted "$claim" || continue
      number=$((number + 1))
      if [ "$mode" = serial ]; then run_case "$claim"; continue; fi
      if [ ${#pids[@]} -ge "$JOBS" ]; then
        wait -n -p ended "${pids[@]}"
        pids=($(printf '%s\n' "${pids[@]}" | grep -vx "$ended"))
      fi
      run_case "$claim" &
      pids+=($!)
    done
  done
  [ ${#pids[@]} = 0 ] || wait "${pids[@]}"
}

# Under both runtimes at once, each with a deadline; then the verdict.
run_case() {
  local claim=$1 started=${EPOCHREALTIME/./} sut reference code=0 reference_code=0
  variant "$claim" sut & sut=$!
  if [ -z "${ALONE:-}${ONLY_SUT[$claim]:-}" ]; then variant "$claim" reference & reference=$!; fi
  wait "$sut" || code=$?
  [ -z "${reference:-}" ] || wait "$reference" || reference_code=$?
  judge "$claim" "$code" "$reference_code" "${reference:+yes}" $(((${EPOCHREALTIME/./} - started) / 1000))
  tidy
}

# variant CLAIM RUNTIME: one run of a case. Its output goes to $WORK/cases/CLAIM/RUNTIME.{out,err}.
variant() {
  export RT=$2 ME=c$number-$2 DIR=$WORK/cases/$1/$2
  mkdir -p "$DIR"
  (set -eu; "case_$1") >"$DIR.out" 2>"$DIR.err" </dev/null &
  local body=$! watch code=0
  (sleep "$TIMEOUT"; echo "took more than $TIMEOUT s" >>"$DIR.err"; kill_tree "$body") >/dev/null 2>&1 </dev/null & watch=$!
  wait "$body" || code=$?
  kill_tree "$watch"
  sed -i -E -e "s/$ME/ME/g; s,$DIR,DIR,g; s/\b[0-9a-f]{64}\b/ID/g; s/\b[0-9a-f]{12}\b/ID/g; s/\r//g" "$DIR.out"
  return "$code"
} 2>/dev/null

kill_tree() {
  local child
  for child in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do kill_tree "$child"; done
  kill -9 "$1" 2>/dev/null
}

judge() {
  local claim=$1 code=$2 reference_code=$3 compared=$4 ms=$5 at=$WORK/cases/$1
  if [ "$code" = 77 ]; then
    report skipped "$claim" "# skip $(cat "$at/sut/.skip")"
  elif [ "$code" != 0 ]; then
    report failed "$claim" "(status $code, $ms ms; under the reference: status $reference_code)" "$(tail -n 20 "$at/sut.err")"
  elif [ -n "$compared" ] && [ "$reference_code" = 0 ] && ! cmp -s "$at/sut.out" "$at/reference.out"; then
    report failed "$claim" "differs from the reference" "$(diff -U1 "$at/reference.out" "$at/sut.out" | tail -n +3 | head -n 40)"
  else
    report passed "$claim" "($ms ms)$([ "$reference_code" = 0 ] || echo " (the reference fails here: $(tail -n 1 "$at/reference.err"))")"
  fi
}

# report passed|failed|skipped CLAIM REMARK [DETAIL]: one line, and the detail indented below.
report() {
  local word=ok
  [ "$1" != failed ] || word='not ok'
  printf '%s\n' "$1 ${2//_/ }" >>"$WORK/results"
  printf "%s %s%s %s%s\n" "$word" "${label:-}" "${2//_/ }" "$3" "${4:+$(printf '\n%s' "$4" | sed '2,$s/^/    /')}"
}
not_ok() { report failed "$1" "" "${2:-}"; }
# verdict CLAIM WHAT_IS_LEFT: passes when nothing is.
verdict() { if [ -z "$2" ]; then report passed "$1" ""; else report failed "$1" "" "$2"; fi; }

# Containers and volumes of a case; the check at the end finds what could not be removed.
tidy() {
  local left
  left=$(d ps -aq --filter "name=^/c$number-")
  [ -z "$left" ] || d rm -f -v $left >/dev/null 2>&1
}

# summary SUITE: what failed, and the line that contrib/test.sh counts by; fails if one did, or none passed.
summary() {
  local passed failed skipped
  passed=$(grep -c '^passed' "$WORK/results")
  failed=$(grep -c '^failed' "$WORK/results")
  skipped=$(grep -c '^skipped' "$WORK/results")
  [ "$failed" = 0 ] || { echo; echo "failed:"; sed -n 's/^failed /  /p' "$WORK/results"; }
  if [ -n "${KEEP:-}" ]; then echo "logs: $WORK"; else rm -rf "$WORK"; fi
  echo "$1: $passed passed, $failed failed, $skipped skipped"
  [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}
