# The root filesystem, mounts and devices.

case_the_mounts_are_those_of_the_reference() {
  same mount_table
  same mount_table -t --read-only --tmpfs /scratch --shm-size 8m
}

case_masked_and_readonly_paths_are_so() {
  same run bb sh -c 'cat /proc/kcore /proc/keys /proc/timer_list | wc -c; ls -A /proc/acpi /proc/scsi /sys/firmware'
  same run bb sh -c 'for p in /proc/asound /proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger; do
    [ -e $p ] && grep -o " $p [a-z0-9]* r[ow]" /proc/mounts; done; true'
  refused 1 'read-only' run bb sh -c 'echo 1 >/proc/sys/kernel/panic'
  [ ! -e /proc/sysrq-trigger ] || refused 1 'read-only' run bb sh -c 'echo h >/proc/sysrq-trigger'
}

case_the_masks_can_be_left_away() {
  same run --security-opt systempaths=unconfined bb sh -c 'grep -c " /proc/" /proc/mounts; ls -d /proc/acpi /proc/scsi; head -c 10 /proc/timer_list'
}

case_a_read_only_root_cannot_be_written() {
  refused 1 'read-only file system' run --read-only bb touch /new
  is ok run --read-only --tmpfs /tmp bb sh -c 'touch /tmp/new && echo ok'
  is ok run --read-only -t bb sh -c 'printf ok | tr -d "\r"'
}

case_a_read_only_container_can_be_entered() {
  idle a --read-only
  refused 1 'read-only file system' in_container a touch /new
}

case_a_tmpfs_has_its_options() {
  is "1777 root" run --tmpfs /scratch bb stat -c '%a %U' /scratch
  is "700 worker" run --tmpfs /scratch:mode=700,uid=1000,gid=1000 bb stat -c '%a %U' /scratch
  has 'tmpfs /scratch tmpfs rw,nosuid,nodev,noexec,relatime,size=4096k' run --tmpfs /scratch:size=4m bb grep /scratch /proc/mounts
  refused 126 'permission denied' run --tmpfs /scratch bb sh -c 'cp /bin/busybox /scratch/sh && exec /scratch/sh'
  is ran run --tmpfs /scratch:exec bb sh -c 'cp /bin/busybox /scratch/echo && /scratch/echo ran'
}

case_a_folder_is_bound() {
  mkdir "$DIR/v"
  run -v "$DIR/v:/v" bb sh -c 'echo inside >/v/file'
  is inside cat "$DIR/v/file"
  refused 1 'read-only file system' run -v "$DIR/v:/v:ro" bb touch /v/file
  is inside run -v "$DIR/v/file:/single:ro" bb cat /single
}

case_a_folder_is_bound_over_a_file_only_with_an_error() {
  refused 12[57] 'not a directory' run -v "$DIR:/data/text" bb true
  echo x >"$DIR/file"
  same eval 'run -v "$DIR/file:/data" bb true 2>/dev/null'
}

case_a_missing_target_of_a_mount_is_made() {
  echo x >"$DIR/file"
  is x run -v "$DIR/file:/a/new/place" bb cat /a/new/place
  is directory run -v "$DIR:/b/new/place" bb stat -c %F /b/new/place
}

case_a_target_that_is_a_link_stays_in_the_root() {
  echo "$RT" >"$DIR/file"
  d create --name "$ME-link" --runtime "$RT" bb >/dev/null
  d run --runtime "$RT" --name "$ME-maker" bb sh -c 'ln -s /etc /link-out; ln -s ../../../../../../tmp /up'
  d commit "$ME-maker" "$ME-image" >/dev/null
  is there run -v "$DIR:/link-out/sub" "$ME-image" sh -c 'test -e /etc/sub/file && echo there'
  is there run -v "$DIR:/up/sub" "$ME-image" sh -c 'test -e /tmp/sub/file && echo there'
  [ ! -e /etc/sub ] && [ ! -e /tmp/sub ] || fail "a mount point was made on the host"
  d rmi -f "$ME-image" >/dev/null
}

case_mount_options_in_the_long_form() {
  mkdir "$DIR/v"; echo x >"$DIR/v/file"
  is x run --mount "type=bind,src=$DIR/v,dst=/v,readonly" bb cat /v/file
  refused 1 'read-only' run --mount "type=bind,src=$DIR/v,dst=/v,readonly" bb touch /v/y
  has '/t tmpfs .*size=1024k.*mode=700' run --mount type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=0700 bb grep ' /t ' /proc/mounts
  is kept run --mount "type=volume,src=$ME-volume,dst=/data2" bb sh -c 'echo kept | tee /data2/file'
  is kept run --mount "type=volume,src=$ME-volume,dst=/data2,volume-nocopy" bb cat /data2/file
  d volume rm "$ME-volume" >/dev/null
  refused 125 'does not exist' run --mount "type=bind,src=$DIR/gone,dst=/v" bb true
}

