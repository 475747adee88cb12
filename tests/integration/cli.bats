load helpers

@test "--version names the program, the commit, the spec and libseccomp" {
  is_crun && skip "crun prints another format"
  run_rt --version
  succeeded
  [[ ${lines[0]} =~ ^$(basename "$RUNTIME")\ version\ [0-9]+\.[0-9]+\.[0-9]+ ]]
  [[ ${lines[1]} =~ ^commit:\  ]]
  [[ ${lines[2]} =~ ^spec:\ 1\. ]]
  equal 1 "$(grep -c version <<<"$output")"
  run_rt -v
  succeeded
}

@test "a copy named runc says that it is runc" {
  is_agentsafe || skip "about agentsafe"
  ln -s "$RUNTIME" "$WORK/runc"
  run "$WORK/runc" --version
  [[ ${lines[0]} =~ ^runc\ version\  ]]
  run --separate-stderr "$WORK/runc" --root "$ROOT" delete missing
  complains 'runc delete failed: container does not exist'
}

@test "help is printed for the program and for every verb" {
  is_crun && skip "crun prints another format"
  local verb verbs="create start run state kill delete exec list ps pause resume update events spec"
  run_rt --help
  succeeded
  for verb in $verbs; do says "$verb"; done
  run_rt -h
  succeeded
  for verb in $verbs; do
    run_rt "$verb" --help
    succeeded
    says "$verb"
    is_agentsafe || continue
    run_rt "$verb" -h
    succeeded
  done
}

@test "an unknown verb, an unknown flag and a missing value are errors of one line" {
  is_agentsafe || skip "about agentsafe"
  run_rt frobnicate
  failed 1
  complains frobnicate
  run_rt state --frobnicate "$CID"
  failed 1
  run_rt create --bundle
  failed 1
  [[ $stderr == *"requires an argument"* || $stderr == *"flag needs an argument"* ]]
  run_rt --log
  failed 1
  equal 1 "${#stderr_lines[@]}"
}

@test "flags are not guessed from prefixes" {
  is_agentsafe || skip "about agentsafe"
  run_rt create --bund "$BUNDLE" "$CID"
  failed 1
}

@test "boolean flags take =true and =false" {
  is_crun && skip "not in crun"
  script true
  launch
  await_status stopped
  run_rt delete --force=false missing
  failed 1
  run_rt delete --force=true missing
  succeeded
}

@test "--debug and --systemd-cgroup=false are accepted" {
  is_crun && skip "not in crun"
  script 'echo hello'
  run --separate-stderr "$RUNTIME" --debug --systemd-cgroup=false --root "$ROOT" $RUNTIME_FLAGS run --bundle "$BUNDLE" "$CID" 3>&- 4>&-
  succeeded
  is hello
}

@test "--systemd-cgroup without systemd is refused in one line that says what to do" {
  is_agentsafe || skip "about agentsafe"
  [ ! -d /run/systemd/system ] || skip "systemd runs on this host"
  edit '.linux.cgroupsPath = "system.slice:agentsafe:x"'
  for flag in --systemd-cgroup --cgroup-manager=systemd; do
    run --separate-stderr "$RUNTIME" $flag --root "$ROOT" $RUNTIME_FLAGS run --bundle "$BUNDLE" "$CID" 3>&- 4>&-
    refuses_briefly
    complains "systemd does not run on this host"
    complains "use --cgroup-manager=cgroupfs"
  done
}

@test "a policy that is not oci is refused before anything happens" {
  is_agentsafe || skip "about agentsafe"
  run --separate-stderr "$RUNTIME" --root "$ROOT" --policy nonsense run --bundle "$BUNDLE" "$CID"
  failed 1
  complains nonsense
  no_leftovers
}

@test "--root refuses the empty path and /" {
  is_agentsafe || skip "about agentsafe"
  run "$RUNTIME" --root "" list
  failed 1
  run "$RUNTIME" --root / list
  failed 1
}

@test "--root is made with modes that keep others out" {
  is_agentsafe || skip "about agentsafe"
  create
  equal 711 "$(stat -c %a "$ROOT")"
  equal 711 "$(stat -c %a "$ROOT/$CID")"
  equal 600 "$(stat -c %a "$ROOT/$CID/state.json")"
}

@test "the environment of the caller is not needed" {
  script 'echo hello; env | grep -c CALLER'
  run --separate-stderr env -i CALLER=x "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS run --bundle "$BUNDLE" "$CID" 3>&- 4>&-
  is $'hello\n0'
}

