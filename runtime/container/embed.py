#!/usr/bin/env python3
"""Strips a program and writes assembly that embeds it:  embed.py STRIP PROGRAM STRIPPED OUTPUT.S"""
import os
import subprocess
import sys

strip, program, stripped, output = sys.argv[1:]
subprocess.run([strip, "-o", stripped, program], check=True)
with open(output, "w") as out:
    out.write(f"""    .section .rodata
    .balign 4096
    .globl agentsafe_init_image
    .hidden agentsafe_init_image
    .globl agentsafe_init_image_end
    .hidden agentsafe_init_image_end
agentsafe_init_image:
    .incbin "{os.path.abspath(stripped)}"
agentsafe_init_image_end:
    .section .note.GNU-stack,"",%progbits
""")
