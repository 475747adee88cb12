# Targets of mounts and made files that leave the root: CVE-2021-30465, CVE-2024-45310, CVE-2026-41579 (runc), CVE-2015-1335 (LXC),
# CVE-2026-47766 (crun), CVE-2024-23651 and its kin (cleanup that follows links).
load cve

@test "CVE-2024-45310: folders and files for mounts are not made outside the root" {
  make_victim
  mkdir "$WORK/source"
  touch "$WORK/sourcefile"
  local target
  for target in "$VICTIM" "../../../../../../../../../../../../../../../../../../../..$VICTIM" "../victim"; do
    rm -f "$ROOTFS/vol"
    ln -s "$target" "$ROOTFS/vol"
    script true '.mounts |= (map(select(.destination | startswith("/vol") | not)) + [
      {destination: "/vol/a/b", type: "bind", source: $d, options: ["bind"]}, {destination: "/vol/made", type: "bind", source: $f, options: ["bind"]}])' \
      --arg d "$WORK/source" --arg f "$WORK/sourcefile"
    run_bundle
    untouched
  done
}

@test "positive control: a link of the image that stays inside still works" {
  mkdir -p "$WORK/source" "$ROOTFS/run"
  touch "$WORK/source/marker"
  rm -rf "$ROOTFS/var" && mkdir "$ROOTFS/var" && ln -s /run "$ROOTFS/var/run"
  script 'ls /run/vol' '.mounts += [{destination: "/var/run/vol", type: "bind", source: $d, options: ["bind"]}]' --arg d "$WORK/source"
  run_bundle
  succeeded
  is marker
}

# Between the mounts and the moment they are read back, a hook of the container's own namespaces changes what is mounted.
with_mount_hook() { # SHELL TEXT; $ROOTFS is where the container's root is mounted then
  printf '#!/bin/sh -e\n%s\ntouch %s\n' "$1" "$WORK/hook-ran" >"$WORK/mount-hook"
  chmod +x "$WORK/mount-hook"
  rm -f "$WORK/hook-ran" "$ROOTFS/ran"
  script 'echo >/ran' '.hooks.createContainer = [{path: $h, env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]}]' --arg h "$WORK/mount-hook"
  run_bundle
  [ -e "$WORK/hook-ran" ]
}

@test "a mount table that is not the planned one is found before the command runs" {
  is_agentsafe || skip "about agentsafe"
  local row
  # positive control: elsewhere a hook may mount what it likes
  with_mount_hook "mount -t tmpfs none $ROOTFS/tmp"
  succeeded
  [ -e "$ROOTFS/ran" ]
  for row in "mount --bind /dev/null $ROOTFS/proc/uptime|an unknown mount lies on /proc/uptime" \
    "mount -t tmpfs none $ROOTFS/sys|an unknown mount lies on /sys" \
    "mount --bind /dev/null $ROOTFS/proc/1/environ|a mount lies on /proc/1/environ" \
    "mount -t tmpfs none $ROOTFS/proc|/proc" \
    "umount $ROOTFS/dev/shm|/dev/shm is not mounted" \
    "mount -o remount,bind,suid,nodev,noexec $ROOTFS/dev/shm|/dev/shm is not nosuid" \
    "mount --move $ROOTFS/sys $ROOTFS/var|/sys was mounted on /var"; do
    with_mount_hook "${row%|*}"
    refuses_briefly || { echo "at $row"; return 1; }
    complains "${row##*|}"
    [ ! -e "$ROOTFS/ran" ]
    no_leftovers
  done
}

@test "a dangling link of the image is not followed to the host" {
  make_victim
  ln -s "$VICTIM/dangling" "$ROOTFS/vol"
  mkdir "$WORK/source"
  script true '.mounts += [{destination: "/vol", type: "bind", source: $d, options: ["bind"]}]' --arg d "$WORK/source"
  run_bundle
  untouched
}

@test "a cwd that leads out is not made on the host" {
  make_victim
  ln -s "$VICTIM" "$ROOTFS/out"
  script true '.process.cwd = "/out/made"'
  run_bundle
  untouched
}

