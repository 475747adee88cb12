# CVE-2022-24769, CVE-2022-29162 (runc, moby), CVE-2022-27650 (crun), CVE-2025-27612 (youki): inheritable capabilities.
# CVE-2016-3697 (runc), CVE-2024-40635 (containerd), CVE-2026-30892 (crun): ids that wrap or names that look like ids.
# CVE-2022-36109, CVE-2022-2989, CVE-2022-2990, CVE-2023-25173: supplementary groups. CVE-2021-43784: lengths that overflow.
load cve

@test "CVE-2022-24769: inheritable and ambient are empty for process 1 and exec unless asked for" {
  launch
  local sets=$'CapInh:\t0000000000000000\nCapAmb:\t0000000000000000'
  equal "$sets" "$(grep -E '^Cap(Inh|Amb)' "/proc/$(pid_of)/status")"
  in_container grep -E '^Cap(Inh|Amb)' /proc/self/status
  is "$sets"
  run_rt exec --cap CAP_KILL "$CID" grep -E '^Cap(Amb)' /proc/self/status
  [ "$status" -ne 0 ] || is $'CapAmb:\t0000000000000000'
}

@test "CVE-2016-3697: a number is an id, never a name of the image's passwd" {
  printf '1000:x:0:0::/:/bin/sh\nroot:x:0:0::/root:/bin/sh\n' >"$ROOTFS/etc/passwd"
  script 'id -u' '.process.user.uid = 1000'
  run_bundle
  is 1000
  command_is sleep 1000
  launch
  run_rt exec --user 1000 "$CID" id -u
  is 1000
}

@test "CVE-2024-40635: ids that do not fit do not become 0" {
  launch
  local user
  for user in 4294967296 4294967295 2147483648000 -1 18446744073709551616 ' 1' '1 '; do
    run_rt exec --user "$user" "$CID" id -u
    [ "$status" -ne 0 ] || [ "$output" != 0 ] || is_runc || is_crun || { echo "$user became root"; return 1; }
  done
}

@test "CVE-2022-36109: the groups are exactly those asked for, whatever the caller's are" {
  local row
  command_is grep ^Groups: /proc/self/status
  for row in '{"uid": 1000, "gid": 1000}' '{"uid": 0, "gid": 0}' '{"uid": 1000, "gid": 1000, "additionalGids": [2000]}'; do
    edit '.process.user = $u' --argjson u "$row"
    run --separate-stderr setpriv --groups 5,6,7 "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS run --bundle "$BUNDLE" "$CID" 3>&- 4>&-
    succeeded
    [[ " ${output#*:} " != *[[:space:]]5[[:space:]]* && " ${output#*:} " != *[[:space:]]6[[:space:]]* ]] || { show; return 1; }
  done
}

@test "CVE-2022-2989: a group that is denied by a file's mode is denied" {
  echo SECRET >"$ROOTFS/tmp/denied"
  chown 0:2000 "$ROOTFS/tmp/denied"
  chmod 0704 "$ROOTFS/tmp/denied"
  command_is cat /tmp/denied
  edit '.process.user = {uid: 1000, gid: 1000, additionalGids: [2000]} | .process.capabilities = {}'
  run_bundle
  failed
  silent
  edit '.process.user = {uid: 1000, gid: 1000}'
  run_bundle
  is SECRET
}

@test "a FIFO, an endless device or a huge file as the image's passwd does not hang or fill the runtime" {
  local kind
  for kind in fifo zero sparse lines; do
    rm -f "$ROOTFS/etc/passwd"
    case $kind in
      fifo) mkfifo "$ROOTFS/etc/passwd" ;;
      zero) ln -s /dev/zero "$ROOTFS/etc/passwd" ;;
      sparse) truncate -s 2G "$ROOTFS/etc/passwd" ;;
      lines) yes 'user:x:1:1::/:/bin/sh' | head -n 200000 >"$ROOTFS/etc/passwd" ;;
    esac
    command_is echo ran
    run --separate-stderr timeout 10 "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS run --bundle "$BUNDLE" "$CID" 3>&- 4>&-
    [ "$status" -ne 124 ] || { echo "hung on $kind"; return 1; }
    rt delete --force "$CID" >/dev/null 2>&1 || :
  done
}

@test "CVE-2025-52881 kin: HOME with a newline is not written anywhere and does not break the start" {
  command_is sh -c 'echo ran; cat /etc/passwd | wc -l'
  edit '.process.env += ["HOME=a\nroot::0:0"]'
  run_bundle
  [ "$status" -ne 0 ] || is $'ran\n2'
}

@test "CVE-2021-43784: very many mappings, long paths and a big environment hide no namespace" {
  local kind
  command_is sleep 1000
  edit '.process.env += [range(1000) | "V\(.)=" + ("x" * 1500)]'
  launch
  for kind in pid net ipc uts mnt; do
    [ "$(namespace_of "$(pid_of)" $kind)" != "$(readlink /proc/self/ns/$kind)" ] || { echo "$kind is the host's"; return 1; }
  done
  rt delete --force "$CID"
  edit '.process.env = ["PATH=/bin", "AGENTSAFE_TEST=" + $c] | .linux.namespaces += [{type: "user"}]
    | .linux.uidMappings = [range(340) | {containerID: ., hostID: (100000 + . * 2), size: 1}]
    | .linux.gidMappings = [range(340) | {containerID: ., hostID: (100000 + . * 2), size: 1}]' --arg c "$CID"
  rm -rf "$ROOTFS" && cp -a "$(rootfs_template)" "$ROOTFS" && chown -hR 100000:100000 "$ROOTFS"
  if launch; then
    for kind in user pid net mnt; do
      [ "$(namespace_of "$(pid_of)" $kind)" != "$(readlink /proc/self/ns/$kind)" ] || { echo "$kind is the host's"; return 1; }
    done
  fi
}

@test "CVE-2017-5226: the command cannot push text into the caller's terminal" {
  # positive control: with nothing between them the probe does push into its terminal
  run --separate-stderr "$PYTHON" "$TOOLS/withtty.py" -- "$(probe_binary)" tiocsti x
  says "ret=0"
  command_is probe tiocsti 'touch /tmp/agentsafe-pushed\n'
  edit '.process.terminal = false'
  run --separate-stderr "$PYTHON" "$TOOLS/withtty.py" -- "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS run --bundle "$BUNDLE" "$CID" 3>&- 4>&-
  says "ret=-1"
  [ ! -e /tmp/agentsafe-pushed ]
}

@test "exec is no weaker than the container" {
  edit '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["personality"], action: "SCMP_ACT_ERRNO"}]}'
  launch
  local fields='^(NoNewPrivs|Cap...|Seccomp|Groups|Uid|Gid):'
  in_container grep -E "$fields" /proc/self/status
  is "$(grep -E "$fields" "/proc/$(pid_of)/status")"
}
