load helpers

@test "the default devices are there with their numbers and modes" {
  script 'cd /dev; stat -c "%n %F %t:%T %a" null zero full random urandom tty'
  run_bundle
  succeeded
  is $'null character special file 1:3 666\nzero character special file 1:5 666\nfull character special file 1:7 666
random character special file 1:8 666\nurandom character special file 1:9 666\ntty character special file 5:0 666'
}

@test "the standard links are there" {
  script 'cd /dev; for l in fd stdin stdout stderr core ptmx; do echo "$l $(readlink $l)"; done'
  run_bundle
  succeeded
  says "fd /proc/self/fd"
  says "stdin /proc/self/fd/0"
  says "stdout /proc/self/fd/1"
  says "stderr /proc/self/fd/2"
  if [ -e /proc/kcore ]; then says "core /proc/kcore"; else says "core "; fi
  [[ $output == *"ptmx pts/ptmx"* || $output == *"ptmx /dev/pts/ptmx"* ]]
}

@test "the default devices work" {
  script 'echo x >/dev/null; head -c 3 /dev/zero | wc -c; head -c 4 /dev/urandom | wc -c; echo x >/dev/full || echo full'
  run_bundle
  succeeded
  is $'3\n4\nfull'
}

@test "a device of config.json is made with its mode and owner" {
  script 'stat -c "%F %t:%T %a %u %g" /dev/mine /dev/dir/blk /dev/pipe' '.linux.devices = [
    {path: "/dev/mine", type: "c", major: 10, minor: 229, fileMode: 432, uid: 1000, gid: 2000},
    {path: "/dev/dir/blk", type: "b", major: 8, minor: 17, fileMode: 384}, {path: "/dev/pipe", type: "p", fileMode: 438}]'
  run_bundle
  succeeded
  is $'character special file a:e5 660 1000 2000\nblock special file 8:11 600 0 0\nfifo 0:0 666 0 0'
}

@test "type u is a character device" {
  script 'stat -c "%F %t:%T" /dev/mine' '.linux.devices = [{path: "/dev/mine", type: "u", major: 10, minor: 229}]'
  run_bundle
  succeeded
  is "character special file a:e5"
}

@test "a device with a wrong type or path is refused" {
  edit '.linux.devices = [{path: "/dev/mine", type: "x", major: 1, minor: 1}]'
  run_bundle
  failed 1
  is_agentsafe || return 0
  edit '.linux.devices = [{path: "", type: "c", major: 1, minor: 1}]'
  run_bundle
  refuses_briefly
}

@test "a rule of the list lets a device be opened, everything else is refused" {
  [ -c /dev/loop-control ] || [ -c /dev/fuse ] || skip "the host has no device to try"
  local path=/dev/fuse
  [ -c $path ] || path=/dev/loop-control
  local major minor
  major=$((0x$(stat -c %t $path)))
  minor=$((0x$(stat -c %T $path)))
  script 'sh -c ": </dev/mine" 2>/tmp/e; grep -c "not permitted" /tmp/e' \
    '.linux.devices = [{path: "/dev/mine", type: "c", major: $a, minor: $b}]' --argjson a $major --argjson b $minor
  run_bundle
  is 1
  edit '.linux.resources.devices += [{allow: true, type: "c", major: $a, minor: $b, access: "rw"}]' --argjson a $major --argjson b $minor
  run_bundle
  is 0
}

@test "the last matching rule wins" {
  script 'cat </dev/mine' '.linux.devices = [{path: "/dev/mine", type: "c", major: 1, minor: 3}]
    | .linux.resources.devices += [{allow: true, type: "c", major: 1, access: "rwm"}]'
  run_bundle
  succeeded
}

@test "mknod of a device that is not allowed to be opened may be done, opening it not" {
  script 'mknod /tmp/mem c 1 1; head -c 1 </tmp/mem'
  run_bundle
  failed
}

@test "update leaves the device rules alone" {
  [ -c /dev/loop-control ] || skip "the host has no device to try"
  script 'sleep 1000' '.linux.resources.devices += [{allow: true, type: "c", major: 10, minor: 237, access: "rw"}]
    | .linux.devices = [{path: "/dev/loop-control", type: "c", major: 10, minor: 237}]'
  launch
  in_container sh -c ': </dev/loop-control'
  succeeded
  rt update --pids-limit 50 "$CID"
  in_container sh -c ': </dev/loop-control'
  succeeded
}

@test "/dev is not filled when it is a bind mount" {
  mkdir "$WORK/dev"
  touch "$WORK/dev/mine"
  command_is /bin/ls -A /dev
  edit '.mounts |= map(select(.destination | startswith("/dev") | not)) | .mounts += [{destination: "/dev", type: "bind", source: $s, options: ["rbind"]}]' --arg s "$WORK/dev"
  run_bundle
  is_crun || is_runc || { succeeded; says mine; }
}
