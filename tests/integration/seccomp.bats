load helpers

NATIVE=SCMP_ARCH_$(uname -m | tr '[:lower:]' '[:upper:]')
# filter DEFAULT-ACTION RULES [FURTHER MEMBERS]: a seccomp object over the native architecture
filter() {
  edit '.linux.seccomp = ({defaultAction: $default, architectures: [$arch], syscalls: '"$2"'} + '"${3:-{\}}"')' --arg default "$1" --arg arch "$NATIVE"
}
personality_filter() { filter SCMP_ACT_ALLOW "[{names: [\"personality\"]} + $1]"; }

@test "errno refuses with EPERM or with errnoRet" {
  command_is probe personality
  personality_filter '{action: "SCMP_ACT_ERRNO"}'
  run_bundle
  is "ret=-1 errno=1"
  personality_filter '{action: "SCMP_ACT_ERRNO", errnoRet: 100}'
  run_bundle
  is "ret=-1 errno=100"
}

@test "kill, kill process and kill thread end the command with SIGSYS" {
  command_is probe personality
  local action
  for action in SCMP_ACT_KILL SCMP_ACT_KILL_PROCESS SCMP_ACT_KILL_THREAD; do
    personality_filter "{action: \"$action\"}"
    run_bundle
    failed 159
  done
}

@test "trap sends SIGSYS" {
  command_is probe personality
  personality_filter '{action: "SCMP_ACT_TRAP"}'
  run_bundle
  failed 159
}

@test "log and allow let the call through" {
  command_is probe personality
  personality_filter '{action: "SCMP_ACT_LOG"}'
  run_bundle
  is "ret=0 errno=0"
  personality_filter '{action: "SCMP_ACT_ALLOW"}'
  run_bundle
  is_runc || is "ret=0 errno=0"
}

@test "trace without a tracer answers ENOSYS" {
  command_is probe personality
  personality_filter '{action: "SCMP_ACT_TRACE"}'
  run_bundle
  is "ret=-1 errno=38"
}

@test "a default action refuses what no rule allows" {
  command_is probe syscall 39
  filter SCMP_ACT_ALLOW '[{names: ["getpid"], action: "SCMP_ACT_ERRNO", errnoRet: 5}]'
  run_bundle
  is "ret=-1 errno=5"
}

@test "defaultErrnoRet is used, and syscalls newer than the profile answer ENOSYS" {
  require_x86_64
  is_runc && skip "runc needs more system calls than these itself"
  local all='["prctl","sendmsg","sendto","close_range","fstatfs","getcwd","read","write","open","openat","close","fstat","newfstatat","mmap","mprotect","munmap","brk","rt_sigaction","rt_sigprocmask","ioctl","access","execve","exit","exit_group","arch_prctl","set_tid_address","set_robust_list","rseq","prlimit64","readlink","getrandom","futex","fcntl","dup2","pread64","uname","gettid","getpid","tgkill"]'
  filter SCMP_ACT_ERRNO "[{names: $all, action: \"SCMP_ACT_ALLOW\"}]" '{defaultErrnoRet: 77}'
  command_is probe personality
  run_bundle
  is "ret=-1 errno=77"
  is_crun && skip "crun has no ENOSYS rule"
  # 436 is close_range, the newest of the list
  command_is probe syscall 600
  run_bundle
  is "ret=-1 errno=38"
  command_is probe syscall 437
  run_bundle
  is "ret=-1 errno=38"
  command_is probe syscall 424
  run_bundle
  is "ret=-1 errno=77"
}
require_x86_64() { [ "$(uname -m)" = x86_64 ] || skip "needs x86_64"; }

@test "every operator compares as it says" {
  require_x86_64
  local row op value hit miss two
  # personality(x) with bits that the kernel ignores or accepts: only whether the filter answers counts
  for row in 'SCMP_CMP_EQ 7 0 7 8' 'SCMP_CMP_NE 7 0 8 7' 'SCMP_CMP_LT 7 0 6 7' 'SCMP_CMP_LE 7 0 7 8' 'SCMP_CMP_GT 7 0 8 7' \
    'SCMP_CMP_GE 7 0 7 6' 'SCMP_CMP_MASKED_EQ 6 4 5 2'; do
    read -r op value two hit miss <<<"$row"
    # lseek(fd 99, offset, whence): EBADF is 9 when it gets through
    filter SCMP_ACT_ALLOW "[{names: [\"lseek\"], action: \"SCMP_ACT_ERRNO\", errnoRet: 55, args: [{index: 1, value: $value, valueTwo: $two, op: \"$op\"}]}]"
    command_is probe syscall 8 99 "$hit" 0
    run_bundle
    is "ret=-1 errno=55" || { echo "$row hit"; return 1; }
    command_is probe syscall 8 99 "$miss" 0
    run_bundle
    is "ret=-1 errno=9" || { echo "$row miss"; return 1; }
  done
}

