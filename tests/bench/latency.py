"""
From LMTP delivery to the event at the ATS, beside a client that does nothing but IDLE on a mailbox of its own, with as
many messages: two sessions on one mailbox wake each other. Each mail goes to both in one transaction, in changing
order; one loop hears both; the clock starts before the final dot.

Dovecot tells an idling session 500 ms after it noticed a change, together with all that came meanwhile. So a mail
that comes alone is told to both after those 500 ms; one that comes shortly after another may be told at once to a
session that stayed in IDLE and did nothing, and late to one that fetched and began anew.
"""

import random
import re
import select
import smtplib
import ssl
import time

from floor import Floor
from jmap import Late
from ours import Watch
from peers import CANDIDATE, CONTACT, message, until
from report import quantile

ROUNDS = 100    # of each kind
ALONE = 0.7     # seconds without anything before a mail
AFTER = 0.3     # at most so long after another
GOAL = 5  # ms of p99 over the raw client's
RAW = CONTACT


class Idle(Floor):
    """A raw client in IDLE. heard() -> whether new mail was told."""

    def __init__(self, server):
        super().__init__(*server)
        self.command("SELECT INBOX")
        self.socket.sendall(b"b IDLE\r\n")
        self.read_until(b"+ idling")
        self.socket.setblocking(False)

    def heard(self):
        try:
            return re.search(rb"\* \d+ EXISTS", self.socket.recv(65536)) is not None
        except ssl.SSLWantReadError:
            return False


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
    """Both sides, heard by one loop."""

    def __init__(self, ours, idle):
        self.ours, self.idle = ours, idle
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
        """(when IDLE told, when the first event came that covers the new Email)"""
        raw, events, end = None, [], time.perf_counter() + 30
        while True:
            if time.perf_counter() > end:
                raise Late(f"IDLE {raw}, {len(events)} events")
            ready, _, _ = select.select([self.idle.socket, self.watch.events.socket], [], [], 1)
            now = time.perf_counter()
            if self.idle.socket in ready and self.idle.heard():
                raw = raw or now
            if self.watch.events.socket in ready:
                events += [(now, state) for state in self._events()]
            if raw and events and len(self._created(self.state)) == 1:
                break
        event = next(at for at, state in events if not self._created(state))
        self.state = events[-1][1]
        return raw, event

    def rest(self, alone):
        """Until the next mail may come."""
        self.watch.quiet(ALONE if alone else random.random() * AFTER)
        while self.idle.heard():
            pass
        self.state = self.ours.ats.state("Email", self.ours.account)


def figures(bench):
    ours = bench.synced().ours
    if ours.state() != "live":
        ours.unpause()
        until("live", lambda: ours.state() == "live")
    bench.stage.put(RAW)
    bell, delivery = Bell(ours, Idle(bench.stage.server(RAW))), Delivery(bench.stage.world)
    for alone, name in ((True, "LMTP delivery to event"), (False, "the same, shortly after another mail")):
        stretch = ours.stretch()
        raw, event = _series(bell, delivery, alone)
        _tell(bench.report, name + ", p99 over raw IDLE", raw, event, stretch.told(time.monotonic()))
    bell.watch.close()
    bell.idle.socket.close()


def _series(bell, delivery, alone):
    """Milliseconds to the raw client and to the event, of each mail."""
    raw, event = [], []
    for n in range(ROUNDS):
        bell.rest(alone)
        rcpts = [bell.ours.user, RAW] if n % 2 == 0 else [RAW, bell.ours.user]
        begin = delivery.send(rcpts, message(CANDIDATE, bell.ours.user, f"latency {n}"))
        heard, told = bell.wait()
        delivery.accepted(len(rcpts))
        raw.append((heard - begin) * 1000)
        event.append((told - begin) * 1000)
    return raw, event


def _tell(report, name, raw, event, run):
    def said(values):
        return f"p50 {quantile(values, 0.5):.1f}, p99 {quantile(values, 0.99):.1f}, most {max(values):.1f} ms"
    each = [e - r for e, r in zip(event, raw)]
    report.value(name, quantile(event, 0.99) - quantile(raw, 0.99), "ms", GOAL,
                 f"{len(event)} mails; event {said(event)}; raw {said(raw)}, it fetches and stores nothing; one by one "
                 f"{said(each)}; CPU of Postern per mail {run['cpu'] / len(event) * 1000:.1f} ms, others' CPU "
                 f"{run['elsewhere']:.1f} s", raw=raw, event=event, split=run["split"])
