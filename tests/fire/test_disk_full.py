"""
The disk of the database is full, while mail comes in and while mail goes out: clear words, nothing that was
acknowledged is lost, nothing is sent that is not on the disk, and with room all goes on by itself.
"""

import os
import random
import subprocess
import time

import pytest

from desk import Desk
from fire import NO_META, NO_SPACE, NO_SYNC, Bustle, Checked, Postern, Programs, patiently
from jmap import MethodError, Problem, SetError
from liar import accept, call, honest, say, times
from peers import CANDIDATE, RECRUITER, message, until
from save_sent import relaying

root = pytest.mark.root  # who may mount
pytestmark = [pytest.mark.usefixtures("need_fire", "need_postern")]


class SmallDisk:
    """A tmpfs over the state directory."""

    def __init__(self, path, mb):
        self.path = path
        os.makedirs(path, exist_ok=True)
        self._mount("-t", "tmpfs", "-o", f"size={mb}m,mode=0711", "tmpfs", path)

    def _mount(self, *args):
        subprocess.run(["mount", *args], check=True, capture_output=True, stdin=subprocess.DEVNULL)

    def grow(self, mb):
        self._mount("-o", f"remount,size={mb}m", self.path)

    def fill(self):
        """Nothing is left for anybody."""
        with open(os.path.join(self.path, "filler"), "ab", buffering=0) as f:
            for size in (65536, 4096):
                try:
                    while True:
                        f.write(bytes(size))
                except OSError:
                    pass

    def empty(self):
        os.unlink(os.path.join(self.path, "filler"))

    def unmount(self):
        subprocess.run(["umount", "-l", self.path], check=True, stdin=subprocess.DEVNULL)


@pytest.fixture
def small(clean, tmp_path):
    """make(mb) -> (posternd that runs on a disk of so many MB, the disk)."""
    made = []

    def make(mb, **kw):
        postern = Postern(tmp_path / "postern", clean, first=0, **kw)
        made.append(SmallDisk(postern.state, mb))
        made.append(postern.start())
        return postern, made[0]
    yield make
    for thing in reversed(made):
        if isinstance(thing, SmallDisk):
            thing.unmount()
        else:
            thing.stop()


def refusal(job):
    """The type that an ATS is told when job() is refused."""
    try:
        job()
    except (MethodError, SetError) as error:
        return error.type
    except Problem as error:
        return (error.status, error.body.get("type") if isinstance(error.body, dict) else error.body)
    return None


def lines(postern, word, offset=0):
    return [line for line in postern.log_since(offset).splitlines() if word in line]


@root
@pytest.mark.long
@pytest.mark.deadline(90)
def test_full_while_syncing(small, clean):
    """More mail than disk. What came before stays readable; with room the rest follows, each message once."""
    rng = random.Random(7)
    for n in range(60):
        body = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz \n", k=100000))
        clean.deliver(RECRUITER, message(CANDIDATE, RECRUITER, f"large {n}", body, f"<large.{n}@people.example>"))
    postern, disk = small(3)
    ats = postern.jmap()
    desk = Desk(ats, postern.link(RECRUITER, client=ats, wait=False), RECRUITER)
    person = desk.person(CANDIDATE)
    until("the disk is full", lambda: lines(postern, "code=store.full"), seconds=30)
    pids = [p["pid"] for p in postern.processes() if p["role"] in ("store", "ats-worker")]
    size, logins = postern.log_size(), clean.dovecot.logins(RECRUITER)[0]
    time.sleep(2)
    # It tries again, but not in circles: a login costs the server, and a line the reader.
    assert clean.dovecot.logins(RECRUITER)[0] <= logins + 1 and len(lines(postern, "store.full", size)) < 10
    assert patiently(lambda: desk.ats.one("Correspondent", person), 10)
    assert refusal(lambda: desk.person("other@people.example")) in (None, "store.full")
    disk.grow(64)
    until("all mail", lambda: patiently(lambda: len(desk.emails(["id", "receivedAt"])) == 60), seconds=60, pause=0.2)
    until("all of it", lambda: all(e["contentState"] == "full" for e in patiently(desk.emails)), seconds=60, pause=0.2)
    assert sorted(e["subject"] for e in desk.emails()) == sorted(f"large {n}" for n in range(60))
    until("all notes", lambda: len(patiently(lambda: desk.notes(person))) == 60, seconds=30, pause=0.2)
    postern.wait_live(desk.ats, desk.account)
    assert [p["pid"] for p in postern.processes() if p["role"] in ("store", "ats-worker")] == pids
    assert postern.stop() == 0
    assert not Checked(os.path.join(postern.state, "agency")).problems