@test "the runtime works from any working folder and through a symbolic link" {
  script 'echo hello'
  ln -s "$RUNTIME" "$WORK/linked"
  cd /
  run "$WORK/linked" --root "$ROOT" $RUNTIME_FLAGS run --bundle "$BUNDLE" "$CID" 3>&- 4>&-
  succeeded
  is hello
}

@test "the program is no setuid binary, has no file capabilities, and is small" {
  is_agentsafe || skip "about agentsafe"
  [ ! -u "$RUNTIME" ]
  [ ! -g "$RUNTIME" ]
  equal "" "$(getcap "$RUNTIME" 2>/dev/null || /sbin/getcap "$RUNTIME")"
  command -v strip >/dev/null || skip "the host has no strip"
  strip -o "$WORK/stripped" "$RUNTIME"
  (( $(stat -c %s "$WORK/stripped") <= 2621440 ))
}

@test "a set-uid copy of the program refuses to run for another user" {
  is_agentsafe || skip "about agentsafe"
  cp "$RUNTIME" "$WORK/agentsafe"
  chmod 4755 "$WORK/agentsafe"
  chmod 755 "$WORK"
  run --separate-stderr setpriv --reuid 1000 --regid 1000 --clear-groups "$WORK/agentsafe" --version
  refuses_briefly
  complains "must not be installed set-uid"
  chmod 755 "$WORK/agentsafe"
  run --separate-stderr setpriv --reuid 1000 --regid 1000 --clear-groups "$WORK/agentsafe" --version
  succeeded
}

@test "variables for the C library and the loader change nothing" {
  run --separate-stderr env GLIBCXX_TUNABLES=glibcxx.eh_pool.obj_size=x GLIBC_TUNABLES=glibc.malloc.check=9 LD_PRELOAD=/missing LD_DEBUG=all "$RUNTIME" --version
  succeeded
  equal "" "$stderr"
}

@test "the program is linked as the threat model demands" { # full RELRO, position independent, no executable stack
  is_agentsafe || skip "about agentsafe"
  command -v readelf >/dev/null || skip "the host has no readelf"
  readelf -hldW "$RUNTIME" >"$WORK/elf"
  grep -qE 'Type: +DYN' "$WORK/elf"
  grep -q GNU_RELRO "$WORK/elf"
  grep -qE 'FLAGS.*BIND_NOW|FLAGS_1.*NOW' "$WORK/elf"
  grep -qE 'GNU_STACK.* RW ' "$WORK/elf"
  not grep -qE '(LOAD|GNU_STACK).* RWE ' "$WORK/elf"
  not grep -q INTERP "$WORK/elf"
}

@test "root keeps its state in /run/agentsafe whatever the program is called, and a missing default root is empty" {
  is_agentsafe || skip "about agentsafe"
  cp "$RUNTIME" "$WORK/runc"
  run --separate-stderr unshare -m bash -c 'mount -t tmpfs none /run; "$0" list; "$0" --policy oci create --bundle "$1" "$2" </dev/null >"$3" 2>&1 || exit 9
    stat -c "%a %n" /run/agentsafe "/run/agentsafe/$2"; "$0" delete --force "$2"' "$WORK/runc" "$BUNDLE" "$CID" "$WORK/out" 3>&- 4>&-
  succeeded
  equal "711 /run/agentsafe" "${lines[1]}"
  equal "711 /run/agentsafe/$CID" "${lines[2]}"
}

@test "--rootless takes true, false and auto only" {
  is_crun && skip "not in crun"
  mkdir -p "$ROOT"
  local word
  for word in true false auto; do run_rt --rootless=$word list; succeeded; done
  is_agentsafe || return 0
  run_rt --rootless=perhaps list
  refuses_briefly
}

@test "short flags mean what the long ones do" {
  is_agentsafe || skip "about agentsafe"
  edit '.process.capabilities.bounding += ["CAP_SYS_TIME"]'
  cp "$CONFIG" "$WORK/other.json"
  echo '{}' >"$CONFIG"
  rt run -d -b "$BUNDLE" -f "$WORK/other.json" "$CID" </dev/null >"$WORK/out" 2>&1
  equal running "$(status)"
  equal "$CID" "$(rt list -q)"
  equal "$CID" "$(rt list -f json | jq -r '.[].id')"
  run_rt exec -u 1000:1001 -g 7 -g 8 -e A=1 -e B=2 "$CID" sh -c 'id -u; id -g; grep ^Groups /proc/self/status; echo $A$B'
  succeeded
  is $'1000\n1001\nGroups:\t7 8 \n12'
  run_rt exec -c CAP_SYS_TIME "$CID" grep CapBnd /proc/self/status
  succeeded
  equal 1 "$(rt ps -f json "$CID" | jq length)"
  rt delete -f "$CID"
  no_leftovers
}
