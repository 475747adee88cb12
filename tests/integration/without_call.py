"""Runs a program as on a kernel that lacks system calls: without_call.py NUMBER[,NUMBER…] COMMAND…. They answer ENOSYS."""
import ctypes
import os
import struct
import sys

SECCOMP_SET_MODE_FILTER, SYS_SECCOMP = 1, {"x86_64": 317, "aarch64": 277}[os.uname().machine]
numbers = [int(n) for n in sys.argv[1].split(",")]
load, answer, allow = (0x20, 0, 0, 0), (6, 0, 0, 0x50000 | 38), (6, 0, 0, 0x7FFF0000)
program = [load, *((0x15, len(numbers) - i, 0, n) for i, n in enumerate(numbers)), allow, answer]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
filter_ = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code))
libc = ctypes.CDLL(None, use_errno=True)
if libc.syscall(SYS_SECCOMP, SECCOMP_SET_MODE_FILTER, 0, filter_) != 0:
    sys.exit(f"seccomp: {os.strerror(ctypes.get_errno())}")
os.execv(sys.argv[2], sys.argv[2:])
