"""Real servers that are not Dovecot: the same mailbox comes to the same, before, while and after Postern runs."""

import os

import pytest

from conftest import skip
from courier import Courier
from cyrus import Cyrus
from desk import Desk
from other_world import OtherWorld
from peers import CANDIDATE, RECRUITER, message, until
from postern import Postern
from unpacked import Missing

SERVERS = {
    "Cyrus": Cyrus,
    "Courier": Courier,
    "Cyrus without OBJECTID": lambda *args: Cyrus(*args, extra="suppress_capabilities: OBJECTID"),
    "Cyrus, folders beside INBOX": lambda *args: Cyrus(*args, slash=True, altnamespace=True),
}
LONG = {"Cyrus, folders beside INBOX", "Cyrus without OBJECTID"}
NAMES = {"\\Seen": "$seen", "\\Flagged": "$flagged", "\\Answered": "$answered", "\\Draft": "$draft"}


def mail(subject):
    return message(CANDIDATE, RECRUITER, subject)


@pytest.fixture(scope="module", params=[pytest.param(s, marks=pytest.mark.long if s in LONG else ()) for s in SERVERS])
def other(request, world, tmp_path_factory):
    """One server for all tests; the recruiter's folders are there."""
    try:
        server = OtherWorld(tmp_path_factory.mktemp("other"), world.certs, world.users, SERVERS[request.param])
    except Missing as why:
        skip(f"{request.param}: {why}")
    with server:
        yield server


@pytest.fixture
def empty(other):
    if RECRUITER in other.users:
        with other.imap(RECRUITER) as client:
            client.create(other.server.prefix + "Jobs")
    other.clear(RECRUITER)
    return other


def on_server(world):
    """{(folder, subject): flags} as an ATS would say them."""
    prefix = world.server.prefix
    return {(folder, m.subject): sorted(NAMES[f] for f in m.flags if f in NAMES)
            for folder in ("INBOX", "Drafts", "Sent", "Trash", "Jobs")
            for m in world.mails(RECRUITER, folder if folder == "INBOX" else prefix + folder)}


def at_desk(desk):
    names = {m["id"]: "INBOX" if m["role"] == "inbox" else m["name"] for m in desk.ats.get("Mailbox", desk.account)}
    rows = [((names[box], e["subject"]), sorted(e["keywords"]))
            for e in desk.emails(["subject", "keywords", "mailboxIds"]) for box in e["mailboxIds"]]
    assert len(dict(rows)) == len(rows), rows
    return dict(rows)


def same(desk, world, want=None, seconds=40):
    seen = {}

    def equal():
        seen.update(ats=at_desk(desk), server=on_server(world))
        return seen["ats"] == seen["server"] and want in (None, seen["ats"])
    try:
        until("the same", equal, seconds, 0.2)
    except Exception as e:
        raise AssertionError(f"ATS: {seen['ats']}\nserver: {seen['server']}\nwanted: {want}") from e


def ids(desk):
    return {e["subject"]: e["id"] for e in desk.emails(["subject"])}


@pytest.fixture
def postern(empty, tmp_path, need_postern):
    with Postern(tmp_path / "postern", empty, first=0) as daemon:
        yield daemon
        assert "sync.protocol_error" not in daemon.log_text()


def linked(postern):
    ats = postern.jmap()
    return Desk(ats, postern.link(RECRUITER, client=ats, mode="receiveOnly", folders={"also": ["*"]}), RECRUITER)


