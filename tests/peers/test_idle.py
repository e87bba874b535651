"""What waits costs nothing: no process of Postern runs while nothing happens at the servers and no ATS asks."""

import contextlib
import time

import pytest

from peers import CANDIDATE, CONTACT, RECRUITER, World, message
from postern import Postern
from procs import ran

SILENT = "protocol imap {\n  imap_idle_notify_interval = 29 mins\n}"  # of itself Dovecot speaks every two minutes
LINKED = (RECRUITER, CANDIDATE, CONTACT)


@contextlib.contextmanager
def house(world, directory):
    """Three live links."""
    for user in LINKED:
        world.deliver(user, message(CANDIDATE, user, "before"))
    with Postern(directory, world, log_level="info") as postern:
        ats = postern.jmap()
        for user in LINKED:
            postern.link(user, client=ats, verify=False)
        yield postern


def watched(postern):
    return {p["pid"]: p["role"] for p in postern.processes() if p["pid"] and p["role"] != "posternd"}


def awake(roles, seconds):
    """{(role, pid): (times it ran, CPU ms)} of those that ran in these seconds; of parsers that ended nothing."""
    before = {pid: ran(pid) for pid in roles}
    time.sleep(seconds)
    after = {pid: ran(pid) for pid in roles}
    return {(role, pid): (after[pid][0] - before[pid][0], after[pid][1] - before[pid][1])
            for pid, role in roles.items() if after[pid] and before[pid] and after[pid] != before[pid]}


def test_nobody_ticks(clean, tmp_path, need_postern):
    """
    A clock that ticks each second or two shows in any four; posternd asking whether one is there is one time. What is
    still being settled (parsers linger, bodies come, a slow machine starts) is in none for ever.
    """
    with house(clean, tmp_path / "p") as postern:
        for _ in range(8):
            ticking = {who: n for who, n in awake(watched(postern), 4).items() if n[0] > 1}
            if not ticking:
                return
    assert not ticking, f"(times, CPU ms) in 4 s: {ticking}"


@pytest.mark.long
@pytest.mark.deadline(240)
def test_nobody_wakes(world, tmp_path, need_postern):
    """Between proof polls not once."""
    with World(tmp_path / "w", postfix=False, certs=world.certs, extra=SILENT) as own, house(own, tmp_path / "p") as postern:
        roles = watched(postern)
        time.sleep(75)  # posternd asks those that ran, each answer settles one; the store closes its books of a minute
        woken = awake(roles, 100)
    assert not woken, f"(times, CPU ms) in 100 s: {woken}"
