"""Containers of agentsafe in a network namespace that has a way out before they come, as pods have: the window between
start and rules, rules that change, quotas, and what a policy lets out beside `allow`."""
import contextlib
import json
import os
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time

import nets
import probes
from nets import ALLOWED4, ALLOWED6, PORT, STREAMS, within
from probes import V4, V6

ROUNDS = int(os.environ.get("AGENTSAFE_ROUNDS", "500"))
HERE = os.path.dirname(os.path.abspath(__file__))
NOTHING = {"mode": "strict"}


def is_group_report(frame):
    """An MLD report of the groups of an address that has just been added, before there were rules. That rules hold
    such reports back is a probe of its own."""
    return frame[12:14] == b"\x86\xdd" and frame[20] == 0 and frame[54] == 58 and frame[62] in (131, 132, 143)


class Host:
    """A way out for containers: the namespace `net`, whose eth0 ends in a device of the outside with a sniffer."""

    def __init__(self, build, number):
        self.runtime = f"{build}/agentsafe"
        self.folder = tempfile.mkdtemp(prefix="agentsafe-egress.")
        self.device = None
        self.number = number
        self.count = 0
        for name, flags in (("sender", []), ("idle", ["-DIDLE"])):
            os.makedirs(f"{self.folder}/rootfs", exist_ok=True)
            subprocess.run(["gcc", "-static", "-nostdlib", "-fno-stack-protector", "-fcf-protection=none", "-O1", *flags, "-o",
                            f"{self.folder}/rootfs/{name}", f"{HERE}/sender.c"], check=True)
        self.net = nets.Net()
        self.device = nets.connect_inside(self.net, number)
        self.sniffer = nets.Sniffer(self.device)
        nets.configure(self.net, self.device)
        self.frames()

    def close(self):
        self.net.close()
        with contextlib.suppress(RuntimeError):
            nets.sh(f"ip link del {self.device}")
        shutil.rmtree(self.folder)

    def frames(self):
        """What has left since the last call, up to now, but the kernel's late reports about groups."""
        within(self.net.pid, nets.send_mark)
        return [frame for frame in self.sniffer.until_mark() if nets.is_leak(frame) and not is_group_report(frame)]

    def policy(self, rules):
        """The flags for a policy with these egress rules; None: none at all."""
        if rules is None:
            return ["--policy", "oci"]
        path = f"{self.folder}/policy.json"
        with open(path, "w", encoding="ascii") as file:
            json.dump({"version": 1, "ingress": rules.pop("ingress", "none"), "limits": {"memory": "64M"}, "egress": rules,
                       "process": rules.pop("process", {})}, file)
        return ["--policy", path]

    def bundle(self, program, changes=None):
        spec = {"ociVersion": "1.0.2", "process": {"user": {"uid": 0, "gid": 0}, "cwd": "/", "args": [f"/{program}"]},
                "root": {"path": "rootfs", "readonly": True}, "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
                "linux": {"cgroupsPath": f"/{os.path.basename(self.folder)}", "namespaces": [
                    {"type": "network", "path": f"/proc/{self.net.pid}/ns/net"}, {"type": "pid"}, {"type": "ipc"},
                    {"type": "uts"}, {"type": "mount"}]}}
        if changes:
            changes(spec)
        with open(f"{self.folder}/config.json", "w", encoding="ascii") as file:
            json.dump(spec, file)

    def call(self, *words, flags=(), stdin=None, is_host_outside=False):
        """The runtime, from an empty namespace unless the outside's addresses are to be the host's."""
        command = [self.runtime, "--root", f"{self.folder}/state", *flags, *words]
        with open(f"{self.folder}/output", "w+", encoding="utf-8") as output:  # no pipe: what runs on would keep it open
            done = subprocess.run(command if is_host_outside else ["unshare", "-n", *command], input=stdin, text=True,
                                  stdout=output, stderr=output, check=False, cwd=self.folder)
            output.seek(0)
            text = output.read()
        if done.returncode != 0:
            raise RuntimeError(f"{words}: {text}")
        return text

    @contextlib.contextmanager
    def container(self, rules, changes=None, sends_marks=True, **options):
        flags = self.policy(dict(rules) if rules is not None else None)
        self.bundle("idle", changes)
        self.call("run", "--detach", "--bundle", self.folder, "c", flags=flags, **options)
        try:
            if sends_marks:
                self.frames()  # what flows of before the rules had still to send
            yield
        finally:
            self.call("delete", "--force", "c")

    def send(self, *bodies):
        """Lets programs in the namespace send; answers what left."""
        for body in bodies:
            within(self.net.pid, body)
        return self.frames()


