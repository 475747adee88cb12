#!/usr/bin/python3
"""Egress tests with real packets. Every probe runs twice: without rules the sniffer must see it (else the probe proves
nothing), with rules it must see nothing but the allowed destination.

    tests/egress/run.py [BUILD]      needs root, ip, nft, gcc; prints TAP; its networks and containers end with it

The rules of the probes are loaded by BUILD/hooks/agentsafe-egress, which shares its code with agentsafe; containers.py
runs containers of BUILD/agentsafe.
"""
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import containers
import nets
import probes
from nets import ALLOWED4, ALLOWED6, PORT, Tap, within
from probes import V4, V6

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
STRICT = {"mode": "strict", "allow": [f"{ALLOWED4}:{PORT}", f"udp/{ALLOWED4}:{PORT}", f"[{ALLOWED6}]:{PORT}",
                                      f"udp/[{ALLOWED6}]:{PORT}"]}


def load_rules(net, rules):
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(folder + "/rootfs")
        with open(folder + "/config.json", "w", encoding="ascii") as file:
            json.dump({"ociVersion": "1.0.2", "root": {"path": "rootfs"}}, file)
        with open(folder + "/egress.json", "w", encoding="ascii") as file:
            json.dump(rules, file)
        state = json.dumps({"ociVersion": "1.0.2", "id": "x", "status": "creating", "pid": net.pid, "bundle": folder})
        # from an empty namespace: the addresses of ours would count as the host's
        done = subprocess.run(["unshare", "-n", f"{BUILD}/hooks/agentsafe-egress", folder + "/egress.json"], input=state,
                              text=True, stderr=subprocess.PIPE, check=False)
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


def refusal_times(net, host, kind):
    def inside():
        times = []
        for _ in range(200):
            with socket.socket(kind) as s:
                before = time.perf_counter()
                try:
                    s.connect((host, PORT))
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


def through_nested(net, sniffer):
    """What programs of a namespace send that is routed through `net`, and of one that is routed through that."""
    deeper, deepest = nets.Net(), nets.Net()
    neighbour = "lladdr 02:00:00:00:00:03 dev eth0 nud permanent"
    for outer, inner, n in ((net, deeper, 2), (deeper, deepest, 3)):
        outer.sh(f"ip link add down0 address 02:00:00:00:00:03 type veth peer name eth0 netns {inner.pid};"
                 f"ip addr add 192.0.{n}.1/24 dev down0; ip addr add 2001:db8:{n}::1/64 dev down0 nodad; ip link set down0 up;"
                 "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1") if n == 2 else outer.sh(
                     f"ip link add down0 address 02:00:00:00:00:03 type veth peer name eth1 netns {inner.pid};"
                     f"ip addr add 192.0.{n}.1/24 dev down0; ip link set down0 up; sysctl -qw net.ipv4.ip_forward=1")
    deeper.sh("ip link set eth0 up; ip addr add 192.0.2.2/24 dev eth0; ip addr add 2001:db8:2::2/64 dev eth0 nodad;"
              "ip route add default via 192.0.2.1; ip -6 route add default via 2001:db8:2::1;"
              f"ip neigh replace 192.0.2.1 {neighbour}; ip neigh replace 2001:db8:2::1 {neighbour}")
    deepest.sh("ip link set eth1 up; ip addr add 192.0.3.2/24 dev eth1; ip route add default via 192.0.3.1")
    net.sh("ip route add 192.0.3.0/24 via 192.0.2.2")
    seen = {}
    for name, where, body in (("a nested namespace, routed, IPv4", deeper, lambda: probes.udp(probes.PUBLIC4, 9)),
                              ("a nested namespace, routed, IPv6", deeper, lambda: probes.udp(probes.PUBLIC6, 9, V6)),
                              ("tcp of a nested namespace", deeper, lambda: probes.tcp(probes.PUBLIC4, PORT)),
                              ("a nested namespace to the metadata service", deeper, lambda: probes.tcp("169.254.169.254", 80)),
                              ("a namespace in a nested one", deepest, lambda: probes.udp(probes.PUBLIC4, 9))):
        within(where.pid, body)
        seen[name] = run_probe(net, sniffer, lambda: None)
    deepest.close()
    deeper.close()
    return seen


def answers_outsiders(net, sniffer, bind, target, kind):
    """What a connection from outside gets as an answer out of `net`."""
    reader, writer = os.pipe()
    server = os.fork()
    if server == 0:
        nets.LIBC.prctl(1, 9)
        nets.enter(net.pid)
        with socket.create_server((bind, 8080), family=kind):
            os.write(writer, b".")
            time.sleep(60)
        os._exit(0)
    os.read(reader, 1)
    with socket.socket(kind) as s:
        s.settimeout(0.5)
        s.connect_ex((target, 8080))
    os.kill(server, 9)
    os.waitpid(server, 0)
    return run_probe(net, sniffer, lambda: None)


