load helpers

@test "state follows a container through its life" {
  create
  equal created "$(status)"
  start
  equal running "$(status)"
  rt kill "$CID" KILL
  await_status stopped
  equal 0 "$(state_of | jq .pid)"
}

@test "state has the keys of a runc state in its order" {
  create
  if is_agentsafe || is_runc; then
    equal "ociVersion id pid status bundle rootfs created owner" "$(state_of | jq -r 'keys_unsorted | join(" ")')"
  fi
  equal "$BUNDLE" "$(state_of | jq -r .bundle)"
  equal "$ROOTFS" "$(state_of | jq -r .rootfs)"
  equal "$CID" "$(state_of | jq -r .id)"
  equal "" "$(state_of | jq -r .owner)"
  equal "$(pid_of)" "$(state_of | jq .pid)"
}

@test "state is indented by two spaces" {
  is_crun && skip "crun prints other white space"
  create
  run_rt state "$CID"
  succeeded
  equal '  "id": "'"$CID"'",' "$(printf '%s\n' "$output" | sed -n 3p)"
  equal "{" "${lines[0]}"
}

@test "state shows when the container was created, in UTC" {
  create
  local created
  created=$(state_of | jq -r .created)
  [[ $created =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]{1,9})?Z$ ]]
  (( $(date +%s) - $(date -d "$created" +%s) < 60 ))
}

@test "state shows the annotations of config.json" {
  edit '.annotations = {"com.example/key": "a \"quoted\" value\u00e9", "other": ""}'
  create
  equal 'a "quoted" valueé' "$(state_of | jq -r '.annotations["com.example/key"]')"
  equal "" "$(state_of | jq -r '.annotations.other')"
}

@test "state of a missing container fails" {
  run_rt state missing
  failed 1
  silent
  complains "does not exist"
}

@test "state does not take another process with the same pid for the container" {
  is_agentsafe || skip "looks into agentsafe's own state file"
  create
  local file=$ROOT/$CID/state.json
  rt kill "$CID" KILL
  await_status stopped
  # the number now belongs to this shell, which started at another time
  sed -i "s/$(pid_of)/$$/" "$file"
  equal stopped "$(status)"
}

@test "state refuses a policy that the container was not made with" {
  is_agentsafe || skip "agentsafe's own flag"
  create
  run --separate-stderr "$RUNTIME" --root "$ROOT" --policy strict state "$CID"
  failed 1
}

@test "state needs exactly one id" {
  run_rt state
  failed
  run_rt state a b
  failed
}