@test "CVE-2021-30465: a destination that is exchanged for a link during the start stays inside" {
  make_victim
  mkdir -p "$WORK/source" "$ROOTFS/race/dir"
  touch "$WORK/source/marker"
  ln -s "../../../../../../../../../..$VICTIM" "$ROOTFS/race/link"
  script 'true' '.mounts += [{destination: "/race/dir/sub", type: "bind", source: $d, options: ["bind"]}]' --arg d "$WORK/source"
  cp /proc/self/mountinfo "$WORK/mountinfo"
  swap_forever "$ROOTFS/race/dir" "$ROOTFS/race/link"
  rounds start_and_look
  stop_swapping
  untouched
  equal "$(wc -l <"$WORK/mountinfo")" "$(wc -l </proc/self/mountinfo)"
}
start_and_look() { run_bundle; untouched; }

@test "CVE-2026-41579: devices and links of /dev are not made where the image's /dev points" {
  make_victim
  touch "$VICTIM/ptmx"
  victim_facts >"$WORK/victim.before"
  rm -rf "$ROOTFS/dev"
  ln -s "../../../../../../../../../../../../../..$VICTIM" "$ROOTFS/dev"
  script true '.mounts |= map(select(.destination | startswith("/dev") | not))'
  run_bundle
  untouched
}

@test "negative control: an old runtime fills a /dev that is a link" {
  require_old runc
  make_victim
  rm -rf "$ROOTFS/dev"
  ln -s "$VICTIM" "$ROOTFS/dev"
  mkdir -p "$ROOTFS$VICTIM"
  script true '.mounts |= map(select(.destination | startswith("/dev") | not))'
  with_old runc run_bundle || :
  with_old crun run_bundle || :
  touched
}

@test "delete removes no file of the host although the bundle changed under it" {
  make_victim
  mkdir "$WORK/source"
  launch
  rm -rf "$ROOTFS/tmp"
  ln -s "$VICTIM" "$ROOTFS/tmp"
  rm -rf "$ROOTFS/dev" && ln -s "$VICTIM" "$ROOTFS/dev"
  rt delete --force "$CID"
  untouched
}

@test "delete removes nothing behind a link in the state folder's place" {
  is_agentsafe || skip "looks into agentsafe's own state"
  make_victim
  mkdir -p "$ROOT"
  ln -s "$VICTIM" "$ROOT/linked"
  rt delete --force linked || :
  untouched
  rm -f "$ROOT/linked"
}

@test "a source that is a link below a shared volume is resolved on the host, once, before the container runs" {
  make_victim
  script 'cat /vol/file' '.mounts += [{destination: "/vol", type: "bind", source: $s, options: ["bind", "ro"]}]' --arg s "$VICTIM"
  run_bundle
  is original
  untouched
}

@test "tmpcopyup copies nothing from behind a link of the image" {
  make_victim
  local target
  for target in "$VICTIM" "../../../../../../../../../../../../../../../../../../../..$VICTIM"; do
    rm -rf "$ROOTFS/vol"
    mkdir "$ROOTFS/vol"
    echo honest >"$ROOTFS/vol/file"
    script 'cat /vol/file' '.mounts |= (map(select(.destination != "/vol")) + [{destination: "/vol", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"]}])'
    if is_agentsafe; then # positive control
      run_bundle
      is honest
    fi
    rm -rf "$ROOTFS/vol"
    ln -s "$target" "$ROOTFS/vol"
    run_bundle
    [[ $output != *original* ]]
    rm "$ROOTFS/vol"
    mkdir "$ROOTFS/vol"
    ln -s "$target/file" "$ROOTFS/vol/file"
    run_bundle
    [[ $output != *original* ]]
    untouched
  done
}

@test "copy-symlink writes its link nowhere but inside the root" {
  is_agentsafe || is_crun || skip "crun's option"
  make_victim
  ln -s /target "$WORK/link"
  ln -s "../../../../../../../../../../../../../../../../../../../..$VICTIM" "$ROOTFS/vol"
  script true '.mounts += [{destination: "/vol/made", type: "bind", source: $s, options: ["bind", "copy-symlink"]}]' --arg s "$WORK/link"
  run_bundle
  untouched
}
