"""
Each line of each list of system calls has work that fails without it, and with all lines nothing of that work fails:
what is in common/syscalls.def is needed, and what is needed is in it.
"""

import concurrent.futures
import contextlib
import os
import subprocess
import sys

import pytest
from battery import BY_A_LOGIN, BY_DIALING, PROFILES, Battery, killed, lines_of
from harness import Attacked
from jmap import MethodError, SetError
from peers import RECRUITER
from proc import until

pytestmark = [pytest.mark.root, pytest.mark.long, pytest.mark.deadline(400)]


def missed_without(profile, label):
    battery = Battery(profile, label)
    try:
        return battery.missed()
    finally:
        battery.__exit__()


@pytest.mark.parametrize("profile", PROFILES)
def test_each_line_is_missed(profile):
    elsewhere = BY_DIALING.get(profile, set()) | BY_A_LOGIN.get(profile, set())
    labels = [label for label in lines_of(profile) if label not in elsewhere]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        missed = dict(zip(labels, pool.map(lambda label: missed_without(profile, label), labels)))
    assert all(missed.values()), f"nothing needs {[label for label, seen in missed.items() if not seen]} of {profile}"


@pytest.mark.parametrize("profile", PROFILES)
def test_no_line_is_missing(profile):
    battery = Battery(profile)
    try:
        assert not battery.missed(), battery.postern.log_text()[-2000:]
    finally:
        battery.__exit__()


@pytest.mark.parametrize("profile", BY_DIALING)
def test_lines_of_dialing(profile, tmp_path):
    labels = sorted(BY_DIALING[profile])
    run = subprocess.run(["unshare", "-mn", sys.executable, os.path.join(os.path.dirname(__file__), "dial_alone.py"),
                          str(tmp_path), profile, *labels, "none"], capture_output=True, text=True, timeout=390)
    assert run.returncode == 0, run.stderr[-3000:]
    assert run.stdout.splitlines() == [f"{label} missed" for label in labels] + ["none used in vain"]


@pytest.mark.parametrize("label", [*sorted(BY_A_LOGIN["WORKER"]), None])
def test_lines_of_a_login(label, world, tmp_path):
    settings = f"left_out=WORKER:{label}" if label else "sandbox=0"
    with Attacked(tmp_path / "p", world, settings) as postern:
        if label is None:
            postern.link(RECRUITER)
        else:  # the test of a new link logs in at both servers
            with contextlib.suppress(MethodError, SetError):
                postern.link(RECRUITER, wait=False)
            until("killed for it", lambda: killed(postern.log_text(), PROFILES["WORKER"]), 30)
        assert bool(label) == killed(postern.log_text(), PROFILES["WORKER"])
