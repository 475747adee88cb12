"""Policies in pods: what the handler's policy forbids, and what annotations make narrower. Handler "strict" has it."""
import json
import socket
import subprocess

from cri import eventually
from harness import equal, refused, true
from cases_pod import forwarded
from cases_security import secured, status_of


def strict(cri):
    return {"handler": cri.handler.replace("sut", "strict")}


def network_of(pod):
    info = json.loads(pod.status()["info"]["info"])
    namespaces = info["runtimeSpec"]["linux"]["namespaces"]
    return next(one["path"] for one in namespaces if one["type"] == "network")


def table_of(pod):
    return subprocess.run(["nsenter", "--net=" + network_of(pod), "nft", "list", "table", "inet", "agentsafe"],
                          capture_output=True, text=True).stdout


def connects(container, address, port):
    return container.exec("nc", "-w", "5", "-z", address, str(port))[0] == 0


def bridge_address():
    return "10.233.7.1"


class Server:
    """Listens on the bridge, outside of every pod."""

    def __enter__(self):
        self.sock = socket.socket()
        self.sock.bind(("0.0.0.0", 0))
        self.sock.listen(64)
        self.port = self.sock.getsockname()[1]
        return self

    def __exit__(self, *_):
        self.sock.close()


def case_a_strict_pod_runs_hardened(only_sut):
    cri = only_sut
    container = cri.pod(**strict(cri)).container()
    equal(["1", "2"], status_of(container, "NoNewPrivs", "Seccomp"))
    equal(0, int(status_of(container, "CapEff")[0], 16) >> 13 & 1)  # NET_RAW
    container.shell("echo kept >/etc/made; grep -q kept /etc/made")


def case_a_strict_pod_refuses_the_hosts_namespaces_and_privileges(only_sut):
    cri = only_sut
    host = {"linux": {"security_context": {"namespace_options": {"network": 2}}}}
    refused("host_namespaces|host's network", lambda: cri.pod(hostname="", **host, **strict(cri)))
    refused("privileged", lambda: cri.pod(**secured(privileged=True), **strict(cri)).container(**secured(privileged=True)))


def case_the_packet_filter_of_a_pod_is_there_before_its_first_container(only_sut):
    cri = only_sut
    pod = cri.pod(**strict(cri))
    true("policy drop" in table_of(pod), "no table \"agentsafe\" beside the pause container")
    with Server() as server:
        one, two = pod.container(), pod.container()
        equal([False, False], [connects(c, bridge_address(), server.port) for c in (one, two)])
    equal(0, one.exec("sh", "-c", "for i in $(seq 50); do echo hi | nc -l -p 9000; done >/dev/null 2>&1 & for i in $(seq 50); do "
                      "nc -w 5 127.0.0.1 9000 </dev/null | grep hi && exit 0; sleep 0.1; done; exit 1")[0])


def case_a_strict_pod_answers_probes_and_port_forward(only_sut):
    cri = only_sut
    pod = cri.pod(**strict(cri))
    pod.container(["sh", "-c", "while echo hello | nc -l -p 8083; do :; done"])
    address = pod.ip

    def answers():
        try:
            with socket.create_connection((address, 8083), timeout=5) as sock:
                return sock.recv(100) == b"hello\n"
        except OSError:
            return False
    eventually(30, answers, "an answer of the pod")
    equal(b"hello\n", forwarded(pod, 8083))


def case_annotations_of_a_pod_make_its_policy_narrower(only_sut):
    cri = only_sut
    pod = cri.pod(annotations={"org.agentsafe.limits.pids": "17", "org.agentsafe.ingress": "none"}, **strict(cri))
    container = pod.container()
    equal(17, int(container.shell("cat /sys/fs/cgroup/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids/pids.max")))
    try:
        socket.create_connection((pod.ip, 8084), timeout=3).close()
        raise AssertionError("a pod whose ingress is none was reached")
    except ConnectionRefusedError:
        raise AssertionError("the pod itself answered with a reset: the packet was let in") from None
    except OSError:
        pass


def case_annotations_of_a_pod_never_make_its_policy_wider(only_sut):
    cri = only_sut
    wider = {"org.agentsafe.limits.pids": "100000"}
    refused("org.agentsafe.limits.pids.*widen", lambda: cri.pod(annotations=wider, **strict(cri)))
    refused("org.agentsafe.egress.mode.*widen", lambda: cri.pod(annotations={"org.agentsafe.egress.mode": "open"}, **strict(cri)))
    pod = cri.pod(**strict(cri))
    refused("org.agentsafe.limits.pids.*widen", lambda: pod.container(annotations=wider))
    equal("still here", pod.container().run("echo", "still here"))


def case_a_container_with_another_egress_than_its_pod_is_refused(only_sut):
    cri = only_sut
    pod = cri.pod(**strict(cri))
    refused("another policy", lambda: pod.container(annotations={"org.agentsafe.egress.mode": "none"}))
    before = table_of(pod)
    pod.container()
    equal(before.count("chain"), table_of(pod).count("chain"))
