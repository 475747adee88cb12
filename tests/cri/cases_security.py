"""Who a container's processes are and what they may do: users, capabilities, seccomp, AppArmor, sysctls, masks."""
import json
import os
import shutil
import subprocess

from cri import LOCALHOST, NODE, RUNTIME_DEFAULT, UNCONFINED, eventually
from harness import Skip, equal, refused, true

APPARMOR = "/sys/module/apparmor/parameters/enabled"


def secured(**context):
    return {"linux": {"security_context": context}}


def status_of(container, *keys):
    lines = dict(line.split(":\t", 1) for line in container.run("cat", "/proc/self/status").splitlines() if ":\t" in line)
    return [lines.get(key, "").strip() for key in keys]


def case_user_group_and_supplemental_groups_are_the_containers(cri):
    pod = cri.pod()
    numbers = pod.container(**secured(run_as_user={"value": 1234}, run_as_group={"value": 5678},
                                      supplemental_groups=[4444, 5555]))
    equal(["1234\t1234\t1234\t1234", "5678\t5678\t5678\t5678"], status_of(numbers, "Uid", "Gid"))
    name = pod.container(**secured(run_as_username="worker"))
    groups = status_of(numbers, "Groups") + status_of(name, "Uid", "Gid", "Groups")
    true({"4444", "5555"} <= set(groups[0].split()), groups)
    true("2000" in groups[3].split(), groups)
    return groups


def case_capabilities_are_added_and_dropped(cri):
    pod = cri.pod()
    plain = pod.container()
    more = pod.container(**secured(capabilities={"add_capabilities": ["NET_ADMIN"], "drop_capabilities": ["CHOWN"]}))
    none = pod.container(**secured(capabilities={"drop_capabilities": ["ALL"]}))
    every = pod.container(**secured(capabilities={"add_capabilities": ["ALL"]}))
    got = [status_of(container, "CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb") for container in
           (plain, more, none, every)]
    equal("0000000000000000", got[2][0])
    true(int(got[1][0], 16) >> 12 & 1 and not int(got[1][0], 16) & 1, got)
    return got


def case_no_new_privileges_and_a_read_only_root(cri):
    pod = cri.pod()
    container = pod.container(**secured(no_new_privs=True, readonly_rootfs=True))
    equal(["1"], status_of(container, "NoNewPrivs"))
    status, _, error = container.exec("touch", "/file")
    true(status and "Read-only" in error, error)
    equal(["0"], status_of(pod.container(), "NoNewPrivs"))


def case_seccomp_runtime_default_filters_and_unconfined_does_not(cri):
    pod = cri.pod()
    filtered = pod.container(**secured(seccomp={"profile_type": RUNTIME_DEFAULT}))
    free = pod.container(**secured(seccomp={"profile_type": UNCONFINED}))
    equal([["2"], ["0"]], [status_of(filtered, "Seccomp"), status_of(free, "Seccomp")])
    status, _, error = filtered.exec("unshare", "-U", "true")
    true(status and "not permitted" in error, error)
    return status_of(filtered, "Seccomp_filters")


def case_seccomp_localhost_takes_a_profile_of_the_node(cri):
    path = os.path.join(cri.folder, cri.name + "-seccomp.json")
    with open(path, "w") as file:
        json.dump({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}]}, file)
    pod = cri.pod()
    container = pod.container(**secured(seccomp={"profile_type": LOCALHOST, "localhost_ref": path}))
    status, _, error = container.exec("mkdir", "/tmp/x")
    true(status and "not supported" in error, error)
    container.run("touch", "/tmp/y")
    missing = {"profile_type": LOCALHOST, "localhost_ref": path + ".none"}
    refused("no such file|cannot load", lambda: pod.container(**secured(seccomp=missing)))


def need_apparmor():
    if not os.path.exists(APPARMOR) or open(APPARMOR).read().strip() != "Y":
        raise Skip("the kernel has no AppArmor")
    if not shutil.which("apparmor_parser"):
        raise Skip("no apparmor_parser")


def label_of(container):
    return container.run("cat", "/proc/self/attr/current")


def case_apparmor_runtime_default_labels_and_unconfined_does_not(cri):
    need_apparmor()
    pod = cri.pod()
    labels = [label_of(pod.container(**secured(apparmor={"profile_type": kind}))) for kind in (RUNTIME_DEFAULT, UNCONFINED)]
    true("enforce" in labels[0], labels)
    equal("unconfined", labels[1])
    return labels


