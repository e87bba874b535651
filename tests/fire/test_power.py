"""
A power cut at any moment: the database opens, is whole, and has everything that was acknowledged before. And a kill,
which is milder: what was written is there.
"""

import os
import signal
import time

import pytest

from desk import Desk
from fire import Bustle, Checked, Postern, Programs, check_copy, patiently
from peers import CANDIDATE, RECRUITER, message, until
from power import cuts, read_notes

pytestmark = pytest.mark.usefixtures("need_fire", "need_postern")


def open_image(image, directory):
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "data.mdb"), "wb") as f:
        f.write(image)
    return Checked(directory)


def bustle(postern, world, rng, seconds):
    ats = postern.jmap()
    ats.create("Correspondent", kind="candidate", name="C", emails=["sender1@people.example"])
    desk = Desk(ats, postern.link(RECRUITER, client=ats), RECRUITER)
    work = Bustle(world, desk, RECRUITER, rng).start()
    time.sleep(seconds)
    work.stop()
    assert not work.errors and not work.refused, (work.errors[:3], getattr(work, "last_refusal", None))
    return desk, work


def cut_the_power(clean, tmp_path, rng, seconds, images):
    programs = Programs(tmp_path / "programs", writes=True)
    with Postern(tmp_path / "postern", clean, build=programs.dir, first=0) as postern:
        _, work = bustle(postern, clean, rng, seconds)
    notes = read_notes(programs.writes)
    ledger, seen, loose = work.ledger, 0, 0
    for at, image, lost in cuts(notes, images, rng, first=min(200, len(notes) // 4)):
        checked = open_image(image, str(tmp_path / "image"))
        assert not checked.problems, (at, checked.problems[:5])
        assert not ledger.missing(checked.things, at), at
        seen += sum(1 for row in ledger.rows if row[0] < at)
        loose += lost
    assert seen > images and loose > images
    print(f"power: {seconds} s of work, {len(notes)} notes, {images} cuts, {loose / images:.1f} writes at stake in "
          f"each, {len(ledger.rows)} acknowledged ({seen / images:.0f} before a cut)")
    return ledger


@pytest.mark.deadline(60)
def test_power_cut(clean, tmp_path, rng):
    cut_the_power(clean, tmp_path, rng, 2, 25)


@pytest.mark.long
@pytest.mark.deadline(600)
def test_power_cut_many_times(clean, tmp_path, rng):
    cut_the_power(clean, tmp_path, rng, 30, 400)


@pytest.mark.long
@pytest.mark.deadline(400)
def test_life_goes_on_after_a_power_cut(clean, tmp_path, rng):
    """posternd starts from such images: all that was acknowledged answers, and mail is there once."""
    programs = Programs(tmp_path / "programs", writes=True)
    with Postern(tmp_path / "postern", clean, build=programs.dir, first=0) as postern:
        desk, work = bustle(postern, clean, rng, 10)
    conf, state = postern.conf, os.path.join(postern.state, "agency")
    owner = os.stat(state)
    notes = read_notes(programs.writes)
    os.unlink(programs.writes)
    for n, (at, image, _) in enumerate(cuts(notes, 8, rng, first=len(notes) // 3)):
        with open(os.path.join(state, "data.mdb"), "r+b") as f:
            f.truncate(0)
            f.write(image)
        os.chown(os.path.join(state, "data.mdb"), owner.st_uid, owner.st_gid)
        assert conf and postern.start()
        desk = Desk(postern.jmap(), desk.account, RECRUITER)
        subject = f"after cut {n}"
        clean.deliver(RECRUITER, message(CANDIDATE, RECRUITER, subject))
        postern.wait_live(desk.ats, desk.account, seconds=60)
        desk.email(subject, seconds=60)
        expected = sorted(m.message_id for m in clean.mails(RECRUITER))
        inbox = desk.boxes()["inbox"]

        def there():
            return sorted("<%s>" % e["messageId"][0] for e in desk.emails(["id", "messageId", "mailboxIds", "receivedAt"])
                          if inbox in e["mailboxIds"])
        until("all mail, once", lambda: there() == expected, seconds=60)
        ids = [f"S{thing[2]}" for when, thing, _ in work.ledger.rows if when < at and thing[0] == "submission"]
        assert len(desk.ats.get_all("EmailSubmission", desk.account, ids)) == len(ids)
        assert postern.stop() == 0
        assert not Checked(state).problems


@pytest.mark.long
@pytest.mark.deadline(300)
def test_kill_at_any_moment(clean, tmp_path, rng):
    """The database as a killed store leaves it, copied while it stands still; and then really killed."""
    with Postern(tmp_path / "postern", clean, first=0) as postern:
        ats = postern.jmap()
        desk = Desk(ats, postern.link(RECRUITER, client=ats), RECRUITER)
        work = Bustle(clean, desk, RECRUITER, rng).start()
        for _ in range(40):
            time.sleep(rng.random() * 0.6)
            at = check_copy(postern, str(tmp_path / "copy"))
            checked = Checked(str(tmp_path / "copy"))
            assert not checked.problems, checked.problems[:5]
            assert not work.ledger.missing(checked.things, at)
        for _ in range(5):
            time.sleep(rng.random())
            os.kill(postern.pids("store")[0], signal.SIGKILL)
            patiently(lambda: desk.ats.get("Link"))
        work.stop()
        until("live", lambda: patiently(lambda: desk.ats.one("Link", desk.account))["state"] == "live", seconds=60)
    checked = Checked(os.path.join(postern.state, "agency"))
    assert not checked.problems and not work.ledger.missing(checked.things, time.monotonic_ns())
    print(f"kill: 40 copies, 5 kills, {len(work.ledger.rows)} acknowledged")
