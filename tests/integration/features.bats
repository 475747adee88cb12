load helpers

feature() { rt features | jq -c "$1"; }

@test "features prints JSON to stdout and nothing to stderr" {
  is_crun && skip "crun 1.8.1 has no features"
  run_rt features
  succeeded
  equal "" "$stderr"
  jq -e . <<<"$output" >/dev/null
}

@test "features names the versions, hooks, namespaces and mount options" {
  is_crun && skip "crun 1.8.1 has no features"
  equal '"1.0.0"' "$(feature .ociVersionMin)"
  [[ $(feature .ociVersionMax) =~ ^\"1\.[0-9]+\.[0-9] ]]
  equal '["createContainer","createRuntime","poststart","poststop","prestart","startContainer"]' "$(feature '.hooks | sort')"
  is_agentsafe || return 0
  equal '["cgroup","ipc","mount","network","pid","time","user","uts"]' "$(feature '.linux.namespaces | sort')"
  equal true "$(feature '.mountOptions == (.mountOptions | sort)')"
  equal true "$(feature '[.mountOptions[] | select(. == ("rro", "idmap", "ridmap", "tmpcopyup", "bind", "rbind", "lazytime"))] | length == 7')"
}

@test "features tells what the kernel and the build can do" {
  is_agentsafe || skip "keys newer than other runtimes"
  equal true "$(feature .linux.seccomp.enabled)"
  equal true "$(feature .linux.cgroup.v1)"
  equal true "$(feature .linux.cgroup.v2)"
  equal true "$(feature .linux.mountExtensions.idmap.enabled)"
  equal true "$(feature .linux.netDevices.enabled)"
  equal '"true"' "$(feature '.annotations["org.opencontainers.runc.checkpoint.enabled"]')"
  equal true "$(feature '.linux.capabilities | index("CAP_CHECKPOINT_RESTORE") != null')"
  equal true "$(feature '.linux.seccomp.actions | index("SCMP_ACT_NOTIFY") != null')"
  equal true "$(feature '.linux.seccomp.archs | index("SCMP_ARCH_X86_64") != null')"
  equal true "$(feature '.linux.cgroup.systemd and .linux.cgroup.systemdUser')"
  equal true "$(feature '.linux.memoryPolicy.modes | length >= 7')"
  equal '["bundle","org.agentsafe.","org.criu.config","org.systemd.property.","run.oci."]' "$(feature .potentiallyUnsafeConfigAnnotations)"
}

@test "features is indented by four spaces, and names the runc that it stands for" {
  is_agentsafe || skip "runc's layout"
  equal '    "ociVersionMin": "1.0.0",' "$(rt features | sed -n 2p)"
  [[ $(feature '.annotations["org.opencontainers.runc.version"]') =~ ^\"1\.[0-9]+\.[0-9]+\"$ ]]
  [[ $(feature '.annotations["io.github.seccomp.libseccomp.version"]') =~ ^\"2\.[0-9]+\.[0-9]+\"$ ]]
}
