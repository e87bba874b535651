"""Servers that lie while a message is handed over: taken once, told truly, no neighbour disturbed."""

import re
import time

import pytest

from jmap import Late
from liar import Lie, times
from send_lies import LIES, SLOW
from test_cuts import out_link


def run(postern, liars, table, seconds):
    ats = postern.jmap(timeout=120)
    told = {}
    for n, (name, (on, ends)) in enumerate(table.items()):
        # The first EHLO is the login's, which has lies of its own (lies.py).
        lie = Lie("smtp", user=f"out{n}@agency.example",
                  on={step: [times(1, actions, skip=step == "EHLO")] for step, actions in on.items()})
        server = liars.start(lie)
        desk = out_link(ats, server, lie.user)
        told[name] = (server, ends, desk, desk.submit(desk.draft(["candidate@people.example"], name)))
    honest = out_link(ats, liars.start(Lie("smtp", user="honest@agency.example")), "honest@agency.example")
    steady = {p["pid"] for p in postern.processes() if p["role"] in ("store", "vault", "dialer", "ats-worker")}
    honest.wait_state(honest.submit(honest.draft(["candidate@people.example"], "undisturbed")), seconds=30)
    wrong, end = {}, time.monotonic() + seconds
    for name, (server, ends, desk, id_) in told.items():
        try:
            now = desk.wait_state(id_, ("sent", "uncertain", "failed"), seconds=max(1, end - time.monotonic()))
        except Late:
            now = desk.submission(id_)
        taken = len(server.accepted)
        # Uncertain before it was taken: a person decides; it was not handed over.
        least = 0 if now["state"] in ("failed", "uncertain") else 1
        if now["state"] not in ends or not least <= taken <= 1:
            wrong[name] = (now["state"], now["code"] if "code" in now else None, taken)
    assert not wrong, wrong
    assert {p["pid"] for p in postern.processes()} >= steady
    assert not re.findall(r".*(?:SIGSEGV|SIGSYS|SIGABRT|SIGBUS|forbidden system call).*", postern.log_text())


@pytest.mark.deadline(150)
def test_lies_while_sending(postern, liars):
    run(postern, liars, LIES, 90)


@pytest.mark.long
@pytest.mark.deadline(900)
def test_slow_lies_while_sending(postern, liars):
    run(postern, liars, SLOW, 800)
