"""Mail comes in: as event, Email and Note, from both sides, on a server with and without extensions."""

import time

import pytest

from desk import Desk
from dovecot import PLAIN_SERVER
from jmap import Late, Problem
from peers import CANDIDATE, COLLEAGUE, CONTACT, RECRUITER, World, message, until
from postern import Postern
from save_sent import relaying


def test_delivery_is_event_email_and_note(desk, world):
    person = desk.person(CANDIDATE)
    before = desk.ats.state("Email", desk.account), desk.ats.state("Note")
    with desk.ats.events() as events:
        world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "Grüße: Bewerbung", "Anbei.\n"))
        events.until(lambda d: d["changed"].get(desk.account, {}).get("Email", before[0]) != before[0])
    email = desk.whole("Grüße: Bewerbung")
    assert email["from"][0]["email"] == CANDIDATE and email["contentState"] == "full"
    assert email["keywords"] == {} and email["mailboxIds"] == {desk.boxes()["inbox"]: True}
    note = desk.ats.wait_for(lambda: desk.notes(person), what="note")[0]
    assert (note["direction"], note["kind"], note["emailId"]) == ("in", "human", email["id"])
    assert note["text"].strip() == "Anbei." and not note["backfill"]
    assert desk.ats.changes("Email", before[0], desk.account)[0] == [email["id"]]
    assert desk.ats.changes("Note", before[1])[0] == [note["id"]]
    assert world.mails(RECRUITER)[0].flags == set()


@pytest.mark.deadline(120)
def test_mail_sent_from_another_program(desk, world):
    person = desk.person(CANDIDATE)
    world.append(RECRUITER, "Sent", message(RECRUITER, CANDIDATE, "from the phone"), "\\Seen")
    email = desk.email("from the phone", seconds=60)
    assert email["mailboxIds"] == {desk.boxes()["sent"]: True} and email["keywords"] == {"$seen": True}
    note = desk.ats.wait_for(lambda: desk.notes(person), what="note")[0]
    assert note["direction"] == "out"


def test_backfill_newest_first_and_both_folders(postern, world):
    for n in range(30):
        world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, f"old {n}"))
    world.append(RECRUITER, "Sent", message(RECRUITER, CANDIDATE, "old answer"), "\\Seen")
    ats = postern.jmap()
    person = ats.create("Correspondent", kind="candidate", name="C", emails=[CANDIDATE])["id"]
    desk = Desk(ats, postern.link(RECRUITER, client=ats), RECRUITER)
    ats.wait_for(lambda: len(desk.notes(person)) == 31, what="31 notes")
    assert all(n["backfill"] for n in desk.notes(person))
    assert all(m.flags == set() for m in world.mails(RECRUITER)), "\\Seen is never set by syncing"
    box = {m["role"]: m for m in ats.get("Mailbox", desk.account) if m["role"]}
    assert (box["inbox"]["totalEmails"], box["inbox"]["unreadEmails"]) == (30, 30)
    assert (box["sent"]["totalEmails"], box["sent"]["unreadEmails"]) == (1, 0)


@pytest.mark.long
@pytest.mark.deadline(180)
def test_many_gaps_and_many_folders(world, tmp_path, need_postern, clean):
    """Enough of both that libc sorts them in memory of its own: the filter must know what it does then."""
    with world.imap(RECRUITER) as client:
        for n in range(300):
            client.append("INBOX", None, None, message(CANDIDATE, RECRUITER, f"mail {n}"))
        client.select("INBOX")
        client.uid("STORE", ",".join(str(uid) for uid in client.uid("SEARCH", "ALL")[1][0].decode().split()[::2]),
                   "+FLAGS.SILENT", "(\\Deleted)")
        client.expunge()
        for n in range(120):
            client.create(f"many{n}")
    try:
        with Postern(tmp_path / "postern", world, content="headers", first=0) as postern:
            ats = postern.jmap()
            desk = Desk(ats, postern.link(RECRUITER, client=ats), RECRUITER)
            assert len(desk.emails(["subject"])) == 150
            worker = postern.pids("imapd-worker")
            world.store(RECRUITER, "INBOX", world.mails(RECRUITER)[75].uid, "+", "\\Deleted")
            with world.imap(RECRUITER) as client:
                client.select("INBOX")
                client.expunge()
            ats.wait_for(lambda: len(desk.emails(["subject"])) == 149, 60, what="the deletion")
            assert len(ats.query("Mailbox", desk.account)) >= 120
            assert postern.pids("imapd-worker") == worker and "SIGSYS" not in postern.log_text()
    finally:
        with world.imap(RECRUITER) as client:
            for n in range(120):
                client.delete(f"many{n}")


