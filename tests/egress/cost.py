#!/usr/bin/python3
"""What the egress rules cost, measured in one run in which the cases take turns: starts, throughput, connections, changes.

    tests/egress/cost.py [BUILD] [ROUNDS]      needs root, ip, nft, gcc; prints a table; touches nothing of the host

A machine that does other things shows in the spread: the table gives the median and the quartiles.
"""
import contextlib
import os
import resource
import socket
import statistics
import subprocess
import sys
import time

import containers
import nets
import probes
from nets import ALLOWED4, ALLOWED6, within
from probes import V4, V6

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 30
SINK = 9102
SECONDS = 0.5
OPEN_PORTS = {"mode": "strict", "allow": [f"{host}:{SINK}" for host in (ALLOWED4, f"[{ALLOWED6}]")]}


def swallow(connection, _):
    """Reads all of it, until the peer is done or gone."""
    buffer = bytearray(1 << 20)
    with contextlib.suppress(OSError):
        while connection.recv_into(buffer):
            pass
    connection.close()


def start_time(host, rules):
    """Milliseconds of `run` of a program that ends at once, in a network namespace of its own: elapsed, and of processors."""
    command = [host.runtime, "--root", f"{host.folder}/state", *host.policy(dict(rules) if rules else None), "run",
               "--bundle", host.folder, "c"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    subprocess.run(command, check=True, cwd=host.folder, stdin=subprocess.DEVNULL)
    elapsed = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return elapsed * 1000, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def throughput(host, kind):
    """Gbit/s out of the namespace, over one connection."""
    def inside():
        with socket.create_connection((ALLOWED4 if kind == V4 else ALLOWED6, SINK), 5) as s:
            block, sent, begin = bytes(1 << 20), 0, time.perf_counter()
            while time.perf_counter() - begin < SECONDS:
                sent += s.send(block)
            return sent * 8 / (time.perf_counter() - begin) / 1e9
    return float(within(host.net.pid, inside))


def connection_rate(host, kind):
    """Connections per second, one after the other."""
    def inside():
        count, begin = 0, time.perf_counter()
        while time.perf_counter() - begin < SECONDS:
            with socket.socket(kind) as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset: no port stays taken
                s.connect((ALLOWED4 if kind == V4 else ALLOWED6, SINK))
            count += 1
        return count / (time.perf_counter() - begin)
    return float(within(host.net.pid, inside))


def refusals(host):
    """Microseconds of a refused connect."""
    def inside():
        times = []
        for _ in range(200):
            with socket.socket() as s:
                begin = time.perf_counter()
                s.connect_ex((probes.PUBLIC4, SINK))
                times.append((time.perf_counter() - begin) * 1e6)
        return statistics.median(times)
    return float(within(host.net.pid, inside))


def set_time(host, rules):
    begin = time.perf_counter()
    subprocess.run([host.runtime, "--root", f"{host.folder}/state", "egress", "set", "c", rules], check=True, cwd=host.folder)
    return (time.perf_counter() - begin) * 1000


def row(name, unit, values):
    first, middle, last = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
    print(f"{name:<52} {middle:>10.2f} {first:>10.2f} {last:>10.2f}  {unit}", flush=True)
    return middle


def compare(name, unit, measure, cases, rounds):
    """`cases`: what to bring in force, by name. Each round measures all of them."""
    taken = {case: [] for case in cases}
    for _ in range(rounds):
        for case, bring in cases.items():
            with bring():
                taken[case].append(measure())
    return {case: row(f"{name}, {case}", unit, values) for case, values in taken.items()}


def own_namespace(spec):
    spec["linux"]["namespaces"][0] = {"type": "network"}
    spec["process"]["args"] = ["/true"]


@contextlib.contextmanager
def another(host):
    """A container under strict that stays. The kernel patches its own code when the first packet filter of a machine comes, and
    again, somewhat later, when the last has gone: beside another container neither happens."""
    def changes(spec):
        spec["linux"]["namespaces"][0] = {"type": "network"}
        spec["linux"]["cgroupsPath"] += "-another"
    host.bundle("idle", changes)
    host.call("run", "--detach", "--bundle", host.folder, "another", flags=host.policy(dict(containers.NOTHING)))
    try:
        yield
    finally:
        host.call("delete", "--force", "another")


def measure_starts(host, where):
    subprocess.run(["gcc", "-static", "-nostdlib", "-x", "c", "-o", f"{host.folder}/rootfs/true", "-"], check=True, text=True,
                   input='void _start(void) { __asm__ volatile("syscall" : : "a"(231), "D"(0)); }' if os.uname().machine == "x86_64"
                   else '#include <sys/syscall.h>\nvoid _start(void) { __asm__ volatile("mov x8, #94; mov x0, #0; svc 0"); }')
    host.bundle("true", own_namespace)
    plain = containers.NOTHING
    taken = {"oci": [], "strict": [], "strict, egress off": []}
    for _ in range(ROUNDS):
        taken["oci"].append(start_time(host, None))
        taken["strict"].append(start_time(host, plain))
        taken["strict, egress off"].append(start_time(host, {"mode": "off"}))
    for place, what in ((0, "elapsed"), (1, "of processors")):
        middle = {case: row(f"run {where}, {case}, {what}", "ms", [value[place] for value in values])
                  for case, values in taken.items()}
        print(f"{'':>4}strict costs {middle['strict'] - middle['oci']:+.2f} ms, its egress rules "
              f"{middle['strict'] - middle['strict, egress off']:+.2f} ms", flush=True)


def main():
    nets.make_outside()
    nets.serve(SINK, swallow)
    nets.sh("nft flush ruleset")  # connections go to the ports that they name
    host = containers.Host(BUILD, 5)
    host.sniffer.socket.close()  # it would take part in every packet
    try:
        print(f"{'':<52} {'median':>10} {'25 %':>10} {'75 %':>10}")
        measure_starts(host, "alone")
        with another(host):
            measure_starts(host, "beside another")
        cases = {"no rules": lambda: host.container(None, sends_marks=False),
                 "strict": lambda: host.container(OPEN_PORTS, sends_marks=False)}
        for kind, family in ((V4, "IPv4"), (V6, "IPv6")):
            got = compare(f"TCP out, {family}", "Gbit/s", lambda kind=kind: throughput(host, kind), cases, max(3, ROUNDS // 3))
            print(f"{'':>4}{got['strict'] / got['no rules']:.1%} of the throughput without rules")
            got = compare(f"connections, {family}", "1/s", lambda kind=kind: connection_rate(host, kind), cases, max(3, ROUNDS // 3))
            print(f"{'':>4}{got['strict'] / got['no rules']:.1%} of the rate without rules")
        with host.container(OPEN_PORTS, sends_marks=False):
            row("a refused connect", "µs", [refusals(host) for _ in range(5)])
            for name, count in (("two destinations", 2), ("1000 destinations", 1000)):
                path = f"{host.folder}/{count}.json"
                with open(path, "w", encoding="ascii") as file:
                    wanted = ", ".join(f'"203.0.{i // 250}.{i % 250}:{1000 + i}"' for i in range(2, count + 2))
                    file.write(f'{{"mode": "strict", "allow": [{wanted}]}}')
                row(f"egress set, {name}", "ms", [set_time(host, path) for _ in range(ROUNDS)])
    finally:
        host.close()


if __name__ == "__main__":
    main()
