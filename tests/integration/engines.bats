# The configuration files for engines in contrib/: engines take them, and they name what agentsafe needs.
load helpers

setup_file() { export CONTRIB=$BATS_TEST_DIRNAME/../../contrib; }

toml() { # FILE PYTHON-EXPRESSION over the file's value
  python3 -c 'import sys, tomllib; t = tomllib.load(open(sys.argv[1], "rb")); print(eval(sys.argv[2]))' "$1" "$2"
}
require_tomllib() { python3 -c 'import tomllib' 2>/dev/null || skip "python3 has no tomllib"; }

@test "Docker takes contrib/docker/daemon.json" {
  local file=$CONTRIB/docker/daemon.json
  jq -e '.runtimes.agentsafe.path | endswith("/bin/agentsafe")' "$file" >/dev/null
  equal null "$(jq -c .runtimes.agentsafe.runtimeArgs "$file")"  # strict, with nothing said
  equal '["--policy","oci"]' "$(jq -c '.runtimes["agentsafe-oci"].runtimeArgs' "$file")"
  equal null "$(jq -c '."exec-opts"' "$file")"  # both cgroup drivers work
  dockerd --help 2>/dev/null | grep -q -- --validate || skip "the host has no dockerd that validates (23 or later)"
  dockerd --validate --config-file "$file"
}

@test "the arguments in contrib/docker/daemon.json are understood" {
  is_agentsafe || skip "about agentsafe"
  local arguments
  mkdir -p "$ROOT"
  for name in agentsafe-open agentsafe-oci; do
    mapfile -t arguments < <(jq -r --arg n "$name" '.runtimes[$n].runtimeArgs[]' "$CONTRIB/docker/daemon.json")
    run_rt "${arguments[@]}" list --quiet
    succeeded
  done
}

@test "containerd 1.x takes contrib/containerd/config-1.toml" {
  command -v containerd >/dev/null || skip "the host has no containerd"
  [[ $(containerd --version) =~ \ v?1\. ]] || skip "the host has another containerd than 1.x"
  containerd --config "$CONTRIB/containerd/config-1.toml" config dump >"$WORK/dump"
  grep -q 'runtimes.agentsafe\]' "$WORK/dump"
  sed -n '/runtimes.agentsafe.options\]/,/^ *$/p' "$WORK/dump" >"$WORK/options"
  grep -q 'BinaryName = "/usr/local/bin/agentsafe"' "$WORK/options"
  grep -q 'SystemdCgroup = true' "$WORK/options"
}

@test "containerd 2.x takes contrib/containerd/config-2.toml" {
  command -v containerd >/dev/null || skip "the host has no containerd"
  [[ $(containerd --version) =~ \ v?2\. ]] || skip "the host has another containerd than 2.x"
  containerd --config "$CONTRIB/containerd/config-2.toml" config dump | grep -q 'runtimes.agentsafe\]'
}

@test "the files for containerd 1.x and 2.x say the same in both layouts" {
  require_tomllib
  local old new
  old=$(toml "$CONTRIB/containerd/config-1.toml" 't["version"], t["plugins"]["io.containerd.grpc.v1.cri"]["containerd"]')
  new=$(toml "$CONTRIB/containerd/config-2.toml" 't["version"], t["plugins"]["io.containerd.cri.v1.runtime"]["containerd"]')
  [[ $old == '(2, '* ]]
  equal "${old/(2, /(3, }" "$new"
}

@test "the RuntimeClass names the handler that containerd knows" {
  local handler
  handler=$(sed -n 's/^handler: //p' "$CONTRIB/kubernetes/runtimeclass.yaml" | head -n 1)
  grep -q "runtimes.$handler\]" "$CONTRIB/containerd/config-1.toml"
}

@test "Podman's file names the program" {
  require_tomllib
  local file=$CONTRIB/podman/agentsafe.conf
  equal True "$(toml "$file" '"/usr/local/bin/agentsafe" in t["engine"]["runtimes"]["agentsafe"]')"
  equal True "$(toml "$file" '"agentsafe" in t["engine"]["runtime_supports_json"]')"
  command -v podman >/dev/null || skip "the host has no podman"
  CONTAINERS_CONF=$file podman --runtime "$RUNTIME" info --format '{{.Host.OCIRuntime.Name}}' | grep -q agentsafe
}
