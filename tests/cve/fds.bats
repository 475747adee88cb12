# CVE-2024-21626 (runc), CVE-2016-9962 (runc), CVE-2016-8649 (LXC), CVE-2020-15257 (containerd): descriptors and working folders that leak.
load cve

host_marker() { echo "host only" >"$WORK/marker"; }

@test "CVE-2024-21626: no /proc/self/fd/N as the cwd leads to the host" {
  host_marker
  local n suffix
  script 'cat "$(pwd)/marker" ./marker ../../../../../../../../'"$WORK"'/marker 2>/dev/null; ls -d ../../../../../../../../'"$WORK"' 2>/dev/null'
  for n in 3 4 5 6 7 8 9 10 11 12 13 14 15 20 32 64; do
    for suffix in "" "/../.."; do
      edit '.process.cwd = $c' --arg c "/proc/self/fd/$n$suffix"
      run --separate-stderr bash -c 'cd "$1"; shift; exec "$@"' - "$WORK" "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS run --bundle "$BUNDLE" "$CID" 3>&- 4>&-
      [ -z "$output" ] || { echo "cwd fd $n$suffix: $output"; return 1; }
    done
  done
}

@test "CVE-2024-21626: exec --cwd and a link of the image do not lead to the host" {
  host_marker
  launch
  local n
  for n in 3 4 5 6 7 8 9 10 11 12; do
    run_rt exec --cwd "/proc/self/fd/$n" "$CID" sh -c 'cat ../../../../../../../..'"$WORK"'/marker'
    [ "$output" != "host only" ] || { echo "through $n"; return 1; }
  done
  rt delete --force "$CID"
  for n in 3 5 6 7 8 9; do
    rm -f "$ROOTFS/cwd"
    ln -s "/proc/self/fd/$n" "$ROOTFS/cwd"
    script 'cat ../../../../../../../..'"$WORK"'/marker' '.process.cwd = "/cwd"'
    run_bundle
    [ "$output" != "host only" ] || { echo "link to $n"; return 1; }
  done
}

in_host_folder() { # the descriptor of a folder of the host is handed over on purpose, and is the working folder
  run --separate-stderr bash -c 'exec 3<"$1"; shift; exec "$@"' - "$WORK" "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS "$@" 3>&- 4>&-
}

@test "CVE-2024-21626: a working folder outside the container's root is found out by its path" {
  is_crun && skip "crun says it in other words"
  host_marker
  local text='echo $$ >>ran; cat ./marker'
  script "$text" '.process.cwd = "/proc/self/fd/3"'
  in_host_folder run --preserve-fds 1 --bundle "$BUNDLE" "$CID"
  failed
  silent
  complains "current working directory is outside of container mount namespace root -- possible container breakout detected"
  no_leftovers
  script 'sleep 1000' '.process.cwd = "/"'
  launch
  in_host_folder exec --preserve-fds 1 --cwd /proc/self/fd/3 "$CID" sh -c "$text"
  failed
  silent
  complains "current working directory is outside of container mount namespace root"
  [ ! -e "$WORK/ran" ]
  # positive control: the same descriptor, another working folder
  in_host_folder exec --preserve-fds 1 --cwd /tmp "$CID" sh -c 'pwd; probe fds | grep -c "^3 "'
  succeeded
  is $'/tmp\n1'
}

@test "negative control: runc 1.1.5 runs in a folder of the host" {
  require_old runc
  host_marker
  local n
  script 'cat ../../../../../../../..'"$WORK"'/marker 2>/dev/null'
  for n in 3 4 5 6 7 8 9 10 11; do
    edit '.process.cwd = $c' --arg c "/proc/self/fd/$n"
    with_old runc run_bundle
    [ "$output" != "host only" ] || return 0
  done
  skip "this host's runc 1.1.5 carries the fix of Debian"
}

