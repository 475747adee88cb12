load helpers

# Interfaces are moved from a network namespace of the test's own, in which the runtime runs.
setup() {
  is_agentsafe || skip "newer than Debian's runtimes"
  setup_bundle
}
teardown() { if is_agentsafe; then finish; fi; }
in_own_netns() { # SETUP COMMANDS: then the bundle runs
  run --separate-stderr unshare -n bash -c 'set -e; eval "$1"; shift; exec "$@"' - "$1" \
    "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS run --bundle "$BUNDLE" "$CID" 3>&- 4>&-
}
VETH='ip link add outside type veth peer name peer'

@test "an interface is moved, keeps its addresses and is up" {
  script 'ip addr show outside' '.linux.netDevices = {outside: {}}'
  in_own_netns "$VETH; ip addr add 10.77.0.2/24 dev outside; ip -6 addr add fd77::2/64 dev outside nodad"
  succeeded
  says 10.77.0.2/24
  says fd77::2/64
  [[ $output == *UP* ]]
}

@test "an interface is renamed" {
  script 'ls /sys/class/net | sort' '.linux.netDevices = {outside: {name: "eth0"}}'
  in_own_netns "$VETH"
  succeeded
  is $'eth0\nlo'
}

@test "an interface comes back when the container cannot be made" {
  edit '.linux.netDevices = {outside: {name: "eth0"}} | .process.args = ["/nosuch"]'
  run --separate-stderr unshare -n bash -c 'set -e; ip link add outside type veth peer name peer
    ip addr add 10.77.0.2/24 dev outside; ip link set outside up
    ! "$@" || exit 1; ip addr show outside' - \
    "$RUNTIME" --root "$ROOT" $RUNTIME_FLAGS run --bundle "$BUNDLE" "$CID" 3>&- 4>&-
  succeeded
  complains /nosuch
  says 10.77.0.2/24
  [[ $output == *,UP* ]]
  no_leftovers
}

@test "an interface that does not exist is an error that names it" {
  edit '.linux.netDevices = {nosuch: {}} | .process.args = ["true"]'
  in_own_netns true
  refuses_briefly
  complains nosuch
  no_leftovers
}

@test "a name that is too long or has a slash is refused" {
  local name
  for name in 0123456789abcdef a/b . .. 'a b'; do
    edit '.linux.netDevices = {outside: {name: $n}} | .process.args = ["true"]' --arg n "$name"
    in_own_netns "$VETH"
    refuses_briefly || { echo "accepted $name"; return 1; }
  done
}

@test "devices with the host's network namespace are refused" {
  edit '.linux.netDevices = {outside: {}} | .linux.namespaces |= map(select(.type != "network")) | .process.args = ["true"]'
  in_own_netns "$VETH"
  refuses_briefly
}
