# contrib/kubernetes: the installer on a node (here: a folder and a containerd that is asked to read files), and the manifests.
load helpers

setup() {
  setup_bundle
  KUBERNETES=$BATS_TEST_DIRNAME/../../contrib/kubernetes
  NODE=$WORK/etc/config.toml
  # what stands in for systemctl and ctr writes down that it was called, and answers as the test wants
  printf '#!/bin/sh\necho restarted >>%s/calls\n' "$WORK" >"$WORK/restart"
  printf '#!/bin/sh\n[ ! -e %s/broken ] || ! grep -q "agentsafe begin" %s\n' "$WORK" "$NODE" >"$WORK/answers"
  chmod +x "$WORK/restart" "$WORK/answers"
  : >"$WORK/calls"
  mkdir "$WORK/etc"
}
installer() {
  run --separate-stderr env PROGRAM="$RUNTIME" PREFIX="$WORK/prefix" CONFIG="$NODE" RESTART="$WORK/restart" ANSWERS="$WORK/answers" \
    PATIENCE=1 CONTAINERD="${CONTAINERD:-containerd}" "$@"
}
install() { installer "${@:2}" "$KUBERNETES/install.sh" "$1"; }
need_containerd() { command -v containerd >/dev/null || skip "the host has no containerd"; }
pretend_containerd() { # VERSION: one that takes every file
  printf '#!/bin/sh\n[ "$1" != --version ] || echo "containerd github.com/containerd/containerd %s abc"\n' "$1" >"$WORK/containerd"
  chmod +x "$WORK/containerd"
  CONTAINERD=$WORK/containerd
}
usual() {
  printf '%s\n' 'version = 2' '' '[plugins]' '  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]' \
    '    runtime_type = "io.containerd.runc.v2"' '    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]' \
    "      SystemdCgroup = ${1:-false}" '' '# the end' >"$NODE"
}
says_error() { [[ "$stderr" == *"$1"* ]] || { show; return 1; }; }
restarts() { wc -l <"$WORK/calls"; }

@test "the installer adds its handlers to a configuration, and containerd reads them" {
  need_containerd
  usual
  install install POLICIES="moderate oci"
  succeeded
  equal 1 "$(restarts)"
  containerd --config "$NODE" config dump >"$WORK/dump"
  local name
  for name in runc agentsafe agentsafe-moderate agentsafe-oci; do grep -q "runtimes.$name\]" "$WORK/dump"; done
  grep -q "BinaryName = \"$WORK/prefix/bin/agentsafe-oci\"" "$WORK/dump"
  cmp "$RUNTIME" "$WORK/prefix/bin/agentsafe"
  "$WORK/prefix/bin/agentsafe-oci" --version >/dev/null
}

@test "a second run of the installer changes nothing and restarts nothing" {
  need_containerd
  usual
  install install POLICIES=moderate
  cp "$NODE" "$WORK/before"
  install install POLICIES=moderate
  succeeded
  cmp "$WORK/before" "$NODE"
  equal 1 "$(restarts)"
}

@test "another list of policies replaces the handlers" {
  need_containerd
  usual
  install install POLICIES=moderate
  install install POLICIES=oci
  succeeded
  not grep -q agentsafe-moderate "$NODE"
  equal 1 "$(grep -c 'agentsafe begin' "$NODE")"
}

@test "uninstalling gives the configuration back byte by byte, and leaves no program" {
  need_containerd
  usual
  cp "$NODE" "$WORK/before"
  install install POLICIES="moderate oci"
  install uninstall
  succeeded
  cmp "$WORK/before" "$NODE"
  equal 2 "$(restarts)"
  equal '' "$(ls "$WORK/prefix/bin")"
  equal config.toml "$(ls "$WORK/etc")"
}

@test "a node without a configuration gets one in the layout of its containerd, and loses it again" {
  local version wanted
  for version in 1.7.24:2:grpc.v1.cri 2.1.0:3:cri.v1.runtime; do
    IFS=: read -r version wanted plugin <<<"$version"
    pretend_containerd "$version"
    install install
    succeeded
    grep -qx "version = $wanted" "$NODE"
    grep -q "\"io.containerd.$plugin\".containerd.runtimes.agentsafe\]" "$NODE"
    install uninstall
    succeeded
    [ ! -e "$NODE" ]
  done
}

@test "a configuration of version 3 names the CRI plugin of containerd 2" {
  pretend_containerd 2.1.0
  printf 'version = 3\n' >"$NODE"
  install install
  succeeded
  python3 -c 'import sys, tomllib; t = tomllib.load(open(sys.argv[1], "rb"))
assert t["plugins"]["io.containerd.cri.v1.runtime"]["containerd"]["runtimes"]["agentsafe"]["options"]["BinaryName"].endswith("/agentsafe")' "$NODE"
}

