"""A containerd of the suite's own, with the CRI plugin, a bridge network and one image; and what it left behind.

Everything lies in one folder. The handlers are "sut" (the runtime under test), "runc" (the reference) and "strict" (the
runtime under test with --policy strict), each also with the systemd cgroup driver: "sut-systemd" …
"""
import glob
import io
import json
import os
import shutil
import signal
import subprocess
import tarfile

from cri import IMAGE, Cri, CriError, eventually

SUBNET = "10.233.7.0/24"
BUSYBOX = shutil.which("busybox") or "/bin/busybox"


def _handler(name, binary, systemd):
    table = f'plugins."io.containerd.grpc.v1.cri".containerd.runtimes.{name}'
    return f"""
[{table}]
  runtime_type = "io.containerd.runc.v2"
  pod_annotations = ["org.agentsafe.*"]
  container_annotations = ["org.agentsafe.*"]
  [{table}.options]
    BinaryName = "{binary}"
    SystemdCgroup = {str(systemd).lower()}
"""


def may_lower_oom_score():
    """The pause container asks for -998; CAP_SYS_RESOURCE is missing inside some machines."""
    with open("/proc/self/status") as file:
        effective = next(int(line.split()[1], 16) for line in file if line.startswith("CapEff"))
    return bool(effective >> 24 & 1)


def _config(folder, binaries, snapshotter):
    text = f"""version = 2
root = "{folder}/root"
state = "{folder}/state"
[grpc]
  address = "{folder}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{IMAGE}"
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  restrict_oom_score_adj = {str(not may_lower_oom_score()).lower()}
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{folder}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "{snapshotter}"
    default_runtime_name = "runc"
"""
    for name, binary in binaries.items():
        text += _handler(name, binary, False) + _handler(name + "-systemd", binary, True)
    return text


def _image_layer():
    """A tar archive with busybox under all its names, two users and a group."""
    blob = io.BytesIO()
    with tarfile.open(fileobj=blob, mode="w") as tar:
        def add(name, data=None, mode=0o755, link=None):
            info = tarfile.TarInfo(name)
            info.mode = mode
            info.type, info.linkname = (tarfile.SYMTYPE, link) if link else (
                (tarfile.DIRTYPE, "") if data is None else (tarfile.REGTYPE, ""))
            info.size = len(data or b"")
            tar.addfile(info, io.BytesIO(data or b""))
        for name in ("bin", "dev", "etc", "home", "proc", "root", "sys", "var", "data"):
            add(name)
        add("tmp", mode=0o1777)
        with open(BUSYBOX, "rb") as file:
            add("bin/busybox", file.read())
        for applet in subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout.split():
            if applet != "busybox":
                add("bin/" + applet, link="busybox")
        add("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nworker:x:1000:1000::/home:/bin/sh\n", 0o644)
        add("etc/group", b"root:x:0:\nworker:x:1000:\nextra:x:2000:worker\n", 0o644)
    return blob.getvalue()


def _write_image(path):
    import hashlib
    layer = _image_layer()
    config = json.dumps({
        "architecture": "amd64", "os": "linux",
        "config": {"Env": ["PATH=/bin"], "Entrypoint": ["/bin/busybox", "tail", "-f", "/dev/null"]},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]}}).encode()
    name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = json.dumps([{"Config": name, "RepoTags": [IMAGE], "Layers": ["layer.tar"]}]).encode()
    with tarfile.open(path, "w") as tar:
        for leaf, data in ((name, config), ("layer.tar", layer), ("manifest.json", manifest)):
            info = tarfile.TarInfo(leaf)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def _bridge():
    return {"cniVersion": "0.4.0", "name": "cri-tests", "plugins": [
        {"type": "bridge", "bridge": "cri0", "isGateway": True, "ipMasq": False,
         "ipam": {"type": "host-local", "dataDir": "/run/agentsafe-cri-addresses", "ranges": [[{"subnet": SUBNET}]],
                  "routes": [{"dst": "0.0.0.0/0"}]}}]}


class Engine:
    def __init__(self, folder, runtime, reference, slow):
        self.folder, self.runtime, self.reference, self.process = folder, runtime, reference, None
        self.socket = folder + "/containerd.sock"
        self.patience = 240 if slow else 60
        os.makedirs(folder + "/cni", exist_ok=True)
        with open(folder + "/cni/10-bridge.conflist", "w") as file:
            json.dump(_bridge(), file)
        strict = folder + "/strict"
        with open(strict, "w") as file:
            file.write(f'#!/bin/sh\nexec {runtime} --policy strict "$@"\n')
        os.chmod(strict, 0o755)
        with open(folder + "/config.toml", "w") as file:
            file.write(_config(folder, {"sut": self._plain(), "runc": reference, "strict": strict}, "overlayfs"))

    def _plain(self):
        """agentsafe with the policy that adds nothing; another runtime as it is."""
        if not os.path.basename(self.runtime).startswith("agentsafe"):
            return self.runtime
        plain = self.folder + "/plain"
        with open(plain, "w") as file:
            file.write(f'#!/bin/sh\nexec {self.runtime} --policy oci "$@"\n')
        os.chmod(plain, 0o755)
        return plain

    def start(self):
        log = open(self.folder + "/containerd.log", "a")
        self.process = subprocess.Popen(["containerd", "--config", self.folder + "/config.toml"], stdout=log, stderr=log)
        eventually(self.patience, self.answers, "containerd's CRI plugin; " + self.last_words())

    def answers(self):
        if self.process.poll() is not None:
            raise CriError("containerd ended: " + self.last_words())
        try:
            conditions = Cri(self.socket, "sut", "", "", timeout=5).call("Status")["status"]["conditions"]
            return all(condition["status"] for condition in conditions)
        except CriError:
            return False

    def last_words(self):
        with open(self.folder + "/containerd.log") as file:
            return file.read()[-600:]

    def import_image(self):
        path = self.folder + "/image.tar"
        _write_image(path)
        subprocess.run(["ctr", "-a", self.socket, "-n", "k8s.io", "images", "import", path], check=True,
                       stdout=subprocess.DEVNULL)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def cri(self, handler, parent, name):
        return Cri(self.socket, handler, parent, self.folder + "/logs", name, timeout=self.patience)

    # --- what is left ---

    def pods_left(self):
        return [pod["id"] for pod in self.cri("sut", "", "").call("ListPodSandbox")["items"]]

    def state_left(self):
        return glob.glob("/run/containerd/runc/k8s.io/*") + glob.glob(self.folder + "/state/*/k8s.io/*")

    def shims_left(self):
        left = []
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, "rb") as file:
                    if b"containerd-shim" in (words := file.read()) and self.socket.encode() in words:
                        left.append(int(path.split("/")[2]))
            except OSError:
                pass
        return left
