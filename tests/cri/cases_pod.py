"""The life of pods and containers: namespaces, exec, attach, port-forward, logs, probes, resources."""
import json
import os
import re
import socket
import time

from cri import CREATED, EXITED, IDLE, NODE, POD, RUNNING, TARGET, eventually
from harness import ENGINES, equal, refused, serial, true
from streams import RESIZE, RESULT, STDERR, STDIN, STDOUT

CGROUP_V2 = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
OWN = ("mnt", "pid") + (("cgroup",) if CGROUP_V2 else ())  # engines make no cgroup namespace on version 1
SHARED = ("net", "ipc", "uts")


def namespaces(container):
    return {name: container.run("readlink", f"/proc/self/ns/{name}") for name in OWN + SHARED}


def case_two_containers_of_a_pod_share_network_ipc_and_uts(cri):
    pod = cri.pod()
    one, two = namespaces(pod.container()), namespaces(pod.container())
    equal({name: True for name in SHARED}, {name: one[name] == two[name] for name in SHARED})
    equal({name: False for name in OWN}, {name: one[name] == two[name] for name in OWN})


def case_two_containers_of_a_pod_meet_on_loopback_and_in_shared_memory(cri):
    pod = cri.pod()
    server = pod.container(["sh", "-c", "echo secret >/dev/shm/word; while echo hello | nc -l -p 8080; do :; done"])
    client = pod.container()
    eventually(20, lambda: client.exec("sh", "-c", "nc -w 1 127.0.0.1 8080 </dev/null | grep hello")[0] == 0, "the server")
    equal("secret", client.run("cat", "/dev/shm/word"))
    server.stop()


def case_the_hostname_and_name_servers_are_the_pods(cri):
    pod = cri.pod(hostname="my-pod", dns_config={"servers": ["192.0.2.53"], "searches": ["example.org"]})
    container = pod.container()
    equal("my-pod", container.run("hostname"))
    return container.run("cat", "/etc/resolv.conf")


def case_a_pod_may_share_its_pid_namespace(cri):
    pod = cri.pod(linux={"security_context": {"namespace_options": {"pid": POD}}})
    one, two = pod.container(["sleep", "7391"]), pod.container()
    true("7391" in two.run("ps", "-o", "args"), "the other container's process is not seen")
    equal(one.run("readlink", "/proc/self/ns/pid"), two.run("readlink", "/proc/self/ns/pid"))
    true("tail" in two.run("cat", "/proc/1/cmdline"), "the pause container is process 1")


def case_a_debug_container_joins_the_pid_namespace_of_its_target(cri):
    pod = cri.pod()
    target = pod.container(["sleep", "7392"])
    debug = pod.container(linux={"security_context": {"namespace_options": {"pid": TARGET, "target_id": target.id}}})
    true("7392" in debug.run("cat", "/proc/1/cmdline").replace("\0", " "), "process 1 is not the target's")


def case_environment_working_folder_and_arguments_are_the_containers(cri):
    container = cri.pod().container(["sh", "-c", 'echo "$0 $WORD $PWD"; exec sleep 1000', "argument"],
                                    envs=[{"key": "WORD", "value": "one=two"}], working_dir="/made/for/it")
    eventually(20, container.log_lines, "a line in the log")
    return container.log_lines()


def case_exec_sync_returns_both_streams_and_the_status(cri):
    container = cri.pod().container()
    equal((7, "out\n", "err\n"), container.exec("sh", "-c", "echo out; echo err >&2; exit 7"))
    equal((0, "x" * 200000, ""), container.exec("sh", "-c", "yes x | head -n 200000 | tr -d '\\n'"))


def case_exec_sync_of_a_missing_command_is_an_error_with_its_name(cri):
    container = cri.pod().container()
    refused("nosuchthing.*(not found|no such file)", lambda: container.exec("nosuchthing"))


def case_exec_sync_ends_at_its_timeout(cri):
    container = cri.pod().container()
    started = time.monotonic()
    refused("timeout", lambda: container.exec("sleep", "7393", timeout=2))
    true(time.monotonic() - started < 60, "it took too long")
    eventually(20, lambda: "7393" not in container.run("ps", "-o", "args"), "the end of the command")


def case_probes_by_exec_follow_the_file_they_look_for(cri):
    container = cri.pod().container()
    seen = [container.exec("cat", "/tmp/healthy")[0]]
    container.run("touch", "/tmp/healthy")
    seen += [container.exec("cat", "/tmp/healthy", timeout=60)[0] for _ in range(8)]
    container.run("rm", "/tmp/healthy")
    seen.append(container.exec("cat", "/tmp/healthy")[0])
    equal([1] + [0] * 8 + [1], seen)


def case_probes_by_tcp_reach_the_pod_from_outside(cri):
    pod = cri.pod()
    pod.container(["sh", "-c", "while echo hello | nc -l -p 8081; do :; done"])
    address = pod.ip

    def answers():
        try:
            with socket.create_connection((address, 8081), timeout=5) as sock:
                return sock.recv(100) == b"hello\n"
        except OSError:
            return False
    eventually(30, answers, "an answer of the pod")


