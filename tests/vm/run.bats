#!/usr/bin/env bats
# What run.sh makes of what a machine did: a false machine writes the results, and run.sh counts them.

setup() {
  unset VM_LEFT VM_SECONDS VM_RUNTIME PATTERNS PACKAGE ALONE
  run_sh=$BATS_TEST_DIRNAME/run.sh
  export AGENTSAFE_VM=$BATS_TEST_TMPDIR/machine results=$BATS_TEST_TMPDIR/results
  export BUILD=$BATS_TEST_TMPDIR/no-build
  mkdir "$results"
  # as tests/vm/vm is called: --share FOLDER --timeout SECONDS COMMAND
  cat >"$AGENTSAFE_VM" <<'SH'
#!/bin/bash
[ "$1 $3 $5" = "--share --timeout bash /mnt/host/inside.sh" ] || exit 125
cp "$2/jobs" "$2/inside.sh" "$results/.." && cp "$results"/. "$2/results" -r
exit "$(cat "$results/../status" 2>/dev/null || echo 0)"
SH
  chmod +x "$AGENTSAFE_VM"
}

result() { # NAME TEXT
  printf "$2" >"$results/$1"
}
row() { # NAME: "PASSED FAILED SKIPPED SECONDS" of the table
  awk -v name="$1" '$1 == "#" && $2 == name {print $3, $4, $5, $6}' <<<"$output"
}
last() { tail -n 1 <<<"$output"; }

@test "what bats and an engine's suite did is added up" {
  result integration.exec '1..3\nok 1 a\nok 2 b # skip no such controller\nok 3 c\n# ended after 7 s\n'
  result cri 'ok x\ncri: 40 passed, 0 failed, 2 skipped\n# ended after 100 s\n'
  run "$run_sh" cri tests/integration/exec.bats
  [ "$status" = 0 ]
  [ "$(row integration/exec)" = "2 0 1 7" ]
  [ "$(row cri)" = "40 0 2 100" ]
  [ "$(last)" = "vm: 42 passed, 0 failed, 3 skipped" ]
  grep -q '^beside integration/exec .*tests/integration/exec.bats$' "$BATS_TEST_TMPDIR/jobs"
  grep -q '^alone cri .*RUNTIME=/usr/local/bin/agentsafe .*tests/cri/run.sh' "$BATS_TEST_TMPDIR/jobs"
}

@test "the unit tests are counted as GoogleTest tells them" {
  mkdir -p "$BUILD/tests/unit"
  for name in cgroup systemd mount namespaces process container security net; do
    cp /bin/true "$BUILD/tests/unit/test-$name"
    result "unit.$name" '[==========] Running 1 test from 1 test suite.\n[       OK ] A.b (1 ms)\n[  PASSED  ] 1 test.\n# ended after 2 s\n'
  done
  result unit.net '[==========] Running 4 tests from 2 test suites.\n[       OK ] A.b (1 ms)\n[  SKIPPED ] A.c (0 ms)\n[  FAILED  ] B/C.d/0, where GetParam() = 1 (7 ms)\n[  FAILED  ] 1 test, listed below:\n# ended after 2 s\n'
  run "$run_sh" unit
  [ "$status" = 1 ]
  [ "$(row unit/cgroup)" = "1 0 0 2" ]
  [ "$(row unit/net)" = "1 2 1 2" ] # the fourth was planned and did not run
  [ "$(last)" = "vm: 8 passed, 2 failed, 1 skipped" ]
  grep -q '^beside unit/net build/tests/unit/test-net ' "$BATS_TEST_TMPDIR/jobs"
}

@test "another runtime gets no unit tests, and alone they are refused" {
  VM_RUNTIME=/usr/bin/crun run "$run_sh" chosen
  grep -q '^alone docker ' "$BATS_TEST_TMPDIR/jobs"
  [ "$(grep -c '^beside unit/' "$BATS_TEST_TMPDIR/jobs")" = 0 ]
  VM_RUNTIME=/usr/bin/crun run "$run_sh" unit
  [ "$status" = 2 ]
  [[ "$output" == *"nothing is left to run"* ]]
}

@test "unit tests that are not built are an error" {
  run "$run_sh" unit
  [ "$status" = 2 ]
  [[ "$output" == *"test-cgroup is missing: ninja -C "* ]]
}

@test "a failed test fails the whole" {
  result integration.exec '1..2\nok 1 a\nnot ok 2 b\n# ended after 7 s\n'
  run "$run_sh" tests/integration/exec.bats
  [ "$status" = 1 ]
  [ "$(row integration/exec)" = "1 1 0 7" ]
  [ "$(last)" = "vm: 1 passed, 1 failed, 0 skipped" ]
}

