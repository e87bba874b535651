"""
Run as root in a network and mount namespace of its own (unshare -mn): a name server of ours and two servers that answer
nonsense; Postern looks names up and connects, with one line of a list of system calls left out after the other.

    dial_alone.py DIRECTORY PROFILE LABEL... -> lines "LABEL missed" or "LABEL used in vain"; LABEL "none": nothing left out
"""

import ctypes
import fcntl
import os
import socket
import struct
import sys
import threading
import types

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "peers"), os.path.join(HERE, "..", "hostile")]

from battery import PROFILES, killed  # noqa: E402
from certs import Certs  # noqa: E402
from harness import Attacked  # noqa: E402
from proc import until  # noqa: E402

PORT = 7993
NAMES = {b"four": {1: socket.inet_aton("127.0.0.1")}, b"six": {28: socket.inet_pton(socket.AF_INET6, "::1")}}


def loopback_up():
    with socket.socket() as s:
        fcntl.ioctl(s, 0x8914, struct.pack("16sH14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: UP, RUNNING


def resolver(directory, address):
    path = os.path.join(directory, "resolv.conf")
    with open(path, "w") as f:
        f.write(f"nameserver {address}\n")
    if ctypes.CDLL(None, use_errno=True).mount(path.encode(), b"/etc/resolv.conf", None, 4096, None):  # MS_BIND
        raise OSError("cannot mount /etc/resolv.conf")


def name_server(family, address):
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.bind((address, 53))

    def serve():
        while True:
            q, peer = sock.recvfrom(4096)
            end = q.index(0, 12) + 1
            kind = struct.unpack(">H", q[end:end + 2])[0]
            data = NAMES.get(q[13:13 + q[12]], {}).get(kind)
            answer = q[:2] + b"\x81\x80\0\1" + struct.pack(">H", data is not None) + b"\0\0\0\0" + q[12:end + 4]
            if data is not None:
                answer += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data
            sock.sendto(answer, peer)

    threading.Thread(target=serve, daemon=True).start()


def server(family, address):
    """Nonsense in answer to whatever comes: read and written by the tls-worker."""
    listener = socket.socket(family)
    listener.bind((address, PORT))
    listener.listen(64)

    def serve():
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=lambda s=sock: (s.recv(4096), s.sendall(b"nonsense\r\n" * 10), s.close()),
                             daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()


def link(postern, host):
    end = {"host": host, "port": PORT, "security": "tls", "user": "x"}
    postern.jmap().create("Link", address=f"x@{host}", imap=end, smtp=end, verify=False,
                          credential={"type": "password", "secret": "x"})


def one(directory, world, profile, label):
    """Whether the line was missed; with none left out: whether all was done."""
    hosts = {name: {"allow-private": True, "ca-file": world.certs.ca} for name in ("four.example", "six.example")}
    settings = "sandbox=0" if label == "none" else f"left_out={profile}:{label}"
    postern = Attacked(directory, world, settings, hosts=hosts)
    roles = PROFILES[profile]
    try:
        postern.start(await_ats=True)
        for name in hosts:
            link(postern, name)

        def done():
            log = postern.log_text()
            return killed(log, roles) or all(f"host={name}" in log and "tls." in log for name in hosts)

        until("dialed or killed", done, 15)
        return killed(postern.log_text(), roles)
    finally:
        postern.stop()


def main():
    directory, profile, labels = sys.argv[1], sys.argv[2], sys.argv[3:]
    loopback_up()
    resolver(directory, "127.0.0.1")
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        name_server(family, address)
        server(family, address)
    world = types.SimpleNamespace(certs=Certs(os.path.join(directory, "ca")))
    for i, label in enumerate(labels):
        if label == "socket:AF_INET6,SOCK_DGRAM":
            resolver(directory, "::1")
        missed = one(os.path.join(directory, f"p{i}"), world, profile, label)
        resolver(directory, "127.0.0.1")
        print(label, "missed" if missed else "used in vain", flush=True)


if __name__ == "__main__":
    main()
