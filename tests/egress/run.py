#!/usr/bin/python3
"""Egress tests with real packets. Every probe runs twice: without rules the sniffer must see it (else the probe proves
nothing), with rules it must see nothing but the allowed destination.

    tests/egress/run.py [BUILD]      needs root, ip, nft; prints TAP; touches nothing of the host

The rules are loaded by BUILD/hooks/agentsafe-egress, which shares its code with agentsafe.
"""
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import nets
import probes
from nets import ALLOWED4, ALLOWED6, PORT, within

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
STRICT = {"mode": "strict",
          "allow": [f"{ALLOWED4}:{PORT}", f"udp/{ALLOWED4}:{PORT}", f"[{ALLOWED6}]:{PORT}"]}


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def check(self, good, name, why=""):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} {name}", flush=True)
        if not good:
            print(f"# {why}")


def load_rules(net, rules):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(rules, file)
        file.flush()
        state = json.dumps({"ociVersion": "1.0.2", "id": "x", "status": "creating", "pid": net.pid, "bundle": "/"})
        # from an empty namespace: the addresses of ours would count as the host's
        done = subprocess.run(["unshare", "-n", f"{BUILD}/hooks/agentsafe-egress", file.name], input=state, text=True,
                              stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)


def run_probe(net, sniffer, body, counts=nets.is_leak):
    def inside():
        body()
        nets.send_mark()
    within(net.pid, inside)
    return [frame for frame in sniffer.until_mark() if counts(frame)]


def carries_data(frame):
    return probes.EXFIL in frame


def prepare(number, rules=None):
    net = nets.Net()
    if rules is not None:
        load_rules(net, rules)
    device = nets.connect_inside(net, number)
    sniffer = nets.Sniffer(device)
    nets.configure(net, device)
    within(net.pid, nets.send_mark)
    return net, sniffer, device, sniffer.until_mark()


def refusal_times(net):
    def inside():
        times = []
        for _ in range(200):
            with socket.socket() as s:
                before = time.perf_counter()
                try:
                    s.connect((probes.PUBLIC4, PORT))
                except ConnectionRefusedError:
                    times.append(time.perf_counter() - before)
        return statistics.median(times) * 1e6 if len(times) == 200 else 1e9
    return float(within(net.pid, inside))


def connects(net, host, kind):
    def inside():
        with socket.socket(kind) as s:
            s.settimeout(2)
            return s.connect_ex((host, PORT))
    return within(net.pid, inside)


def nested(net):
    """A namespace that is routed through `net`, whose program sends."""
    deeper = nets.Net()
    net.sh(f"ip link add down0 address 02:00:00:00:00:03 type veth peer name eth0 netns {deeper.pid}; ip addr add 192.0.2.1/24 dev down0;"
           "ip link set down0 up; sysctl -qw net.ipv4.ip_forward=1")
    deeper.sh("ip link set eth0 up; ip addr add 192.0.2.2/24 dev eth0; ip route add default via 192.0.2.1")
    deeper.sh("ip neigh replace 192.0.2.1 lladdr 02:00:00:00:00:03 dev eth0 nud permanent")
    return deeper


def answers_outsiders(net, sniffer):
    """Whether a connection from outside gets an answer out of `net`."""
    reader, writer = os.pipe()
    server = os.fork()
    if server == 0:
        nets.LIBC.prctl(1, 9)
        nets.enter(net.pid)
        with socket.create_server(("0.0.0.0", 8080)):
            os.write(writer, b".")
            time.sleep(60)
        os._exit(0)
    os.read(reader, 1)
    with socket.socket() as s:
        s.settimeout(0.5)
        s.connect_ex((nets.INSIDE4, 8080))
    os.kill(server, 9)
    os.waitpid(server, 0)
    return run_probe(net, sniffer, lambda: None)


def second_interface(net, number):
    """An interface that comes after the rules, and is renamed."""
    device = f"out{number}"
    nets.sh(f"ip link add {device} type veth peer name late0 netns {net.pid}; ip link set {device} up;"
            f"ip addr add 192.0.3.1/24 dev {device}")
    sniffer = nets.Sniffer(device)
    net.sh("ip link set late0 name eth7; ip link set eth7 up; ip addr add 192.0.3.2/24 dev eth7;"
           f"ip neigh replace 192.0.3.1 lladdr {nets.GATE_MAC} dev eth7 nud permanent")
    def inside():
        probes.udp("192.0.3.1", 9)
        nets.send_mark("eth7")
    within(net.pid, inside)
    return [frame for frame in sniffer.until_mark() if nets.is_leak(frame)]


def main():
    tap = Tap()
    nets.make_outside()
    # one after the other: both have the same addresses
    control, sniffer, device, _ = prepare(1)
    seen = {name: run_probe(control, sniffer, body) for name, body in probes.PROBES.items()}
    deeper = nested(control)
    within(deeper.pid, lambda: probes.udp(probes.PUBLIC4, 9))
    seen["a nested namespace, routed"] = run_probe(control, sniffer, lambda: None)
    deeper.close()
    seen["an answer to somebody outside"] = answers_outsiders(control, sniffer)
    seen["an interface that came later"] = second_interface(control, 11)
    seen.update((name, run_probe(control, sniffer, body, carries_data)) for name, body in probes.TO_ALLOWED.items())
    control.close()
    nets.sh(f"ip link del {device} 2>/dev/null || true; ip link del out11 2>/dev/null || true")

    net, sniffer, _, at_start = prepare(2, STRICT)
    leaked = {name: run_probe(net, sniffer, body) for name, body in probes.PROBES.items()}
    deeper = nested(net)
    within(deeper.pid, lambda: probes.udp(probes.PUBLIC4, 9))
    leaked["a nested namespace, routed"] = run_probe(net, sniffer, lambda: None)
    deeper.close()
    leaked["an answer to somebody outside"] = answers_outsiders(net, sniffer)
    leaked["an interface that came later"] = second_interface(net, 12)
    leaked.update((name, run_probe(net, sniffer, body, carries_data)) for name, body in probes.TO_ALLOWED.items())

    for name, frames in leaked.items():
        tap.check(seen[name], f"control: {name} is seen without rules", "the sniffer saw nothing: the probe proves nothing")
        tap.check(not frames, f"{name} does not leave", f"{len(frames)} frames left: {frames[:1]}")
    tap.check(not [f for f in at_start if nets.is_leak(f)], "nothing leaves when the interface comes up")
    tap.check(connects(net, ALLOWED4, socket.AF_INET) == "0", "an allowed destination is reached")
    tap.check(connects(net, ALLOWED6, socket.AF_INET6) == "0", "an allowed destination is reached, IPv6")
    median = refusal_times(net)
    # a packet that is dropped instead would be waited for a second and more
    tap.check(median < 100_000, f"a refusal is answered at once (median {median:.0f} µs)")
    net.close()
    print(f"1..{tap.count}")
    print(f"# {len(leaked)} probes, {sum(map(len, leaked.values()))} frames leaked")
    print(f"egress: {tap.count - tap.failed} passed, {tap.failed} failed, 0 skipped")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
