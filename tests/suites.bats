#!/usr/bin/env bats
# What contrib/suites.sh makes of suites: false ones that pass, fail, fail once, or end early.

setup() {
  cd "$BATS_TEST_TMPDIR" || return
  report=$PWD/report
  mkdir "$report"
  : >"$report/failures.txt"
}

# as test.sh calls it: FUNCTION NAME COMMAND…, in a shell of its own without -e
suite() {
  # shellcheck disable=SC2016 # for that shell
  bash -uc '. "$1"; report=$2; shift 2; "$@"; echo "$passed $failed $skipped" >counted' - \
    "$BATS_TEST_DIRNAME/../contrib/suites.sh" "$report" "$@" >out 2>&1
}

# bats_file: a file of bats whose tests are in the input; $tries counts how often "failing once" was run
bats_file() {
  export tries=$PWD/tries
  { echo '#!/usr/bin/env bats'; sed 's/^it /@test /'; } >suite.bats
}
# engine_suite OUTPUT [OUTPUT when some cases are asked for]: a suite as docker, cri and podman are; $PWD/asked has its patterns
engine_suite() {
  printf '#!/bin/bash\necho "$*" >>asked\nif [ $# = 0 ]; then printf %q; else printf %q; fi\n' "$1" "${2:-}" >suite.sh
  chmod +x suite.sh
}
counted() { [ "$(cat counted)" = "$1" ] || { cat counted out; return 1; }; }
kept() { grep -q -- "$1" "$report/failures.txt" || { cat "$report/failures.txt"; return 1; }; }

@test "a bats suite is added up, and what failed is kept with what it printed" {
  bats_file <<'B'
it "passes" { true; }
it "is skipped" { skip "no such host"; }
it "fails" { echo "why it failed"; false; }
B
  suite run_bats verbs suite.bats
  counted "1 1 1"
  kept '^verbs: not ok 3 fails'
  kept '^verbs: # why it failed'
  grep -q '^ok 2 is skipped # skip no such host' out
}

@test "a case that passes when it is run again has passed, and is named" {
  bats_file <<'B'
it "fails once (of 2.5), [or] so?" { echo >>"$tries"; [ "$(wc -l <"$tries")" -gt 1 ]; }
it "passes" { true; }
B
  suite run_bats verbs suite.bats
  counted "2 0 0"
  kept '^unsteady, passed when it was run again: verbs: fails once (of 2.5), \[or\] so?$'
  [ "$(wc -l <tries)" = 2 ]
}

@test "one that fails again has failed, and then none is steadied" {
  bats_file <<'B'
it "fails once" { echo >>"$tries"; [ "$(wc -l <"$tries")" -gt 1 ]; }
it "fails" { false; }
B
  suite run_bats verbs suite.bats
  counted "0 2 0"
  ! grep -q unsteady "$report/failures.txt"
}

@test "four failures are no accident: they are not tried again" {
  bats_file < <(printf 'it "number %d" { echo >>"$tries"; false; }\n' 1 2 3 4)
  suite run_bats verbs suite.bats
  counted "0 4 0"
  [ "$(wc -l <tries)" = 4 ]
}

@test "a case that is skipped when it is run again has not passed" {
  bats_file <<'B'
it "fails, then has no host" { echo >>"$tries"; [ "$(wc -l <"$tries")" -eq 1 ] || skip "gone"; false; }
B
  suite run_bats verbs suite.bats
  counted "0 1 0"
}

@test "tests that were planned and did not run have failed" {
  tini() { printf '1..3\nok 1 a\n'; }
  export -f tini
  suite run_bats verbs suite.bats
  counted "1 2 0"
  kept '^verbs: 1 of 3 planned tests ran'
  tini() { :; }
  suite run_bats cve suite.bats
  counted "0 1 0"
  kept '^cve: 0 of no planned tests ran'
}

@test "an engine's suite is asked for its failed case alone, without user and driver before the name" {
  engine_suite 'ok root, cgroupfs: a (7 ms)\nnot ok root, cgroupfs: b c (9 ms)\npodman: 1 passed, 1 failed, 2 skipped\n' \
    'ok root, cgroupfs: b c (8 ms)\npodman: 1 passed, 0 failed, 0 skipped\n'
  suite run_script podman ./suite.sh
  counted "2 0 2"
  [ "$(tail -n 1 asked)" = '^(b c)$' ]
  kept '^unsteady, passed when it was run again: podman: b c$'
}

@test "what an engine's suite finds after its cases is not tried again" {
  engine_suite 'ok a (7 ms)\nnot ok a cgroup was left\ncri: 1 passed, 1 failed, 0 skipped\n'
  suite run_script cri ./suite.sh
  counted "1 1 0"
  [ "$(wc -l <asked)" = 1 ]
  kept '^cri: not ok a cgroup was left'
}

@test "a suite of another kind is never tried again" {
  engine_suite 'not ok a (7 ms)\negress: 0 passed, 1 failed, 0 skipped\n'
  suite run_script egress ./suite.sh
  counted "0 1 0"
  [ "$(wc -l <asked)" = 1 ]
}

@test "a suite that ends without its last line has failed, and its last words are kept" {
  engine_suite 'no such mirror\n'
  suite run_script compat ./suite.sh
  counted "0 1 0"
  kept '^compat ended early: no such mirror'
}
