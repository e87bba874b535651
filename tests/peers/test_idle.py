"""What waits costs nothing: no process of Postern runs while nothing happens at the servers and no ATS asks."""

import os
import time

import pytest

from peers import CANDIDATE, CONTACT, RECRUITER, World, message
from postern import Postern
from procs import ran

SILENT = "protocol imap {\n  imap_idle_notify_interval = 29 mins\n}"  # of itself Dovecot speaks every two minutes
LINKED = (RECRUITER, CANDIDATE, CONTACT)


@pytest.fixture
def house(world, tmp_path, need_postern):
    """Three live links, the first mail long done; (role, pid) of all processes but posternd."""
    with World(tmp_path / "w", postfix=False, certs=world.certs, extra=SILENT) as own:
        for user in LINKED:
            own.deliver(user, message(CANDIDATE, user, "before"))
        with Postern(tmp_path / "p", own, log_level="info") as postern:
            ats = postern.jmap()
            for user in LINKED:
                postern.link(user, client=ats, verify=False)
            yield postern


def watched(postern):
    return {p["pid"]: p["role"] for p in postern.processes() if p["pid"] and p["role"] != "posternd"}


def awake(roles, seconds):
    """{(role, pid): (times it ran, CPU ms)} of those that ran in these seconds."""
    before = {pid: ran(pid) for pid in roles}
    time.sleep(seconds)
    after = {pid: ran(pid) for pid in roles}
    return {(role, pid): (after[pid][0] - before[pid][0], after[pid][1] - before[pid][1])
            for pid, role in roles.items() if after[pid] != before[pid]}


def test_nobody_ticks(house):
    """A clock that ticks each second or two shows in four; posternd asking whether one is there is one time."""
    time.sleep(2.5)  # parsers linger, bodies are settled
    ticking = {who: n for who, n in awake(watched(house), 4).items() if n[0] > 1}
    assert not ticking, f"(times, CPU ms) in 4 s: {ticking}"


@pytest.mark.long
@pytest.mark.deadline(240)
def test_nobody_wakes(house):
    """Between proof polls not once. The store may close its books on the bodies of the last minute."""
    roles = watched(house)
    time.sleep(75)  # posternd asks those that ran, each answer settles one
    roles = {pid: role for pid, role in roles.items() if os.path.exists(f"/proc/{pid}")}  # a parser ends after its batch
    woken = awake(roles, 100)
    assert not woken, f"(times, CPU ms) in 100 s: {woken}"
