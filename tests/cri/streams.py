"""A WebSocket client for the streaming server of a CRI runtime: exec, attach and port-forward.

    with Stream(url) as stream:             # v4.channel.k8s.io: the first byte of each frame is its channel
        stream.send(0, b"input")            # 0 stdin, 1 stdout, 2 stderr, 3 the result as JSON, 4 the terminal's size
        channels = stream.read_all()        # {1: b"…", 3: b"…"}
"""
import base64
import os
import socket
import struct
import urllib.parse

STDIN, STDOUT, STDERR, RESULT, RESIZE = range(5)
CONTINUED, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class Stream:
    def __init__(self, url, protocol="v4.channel.k8s.io", timeout=60):
        parts = urllib.parse.urlsplit(url)
        self.sock = socket.create_connection((parts.hostname, parts.port), timeout=timeout)
        query = "?" + parts.query if parts.query else ""
        self.sock.sendall((f"GET {parts.path}{query} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
                           f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: {protocol}\r\n"
                           f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n").encode())
        self.buffer = b""
        head = self._until(b"\r\n\r\n").decode()
        if " 101 " not in head.splitlines()[0] + " ":
            raise RuntimeError(f"no WebSocket at {url}: {head.splitlines()[0]}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def _more(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
        self.buffer += data

    def _until(self, end):
        while end not in self.buffer:
            self._more()
        head, self.buffer = self.buffer.split(end, 1)
        return head

    def _take(self, size):
        while len(self.buffer) < size:
            self._more()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def _frame(self, kind, data):
        size = len(data)
        head = bytes([0x80 | kind])
        head += bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + struct.pack("!H", size)
        self.sock.sendall(head + b"\0\0\0\0" + data)  # masked by zeroes: a client has to mask

    def send(self, channel, data):
        self._frame(BINARY, bytes([channel]) + data)

    def close_input(self):
        """What a terminal and a pipe both take as the end."""
        self._frame(CLOSE, struct.pack("!H", 1000))

    def receive(self):
        """(channel, data) of the next frame that has any; raises EOFError at the end."""
        while True:
            first, second = self._take(2)
            size = second & 0x7F
            if size > 125:
                size = struct.unpack(*(("!H", self._take(2)) if size == 126 else ("!Q", self._take(8))))[0]
            data = self._take(size)
            kind = first & 0xF
            if kind == CLOSE:
                raise EOFError
            if kind == PING:
                self._frame(PONG, data)
            elif data:
                return data[0], data[1:]

    def read_all(self):
        channels = {}
        try:
            while True:
                channel, data = self.receive()
                channels[channel] = channels.get(channel, b"") + data
        except (EOFError, ConnectionResetError):
            return channels

    def read_until(self, channel, text):
        got = b""
        while text not in got:
            one, data = self.receive()
            if one == channel:
                got += data
        return got
