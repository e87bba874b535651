"""A server that is gone and does not say so: found within the promised time, the link says how fresh it is, nothing is
missed. The imapd-worker and the tls-worker live in a fast time of their own (shim.c)."""

import time

import pytest

from desk import Desk
from fire import Postern, Programs
from hole import Hole
from peers import CANDIDATE, RECRUITER, message, until

pytestmark = pytest.mark.usefixtures("need_fire", "need_postern")
SPEED = 60
PROOF, STALLED, TICKS = 300, 120, 10  # LIM_PROOF_SECONDS, LIM_COMMAND_SECONDS, two of LIM_IMAP_TICK_MS
NOISE = 3   # s, of a machine that does other things too


@pytest.fixture
def line(clean, tmp_path):
    """(world, the wire, posternd, desk): one link behind the wire."""
    programs = Programs(tmp_path / "programs", speed={"imapd-worker": SPEED, "tls-worker": SPEED})
    hole = Hole(clean.dovecot.imaps)
    with Postern(tmp_path / "postern", clean, build=programs.dir) as postern:
        ats = postern.jmap()
        ends = clean.endpoints(RECRUITER)
        ends["imap"]["port"] = hole.port
        yield clean, hole, postern, Desk(ats, postern.link(RECRUITER, client=ats, verify=False, **ends), RECRUITER)
    hole.close()


def link(desk):
    return desk.ats.one("Link", desk.account)


def code(desk):
    return (link(desk)["error"] or {}).get("code")


def test_silence_in_idle(line):
    """The proof poll is not answered. Nobody answers the next connections either; then the server is back."""
    world, hole, postern, desk = line
    until("whole", lambda: link(desk)["freshness"] is not None)
    time.sleep(0.5)
    begin, connections = time.monotonic(), hole.accepted
    hole.swallow()
    hole.silent_new = True
    world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "into the silence"))
    doubt = []
    while code(desk) is None:
        now = link(desk)
        if now["freshness"] is not None:
            doubt.append((time.monotonic() - begin, now["freshness"]))
        assert time.monotonic() - begin < (PROOF + STALLED + TICKS) / SPEED + NOISE, "not found in time"
        time.sleep(0.05)
    found = time.monotonic() - begin
    assert found > STALLED / SPEED
    assert all(fresh >= int(age) for age, fresh in doubt), f"fresher than it can be: {doubt}"
    assert doubt[-1][1] >= STALLED // SPEED
    until("another connection", lambda: hole.accepted > connections)
    until("it is not served either", lambda: code(desk) in ("net.timeout", "tls.timeout"), seconds=20)
    assert link(desk)["freshness"] is None
    hole.silent_new = False
    desk.whole("into the silence", seconds=20)
    postern.wait_live(desk.ats, desk.account)
    until("fresh", lambda: (link(desk)["freshness"] or 99) <= 2, seconds=20)
    print(f"silence found after {found * SPEED:.0f} s of the worker's time")


def test_stopped_in_the_middle(line):
    """Of an answer of some size half comes, and then nothing."""
    world, hole, postern, desk = line
    until("whole", lambda: link(desk)["freshness"] is not None)
    hole.swallow_after(300000)
    begin = time.monotonic()
    world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "large", ("x" * 70 + "\n") * 10000))
    until("it is given up", lambda: "sync.stalled" in postern.log_text(),
          seconds=(STALLED + TICKS) / SPEED + NOISE)
    assert time.monotonic() - begin > STALLED / SPEED
    desk.whole("large", seconds=20)
