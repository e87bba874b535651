"""A process that neither dies nor works: found by posternd, and not confused with one that was only slow."""

import os
import signal
import time

import pytest

from desk import Desk
from peers import CANDIDATE, RECRUITER, message, until
from siege import started

ROLES = {"vault", "dialer", "control", "store", "ats-worker", "mime-worker", "tls-worker", "imapd-worker"}


def stop_all(postern):
    """SIGSTOP to one process of each role: {pid: when it was started}."""
    victims = {p["role"]: p["pid"] for p in postern.processes() if p["role"] in ROLES}
    assert set(victims) == ROLES
    for pid in victims.values():
        os.kill(pid, signal.SIGSTOP)
    return {pid: started(pid) for pid in victims.values()}


# limit: LIM_PING_SECONDS LIM_PINGS
@pytest.mark.long
@pytest.mark.deadline(300)
def test_slow_lives_wedged_dies(postern, desk, world):
    """Silent for 50 s: nothing happens to it. Silent for ever: ended within 60 to 75 s, and the house works again."""
    slow = stop_all(postern)
    time.sleep(50)
    for pid in slow:
        os.kill(pid, signal.SIGCONT)
    world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "after the pause"))
    desk.email("after the pause", seconds=30)
    assert all(started(pid) == birth for pid, birth in slow.items())
    assert "wedged" not in postern.log_text()
    time.sleep(16)  # a question of before is answered meanwhile
    begin = time.monotonic()
    wedged = stop_all(postern)
    try:
        until("all are ended", lambda: not any(started(p) == b for p, b in wedged.items()), seconds=80, pause=0.2)
    finally:
        for pid, birth in wedged.items():
            if started(pid) == birth:
                os.kill(pid, signal.SIGKILL)
    seconds = time.monotonic() - begin
    assert seconds > 55 and postern.log_text().count("reason=wedged") >= len(ROLES)
    print(f"wedged processes ended after {seconds:.0f} s")
    postern.await_answers(30)
    desk = Desk(postern.jmap(), desk.account, RECRUITER)
    world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "after the wedge"))
    desk.email("after the wedge", seconds=60)
    postern.wait_live(desk.ats, desk.account, seconds=60)
