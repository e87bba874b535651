"""Flags, moves and deletes go both ways, also when the server was away in between."""

import pytest

from peers import CANDIDATE, RECRUITER, message, until

KEYWORDS = {"\\Seen": "$seen", "\\Flagged": "$flagged", "\\Answered": "$answered", "$Work": "$work"}


@pytest.fixture
def mail(desk, world):
    """(desk, world, its Email) of one message in the inbox."""
    world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "subject"))
    return desk, world, desk.email("subject")


def uid(world, folder="INBOX"):
    return world.find(RECRUITER, folder, subject="subject")[0].uid


def keywords(desk, email):
    return set(desk.one(email["id"])["keywords"])


def on_server(world, flags, folder="INBOX"):
    def same():
        found = world.find(RECRUITER, folder, subject="subject")
        return found and found[0].flags == flags
    until(f"flags {flags}", same)


@pytest.mark.parametrize("flag", KEYWORDS)
def test_flag_from_the_server(mail, flag):
    desk, world, email = mail
    before = desk.ats.state("Email", desk.account)
    world.store(RECRUITER, "INBOX", uid(world), "+", flag)
    desk.ats.wait_for(lambda: keywords(desk, email) == {KEYWORDS[flag]}, what="keyword")
    assert desk.ats.changes("Email", before, desk.account)[:3] == ([], [email["id"]], [])
    world.store(RECRUITER, "INBOX", uid(world), "-", flag)
    desk.ats.wait_for(lambda: keywords(desk, email) == set(), what="keyword gone")


@pytest.mark.parametrize("flag", KEYWORDS)
def test_keyword_to_the_server(mail, flag):
    desk, world, email = mail
    desk.ats.update("Email", email["id"], {f"keywords/{KEYWORDS[flag]}": True}, desk.account)
    assert keywords(desk, email) == {KEYWORDS[flag]}, "answered at once from the local copy"
    until("flag", lambda: {f.lower() for f in world.mails(RECRUITER)[0].flags} == {flag.lower()})
    desk.ats.update("Email", email["id"], {"keywords": {}}, desk.account)
    on_server(world, set())


def test_both_change_different_flags(mail):
    desk, world, email = mail
    world.store(RECRUITER, "INBOX", uid(world), "+", "\\Flagged")
    desk.ats.update("Email", email["id"], {"keywords/$seen": True}, desk.account)
    on_server(world, {"\\Flagged", "\\Seen"})
    desk.ats.wait_for(lambda: keywords(desk, email) == {"$flagged", "$seen"}, what="both")


def test_move_by_the_ats(mail):
    desk, world, email = mail
    boxes = desk.boxes()
    desk.ats.update("Email", email["id"], {"mailboxIds": {boxes["trash"]: True}}, desk.account)
    until("moved", lambda: world.find(RECRUITER, "Trash", subject="subject"))
    assert not world.mails(RECRUITER)
    assert desk.one(email["id"])["mailboxIds"] == {boxes["trash"]: True}


@pytest.mark.deadline(120)
def test_move_by_another_program(mail):
    """Into a folder that is synced: the id stays. Into another: it is gone from the inbox."""
    desk, world, email = mail
    sent = desk.boxes()["sent"]
    world.move(RECRUITER, "INBOX", uid(world), "Sent")
    desk.ats.wait_for(lambda: (desk.one(email["id"]) or {}).get("mailboxIds") == {sent: True}, 60, what="moved")
    assert [e["id"] for e in desk.emails()] == [email["id"]]


def test_destroy_by_the_ats(mail):
    desk, world, email = mail
    before = desk.ats.state("Email", desk.account)
    desk.ats.destroy("Email", email["id"], desk.account)
    assert desk.one(email["id"]) is None
    until("deleted", lambda: not world.mails(RECRUITER))
    assert desk.ats.changes("Email", before, desk.account)[2] == [email["id"]]


