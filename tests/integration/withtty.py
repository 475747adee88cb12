"""Runs a command with a new terminal as its stdin, stdout and stderr: withtty.py [--send TEXT] [--size RxC] -- COMMAND…

Copies what the terminal says to stdout and ends with the command's status. TEXT is typed, and with --resize RxC the window
changes, when "ready", or what --after says, has been seen. Afterwards tells on stderr whether the terminal's settings are what they were.
"""
import argparse
import fcntl
import os
import pty
import struct
import sys
import termios


def set_size(fd, text):
    rows, columns = map(int, text.split("x"))
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--send")
    parser.add_argument("--after", default="ready")
    parser.add_argument("--size", default="24x80")
    parser.add_argument("--resize")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    master, slave = pty.openpty()
    set_size(master, options.size)
    before = termios.tcgetattr(slave)
    child = os.fork()
    if child == 0:
        os.close(master)
        os.login_tty(slave) if hasattr(os, "login_tty") else login(slave)
        os.execvp(options.command[0], options.command)
    seen, resized, sent = b"", False, False
    os.set_blocking(master, True)
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        data = read_some(master)
        seen += data
        os.write(1, data)
        if options.send and not sent and options.after.encode() in seen:
            os.write(master, options.send.encode().decode("unicode_escape").encode())
            sent = True
        if options.resize and not resized and options.after.encode() in seen:
            set_size(master, options.resize)
            resized = True
        if done and not data:
            break
    print("settings kept" if termios.tcgetattr(slave) == before else "settings changed", file=sys.stderr)
    sys.exit(os.waitstatus_to_exitcode(status) % 256)


def login(slave):
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(slave, fd)
    if slave > 2:
        os.close(slave)


def read_some(master):
    import select

    ready, _, _ = select.select([master], [], [], 0.05)
    return os.read(master, 65536) if ready else b""


main()
