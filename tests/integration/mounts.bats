load helpers

# options_of DESTINATION: the per-mount flags that the container sees.
options_of() { awk -v p="$1" '$5 == p {o = $6} END {print o}' <<<"$output"; }
super_of() { awk -v p="$1" '$5 == p {o = $NF} END {print o}' <<<"$output"; }
type_of() { awk -v p="$1" '$5 == p {for (i = 1; i <= NF; i++) if ($i == "-") t = $(i + 1)} END {print t}' <<<"$output"; }
has_option() { [[ ",$(options_of "$1")," == *",$2,"* ]] || { echo "$1 lacks $2: $(options_of "$1")" >&2; return 1; }; }
lacks_option() { [[ ",$(options_of "$1")," != *",$2,"* ]] || { echo "$1 has $2" >&2; return 1; }; }
mounted() { # MOUNT ENTRY (jq): runs a container with it and shows its mount table
  edit ".mounts += [$1]" "${@:2}"
  command_is cat /proc/self/mountinfo
  run_bundle
  succeeded
}
fails_to_mount() {
  edit ".mounts += [$1]" "${@:2}"
  command_is true
  run_bundle
  failed 1
  no_leftovers
}

@test "a tmpfs gets its options" {
  mounted '{destination: "/t", type: "tmpfs", source: "tmpfs", options: ["nosuid", "noexec", "mode=1700", "size=64k", "nr_inodes=50"]}'
  equal tmpfs "$(type_of /t)"
  has_option /t nosuid
  has_option /t noexec
  lacks_option /t nodev
  [[ $(super_of /t) == *size=64k* && $(super_of /t) == *mode=1700* && $(super_of /t) == *nr_inodes=50* ]]
}

@test "every flag that a mount may have is set, and its opposite is not" {
  local option
  for option in ro:ro nosuid:nosuid nodev:nodev noexec:noexec noatime:noatime nodiratime:nodiratime relatime:relatime; do
    edit '.mounts |= map(select(.destination != "/t"))'
    mounted '{destination: "/t", type: "tmpfs", source: "tmpfs", options: [$o]}' --arg o "${option%:*}"
    has_option /t "${option#*:}"
  done
  for option in rw:ro suid:nosuid dev:nodev exec:noexec diratime:nodiratime strictatime:relatime atime:noatime norelatime:noatime nostrictatime:noatime; do
    edit '.mounts |= map(select(.destination != "/t"))'
    mounted '{destination: "/t", type: "tmpfs", source: "tmpfs", options: [$o]}' --arg o "${option%:*}"
    lacks_option /t "${option#*:}"
  done
}

@test "flags of the superblock are set" {
  mounted '{destination: "/t", type: "tmpfs", source: "tmpfs", options: ["sync", "dirsync"]}'
  [[ $(super_of /t) == *sync* ]]
  is_crun && skip "crun has no lazytime"
  is_runc && skip "runc 1.1.5 has no lazytime"
  edit '.mounts |= map(select(.destination != "/t"))'
  mounted '{destination: "/t", type: "tmpfs", source: "tmpfs", options: ["lazytime", "silent"]}'
}

@test "the last of two contradicting options wins" {
  mounted '{destination: "/t", type: "tmpfs", source: "tmpfs", options: ["ro", "rw", "nosuid", "suid", "exec", "noexec"]}'
  has_option /t rw
  lacks_option /t nosuid
  has_option /t noexec
}

@test "nosymfollow is set and symfollow clears it" {
  is_agentsafe || skip "others lack it"
  mounted '{destination: "/t", type: "tmpfs", source: "tmpfs", options: ["nosymfollow"]}'
  has_option /t nosymfollow
  edit '.mounts |= map(select(.destination != "/t"))'
  mounted '{destination: "/t", type: "tmpfs", source: "tmpfs", options: ["nosymfollow", "symfollow"]}'
  lacks_option /t nosymfollow
}

@test "defaults, async, loud and mand are accepted" {
  is_agentsafe || skip "others lack some"
  mounted '{destination: "/t", type: "tmpfs", source: "tmpfs", options: ["defaults", "async", "loud", "nolazytime", "noiversion"]}'
}

@test "a bind mount shows a folder of the host" {
  mkdir "$WORK/src"
  echo shared >"$WORK/src/file"
  script 'cat /vol/file; echo written >/vol/new'
  edit '.mounts += [{destination: "/vol", type: "bind", source: $s, options: ["bind", "rw"]}]' --arg s "$WORK/src"
  run_bundle
  succeeded
  is shared
  equal written "$(cat "$WORK/src/new")"
}

