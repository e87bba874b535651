"""
From LMTP delivery to the event at the ATS, beside a client that does nothing but IDLE. Both are heard by one loop, and
the clock starts before the final dot. Half of the mails come alone, half right after another.
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
from peers import CANDIDATE, message, until
from report import quantile

ROUNDS = 200
GOAL = 5  # ms of p99 over the raw client's


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

    def __init__(self, world, user):
        self.client, self.user = smtplib.LMTP("127.0.0.1", world.dovecot.lmtp), user
        self.client.ehlo_or_helo_if_needed()

    def send(self, raw):
        """The time just before the final dot left; the answer is not awaited."""
        self.client.mail("x@people.example")
        self.client.rcpt(self.user)
        self.client.docmd("DATA")
        self.client.sock.sendall(raw)
        begin = time.perf_counter()
        self.client.sock.sendall(b"\r\n.\r\n")
        return begin

    def accepted(self):
        assert self.client.getreply()[0] == 250


def _await(idle, watch, account):
    """(when IDLE told, (when the first Email event came, its state))"""
    raw = event = None
    end = time.perf_counter() + 30
    while raw is None or event is None:
        if time.perf_counter() > end:
            raise Late(f"IDLE {raw}, event {event}")
        ready, _, _ = select.select([idle.socket, watch.events.socket], [], [], 1)
        now = time.perf_counter()
        if idle.socket in ready and idle.heard():
            raw = now
        if watch.events.socket in ready:
            state = _email_state(watch, account)
            event = event or (state and (now, state))
    return raw, event


def _email_state(watch, account):
    before = len(watch.seen)
    try:
        watch.next(0.01)
    except Late:
        pass
    return next((types["Email"] for _, who, types in watch.seen[before:] if who == account and "Email" in types), None)


def _round(delivery, idle, watch, ours, n):
    """(ms of raw, ms of the event, what is wrong)"""
    before = ours.ats.state("Email", ours.account)
    begin = delivery.send(message(CANDIDATE, ours.user, f"latency {n}"))
    raw, (event, state) = _await(idle, watch, ours.account)
    delivery.accepted()
    known = ours.ats.call("Email/changes", ours.account, sinceState=before)["created"]
    later = ours.ats.call("Email/changes", ours.account, sinceState=state)["created"]
    wrong = None if len(known) == 1 and not later else f"event {n}: {len(known)} new Emails, {len(later)} after it"
    return (raw - begin) * 1000, (event - begin) * 1000, wrong


def _alone(watch, idle):
    """Until nothing moves."""
    watch.quiet(0.1)
    while idle.heard():
        pass
    time.sleep(random.random() * 0.1)


def figures(bench):
    ours = bench.synced().ours
    if ours.state() != "live":
        ours.unpause()
        until("live", lambda: ours.state() == "live")
    watch, idle = Watch(ours.ats, ours.account, "Email"), Idle(bench.stage.server(ours.user))
    delivery = Delivery(bench.stage.world, ours.user)
    raw, event = {True: [], False: []}, {True: [], False: []}
    stretch = ours.stretch()
    for n in range(ROUNDS):
        alone = n % 2 == 0
        watch.quiet(0.1 if alone else 0.02)
        if alone:
            _alone(watch, idle)
        r, e, wrong = _round(delivery, idle, watch, ours, n)
        if wrong:
            bench.report.note("latency: " + wrong)
            continue
        raw[alone].append(r)
        event[alone].append(e)
    run = stretch.told(time.monotonic())
    _tell(bench.report, raw[True] + raw[False], event[True] + event[False], event[True], event[False], run)
    watch.close()
    idle.socket.close()


def _tell(report, raw, event, alone, after, run):
    over = quantile(event, 0.99) - quantile(raw, 0.99)
    report.value("LMTP delivery to event, p99 over a raw IDLE client's", over, "ms", GOAL,
                 f"{len(event)} mails; event p50 {quantile(event, 0.5):.1f}, p99 {quantile(event, 0.99):.1f} ms; "
                 f"raw p50 {quantile(raw, 0.5):.1f}, p99 {quantile(raw, 0.99):.1f} ms; p50 alone "
                 f"{quantile(alone, 0.5):.1f}, right after another {quantile(after, 0.5):.1f} ms; the raw client stores "
                 f"nothing; others' CPU {run['elsewhere']:.1f} s", raw=raw, event=event, split=run["split"])
