"""A folder gets another UIDVALIDITY: ids stay, nobody hears of new mail, no second note."""

import pytest

from peers import CANDIDATE, RECRUITER, message, until


def known(desk):
    return {e["subject"]: e["id"] for e in desk.emails()}


def messages(world, count):
    for n in range(count):
        world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, f"mail {n}"))


@pytest.mark.deadline(120)
@pytest.mark.parametrize("running", [True, False], ids=["while Postern runs", "while Postern is down"])
def test_ids_stay(desk, world, postern, running):
    person = desk.person(CANDIDATE)
    messages(world, 8)
    world.deliver(RECRUITER, b"Subject: no id\r\nFrom: x@fair.example\r\n\r\nneither Message-ID nor Date\r\n")
    desk.ats.wait_for(lambda: len(known(desk)) == 9 and len(desk.notes(person)) == 8, what="all mail")
    ids, notes = known(desk), [n["id"] for n in desk.notes(person)]
    ids.pop("no id")
    if not running:
        assert postern.stop() == 0
    state = desk.ats.state("Email", desk.account) if running else None
    world.dovecot.new_uidvalidity(RECRUITER)
    if running:
        world.dovecot.doveadm("kick", RECRUITER)
    else:
        postern.start()
    world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "after"))
    after = desk.email("after", seconds=60)
    postern.wait_live(desk.ats, desk.account)
    now = known(desk)
    assert now.pop("after") == after["id"]
    now.pop("no id")
    assert now == ids
    assert len(now) == 8
    desk.ats.wait_for(lambda: len(desk.notes(person)) == 9, what="the new note")
    assert [n["id"] for n in desk.notes(person)][:8] == notes
    if running:
        created = set(desk.ats.changes("Email", state, desk.account)[0])
        assert not created & set(ids.values()) and after["id"] in created


@pytest.mark.deadline(120)
def test_writes_reach_the_right_message_afterwards(desk, world):
    messages(world, 3)
    desk.ats.wait_for(lambda: len(known(desk)) == 3, what="all mail")
    ids = known(desk)
    world.dovecot.new_uidvalidity(RECRUITER)
    world.dovecot.doveadm("kick", RECRUITER)
    desk.ats.update("Email", ids["mail 1"], {"keywords/$flagged": True}, desk.account)
    until("flag", lambda: [m.flags for m in world.find(RECRUITER, "INBOX", subject="mail 1")] == [{"\\Flagged"}],
          seconds=60)
    assert [m.subject for m in world.mails(RECRUITER) if m.flags] == ["mail 1"]
    assert known(desk) == ids


def test_nothing_said_when_nothing_changed(desk, world):
    """The same with no new mail: no change at all is told but of positions."""
    person = desk.person(CANDIDATE)
    messages(world, 4)
    desk.ats.wait_for(lambda: len(desk.notes(person)) == 4, what="notes")
    ids, notes, state = known(desk), [n["id"] for n in desk.notes(person)], desk.ats.state("Email", desk.account)
    logins = world.dovecot.logins(RECRUITER)[0]
    world.dovecot.new_uidvalidity(RECRUITER)
    world.dovecot.doveadm("kick", RECRUITER)
    until("a new login", lambda: world.dovecot.logins(RECRUITER)[0] > logins, seconds=30)
    world.deliver(RECRUITER, message("x@fair.example", RECRUITER, "marker"))
    marker = desk.email("marker", seconds=30)
    now = known(desk)
    now.pop("marker")
    assert now == ids
    created, _, destroyed, _ = desk.ats.changes("Email", state, desk.account)
    assert created == [marker["id"]] and destroyed == []
    assert [n["id"] for n in desk.notes(person)] == notes
