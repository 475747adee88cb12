#!/usr/bin/env python3
"""Serves a folder over http (port 80) and https (port 443) of an address: serve.py ADDRESS FOLDER CERTIFICATES."""
import functools
import http.server
import ssl
import sys
import threading

address, folder, certificates = sys.argv[1:]


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path.split("?")[0].rstrip("/") == "/npm/agent-package":
            self.path = "/npm/agent-package.json"
        super().do_GET()


def serve(port, secure):
    server = http.server.ThreadingHTTPServer((address, port), functools.partial(Handler, directory=folder))
    if secure:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{certificates}/cert.pem", f"{certificates}/key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


threading.Thread(target=serve, args=(443, True), daemon=True).start()
serve(80, False)