# A folder with a mount below, itself shared, as the source of binds.
shared_folder() {
  mkdir -p "$DIR/shared"
  mount -t tmpfs tmpfs "$DIR/shared"
  mount --make-shared "$DIR/shared"
  mkdir "$DIR/shared/early" "$DIR/shared/late" "$DIR/shared/back"
  mount -t tmpfs tmpfs "$DIR/shared/early"
  touch "$DIR/shared/early/seen"
}
mount_late() { mount -t tmpfs tmpfs "$DIR/shared/late"; touch "$DIR/shared/late/seen"; }
drop_shared() { umount -l "$DIR/shared"; }

case_submounts_of_a_bind_come_along() {
  shared_folder
  is seen run -v "$DIR/shared:/s" bb ls /s/early
  is "" run --mount "type=bind,src=$DIR/shared,dst=/s,bind-nonrecursive" bb ls /s/early
  drop_shared
}

case_a_slave_mount_receives_and_does_not_send() {
  shared_folder
  idle a -v "$DIR/shared:/s:rslave"
  mount_late
  is seen in_container a ls /s/late
  drop_shared
}

case_a_private_mount_does_not_receive() {
  shared_folder
  idle a -v "$DIR/shared:/s:rprivate"
  mount_late
  is "" in_container a ls /s/late
  drop_shared
}

case_a_shared_mount_sends_and_receives() {
  shared_folder
  idle a --cap-add SYS_ADMIN --security-opt apparmor=unconfined -v "$DIR/shared:/s:rshared"
  mount_late
  is seen in_container a ls /s/late
  in_container a mount -t tmpfs tmpfs /s/back
  has "$DIR/shared/back" cat /proc/self/mounts
  drop_shared
}

case_volumes_come_from_another_container() {
  up a -v /shared-data -v "$DIR:/host:ro" bb sh -c 'echo common >/shared-data/file'
  await state_is a exited
  is common run --volumes-from "$ME-a" bb cat /shared-data/file
  refused 1 'read-only' run --volumes-from "$ME-a" bb touch /host/x
}

case_a_volume_starts_with_the_files_of_the_image() {
  is "not a program" run -v "$ME-seeded:/data" bb cat /data/text
  d volume rm "$ME-seeded" >/dev/null
}

case_three_hundred_mounts_work() {
  local i options=()
  echo x >"$DIR/file"
  for i in $(seq 300); do options+=(-v "$DIR/file:/many/$i:ro"); done
  is 300 run "${options[@]}" bb sh -c 'grep -c " /many/" /proc/mounts'
}

case_the_default_devices_are_there_and_no_others() {
  same run bb sh -c 'cd /dev; for f in *; do stat -c "%n %F %a %t:%T %u:%g" $f; done; ls -l fd stdin stdout stderr ptmx | sed "s/.* \([a-z]* -> .*\)/\1/"'
  same run -t bb sh -c 'cd /dev; ls; ls pts'
}

case_a_device_is_added() {
  is 3 run --device /dev/zero:/dev/nought bb sh -c 'head -c 3 /dev/nought | wc -c'
  same run --device /dev/zero:/dev/nought bb stat -c '%F %a %t:%T %u:%g' /dev/nought
  refused 12[57] 'no such file|error gathering device' run --device /dev/no-such-device bb true
}

# The kernel's log, 1:11, is not among the default devices. Reading it needs CAP_SYSLOG besides.
case_device_rules_allow_what_they_say() {
  is ok run --cap-add SYSLOG --device /dev/kmsg:/dev/log bb sh -c 'exec 3</dev/log && echo ok'
  is ok run --cap-add SYSLOG --device-cgroup-rule 'c 1:11 rm' bb sh -c 'mknod /tmp/log c 1 11 && exec 3</tmp/log && echo ok'
}

case_other_devices_cannot_be_opened() {
  refused 1 'not permitted' run --cap-add SYSLOG bb sh -c 'mknod /tmp/log c 1 11 && cat </tmp/log'
  refused 1 'not permitted' run --cap-add SYSLOG --device-cgroup-rule 'c 1:12 rwm' bb sh -c 'mknod /tmp/log c 1 11 && cat </tmp/log'
  refused 1 'not permitted' run --cap-add SYSLOG --device /dev/kmsg:/dev/log:w bb sh -c 'cat </dev/log'
}

case_sys_and_cgroup_are_read_only() {
  refused 1 'read-only' run bb sh -c 'cd /sys/fs/cgroup; [ ! -d memory ] || cd memory; mkdir x'
  same run bb grep ' /sys ' /proc/mounts
}

case_the_cgroup_is_seen_inside() {
  if [ "$CG" = 1 ]; then
    is 50331648 run -m 48m bb cat /sys/fs/cgroup/memory/memory.limit_in_bytes
    same run bb sh -c "ls /sys/fs/cgroup | grep -v unified"
  else
    is 50331648 run -m 48m bb cat /sys/fs/cgroup/memory.max
    is 0::/ run bb cat /proc/self/cgroup
  fi
}

case_the_cgroup_namespace_can_be_private() {
  is "/" run --cgroupns private bb sh -c 'cut -d: -f3 /proc/self/cgroup | sort -u'
  same run --cgroupns private bb sh -c 'ls /sys/fs/cgroup | grep -v unified; cat /sys/fs/cgroup/memory/cgroup.procs /sys/fs/cgroup/cgroup.procs 2>/dev/null | head -n 1'
}
