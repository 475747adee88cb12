#!/bin/bash
# Tests everything: installs what the tests need (apt, only what is missing), builds, runs every suite, and ends with the
# line "N passed, N failed, N skipped", before it all that failed. A case of bats or an engine that fails is run once more; when it
# passes then, it is named there. Root, Debian 12 or 13.
#
#   contrib/test.sh                      all suites but --vm, --clang and --package, in an hour; last --vm-chosen, with what is left of
#                                        the hour: where that is too short (500 s, or 1100 s where the machine must be built
#                                        first), or no machine can be had, what did not run is counted as skipped
#   contrib/test.sh --unit               layers, unit tests, unit tests under sanitizers and their coverage
#   contrib/test.sh --integration        the bats suites of verbs and spec topics, of CVE classes, and of egress with real packets
#   contrib/test.sh --compat             ordinary work under strict (light; tests/compat/run.sh --full is all of it)
#   contrib/test.sh --docker             the Docker suite
#   contrib/test.sh --cri                the suite of containerd's CRI plugin: what Kubernetes asks for
#   contrib/test.sh --podman             the suite of podman and buildah, as root and as a user
#   contrib/test.sh --vm                 all suites in a virtual machine with systemd and pure cgroup v2 (built first: tests/vm), with the
#                                        systemd driver of Docker, containerd and podman: without KVM an hour and more
#   contrib/test.sh --vm-chosen          the part of it in which such a host makes the difference, bounded at 30 minutes
#   contrib/test.sh --clang              everything compiled by clang, without a warning, and the unit tests of that
#   contrib/test.sh --package            the Debian package: built, without errors of lintian, and what is in it
#   contrib/test.sh --quick              layers, unit tests and the suites of the verbs
#   BUILD=/folder RUNTIME=/other/runtime AGENTSAFE_ROUNDS=500 contrib/test.sh …
#   CI_SECONDS=7200 contrib/test.sh      the hour (3000 s, so that slow ends are in it), when it is another
set -u
top=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
cd "$top" || exit 1
. contrib/packages.sh
. contrib/suites.sh
export BUILD=${BUILD:-$top/build}
export RUNTIME=${RUNTIME:-$BUILD/agentsafe}
export PROBE=$BUILD/tests-probe
export AGENTSAFE_ROUNDS=${AGENTSAFE_ROUNDS:-500}
report=$BUILD/report

usage() { sed -n '2,22s/^# \{0,1\}//p' "$0"; }

choose() {
  suites=''
  while [ $# -gt 0 ]; do
    case $1 in
      --unit) suites+=' layers unit sanitized coverage' ;;
      --integration) suites+=' integration cve egress' ;;
      --compat) suites+=' compat' ;;
      --docker) suites+=' docker' ;;
      --cri) suites+=' cri' ;;
      --podman) suites+=' podman' ;;
      --vm-chosen) suites+=' vm-chosen' ;;
      --vm) suites+=' vm' ;;
      --clang) suites+=' clang' ;;
      --package) suites+=' package' ;;
      --quick) suites+=' layers unit verbs' ;;
      -h | --help) usage; exit 0 ;;
      *) usage >&2; exit 2 ;;
    esac
    shift
  done
  suites=${suites:- layers unit sanitized coverage integration cve egress compat docker cri podman install bench vm-in-time}
}
wants() { [[ "$suites " == *" $1 "* ]]; }

prepare() {
  heading "packages"
  # shellcheck disable=SC2046,SC2086 # words
  install_packages $BUILD_PACKAGES libgtest-dev bats jq e2fsprogs tini python3 gcc libc6-dev iproute2 procps uidmap util-linux libcap2-bin strace valgrind \
    $(wants coverage && echo gcovr) $(wants clang && echo clang) $(wants package && echo dpkg-dev debhelper dh-apparmor lintian) $({ wants cve || wants compat; } && echo runc crun) \
    $({ wants integration || wants egress; } && echo nftables) $(wants integration && echo python3-yaml runc crun podman xfsprogs) $(wants docker && cat tests/docker/packages.txt 2>/dev/null) $(wants cri && cat tests/cri/packages.txt) $(wants podman && cat tests/podman/packages.txt) || exit 1
  heading "build"
  [ -e "$BUILD/build.ninja" ] || meson setup "$BUILD" -Dtests=enabled -Ddebug=false || exit 1
  ninja -C "$BUILD" || exit 1
  gcc -static -O1 -o "$PROBE" tests/integration/probe.c || exit 1
  mkdir -p "$report"
  : >"$report/failures.txt"
}