@pytest.mark.deadline(120)
def test_first_sync_and_changes_of_both(postern, empty):
    world, prefix = empty, empty.server.prefix
    for subject in ("stays", "read there", "read here", "moved there", "moved here", "gone there", "gone here"):
        world.deliver(RECRUITER, mail(subject))
    world.append(RECRUITER, prefix + "Sent", mail("sent"), "\\Seen")
    desk = linked(postern)
    same(desk, world)
    assert len(at_desk(desk)) == 8 and set(desk.boxes()) >= {"inbox", "drafts", "sent", "trash", "junk"}
    assert all(m.flags == set() for m in world.mails(RECRUITER))
    assert len({e["threadId"] for e in desk.emails()}) == 8
    before, uids = ids(desk), {m.subject: m.uid for m in world.mails(RECRUITER)}
    jobs = next(m["id"] for m in desk.ats.get("Mailbox", desk.account) if m["name"] == "Jobs")
    world.store(RECRUITER, "INBOX", uids["read there"], "+", "\\Seen \\Flagged")
    world.move(RECRUITER, "INBOX", uids["moved there"], prefix + "Jobs")
    world.expunge(RECRUITER, "INBOX", uids["gone there"])
    desk.ats.update("Email", before["read here"], {"keywords/$seen": True}, desk.account)
    desk.ats.update("Email", before["moved here"], {"mailboxIds": {jobs: True}}, desk.account)
    desk.ats.destroy("Email", before["gone here"], desk.account)
    world.deliver(RECRUITER, mail("new"))
    draft = desk.ats.create("Email", desk.account, **desk.draft(["jörg@people.example"], "draft"))["id"]
    want = {("INBOX", "stays"): [], ("INBOX", "read there"): ["$flagged", "$seen"], ("INBOX", "read here"): ["$seen"],
            ("Jobs", "moved there"): [], ("Jobs", "moved here"): [], ("Sent", "sent"): ["$seen"], ("INBOX", "new"): [],
            ("Drafts", "draft"): ["$draft", "$seen"]}
    same(desk, world, want)
    after = ids(desk)
    assert {s: after[s] for s in before if s in after} == {s: i for s, i in before.items() if not s.startswith("gone")}
    assert after["draft"] == draft
    kept = "jörg@people.example".encode() in world.mails(RECRUITER, prefix + "Drafts")[0].raw
    assert kept == isinstance(world.server, Courier), "Courier has UTF8=ACCEPT; Cyrus writes X for what is not ASCII"


def test_resync(postern, empty):
    world, prefix = empty, empty.server.prefix
    for subject in ("stays", "read", "moved", "gone"):
        world.deliver(RECRUITER, mail(subject))
    desk = linked(postern)
    same(desk, world)
    before, uids = ids(desk), {m.subject: m.uid for m in world.mails(RECRUITER)}
    state = desk.ats.state("Email", desk.account)
    assert postern.stop() == 0
    world.store(RECRUITER, "INBOX", uids["read"], "+", "\\Seen")
    world.move(RECRUITER, "INBOX", uids["moved"], prefix + "Jobs")
    world.expunge(RECRUITER, "INBOX", uids["gone"])
    world.deliver(RECRUITER, mail("new"))
    postern.start()
    desk.ats = postern.jmap()
    want = {("INBOX", "stays"): [], ("INBOX", "read"): ["$seen"], ("Jobs", "moved"): [], ("INBOX", "new"): []}
    same(desk, world, want)
    created, updated, destroyed, _ = desk.ats.changes("Email", state, desk.account)
    after = ids(desk)
    assert (created, set(updated), destroyed) == ([after["new"]], {before["read"], before["moved"]}, [before["gone"]])
    assert after == {**{s: before[s] for s in ("stays", "read", "moved")}, "new": after["new"]}


@pytest.mark.long
def test_a_folder_is_renamed(postern, empty, request):
    """The folder is known again by its MAILBOXID, its messages always."""
    world, prefix = empty, empty.server.prefix
    world.append(RECRUITER, prefix + "Jobs", mail("in it"))
    desk = linked(postern)
    same(desk, world)
    before, jobs = ids(desk), next(m["id"] for m in desk.ats.get("Mailbox", desk.account) if m["name"] == "Jobs")
    assert postern.stop() == 0
    with world.imap(RECRUITER) as client:
        client.delete(prefix + "Posts")
        assert client.rename(prefix + "Jobs", prefix + "Posts")[0] == "OK"
    postern.start()
    desk.ats = postern.jmap()
    desk.ats.wait_for(lambda: ("Posts", "in it") in at_desk(desk), 30, what="the new name")
    assert ids(desk) == before
    again = next(m["id"] for m in desk.ats.get("Mailbox", desk.account) if m["name"] == "Posts")
    assert (again == jobs) == (request.node.callspec.params["other"] in ("Cyrus", "Cyrus, folders beside INBOX"))
    with world.imap(RECRUITER) as client:
        client.rename(prefix + "Posts", prefix + "Jobs")


def test_new_mail_is_live(postern, empty):
    desk = linked(postern)
    for n in range(3):
        with desk.ats.events() as events:
            state = desk.ats.state("Email", desk.account)
            empty.deliver(RECRUITER, mail(f"new {n}"))
            events.until(lambda d: d["changed"].get(desk.account, {}).get("Email", state) != state, seconds=10)
        desk.whole(f"new {n}")
