"""What of the host a container gets: mounts, devices, user namespaces, and ctr beside CRI."""
import os
import subprocess
import zlib

from cri import BIDIRECTIONAL, HOST_TO_CONTAINER, POD, PRIVATE, RUNNING, eventually
from harness import ENGINES, Skip, equal, refused, true

TMPFS = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs"]


def folder(cri, name):
    path = os.path.join(cri.folder, f"{cri.name}-{name}")
    os.makedirs(path, exist_ok=True)
    return path


def case_host_folders_are_mounted_writable_and_read_only(cri):
    path = folder(cri, "data")
    container = cri.pod().container(mounts=[{"container_path": "/mnt/rw", "host_path": path},
                                            {"container_path": "/mnt/ro", "host_path": path, "readonly": True}])
    container.shell("echo written >/mnt/rw/file")
    with open(path + "/file") as file:
        equal("written\n", file.read())
    status, _, error = container.exec("touch", "/mnt/ro/other")
    true(status and "Read-only" in error, error)


def case_mounts_of_the_host_appear_as_the_propagation_says(cri):
    shared = folder(cri, "shared")
    subprocess.run(TMPFS + [shared], check=True)
    subprocess.run(["mount", "--make-shared", shared], check=True)
    os.mkdir(shared + "/host")
    os.mkdir(shared + "/inside")
    try:
        pod = cri.pod(linux={"security_context": {"privileged": True}})
        mount = {"container_path": "/mnt/x", "host_path": shared}
        privileged = {"linux": {"security_context": {"privileged": True}}}
        private = pod.container(mounts=[{**mount, "propagation": PRIVATE}])
        slave = pod.container(mounts=[{**mount, "propagation": HOST_TO_CONTAINER}])
        both = pod.container(mounts=[{**mount, "propagation": BIDIRECTIONAL}], **privileged)
        subprocess.run(TMPFS + [shared + "/host"], check=True)
        open(shared + "/host/file", "w").close()
        equal([1, 0, 0], [c.exec("test", "-e", "/mnt/x/host/file")[0] for c in (private, slave, both)])
        both.shell("mount -t tmpfs tmpfs /mnt/x/inside && touch /mnt/x/inside/file")
        equal([True, 1, 0], [os.path.exists(shared + "/inside/file")] + [
            c.exec("test", "-e", "/mnt/x/inside/file")[0] for c in (private, slave)])
        both.run("umount", "/mnt/x/inside")
        cri.tidy()
    finally:
        subprocess.run(["umount", "-R", "-l", shared], check=False)


def features(cri):
    handlers = {handler["name"]: handler["features"] or {} for handler in cri.call("Status")["runtime_handlers"]}
    return handlers.get(cri.handler)


def version(cri):
    return tuple(int(n) for n in cri.call("Version")["runtime_version"].lstrip("v").split("~")[0].split(".")[:2])


def case_a_recursive_read_only_mount_has_no_writable_mount_below(cri):
    if version(cri) < (2, 0):
        raise Skip("containerd has recursive read-only mounts from 2.0 on")
    true(features(cri)["recursive_read_only_mounts"], "the handler's features do not name recursive read-only mounts")
    tree = folder(cri, "tree")
    subprocess.run(TMPFS + [tree], check=True)
    try:
        os.mkdir(tree + "/below")
        subprocess.run(TMPFS + [tree + "/below"], check=True)
        container = cri.pod().container(mounts=[{
            "container_path": "/mnt/t", "host_path": tree, "readonly": True, "recursive_read_only": True}])
        for path in ("/mnt/t/file", "/mnt/t/below/file"):
            status, _, error = container.exec("touch", path)
            true(status and "Read-only" in error, error)
        cri.tidy()
    finally:
        subprocess.run(["umount", "-R", "-l", tree], check=False)


