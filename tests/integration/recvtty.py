"""Receives terminals over a console socket: recvtty.py SOCKET [--send TEXT] [--size ROWSxCOLS] [--count N].

Prints "listening", then per connection "name=<bytes>", "fds=<n>", "rdev=<maj>:<min>", "size=<rows>x<cols>", and
everything that the terminal says, each line behind "> ". Ends when the terminal hangs up.
"""
import argparse
import array
import fcntl
import os
import socket
import struct
import sys
import termios


def say(text):
    print(text, flush=True)


def serve(connection, options):
    name, ancillary, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(16 * 4))
    fds = array.array("i")
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    say(f"name={name.decode()}")
    say(f"fds={len(fds)}")
    rest = connection.recv(1)
    say(f"rest={rest!r}")
    master = fds[0]
    if options.pidfd:
        with open(f"/proc/self/fdinfo/{master}", encoding="ascii") as info:
            say(" ".join(line.strip() for line in info if line.startswith("Pid:")))
        return
    rdev = os.fstat(master).st_rdev
    say(f"rdev={os.major(rdev)}:{os.minor(rdev)}")
    rows, columns, _, _ = struct.unpack("HHHH", fcntl.ioctl(master, termios.TIOCGWINSZ, b"\0" * 8))
    say(f"size={rows}x{columns}")
    if options.size:
        rows, columns = map(int, options.size.split("x"))
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    if options.send:
        os.write(master, options.send.encode().decode("unicode_escape").encode())
    text = b""
    while True:
        try:
            data = os.read(master, 65536)
        except OSError:  # EIO: the last slave descriptor was closed
            break
        if not data:
            break
        text += data
        *lines, text = text.split(b"\n")
        for line in lines:
            say("> " + line.decode(errors="replace").rstrip("\r"))
    if text:
        say("> " + text.decode(errors="replace"))
    say("hangup")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("socket")
    parser.add_argument("--send")
    parser.add_argument("--size")
    parser.add_argument("--pidfd", action="store_true")
    parser.add_argument("--count", type=int, default=1)
    options = parser.parse_args()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(options.socket)
    listener.listen()
    say("listening")
    for _ in range(options.count):
        connection, _ = listener.accept()
        serve(connection, options)


sys.exit(main())
