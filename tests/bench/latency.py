"""
From LMTP delivery to the event at the ATS, beside a client that does nothing but IDLE on a mailbox of its own, with as
many messages: two sessions on one mailbox wake each other. Each mail goes to both in one transaction, in changing
order; one loop hears both; the clock starts before the final dot.

A third client, on a third mailbox, reads the header of what came, by NOTIFY, and does nothing with it: no client that
says what came can be faster. Dovecot opens a message in a maildir that it has just renamed by its old name, fails, and
reads the whole directory anew: at 20,000 messages some 45 ms of its processor for whoever reads a message first, and
none for who only waits.

Dovecot tells an idling session 500 ms after it noticed a change, together with all that came meanwhile. So a mail
that comes alone is told to both after those 500 ms; one that comes shortly after another may be told at once to a
session that stayed in IDLE and did nothing, and late to one that fetched and began anew.

An event leaves when the mail is on disk. So a disk that is slow for a moment makes one late: beside each mail a file
is written and brought to disk, and how long that took is told too.
"""

import itertools
import os
import random
import re
import select
import smtplib
import ssl
import time

from floor import Floor
from jmap import Late
from ours import Watch
from peers import CANDIDATE, CONTACT, OTHER, message, until
from report import quantile

ROUNDS = 100    # of each kind
ALONE = 0.7     # seconds without anything before a mail
AFTER = 0.3     # at most so long after another
GOAL = 5  # ms of p99 over the raw client's
RAW, READ = CONTACT, OTHER
PAGES = bytes(128 << 10)  # about what is written for a mail
NEWS = "NOTIFY SET (selected-delayed (MessageNew (UID FLAGS BODY.PEEK[HEADER]) MessageExpunge FlagChange))"


class Idle(Floor):
    """A raw client in IDLE. heard() -> whether new mail was told."""

    before, told = (), rb"\* \d+ EXISTS"

    def __init__(self, server):
        super().__init__(*server)
        self.command("SELECT INBOX")
        for command in self.before:
            self.command(command)
        self.socket.sendall(b"b IDLE\r\n")
        self.read_until(b"+ idling")
        self.socket.setblocking(False)
        self.said = b""

    def heard(self):
        try:
            while data := self.socket.recv(65536):  # TLS may hold more than select() knows of
                self.said += data
            raise EOFError("the server hung up")
        except ssl.SSLWantReadError:
            found = re.search(self.told, self.said)
            if found:  # else what came may be the first half of it
                self.said = b""
            return found is not None


class Reader(Idle):
    """One that also wants the header."""

    before, told = (NEWS,), rb"FETCH \(.*BODY\[HEADER\]"


class Delivery:
    """One LMTP connection."""

    def __init__(self, world):
        self.client = smtplib.LMTP("127.0.0.1", world.dovecot.lmtp)
        self.client.ehlo_or_helo_if_needed()

    def send(self, rcpts, raw):
        """The time just before the final dot left; the answers are not awaited."""
        self.client.mail("x@people.example")
        for rcpt in rcpts:
            self.client.rcpt(rcpt)
        self.client.docmd("DATA")
        self.client.sock.sendall(raw)
        begin = time.perf_counter()
        self.client.sock.sendall(b"\r\n.\r\n")
        return begin

    def accepted(self, count):
        for _ in range(count):
            assert self.client.getreply()[0] == 250


class Bell:
    """All sides, heard by one loop."""

    def __init__(self, ours, *clients):
        self.ours, self.clients = ours, clients
        self.watch = Watch(ours.ats, ours.account, "Email")
        self.state = ours.ats.state("Email", ours.account)

    def _events(self):
        """[state] of the Emails in what came."""
        before = len(self.watch.seen)
        try:
            self.watch.next(0.01)
        except Late:
            return []
        return [types["Email"] for _, who, types in self.watch.seen[before:]
                if who == self.ours.account and "Email" in types]

    def _created(self, since):
        return self.ours.ats.call("Email/changes", self.ours.account, sinceState=since)["created"]

    def wait(self):
        """When each client told, and last when the first event came that covers the new Email."""
        told, events, end = {}, [], time.perf_counter() + 30
        while True:
            if time.perf_counter() > end:
                raise Late(f"{len(told)} clients, {len(events)} events")
            ready, _, _ = select.select([*(c.socket for c in self.clients), self.watch.events.socket], [], [], 1)
            now = time.perf_counter()
            for client in self.clients:
                if client.socket in ready and client.heard():
                    told.setdefault(client, now)
            if self.watch.events.socket in ready:
                events += [(now, state) for state in self._events()]
            if len(told) == len(self.clients) and events and len(self._created(self.state)) == 1:
                break
        event = next(at for at, state in events if not self._created(state))
        self.state = events[-1][1]
        return [*(told[c] for c in self.clients), event]

    def rest(self, alone):
        """Until the next mail may come."""
        self.watch.quiet(ALONE if alone else random.random() * AFTER)
        for client in self.clients:
            while client.heard():
                pass
        self.state = self.ours.ats.state("Email", self.ours.account)


def figures(bench):
    ours = bench.synced().ours
    if ours.state() != "live":
        ours.unpause()
        until("live", lambda: ours.state() == "live")
    for user in (RAW, READ):
        bench.stage.put(user)
    bell = Bell(ours, Idle(bench.stage.server(RAW)), Reader(bench.stage.server(READ)))
    delivery = Delivery(bench.stage.world)
    for alone, name in ((True, "LMTP delivery to event"), (False, "the same, shortly after another mail")):
        stretch = ours.stretch()
        raw, read, event, disk = _series(bell, delivery, alone, os.path.join(bench.work, "disk"))
        told = dict(stretch.told(time.monotonic()), disk=disk)
        _tell(bench.report, name + ", p99 over raw IDLE", raw, event, told, "it fetches and stores nothing")
        _tell(bench.report, name + ", p99 over who reads the header", read, event, told, "it stores nothing")
    bell.watch.close()
    for client in bell.clients:
        client.socket.close()


def _written(path):
    """Seconds until a file is on disk."""
    begin = time.perf_counter()
    with open(path, "wb", 0) as f:
        f.write(PAGES)
        os.fdatasync(f.fileno())
    return time.perf_counter() - begin


def _series(bell, delivery, alone, path):
    """Milliseconds to the clients, to the event, and to have a file on disk, of each mail."""
    times, orders = [], list(itertools.permutations((bell.ours.user, RAW, READ)))
    for n in range(ROUNDS):
        bell.rest(alone)
        rcpts = orders[n % len(orders)]
        begin = delivery.send(rcpts, message(CANDIDATE, bell.ours.user, f"latency {n}"))
        at = [*bell.wait(), begin + _written(path)]
        times.append([(t - begin) * 1000 for t in at])
        delivery.accepted(len(rcpts))
    return zip(*times)


def _tell(report, name, raw, event, run, what):
    def said(values):
        return f"p50 {quantile(values, 0.5):.1f}, p99 {quantile(values, 0.99):.1f}, most {max(values):.1f} ms"
    each = [e - r for e, r in zip(event, raw)]
    report.value(name, quantile(event, 0.99) - quantile(raw, 0.99), "ms", GOAL,
                 f"{len(event)} mails; event {said(event)}; raw {said(raw)}, {what}; one by one "
                 f"{said(each)}; the disk alone {said(run['disk'])}; CPU of Postern per mail {run['cpu'] / len(event) * 1000:.1f} ms, others' CPU "
                 f"{run['elsewhere']:.1f} s", raw=list(raw), event=list(event), split=run["split"])