def test_window_of_the_first_sync(world, tmp_path, need_postern, clean):
    for n in range(15):
        world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, f"mail {n}"))
    with Postern(tmp_path / "postern", world, first=10) as daemon:
        desk = Desk(daemon.jmap(), daemon.link(RECRUITER), RECRUITER)
        assert {e["subject"] for e in desk.emails()} == {f"mail {n}" for n in range(5, 15)}
        world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "mail 15"))
        desk.email("mail 15")


def test_restart_fetches_nothing_again(postern, world):
    ats = postern.jmap()
    for n in range(10):
        world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, f"mail {n}"))
    person = ats.create("Correspondent", kind="candidate", name="C", emails=[CANDIDATE])["id"]
    desk = Desk(ats, postern.link(RECRUITER, client=ats), RECRUITER)
    ats.wait_for(lambda: len(desk.notes(person)) == 10, what="notes")
    state, ids = ats.state("Email", desk.account), sorted(e["id"] for e in desk.emails())
    assert postern.stop() == 0
    world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "meanwhile"))
    postern.start()
    postern.wait_live(ats, desk.account)
    email = desk.whole("meanwhile")
    created, updated, destroyed, _ = ats.changes("Email", state, desk.account)
    assert (created, updated, destroyed) == ([email["id"]], [], [])
    assert sorted(e["id"] for e in desk.emails()) == sorted(ids + [email["id"]])
    ats.wait_for(lambda: len(desk.notes(person)) == 11, what="its note")


# ---- whom a message concerns ---------------------------------------------------

def test_contact_before_candidate_and_own_domain(desk, world):
    candidate = desk.person(CANDIDATE)
    contact = desk.person(CONTACT, kind="contact")
    own = desk.person(COLLEAGUE)
    both = message(CONTACT, RECRUITER, "about her", headers=[("Cc", CANDIDATE)])
    world.deliver(RECRUITER, both)
    world.deliver(RECRUITER, message(COLLEAGUE, RECRUITER, "among us"))
    desk.whole("about her")
    desk.whole("among us")
    note = desk.ats.wait_for(lambda: desk.notes(contact), what="note")[0]
    assert note["subject"] == "about her"
    assert desk.notes(candidate) == [] and desk.notes(own) == []


def test_ambiguous_address_is_a_review(desk, world):
    one, two = desk.person(CANDIDATE, name="One"), desk.person(CANDIDATE, name="Two")
    world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "which of us?"))
    review = desk.ats.wait_for(lambda: desk.reviews(), what="review")[0]
    assert review["reason"] == "ambiguousAddress" and set(review["correspondentIds"]) == {one, two}
    assert desk.notes(one) == [] and desk.notes(two) == []
    desk.ats.update("Review", review["id"], {"resolution": {"correspondentId": two}})
    desk.ats.wait_for(lambda: [n["subject"] for n in desk.notes(two)] == ["which of us?"], what="note")
    assert desk.notes(one) == []


def test_documents_but_no_signature_images(desk, world):
    person = desk.person(CANDIDATE)
    logo = desk.person(CONTACT, kind="contact")
    for name in ("01-application", "05-html-logo"):
        with open(f"{__file__.rsplit('/', 2)[0]}/demo/mail/{name}.eml", "rb") as f:
            world.deliver(RECRUITER, f.read())
    note = desk.ats.wait_for(lambda: desk.notes(person), what="note")[0]
    assert [(d["name"], d["type"]) for d in note["documents"]] == [("Lebenslauf Jana Kowalski.pdf",
                                                                    "application/pdf")]
    assert note["subject"] == "Bewerbung als Cloud-Ingenieurin – Straße nach Zürich"
    pdf = desk.ats.download(note["accountId"], note["documents"][0]["blobId"])
    assert pdf.startswith(b"%PDF-1.4") and len(pdf) == note["documents"][0]["size"]
    other = desk.ats.wait_for(lambda: desk.notes(logo), what="note")[0]
    assert other["documents"] == [] and "ingénieur réseau" in other["text"]


def test_auto_reply_is_told(desk, world):
    person = desk.person(CANDIDATE)
    with open(f"{__file__.rsplit('/', 2)[0]}/demo/mail/06-auto-reply.eml", "rb") as f:
        world.deliver(RECRUITER, f.read())
    note = desk.ats.wait_for(lambda: desk.notes(person), what="note")[0]
    assert note["kind"] == "autoReply" and note["kindReasons"]