@test "several conditions of one rule must all hold" {
  require_x86_64
  filter SCMP_ACT_ALLOW '[{names: ["lseek"], action: "SCMP_ACT_ERRNO", errnoRet: 55, args: [{index: 1, value: 5, op: "SCMP_CMP_EQ"}, {index: 2, value: 1, op: "SCMP_CMP_EQ"}]}]'
  command_is probe syscall 8 99 5 1
  run_bundle
  is "ret=-1 errno=55"
  command_is probe syscall 8 99 5 0
  run_bundle
  is "ret=-1 errno=9"
}

@test "a 32-bit argument is compared with 32 bits" {
  is_agentsafe || skip "others compare 64"
  require_x86_64
  # socket(AF_VSOCK = 40) refused: the upper half of the register must not matter
  filter SCMP_ACT_ALLOW '[{names: ["socket"], action: "SCMP_ACT_ERRNO", errnoRet: 55, args: [{index: 0, value: 40, op: "SCMP_CMP_EQ"}]}]'
  command_is probe syscall 41 40 1 0
  run_bundle
  is "ret=-1 errno=55"
  command_is probe syscall 41 $(( (7 << 32) | 40 )) 1 0
  run_bundle
  is "ret=-1 errno=55"
}

@test "unknown syscall names are passed over, unknown actions, operators and architectures refused" {
  command_is true
  filter SCMP_ACT_ALLOW '[{names: ["no_such_syscall", "personality"], action: "SCMP_ACT_ERRNO"}]'
  run_bundle
  succeeded
  filter SCMP_ACT_NOSUCH '[]'
  run_bundle
  failed 1
  filter SCMP_ACT_ALLOW '[{names: ["personality"], action: "SCMP_ACT_NOSUCH"}]'
  run_bundle
  failed 1
  filter SCMP_ACT_ALLOW '[{names: ["lseek"], action: "SCMP_ACT_ERRNO", args: [{index: 1, value: 5, op: "SCMP_CMP_NOSUCH"}]}]'
  run_bundle
  failed 1
  filter SCMP_ACT_ALLOW '[]' '{architectures: ["SCMP_ARCH_NOSUCH"]}'
  run_bundle
  failed 1
}

@test "flags are accepted when they are known" {
  command_is true
  filter SCMP_ACT_ALLOW '[{names: ["personality"], action: "SCMP_ACT_ERRNO"}]' '{flags: ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]}'
  run_bundle
  is_runc || succeeded
  is_crun && return 0
  filter SCMP_ACT_ALLOW '[{names: ["personality"], action: "SCMP_ACT_ERRNO"}]' '{flags: ["SECCOMP_FILTER_FLAG_TSYNC"]}'
  run_bundle
  is_runc || succeeded
  filter SCMP_ACT_ALLOW '[]' '{flags: ["SECCOMP_FILTER_FLAG_NOSUCH"]}'
  run_bundle
  failed 1
}

@test "the filter works with and without no_new_privs" {
  local nnp
  for nnp in true false; do
    personality_filter '{action: "SCMP_ACT_ERRNO", errnoRet: 44}'
    edit '.process.noNewPrivileges = $n | .process.user = {uid: 1000, gid: 1000}' --argjson n $nnp
    command_is probe personality
    run_bundle
    is "ret=-1 errno=44"
  done
}

@test "a filter that refuses the newer calls lets a command, its hooks and exec start" {
  local nnp
  for nnp in true false; do
    script 'cat /tmp/hook; probe fds' '.process.noNewPrivileges = $nnp
      | .hooks.startContainer = [{path: "/bin/sh", args: ["sh", "-c", "echo hooked >/tmp/hook"]}]
      | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{action: "SCMP_ACT_ERRNO",
          names: ["faccessat2", "close_range", "clone3", "openat2", "pidfd_open", "pidfd_getfd", "sendmsg"]}]}' \
      --argjson nnp "$nnp"
    run_bundle
    succeeded
    equal hooked "${lines[0]}"
    equal 4 "${#lines[@]}"
    script 'sleep 1000'
    launch
    in_container busybox true
    succeeded
    rt delete --force "$CID"
  done
}

