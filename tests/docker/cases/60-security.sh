# Capabilities, seccomp, users, namespaces shared with others.

caps() { run "$@" bb grep ^Cap /proc/self/status; }

case_the_default_capabilities_are_those_of_docker() {
  has '^CapEff:[[:space:]]*00000000a80425fb$' caps
  same caps
}

case_capabilities_are_added_and_dropped() {
  same caps --cap-add NET_ADMIN --cap-drop CHOWN
  has '^CapBnd:[[:space:]]*0000000000000000$' caps --cap-drop ALL
  has '^CapEff:[[:space:]]*0000000000000400$' caps --cap-drop ALL --cap-add NET_BIND_SERVICE
  refused 1 'not permitted' run --cap-drop CHOWN bb chown 1 /tmp
}

case_a_user_has_no_effective_capabilities() {
  has '^CapEff:[[:space:]]*0000000000000000$' caps -u worker
  same caps -u worker --cap-add NET_ADMIN
}

case_all_capabilities_can_be_added() {
  needs_all_capabilities
  same caps --cap-add ALL
}

case_an_unknown_capability_is_refused() { refused 125 'invalid' run --cap-add NO_SUCH bb true; }

case_privileged_has_it_all() {
  needs_all_capabilities
  same caps --privileged
  same run --privileged bb sh -c 'grep -E "^(Seccomp|NoNewPrivs):" /proc/self/status; mount -t tmpfs t /tmp && echo mounted; ls /dev/ | grep -cE "^(kmsg|mem|loop-control)$"'
  same run --privileged bb sh -c 'echo 1 >/proc/sys/kernel/shm_rmid_forced && grep -c " /proc/" /proc/mounts'
}

case_a_privileged_container_fails_with_a_reason_where_the_host_cannot() {
  (needs_all_capabilities) && skip "the host can"
  local code=0
  run --privileged bb true >"$DIR/out" 2>&1 || code=$?
  [ "$code" = 0 ] || has 'capabilit|caps' cat "$DIR/out"
}

case_seccomp_is_on_unless_unconfined() {
  has '^Seccomp:[[:space:]]*2' run bb grep Seccomp: /proc/self/status
  has '^Seccomp:[[:space:]]*0' run --security-opt seccomp=unconfined bb grep Seccomp: /proc/self/status
  refused 1 'not permitted' run bb unshare -m true
  status 0 run --security-opt seccomp=unconfined --security-opt apparmor=unconfined --cap-add SYS_ADMIN bb unshare -m true
}

case_a_seccomp_profile_is_obeyed() {
  cat >"$DIR/no-chmod.json" <<'JSON'
{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
 "syscalls": [{"names": ["chmod", "fchmod", "fchmodat", "fchmodat2"], "action": "SCMP_ACT_ERRNO", "errnoRet": 27},
              {"names": ["sethostname"], "action": "SCMP_ACT_KILL_PROCESS"}]}
JSON
  refused 1 'file too large' run --security-opt "seccomp=$DIR/no-chmod.json" bb chmod 700 /tmp
  status 159 run --init --cap-add SYS_ADMIN --security-opt "seccomp=$DIR/no-chmod.json" bb hostname x
  is ok run --security-opt "seccomp=$DIR/no-chmod.json" bb echo ok
}

case_a_broken_seccomp_profile_is_refused() {
  echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_NO_SUCH"}]}' >"$DIR/broken.json"
  same eval 'run --security-opt "seccomp=$DIR/broken.json" bb true 2>/dev/null'
}

case_no_new_privileges_is_set() {
  has '^NoNewPrivs:[[:space:]]*1$' run --security-opt no-new-privileges bb grep NoNewPrivs /proc/self/status
  has '^NoNewPrivs:[[:space:]]*0$' run bb grep NoNewPrivs /proc/self/status
}

case_the_security_of_pid_1_is_that_of_the_reference() {
  same run bb sh -c 'grep -E "^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp|Sig(Blk|Ign|Cgt)|ShdPnd|SigPnd)" /proc/1/status; umask'
}

case_a_command_inherits_no_descriptor() { is "0 1 2" run bb sh -c 'cd /proc/1/fd; echo $(ls | grep -v 255)'; }

case_the_keyring_is_its_own() { same run bb sh -c 'cat /proc/keys 2>/dev/null | grep -c _ses'; }

case_pid_namespaces_are_shared_when_asked() {
  is 1 run bb sh -c 'echo $$'
  has "^[0-9]+$" run --pid host bb sh -c 'echo $$'
  [ "$(run --pid host bb readlink /proc/self/ns/pid)" = "$(readlink /proc/self/ns/pid)" ]
  idle a
  is idle run --pid "container:$ME-a" bb cat /proc/1/comm
}

case_ipc_namespaces_are_shared_when_asked() {
  [ "$(run --ipc host bb readlink /proc/self/ns/ipc)" = "$(readlink /proc/self/ns/ipc)" ]
  idle a --ipc shareable
  in_container a sh -c 'echo note >/dev/shm/note'
  is note run --ipc "container:$ME-a" bb cat /dev/shm/note
  is "" run --ipc private bb ls /dev/shm
  same run --ipc none bb sh -c 'grep -c " /dev/shm " /proc/mounts'
}

case_the_uts_namespace_is_the_hosts_when_asked() {
  is "$(uname -n)" run --uts host bb hostname
}

case_the_user_namespace_is_the_hosts() {
  is "$(readlink /proc/self/ns/user)" run bb readlink /proc/self/ns/user
}

case_the_personality_and_scheduling_are_plain() {
  same run bb sh -c 'cat /proc/self/personality 2>/dev/null; uname -m; cut -d" " -f18,19,40,41 /proc/self/stat; ulimit -c'
}
