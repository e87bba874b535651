"""Says yes to the right passwords, as saslauthd does: a UNIX socket with counted strings."""

import contextlib
import os
import socketserver
import struct
import threading


class Saslauthd:
    """users: {address: password}; looked at with each question."""

    def __init__(self, path, users):
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                fields = [self.rfile.read(struct.unpack("!H", self.rfile.read(2))[0]).decode() for _ in range(4)]
                user = fields[0] if "@" in fields[0] or not fields[3] else f"{fields[0]}@{fields[3]}"
                answer = b"OK" if users.get(user) == fields[1] else b"NO"
                self.wfile.write(struct.pack("!H", len(answer)) + answer)

        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self.server = socketserver.ThreadingUnixStreamServer(path, Handler)
        self.server.daemon_threads = True
        os.chmod(path, 0o777)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