@test "exec runs under the container's filter" {
  personality_filter '{action: "SCMP_ACT_ERRNO", errnoRet: 44}'
  edit '.process.args = ["sleep", "1000"]'
  launch
  in_container probe personality
  is "ret=-1 errno=44"
  equal "$(grep ^Seccomp: "/proc/$(pid_of)/status")" $'Seccomp:\t2'
}

@test "the 32-bit entry is closed when its architecture is not named, and filtered when it is" {
  require_x86_64
  "$PROBE" int80 20 >/dev/null || skip "this kernel has no 32-bit entry (IA-32 emulation is off)"
  command_is probe int80 20
  filter SCMP_ACT_ALLOW '[{names: ["personality"], action: "SCMP_ACT_ERRNO"}]'
  run_bundle
  failed 159 || [ "$status" -ne 0 ]
  filter SCMP_ACT_ALLOW '[{names: ["getpid"], action: "SCMP_ACT_ERRNO", errnoRet: 33}]' '{architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]}'
  run_bundle
  is "ret=-1 errno=33"
}

@test "a listener gets the state, the metadata and the notification descriptor" {
  require_kernel 5.9
  background agent "$PYTHON" "$TOOLS/seccompagent.py" "$WORK/agent.sock" --answer 42
  await_line listening "$WORK/agent"
  command_is probe personality
  personality_filter '{action: "SCMP_ACT_NOTIFY"}'
  edit '.linux.seccomp += {listenerPath: $l, listenerMetadata: "the metadata"}' --arg l "$WORK/agent.sock"
  run_bundle
  succeeded
  is "ret=-1 errno=42"
  await_line "^fds=1$" "$WORK/agent"
  await_line "^notified nr=135$" "$WORK/agent"
  local state
  state=$(sed -n 's/^state=//p' "$WORK/agent")
  equal "the metadata" "$(jq -r .metadata <<<"$state")"
  equal "$CID" "$(jq -r .state.id <<<"$state")"
  equal "$BUNDLE" "$(jq -r .state.bundle <<<"$state")"
  equal '["seccompFd"]' "$(jq -c .fds <<<"$state")"
  equal number "$(jq -r '.pid | type' <<<"$state")"
}

@test "a listener may let calls go on, and hears of exec too" {
  is_agentsafe || is_runc || skip "runc's behaviour"
  require_kernel 5.9
  background agent "$PYTHON" "$TOOLS/seccompagent.py" "$WORK/agent.sock" --count 2
  await_line listening "$WORK/agent"
  personality_filter '{action: "SCMP_ACT_NOTIFY"}'
  edit '.linux.seccomp.listenerPath = $l | .process.args = ["sleep", "1000"]' --arg l "$WORK/agent.sock"
  launch
  in_container probe personality
  succeeded
  is "ret=0 errno=0"
}

@test "notify without a listener, and a listener that is not there, are refused" {
  personality_filter '{action: "SCMP_ACT_NOTIFY"}'
  run_bundle
  failed 1
  edit '.linux.seccomp.listenerPath = "/no/such/socket"'
  run_bundle
  failed 1
  no_leftovers
}

@test "notify on write is refused" {
  is_agentsafe || is_runc || skip "runc's behaviour"
  filter SCMP_ACT_ALLOW '[{names: ["write"], action: "SCMP_ACT_NOTIFY"}]' '{listenerPath: "/tmp/x"}'
  run_bundle
  failed 1
}

@test "the same filter twice comes from the cache and works, a damaged cache is not believed" {
  is_agentsafe || skip "agentsafe's cache"
  command_is probe personality
  personality_filter '{action: "SCMP_ACT_ERRNO", errnoRet: 44}'
  run_bundle
  run_bundle
  is "ret=-1 errno=44"
  local file found=0
  for file in "$ROOT"/.agentsafe-seccomp/*; do
    [ -f "$file" ] || continue
    found=1
    equal 600 "$(stat -c %a "$file")"
    head -c "$(stat -c %s "$file")" /dev/zero >"$WORK/zeros"
    cat "$WORK/zeros" >"$file"
  done
  equal 1 $found
  equal 700 "$(stat -c %a "$ROOT/.agentsafe-seccomp")"
  run_bundle
  is "ret=-1 errno=44"
}
