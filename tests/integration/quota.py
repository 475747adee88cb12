"""Project quotas as the kernel keeps them: quotactl_fd(2), which no program of Debian calls by folder.

quota.py FOLDER                 "PROJECT BYTES FILES" a line: the limits of every project that has a record
quota.py FOLDER PROJECT FILES   sets the limit of files, and leaves that of bytes
"""
import ctypes
import errno
import os
import struct
import sys

RECORD, NEXT = struct.Struct("=8QI4x"), struct.Struct("=8QII")
GET, SET, GET_NEXT, PROJECT = 0x800007, 0x800008, 0x800009, 2
LIMIT_OF_FILES = 4
libc = ctypes.CDLL(None, use_errno=True)


def quotactl(folder, command, project, data):
    fd = os.open(folder, os.O_RDONLY)
    try:
        if libc.syscall(443, fd, command << 8 | PROJECT, project, data) != 0:
            raise OSError(ctypes.get_errno(), f"quotactl {command:#x} of project {project}")
    finally:
        os.close(fd)


def records(folder):
    project = 1  # 0 are the files of no project
    while True:
        data = ctypes.create_string_buffer(NEXT.size)
        try:
            quotactl(folder, GET_NEXT, project, data)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ESRCH):
                return
            raise
        values = NEXT.unpack(data.raw)
        yield values[9], values[0] * 1024, values[3]
        project = values[9] + 1


if len(sys.argv) == 2:
    for record in records(sys.argv[1]):
        print(*record)
else:
    folder, project, files = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    quotactl(folder, SET, project, RECORD.pack(0, 0, 0, files, 0, 0, 0, 0, LIMIT_OF_FILES))