# Every test case of every GoogleTest program is counted.
run_unit() {
  local name=$1 build=$2
  heading "$name"
  meson test -C "$build" --print-errorlogs --num-processes "$(nproc)" </dev/null 2>&1 | tail -n 40
  local log=$build/meson-logs/testlog.txt ok bad skip
  ok=$(grep -c '^\[       OK \]' "$log")
  skip=$(grep -c '^\[  SKIPPED \] .*ms)$' "$log")
  bad=$(grep -c '^\[  FAILED  \] .*ms)$' "$log")
  # a program that crashed or timed out names no failed case
  local crashed
  crashed=$(meson_failures "$build")
  [ "$bad" -ge "$crashed" ] || bad=$crashed
  grep -A1 -E 'Skipped$' "$log" | sort -u | head -n 20
  keep_failures "$name" "$log"
  count "$name" "$ok" "$bad" "$skip"
}
meson_failures() {
  python3 - "$1/meson-logs/testlog.json" <<'PY'
import json, sys
try:
    results = [json.loads(line)["result"] for line in open(sys.argv[1])]
except OSError:
    results = ["no tests"]
print(sum(r not in ("OK", "SKIP", "EXPECTEDFAIL") for r in results) or (0 if results else 1))
PY
}

run_sanitized() {
  local build=$BUILD-sanitized
  heading "build with sanitizers"
  [ -e "$build/build.ninja" ] || meson setup "$build" -Dtests=enabled -Db_sanitize=address,undefined \
    -Db_lundef=false || { count sanitized 0 1 0; return; }
  # compiled in half the time; also a folder of an earlier version
  meson configure "$build" -Db_coverage=true -Doptimization=0 -Ddebug=false -Dcpp_args=-g1
  find "$build" -name '*.gcda' -delete
  # only the unit test programs: the image that enters containers is static, which sanitizers are not
  # shellcheck disable=SC2046 # names without spaces
  ninja -C "$build" $(unit_programs "$build") || { count sanitized 0 1 0; return; }
  ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 run_unit_programs sanitized "$build"
}

# g++ builds what ships; clang sees other faults, and who has it alone can build too. Ten minutes: only when asked for.
run_clang() {
  heading "build with clang"
  local build=$BUILD-clang
  [ -e "$build/build.ninja" ] || CC=clang CXX=clang++ meson setup "$build" -Dtests=enabled || { count clang 0 1 0; return; }
  ninja -C "$build" || { count clang 0 1 0; return; } # warnings are errors
  run_unit clang "$build"
}

# The lines of what decides (the specification, the plan, the command line) that the sanitized programs have run.
run_coverage() {
  heading "coverage"
  local build=$BUILD-sanitized part ok=0 bad=0
  for part in oci runtime/plan runtime/cli; do
    if gcovr --root "$top" --object-directory "$build" --filter "$part/" --fail-under-line 90 "$build/$part" >"$report/coverage.txt"
    then ok=$((ok + 1)); else bad=$((bad + 1)); fi
    sed -n "s|^TOTAL|$part|p" "$report/coverage.txt"
  done
  count coverage $ok $bad 0
}

