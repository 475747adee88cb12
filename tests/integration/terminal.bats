load helpers

tty_agent() { background agent "$PYTHON" "$TOOLS/recvtty.py" "$WORK/console.sock" "$@"; await_line listening "$WORK/agent"; }
agent_says() { await_line "$1" "$WORK/agent"; }

@test "the terminal arrives over the console socket as one named descriptor" {
  script 'tty; echo done' '.process.terminal = true'
  tty_agent
  launch --console-socket "$WORK/console.sock"
  agent_says "^fds=1$"
  agent_says "^name=."
  agent_says "^rest=b''"
  agent_says "^rdev=5:2$"
  agent_says "^> /dev/pts/0$"
  agent_says "^> done$"
}

@test "the terminal is the controlling one and belongs to the user" {
  script 'echo x >/dev/tty; stat -c "%u %t:%T" /dev/pts/0; ls -l /dev/console | cut -c1; stat -c %t:%T /dev/console' \
    '.process.terminal = true | .process.user.uid = 1000 | .process.user.gid = 5'
  tty_agent
  launch --console-socket "$WORK/console.sock"
  agent_says "^> x$"
  agent_says "^> 1000 88:0$"
  agent_says "^> c$"
  agent_says "^> 88:0$"
}

@test "consoleSize is the first size of the terminal" {
  script 'stty size' '.process.terminal = true | .process.consoleSize = {height: 33, width: 77}'
  tty_agent
  launch --console-socket "$WORK/console.sock"
  agent_says "^size=33x77$"
  agent_says "^> 33 77$"
}

@test "what is typed into the terminal reaches the command" {
  script 'read -r line; echo "got $line"' '.process.terminal = true'
  tty_agent --send 'typed\n'
  launch --console-socket "$WORK/console.sock"
  agent_says "^> got typed$"
}

@test "a created container with a terminal has sent it before create ends" {
  script 'echo hello' '.process.terminal = true'
  tty_agent
  create --console-socket "$WORK/console.sock"
  agent_says "^fds=1$"
  start
  agent_says "^> hello$"
}

@test "exec --tty sends a second terminal" {
  launch
  tty_agent
  rt exec --tty --detach --console-socket "$WORK/console.sock" "$CID" sh -c 'tty; echo x >/dev/tty' </dev/null >/dev/null 2>&1
  agent_says "^> /dev/pts/0$"
  agent_says "^> x$"
}

@test "exec with a process file honours its terminal and console size" {
  launch
  jq '.process | .terminal = true | .consoleSize = {height: 20, width: 40} | .args = ["stty", "size"]' "$CONFIG" >"$WORK/p.json"
  tty_agent
  rt exec --process "$WORK/p.json" --detach --console-socket "$WORK/console.sock" "$CID" </dev/null >/dev/null 2>&1
  agent_says "^> 20 40$"
}

@test "a terminal without a console socket is refused when detaching, and a socket without a terminal too" {
  edit '.process.terminal = true'
  run_rt run --detach --bundle "$BUNDLE" "$CID"
  failed 1
  is_crun || complains "cannot allocate tty if runc will detach without setting console socket"
  run_rt create --bundle "$BUNDLE" "$CID"
  failed 1
  edit '.process.terminal = false'
  tty_agent
  run_rt create --bundle "$BUNDLE" --console-socket "$WORK/console.sock" "$CID"
  is_crun || failed 1
  is_crun || complains "cannot use console socket if runc will not detach or allocate tty"
  is_crun || no_leftovers
}

@test "a console socket that is missing or not a socket is an error" {
  edit '.process.terminal = true'
  run_rt create --bundle "$BUNDLE" --console-socket "$WORK/none" "$CID"
  failed 1
  touch "$WORK/file"
  run_rt create --bundle "$BUNDLE" --console-socket "$WORK/file" "$CID"
  failed 1
  no_leftovers
}

@test "run in the foreground gives the command a terminal of its own" {
  script 'tty; stty size; exit 6' '.process.terminal = true'
  run --separate-stderr "$PYTHON" "$TOOLS/withtty.py" --size 30x90 -- "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS run --bundle "$BUNDLE" "$CID" 3>&- 4>&-
  failed 6
  says /dev/pts/0
  says "30 90"
  complains "settings kept"
}

@test "a change of the window reaches a foreground command" {
  script 'trap "stty size; exit 0" WINCH; echo ready; while :; do sleep 0.05; done' '.process.terminal = true'
  run --separate-stderr "$PYTHON" "$TOOLS/withtty.py" --resize 41x99 -- "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS run --bundle "$BUNDLE" "$CID" 3>&- 4>&-
  succeeded
  says "41 99"
}

@test "interrupt typed at the host's terminal ends the foreground command" {
  script 'trap "echo interrupted; exit 3" INT; echo ready; while :; do sleep 0.05; done' '.process.terminal = true'
  run --separate-stderr "$PYTHON" "$TOOLS/withtty.py" --send '\x03' -- "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS run --bundle "$BUNDLE" "$CID" 3>&- 4>&-
  failed 3
  says interrupted
}

@test "exec --tty in the foreground works" {
  launch
  run --separate-stderr "$PYTHON" "$TOOLS/withtty.py" -- "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS exec --tty "$CID" sh -c 'tty; exit 8' 3>&- 4>&-
  failed 8
  says /dev/pts/
}

@test "the terminal works with a read-only root" {
  script 'tty; echo x >/dev/console' '.process.terminal = true | .root.readonly = true'
  tty_agent
  launch --console-socket "$WORK/console.sock"
  agent_says "^> x$"
}

@test "without a terminal there is no /dev/console" {
  script 'ls /dev'
  run_bundle
  succeeded
  [[ $output != *console* ]]
}