@test "a configuration that containerd does not take stays as it was" {
  need_containerd
  usual
  printf 'this is no toml\n' >>"$NODE"
  cp "$NODE" "$WORK/before"
  install install
  failed 1
  says_error "does not take the new"
  cmp "$WORK/before" "$NODE"
  equal 0 "$(restarts)"
  equal config.toml "$(ls "$WORK/etc")"
}

@test "when containerd does not come back, the old configuration is put back" {
  need_containerd
  usual
  cp "$NODE" "$WORK/before"
  touch "$WORK/broken"
  install install
  failed 1
  says_error "the old one is in place again"
  cmp "$WORK/before" "$NODE"
  equal 2 "$(restarts)"
}

@test "a handler agentsafe of somebody else is left alone" {
  need_containerd
  usual
  printf '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.agentsafe]\n  runtime_type = "x"\n' >>"$NODE"
  install install
  failed 1
  says_error "that install.sh did not write"
  equal 0 "$(restarts)"
}

@test "the installer takes the cgroup driver of the node's runc, or says that it has none" {
  pretend_containerd 1.7.24
  usual true
  install install
  if "$RUNTIME" features | jq -e .linux.cgroup.systemd >/dev/null; then
    succeeded
    grep -A9 'runtimes.agentsafe.options' "$NODE" | grep -q 'SystemdCgroup = true'
  else
    failed 1
    says_error "set DRIVER=cgroupfs"
    install install DRIVER=cgroupfs
    succeeded
  fi
}

@test "a configuration of version 1 is refused with the remedy" {
  pretend_containerd 1.7.24
  printf '[plugins.cri]\n' >"$NODE"
  install install
  failed 1
  says_error "containerd config migrate"
}

with_yaml() {
  local python
  for python in python3 /usr/bin/python3; do "$python" -c 'import yaml' 2>/dev/null && { "$python" "$@"; return; }; done
}
need_yaml() { with_yaml -c 'pass' || skip "no python3 has yaml (python3-yaml)"; }

@test "the manifests have the structure that Kubernetes publishes" {
  need_yaml
  run --separate-stderr with_yaml "$BATS_TEST_DIRNAME/manifests.py" "$KUBERNETES"/*.yaml "$KUBERNETES"/pods/*.yaml "$KUBERNETES"/agent-sandbox/*.yaml
  succeeded
}

@test "the check of manifests finds unknown members, wrong values and missing volumes" {
  need_yaml
  sed 's/runtimeClassName/runtimeClasName/; s/mountPath: .workspace/mountPath: 7/; s/memory: 2Gi/memory: two/' "$KUBERNETES/pods/coding-agent.yaml" >"$WORK/pod.yaml"
  run --separate-stderr with_yaml "$BATS_TEST_DIRNAME/manifests.py" "$WORK/pod.yaml"
  failed 1
  says runtimeClasName
  says "'two'"
  says "7 is no text"
  sed 's/^  - name: workspace/  - name: elsewhere/' "$KUBERNETES/pods/coding-agent.yaml" >"$WORK/pod.yaml"
  run --separate-stderr with_yaml "$BATS_TEST_DIRNAME/manifests.py" "$WORK/pod.yaml"
  failed 1
  says "has no volume"
}

@test "every RuntimeClass has a handler that the installer writes" {
  pretend_containerd 1.7.24
  install install POLICIES="$(sed -n '/name: POLICIES/{n;s/ *value: //p}' "$KUBERNETES/daemonset.yaml")"
  succeeded
  local handler
  for handler in $(sed -n 's/^handler: //p' "$KUBERNETES/runtimeclass.yaml"); do grep -q "runtimes.$handler\]" "$NODE"; done
}

@test "the annotations of the example pods narrow the strict policy" {
  is_agentsafe || skip "about agentsafe"
  need_yaml
  local file annotations
  for file in "$KUBERNETES"/pods/coding-agent.yaml "$KUBERNETES"/agent-sandbox/template.yaml; do
    annotations=$(with_yaml -c 'import json, sys, yaml; d = yaml.safe_load(open(sys.argv[1]))
print(json.dumps((d["spec"].get("podTemplate") or d)["metadata"]["annotations"]))' "$file")
    edit ".annotations = $annotations"
    run --separate-stderr "$RUNTIME" --policy strict policy explain "$BUNDLE"
    succeeded
    says org.agentsafe
  done
}
