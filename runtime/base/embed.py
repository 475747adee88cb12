#!/usr/bin/env python3
"""Strips a program and writes assembly that embeds it:  embed.py STRIP PROGRAM STRIPPED OUTPUT.S SYMBOL"""
import os
import subprocess
import sys

strip, program, stripped, output, symbol = sys.argv[1:]
subprocess.run([strip, "-o", stripped, program], check=True)
with open(output, "w") as out:
    out.write(f"""    .section .rodata.{symbol}, "a"
    .balign 4096
    .globl {symbol}
    .hidden {symbol}
    .globl {symbol}_end
    .hidden {symbol}_end
{symbol}:
    .incbin "{os.path.abspath(stripped)}"
{symbol}_end:
    .section .note.GNU-stack,"",%progbits
""")