def test_destroy_leaves_what_others_marked(mail):
    """UID EXPUNGE: a message that another program marked \\Deleted stays."""
    desk, world, email = mail
    world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "marked"))
    desk.email("marked")
    world.store(RECRUITER, "INBOX", world.find(RECRUITER, "INBOX", subject="marked")[0].uid, "+", "\\Deleted")
    desk.ats.destroy("Email", email["id"], desk.account)
    until("deleted", lambda: not world.find(RECRUITER, "INBOX", subject="subject"))
    assert world.find(RECRUITER, "INBOX", subject="marked")


def test_delete_by_another_program(mail):
    desk, world, email = mail
    before = desk.ats.state("Email", desk.account)
    world.expunge(RECRUITER, "INBOX", uid(world))
    desk.ats.wait_for(lambda: desk.one(email["id"]) is None, what="destroyed")
    assert desk.ats.changes("Email", before, desk.account)[2] == [email["id"]]


# ---- the server was down in between ---------------------------------------------

def offline(desk, world):
    world.dovecot.stop()
    desk.ats.wait_for(lambda: desk.ats.one("Link", desk.account)["state"] == "offline", what="offline")


def online(desk, world):
    world.dovecot.start()
    desk.ats.wait_for(lambda: desk.ats.one("Link", desk.account)["state"] == "live", 60, what="live again")


@pytest.fixture
def restarts(world):
    """Whatever the test does, the session's Dovecot runs afterwards."""
    yield
    if world.dovecot.child is None:
        world.dovecot.start()


@pytest.mark.deadline(120)
def test_ats_changes_while_the_server_is_down(mail, restarts):
    desk, world, email = mail
    for name in ("moved", "deleted"):
        world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, name))
    moved, deleted = desk.email("moved"), desk.email("deleted")
    trash = desk.boxes()["trash"]
    offline(desk, world)
    desk.ats.update("Email", email["id"], {"keywords/$seen": True}, desk.account)
    desk.ats.update("Email", moved["id"], {"mailboxIds": {trash: True}}, desk.account)
    desk.ats.destroy("Email", deleted["id"], desk.account)
    assert keywords(desk, email) == {"$seen"}
    online(desk, world)
    on_server(world, {"\\Seen"})
    until("moved", lambda: world.find(RECRUITER, "Trash", subject="moved"))
    until("deleted", lambda: not world.find(RECRUITER, "INBOX", subject="deleted"))
    assert keywords(desk, email) == {"$seen"} and desk.one(moved["id"])["mailboxIds"] == {trash: True}
    assert not world.find(RECRUITER, "INBOX", subject="moved")


@pytest.mark.deadline(120)
def test_changes_survive_a_restart_of_postern(mail, postern, restarts):
    desk, world, email = mail
    offline(desk, world)
    desk.ats.update("Email", email["id"], {"keywords/$flagged": True}, desk.account)
    assert postern.stop() == 0
    world.dovecot.start()
    postern.start()
    on_server(world, {"\\Flagged"})


@pytest.mark.deadline(120)
def test_server_changes_while_postern_is_down(mail, postern):
    desk, world, email = mail
    for name in ("gone", "other"):
        world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, name))
    gone, other = desk.email("gone"), desk.email("other")
    state = desk.ats.state("Email", desk.account)
    assert postern.stop() == 0
    world.store(RECRUITER, "INBOX", uid(world), "+", "\\Seen")
    world.expunge(RECRUITER, "INBOX", world.find(RECRUITER, "INBOX", subject="gone")[0].uid)
    world.move(RECRUITER, "INBOX", world.find(RECRUITER, "INBOX", subject="other")[0].uid, "Sent")
    world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "new"))
    postern.start()
    postern.wait_live(desk.ats, desk.account)
    new = desk.email("new")
    desk.ats.wait_for(lambda: keywords(desk, email) == {"$seen"}, what="flag")
    desk.ats.wait_for(lambda: desk.one(gone["id"]) is None, what="deletion")
    desk.ats.wait_for(lambda: desk.one(other["id"])["mailboxIds"] == {desk.boxes()["sent"]: True}, what="move")
    created, updated, destroyed, _ = desk.ats.changes("Email", state, desk.account)
    assert created == [new["id"]] and destroyed == [gone["id"]]
    assert set(updated) == {email["id"], other["id"]}