def case_devices_are_made_with_their_permissions(cri):
    container = cri.pod().container(devices=[
        {"host_path": "/dev/null", "container_path": "/dev/nothing", "permissions": "rw"},
        {"host_path": "/dev/zero", "container_path": "/dev/zeroes", "permissions": "r"}])
    container.shell("echo x >/dev/nothing; head -c 4 /dev/zeroes >/dev/null")
    return container.run("stat", "-c", "%F %t %T %a", "/dev/nothing", "/dev/zeroes")


def first_id(cri):
    """Of a range of the case's own: containerd 1.7 prepares a snapshot for each mapping, two at once collide."""
    return 200000 + 65536 * (zlib.crc32(cri.name.encode()) % 4096)


def maps(cri):
    one = [{"host_id": first_id(cri), "container_id": 0, "length": 65536}]
    return {"mode": POD, "uids": one, "gids": one}


def case_a_pod_with_a_user_namespace_maps_root_to_nobody_of_the_host(cri):
    if version(cri) < (1, 7):
        raise Skip("containerd has user namespaces of pods from 1.7 on")
    options = {"namespace_options": {"pid": 1, "userns_options": maps(cri)}}
    pod = cri.pod(linux={"security_context": options})
    one = pod.container(linux={"security_context": options})
    two = pod.container(linux={"security_context": options})
    equal(["0", str(first_id(cri)), "65536"], one.run("cat", "/proc/self/uid_map").split())
    equal(one.run("readlink", "/proc/self/ns/user"), two.run("readlink", "/proc/self/ns/user"))
    equal("0", one.run("id", "-u"))
    equal(first_id(cri), os.stat(f"/proc/{one.pid()}").st_uid)
    one.run("touch", "/data/file")
    equal("root root", one.run("stat", "-c", "%U %G", "/data/file"))
    one.shell("echo x >/dev/null; mkdir /tmp/m; mount -t tmpfs tmpfs /tmp/m 2>/dev/null && exit 1; hostname >/dev/null")
    return one.run("cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start")


def case_a_host_folder_is_writable_for_the_user_namespace_that_owns_it(cri):
    if version(cri) < (1, 7):
        raise Skip("containerd has user namespaces of pods from 1.7 on")
    path = folder(cri, "owned")
    os.chown(path, first_id(cri), first_id(cri))
    options = {"namespace_options": {"pid": 1, "userns_options": maps(cri)}}
    container = cri.pod(linux={"security_context": options}).container(
        mounts=[{"container_path": "/mnt/own", "host_path": path}], linux={"security_context": options})
    container.run("touch", "/mnt/own/file")
    equal(first_id(cri), os.stat(path + "/file").st_uid)


def case_ctr_runs_a_container_beside_the_pods(only_sut):
    cri = only_sut
    engine = ENGINES[cri.socket]
    name = cri.name

    def ctr(*words, **options):
        return subprocess.run(["ctr", "-a", engine.socket, "-n", "k8s.io", *words], capture_output=True, text=True,
                              check=True, **options).stdout.strip()
    run = ["run", "--runc-binary", engine.runtime]
    image = "localhost/agentsafe-cri:test"
    equal("hello", ctr(*run, "--rm", "--cgroup", cri.parent.replace(".slice", "") + "/" + name, image, name, "echo", "hello"))
    ctr(*run, "-d", "--cgroup", cri.parent.replace(".slice", "") + "/" + name, image, name, "sleep", "1000")
    try:
        true("RUNNING" in ctr("task", "ls"), "the task does not run")
        equal("inside", ctr("task", "exec", "--exec-id", "e", name, "echo", "inside"))
        ctr("task", "pause", name)
        true("PAUSED" in ctr("task", "ls"), "the task is not paused")
        ctr("task", "resume", name)
        ctr("task", "kill", "-s", "KILL", name)
        eventually(20, lambda: f"{name} " not in ctr("task", "ls") or "STOPPED" in ctr("task", "ls"), "the end")
    finally:
        subprocess.run(["ctr", "-a", engine.socket, "-n", "k8s.io", "task", "rm", "-f", name], capture_output=True)
        ctr("container", "rm", name)