@test "a bind mount of a file works and its target is made" {
  echo text >"$WORK/src"
  script 'cat /some/where/file'
  edit '.mounts += [{destination: "/some/where/file", type: "none", source: $s, options: ["rbind", "ro"]}]' --arg s "$WORK/src"
  run_bundle
  succeeded
  is text
}

@test "a bind source is relative to the bundle" {
  mkdir "$BUNDLE/data"
  echo relative >"$BUNDLE/data/file"
  script 'cat /vol/file'
  edit '.mounts += [{destination: "/vol", type: "bind", source: "data", options: ["bind"]}]'
  (cd / && rt run --bundle "$BUNDLE" "$CID" </dev/null >"$WORK/out" 2>"$WORK/err")
  equal relative "$(out)"
}

@test "a read-only bind mount refuses writes, its submounts do not unless it is recursive" {
  mkdir -p "$WORK/src/sub"
  unshare -m bash -s "$RUNTIME" "$ROOT" "$RUNTIME_FLAGS" "$BUNDLE" "$CID" "$WORK" <<'SH'
    set -e
    mount -t tmpfs sub "$6/src/sub"
    run() {
      jq --arg s "$6/src" --arg o "$7" '.process.args = ["sh", "-c", "touch /vol/x; touch /vol/sub/x; true"]
        | .mounts += [{destination: "/vol", type: "bind", source: $s, options: ["rbind", $o]}]' "$4/config.json" >"$6/c"
      cp "$4/config.json" "$6/before"; cp "$6/c" "$4/config.json"
      "$1" --root "$2" $3 run --bundle "$4" "$5" >/dev/null 2>&1 </dev/null
      cp "$6/before" "$4/config.json"
      [ ! -e "$6/src/x" ] || { echo "ro was writable"; exit 1; }
    }
    run "$@" ro
    [ -e "$6/src/sub/x" ] || { echo "ro reached the submount"; exit 1; }
    rm "$6/src/sub/x"
    run "$@" rro
    [ ! -e "$6/src/sub/x" ] || { echo "rro did not reach the submount"; exit 1; }
SH
}

@test "recursive options reach submounts" {
  is_agentsafe || skip "others lack some"
  mkdir -p "$WORK/src/sub"
  local pair
  mount -t tmpfs sub "$WORK/src/sub"
  for pair in rnosuid:nosuid rnodev:nodev rnoexec:noexec rro:ro rnoatime:noatime rnodiratime:nodiratime rnosymfollow:nosymfollow; do
    edit '.mounts |= map(select(.destination != "/vol"))'
    edit '.mounts += [{destination: "/vol", type: "bind", source: $s, options: ["rbind", $o]}]' --arg s "$WORK/src" --arg o "${pair%:*}"
    command_is cat /proc/self/mountinfo
    run_bundle
    [ "$status" -eq 0 ] && has_option /vol "${pair#*:}" && has_option /vol/sub "${pair#*:}" || { umount "$WORK/src/sub"; show; return 1; }
  done
  umount "$WORK/src/sub"
}

@test "recursive options that take a flag back reach submounts" {
  is_agentsafe || skip "others lack some"
  mkdir -p "$WORK/src"
  local pair wrong=''
  mount -t tmpfs -o nosuid,nodev,noexec,noatime,nodiratime,nosymfollow top "$WORK/src"
  mkdir "$WORK/src/sub"
  mount -t tmpfs -o ro,nosuid,nodev,noexec,noatime,nodiratime,nosymfollow sub "$WORK/src/sub"
  command_is cat /proc/self/mountinfo
  for pair in rrw:ro rsuid:nosuid rdev:nodev rexec:noexec ratime:noatime rstrictatime:noatime rrelatime:noatime rdiratime:nodiratime \
    rsymfollow:nosymfollow; do
    edit '.mounts |= map(select(.destination != "/vol"))'
    edit '.mounts += [{destination: "/vol", type: "bind", source: $s, options: ["rbind", $o]}]' --arg s "$WORK/src" --arg o "${pair%:*}"
    run_bundle
    [ "$status" -eq 0 ] && lacks_option /vol "${pair#*:}" && lacks_option /vol/sub "${pair#*:}" || wrong+=" $pair: $stderr"
  done
  umount "$WORK/src/sub" "$WORK/src"
  equal "" "$wrong"
}

@test "rsync, rasync, rdirsync, rmand and rnomand of crun are accepted" {
  is_agentsafe || is_crun || skip "crun's own"
  local option
  for option in rsync rasync rdirsync rnomand; do
    edit '.mounts |= map(select(.destination != "/t"))'
    mounted '{destination: "/t", type: "tmpfs", source: "tmpfs", options: [$o]}' --arg o "$option"
  done
}

