"""A seccomp agent: seccompagent.py SOCKET [--answer ERRNO|continue] [--count N].

Receives one container process state with its notification descriptor per connection, prints it as "state=<json>" and
"fds=<n>", then answers every notification ("notified nr=<n>") until the filter is gone.
"""
import argparse
import array
import fcntl
import os
import select
import socket
import struct
import sys

RECV, SEND = 0xC0502100, 0xC0182101
CONTINUE = 1


def say(text):
    print(text, flush=True)


def answer_all(fd, answer):
    poll = select.poll()
    poll.register(fd, select.POLLIN | select.POLLHUP)
    while True:
        _, event = poll.poll()[0]
        if event & select.POLLHUP and not event & select.POLLIN:
            say("filter gone")
            return
        request = bytearray(80)
        try:
            fcntl.ioctl(fd, RECV, request)
        except OSError:
            continue
        cookie, pid, _, number = struct.unpack_from("QIIi", request)
        say(f"notified nr={number}")
        if answer == "continue":
            reply = struct.pack("QqiI", cookie, 0, 0, CONTINUE)
        else:
            reply = struct.pack("QqiI", cookie, 0, -int(answer), 0)
        try:
            fcntl.ioctl(fd, SEND, bytearray(reply))
        except OSError as error:
            say(f"answer failed: {error}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("socket")
    parser.add_argument("--answer", default="continue")
    parser.add_argument("--count", type=int, default=1)
    options = parser.parse_args()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(options.socket)
    listener.listen()
    say("listening")
    for _ in range(options.count):
        connection, _ = listener.accept()
        text, ancillary, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(64))
        fds = array.array("i")
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
        say(f"state={text.decode()}")
        say(f"fds={len(fds)}")
        child = os.fork()
        if child == 0:
            answer_all(fds[0], options.answer)
            os._exit(0)
        for fd in fds:
            os.close(fd)
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


sys.exit(main())
