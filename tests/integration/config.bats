load helpers

refused() { # what: shown when it was accepted
  run_bundle
  refuses_briefly || { echo "with: $1"; return 1; }
}

@test "malformed JSON is refused with line and column, and nothing is left" {
  local text
  for text in '' '{' '{"ociVersion": "1.0.2",}' '[]' '"text"' 'null' '{"ociVersion": "1.0.2"} trailing' '{"a": 1 "b": 2}' $'{"a": "\x01"}' \
    '{"a": "\ud800"}' $'{"a": "\xff\xfe"}' '{"process": {"args": ["a", ]}}' '{"a": 01}' '{"a": +1}' '{"a": .5}' "{'a': 1}" '{"a": NaN}'; do
    printf '%s' "$text" >"$CONFIG"
    run_bundle
    failed 1 || { echo "with: $text"; return 1; }
    no_leftovers
    if is_agentsafe; then refuses_briefly; fi
  done
  is_agentsafe || return 0
  printf '{\n  "ociVersion": "1.0.2",\n  "process": {,\n}' >"$CONFIG"
  run_bundle
  [[ $stderr == *"line 3"* || $stderr == *":3:"* ]]
}

@test "deep nesting is refused without a crash" {
  "$PYTHON" -c 'print("{\"annotations\": " + "[" * 200000 + "]" * 200000 + "}")' >"$CONFIG"
  run_bundle
  failed 1
  "$PYTHON" -c 'print("{\"a\":" * 100000 + "1" + "}" * 100000)' >"$CONFIG"
  run_bundle
  failed 1
}

@test "a huge config is refused" {
  is_agentsafe || skip "about agentsafe"
  "$PYTHON" -c 'print("{\"annotations\": {\"a\": \"" + "x" * 20000000 + "\"}}")' >"$CONFIG"
  refused huge
}

@test "a missing config, a folder and a fifo in its place are refused" {
  rm "$CONFIG"
  run_bundle
  failed 1
  mkdir "$CONFIG"
  run_bundle
  refuses_briefly
  rmdir "$CONFIG"
  is_agentsafe || return 0
  mkfifo "$CONFIG"
  refused fifo
}

@test "wrong types are refused with their path" {
  is_agentsafe || skip "about agentsafe"
  local row
  for row in '.process.cwd = 1|process' '.process.args = "sh"|args' '.process.args = [1]|args' '.root = []|root' '.mounts = {}|mounts' '.linux.namespaces = [1]|namespaces' \
    '.process.user.uid = "0"|uid' '.process.rlimits[0].soft = "x"|rlimits' '.hooks = {createRuntime: {}}|createRuntime' '.process.terminal = "yes"|terminal' \
    '.linux.resources.memory = {limit: 1.5}|memory' '.process.oomScoreAdj = 99999999999|oomScoreAdj' '.linux.devices = [{path: 1}]|devices'; do
    cp "$CONFIG" "$WORK/saved"
    edit "${row%|*}"
    run_bundle
    cp "$WORK/saved" "$CONFIG"
    refuses_briefly || { echo "with $row"; return 1; }
    complains "${row##*|}"
  done
}

@test "required members that are missing are named" {
  is_agentsafe || skip "about agentsafe"
  local path
  for path in .ociVersion .root .process.cwd .process.args; do
    cp "$CONFIG" "$WORK/saved"
    edit "del($path)"
    run_bundle
    cp "$WORK/saved" "$CONFIG"
    failed 1 || { echo "without $path"; return 1; }
    complains "${path##*.}"
  done
}

@test "several violations are all reported at once" {
  is_agentsafe || skip "about agentsafe"
  edit '.process.cwd = "relative" | .process.rlimits = [{type: "RLIMIT_NOSUCH", soft: 1, hard: 1}] | .linux.namespaces += [{type: "pid"}]'
  run_bundle
  refuses_briefly
  complains cwd
  complains rlimits
  complains namespaces
}

