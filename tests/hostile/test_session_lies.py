"""Servers that lie while a mailbox syncs: nothing lost, nothing doubled, no neighbour disturbed, memory bounded."""

import re

import pytest

from desk import Desk
from liar import Lie
from peers import CANDIDATE, RECRUITER, message, until
from proc import NotReady
from procs import resident_kb
from session_lies import LIES, SILENT

MAILS = [b"From: candidate@people.example\r\nTo: r@agency.example\r\nMessage-ID: <%d@lies.example>\r\n"
         b"Subject: mail %d\r\n\r\nbody %d\r\n" % (n, n, n) for n in range(3)]
SUBJECTS = ["mail 0", "mail 1", "mail 2"]
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
