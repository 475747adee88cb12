# The policy "strict" under podman: "podman --runtime-flag policy=strict", here a runtime of its own name.

strictly() { RT=strict "$@"; }

ONLY_SUT[strict_hardens_what_podman_runs]=1
case_strict_hardens_what_podman_runs() {
  # what the kernel lets no user enforce is refused by name
  if ! may_limit; then
    refused '12[56]' 'cannot set (cpu|memory|pids).*the container has no cgroup' strictly run bb true
    return
  fi
  is $'NoNewPrivs:\t1' strictly run bb grep NoNewPrivs /proc/self/status
  is made strictly run bb sh -c 'echo made >/etc/made; cat /etc/made'
  refused '12[56]' 'privileged' strictly run --privileged bb true
  refused '12[56]' 'host_namespaces' strictly run --pid host bb true
}

ONLY_SUT[a_user_without_cgroups_gets_the_rest_of_strict]=1
case_a_user_without_cgroups_gets_the_rest_of_strict() {
  rootless_only
  RT=strict-without-limits is $'NoNewPrivs:\t1' run bb grep NoNewPrivs /proc/self/status
  RT=strict-without-limits is made run bb sh -c 'echo made >/etc/made; cat /etc/made'
  RT=strict-without-limits refused '12[56]' 'privileged' run --privileged bb true
}
