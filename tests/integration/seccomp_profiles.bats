# agentsafe seccomp: looks into profiles. Compared with an evaluator that shares nothing with ours (seccomp_reference.py).

load helpers

setup() {
  is_agentsafe || skip "a verb of agentsafe"
  setup_bundle
}
look() { run_rt seccomp "$@"; }
PROFILES=$TOP/seccomp-profiles
# compared ARCHITECTURE: all profiles, numbers 0 to 600, 21 sets of arguments
compared() {
  local profile
  for profile in "$PROFILES"/*.json; do
    output=$("$PYTHON" "$TOOLS/seccomp_reference.py" "$RUNTIME" "$(basename "$profile" .json)" "$1" 2>&1) || { echo "$output" >&2; return 1; }
    is "12621 calls compared"
  done
}

@test "seccomp list names every file of seccomp-profiles" {
  look list
  succeeded
  local file
  for file in "$PROFILES"/*.json; do says "$(basename "$file" .json)"; done
  look --json list
  succeeded
  equal "$(ls "$PROFILES"/*.json | wc -l)" "$(jq length <<<"$output")"
  equal true "$(jq 'all(.instructions > 100 and .instructions <= 4096)' <<<"$output")"
}

@test "seccomp test agrees with an independent evaluator on every number of x86_64" { compared x86_64; }
@test "seccomp test agrees with an independent evaluator on every number of i386" { compared x86; }
@test "seccomp test agrees with an independent evaluator on every number of x32" { compared x32; }
@test "seccomp test agrees with an independent evaluator on every number of aarch64" { compared aarch64; }

@test "seccomp test compares the 32 bits that the kernel reads" {
  look test agent-default socket 40 1
  says "refused with EPERM"
  look test agent-default socket 0x100000028 1
  says "refused with EPERM"
  look test agent-default socket 2 1
  says "allowed"
  look test agent-default socket 0x700000002 1
  says "allowed"
  look test agent-default -- ioctl -1 0x7fffffff00005412
  says "refused with EPERM"
}

@test "seccomp test names the rule, and says when none speaks" {
  look --json test agent-default clone3
  equal '"SCMP_ACT_ERRNO" 38 true' "$(jq -r '"\(.action|@json) \(.errno) \(.why|length > 10)"' <<<"$output")"
  look test agent-default 511
  says "no rule is about it"
  look --arch x86 test agent-default 4
  says "the end of the process"
  says "does not list this architecture"
}

@test "seccomp show prints an object that a container takes" {
  look --json show agent-offline
  succeeded
  local rules=$output
  edit '.linux.seccomp = ($rules | fromjson)' --arg rules "$rules"
  command_is probe syscall 39
  run_bundle
  succeeded
  command_is probe syscall 165
  run_bundle
  is "ret=-1 errno=1"
}

@test "seccomp takes a file that extends a built-in profile" {
  echo '{"extends":"agent-default","defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,"flags":[],"syscalls":[{"names":["getpid"],"action":"SCMP_ACT_ERRNO","errnoRet":5}]}' >"$WORK/profile.json"
  look test "$WORK/profile.json" getpid
  says "refused with EIO"
  look test "$WORK/profile.json" read
  says "allowed"
}

@test "seccomp refuses what it does not know in one line" {
  local words
  for words in "" "nothing" "list more" "show" "show none" "test agent-default" "test agent-default no_such_call" \
    "test agent-default 9-1" "test agent-default 0-99999" "test agent-default read x" \
    "--arch z list" "test agent-default 99999999999999999999"; do
    # shellcheck disable=SC2086 # words
    look $words
    refuses_briefly
  done
  echo '{"extends":"none","defaultAction":"SCMP_ACT_ERRNO"}' >"$WORK/profile.json"
  look show "$WORK/profile.json"
  complains "it extends"
  echo '{"defaultAction":"SCMP_ACT_MAYBE"}' >"$WORK/profile.json"
  look show --bpf "$WORK/profile.json"
  refuses_briefly
  complains "SCMP_ACT_MAYBE"
  mkfifo "$WORK/fifo"
  look show "$WORK/fifo"
  refuses_briefly
}