def case_streaming_exec_passes_input_output_and_status(cri):
    container = cri.pod().container()
    with container.stream("sh", "-c", "read a; echo got $a; echo problem >&2; exit 5") as stream:
        stream.send(STDIN, b"this\n")
        channels = stream.read_all()
    equal((b"got this\n", b"problem\n"), (channels[STDOUT], channels[STDERR]))
    equal("5", json.loads(channels[RESULT])["details"]["causes"][0]["message"])


def case_streaming_exec_has_a_terminal_whose_size_changes(cri):
    container = cri.pod().container()
    with container.stream("sh", tty=True) as stream:
        stream.send(RESIZE, b'{"Width": 91, "Height": 33}')
        stream.send(STDIN, b"until [ \"$(stty size)\" = '33 91' ]; do :; done; test -t 0 && echo is-a-$((1+1))-terminal\n")
        stream.read_until(STDOUT, b"is-a-2-terminal")
        stream.send(STDIN, b"exit 3\n")
        equal("3", json.loads(stream.read_all()[RESULT])["details"]["causes"][0]["message"])


def case_attach_writes_and_reads(cri):
    container = cri.pod().container(["sh", "-c", "while read line; do echo you said $line; done; echo over"], stdin=True,
                                    stdin_once=True)
    with container.attach() as stream:
        stream.send(STDIN, b"first\n")
        equal(b"you said first\n", stream.read_until(STDOUT, b"first\n"))
        stream.close_input()
    equal(0, container.wait()["exit_code"])
    equal([("stdout", "F", "you said first"), ("stdout", "F", "over")], container.log_lines())


def case_attach_to_a_terminal(cri):
    container = cri.pod().container(["sh"], stdin=True, tty=True)
    with container.attach(tty=True) as stream:
        stream.send(STDIN, b"tty; echo it is $((40+2))\n")
        return re.findall(rb"/dev/[a-z]*/?\d*|it is 42", stream.read_until(STDOUT, b"it is 42"))


def forwarded(pod, port):
    """What a server behind the port says; tried again while it does not listen."""
    got = b""

    def said_something():
        nonlocal got
        with pod.forward(port) as stream:
            channels = stream.read_all()
        got = channels.get(0, b"")[2:]  # the first two bytes of each channel tell the port
        return bool(got)
    eventually(30, said_something, f"an answer on port {port}")
    return got


def case_port_forward_reaches_a_server_of_the_pod(cri):
    pod = cri.pod()
    pod.container(["sh", "-c", "while echo from inside | nc -l -p 8082; do :; done"])
    equal(b"from inside\n", forwarded(pod, 8082))


def case_logs_name_stream_and_partial_lines_and_can_be_reopened(cri):
    container = cri.pod().container(
        ["sh", "-c", "echo out; echo err >&2; yes x | head -n 20000 | tr -d '\\n'; echo; "
         "until [ -e /tmp/go ]; do sleep 0.1; done; echo again; exec sleep 1000"])
    eventually(30, lambda: len(container.log_lines()) >= 4, "four lines")
    kinds = sorted((stream, tag, len(text)) for stream, tag, text in container.log_lines())
    os.rename(container.log, container.log + ".old")
    container.reopen_log()
    container.run("touch", "/tmp/go")
    eventually(20, lambda: container.log_lines() == [("stdout", "F", "again")], "the line in the new log")
    return kinds


def case_exit_status_and_reason_are_reported(cri):
    pod = cri.pod()
    ended = [pod.container(["sh", "-c", script]).wait() for script in ("exit 0", "exit 3", "sh -c 'kill -9 $$'")]
    return [(status["exit_code"], status["reason"]) for status in ended]


def case_a_command_that_is_missing_fails_at_start_and_leaves_a_status(cri):
    container = cri.pod().container(["/no/such/program"], start=False)
    equal(CREATED, container.status()["state"])
    refused("/no/such/program", container.start)
    status = container.status()
    container.remove()
    return status["state"], status["exit_code"], status["reason"]


def case_stop_sends_term_and_then_kills(cri):
    pod = cri.pod()
    polite = pod.container(["sh", "-c", "trap 'echo bye; exit 4' TERM; touch /tmp/ready; while :; do sleep 0.1; done"])
    deaf = pod.container(["sh", "-c", "trap '' TERM; touch /tmp/ready; while :; do sleep 0.1; done"])
    for container in (polite, deaf):
        eventually(20, lambda: container.exec("test", "-e", "/tmp/ready")[0] == 0, "the trap")
    polite.stop(60)
    deaf.stop(1)
    equal([("stdout", "F", "bye")], polite.log_lines())
    equal([4, 137], [polite.status()["exit_code"], deaf.status()["exit_code"]])


def case_a_container_can_be_replaced_in_its_pod(cri):
    pod = cri.pod()
    first = pod.container(["sh", "-c", "exit 1"], metadata={"name": "again", "attempt": 0})
    first.wait()
    before = pod.ip
    second = pod.container(metadata={"name": "again", "attempt": 1})
    first.remove()
    equal(RUNNING, second.status()["state"])
    equal(before, pod.ip)


