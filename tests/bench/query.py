"""
What the ATS asks all day: the newest fifty of the mailbox as a list, in one request on a connection that stays; at
rest, and while another mailbox is synced first.
"""

import json
import os
import socket
import time

import complete
from jmap import USING
from ours import Ours
from report import quantile

TIMES = 400
PAUSE, EVERY = 0.02, 25  # seconds between requests while a mailbox is synced; requests between two looks at it
SHOWN = ["id", "threadId", "mailboxIds", "keywords", "from", "to", "subject", "receivedAt", "size", "preview",
         "hasAttachment"]


class Connection:
    """Requests made beforehand, answers measured and not read."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)

    @staticmethod
    def request(*calls):
        body = json.dumps({"using": USING, "methodCalls": [[n, a, str(i)] for i, (n, a) in enumerate(calls)]}).encode()
        return (b"POST /jmap/api HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    def ask(self, request):
        """(seconds, the answer's body)"""
        begin, data = time.perf_counter(), b""
        self.socket.sendall(request)
        while b"\r\n\r\n" not in data:
            data += self._receive()
        head, body = data.split(b"\r\n\r\n", 1)
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
        while len(body) < length:
            body += self._receive()
        return time.perf_counter() - begin, body

    def _receive(self):
        data = self.socket.recv(1 << 20)
        if not data:
            raise EOFError("hung up on")
        return data


def page(account, limit=50, properties=SHOWN):
    """Email/query of the newest and Email/get of what it found."""
    get = {"accountId": account, "#ids": {"resultOf": "0", "name": "Email/query", "path": "/ids"}}
    if properties:
        get["properties"] = properties
    return Connection.request(
        ("Email/query", {"accountId": account, "limit": limit,
                         "sort": [{"property": "receivedAt", "isAscending": False}]}),
        ("Email/get", get))


def figures(bench):
    ours = bench.synced().ours
    connection = Connection(ours.postern.socket())
    echo = _times(connection, Connection.request(("Core/echo", {})))
    for name, properties, goal in (("Email/query + Email/get, newest 50", SHOWN, 1.5),
                                   ("the same with all properties", None, None)):
        request = page(ours.account, properties=properties)
        _, body = connection.ask(request)
        wrong = complete.page(json.loads(body), bench.stage)
        if wrong:
            bench.report.note(f"{name}: {wrong}")
            continue
        stretch = ours.stretch()
        times = _times(connection, request)
        run = stretch.told(time.monotonic())
        each = ", ".join(f"{k} {v / TIMES * 1000:.2f}" for k, v in sorted(run["split"].items()) if v / TIMES > 1e-5)
        bench.report.value(name, quantile(times, 0.5) * 1000, "ms (p50)", goal,
                           f"p99 {quantile(times, 0.99) * 1000:.2f} ms, {len(body)} bytes; CPU ms each: {each}; "
                           f"Core/echo p50 {quantile(echo, 0.5) * 1000:.2f} ms", p99=quantile(times, 0.99) * 1000,
                           split=run["split"], times=TIMES)
    _meanwhile(bench)


def _meanwhile(bench):
    """The same of a mailbox whose bodies are being fetched, fifty times a second at most."""
    with Ours(os.path.join(bench.stage.dir, "meanwhile"), bench.stage) as link:
        connection, request = Connection(link.postern.socket()), page(link.account)
        link.unpause()
        times, wrong = [], None
        stretch = link.stretch()
        while True:
            seconds, body = connection.ask(request)
            wrong = complete.page(json.loads(body), bench.stage)
            if wrong is None:
                times.append(seconds)
            if len(times) % EVERY == 0 and link.state() == "live" and _whole(link):
                break
            time.sleep(PAUSE)
            if time.monotonic() > stretch.begin + 300:
                raise TimeoutError("the first sync does not end")
        run = stretch.told(time.monotonic())
    name = "Email/query + Email/get, newest 50, during a first sync"
    if len(times) < 2 * EVERY:
        bench.report.note(f"{name}: only {len(times)} answers: too few messages")
        return
    told = {q: quantile(times, q) * 1000 for q in (0.5, 0.9, 0.99)}
    bench.report.value(name, told[0.5], "ms (p50)", None,
                       f"p90 {told[0.9]:.1f} ms, p99 {told[0.99]:.1f} ms, {len(times)} times in {run['seconds']:.1f} s",
                       p90=told[0.9], p99=told[0.99])


def _whole(link):
    return all(e["contentState"] == "full" for e in link.emails(5, ascending=True, properties=("contentState",)))


def _times(connection, request):
    return [connection.ask(request)[0] for _ in range(TIMES)]