@root
@pytest.mark.deadline(60)
def test_full_while_accepting(small, clean, rng):
    """
    A submission that cannot be stored is refused by name and not sent; the same request works once there is room.
    Small rows may still find a free page in the file: the letters here do not.
    """
    def letter(subject):
        return desk.draft([CANDIDATE], subject, "".join(rng.choices("abcdefghijklmnopqrstuvwxyz \n", k=900000)))

    postern, disk = small(32)
    ats = postern.jmap()
    desk = Desk(ats, postern.link(RECRUITER, client=ats), RECRUITER)
    made = ats.create("Email", desk.account, **letter("stored before"))
    before = {p["pid"] for p in postern.processes()}
    disk.fill()
    submit = {"emailId": made["id"], "identityId": desk.identity()["id"], "idempotencyKey": "k"}
    assert refusal(lambda: ats.create("EmailSubmission", desk.account, **submit)) == "store.full"
    assert refusal(lambda: ats.create("Email", desk.account, **letter("refused"))) == "store.full"
    assert refusal(lambda: ats.upload(desk.account, rng.randbytes(2000000)))[0] == 503
    assert [e["subject"] for e in desk.emails()] == ["stored before"]
    assert not clean.mails(CANDIDATE)
    disk.empty()
    done = desk.wait_state(patiently(lambda: ats.create("EmailSubmission", desk.account, **submit))["id"], seconds=40)
    mid = desk.one(done["emailId"])["messageId"][0]
    until("inbox", lambda: clean.find(CANDIDATE, "INBOX", message_id=mid))
    assert len(clean.mails(CANDIDATE)) == 1
    assert {p["pid"] for p in postern.processes() if p["role"] in ("store", "ats-worker", "vault", "dialer")} <= before


@pytest.mark.long
@pytest.mark.deadline(200)
@pytest.mark.parametrize("fault", [NO_SPACE, NO_SYNC, NO_META])
@pytest.mark.parametrize("when", ["before the final dot", "after the final dot"])
def test_disk_fails_while_sending(clean, tmp_path, liars, when, fault):
    """
    Not even a page that the file has can be written (as on a filesystem that copies on write), the sync fails, or the
    last write of a commit: the phase that must be stored before the final dot is not, so no dot. And the answer
    that cannot be stored after it: uncertain at worst, never twice.
    """
    programs = Programs(tmp_path / "programs", disk=True)
    server = liars.start(relaying(clean))
    ends = clean.endpoints(RECRUITER)
    ends["smtp"]["port"] = server.port
    with Postern(tmp_path / "postern", clean, build=programs.dir) as postern:
        ats = postern.jmap()
        desk = Desk(ats, postern.link(RECRUITER, client=ats, **ends), RECRUITER)
        if when == "before the final dot":
            server.lie.on["DATA"] = [times(1, [call(lambda: programs.set_disk(fault)), honest()])]
        else:
            server.lie.on["DOT"] = [times(1, [accept(), call(lambda: programs.set_disk(fault)), say(b"250 ok\r\n")])]
        id_ = desk.submit(desk.draft([CANDIDATE], "only once"))
        word = "database gave up" if fault == NO_META else "code=store.full"
        until("it is told", lambda: lines(postern, word), seconds=30)
        time.sleep(8)
        copies = len(clean.find(CANDIDATE, "INBOX", subject="only once"))
        assert copies == server.counts["DOT"] == (0 if when == "before the final dot" else 1)
        programs.set_disk(0)
        done = until("an end", lambda: ended(desk, id_), seconds=120, pause=0.2)
        if when == "before the final dot":
            assert done["state"] == "sent"
        if done["state"] == "uncertain":
            until("review", lambda: [r["submissionId"] for r in patiently(desk.reviews)] == [id_], seconds=30)
        until("delivered", lambda: clean.find(CANDIDATE, "INBOX", subject="only once"))
        time.sleep(5)
        assert len(clean.find(CANDIDATE, "INBOX", subject="only once")) == 1 and server.counts["DOT"] == 1
        assert postern.stop() == 0
    assert not Checked(os.path.join(postern.state, "agency")).problems


def ended(desk, id_):
    now = patiently(lambda: desk.submission(id_))
    return now if now["state"] in ("sent", "uncertain") else None


@root
@pytest.mark.long
@pytest.mark.deadline(240)
def test_full_again_and_again(small, clean, rng):
    """An ATS at work while the disk fills and empties: what was acknowledged is there, in the end and at each copy."""
    postern, disk = small(24)
    ats = postern.jmap()
    desk = Desk(ats, postern.link(RECRUITER, client=ats), RECRUITER)
    work = Bustle(clean, desk, RECRUITER, rng).start()
    for _ in range(12):
        disk.fill()
        time.sleep(rng.random() * 3)
        disk.empty()
        time.sleep(rng.random() * 3)
        disk.grow(disk_mb(postern.state) + 24)
    work.stop()
    assert work.refused and not work.errors, work.errors[:3]
    assert postern.stop() == 0
    postern.ctl("audit", "verify", "-d", os.path.join(postern.state, "audit"))  # it shares the disk
    checked = Checked(os.path.join(postern.state, "agency"))
    assert not checked.problems, checked.problems[:5]
    assert not work.ledger.missing(checked.things, time.monotonic_ns())
    print(f"full: {work.refused} refused, {len(work.ledger.rows)} acknowledged and there")


def disk_mb(path):
    st = os.statvfs(path)
    return st.f_blocks * st.f_frsize >> 20
