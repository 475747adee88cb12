"""Network namespaces, joined by veth pairs, and a sniffer that reads every frame: what the egress tests stand on.

Nothing has a name on the host: all of it ends with the processes that this one starts.
"""
import ctypes
import os
import signal
import socket
import struct
import subprocess
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)
NEWNET = 0x40000000
NEWNS = 0x00020000
MARK = 0x88B5  # the ether type of the frame that ends a probe
ETH_P_ALL = 3

ALLOWED4, ALLOWED6, PORT = "203.0.113.7", "2001:db8:aa::7", 8443
STREAMS = (9100, 9101)  # ports of the outside world that send without end
GATE4, GATE6 = "198.51.100.1", "2001:db8:1::1"
INSIDE4, INSIDE6 = "198.51.100.100", "2001:db8:1::100"
GATE_MAC, INSIDE_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"


def enter_new_net():
    if LIBC.unshare(NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWNET)")


def enter(pid):
    fd = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    if LIBC.setns(fd, NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
    os.close(fd)


def sh(command):
    done = subprocess.run(["sh", "-ec", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{command}: {done.stdout}")
    return done.stdout


def within(pid, body):
    """Runs body() in a process of its own in the namespace of `pid`; answers what it wrote to its pipe."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reader)
            if pid:
                enter(pid)
            answer = body()
            os.write(writer, ("" if answer is None else str(answer)).encode())
            status = 0
        except BaseException as error:  # pylint: disable=broad-except
            print(f"in the namespace: {error!r}", file=sys.stderr)
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise RuntimeError("the process in the namespace failed")
    return answer


class Net:
    """A namespace that lives as long as a child of ours."""

    def __init__(self):
        ready, told = os.pipe()
        stay, self.stay = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.stay)
            enter_new_net()
            os.write(told, b".")
            os.close(told)
            os.read(stay, 1)  # until our parent closes its end
            os._exit(0)
        os.close(told)
        os.close(stay)
        if os.read(ready, 1) != b".":
            raise RuntimeError("no namespace was made")
        os.close(ready)

    def sh(self, command):
        return within(self.pid, lambda: sh(command))

    def close(self):
        os.close(self.stay)
        os.waitpid(self.pid, 0)


class Sniffer:
    """Every frame that arrives on a device of our namespace."""

    def __init__(self, device):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
        self.socket.bind((device, ETH_P_ALL))
        self.socket.settimeout(10)

    def until_mark(self):
        frames = []
        while True:
            frame, address = self.socket.recvfrom(65536)
            if address[2] == socket.PACKET_OUTGOING:
                continue
            if struct.unpack("!H", frame[12:14])[0] == MARK:
                dropped = struct.unpack("II", self.socket.getsockopt(socket.SOL_PACKET if hasattr(socket, "SOL_PACKET")
                                                                     else 263, 6, 8))[1]
                if dropped:
                    raise RuntimeError(f"the sniffer lost {dropped} frames")
                return frames
            frames.append(frame)


def send_mark(device="eth0"):
    mark = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    mark.bind((device, 0))
    mac = bytes.fromhex(GATE_MAC.replace(":", ""))
    mark.send(mac + bytes.fromhex(INSIDE_MAC.replace(":", "")) + struct.pack("!H", MARK) + b"\0" * 46)


def is_leak(frame):
    """Whether a frame carries something besides ARP, neighbour discovery and packets for the allowed destination."""
    kind = struct.unpack("!H", frame[12:14])[0]
    packet = frame[14:]
    if kind == 0x0806:
        return False
    if kind == 0x0800:
        length = (packet[0] & 15) * 4
        if length > 20:
            return True  # options
        port = struct.unpack("!H", packet[length + 2:length + 4])[0]
        return not (packet[16:20] == socket.inet_aton(ALLOWED4) and packet[9] in (6, 17) and port == PORT)
    if kind == 0x86DD:
        protocol, target = packet[6], packet[24:40]
        if protocol == 58 and packet[40] in (133, 135, 136) and packet[7] == 255:
            return False
        port = struct.unpack("!H", packet[42:44])[0]
        allowed = socket.inet_pton(socket.AF_INET6, ALLOWED6)
        return not (target == allowed and protocol in (6, 17) and port == PORT)
    return True


def make_outside():
    """We become the outside world: a gateway that has every address which is sent to, takes every TCP connection, and
    streams to who connects to a port of STREAMS."""
    enter_new_net()
    sh("ip link set lo up; sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv4.ip_forward=0;"
       "for a in 203.0.113.7 198.51.101.9 169.254.169.254 169.254.170.2 100.100.100.200 168.63.129.16 192.168.7.7 "
       "172.16.0.9 10.1.2.3 100.64.0.9 198.18.0.9 192.0.0.9; do ip addr add $a/32 dev lo; done;"
       "for a in 2001:db8:aa::7 2001:db8:bb::9 fd00:ec2::254 64:ff9b::a00:1 2002:a00:1::1; do "
       "ip addr add $a/128 dev lo nodad; done;"
       "nft 'table inet sink { chain pre { type nat hook prerouting priority -100; iifname \"out*\" "
       f"tcp dport != {{ {STREAMS[0]}-{STREAMS[-1]}, 9999 }} redirect to :9999; }}; }}'")
    serve(9999, keep)
    for port in STREAMS:
        serve(port, stream)


def keep(connection, kept):
    kept.append(connection)
    del kept[:-64]


def stream(connection, _):
    if os.fork() == 0:
        LIBC.prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL
        try:
            while True:
                connection.send(bytes(4096))
                time.sleep(0.002)
        except OSError:
            os._exit(0)
    connection.close()


def serve(port, handle):
    server = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=512)
    if os.fork() == 0:
        LIBC.prctl(1, 9)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        kept = []
        while True:
            handle(server.accept()[0], kept)
    server.close()


def connect_inside(net, number):
    """A veth pair from the outside to eth0 of `net`, with addresses, routes and fixed neighbours."""
    device = f"out{number}"
    sh(f"ip link add {device} address {GATE_MAC} type veth peer name eth0 address {INSIDE_MAC} netns {net.pid};"
       f"sysctl -qw net.ipv6.conf.{device}.accept_dad=0; ip link set {device} up")
    return device


def configure(net, gateway_device):
    """Called for one namespace at a time: all of them have the same addresses."""
    sh(f"ip addr flush dev {gateway_device} scope global;"
       f"ip addr add {GATE4}/24 dev {gateway_device}; ip addr add {GATE6}/64 dev {gateway_device} nodad;"
       f"ip neigh replace {INSIDE4} lladdr {INSIDE_MAC} dev {gateway_device} nud permanent;"
       f"ip neigh replace {INSIDE6} lladdr {INSIDE_MAC} dev {gateway_device} nud permanent")
    net.sh(f"ip link set lo up; ip link set eth0 up; ip addr add {INSIDE4}/24 dev eth0;"
           f"ip addr add {INSIDE6}/64 dev eth0 nodad;"
           f"ip neigh replace {GATE4} lladdr {GATE_MAC} dev eth0 nud permanent;"
           f"ip neigh replace {GATE6} lladdr {GATE_MAC} dev eth0 nud permanent;"
           f"ip neigh replace fe80::1 lladdr {GATE_MAC} dev eth0 nud permanent;"
           f"ip route add default via {GATE4}; ip -6 route add default via {GATE6};"
           "sysctl -qw net.ipv4.ping_group_range='0 0'")


class Tap:
    def __init__(self):
        self.count = self.failed = self.skipped = 0

    def check(self, good, name, why=""):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} {name}", flush=True)
        if not good:
            print(f"# {why}")

    def skip(self, name, why):
        self.count += 1
        self.skipped += 1
        print(f"ok {self.count} {name} # skip {why}", flush=True)
