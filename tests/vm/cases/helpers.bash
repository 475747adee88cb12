# What the cases of the virtual machine's engines share. They use the machine's own engines, and none of tests/integration's bundles.

# Until COMMAND is true, for half a minute.
eventually() {
  local _
  for _ in $(seq 300); do "$@" && return; sleep 0.1; done
  echo "never came true: $*" >&2
  return 1
}
equal() { [ "$1" = "$2" ] || { printf 'expected: %s\nfound:    %s\n' "$1" "$2" >&2; return 1; }; }
