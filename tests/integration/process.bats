load helpers

inside() { script "$@"; run_bundle; succeeded; }

@test "args are passed on byte for byte" {
  command_is printf '[%s]\n' 'a b' '' '$HOME' "it's" $'tab\there' '--'
  run_bundle
  succeeded
  is $'[a b]\n[]\n[$HOME]\n[it\'s]\n[tab\there]\n[--]'
}

@test "the command is looked up in the PATH of process.env" {
  mkdir -p "$ROOTFS/special"
  ln -s ../bin/busybox "$ROOTFS/special/hostid-renamed"
  printf '#!/bin/sh\necho found\n' >"$ROOTFS/special/mine"
  chmod +x "$ROOTFS/special/mine"
  command_is mine
  edit '.process.env = ["PATH=/nowhere:/special:/bin", "AGENTSAFE_TEST=x"]'
  run_bundle
  succeeded
  is found
}

@test "a file without the execute bit is passed over in PATH" {
  mkdir -p "$ROOTFS/one" "$ROOTFS/two"
  printf 'text' >"$ROOTFS/one/mine"
  printf '#!/bin/sh\necho two\n' >"$ROOTFS/two/mine"
  chmod +x "$ROOTFS/two/mine"
  command_is mine
  edit '.process.env = ["PATH=/one:/two:/bin"]'
  run_bundle
  succeeded
  is two
}

@test "env is what config.json says and nothing else" {
  command_is env
  edit '.process.env = ["PATH=/bin", "A=1", "B=x=y", "EMPTY=", "HOME=/tmp"]'
  SECRET=leak run_bundle
  succeeded
  is $'PATH=/bin\nA=1\nB=x=y\nEMPTY=\nHOME=/tmp'
}

@test "a variable that is set twice has its last value" {
  command_is env
  edit '.process.env = ["PATH=/bin", "A=1", "HOME=/", "A=2"]'
  run_bundle
  succeeded
  equal 1 "$(grep -c ^A= <<<"$output")"
  says A=2
}

@test "HOME comes from the container's passwd when it is not set" {
  is_crun && skip "crun 1.8.1 leaves it alone"
  inside 'echo $HOME'
  is /root
  inside 'echo $HOME' '.process.user = {uid: 1000, gid: 1000}'
  is /home/user
  inside 'echo $HOME' '.process.user = {uid: 4321, gid: 1000}'
  is /
}

@test "HOME is / when passwd is masked" {
  is_agentsafe || is_runc || skip "as runc"
  edit '.linux.maskedPaths += ["/etc/passwd"]'
  script 'echo $HOME'
  run_bundle
  is /
}

@test "a malformed variable is refused" {
  is_agentsafe || skip "others pass it on"
  edit '.process.env += ["NOEQUALS"]'
  run_bundle
  refuses_briefly
  edit '.process.env[-1] = "=value"'
  run_bundle
  refuses_briefly
  edit '.process.env[-1] = "A=b\u0000c"'
  run_bundle
  refuses_briefly
}

@test "cwd is made when it is missing, and must be absolute" {
  inside 'pwd' '.process.cwd = "/made/for/me"'
  is /made/for/me
  edit '.process.cwd = "relative"'
  run_bundle
  failed 1
}

@test "cwd that only the user may enter works" {
  mkdir "$ROOTFS/private"
  chown 1000 "$ROOTFS/private"
  chmod 0700 "$ROOTFS/private"
  inside 'pwd; id -u' '.process.cwd = "/private" | .process.user = {uid: 1000, gid: 1000} | .process.capabilities = {}'
  is $'/private\n1000'
}

@test "cwd that is a file is refused" {
  edit '.process.cwd = "/etc/passwd"'
  run_bundle
  failed 1
}

@test "user, group and additional groups are exactly those of config.json" {
  inside 'id -u; id -g; grep ^Groups: /proc/self/status' '.process.user = {uid: 1000, gid: 1001, additionalGids: [5, 2000]}'
  is $'1000\n1001\nGroups:\t5 2000 ' || is $'1000\n1001\nGroups:\t5 1001 2000 '
  inside 'grep ^Groups: /proc/self/status' '.process.user = {uid: 1000, gid: 1001}'
  is $'Groups:\t' || is $'Groups:\t ' || is $'Groups:\t1001 '
}

