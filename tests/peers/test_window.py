"""How far back: the policy's first and periodDays, and the set of folders, changed while a link lives and under kills."""

import imaplib
import time

import pytest

from desk import Desk
from jmap import Late
from peers import CANDIDATE, RECRUITER, message, until
from postern import Postern
from test_kill import await_again, kill, quietly

DAY = 86400


def put(client, folder, name, days):
    """A message that came so many days (and half a day) ago."""
    when = imaplib.Time2Internaldate(time.time() - (days + 0.5) * DAY)
    raw = message(CANDIDATE, RECRUITER, name, f"Text of {name}.\n", f"<{name.replace(' ', '.')}@people.example>")
    status, data = client.append(folder, "", when, raw)
    assert status == "OK", data


def fill(world, count, folder="INBOX", step=1):
    """The newest has the highest UID; names say how old each is."""
    with world.imap(RECRUITER) as client:
        client.create(folder)
        for n in reversed(range(count)):
            put(client, folder, f"{folder} {n * step}", n * step)


def seen(desk):
    return sorted((e["subject"] for e in desk.emails(["subject"])), key=lambda s: (s.split()[0], int(s.split()[1])))


def expect(desk, *folders):
    """folders: (name, ages)"""
    names = sorted((f"{name} {n}" for name, ages in folders for n in ages), key=lambda s: (s.split()[0], int(s.split()[1])))
    try:
        desk.ats.wait_for(lambda: seen(desk) == names, 30, what="the window")
    except Late:
        assert seen(desk) == names


@pytest.fixture
def folder(clean):
    yield "Work"
    with clean.imap(RECRUITER) as client:
        client.delete("Work")


@pytest.mark.deadline(120)
def test_window_moves(clean, tmp_path, need_postern, folder):
    world = clean
    fill(world, 30)
    fill(world, 10, folder, 3)
    with Postern(tmp_path / "postern", world, content="matched", first=0) as daemon:
        ats = daemon.jmap()
        account = daemon.link(RECRUITER, client=ats, folders={"inbox": None, "sent": None, "also": [folder]},
                              policy={"content": None, "periodDays": 10, "first": None})
        desk = Desk(ats, account, RECRUITER)
        logins = world.dovecot.logins(RECRUITER)[0]

        def policy(days, first):
            ats.update("Link", account, {"policy": {"content": None, "periodDays": days, "first": first}})

        expect(desk, ("INBOX", range(10)), (folder, range(0, 10, 3)))
        person = desk.person(CANDIDATE)
        ats.wait_for(lambda: len(desk.notes(person)) == 14, what="notes of what is in the window")
        desk.whole("INBOX 9")
        assert all(n["backfill"] for n in desk.notes(person))
        before = {e["subject"]: e["id"] for e in desk.emails(["subject"])}
        state = ats.state("Email", account)
        with ats.events() as events:
            policy(20, None)
            expect(desk, ("INBOX", range(20)), (folder, range(0, 20, 3)))
            ats.wait_for(lambda: len(desk.notes(person)) == 27, what="notes of what came into the window")
            types = set()
            for _ in range(1000):
                try:
                    name, data = events.next(0.3)
                except Late:
                    break
                types |= {t for states in data.get("changed", {}).values() for t in states} if name == "state" else set()
            assert types and "EmailDelivery" not in types, types
        assert all(n["backfill"] for n in desk.notes(person)), "nothing of it is new mail"
        created, updated, destroyed, state = ats.changes("Email", state, account)
        assert len(created) == 13 and not destroyed
        now = {e["subject"]: e["id"] for e in desk.emails(["subject"])}
        assert before.items() <= now.items()
        desk.whole("INBOX 19")

        policy(5, None)
        expect(desk, ("INBOX", range(5)), (folder, range(0, 5, 3)))
        created, updated, destroyed, state = ats.changes("Email", state, account)
        assert set(destroyed) == {i for s, i in now.items() if int(s.split()[1]) >= 5} and not created
        assert len(desk.notes(person)) == 27, "a note stays when its message leaves the window"
        text = {n["subject"]: n["text"] for n in desk.notes(person)}
        assert text["INBOX 19"].strip() == "Text of INBOX 19."

        policy(0, 3)
        expect(desk, ("INBOX", range(3)), (folder, range(0, 9, 3)))
        policy(0, 0)
        expect(desk, ("INBOX", range(30)), (folder, range(0, 30, 3)))
        ats.wait_for(lambda: len(desk.notes(person)) == 40, what="a note for each, and none twice")
        policy(None, None)
        assert ats.one("Link", account)["policy"] is None
        policy(7, None)
        expect(desk, ("INBOX", range(7)), (folder, range(0, 7, 3)))
        assert ats.one("Link", account)["policy"] == {"content": None, "periodDays": 7, "first": None}

        ats.update("Link", account, {"folders": {"inbox": None, "sent": None, "also": []}})
        expect(desk, ("INBOX", range(7)))
        ats.update("Link", account, {"folders": {"inbox": None, "sent": None, "also": ["*"]}})
        expect(desk, ("INBOX", range(7)), (folder, range(0, 7, 3)))
        assert world.dovecot.logins(RECRUITER)[0] == logins, "the link went on by its connection"
        # Mail that is new after all this is new.
        world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "new 0"))
        ats.wait_for(lambda: any(n["subject"] == "new 0" and not n["backfill"] for n in desk.notes(person)), what="new mail")
        assert daemon.stop() == 0
    assert all(not m.flags for m in world.mails(RECRUITER)), "nothing was marked as read"


MANY = 300


@pytest.mark.deadline(150)
@pytest.mark.parametrize("role", ["store", pytest.param("imapd-worker", marks=pytest.mark.long),
                                  pytest.param("posternd", marks=pytest.mark.long)])
def test_window_killed(clean, tmp_path, need_postern, role):
    """kill -9 while the window becomes wider, and while it becomes narrower."""
    world = clean
    with world.imap(RECRUITER) as client:
        for n in reversed(range(MANY)):
            put(client, "INBOX", f"INBOX {n}", n / 10)
    with Postern(tmp_path / "postern", world, content="headers", first=0) as daemon:
        account = daemon.link(RECRUITER, policy={"content": None, "periodDays": 0, "first": 10})
        desk = Desk(daemon.jmap(), account, RECRUITER)
        assert len(desk.emails(["id"])) == 10
        kept = {e["subject"]: e["id"] for e in desk.emails(["subject"])}

        def change(first, begun, end):
            desk.ats.update("Link", account, {"policy/first": first})
            until("the change under way", lambda: begun(len(desk.emails(["id"]))), pause=0.001)
            kill(daemon, role)
            desk.ats = await_again(daemon)
            until("its end", lambda: quietly(lambda d: len(d.emails(["id"])) == end, desk), seconds=60, pause=0.1)

        change(0, lambda n: n > 10, MANY)
        assert seen(desk) == [f"INBOX {n}" for n in range(MANY)]
        change(20, lambda n: n < MANY, 20)
        now = {e["subject"]: e["id"] for e in desk.emails(["subject"])}
        assert sorted(now, key=lambda s: int(s.split()[1])) == [f"INBOX {n}" for n in range(20)]
        assert kept.items() <= now.items(), "who stayed kept its id"
        daemon.wait_live(desk.ats, account)
        assert daemon.stop() == 0