# --- from the first instruction on -----------------------------------------------------------------------------------

def window(host, rules, rounds):
    host.bundle("sender")
    flags = host.policy(rules)
    for _ in range(rounds):
        host.call("run", "--bundle", host.folder, "c", flags=flags)
    return host.frames()


def own_namespace_window(host, rules, rounds):
    """The container makes its own namespace, and gets the device that leads out moved into it."""
    leaked = []
    flags = host.policy(rules)
    for i in range(rounds):
        inner = f"in{host.number}"
        nets.sh(f"ip link add outm address {nets.GATE_MAC} type veth peer name {inner} address {nets.INSIDE_MAC};"
                f"sysctl -qw net.ipv6.conf.outm.accept_dad=0; ip link set outm up; ip addr add {nets.INSIDE4}/24 dev {inner}")
        sniffer = nets.Sniffer("outm")

        def changes(spec):
            spec["linux"]["namespaces"][0] = {"type": "network"}
            spec["linux"]["netDevices"] = {inner: {"name": "eth0"}}
            spec["process"]["args"] = ["/idle"]
        host.bundle("idle", changes)
        host.call("create", "--bundle", host.folder, "c", flags=flags, is_host_outside=True)
        pid = json.loads(host.call("state", "c"))["pid"]
        nets.within(pid, lambda: nets.sh(
            f"ip route add default via {nets.GATE4} dev eth0 onlink; ip neigh replace {nets.GATE4} lladdr {nets.GATE_MAC} dev eth0"))
        host.call("exec", "c", "/sender")  # before `start`
        host.call("start", "c")
        host.call("exec", "c", "/sender")
        nets.within(pid, nets.send_mark)
        leaked += [frame for frame in sniffer.until_mark() if nets.is_leak(frame) and not is_group_report(frame)]
        host.call("delete", "--force", "c")
        with contextlib.suppress(RuntimeError):
            nets.sh("ip link del outm")
        if leaked and rules is None:
            return leaked
    return leaked


def created_window(host, rules):
    """What `exec` starts in a container that waits for `start`."""
    host.bundle("idle")
    host.call("create", "--bundle", host.folder, "c", flags=host.policy(rules))
    host.call("exec", "c", "/sender")
    frames = host.frames()
    host.call("start", "c")
    host.call("exec", "c", "/sender")
    host.call("delete", "--force", "c")
    return frames + host.frames()