@test "a uid beyond 32 bits is refused" {
  local uid
  for uid in 4294967295 4294967296 -1 18446744073709551615 1.5; do
    jq . "$CONFIG" >/dev/null
    sed -E "s/\"uid\": [^,]*,/\"uid\": $uid,/" "$CONFIG" >"$CONFIG.new"
    cp "$CONFIG.new" "$CONFIG"
    run_bundle
    [ "$status" -ne 0 ] || is_runc || is_crun || { echo "accepted $uid"; return 1; }
    is_agentsafe || break
  done
}

@test "umask is 0022 unless it is set" {
  inside umask
  is 0022
  is_runc && skip "runc 1.1.5 has no umask"
  inside 'umask; touch /tmp/f; stat -c %a /tmp/f' '.process.user.umask = 63'
  is $'0077\n600'
}

@test "rlimits are set" {
  inside 'ulimit -Sn; ulimit -Hn; ulimit -Sc; ulimit -Hc' \
    '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 111, hard: 222}, {type: "RLIMIT_CORE", soft: 0, hard: 0}]'
  is $'111\n222\n0\n0'
}

@test "an unlimited rlimit may be written as 18446744073709551615" {
  sed -i 's/"type": "RLIMIT_NOFILE",/"type": "RLIMIT_FSIZE",/; s/"hard": 1024/"hard": 18446744073709551615/' "$CONFIG"
  command_is sh -c 'ulimit -Hf'
  # jq 1.6 rounds big numbers: the text is put back
  sed -i 's/18446744073709552000/18446744073709551615/' "$CONFIG"
  run_bundle
  succeeded
  is unlimited
}

@test "a raised rlimit is set where the host may" {
  require_sys_resource
  inside 'ulimit -Hn' '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 1000, hard: 1048000}]'
  is 1048000
}

@test "an rlimit named twice, or unknown, or with soft above hard is refused" {
  edit '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 1, hard: 2}, {type: "RLIMIT_NOFILE", soft: 1, hard: 2}]'
  run_bundle
  is_runc || is_crun || failed 1
  edit '.process.rlimits = [{type: "RLIMIT_NOSUCH", soft: 1, hard: 2}]'
  run_bundle
  failed 1
  edit '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 300, hard: 200}]'
  run_bundle
  failed 1
}

@test "oomScoreAdj is written, and left alone when it is not set" {
  inside 'cat /proc/self/oom_score_adj' '.process.oomScoreAdj = 321'
  is 321
  inside 'cat /proc/self/oom_score_adj' 'del(.process.oomScoreAdj)'
  is "$(cat /proc/self/oom_score_adj)"
}

@test "a lower oomScoreAdj is written where the host may" {
  require_sys_resource
  inside 'cat /proc/self/oom_score_adj' '.process.oomScoreAdj = -500'
  is -500
}

@test "noNewPrivileges is set or not as config.json says" {
  inside 'grep NoNewPrivs /proc/self/status'
  is $'NoNewPrivs:\t1'
  inside 'grep NoNewPrivs /proc/self/status' '.process.noNewPrivileges = false'
  is $'NoNewPrivs:\t0'
}

@test "personality LINUX32 changes what uname says" {
  require_x86_64
  is_runc && skip "runc 1.1.5 has no personality"
  inside 'uname -m' '.linux.personality = {domain: "LINUX32"}'
  [[ $output =~ ^i.86$ ]]
  inside 'uname -m' '.linux.personality = {domain: "LINUX"}'
  is x86_64
  edit '.linux.personality = {domain: "SOLARIS"}'
  run_bundle
  failed 1
}
require_x86_64() { [ "$(uname -m)" = x86_64 ] || skip "needs x86_64"; }

@test "scheduler policies and their values are set" {
  is_runc && skip "runc 1.1.5 has no scheduler"
  is_crun && skip "crun 1.8.1 has no scheduler"
  command_is probe sched
  edit '.process.scheduler = {policy: "SCHED_BATCH", nice: 5}'
  run_bundle
  succeeded
  says "policy=3 flags=0 nice=5"
  edit '.process.scheduler = {policy: "SCHED_IDLE"}'
  run_bundle
  succeeded
  says "policy=5"
  edit '.process.scheduler = {policy: "SCHED_OTHER", nice: 19, flags: ["SCHED_FLAG_RESET_ON_FORK"]}'
  run_bundle
  succeeded
  says "policy=0 flags=1 nice=19"
}

