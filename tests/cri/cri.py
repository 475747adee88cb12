"""A small client of the Kubernetes Container Runtime Interface: what the kubelet asks of a runtime, in the tests' words.

    cri = Cri("/run/x/containerd.sock", handler="agentsafe", parent="/tests", folder="/tmp/x")
    pod = cri.pod()
    web = pod.container(["sleep", "60"])
    web.run("echo", "hello")                 # "hello"; raises CriError when the status is not 0
    cri.tidy()                               # removes every pod that was made
"""
import itertools
import json
import os
import time

import grpc

from messages import decode, encode
from streams import Stream

IMAGE = "localhost/agentsafe-cri:test"
POD, CONTAINER, NODE, TARGET = range(4)  # NamespaceMode
RUNTIME_DEFAULT, UNCONFINED, LOCALHOST = range(3)  # SecurityProfile.ProfileType
CREATED, RUNNING, EXITED = range(3)  # ContainerState
PRIVATE, HOST_TO_CONTAINER, BIDIRECTIONAL = range(3)  # MountPropagation
IDLE = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1000 & wait $!; done"]
CALLS = {  # name: request, response
    "Version": ("Empty", "VersionResponse"),
    "Status": ("Empty", "StatusResponse"),
    "RunPodSandbox": ("RunPodSandboxRequest", "RunPodSandboxResponse"),
    "StopPodSandbox": ("PodSandboxRequest", "Empty"),
    "RemovePodSandbox": ("PodSandboxRequest", "Empty"),
    "PodSandboxStatus": ("PodSandboxRequest", "PodSandboxStatusResponse"),
    "ListPodSandbox": ("Empty", "ListPodSandboxResponse"),
    "CreateContainer": ("CreateContainerRequest", "CreateContainerResponse"),
    "StartContainer": ("ContainerRequest", "Empty"),
    "StopContainer": ("ContainerRequest", "Empty"),
    "RemoveContainer": ("ContainerRequest", "Empty"),
    "ContainerStatus": ("ContainerStatusRequest", "ContainerStatusResponse"),
    "ListContainers": ("Empty", "ListContainersResponse"),
    "UpdateContainerResources": ("UpdateContainerResourcesRequest", "Empty"),
    "ReopenContainerLog": ("ContainerRequest", "Empty"),
    "ExecSync": ("ExecSyncRequest", "ExecSyncResponse"),
    "Exec": ("ExecRequest", "UrlResponse"),
    "Attach": ("AttachRequest", "UrlResponse"),
    "PortForward": ("PortForwardRequest", "UrlResponse"),
    "ContainerStats": ("ContainerRequest", "ContainerStatsResponse"),
}


class CriError(Exception):
    pass