def test_window(tap, host):
    rounds = max(20, ROUNDS)
    tap.check(window(host, None, 1), "control: a program that sends at once is seen without rules")
    begin = time.monotonic()
    leaked = window(host, NOTHING, rounds)
    tap.check(not leaked, f"nothing leaves in {rounds} starts of a program that sends from its first instruction on "
              f"({(time.monotonic() - begin) / rounds * 1000:.1f} ms each)", f"{len(leaked)} frames: {leaked[:1]}")
    tap.check(created_window(host, None), "control: a program beside a created container is seen without rules")
    tap.check(not created_window(host, NOTHING), "nothing leaves beside a container that waits for start")
    tap.check(own_namespace_window(host, None, 1), "control: a device that is moved in leads out without rules")
    leaked = own_namespace_window(host, NOTHING, max(3, rounds // 50))
    tap.check(not leaked, "nothing leaves by a device that is moved into the container's own namespace", str(leaked[:1]))


# --- rules that change -----------------------------------------------------------------------------------------------

def watch(host, kind, seconds, act):
    """Downloads from both STREAMS; `act` runs in the middle. Answers for each how long after it the last data came, and
    the error that ended it."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        nets.enter(host.net.pid)
        sockets = [socket.create_connection((ALLOWED4 if kind == V4 else ALLOWED6, port), 5) for port in STREAMS]
        os.write(writer, b".")
        last, errors = [0.0] * 2, [""] * 2
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            ready, _, _ = select.select([s for s, e in zip(sockets, errors) if not e], [], [], 0.05)
            for s in ready:
                place = sockets.index(s)
                try:
                    s.recv(65536)
                    last[place] = time.monotonic()
                except OSError as error:
                    errors[place] = error.strerror
        os.write(writer, json.dumps([last, errors]).encode())
        os._exit(0)
    os.close(writer)
    os.read(reader, 1)
    time.sleep(0.3)  # both are under way
    act()
    acted = time.monotonic()
    with os.fdopen(reader) as pipe:
        last, errors = json.loads(pipe.read())
    os.waitpid(child, 0)
    return [moment - acted for moment in last], errors


def streams(*ports):
    return [f"{host}:{port}" for port in ports for host in (ALLOWED4, f"[{ALLOWED6}]")]


def test_change(tap, host):
    both = {"mode": "strict", "allow": streams(*STREAMS)}
    took = []

    def tighten():
        begin = time.monotonic()
        host.call("egress", "set", "c", "-", stdin=json.dumps({"mode": "strict", "allow": streams(STREAMS[1])}))
        took.append(time.monotonic() - begin)
    for kind, family in ((V4, "IPv4"), (V6, "IPv6")):
        with host.container(both):
            last, errors = watch(host, kind, 1.5, lambda: None)
            tap.check(min(last) > 0.7 and not any(errors), f"control: both downloads go on, {family}", f"{last} {errors}")
            last, errors = watch(host, kind, 2.5, tighten)
            tap.check(last[0] < 1 and errors[0], f"a download that is no longer allowed is cut within a second, {family} "
                      f"({max(0, last[0] * 1000):.0f} ms, {errors[0]})", f"{last} {errors}")
            tap.check(last[1] > 1.5 and not errors[1], f"a download that is still allowed goes on, {family}", f"{last} {errors}")
            host.frames()
            frames = host.send(lambda: probes.tcp(ALLOWED4 if kind == V4 else ALLOWED6, STREAMS[0], kind))
            other = [frame for frame in frames if not re.search(STREAMS[1].to_bytes(2, "big"), frame)]
            tap.check(not other, f"nothing is sent to it any more, {family}", str(other[:1]))
    print(f"# egress set took {min(took) * 1000:.1f} ms with the start of the program and of unshare", flush=True)


@contextlib.contextmanager
def echo(target, kind):
    """Outside, each datagram is answered: so that its flow counts as established."""
    with socket.socket(kind, socket.SOCK_DGRAM) as s:
        s.bind((target, PORT))
        server = os.fork()
        if server == 0:
            nets.LIBC.prctl(1, 9)
            while True:
                with contextlib.suppress(OSError):
                    s.sendto(b"answer", s.recvfrom(100)[1])
    yield
    os.kill(server, 9)
    os.waitpid(server, 0)


def same_flow(target, kind):
    with contextlib.suppress(OSError), socket.socket(kind, socket.SOCK_DGRAM) as s:
        s.bind(("", 40000))
        s.settimeout(0.5)
        s.sendto(probes.EXFIL, (target, PORT))
        s.recv(100)


def sniffed(host, body):
    """All frames that have left since the last look, and while `body` runs inside; also those for the allowed destination."""
    within(host.net.pid, body)
    within(host.net.pid, nets.send_mark)
    return host.sniffer.until_mark()


def succeed(host, kind, target, first, second):
    """Two downloads and a flow of datagrams, begun under `first`. Answers what watch() tells of the downloads, the datagrams
    seen before, and all frames that left after a container of `second` took the first one's place."""
    with contextlib.ExitStack() as stack, echo(target, kind):
        stack.enter_context(host.container(first))
        before = [frame for frame in sniffed(host, lambda: same_flow(target, kind)) if probes.EXFIL in frame]

        def follow():
            stack.pop_all().close()
            stack.enter_context(host.container(second))
        last, errors = watch(host, kind, 3, follow)
        return last, errors, before, sniffed(host, lambda: same_flow(target, kind))


def test_successor(tap, host):
    """A network namespace that outlives a container, as a pod's: the next one has other rules."""
    first = {"mode": "strict", "allow": [*streams(*STREAMS), f"udp/{ALLOWED4}:{PORT}", f"udp/[{ALLOWED6}]:{PORT}"]}
    second = {"mode": "strict", "allow": streams(STREAMS[1])}
    for kind, family, target in ((V4, "IPv4", ALLOWED4), (V6, "IPv6", ALLOWED6)):
        to_port = slice(36, 38) if kind == V4 else slice(56, 58)

        def cut(frames, to_port=to_port):
            return [f for f in frames if f[to_port] == STREAMS[0].to_bytes(2, "big") or probes.EXFIL in f]
        last, errors, before, frames = succeed(host, kind, target, first, first)
        tap.check(before and cut(frames) and min(last) > 1 and not any(errors),
                  f"control: flows go on in the next container of an equal policy, {family}", f"{len(before)} {last} {errors}")
        last, errors, _, frames = succeed(host, kind, target, first, second)
        tap.check(not cut(frames), f"nothing leaves of a flow that only the container before was allowed, {family}",
                  f"{len(cut(frames))} frames: {cut(frames)[:1]}")
        tap.check(last[0] < 1 and last[1] > 1 and not errors[1], f"one that the next one is allowed too goes on, {family}",
                  f"{last} {errors}")


def answered(host, kind, target, act):
    """A program inside answers datagrams to port 8080. Somebody outside sends ten of one flow, `act` runs, and ten more
    follow. Answers how many of both the program has got, and which of its answers left after `act`."""
    got, tell = os.pipe()
    server = os.fork()
    if server == 0:
        nets.LIBC.prctl(1, 9)
        nets.enter(host.net.pid)
        with socket.socket(kind, socket.SOCK_DGRAM) as s:
            s.bind(("", 8080))
            os.write(tell, b".")
            while True:
                what, peer = s.recvfrom(100)
                os.write(tell, what)
                with contextlib.suppress(OSError):
                    s.sendto(probes.EXFIL, peer)
    os.read(got, 1)
    os.close(tell)
    with socket.socket(kind, socket.SOCK_DGRAM) as s:
        s.bind(("", 40001))
        for letter in (b"a", b"b"):
            for _ in range(10):
                s.sendto(letter, (target, 8080))
                time.sleep(0.01)  # each may be answered
            if letter == b"a":
                act()
                host.frames()
    frames = host.frames()
    os.kill(server, 9)
    os.waitpid(server, 0)
    with os.fdopen(got, "rb") as pipe:
        letters = pipe.read()
    return letters.count(b"a"), letters.count(b"b"), [frame for frame in frames if probes.EXFIL in frame]


def test_inbound(tap, host):
    """Flows that came in, by a published port say."""
    open_port = {"mode": "none", "ingress": [8080]}
    for kind, family, target in ((V4, "IPv4", nets.INSIDE4), (V6, "IPv6", nets.INSIDE6)):
        def change(rules):
            return lambda: host.call("egress", "set", "c", "-", stdin=json.dumps(rules))
        with host.container(open_port):
            first, later, frames = answered(host, kind, target, change({"mode": "none", "ingress": [8080, 8081]}))
            tap.check((first, later, len(frames)) == (10, 10, 10), f"control: a flow that came in goes on where the new rules let it "
                      f"in too, {family}", f"{first} {later} {len(frames)}")
        with host.container(open_port):
            first, later, frames = answered(host, kind, target, change({"mode": "none", "ingress": "none"}))
            tap.check(first == 10 and later == 0 and not frames, f"a flow that came in is cut both ways where the new rules let "
                      f"nothing in, {family}", f"{first} {later} {frames[:1]}")


def test_limits(tap, host):
    to_allowed = {"mode": "strict", "allow": [f"udp/{ALLOWED4}:{PORT}", f"{ALLOWED4}:{PORT}"]}

    def bytes_of(frames):
        return sum(len(frame) - 14 for frame in frames)

    def flood():
        for _ in range(300):
            probes.udp(ALLOWED4, PORT, size=480)  # two packets of 508

    def left(body):
        within(host.net.pid, body)
        within(host.net.pid, nets.send_mark)
        return host.sniffer.until_mark()
    with host.container(to_allowed):
        tap.check(bytes_of(left(flood)) > 200_000, "control: without a quota all bytes leave")
    with host.container({**to_allowed, "bytes": "100K"}):
        sent = bytes_of(left(flood))
        tap.check(80_000 < sent <= 102_400, f"egress.bytes: no more than the quota leaves ({sent} of 102400)", str(sent))

    def count_connections():
        sockets, good = [], 0
        for _ in range(6):
            s = socket.socket()
            s.settimeout(1)
            good += s.connect_ex((ALLOWED4, PORT)) == 0
            sockets.append(s)
        return good
    with host.container(to_allowed):
        tap.check(within(host.net.pid, count_connections) == "6", "control: without a limit all connections are made")
    with host.container({**to_allowed, "connections": 3}):
        made = within(host.net.pid, count_connections)
        tap.check(made == "3", "egress.connections: no more are open than the limit", f"{made} of 6 were made")


def test_errors_about_flows(tap, host):
    """ICMP errors that the kernel sends about flows that were let in: few of them."""
    def provoke():
        host.net.sh("sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_msgs_per_sec=10000 net.ipv4.icmp_msgs_burst=10000")
        with socket.socket(V4, socket.SOCK_DGRAM) as s:
            for port in range(20000, 20100):
                s.sendto(b"x", (nets.INSIDE4, port))
        return len([frame for frame in host.frames() if frame[12:14] == b"\x08\0" and frame[23] == 1])
    tap.check(provoke() == 100, "control: each packet to a closed port is answered by an ICMP error")
    with host.container({"mode": "strict", "ingress": "engine"}):
        count = provoke()
        tap.check(0 < count <= 20, f"ICMP errors about flows are limited ({count} of 100)", str(count))
    with host.container(NOTHING):
        tap.check(provoke() == 0, "without ingress there are none")


# --- modes -----------------------------------------------------------------------------------------------------------

def going_to(frames, *hosts):
    """Those with one of these addresses. Under "open" others may leave, as a reset for what a peer of an earlier test still sends."""
    addresses = [socket.inet_pton(V6 if ":" in h else V4, h) for h in hosts]
    return [frame for frame in frames if any(address in frame for address in addresses)]


def test_modes(tap, host):
    with open(f"{host.folder}/resolv.conf", "w", encoding="ascii") as file:
        file.write("nameserver 10.1.2.3\nnameserver fd09::53\n")

    def with_servers(spec):
        spec["mounts"].append({"destination": "/etc/resolv.conf", "type": "bind", "source": f"{host.folder}/resolv.conf",
                               "options": ["bind", "ro"]})
    os.makedirs(f"{host.folder}/rootfs/etc", exist_ok=True)
    with open(f"{host.folder}/rootfs/etc/resolv.conf", "w", encoding="ascii"):
        pass
    asks = {"10.1.2.3 over udp": lambda: probes.udp("10.1.2.3", 53), "10.1.2.3 over tcp": lambda: probes.tcp("10.1.2.3", 53),
            "fd09::53 over udp": lambda: probes.udp("fd09::53", 53, V6)}
    for mode in ("none", "strict", "moderate", "open"):
        with host.container({"mode": mode}, with_servers):
            for name, body in asks.items():
                seen = host.send(body)
                good = bool(going_to(seen, name.split()[0])) == (mode == "open")
                tap.check(good, f"{mode}: the container's name server {name} is {'asked' if mode == 'open' else 'not asked'}",
                          " ".join(frame.hex() for frame in seen[:2]))
            public = bool(host.send(lambda: probes.udp(probes.PUBLIC4, 53)))
            tap.check(public == (mode == "open"), f"{mode}: port 53 of a public address is {'open' if public else 'shut'}")
            https = host.send(lambda: probes.tcp(probes.PUBLIC4, 443), lambda: probes.tcp(probes.PUBLIC6, 443, V6))
            tap.check(bool(https) == (mode in ("moderate", "open")), f"{mode}: https of public addresses")
            closed = host.send(lambda: probes.udp("10.1.2.3", 54), lambda: probes.tcp("10.1.2.3", 443),
                               *(lambda h=h: probes.tcp(h, 80) for h in probes.METADATA4),
                               *(lambda h=h: probes.tcp(h, 80, V6) for h in probes.METADATA6))
            if mode == "open":
                closed = going_to(closed, "10.1.2.3", *probes.METADATA4, *probes.METADATA6)
            tap.check(not closed, f"{mode}: private addresses and metadata services are shut", str(closed[:1]))
    with host.container({"mode": "open"}):
        tap.check(host.send(lambda: probes.tcp(probes.PUBLIC4, 80)), "control: open reaches an address that is not the host's")
    with host.container({"mode": "open"}, is_host_outside=True):
        frames = host.send(lambda: probes.tcp(probes.PUBLIC4, 80), lambda: probes.tcp(probes.PUBLIC6, 80, V6))
        frames = going_to(frames, probes.PUBLIC4, probes.PUBLIC6)
        tap.check(not frames, "open: the host's own public addresses are shut", str(frames[:1]))


def test_frames(tap, host):
    tap.check(host.send(probes.frame), "control: a frame of a program is seen without rules")
    with host.container(NOTHING):
        tap.check(host.send(probes.frame), "control: the rules of packets do not see frames")

    def raw(spec):
        spec["process"]["capabilities"] = {key: ["CAP_NET_RAW"] for key in ("bounding", "effective", "permitted")}
    granted = {**NOTHING, "process": {"capabilities": ["NET_RAW"]}}
    try:
        with host.container(granted, raw, sends_marks=False):  # a mark is a frame itself
            for body in (probes.frame, lambda: probes.frame(kind=0x0806), lambda: probes.raw_echo(V4, probes.PUBLIC4, b"\x08\0")):
                within(host.net.pid, body)
    except RuntimeError as error:
        if "frames" not in str(error):
            raise
        tap.skip("CAP_NET_RAW: frames of programs do not leave", "needs Linux 6.16; the capability is refused")
    else:
        leaked = host.frames()
        tap.check(not leaked, "CAP_NET_RAW: frames of programs do not leave", str(leaked[:1]))
    tap.check(host.send(probes.frame), "frames leave again when the container is gone")


def test_all(tap, build):
    host = Host(build, 3)
    try:
        for test in (test_window, test_change, test_successor, test_inbound, test_limits, test_errors_about_flows, test_modes, test_frames):
            test(tap, host)
    finally:
        host.close()
