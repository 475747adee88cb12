load helpers

@test "an error goes to stderr as one logrus line when there is no --log" {
  is_crun && skip "crun prints bare text"
  run_rt state missing
  failed 1
  [[ $stderr =~ ^time=\"[0-9]{4}-[0-9]{2}-[0-9]{2}T[^\"]+\"\ level=error\ msg=\".*\"$ ]]
}

@test "with --log json the error is one object in the file and bare text on stderr" {
  is_crun && skip "crun has other words"
  run_rt --log "$WORK/log.json" --log-format json state missing
  failed 1
  equal 1 "$(wc -l <"$WORK/log.json")"
  equal error "$(jq -r .level "$WORK/log.json")"
  [[ $(jq -r .time "$WORK/log.json") =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(Z|[+-][0-9:]{5}|\.[0-9]+Z)$ ]]
  jq -r .msg "$WORK/log.json" | grep -q "does not exist"
  is_agentsafe || return 0
  complains "does not exist"
  equal "$(jq -r .msg "$WORK/log.json")" "$stderr"
}

@test "the log file is appended to" {
  run_rt --log "$WORK/log" state missing
  run_rt --log "$WORK/log" state missing
  equal 2 "$(wc -l <"$WORK/log")"
}

@test "success writes nothing into the log" {
  script true
  run_rt --log "$WORK/log" --log-format json run --bundle "$BUNDLE" "$CID"
  succeeded
  [ ! -s "$WORK/log" ] || { cat "$WORK/log"; return 1; }
}

@test "--debug tells each step of runtime and init, and the place in the sources" {
  is_crun && skip "not in crun"
  script true
  run_rt --debug --log "$WORK/log" --log-format json run --bundle "$BUNDLE" "$CID"
  succeeded
  equal 0 "$(jq -c 'select((.level and .time and .msg and .file and .func) | not)' "$WORK/log" | wc -l)"
  equal '"debug"' "$(jq -c .level "$WORK/log" | sort -u)"
  is_agentsafe || return 0
  jq -r .file "$WORK/log" | grep -qE '^runtime/container/create.cpp:[0-9]+$'
  jq -r .msg "$WORK/log" | grep -qx 'init: become the user'
  run_rt --debug exec missing true
  failed 255
  complains ' func=run_program file="runtime/cli/program.cpp:'
}

@test "without --debug no line has a place" {
  is_crun && skip "not in crun"
  run_rt --log "$WORK/log" --log-format json state missing
  equal '["level","msg","time"]' "$(jq -c keys "$WORK/log")"
}

@test "text with quotes and control characters stays one line" {
  is_agentsafe || skip "about agentsafe"
  run_rt --log "$WORK/log.json" --log-format json state $'a"b\nc\x01'
  failed 1
  equal 1 "$(wc -l <"$WORK/log.json")"
  jq -e . "$WORK/log.json" >/dev/null
}

@test "an unknown log format and an unwritable log are errors" {
  run_rt --log-format yaml list
  failed 1
  run_rt --log "$WORK/none/log" list
  failed 1
}
