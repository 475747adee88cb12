# shellcheck shell=bash disable=SC2154
# Sourced by test.sh: runs a suite, adds up what it did, keeps what failed for the end, and tries a few failed cases once more.
# $report is the folder of the logs; tests/suites.bats has false suites for it.
passed=0 failed=0 skipped=0

heading() { printf '\n== %s (%d s)\n' "$*" "$SECONDS"; }

# count NAME PASSED FAILED SKIPPED
count() {
  printf '%s: %d passed, %d failed, %d skipped\n' "$@"
  passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
}

# keep_failures NAME LOG…: what failed, with what it printed around it, for the end: the middle of a long output is read by nobody
keep_failures() {
  local name=$1
  shift
  grep -hE -B6 -A14 '^not ok|^\[  FAILED  \] .*ms\)$' "$@" | sed "s/^/$name: /" >>"$report/failures.txt"
}

# A busy host lets a case come too late once in some thousands. Up to three cases of a suite are run once more, by themselves: one
# that fails again has failed, one that does not is told at the end and counted as passed. What is found after the cases, as
# something that they left, is not tried again.
# second_try NAME LOG NAMES COMMAND… (a pattern is added): how many of NAMES, a line each, have passed now, in $steadied
second_try() {
  local name=$1 log=$2 names=$3 count
  shift 3
  steadied=0
  count=$(grep -c '^not ok' "$log")
  [ "$count" -gt 0 ] && [ "$count" -le 3 ] && [ "$count" = "$(grep -c . <<<"$names")" ] || return 0
  heading "$name: what failed, once more"
  "$@" "^($(sed 's/[][\.^$*+?(){}|]/\\&/g' <<<"$names" | paste -sd '|'))$" </dev/null 2>&1 | tee "$log.again"
  if grep -q '^not ok' "$log.again" || [ "$(grep "^ok" "$log.again" | grep -vi "# skip" | grep -cFf <(echo "$names"))" -lt "$count" ]; then return; fi
  steadied=$count
  sed "s/^/unsteady, passed when it was run again: $name: /" <<<"$names" >>"$report/failures.txt"
}

# A suite whose last line is "NAME: N passed, N failed, N skipped"; one that ends without it has failed.
run_script() {
  local name=$1 log=$report/$1.log numbers ok bad skip
  shift
  heading "$name"
  "$@" </dev/null 2>&1 | tee "$log"
  numbers=$(grep -E "^$name: [0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$" "$log" | tail -n 1 | tr -dc '0-9 ')
  read -r ok bad skip <<<"${numbers:-0 1 0}"
  [ -n "$numbers" ] || tail -n 20 "$log" | sed "s/^/$name ended early: /" >>"$report/failures.txt"
  keep_failures "$name" "$log"
  if [[ " docker cri podman " == *" $name "* ]]; then
    second_try "$name" "$log" "$(sed -nE '/^not ok .*( ms[);]|differs from the reference)/ {
      s/^not ok ((root|user|cgroupfs|systemd)(, (cgroupfs|systemd))?: )?//; s/ (\(|differs from the reference).*//; p}' "$log")" "$@"
    ok=$((ok + steadied)) bad=$((bad - steadied))
  fi
  count "$name" "$ok" "$bad" "$skip" >/dev/null
}

# bats prints TAP: "ok N name", "not ok N name", "ok N name # skip reason". Orphans of containers must be reaped at once.
run_bats() {
  local name=$1
  shift
  heading "$name"
  tini -s -- bats --tap --print-output-on-failure "$@" </dev/null 2>&1 | tee "$report/$name.tap" | grep -vE '^ok [0-9]+ .*[^ ]$'
  grep -hE '^ok .* # skip' "$report/$name.tap"
  local planned ran ok bad skip
  planned=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$report/$name.tap" | head -n 1)
  bad=$(grep -c '^not ok' "$report/$name.tap")
  skip=$(grep -cE '^ok .* # skip' "$report/$name.tap")
  ok=$(($(grep -c '^ok' "$report/$name.tap") - skip))
  ran=$((ok + bad + skip))
  [ "$ran" = "${planned:-1}" ] || echo "$name: $ran of ${planned:-no} planned tests ran" | tee -a "$report/failures.txt"
  bad=$((bad + ${planned:-1} - ran))
  keep_failures "$name" "$report/$name.tap"
  second_try "$name" "$report/$name.tap" "$(sed -nE 's/^not ok [0-9]+ //p' "$report/$name.tap")" \
    tini -s -- bats --tap --print-output-on-failure "$@" --filter
  count "$name" $((ok + steadied)) $((bad - steadied)) "$skip"
}