@test "real time scheduling is set where the host may" {
  is_agentsafe || skip "too old"
  [ "$(cat /proc/sys/kernel/sched_rt_runtime_us 2>/dev/null)" != 0 ] || skip "the host gives no real time"
  chrt -f 10 true 2>/dev/null || skip "the host gives no real time"
  command_is probe sched
  edit '.process.scheduler = {policy: "SCHED_FIFO", priority: 10}'
  # where groups have a share of real time, a new one has none
  [ ! -e /sys/fs/cgroup/cpu/cpu.rt_runtime_us ] || edit '.linux.resources.cpu = {realtimePeriod: 1000000, realtimeRuntime: 10000}'
  run_bundle
  succeeded
  says "policy=1"
  says "priority=10"
}

@test "contradicting scheduler values are refused" {
  is_agentsafe || skip "too old"
  local scheduler
  for scheduler in '{policy: "SCHED_NOSUCH"}' '{policy: "SCHED_OTHER", nice: 20}' '{policy: "SCHED_OTHER", nice: -21}' \
    '{policy: "SCHED_OTHER", priority: 1}' '{policy: "SCHED_BATCH", runtime: 1000}' '{}' \
    '{policy: "SCHED_OTHER", flags: ["SCHED_FLAG_NOSUCH"]}'; do
    edit ".process.scheduler = $scheduler"
    run_bundle
    refuses_briefly || { echo "with $scheduler"; return 1; }
  done
}

@test "ioPriority is set" {
  is_runc && skip "runc 1.1.5 has no ioPriority"
  is_crun && skip "crun 1.8.1 has no ioPriority"
  command_is probe ioprio
  edit '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 6}'
  run_bundle
  succeeded
  is "ret=$(( (2 << 13) + 6 )) errno=0"
  edit '.process.ioPriority = {class: "IOPRIO_CLASS_NOSUCH", priority: 6}'
  run_bundle
  failed 1
  edit '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 9}'
  run_bundle
  failed 1
}

@test "memoryPolicy is set" {
  is_agentsafe || skip "too old"
  [ -d /sys/devices/system/node/node0 ] || skip "the host has no memory nodes"
  command_is probe mempolicy
  edit '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0"}'
  run_bundle
  succeeded
  is "mode=2 nodes=1"
  edit '.linux.memoryPolicy = {mode: "MPOL_NOSUCH", nodes: "0"}'
  run_bundle
  refuses_briefly
}

@test "execCPUAffinity holds for exec only" {
  is_agentsafe || skip "too old"
  [ "$(nproc)" -gt 1 ] || skip "the host has one CPU"
  script 'exec sleep 1000' '.process.execCPUAffinity = {initial: "0", final: "1"}'
  launch
  run_rt exec "$CID" grep Cpus_allowed_list /proc/self/status
  succeeded
  is $'Cpus_allowed_list:\t1'
  equal "$(awk '/Cpus_allowed_list/ {print $2}' /proc/1/status)" "$(awk '/Cpus_allowed_list/ {print $2}' "/proc/$(pid_of)/status")"
}

@test "an inherited CPU affinity does not reach the container" {
  is_agentsafe || skip "newer than other runtimes"
  kernel_at_least 6.2 || skip "needs Linux 6.2"
  [ "$(nproc)" -gt 1 ] || skip "the host has one CPU"
  command_is grep Cpus_allowed_list /proc/self/status
  run --separate-stderr taskset -c 0 "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS run --bundle "$BUNDLE" "$CID" 3>&- 4>&-
  succeeded
  [ "$output" != $'Cpus_allowed_list:\t0' ]
}

@test "the container has a session keyring of its own, and keeps the caller's when told" {
  command_is probe keyring
  run_bundle
  succeeded
  says "_ses.$CID"
  run_bundle --no-new-keyring
  succeeded
  [[ $output != *"_ses.$CID"* ]]
}

@test "process may be left out for create but not for start" {
  edit 'del(.process)'
  run_rt create --bundle "$BUNDLE" "$CID"
  if [ "$status" -eq 0 ]; then
    run_rt start "$CID"
    failed 1
  fi
}

@test "an empty args is refused" {
  edit '.process.args = []'
  run_bundle
  failed 1
}

@test "hostname and domainname are set" {
  inside 'hostname; cat /proc/sys/kernel/domainname' '.hostname = "other" | if $d then .domainname = "example.org" else . end' \
    --argjson d "$(is_runc && echo false || echo true)"
  is_runc || is $'other\nexample.org'
  equal other "${lines[0]}"
}

@test "hostname without a uts namespace is refused" {
  edit 'del(.linux.namespaces[] | select(.type == "uts"))'
  run_bundle
  failed 1
  [ "$(hostname)" != tested ]
}
