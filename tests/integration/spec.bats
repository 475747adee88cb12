load helpers

@test "spec writes a config.json that runs" {
  mkdir "$WORK/new"
  cd "$WORK/new"
  run_rt spec
  succeeded
  silent
  equal '["sh"]' "$(jq -c .process.args config.json)"
  ln -s "$ROOTFS" rootfs
  jq --arg r "$ROOTFS" '.root.path = $r | .process.terminal = false | .process.args = ["echo", "hello"]' config.json >c && mv c config.json
  run_rt run "$CID"
  succeeded
  is hello
}

@test "spec does not overwrite a config.json" {
  cd "$BUNDLE"
  cp config.json before
  run_rt spec
  failed 1
  is_crun || complains "File config.json exists. Remove it first"
  cmp config.json before
}

@test "spec --bundle writes there" {
  mkdir "$WORK/new"
  run_rt spec --bundle "$WORK/new"
  succeeded
  [ -s "$WORK/new/config.json" ]
  run_rt spec --bundle "$WORK/none"
  failed 1
}

@test "spec --rootless writes a config for an unprivileged user" {
  mkdir "$WORK/new"
  run_rt spec --rootless --bundle "$WORK/new"
  succeeded
  equal user "$(jq -r '.linux.namespaces[] | select(.type == "user") | .type' "$WORK/new/config.json")"
  equal 1 "$(jq '.linux.uidMappings | length' "$WORK/new/config.json")"
  equal null "$(jq .linux.resources "$WORK/new/config.json")"
}

@test "spec's defaults restrict" {
  mkdir "$WORK/new"
  rt spec --bundle "$WORK/new"
  equal true "$(jq '.process.noNewPrivileges' "$WORK/new/config.json")"
  equal true "$(jq '.root.readonly' "$WORK/new/config.json")"
  equal false "$(jq '.linux.resources.devices[0].allow' "$WORK/new/config.json")"
  jq -e '.linux.maskedPaths | length > 3' "$WORK/new/config.json" >/dev/null
}

@test "the steps by hand of the README work as they are written" {
  is_agentsafe || skip "about agentsafe"
  mkdir -p "$WORK/here/bundle" "$WORK/bin"
  cp -a "$ROOTFS" "$WORK/here/bundle/rootfs"
  ln -s "$RUNTIME" "$WORK/bin/agentsafe"
  # the rootfs is there already; who types waits for the prompt, and kill for nothing
  {
    echo 'set -e; mount -t tmpfs none /run'
    sed -n '/^## Use it by hand/,/^## /s/^    //p' "$TOP/README.md" | grep -v 'docker export' |
      sed -e 's/  *#.*//' -e "s|^agentsafe.* run .*|$PYTHON $TOOLS/withtty.py --after '/ # ' --send 'exit 5\\\\n' -- & \|\| [ \$? = 5 ]|" -e 's/^agentsafe delete/sleep 0.2; &/'
  } >"$WORK/steps"
  equal 9 "$(grep -c agentsafe "$WORK/steps")"
  cd "$WORK/here"
  run --separate-stderr timeout 50 env "PATH=$WORK/bin:$PATH" unshare -m bash -x "$WORK/steps" 3>&- 4>&-
  succeeded
  says '"status": "running"'
  says 'sleep 1000'
  no_leftovers
}