unit_programs() { meson introspect "$1" --targets | python3 -c 'import json, sys
print(*(t["filename"][0].replace(sys.argv[1] + "/", "") for t in json.load(sys.stdin) if t["type"] == "executable" and "tests/unit" in t["defined_in"]))' "$1"; }
run_unit_programs() {
  local name=$1 build=$2 program ok=0 bad=0 skip=0 log
  for program in $(unit_programs "$build"); do
    log=$report/$name-$(basename "$program").log
    timeout 300 "$build/$program" </dev/null >"$log" 2>&1 || { [ "$(grep -c '^\[  FAILED  \] .*ms)$' "$log")" -gt 0 ] || bad=$((bad + 1)); tail -n 40 "$log"; }
    ok=$((ok + $(grep -c '^\[       OK \]' "$log")))
    bad=$((bad + $(grep -c '^\[  FAILED  \] .*ms)$' "$log")))
    skip=$((skip + $(grep -c '^\[  SKIPPED \] .*ms)$' "$log")))
    keep_failures "$name" "$log"
  done
  count "$name" "$ok" "$bad" "$skip"
}

every_verb_has_a_page() {
  local verb page
  for verb in $("$2" --help | sed -n '/not built yet/d; s/^  \([a-z]*\)  .*/\1/p'); do
    page=$(find "$1" -path "*/man8/agentsafe-$verb.8")
    [ -n "$page" ] && grep -q "^\.TH AGENTSAFE-${verb^^}" "$page" || { echo "no man page of $verb"; return 1; }
  done
}
completion_is_valid() {
  bash -n "$(find "$1" -path '*/bash-completion/completions/agentsafe.bash')" &&
    [ -s "$(find "$1" -name _agentsafe)" ] && [ -s "$(find "$1" -name agentsafe.fish)" ]
}
run_install() {
  heading "install"
  local dir check ok=0 bad=0
  dir=$(mktemp -d)
  if DESTDIR=$dir meson install -C "$BUILD" --no-rebuild >"$report/install.log" 2>&1 &&
    program=$(find "$dir" -type f -name agentsafe -perm /111 -path '*/bin/*' | head -n 1) && [ -n "$program" ] &&
    "$program" --version >/dev/null; then ok=$((ok + 1)); else tail "$report/install.log"; bad=$((bad + 1)); fi
  # no program that runs with more rights than its caller (bwrap CVE-2016-8659)
  if [ -z "$(find "$dir" -perm /6000)" ] && [ -z "$(getcap -r "$dir")" ]; then ok=$((ok + 1)); else bad=$((bad + 1)); fi
  for check in every_verb_has_a_page completion_is_valid; do
    if $check "$dir" "$program"; then ok=$((ok + 1)); else bad=$((bad + 1)); fi
  done
  rm -r "$dir"
  count install $ok $bad 0
}

# Built afresh, outside this tree: a quarter of an hour on two cores, so only when asked for.
run_package() {
  heading "package"
  local dir ok=0 bad=0 file
  dir=$(mktemp -d)
  if contrib/packaging/build.sh "$dir" >"$report/package.log" 2>&1; then ok=1; else bad=1; tail -n 20 "$report/package.log"; fi
  grep -E '^[EW]: ' "$report/package.log"
  dpkg-deb -x "$dir"/agentsafe_*.deb "$dir/root" || { count package $ok $((bad + 1)) 0; rm -r "$dir"; return; }
  for file in usr/bin/agentsafe usr/libexec/oci/hooks.d/agentsafe-egress usr/share/man/man8/agentsafe.8.gz usr/share/man/man8/agentsafe-run.8.gz \
    usr/share/bash-completion/completions/agentsafe.bash usr/share/zsh/vendor-completions/_agentsafe usr/share/fish/vendor_completions.d/agentsafe.fish \
    etc/apparmor.d/agentsafe-container usr/share/agentsafe/{docker/daemon.json,containerd/config-2.toml,podman/agentsafe.conf,kubernetes/daemonset.yaml,policies/coding-agent.json,seccomp/agent-default.json}; do
    if [ -s "$dir/root/$file" ]; then ok=$((ok + 1)); else bad=$((bad + 1)); echo "the package lacks /$file"; fi
  done
  # the engines' files name the program that the package has
  if ! grep -r /usr/local/bin "$dir/root/usr/share/agentsafe"/{docker,containerd}; then ok=$((ok + 1)); else bad=$((bad + 1)); fi
  # what ships is what is tested: optimized, and no larger than it may be
  if "$dir/root/usr/bin/agentsafe" --version >/dev/null && [ "$(stat -c %s "$dir/root/usr/bin/agentsafe")" -le 2621440 ]; then ok=$((ok + 1)); else bad=$((bad + 1)); fi
  if [ -z "$(find "$dir/root" -perm /6000)" ]; then ok=$((ok + 1)); else bad=$((bad + 1)); fi
  rm -r "$dir"
  count package $ok $bad 0
}

choose "$@"
prepare
wants layers && run_script layers tests/layers.py
wants unit && run_unit unit "$BUILD"
wants sanitized && run_sanitized
wants clang && run_clang
wants coverage && run_coverage
wants verbs && run_bats verbs tests/integration/{create,start,run,state,list,kill,delete,exec,ps,pause,update,spec,features}.bats
wants integration && run_bats integration tests/integration tests/vm/run.bats tests/suites.bats
wants cve && run_bats cve tests/cve
wants egress && run_script egress tini -s -- python3 tests/egress/run.py "$BUILD"
wants compat && run_script compat tini -s -- tests/compat/run.sh
wants install && run_install
wants package && run_package
wants docker && [ -x tests/docker/run.sh ] && run_script docker tini -s -- tests/docker/run.sh
wants cri && run_script cri tini -s -- tests/cri/run.sh
wants podman && run_script podman tini -s -- tests/podman/run.sh
wants bench && run_script budget tests/bench/budget.sh
wants bench && [ -x tests/bench/run.sh ] && run_script bench tini -s -- tests/bench/run.sh --quick
wants vm && run_script vm tests/vm/run.sh
wants vm-chosen && run_script vm tests/vm/run.sh chosen
wants vm-in-time && VM_LEFT=$((${CI_SECONDS:-3000} - SECONDS)) run_script vm tests/vm/run.sh chosen
[ ! -s "$report/failures.txt" ] || { heading "what failed"; cut -c 1-400 "$report/failures.txt" | head -n 200; }
heading "all"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