@test "an ociVersion that is not 1.x is refused" {
  is_agentsafe || skip "others do not look"
  local version
  for version in '"2.0.0"' '"0.1.0"' '"text"' '""' '1'; do
    edit ".ociVersion = $version"
    run_bundle
    failed 1 || { echo "accepted $version"; return 1; }
  done
  edit '.ociVersion = "1.3.0" | .process.args = ["true"]'
  run_bundle
  succeeded
}

@test "unknown members are passed over" {
  edit '.unknown = {a: [1, 2]} | .process.unknown = "x" | .linux.unknown = 5 | .process.args = ["echo", "ran"]'
  run_bundle
  succeeded
  is ran
}

@test "an embedded NUL is refused wherever a path or a word is expected" {
  is_agentsafe || skip "about agentsafe"
  local filter
  for filter in '.process.args = ["true", "a\u0000b"]' '.process.cwd = "/a\u0000b"' '.root.path = "rootfs\u0000"' '.hostname = "a\u0000b"' \
    '.mounts[0].destination = "/proc\u0000x"' '.linux.maskedPaths = ["/a\u0000b"]' '.linux.cgroupsPath = "/a\u0000b"'; do
    cp "$CONFIG" "$WORK/saved"
    edit "$filter"
    run_bundle
    cp "$WORK/saved" "$CONFIG"
    refuses_briefly || { echo "with $filter"; return 1; }
  done
}

@test "duplicate keys in what protects are refused" {
  is_agentsafe || skip "about agentsafe"
  sed -i 's/"noNewPrivileges": true/"noNewPrivileges": true, "noNewPrivileges": false/' "$CONFIG"
  refused "duplicate noNewPrivileges"
}

@test "a long environment and many arguments are passed on" {
  edit '.process.env += [range(2000) | "VARIABLE_\(.)=\("x" * 100)"] | .process.args = (["sh", "-c", "env | grep -c VARIABLE_; echo $#"] + ["-"] + [range(2000) | "argument \(.)"])'
  run_bundle
  succeeded
  is $'2000\n2000'
}

@test "annotations do not change what runs" {
  edit '.annotations = {"run.oci.handler": "krun", "module.wasm.image/variant": "compat", "org.example": "x"} | .process.args = ["echo", "ran"]'
  run_bundle
  is_crun || { succeeded; is ran; }
}

@test "an AppArmor profile confines the container and its execs, and one that is not loaded is an error" {
  [ -d /sys/kernel/security/apparmor ] || skip "the host has no AppArmor"
  command -v apparmor_parser >/dev/null || skip "the host has no apparmor_parser"
  printf 'profile %s flags=(attach_disconnected,mediate_deleted) { file, network, capability, signal, ptrace, deny /tmp/secret r, }\n' "$CID" >"$WORK/profile"
  apparmor_parser -r "$WORK/profile"
  echo secret >"$ROOTFS/tmp/secret"
  chmod 644 "$ROOTFS/tmp/secret"
  edit '.process.apparmorProfile = $p' --arg p "$CID"
  launch
  equal "$CID (enforce)" "$(tr -d '\0' <"/proc/$(pid_of)/attr/apparmor/current")"
  in_container cat /tmp/secret
  failed 1
  rt delete --force "$CID"
  apparmor_parser -R "$WORK/profile"
  run_bundle
  failed 1
  is_agentsafe || return 0
  refuses_briefly
  complains "write \`/proc/self/attr/apparmor/exec\`" # as podman wants it
}

@test "AppArmor and SELinux labels are an error where the LSM is absent" {
  is_agentsafe || skip "about agentsafe"
  [ ! -d /sys/kernel/security/apparmor ] || skip "the host has AppArmor"
  edit '.process.apparmorProfile = "no-such-profile"'
  refused apparmor
  [ ! -d /sys/fs/selinux/booleans ] || skip "the host has SELinux"
  edit 'del(.process.apparmorProfile) | .process.selinuxLabel = "system_u:system_r:container_t:s0"'
  refused selinux
}

@test "configs for other systems are refused" {
  is_agentsafe || skip "about agentsafe"
  edit 'del(.linux) | .windows = {layerFolders: []} | del(.hostname)'
  run_bundle
  failed
  complains "linux: is missing"
}
