#!/usr/bin/env python3
"""Evaluates an exported seccomp filter by the definition of classic BPF (Linux Documentation/networking/filter.rst,
seccomp(2)), independently of the runtime, and compares every answer with what `agentsafe seccomp test` says.

  seccomp_reference.py RUNTIME PROFILE ARCH     prints "N calls compared"; ends with 1 at the first difference
"""
import json
import struct
import subprocess
import sys

AUDIT = {"x86_64": 0xC000003E, "x86": 0x40000003, "x32": 0xC000003E, "aarch64": 0xC00000B7, "arm": 0x40000028,
         "riscv64": 0xC00000F3}
ACTIONS = {0x80000000: "SCMP_ACT_KILL_PROCESS", 0: "SCMP_ACT_KILL_THREAD", 0x30000: "SCMP_ACT_TRAP",
           0x50000: "SCMP_ACT_ERRNO", 0x7FC00000: "SCMP_ACT_NOTIFY", 0x7FF00000: "SCMP_ACT_TRACE",
           0x7FFC0000: "SCMP_ACT_LOG", 0x7FFF0000: "SCMP_ACT_ALLOW"}
HIGH, SIGN, ALL = 1 << 32, 1 << 31, (1 << 64) - 1
ARGUMENTS = [[], [ALL] * 6, [SIGN] * 6, [HIGH] * 6, [1, 1], [2, 1, 6], [2 | HIGH, 1 | HIGH, 6 | HIGH], [10, 2, 17],
             [40, 1], [40 | HIGH, 1], [16, 3, 16], [0x10000011], [0x10000011 | HIGH], [0, 0x5412], [0, 0x5412 | HIGH],
             [0x40000], [0xFFFFFFFF], [ALL - 0xFFFFFFFF | 8], [0, 6, 31], [0, 6 | HIGH, 31 | HIGH], [0, 41, 64]]


def evaluate(program, number, arch, arguments):
    """The 32-bit answer of a filter to one call."""
    words = list(arguments) + [0] * (6 - len(arguments))
    data = struct.pack("<iIQ6Q", number - (1 << 32) if number >= 1 << 31 else number, arch, 0, *words)
    accumulator, at = 0, 0
    while True:
        code, if_true, if_false, k = program[at]
        at += 1
        if code == 0x20:  # BPF_LD | BPF_W | BPF_ABS
            accumulator = struct.unpack_from("<I", data, k)[0]
        elif code == 0x54:  # BPF_ALU | BPF_AND | BPF_K
            accumulator &= k
        elif code == 0x05:  # BPF_JMP | BPF_JA
            at += k
        elif code in (0x15, 0x25, 0x35, 0x45):  # JEQ, JGT, JGE, JSET with a constant
            holds = {0x15: accumulator == k, 0x25: accumulator > k, 0x35: accumulator >= k, 0x45: accumulator & k != 0}
            at += if_true if holds[code] else if_false
        elif code == 0x06:  # BPF_RET | BPF_K
            return k
        else:
            sys.exit(f"instruction {at - 1} has code {code:#x}, which no filter of ours should")


def main():
    runtime, profile, arch = sys.argv[1:]
    command = [runtime, "seccomp", "--arch", arch]
    exported = subprocess.run(command + ["--bpf", "show", profile], check=True, capture_output=True).stdout
    program = list(struct.iter_unpack("<HBBI", exported))
    assert program and len(program) <= 4096, len(program)
    compared = 0
    for arguments in ARGUMENTS:
        words = [str(word) for word in arguments]
        said = subprocess.run(command + ["--json", "test", profile, "0-600", *words], check=True, capture_output=True).stdout
        for line in said.splitlines():
            answer = json.loads(line)
            ours = evaluate(program, answer["number"], AUDIT[arch], arguments)
            action = ACTIONS[ours & 0xFFFF0000]
            if action != answer["action"] or ("errno" in answer and answer["errno"] != ours & 0xFFFF):
                sys.exit(f"{profile} {arch} {answer['number']} {arguments}: the filter answers {ours:#x}, we say {line}")
            compared += 1
    print(compared, "calls compared")


main()