def case_stopping_a_pod_ends_its_containers(cri):
    pod = cri.pod()
    container = pod.container(["sh", "-c", "sleep 1001 & exec sleep 1002"])
    pod.stop()
    equal((EXITED, 137), (container.status()["state"], container.status()["exit_code"]))
    refused("not running|not found|stopped|NotReady|exited|EXITED", lambda: container.exec("true"))


def case_the_termination_message_is_left_in_its_file(cri):
    pod = cri.pod()
    message = os.path.join(pod.logs, "message")
    open(message, "w").close()
    container = pod.container(["sh", "-c", "echo it went wrong >/dev/termination-log; exit 1"], mounts=[
        {"container_path": "/dev/termination-log", "host_path": message}])
    equal(1, container.wait()["exit_code"])
    with open(message) as file:
        equal("it went wrong\n", file.read())


def v2_path(container):
    with open(f"/proc/{container.pid()}/cgroup") as file:
        lines = [line.rstrip("\n").split(":", 2) for line in file]
    return {name or "": path for _, names, path in lines for name in names.split(",")}


def knob(container, controller, v1, v2):
    """A file of the container's cgroup, read on the host."""
    paths = v2_path(container)
    base = "/sys/fs/cgroup" + (f"/{controller}" + paths[controller] if controller in paths else paths[""])
    with open(f"{base}/{v1 if controller in paths else v2}") as file:
        return file.read().strip()


# CPU shares by the weight that runtimes make of them on version 2: there is an old formula and a newer one
SHARES = {"10": "256", "35": "256", "20": "512", "59": "512"}


def limits(container):
    weight = knob(container, "cpu", "cpu.shares", "cpu.weight")
    return [knob(container, "memory", "memory.limit_in_bytes", "memory.max"),
            SHARES.get(weight, weight), knob(container, "cpu", "cpu.cfs_quota_us", "cpu.max"),
            knob(container, "cpuset", "cpuset.cpus", "cpuset.cpus")]


def case_resources_are_set_and_updated_in_place(cri):
    container = cri.pod().container(linux={"resources": {
        "memory_limit_in_bytes": 64 << 20, "cpu_shares": 512, "cpu_period": 100000, "cpu_quota": 50000, "cpuset_cpus": "0",
        "oom_score_adj": 321}})
    first = limits(container)
    equal("321", container.run("cat", "/proc/1/oom_score_adj"))
    pid = container.pid()
    container.update(memory_limit_in_bytes=96 << 20, cpu_shares=256, cpu_period=100000, cpu_quota=25000)
    second = limits(container)
    equal((str(64 << 20), str(96 << 20), pid), (first[0], second[0], container.pid()))
    equal(("512", "256"), (first[1], second[1]))
    return first, second


def case_an_update_that_the_kernel_refuses_changes_nothing(cri):
    container = cri.pod().container(linux={"resources": {"memory_limit_in_bytes": 64 << 20, "cpuset_cpus": "0"}})
    before = limits(container)
    refused("cpuset|invalid|numerical|range|busy", lambda: container.update(
        memory_limit_in_bytes=96 << 20, cpuset_cpus="4095"))
    equal((before[0], before[3]), (limits(container)[0], limits(container)[3]))


def case_running_out_of_memory_is_reported_as_such(cri):
    container = cri.pod().container(
        ["sh", "-c", "exec tail /dev/zero"], linux={"resources": {
            "memory_limit_in_bytes": 24 << 20, "memory_swap_limit_in_bytes": 24 << 20}})
    container.wait(seconds=90)
    # an event of its own tells containerd, sometimes after that of the exit
    eventually(30, lambda: container.status()["reason"] == "OOMKilled", "the reason OOMKilled")
    return equal(137, container.status()["exit_code"])


def case_statistics_count_memory_and_processor(cri):
    container = cri.pod().container(["sh", "-c", "i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done; exec sleep 1000"])

    def counted():
        stats = container.stats()
        return stats["cpu"]["usage_core_nano_seconds"]["value"] > 1000000 and stats["memory"]["working_set_bytes"]["value"]
    eventually(30, counted, "figures")


def case_a_pod_may_use_the_hosts_network(cri):
    pod = cri.pod(hostname="", linux={"security_context": {"namespace_options": {"network": NODE}}})
    equal(os.readlink("/proc/self/ns/net"), pod.container().run("readlink", "/proc/self/ns/net"))


@serial
def case_containers_survive_a_restart_of_containerd(only_sut):
    cri = only_sut
    container = cri.pod().container(["sh", "-c", IDLE[2]])
    pid = container.pid()
    engine = ENGINES[cri.socket]
    engine.stop()
    engine.start()
    eventually(60, lambda: container.status()["state"] == RUNNING, "the container")
    equal(pid, container.pid())
    equal("alive", container.run("echo", "alive"))
    container.stop(30)
    equal(0, container.status()["exit_code"])