@test "positive control: a cwd below /proc that is the container's own works" {
  script pwd '.process.cwd = "/proc/self"'
  run_bundle
  succeeded
  [[ $output == /proc/* ]]
}

@test "a descriptor that the caller leaks does not reach the container" {
  command_is probe fds
  run --separate-stderr bash -c 'exec 6</etc 17</; exec "$@"' - "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS run --bundle "$BUNDLE" "$CID" 3>&- 4>&-
  succeeded
  equal 3 "${#lines[@]}"
  command_is sleep 1000
  launch
  run --separate-stderr bash -c 'exec 6</etc 17</; exec "$@"' - "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS exec "$CID" probe fds 3>&- 4>&-
  equal 3 "${#lines[@]}"
}

@test "CVE-2016-9962: process 1 cannot open, steal or trace what an entering process holds" {
  local seconds=$((${AGENTSAFE_TEST_SECONDS:-60} / 15)) # a slow machine is told by a longer limit
  command_is probe watch-pids "$seconds"
  launch
  await_line ready
  local end=$((SECONDS + seconds))
  while (( SECONDS < end )); do rt exec "$CID" true >/dev/null 2>&1 || break; done
  eventually file_says "$WORK/out" visited=
  # after the execve of the user's own program (comm "true" or "busybox") anything may be done to it
  run grep -vE ' of (true|busybox|)$|^ready|^visited' "$WORK/out"
  silent
  (( $(sed -n 's/visited=\([0-9]*\).*/\1/p' "$WORK/out") > 5 ))
}

with_host_network() {
  edit '.linux.namespaces |= map(select(.type != "network"))
    | .mounts |= map(if .destination == "/sys" then {destination: "/sys", type: "bind", source: "/sys", options: ["rbind", "ro"]} else . end)'
}

@test "CVE-2020-15257: no abstract socket of the runtime can be reached with the host's network" {
  with_host_network
  script 'grep -i agentsafe /proc/net/unix'
  run_bundle
  [[ $output != *@* ]]
}

@test "control: an abstract socket of the host is reached with the host's network, and not with one of its own" {
  background answering "$PYTHON" -c '
import socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind("\0" + sys.argv[1])
listener.listen()
print("listening", flush=True)
while listener.accept():
    print("reached", flush=True)' "$CID"
  await_line listening "$WORK/answering"
  command_is probe call-abstract "$CID"
  run_bundle
  is "ret=-1 errno=111"
  with_host_network
  run_bundle
  is "ret=0 errno=0"
  await_line reached "$WORK/answering"
  equal 1 "$(grep -c reached "$WORK/answering")"
}

@test "at created the waiting process holds nothing of the host but its own files" {
  create
  local link
  for link in "/proc/$(pid_of)"/fd/*; do
    [ ! -d "$link" ] || ! on_host_mount "$(pid_of)" "${link##*/}" || { echo "a folder is open: $(readlink "$link")"; return 1; }
  done
  case $(readlink "/proc/$(pid_of)/cwd") in /* ) ;; *) return 1 ;; esac
}

# As a kernel, or an outer container's filter, that lacks calls: what the runtime then does must be as safe, or an error.
without_call() { # NUMBERS ARGUMENTS…
  status=0
  "$PYTHON" "$TOOLS/without_call.py" "$1" "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS "${@:2}" </dev/null >"$WORK/run.out" 2>"$WORK/run.err" 3>&- 4>&- || status=$?
  output=$(cat "$WORK/run.out")
  stderr=$(cat "$WORK/run.err")
}

@test "where a newer system call is missing the container is confined all the same, or refused in one line" {
  is_agentsafe || skip "about agentsafe"
  [ "$(uname -m)" = x86_64 ] || skip "the numbers are x86_64's"
  local row confined works=''
  script 'grep -E "^(Cap...|NoNewPrivs|Uid|Gid|Groups):" /proc/self/status; for n in pid net ipc uts mnt; do readlink /proc/self/ns/$n | tr -d 0-9; done
    awk "{print \$5, \$6}" /proc/self/mountinfo; probe fds | cut -d" " -f1; ls -A /secret; echo x >/proc/sys/kernel/hostname && echo wrote; exit 7'
  mkdir "$ROOTFS/secret"
  touch "$ROOTFS/secret/file"
  edit '.linux.maskedPaths += ["/secret"]'
  without_call 9999 run --bundle "$BUNDLE" "$CID" # positive control: nothing is missing
  failed 7
  confined=$output
  for row in openat2:437 clone3:435 fsopen:430 fsconfig:431 fsmount:432 open_tree:428 move_mount:429 mount_setattr:442 pidfd_open:434 pidfd_send_signal:424 \
    pidfd_getfd:438 close_range:436 renameat2:316 memfd_create:319 execveat:322 statmount:457 listmount:458 faccessat2:439 openat2,close_range:437,436; do
    without_call "${row#*:}" run --bundle "$BUNDLE" "$CID"
    if [ "$status" -eq 7 ]; then
      equal "$confined" "$output" || { echo "without ${row%:*}"; return 1; }
      works+=" ${row%:*}"
    else
      refuses_briefly || { echo "without ${row%:*}"; return 1; }
      [ -z "$output" ]
    fi
    no_leftovers
  done
  [[ "$works " == *" openat2 "*" close_range renameat2 "*" openat2,close_range "* ]] || { echo "works without:$works"; return 1; }
}