def case_apparmor_localhost_profiles_are_enforced_for_exec_too(cri):
    need_apparmor()
    subprocess.run(["apparmor_parser", "-Kr"], check=True, text=True, input="""
profile agentsafe-cri-tests flags=(attach_disconnected,mediate_deleted) {
  file,
  capability,
  network,
  signal,
  unix,
  ptrace,
  deny /data/** w,
}
""")
    pod = cri.pod()
    profile = {"profile_type": LOCALHOST, "localhost_ref": "agentsafe-cri-tests"}
    container = pod.container(["sh", "-c", "cat /proc/self/attr/current; touch /data/x; echo $?; exec sleep 1000"],
                              **secured(apparmor=profile))
    equal("agentsafe-cri-tests (enforce)", label_of(container))
    status, _, error = container.exec("touch", "/data/y")
    true(status and "denied" in error.lower(), error)
    container.run("touch", "/tmp/y")
    eventually(20, lambda: len(container.log_lines()) == 3, "three lines of the container's own process")
    equal(["1", "agentsafe-cri-tests (enforce)"], sorted(text for stream, _, text in container.log_lines()
                                                         if stream == "stdout"))
    stranger = {"profile_type": LOCALHOST, "localhost_ref": "nobody-loaded-this"}
    refused("nobody-loaded-this|profile not found", lambda: pod.container(**secured(apparmor=stranger)))


def case_apparmor_profiles_that_are_shipped_load_and_confine(cri):
    need_apparmor()
    shipped = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "contrib", "apparmor")
    if not os.path.isdir(shipped):
        raise Skip("contrib/apparmor is not here")
    if os.path.exists("/etc/apparmor.d/abi/4.0"):  # AppArmor 4
        subprocess.run(["apparmor_parser", "-QK", shipped + "/agentsafe"], check=True)
    subprocess.run(["apparmor_parser", "-Kr", shipped + "/agentsafe-container"], check=True)
    profile = {"profile_type": LOCALHOST, "localhost_ref": "agentsafe-container"}
    container = cri.pod().container(**secured(apparmor=profile, capabilities={"add_capabilities": ["SYS_ADMIN"]}))
    equal("agentsafe-container (enforce)", label_of(container))
    status, _, error = container.exec("mount", "-t", "tmpfs", "tmpfs", "/data")
    true(status and "denied" in error.lower(), error)
    container.shell("echo x >/data/file; sleep 1000 & kill $!; ps >/dev/null")
    container.stop(60)
    equal(0, container.status()["exit_code"])  # the signal of the runtime arrives


def case_sysctls_of_the_pods_namespaces_are_set(cri):
    pod = cri.pod(linux={"sysctls": {"net.ipv4.ip_local_port_range": "20000 30000", "kernel.shm_rmid_forced": "1",
                                     "net.ipv4.ip_unprivileged_port_start": "0"}})
    container = pod.container()
    names = ("net/ipv4/ip_local_port_range", "kernel/shm_rmid_forced", "net/ipv4/ip_unprivileged_port_start")
    return equal(["20000\t30000", "1", "0"], [container.run("cat", "/proc/sys/" + name) for name in names])


def case_sysctls_of_the_host_are_refused(cri):
    refused("sysctl", lambda: cri.pod(linux={"sysctls": {"vm.swappiness": "10"}}))
    refused("sysctl", lambda: cri.pod(linux={"sysctls": {"net.core.somaxconn": "100"},
                                             "security_context": {"namespace_options": {"network": NODE}}}))


def mount_points(container):
    return {line.split()[1] for line in container.run("cat", "/proc/mounts").splitlines()}


def case_masked_and_read_only_paths_are_the_lists_that_were_sent(cri):
    pod = cri.pod()
    listed = pod.container(**secured(masked_paths=["/proc/keys", "/proc/timer_list"], readonly_paths=["/proc/sys"]))
    equal("", listed.run("cat", "/proc/keys"))
    status, _, error = listed.exec("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
    true(status and "Read-only" in error, error)
    points = sorted(point for point in mount_points(listed) if point.startswith("/proc/"))
    equal(True, {"/proc/keys", "/proc/sys"} <= set(points))
    return points


def case_a_privileged_container_sees_all_devices_and_may_do_all(cri):
    # the pod has to be privileged too
    pod = cri.pod(**secured(privileged=True))
    container = pod.container(**secured(privileged=True, apparmor={"profile_type": UNCONFINED}))
    got = status_of(container, "CapEff", "CapBnd", "Seccomp")
    equal("0", got[2])
    equal([], [point for point in mount_points(container) if point.startswith("/proc/")])
    devices = set(container.run("ls", "/dev").split())
    for name in ("loop-control", "fuse", "net"):
        equal(os.path.exists("/dev/" + name), name in devices)
    container.shell("mkdir /tmp/m && mount -t tmpfs tmpfs /tmp/m && umount /tmp/m")
    return got


def case_a_privileged_container_may_write_its_cgroups_and_sys(cri):
    container = cri.pod(**secured(privileged=True)).container(
        **secured(privileged=True, apparmor={"profile_type": UNCONFINED}))
    lines = container.run("cat", "/proc/mounts").splitlines()
    modes = {line.split()[1]: line.split()[3].split(",")[0] for line in lines}
    return equal({"/sys": "rw", "/sys/fs/cgroup": "rw"}, {path: modes[path] for path in ("/sys", "/sys/fs/cgroup")})
