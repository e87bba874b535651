"""Servers that lie while a mailbox syncs: nothing lost, nothing doubled, no neighbour disturbed, memory bounded."""

import os
import re
import signal
import time

import pytest

from desk import Desk
from liar import Closed, Lie
from peers import CANDIDATE, RECRUITER, message, until
from proc import NotReady
from procs import resident_kb
from session_lies import LIES, SILENT

MAILS = [b"From: candidate@people.example\r\nTo: r@agency.example\r\nMessage-ID: <%d@lies.example>\r\n"
         b"Subject: mail %d\r\n\r\nbody %d\r\n" % (n, n, n) for n in range(3)]
SUBJECTS = ["mail 0", "mail 1", "mail 2"]
FAT = 20 << 20  # of a message that was said to be small
WORKER_KB = 64 * 1024  # the longest line is 8 MiB (LIM_IMAP_LINE), kept once raw and once taken apart


def liar_link(ats, server, address, **more):
    endpoint = {"host": "localhost", "port": server.port, "security": "tls"}
    return ats.create("Link", address=address, verify=False, mode="receiveOnly", imap=endpoint,
                      policy={"content": "all", "periodDays": 3650, "first": 0},
                      credential={"type": "password", "secret": server.lie.password}, **more)["id"]


def subjects(ats, account):
    """What the ATS sees in that mailbox, sorted: each message once."""
    return sorted(e["subject"] for e in Desk(ats, account, "").emails(["subject"]))


def liars_for(liars, table):
    """{name: server}, each with a mailbox and an address of its own."""
    return {name: liars.start(Lie(user=f"lie{n}@agency.example", messages=list(MAILS), on=dict(on)))
            for n, (name, on) in enumerate(table.items())}


def met(server):
    return any(server.counts[command] for command in server.lie.on)


def wait(wrong, seconds, what):
    """Until wrong() has nothing left to say."""
    try:
        until(what, lambda: not wrong(), seconds=seconds, pause=0.2)
    except NotReady as late:
        raise AssertionError(f"{what}: {wrong()}") from late


def run(postern, world, servers, seconds):
    ats = postern.jmap(timeout=120)
    neighbour = Desk(ats, postern.link(RECRUITER, client=ats), RECRUITER)
    before = {p["pid"]: p["role"] for p in postern.processes() if p["role"] not in ("mime-worker", "imapd-worker")}
    links = {name: liar_link(ats, s, s.lie.user) for name, s in servers.items()}
    wait(lambda: [name for name, s in servers.items() if not met(s)], seconds, "never told")
    world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "undisturbed"))
    neighbour.whole("undisturbed", seconds=30)
    big = {p["pid"]: kb for p in postern.processes() if p["role"] == "imapd-worker"
           for kb in [resident_kb(p["pid"])] if kb > WORKER_KB}
    assert not big, big
    for server in servers.values():
        server.lie.on.clear()

    def wrong():
        links_now = {link["id"]: link for link in ats.get("Link")}
        return {name: (links_now[id_]["state"], links_now[id_]["error"], found) for name, id_ in links.items()
                if (found := subjects(ats, id_)) != SUBJECTS or links_now[id_]["state"] != "live"}

    wait(wrong, seconds, "not as the server has it")
    after = {p["pid"] for p in postern.processes()}
    lost = [role for pid, role in before.items() if pid not in after and role != "smtp-worker"]
    assert not lost, f"died: {lost}\n{postern.log_text()[-3000:]}"
    assert not re.findall(r".*(?:SIGSEGV|SIGSYS|SIGABRT|SIGBUS|forbidden system call).*", postern.log_text())


@pytest.mark.deadline(150)
def test_lies_in_a_session(postern, world, liars):
    run(postern, world, liars_for(liars, LIES), 60)


@pytest.mark.long
@pytest.mark.deadline(600)
def test_silence_in_a_session(postern, world, liars):
    run(postern, world, liars_for(liars, SILENT), 400)


class Fat:
    """Answers each body that is asked for with a message a hundred thousand times as large as told."""

    def __init__(self, before):
        self.before, self.sent, self.over = before, 0, False

    async def __call__(self, session):
        if b"BODY.PEEK[]" not in session.rest or self.over:
            await session.answer_truly()
            return
        self.before()
        piece = b"x" * 65536
        for n, raw in enumerate(session.mails(), 1):
            session.write(b"* %d FETCH (UID %d BODY[] {%d}\r\n%s" % (n, n, len(raw) + FAT, raw))
            for _ in range(FAT // len(piece)):
                if self.over:
                    raise Closed
                session.write(piece)
                await session.drain()
                self.sent += len(piece)
            session.write(b")\r\n")
        session.ok()


def sockets():
    """Bytes that the kernel may keep between the two, and some for the programs."""
    most = [int(open(f"/proc/sys/net/ipv4/{name}").read().split()[2]) for name in ("tcp_rmem", "tcp_wmem")]
    return sum(most) + (4 << 20)


def came_to_rest(fat):
    """What was sent until nothing more is taken; or until it is more than the store may have."""
    last, since = fat.sent, time.monotonic()
    while last < 3 * FAT + sockets() + FAT and time.monotonic() - since < (1.5 if last > 3 * FAT else 30):
        time.sleep(0.1)
        if fat.sent != last:
            last, since = fat.sent, time.monotonic()
    return last


def test_sizes_that_are_not_true(postern, liars):
    """A store that is slow, here stopped, gets no more of them than it may hold; the server waits, and then all goes on."""
    ats = postern.jmap(timeout=120)
    store = next(p["pid"] for p in postern.processes() if p["role"] == "store")
    fat = Fat(lambda: os.kill(store, signal.SIGSTOP))
    mails = [b"From: a@people.example\r\nMessage-ID: <%d@fat.example>\r\nSubject: mail %d\r\n\r\n" % (n, n)
             for n in range(10)]
    server = liars.start(Lie(user="fat@agency.example", messages=mails, on={"UID FETCH": [fat]}))
    account = liar_link(ats, server, server.lie.user)
    try:
        sent = came_to_rest(fat)
    finally:
        fat.over = True
        os.kill(store, signal.SIGCONT)
    # Three fit, the fourth is announced; sockets on the way take some of what follows.
    assert 3 * FAT < sent < 3 * FAT + sockets()
    until("all mail", lambda: [e["contentState"] for e in Desk(ats, account, "").emails(["contentState"])]
          == ["full"] * len(mails), seconds=30)