def eventually(seconds, condition, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise CriError("waited in vain for: " + what)
        time.sleep(0.05)


def merged(base, change):
    """base with the members of change in it, at any depth."""
    result = dict(base)
    for key, value in change.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


class Cri:
    def __init__(self, socket, handler, parent, folder, name="case", timeout=120):
        self.channel = grpc.insecure_channel("unix://" + socket, options=[("grpc.default_authority", "localhost")])
        self.socket = socket
        self.handler, self.parent, self.folder, self.name, self.timeout = handler, parent, folder, name, timeout
        self.numbers = itertools.count()
        self.pods = []

    def call(self, method, values=None):
        request, response = CALLS[method]
        rpc = self.channel.unary_unary(f"/runtime.v1.RuntimeService/{method}",
                                       request_serializer=lambda v: encode(request, v),
                                       response_deserializer=lambda d: decode(response, d))
        try:
            return rpc(values or {}, timeout=self.timeout)
        except grpc.RpcError as error:
            raise CriError(f"{method}: {error.details()}") from None

    def pod(self, **change):
        pod = Pod(self, change)
        self.pods.append(pod)
        pod.start()
        return pod

    def tidy(self):
        for pod in self.pods:
            pod.remove()
        self.pods = []


class Pod:
    def __init__(self, cri, change):
        number = next(cri.numbers)
        name = f"{cri.name}-{number}"
        self.cri, self.id = cri, None
        self.logs = os.path.join(cri.folder, name)
        os.makedirs(self.logs, exist_ok=True)
        self.handler = change.pop("handler", cri.handler)
        self.config = merged({
            "metadata": {"name": name, "uid": f"uid-{name}-{time.monotonic_ns()}", "namespace": "tests"},
            "hostname": name[:60], "log_directory": self.logs,
            "linux": {"cgroup_parent": cri.parent,
                      "security_context": {"namespace_options": {"pid": CONTAINER}}}}, change)

    def start(self):
        self.id = self.cri.call("RunPodSandbox", {"config": self.config,
                                                  "runtime_handler": self.handler})["pod_sandbox_id"]

    def status(self):
        return self.cri.call("PodSandboxStatus", {"pod_sandbox_id": self.id, "verbose": True})

    @property
    def ip(self):
        return self.status()["status"]["network"]["ip"]

    def container(self, command=None, start=True, **change):
        container = Container(self, command or IDLE, change)
        if start:
            container.start()
        return container

    def forward(self, port):
        url = self.cri.call("PortForward", {"pod_sandbox_id": self.id, "port": [port]})["url"]
        return Stream(f"{url}?port={port}")

    def stop(self):
        self.cri.call("StopPodSandbox", {"pod_sandbox_id": self.id})

    def remove(self):
        if self.id:
            self.stop()
            self.cri.call("RemovePodSandbox", {"pod_sandbox_id": self.id})
            self.id = None


class Container:
    def __init__(self, pod, command, change):
        number = next(pod.cri.numbers)
        self.pod, self.cri, self.log = pod, pod.cri, os.path.join(pod.logs, f"{number}.log")
        config = merged({"metadata": {"name": f"c{number}"}, "image": {"image": IMAGE}, "command": command,
                         "log_path": f"{number}.log",
                         "linux": {"security_context": {"namespace_options": pod.config["linux"]["security_context"][
                             "namespace_options"]}}}, change)
        self.id = self.cri.call("CreateContainer", {"pod_sandbox_id": pod.id, "config": config,
                                                    "sandbox_config": pod.config})["container_id"]

    def _call(self, method, **values):
        return self.cri.call(method, {"container_id": self.id, **values})

    def start(self):
        self._call("StartContainer")

    def stop(self, timeout=0):
        self._call("StopContainer", timeout=timeout)

    def remove(self):
        self._call("RemoveContainer")

    def status(self):
        return self._call("ContainerStatus")["status"]

    def wait(self, state=EXITED, seconds=30):
        eventually(seconds, lambda: self.status()["state"] == state, f"state {state}")
        return self.status()

    def update(self, **resources):
        self._call("UpdateContainerResources", linux=resources)

    def stats(self):
        return self._call("ContainerStats")["stats"]

    def reopen_log(self):
        self._call("ReopenContainerLog")

    def exec(self, *command, timeout=0):
        """(status, stdout, stderr)"""
        answer = self._call("ExecSync", cmd=list(command), timeout=timeout)
        return answer["exit_code"], answer["stdout"].decode(), answer["stderr"].decode()

    def run(self, *command):
        status, out, err = self.exec(*command)
        if status:
            raise CriError(f"status {status} of {' '.join(command)}: {out}{err}")
        return out.strip()

    def shell(self, script):
        return self.run("sh", "-c", script)

    def stream(self, *command, tty=False, stdin=True):
        url = self._call("Exec", cmd=list(command), tty=tty, stdin=stdin, stdout=True, stderr=not tty)["url"]
        return Stream(url)

    def attach(self, tty=False, stdin=True):
        return Stream(self._call("Attach", stdin=stdin, tty=tty, stdout=True, stderr=not tty)["url"])

    def log_lines(self):
        """[(stream, "F" or "P", text)]"""
        with open(self.log) as file:
            return [tuple(line.rstrip("\n").split(" ", 3)[1:]) for line in file]

    def pid(self):
        return json.loads(self._call("ContainerStatus", verbose=True)["info"]["info"])["pid"]