def later_interface(net, number, comes):
    """An interface that comes after the rules; `comes`: the commands inside after which it is eth7."""
    device = f"out{number}"
    nets.sh(f"ip link add {device} type veth peer name late{number}; ip link set {device} up;"
            f"ip addr replace 192.0.9.1/24 dev {device}; ip link set late{number} netns {net.pid}")
    sniffer = nets.Sniffer(device)
    net.sh(comes.format(late=f"late{number}") + "; ip link set eth7 up; ip addr add 192.0.9.2/24 dev eth7;"
           f"ip neigh replace 192.0.9.1 lladdr {nets.GATE_MAC} dev eth7 nud permanent")

    def inside():
        probes.udp("192.0.9.1", 9)
        nets.send_mark("eth7")
    within(net.pid, inside)
    frames = [frame for frame in sniffer.until_mark() if nets.is_leak(frame)]
    nets.sh(f"ip link del {device}")
    return frames


def scenes(net, sniffer, number):
    """What is more than one program that sends."""
    seen = through_nested(net, sniffer)
    seen["an answer to somebody outside, IPv4"] = answers_outsiders(net, sniffer, "0.0.0.0", nets.INSIDE4, V4)
    seen["an answer to somebody outside, IPv6"] = answers_outsiders(net, sniffer, "::", nets.INSIDE6, V6)
    seen["an interface that came later and was renamed"] = later_interface(net, number, "ip link set {late} name eth7")
    seen["an interface that was renamed while it was up"] = later_interface(
        net, number + 1, "ip link set {late} up; ip link set {late} down; ip link set {late} name eth7")
    net.sh("ip link set lo down; ip link set lo up")
    seen["after loopback was down"] = run_probe(net, sniffer, lambda: probes.udp(probes.PUBLIC4, 9))
    net.sh("ip addr add 198.51.100.101/24 dev eth0; ip addr del 198.51.100.101/24 dev eth0")
    seen["after an address has changed"] = run_probe(net, sniffer, lambda: probes.udp(probes.PUBLIC4, 9))
    return seen


def everything(net, sniffer, number):
    seen = {name: run_probe(net, sniffer, body) for name, body in probes.PROBES.items()}
    seen.update(scenes(net, sniffer, number))
    seen.update((name, run_probe(net, sniffer, body, carries_data)) for name, body in probes.TO_ALLOWED.items())
    return seen


def main():
    tap = Tap()
    nets.make_outside()
    # one after the other: both have the same addresses
    control, sniffer, device, _ = prepare(1)
    seen = everything(control, sniffer, 11)
    control.close()
    nets.sh(f"ip link del {device} 2>/dev/null || true")

    net, sniffer, device, at_start = prepare(2, STRICT)
    leaked = everything(net, sniffer, 21)
    for name, frames in leaked.items():
        tap.check(seen[name], f"control: {name} is seen without rules", "the sniffer saw nothing: the probe proves nothing")
        tap.check(not frames, f"{name} does not leave", f"{len(frames)} frames left: {frames[:1]}")
    for name, body in probes.WITHOUT_CONTROL.items():
        leaked[name] = run_probe(net, sniffer, body)
        tap.check(not leaked[name], f"{name} is no way out", f"{leaked[name][:1]}")
    tap.check(not [f for f in at_start if nets.is_leak(f)], "nothing leaves when the interface comes up")
    for host, public, kind, family in ((ALLOWED4, probes.PUBLIC4, V4, "IPv4"), (ALLOWED6, probes.PUBLIC6, V6, "IPv6")):
        tap.check(connects(net, host, kind) == "0", f"an allowed destination is reached, {family}")
        median = refusal_times(net, public, kind)
        # a packet that is dropped instead would be waited for a second and more
        tap.check(median < 100_000, f"a refusal is answered at once, {family} (median {median:.0f} µs)")
    net.close()
    nets.sh(f"ip link del {device} 2>/dev/null || true")
    print(f"# {len(leaked)} probes, {sum(map(len, leaked.values()))} frames leaked", flush=True)
    containers.test_all(tap, BUILD)
    print(f"1..{tap.count}")
    print(f"egress: {tap.count - tap.failed - tap.skipped} passed, {tap.failed} failed, {tap.skipped} skipped")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
