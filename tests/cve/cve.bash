# Common to the CVE suites. Proof is always a fact of the host. Each file carries the attack once and runs it against the
# runtime under test; a positive control shows that the same configuration without the attack works, and, where Debian's
# runc 1.1.5 or crun 1.8.1 falls for it, a negative control shows that the attack is one.
load ../integration/helpers

RUNC=${RUNC:-/usr/sbin/runc}
CRUN=${CRUN:-/usr/bin/crun}

# An old runtime under the same helpers: with_old runc|crun COMMAND… Only where Debian 12's versions are installed.
require_old() {
  case $1 in
    runc) [ -x "$RUNC" ] && "$RUNC" --version | grep -q 'version 1\.1\.5' || skip "Debian 12's runc 1.1.5 is not installed" ;;
    crun) [ -x "$CRUN" ] && "$CRUN" --version | grep -q 'version 1\.8\.1' || skip "Debian 12's crun 1.8.1 is not installed" ;;
  esac
}
with_old() {
  local RUNTIME=$RUNC RUNTIME_FLAGS=''
  if [ "$1" = crun ]; then
    # crun refuses hybrid hosts: the few controllers of their cgroup2 are hidden from it
    printf '#!/bin/sh\nexec unshare -m --propagation private sh -c %s - "$@"\n' \
      "'umount /sys/fs/cgroup/unified 2>/dev/null; exec $CRUN \"\$@\"'" >"$WORK/crun"
    chmod +x "$WORK/crun"
    RUNTIME=$WORK/crun
  fi
  shift
  "$@"
}

# A folder of the host that an attack aims at; untouched is the proof that it missed.
make_victim() {
  VICTIM=$WORK/victim
  mkdir "$VICTIM"
  echo original >"$VICTIM/file"
  victim_facts >"$WORK/victim.before"
}
victim_facts() { find "$VICTIM" -printf '%P %y %i %m %U %s %l\n' | sort; find "$VICTIM" -type f -exec sha256sum {} + | sort; }
untouched() { victim_facts | diff "$WORK/victim.before" - >&2; }
touched() { ! untouched 2>/dev/null; }

# Host values that attacks on /proc aim at.
host_sysctls() { cat /proc/sys/kernel/core_pattern /proc/sys/kernel/sysrq /proc/sys/kernel/modprobe /proc/sys/net/ipv4/ip_unprivileged_port_start 2>/dev/null || :; }

# swapper: exchanges two names of a folder of the host again and again, as a second container that shares it would.
swap_forever() {
  cat >"$WORK/swap.py" <<'PY'
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
a, b = (os.fsencode(p) for p in sys.argv[1:3])
print("swapping", flush=True)
while libc.renameat2(-100, a, -100, b, 2) == 0:
    pass
PY
  background swapping "$PYTHON" "$WORK/swap.py" "$1" "$2"
  await_line swapping "$WORK/swapping"
}
stop_swapping() { kill "$HELPER"; wait "$HELPER" 2>/dev/null || :; }

# rounds COMMAND…: as often as AGENTSAFE_ROUNDS says, but five seconds at most.
rounds() {
  local round end=$((SECONDS + 5))
  for round in $(seq "$ROUNDS"); do
    "$@" || return
    (( SECONDS < end )) || break
  done
  echo "# $round rounds" >&3 2>/dev/null || :
}