# ---- what is fetched -------------------------------------------------------------

def test_policy_matched(world, tmp_path, need_postern, clean):
    world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "hers", "Body of hers.\n"))
    world.deliver(RECRUITER, message("shop@fair.example", RECRUITER, "nobody's", "Body of nobody.\n"))
    with Postern(tmp_path / "postern", world, content="matched") as daemon:
        desk = Desk(daemon.jmap(), daemon.link(RECRUITER), RECRUITER)
        assert [e["contentState"] for e in desk.emails()] == ["header", "header"]
        person = desk.person(CANDIDATE)
        desk.ats.wait_for(lambda: desk.notes(person), what="note")
        assert desk.notes(person)[0]["backfill"]
        desk.whole("hers")
        other = desk.email("nobody's")
        assert other["contentState"] == "header" and other["preview"] == "" and not other["hasAttachment"]
        with pytest.raises(Problem) as caught:
            desk.ats.download(desk.account, other["blobId"])
        assert caught.value.status == 404 and "contentNotStored" in str(caught.value.body)
        answer = desk.ats.calls(("Email/fetchContent", {"accountId": desk.account, "ids": [other["id"]]}))[0]
        assert "forbidden" in str(answer)
        assert daemon.stop() == 0
        assert b"Body of nobody" not in b"".join(open(p, "rb").read() for p in daemon.state_files())


def test_policy_headers(world, tmp_path, need_postern, clean):
    world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "later", "The body.\n"))
    with Postern(tmp_path / "postern", world, content="headers") as daemon:
        desk = Desk(daemon.jmap(), daemon.link(RECRUITER), RECRUITER)
        email = desk.email("later")
        assert email["contentState"] == "header"
        desk.ats.call("Email/fetchContent", desk.account, ids=[email["id"]])
        desk.ats.wait_for(lambda: desk.email("later")["contentState"] == "full", what="content")
        assert b"The body." in desk.ats.download(desk.account, email["blobId"])


# ---- another kind of server --------------------------------------------------------

@pytest.fixture(scope="module")
def plain_world(tmp_path_factory, world, liars):
    """No CONDSTORE, IDLE, MOVE, UIDPLUS, SPECIAL-USE, ...; folders in German; slash as separator."""
    folders = {"Entwuerfe": "", "Gesendet": "", "Papierkorb": ""}
    with World(tmp_path_factory.mktemp("plain"), postfix=False, certs=world.certs, hide=PLAIN_SERVER, special_use=False,
               separator="/", folders=folders, storage="sdbox") as w:
        w.other_smtp = liars.start(relaying(w))
        yield w


@pytest.mark.long
@pytest.mark.deadline(420)
def test_plain_server(plain_world, tmp_path, need_postern):
    world = plain_world
    world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "one"))
    world.append(RECRUITER, "Gesendet", message(RECRUITER, CANDIDATE, "two"), "\\Seen")
    with Postern(tmp_path / "postern", world) as daemon:
        desk = Desk(daemon.jmap(), daemon.link(RECRUITER), RECRUITER)
        assert {e["subject"] for e in desk.emails()} == {"one", "two"}
        assert desk.boxes()["sent"] in desk.email("two")["mailboxIds"]
        begin = time.monotonic()
        world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "three"))
        email = desk.email("three", seconds=330)
        print(f"seen after {time.monotonic() - begin:.0f} s without IDLE")
        desk.ats.update("Email", email["id"], {"keywords/$seen": True}, desk.account)
        until("flag", lambda: world.find(RECRUITER, "INBOX", subject="three")[0].flags == {"\\Seen"}, 60, 1)


def test_plain_server_first_sync(plain_world, tmp_path, need_postern):
    world = plain_world
    world.clear(RECRUITER)
    world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "one"))
    world.append(RECRUITER, "Gesendet", message(RECRUITER, CANDIDATE, "two"), "\\Seen")
    with Postern(tmp_path / "postern", world) as daemon:
        desk = Desk(daemon.jmap(), daemon.link(RECRUITER), RECRUITER)
        assert {e["subject"] for e in desk.emails()} == {"one", "two"}
        email = desk.email("one")
        desk.ats.update("Email", email["id"], {"keywords/$flagged": True}, desk.account)
        until("flag", lambda: world.find(RECRUITER, "INBOX", subject="one")[0].flags == {"\\Flagged"}, 20)
        with desk.ats.events() as events, pytest.raises(Late):
            events.until(lambda d: False, seconds=1)
