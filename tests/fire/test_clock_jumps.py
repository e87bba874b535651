"""
Somebody sets the clock while it runs, by hours and by days: mail goes on coming and going, what is to be sent at a
time is sent at that time and once, and the change log does not notice. The wall clock of these processes is the
test's (shim.c); the monotonic one is the machine's.
"""

import os
import time

import pytest

from desk import Desk
from fire import Checked, Postern, Programs
from liar import say, times
from peers import CANDIDATE, RECRUITER, message, until
from save_sent import relaying

pytestmark = pytest.mark.usefixtures("need_fire", "need_postern")
HOUR, DAY = 3600, 86400
BASE = 10 * DAY  # its clock is ahead from the start: before today the certificates are not valid yet


class Shaken:
    """A posternd with one link; jump(seconds) sets its clock so far from the true one and looks that all goes on."""

    def __init__(self, world, tmp_path, server):
        self.world, self.n, self.sent = world, 0, []
        self.programs = Programs(tmp_path / "programs", clock=True)
        self.set_clock(0)
        self.postern = Postern(tmp_path / "postern", world, build=self.programs.dir).start()
        ats = self.postern.jmap()
        ends = world.endpoints(RECRUITER)
        ends["smtp"]["port"] = server.port
        self.desk = Desk(ats, self.postern.link(RECRUITER, client=ats, **ends), RECRUITER)
        self.first = self.state = ats.state("Email", self.desk.account)
        self.logins = world.dovecot.logins(RECRUITER)[0]

    def set_clock(self, ahead):
        self.programs.set_clock(BASE + ahead)

    def submit(self, subject, hold=None):
        desk = self.desk
        draft = desk.ats.create("Email", desk.account, **desk.draft([CANDIDATE], subject))
        to = {"mailFrom": {"email": RECRUITER, "parameters": {"HOLDFOR": str(hold)} if hold else None},
              "rcptTo": [{"email": CANDIDATE, "parameters": None}]}
        return desk.ats.create("EmailSubmission", desk.account, emailId=draft["id"], envelope=to,
                               identityId=desk.identity()["id"])["id"]

    def copies(self, subject):
        return len(self.world.find(CANDIDATE, "INBOX", subject=subject))

    def jump(self, ahead):
        self.set_clock(ahead)
        self.n += 1
        name = f"{self.n}: {ahead} s"
        self.world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "in " + name))
        self.desk.whole("in " + name, seconds=15)
        self.desk.wait_state(self.submit("out " + name), seconds=15)
        self.sent.append("out " + name)
        state = self.desk.ats.state("Email", self.desk.account)
        assert state.split("-")[0] == self.state.split("-")[0]
        assert int(state.split("-")[1]) > int(self.state.split("-")[1])
        self.state = state

    def end(self):
        """Each message once; every change since the beginning is told; the link logged in once."""
        assert all(self.copies(subject) == 1 for subject in self.sent)
        created, _, _, state = self.desk.ats.changes("Email", self.first, self.desk.account)
        assert {e["id"] for e in self.desk.emails()} <= set(created)
        assert self.desk.ats.state("Email", self.desk.account) == state
        assert self.world.dovecot.logins(RECRUITER)[0] == self.logins
        assert self.postern.stop() == 0
        assert not Checked(os.path.join(self.postern.state, "agency")).problems


@pytest.fixture
def shaken(clean, tmp_path, liars):
    server = liars.start(relaying(clean))
    it = Shaken(clean, tmp_path, server)
    it.server = server
    yield it
    it.postern.stop()


@pytest.mark.deadline(60)
def test_jumps(shaken):
    held = shaken.submit("held", hold=4 * HOUR)
    for ahead in (3 * HOUR, -5 * DAY, 2 * HOUR, 0):
        shaken.jump(ahead)
        assert shaken.desk.submission(held)["undoStatus"] == "pending"
    assert shaken.copies("held") == 0
    shaken.end()


@pytest.mark.long
@pytest.mark.deadline(400)
def test_what_waits_for_a_time(shaken):
    """Sent when the clock says so, within the minute in which it is looked at; back and forth changes nothing."""
    held = shaken.submit("held", hold=6 * HOUR)
    later = shaken.submit("later", hold=12 * HOUR)
    upload = shaken.desk.ats.upload(shaken.desk.account, b"kept for a day")
    for ahead in (5 * HOUR, -3 * DAY, 0):
        shaken.jump(ahead)
        time.sleep(2)
        assert shaken.desk.submission(held)["undoStatus"] == "pending" and not shaken.copies("held")
    shaken.jump(7 * HOUR)
    begin = time.monotonic()
    shaken.desk.wait_state(held, seconds=75)
    print(f"sent {time.monotonic() - begin:.0f} s after its hour came by a jump")
    shaken.jump(0)
    assert shaken.copies("held") == 1 and shaken.desk.submission(later)["undoStatus"] == "pending"
    # Three days ahead for longer than housekeeping sleeps: nothing is forgotten yet.
    shaken.set_clock(3 * DAY)
    shaken.desk.wait_state(later, seconds=75)
    time.sleep(65)
    assert shaken.desk.ats.download(shaken.desk.account, upload["blobId"]) == b"kept for a day"
    shaken.jump(0)
    time.sleep(5)
    assert shaken.copies("held") == 1 and shaken.copies("later") == 1
    shaken.end()


@pytest.mark.long
@pytest.mark.deadline(200)
def test_retries_do_not_wait_for_the_old_clock(shaken):
    """Refused for now while the clock was two days ahead: the retry comes in a minute, not in two days."""
    shaken.set_clock(2 * DAY)
    shaken.server.lie.on["RCPT"] = [times(1, [say(b"451 4.3.0 later\r\n")])]
    id_ = shaken.submit("retried")
    until("refused once", lambda: "451" in str(shaken.desk.submission(id_)["deliveryStatus"]))
    shaken.set_clock(0)
    shaken.desk.wait_state(id_, seconds=100)
    shaken.sent.append("retried")
    shaken.jump(0)
    shaken.end()
