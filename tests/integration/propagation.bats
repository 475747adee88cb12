load helpers

# Everything here happens in a mount namespace of its own: propagation of the host's root is not touched.
host_and_container() { # ROOTFS PROPAGATION, MOUNT OPTION: prints what each side sees of the other's new mount
  edit '(if $p == "" then . else .linux.rootfsPropagation = $p end)
    | .mounts += [{destination: "/vol", type: "bind", source: $s, options: ["rbind", $o]}]
    | .process.args = ["sleep", "1000"] | .process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"])' \
    --arg p "$1" --arg s "$WORK/src" --arg o "$2"
  mkdir -p "$WORK/src/from-host" "$WORK/src/from-container"
  unshare -m --propagation private bash -s "$RUNTIME" "$ROOT" "$RUNTIME_FLAGS" "$BUNDLE" "$CID" "$WORK/src" <<'SH'
    mount --bind "$6" "$6" && mount --make-shared "$6"
    "$1" --root "$2" $3 run --detach --bundle "$4" "$5" </dev/null >/dev/null 2>&1 || { echo "run failed"; exit; }
    mount -t tmpfs hosttmp "$6/from-host"
    "$1" --root "$2" $3 exec "$5" grep -q ' /vol/from-host ' /proc/self/mountinfo </dev/null && echo host-to-container
    "$1" --root "$2" $3 exec "$5" mount -t tmpfs ctmp /vol/from-container </dev/null
    grep -q "$6/from-container " /proc/self/mountinfo && echo container-to-host
    "$1" --root "$2" $3 exec "$5" grep ' /vol ' /proc/self/mountinfo </dev/null | grep -oE 'shared|master|unbindable' | tr '\n' ' '
    "$1" --root "$2" $3 delete --force "$5" </dev/null
SH
}

@test "rprivate keeps new mounts to each side" {
  run host_and_container "" rprivate
  succeeded
  silent
}

@test "a mount without a propagation option lets nothing out" {
  run host_and_container "" rw
  succeeded
  [[ $output != *container-to-host* ]]
}

@test "rslave lets the host's new mounts in and none out" {
  run host_and_container "" rslave
  succeeded
  is $'host-to-container\nmaster '
}

@test "rshared lets new mounts pass in both directions" {
  run host_and_container shared rshared
  succeeded
  says host-to-container
  says container-to-host
}

@test "unbindable is set" {
  run host_and_container "" runbindable
  succeeded
  says unbindable
}

@test "rootfsPropagation sets the root's type" {
  local pair
  for pair in private: slave: shared:shared: unbindable:unbindable; do
    edit '.linux.rootfsPropagation = $p' --arg p "${pair%%:*}"
    command_is sh -c "awk '\$5 == \"/\" {for (i = 7; \$i != \"-\"; i++) printf \"%s \", \$i}' /proc/self/mountinfo"
    run_bundle
    succeeded
    [[ "$output" == *"${pair#*:}"* ]] || { echo "${pair%%:*}: $output"; return 1; }
  done
  edit '.linux.rootfsPropagation = "nonsense"'
  run_bundle
  failed 1
}
