#!/usr/bin/python3
"""
The floor: one TLS connection that asks in one command and throws away what comes. Nobody can be faster by IMAP.

    floor.py HOST PORT CAFILE USER PASSWORD JOB [ARGUMENT]

discard: all messages.  durable FILE: the same, written to one file, on disk every 4 MiB and at the end.
headers: all headers.  select MODSEQ: enables QRESYNC, selects with CONDSTORE, asks what changed since.
new UID: select, and the bodies from UID on.
page: select, and the headers of the newest fifty.
Prints a JSON object: seconds from before the connection until after the last byte, bytes, messages.
"""

import json
import os
import re
import socket
import ssl
import sys
import time

STEP = 4 << 20


class Floor:
    def __init__(self, host, port, ca, user, password):
        raw = socket.create_connection((host, int(port)))
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = ssl.create_default_context(cafile=ca).wrap_socket(raw, server_hostname=host)
        self.buffer = bytearray(1 << 20)
        self.rows, self.rest = 0, b""
        self.read_until(b"\r\n")
        self.command(f'LOGIN "{user}" "{password}"')

    def read_until(self, mark, sink=None):
        """Bytes read until mark stands at the start of a line; (count, the last of them)."""
        tail, count, view = b"", 0, memoryview(self.buffer)
        while True:
            n = self.socket.recv_into(self.buffer)
            if n == 0:
                raise EOFError("the server hung up")
            count += n
            if sink:
                sink(view[:n])
            tail = tail[-200:] + bytes(view[max(0, n - 4096):n])
            if mark in tail:
                return count, tail

    def command(self, text, sink=None):
        self.socket.sendall(b"a " + text.encode() + b"\r\n")
        return self.read_until(b"a OK ", sink)


    def count_rows(self, data):
        """Good enough for few messages: none of the bench's has such a line."""
        data = self.rest + bytes(data)
        found = list(re.finditer(rb"\* \d+ FETCH \(UID", data))
        self.rows += len(found)
        self.rest = data[found[-1].end() if found else 0:][-30:]  # one may be cut in two


class File:
    """Writes what it is given, durable in steps."""

    def __init__(self, path):
        self.file, self.waiting = open(path, "wb", 0), 0

    def write(self, data):
        self.file.write(data)
        self.waiting += len(data)
        if self.waiting >= STEP:
            os.fdatasync(self.file.fileno())
            self.waiting = 0

    def close(self):
        os.fsync(self.file.fileno())
        self.file.close()


def _number(pattern, text):
    found = re.search(pattern, text)
    return int(found.group(1)) if found else 0


def main(server, job, argument=None):
    begin = time.monotonic()
    client = Floor(*server)
    if job == "page":
        _, head = client.command("SELECT INBOX")
        first = max(1, _number(rb"\* (\d+) EXISTS", head) - 49)
        count, _ = client.command(f"FETCH {first}:* (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER])")
        more = {}
    elif job in ("select", "new"):
        client.command("ENABLE QRESYNC")
        _, head = client.command("SELECT INBOX (CONDSTORE)")
        if job == "select":
            count, _ = client.command(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {argument})")
        else:
            count, _ = client.command(f"UID FETCH {argument}:* (UID FLAGS INTERNALDATE BODY.PEEK[])", client.count_rows)
        more = {"modseq": _number(rb"HIGHESTMODSEQ (\d+)", head), "uidnext": _number(rb"UIDNEXT (\d+)", head),
                "messages": client.rows}
    else:
        client.command("SELECT INBOX")
        item = "BODY.PEEK[HEADER]" if job == "headers" else "BODY.PEEK[]"
        file = File(argument) if job == "durable" else None
        count, _ = client.command(f"UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE {item})",
                                  file.write if file else None)
        if file:
            file.close()
        more = {}
    print(json.dumps({"seconds": time.monotonic() - begin, "bytes": count, **more}))


if __name__ == "__main__":
    main(sys.argv[1:6], *sys.argv[6:])
