"""Connections that end after n bytes of the server, for every n of a session: nothing lost, nothing twice."""

from collections import Counter

import pytest

from desk import Desk
from jmap import SetError
from liar import Lie
from peers import until
from procs import resident_kb
from test_session_lies import MAILS, SUBJECTS, WORKER_KB, liar_link, subjects

WAVE = 50  # links at the same time


def patiently(create):
    """create() as soon as the rate of new credentials allows it."""
    def attempt():
        try:
            return create()
        except SetError as refusal:
            if refusal.type != "rateLimit":
                raise
    return until("room in the rate", attempt, seconds=70, pause=1)


def accounts(n):
    return {f"cut{i}@agency.example": "rec.Secret-17" for i in range(n)}


# ---- mail in -------------------------------------------------------------------

def sync_length(postern, ats, liars):
    """Bytes that an honest server sends until a fresh link is live and whole."""
    sent = []
    server = liars.start(Lie(accounts=accounts(1), messages=list(MAILS), on_end=lambda s: sent.append(s.sent)))
    link = liar_link(ats, server, "cut0@agency.example")
    postern.wait_live(ats, link)
    until("all of it", lambda: subjects(ats, link) == SUBJECTS)
    ats.destroy("Link", link)
    return until("the end of the session", lambda: sent and max(sent))


def sync_cut(postern, ats, liars, places):
    """One fresh link for each place; the first connections end there, the next ones are whole."""
    server = liars.start(Lie(accounts=accounts(len(places)), messages=list(MAILS), cuts=iter(places)))
    links = [patiently(lambda u=user: liar_link(ats, server, u)) for user in server.lie.accounts]
    until("each message once", lambda: all(subjects(ats, link) == SUBJECTS for link in links), seconds=60, pause=0.2)
    for link in links:
        postern.wait_live(ats, link, seconds=60)
    assert server.connections > len(places)  # who was cut came again
    for link in links:
        ats.destroy("Link", link)
    liars.stop(server)


# ---- mail out ------------------------------------------------------------------

def out_link(ats, server, address):
    endpoint = {"host": "localhost", "port": server.port, "security": "tls"}
    return Desk(ats, ats.create("Link", address=address, verify=False, mode="sendOnly", smtp=endpoint,
                                credential={"type": "password", "secret": "rec.Secret-17"})["id"], address)


def send_length(postern, ats, liars):
    sent = []
    server = liars.start(Lie("smtp", accounts=accounts(1), on_end=lambda s: sent.append(s.sent)))
    desk = out_link(ats, server, "cut0@agency.example")
    desk.wait_state(desk.submit(desk.draft(["candidate@people.example"], "whole")))
    ats.destroy("Link", desk.account)
    return until("the end of the session", lambda: sent and max(sent))


def send_cut(postern, ats, liars, places):
    """Accepted once and sent; or accepted once and uncertain, when only the last answer was lost."""
    server = liars.start(Lie("smtp", accounts=accounts(len(places)), cuts=iter(places)))
    desks = [out_link(ats, server, user) for user in server.lie.accounts]
    sent = [(desk, desk.submit(desk.draft(["candidate@people.example"], "to be cut"))) for desk in desks]
    ends = [desk.wait_state(id_, ("sent", "uncertain"), seconds=60)["state"] for desk, id_ in sent]
    taken = Counter(sender for sender, _, _ in server.accepted)
    assert all(taken[desk.user] == 1 for desk in desks), (taken, ends)
    assert ends.count("uncertain") <= len("250 2.0.0 accepted\r\n"), ends
    for desk in desks:
        ats.destroy("Link", desk.account)
    liars.stop(server)


# ---- all of it -----------------------------------------------------------------

def run(postern, liars, length, cut, choose):
    ats = postern.jmap(timeout=120)
    places = choose(length(postern, ats, liars))
    print(f"{cut.__name__}: {len(places)} places, {WAVE} at a time")
    steady = {p["pid"] for p in postern.processes() if p["role"] in ("store", "vault", "dialer", "ats-worker")}
    for first in range(0, len(places), WAVE):
        cut(postern, ats, liars, places[first:first + WAVE])
    assert {p["pid"] for p in postern.processes()} >= steady, "a process did not outlive it"
    assert all(resident_kb(pid) < WORKER_KB for pid in steady)


BOTH = pytest.mark.parametrize("length, cut", [(sync_length, sync_cut), (send_length, send_cut)], ids=["sync", "send"])


@BOTH
@pytest.mark.deadline(120)
def test_cut_here_and_there(postern, liars, length, cut):
    run(postern, liars, length, cut, lambda n: [n * i // 40 for i in range(40)])


@BOTH
@pytest.mark.long
@pytest.mark.deadline(1800)
def test_cut_after_every_byte(postern, liars, length, cut):
    run(postern, liars, length, cut, lambda n: list(range(n + 1)))