@test "bind keeps submounts out, rbind brings them in" {
  mkdir -p "$WORK/src/sub"
  mount -t tmpfs sub "$WORK/src/sub"
  touch "$WORK/src/sub/marker"
  script 'ls /one/sub /two/sub' '.mounts += [{destination: "/one", type: "bind", source: $s, options: ["bind"]},
    {destination: "/two", type: "bind", source: $s, options: ["rbind"]}]' --arg s "$WORK/src"
  run_bundle
  umount "$WORK/src/sub"
  succeeded
  is $'/one/sub:\n\n/two/sub:\nmarker'
}

@test "a flag that the host locked on a bind source stays" {
  mkdir "$WORK/src"
  mount -t tmpfs -o nosuid,nodev,noexec tmpfs "$WORK/src"
  edit '.mounts += [{destination: "/vol", type: "bind", source: $s, options: ["bind", "ro"]}]' --arg s "$WORK/src"
  command_is cat /proc/self/mountinfo
  run_bundle
  umount "$WORK/src"
  succeeded
  has_option /vol ro
}

@test "mounts are made in order, later over earlier" {
  mkdir "$WORK/a" "$WORK/b"
  echo a >"$WORK/a/f"
  echo b >"$WORK/b/f"
  script 'cat /v/f' '.mounts += [{destination: "/v", type: "bind", source: $a, options: ["bind"]},
    {destination: "/v", type: "bind", source: $b, options: ["bind"]}]' --arg a "$WORK/a" --arg b "$WORK/b"
  run_bundle
  is b
}

@test "tmpcopyup fills a tmpfs with what was below" {
  is_crun && skip "crun reads it differently"
  mkdir -p "$ROOTFS/data/sub"
  echo kept >"$ROOTFS/data/sub/file"
  chmod 0640 "$ROOTFS/data/sub/file"
  chown 1000:2000 "$ROOTFS/data/sub/file"
  ln -s sub/file "$ROOTFS/data/link"
  script 'cat /data/link; stat -c "%a %u %g" /data/sub/file; touch /data/new' \
    '.mounts += [{destination: "/data", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"]}]'
  run_bundle
  succeeded
  is $'kept\n640 1000 2000'
  [ ! -e "$ROOTFS/data/new" ]
}

@test "a tmpfs over an existing folder keeps its mode" {
  is_crun && skip "crun does not"
  is_runc && skip "runc 1.1.5 does not"
  mkdir "$ROOTFS/data"
  chmod 0711 "$ROOTFS/data"
  script 'stat -c %a /data' '.mounts += [{destination: "/data", type: "tmpfs", source: "tmpfs"}]'
  run_bundle
  succeeded
  is 711
}

@test "proc, sysfs, devpts, mqueue and cgroup mounts are what they say" {
  mounted '{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["nosuid", "noexec", "nodev", "relatime", "ro"]}'
  equal proc "$(type_of /proc)"
  equal sysfs "$(type_of /sys)"
  equal devpts "$(type_of /dev/pts)"
  equal mqueue "$(type_of /dev/mqueue)"
  if on_cgroup_v2; then equal cgroup2 "$(type_of /sys/fs/cgroup)"; else equal tmpfs "$(type_of /sys/fs/cgroup)"; fi
  is_runc || has_option /sys/fs/cgroup ro
  has_option /sys ro
}

@test "a cgroup mount shows the container's own cgroup only" {
  script 'cat /sys/fs/cgroup/pids/cgroup.procs /sys/fs/cgroup/cgroup.procs 2>/dev/null' \
    '.mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro"]}]'
  run_bundle
  says 1
  edit '.linux.namespaces += [{type: "cgroup"}]'
  run_bundle
  says 1
  [[ $output != *$'\n0'* ]]
}

@test "a cgroup mount that is read-only cannot be written" {
  script 'for f in /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max; do [ -e $f ] && echo 7 >$f && echo wrote; done; true' \
    '.mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro"]}] | .linux.namespaces += [{type: "cgroup"}]'
  run_bundle
  succeeded
  silent
}

@test "a target below a symbolic link lands inside the root" {
  mkdir "$WORK/src" "$ROOTFS/run/real"
  touch "$WORK/src/marker"
  ln -s /run/real "$ROOTFS/var/link"
  script 'ls /run/real' '.mounts += [{destination: "/var/link", type: "bind", source: $s, options: ["bind"]}]' --arg s "$WORK/src"
  run_bundle
  succeeded
  is marker
}

