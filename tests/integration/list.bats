load helpers

two_containers() {
  create
  edit '.linux.cgroupsPath += "-b"'
  rt run --detach --bundle "$BUNDLE" "$CID-b" </dev/null >"$WORK/out-b" 2>&1
}

@test "list shows a table with a line for each container" {
  two_containers
  run_rt list
  succeeded
  [[ ${lines[0]} =~ ^ID\ +PID\ +STATUS\ +BUNDLE\ +CREATED\ +OWNER ]]
  equal 3 "${#lines[@]}"
  [[ ${lines[1]} =~ ^$CID\ +$(pid_of)\ +created\ +$BUNDLE\  ]]
  [[ ${lines[2]} =~ ^$CID-b\ +[0-9]+\ +running\  ]]
}

@test "list pads its columns to at least 12 and separates them by 3" {
  is_crun && skip "crun has another layout"
  two_containers
  run_rt list
  local id_width=$(( ${#CID} + 2 + 3 ))
  equal "$(printf '%-*s%-12s%-12s' $id_width ID PID STATUS)" "${lines[0]:0:$((id_width + 24))}"
}

@test "list --quiet shows ids only" {
  two_containers
  run_rt list --quiet
  succeeded
  is "$CID"$'\n'"$CID-b"
  run_rt list -q
  is "$CID"$'\n'"$CID-b"
}

@test "list --format json is one line of states" {
  two_containers
  run_rt list --format json
  succeeded
  equal 1 "$(rt list --format json | wc -l)"
  equal "$CID $CID-b" "$(jq -r '[.[].id] | join(" ")' <<<"$output")"
  equal root "$(jq -r '.[0].owner' <<<"$output")"
  if is_agentsafe || is_runc; then
    equal "ociVersion id pid status bundle rootfs created owner" "$(jq -r '.[0] | keys_unsorted | join(" ")' <<<"$output")"
    [[ $output == '[{"ociVersion":"'* ]]
  fi
}

@test "list of an empty root prints the header, and null as json" {
  mkdir -p "$ROOT"
  run_rt list
  succeeded
  equal 1 "${#lines[@]}"
  run_rt list --format json
  succeeded
  is_crun || is null
}

@test "list refuses an unknown format and a missing root" {
  mkdir -p "$ROOT"
  run_rt list --format yaml
  failed 1
  rmdir "$ROOT"
  is_crun || { run_rt list; failed 1; }
}

@test "list shows a stopped container with pid 0" {
  script true
  launch
  await_status stopped
  equal 0 "$(rt list --format json | jq '.[0].pid')"
  equal stopped "$(rt list --format json | jq -r '.[0].status')"
}
