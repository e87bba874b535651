"""
Channel attacks on the real executables, behind their real walls. build/tests/sandbox/walk plays the master of one of
them and sends it, from every peer it may have, every row of messages.def as it must not be: from the wrong role, out of
phase, cut at every length, each field over its limit, with surplus bytes, with wrong descriptors, by the thousand. What
it sends is made from the tables, so a new row is attacked by birth. The same packets meet codec and channel in
tests/unit/common/test_walk.c, and the master in tests/unit/master/test_walk.c.

    python3 tests/sandbox/test_walk.py    writes unasked.txt anew: what comes of sound messages that nobody asked for
"""

import difflib
import os
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("POSTERN_BUILD", "build")
WALK = os.path.join(BUILD, "tests/sandbox/walk")
UNASKED = os.path.join(HERE, "unasked.txt")
ROLES = ["vault", "dialer", "tls-worker", "imapd-worker", "smtp-worker", "mime-worker", "store", "ats-worker", "control"]


def walk(role, *mode, seconds=50):
    """Its lines; a failed attack is a line of its own."""
    assert os.path.exists(WALK), "build it first: make walk-bins"
    run = subprocess.run([WALK, os.path.join(BUILD, "libexec"), role, *map(str, mode)], capture_output=True, text=True,
                         timeout=seconds)
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr
    lines = run.stdout.splitlines()
    assert int(lines[-1].split()[1]) > 0, "nothing was attacked"
    return lines[:-1]


def every(role, quick):
    """Where each attack costs a process, make check tries some of them."""
    return quick.get(role, 1)


@pytest.mark.parametrize("role", ROLES)
def test_every_packet_that_may_not_be(role):
    """Refused with a reason, the master told on which channel, the log says who; others are served."""
    walk(role, "refuse", every(role, {"mime-worker": 21, "smtp-worker": 7}))


@pytest.mark.long
@pytest.mark.parametrize("role", ["mime-worker", "smtp-worker"])
def test_every_packet_that_may_not_be_all(role):
    walk(role, "refuse", 1)


@pytest.mark.parametrize("role", ROLES)
def test_a_master_that_breaks_the_rules(role):
    """Rows of SETUP after READY, of other roles, broken ones: the child ends, and is not killed by a wall."""
    walk(role, "master", 40)


@pytest.mark.long
@pytest.mark.parametrize("role", ROLES)
def test_a_master_that_breaks_the_rules_all(role):
    walk(role, "master", 1)


def unasked():
    return [line for role in ROLES for line in walk(role, "unasked")]


def test_answers_without_a_question_and_twice():
    """No crash, nobody else disturbed; what comes of each is known and committed."""
    with open(UNASKED) as f:
        expected = f.read().splitlines()
    diff = list(difflib.unified_diff(expected, unasked(), "unasked.txt", "now", lineterm="", n=0))
    assert not diff, "\n".join(diff) + "\nlook at each of these, then: python3 tests/sandbox/test_walk.py"


@pytest.mark.parametrize("role", ROLES)
def test_floods(role):
    """Memory stays flat, others are served, also when the sender does not read its answers."""
    walk(role, "flood", 1000)


@pytest.mark.long
@pytest.mark.deadline(3600)
@pytest.mark.parametrize("role", ROLES)
def test_a_million_times(role):
    print("\n".join(walk(role, "flood", 1000000, seconds=3500)))


if __name__ == "__main__":
    with open(UNASKED, "w") as out:
        out.write("\n".join(unasked()) + "\n")
    sys.exit(0)