@test "a relative destination is taken from the root" {
  mounted '{destination: "relative/path", type: "tmpfs", source: "tmpfs"}'
  equal tmpfs "$(type_of /relative/path)"
}

@test "a missing source, an unknown file system and bad data are errors that name the mount" {
  fails_to_mount '{destination: "/vol", type: "bind", source: "/no/such/source", options: ["bind"]}'
  complains /vol
  edit '.mounts |= map(select(.destination != "/vol"))'
  fails_to_mount '{destination: "/vol", type: "nosuchfs", source: "x"}'
  complains /vol
  edit '.mounts |= map(select(.destination != "/vol"))'
  fails_to_mount '{destination: "/vol", type: "tmpfs", source: "x", options: ["size=notanumber"]}'
  complains /vol
}

@test "a folder mounted onto a file is an error in words that callers understand" {
  mkdir "$WORK/src"
  edit '.mounts += [{destination: "/etc/passwd", type: "bind", source: $s, options: ["bind"]}]' --arg s "$WORK/src"
  run_bundle
  failed 1
  complains "ot a directory"
  no_leftovers
}

@test "nothing may be mounted into /proc but what hides figures" {
  is_agentsafe || is_runc || skip "crun's rules differ"
  touch "$WORK/src"
  mkdir "$WORK/dir"
  local destination
  for destination in /proc/self/attr/exec /proc/sys/kernel/core_pattern /proc/1 /proc/../proc/sysrq-trigger; do
    edit '.mounts |= map(select(.source != $s)) | .mounts += [{destination: $d, type: "bind", source: $s, options: ["bind"]}]' \
      --arg s "$WORK/src" --arg d "$destination"
    run_bundle
    failed 1
  done
  edit '.mounts |= map(select(.source != $s)) | .mounts += [{destination: "/proc", type: "bind", source: $d, options: ["bind"]}]' \
    --arg s "$WORK/src" --arg d "$WORK/dir"
  run_bundle
  failed 1
  edit '.mounts |= map(select(.source != $d)) | .mounts += [{destination: "/proc/meminfo", type: "bind", source: $s, options: ["bind"]}] |
    .process.args = ["cat", "/proc/meminfo"]' --arg s "$WORK/src" --arg d "$WORK/dir"
  run_bundle
  succeeded
  silent
}

@test "every file of /proc that the specification lets a mount hide may be hidden" {
  is_agentsafe || is_runc || skip "crun's rules differ"
  echo hidden >"$WORK/src"
  local file files=()
  for file in cpuinfo diskstats meminfo stat swaps uptime loadavg slabinfo sys/kernel/ns_last_pid sys/crypto/fips_enabled; do
    [ ! -e "/proc/$file" ] || files+=("/proc/$file")
  done
  ! is_runc || files=(/proc/cpuinfo /proc/meminfo /proc/stat)
  edit '.mounts += ($ARGS.positional | map({destination: ., type: "bind", source: $s, options: ["bind"]})) | .process.args = ["cat"] + $ARGS.positional' \
    --arg s "$WORK/src" --args "${files[@]}"
  run_bundle
  succeeded
  equal ${#files[@]} "$(grep -cx hidden <<<"$output")"
}

@test "a read-only root gets its working folder and its mount points all the same" {
  mkdir "$WORK/src"
  script 'pwd; ls -d /made/for/a/mount; touch /made/here/file || echo refused' '.root.readonly = true | .process.cwd = "/made/here"
    | .mounts += [{destination: "/made/for/a/mount", type: "bind", source: $s, options: ["bind", "ro"]}]' --arg s "$WORK/src"
  run_bundle
  succeeded
  is $'/made/here\n/made/for/a/mount\nrefused'
}

@test "a read-only tmpfs is filled, and mounted on, before it becomes so" {
  is_crun && skip "crun 1.8.1 makes it read-only at once"
  mkdir -p "$ROOTFS/data" "$WORK/src"
  echo kept >"$ROOTFS/data/file"
  script 'cat /data/file; ls -d /data/deep/sub; touch /data/new || echo refused; touch /dev/new || echo refused; test -c /dev/null && echo devices' \
    '.mounts |= map(if .destination == "/dev" then .options += ["ro"] else . end) | .mounts += [{destination: "/data", type: "tmpfs", source: "tmpfs", options: ["ro", "tmpcopyup"]},
    {destination: "/data/deep/sub", type: "bind", source: $s, options: ["bind"]}]' --arg s "$WORK/src"
  run_bundle
  succeeded
  is $'kept\n/data/deep/sub\nrefused\nrefused\ndevices'
}