@test "tests that bats had planned and did not run have failed" {
  result integration.exec '1..5\nok 1 a\nok 2 b\n# ended after 7 s\n'
  run "$run_sh" tests/integration/exec.bats
  [ "$status" = 1 ]
  [ "$(row integration/exec)" = "2 3 0 7" ]
}

@test "a suite without results, without an end or without its last line has failed" {
  result integration.kill '1..2\nok 1 a\nok 2 b\n'
  result podman 'ok x\n# ended after 3 s\n'
  run "$run_sh" podman tests/integration/exec.bats tests/integration/kill.bats
  [ "$status" = 1 ]
  [ "$(row integration/exec)" = "0 1 0 -" ]
  [ "$(row integration/kill)" = "2 1 0 -" ]
  [ "$(row podman)" = "1 1 0 3" ]
}

@test "a machine that fails fails the whole, whatever was written" {
  result integration.exec '1..1\nok 1 a\n# ended after 7 s\n'
  echo 125 >"$BATS_TEST_TMPDIR/status"
  run "$run_sh" tests/integration/exec.bats
  [ "$status" = 1 ]
  [ "$(last)" = "vm: 1 passed, 1 failed, 0 skipped" ]
}

@test "what the end of the hour cuts off is skipped, a failure stays one" {
  result integration.exec '1..1\nok 1 a\n# ended after 7 s\n'
  result integration.kill '1..6\nok 1 a\nnot ok 2 b\n'
  echo 124 >"$BATS_TEST_TMPDIR/status"
  VM_LEFT=600 run "$run_sh" tests/integration/{exec,kill,run}.bats
  [ "$status" = 1 ]
  [ "$(row integration/exec)" = "1 0 0 7" ]
  [ "$(row integration/kill)" = "1 1 4 -" ]
  [ "$(row integration/run)" = "0 0 1 -" ]
  [[ "$output" == *"# skip the time was too short for all of integration/kill integration/run: "* ]]
  [ "$(last)" = "vm: 2 passed, 1 failed, 5 skipped" ]
}

@test "a machine that is ended without a bound from outside has failed" {
  result integration.exec '1..2\nok 1 a\n'
  echo 124 >"$BATS_TEST_TMPDIR/status"
  VM_SECONDS=60 run "$run_sh" tests/integration/exec.bats
  [ "$status" = 1 ]
  [[ "$output" == *"# the machine was ended after 60 s"* ]]
  [ "$(last)" = "vm: 1 passed, 1 failed, 0 skipped" ]
}

@test "too little time is one test that is skipped, and starts no machine" {
  VM_LEFT=499 run "$run_sh" chosen
  [ "$status" = 0 ]
  [[ "${lines[0]}" == "ok 1 the suites in the virtual machine # skip 499 s are left, for the suites 500 s are needed: "* ]]
  [ "$(last)" = "vm: 0 passed, 0 failed, 1 skipped" ]
  [ ! -e "$BATS_TEST_TMPDIR/jobs" ]
}

@test "without an image there must be time to build it" {
  unset AGENTSAFE_VM
  AGENTSAFE_VM_DIR=$BATS_TEST_TMPDIR/none VM_LEFT=1099 run "$run_sh" chosen
  [ "$status" = 0 ]
  [[ "${lines[0]}" == *"# skip 1099 s are left, for the image and the suites 1100 s are needed: "* ]]
}

@test "another runtime and the settings of the suites reach the machine" {
  VM_RUNTIME=/usr/bin/crun ALONE=1 PATTERNS='exec' run "$run_sh" podman docker
  grep -q 'RUNTIME=/usr/bin/crun .*tests/podman/run.sh exec$' "$BATS_TEST_TMPDIR/jobs"
  grep -q 'RUNTIME_NAME=crun ' "$BATS_TEST_TMPDIR/jobs"
  grep -qx 'export ALONE=1' "$BATS_TEST_TMPDIR/inside.sh"
  [[ "$output" == *"# crun "* ]]
}

@test "words that mean nothing, and a package that is none, are refused" {
  run "$run_sh" everything
  [ "$status" = 2 ]
  [[ "$output" == *"tests/vm/run.sh chosen"* ]]
  PACKAGE=/nonexistent run "$run_sh" package
  [ "$status" = 2 ]
  [[ "$output" == *"PACKAGE="*"is missing"* ]]
}
