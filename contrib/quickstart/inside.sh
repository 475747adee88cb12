#!/bin/sh
# Runs inside the container of contrib/quickstart.sh and shows what it sees of itself.
heading() { printf '\n-- %s\n' "$*"; }

heading "ids, capabilities, no_new_privs, seccomp"
id
grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status

heading "processes: there are no others"
ps -o pid,user,args

heading "namespaces"
for kind in cgroup ipc mnt net pid user uts; do printf '%-7s %s\n' $kind "$(readlink /proc/self/ns/$kind)"; done
echo "hostname $(hostname), network devices: $(ls /sys/class/net | tr '\n' ' ')"

heading "mounts"
awk '{print $5, $6}' /proc/self/mountinfo | while read -r where options; do printf '%-24s %s\n' "$where" "$options"; done

heading "limits"
echo "open files: $(ulimit -n)"
for file in /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max; do
  [ ! -r $file ] || echo "$file: $(cat $file)"
done

heading "what is refused"
touch /new 2>&1
mount -t tmpfs tmpfs /tmp 2>&1
cat /proc/kcore 2>/dev/null | wc -c | sed 's/^/bytes of kernel memory seen: /'
exit 0