@test "the root is read-only when config.json says so" {
  script 'touch /file && echo wrote; touch /dev/shm/file && echo shm' '.root.readonly = true'
  run_bundle
  is shm
}

@test "the rootfs may be absolute, relative, and is the container's root" {
  script 'ls -di / | awk "{print \$1}"' '.root.path = $r' --arg r "$ROOTFS"
  run_bundle
  succeeded
  is "$(stat -c %i "$ROOTFS")"
}

@test "a rootfs that is missing or a file is refused" {
  edit '.root.path = "none"'
  run_bundle
  refuses_briefly
  edit '.root.path = "config.json"'
  run_bundle
  refuses_briefly
  if is_agentsafe || is_runc; then # a link could be exchanged for another
    ln -s rootfs "$BUNDLE/linked"
    edit '.root.path = "linked"'
    run_bundle
    failed 1
  fi
  no_leftovers
}

@test "a mount made after the start is not seen on the host" {
  script 'sleep 1000' '.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"])'
  launch
  mkdir -p "$ROOTFS/late"
  rt exec "$CID" mount -t tmpfs late /late
  grep -q late <(rt exec "$CID" cat /proc/self/mountinfo)
  equal 0 "$(grep -c ' late ' /proc/self/mountinfo || :)"
}

@test "the host's mounts are not visible inside" {
  command_is cat /proc/self/mountinfo
  run_bundle
  succeeded
  equal 0 "$(grep -c "$WORK" <<<"$(awk '{print $5}' <<<"$output")" || :)"
  says '/rootfs / '
}

@test "--no-pivot works and hides the host's root" {
  script 'ls /' ''
  edit '.process.args = ["sh", "-c", "ls /; cat /etc/passwd | wc -l"]'
  run_bundle --no-pivot
  succeeded
  says bin
  equal 2 "${lines[-1]}"
}

@test "an idmapped bind mount shifts owners" {
  is_agentsafe || skip "too old"
  mkdir "$WORK/src"
  touch "$WORK/src/file"
  chown 1000:1000 "$WORK/src/file"
  script 'stat -c %u:%g /vol/file' '.mounts += [{destination: "/vol", type: "bind", source: $s, options: ["bind", "idmap"],
    uidMappings: [{containerID: 1000, hostID: 5000, size: 10}], gidMappings: [{containerID: 1000, hostID: 6000, size: 10}]}]' --arg s "$WORK/src"
  run_bundle
  succeeded
  is 5000:6000
}

@test "an unknown mount option is passed on to the file system, which refuses it" {
  fails_to_mount '{destination: "/t", type: "tmpfs", source: "tmpfs", options: ["nosuchoption"]}'
}

@test "idmap= of crun maps as mappings of the mount do" {
  is_agentsafe || skip "crun's own"
  mkdir "$WORK/src"
  touch "$WORK/src/file"
  chown 1000:1000 "$WORK/src/file"
  script 'stat -c %u:%g /vol/file' '.mounts += [{destination: "/vol", type: "bind", source: $s,
    options: ["bind", "idmap=uids=1000-5000-10;gids=1000-6000-10"]}]' --arg s "$WORK/src"
  run_bundle
  succeeded
  is 5000:6000
}

@test "dest-nofollow mounts onto a link itself, src-nofollow mounts one" {
  is_agentsafe || skip "crun's own"
  echo source >"$WORK/file"
  ln -s file "$WORK/link"
  echo below >"$ROOTFS/tmp/target"
  ln -s target "$ROOTFS/tmp/link"
  script 'cat /tmp/target /tmp/link' '.mounts += [{destination: "/tmp/link", type: "bind", source: $s, options: ["bind", "dest-nofollow"]}]' --arg s "$WORK/file"
  run_bundle
  succeeded
  is $'below\nsource'
}

@test "copy-symlink of crun makes the link anew" {
  is_agentsafe || skip "crun's own"
  ln -s /target "$WORK/link"
  script 'readlink /copied' '.mounts += [{destination: "/copied", type: "bind", source: $s, options: ["bind", "copy-symlink"]}]' --arg s "$WORK/link"
  run_bundle
  succeeded
  is /target
}

@test "an overlay mount works" {
  mkdir -p "$WORK"/{lower,upper,work}
  echo low >"$WORK/lower/file"
  script 'cat /o/file; echo up >/o/new' '.mounts += [{destination: "/o", type: "overlay", source: "overlay",
    options: ["lowerdir=" + $w + "/lower,upperdir=" + $w + "/upper,workdir=" + $w + "/work"]}]' --arg w "$WORK"
  run_bundle
  succeeded
  is low
  equal up "$(cat "$WORK/upper/new")"
}
