"""A mailbox whose folders are labels (X-GM-EXT-1): each message once, whatever it is labelled, and both ways."""

import re

import pytest

from desk import Desk
from gmail import Gmail
from gmail_box import ALL, DRAFTS, INBOX, SENT, SPAM, TRASH, Box
from gmail_session import AFTER
from peers import CANDIDATE, RECRUITER, message, until
from postern import Postern

MINE = {"also": ["*"]}


def mail(subject, **more):
    return message(CANDIDATE, RECRUITER, subject, **more)


def linked(postern, user=RECRUITER, **more):
    ats = postern.jmap()
    return Desk(ats, postern.link(user, client=ats, folders=MINE, **more), user)


def as_seen(desk):
    """{(folder name, subject): keywords}: what Box.shown() says of the server. No subject twice in a folder."""
    boxes = {m["id"]: m for m in desk.ats.get("Mailbox", desk.account)}

    def name(m):
        if m["role"] == "inbox":
            return "INBOX"
        return (name(boxes[m["parentId"]]) + "/" if m["parentId"] else "") + m["name"]
    out = {}
    for email in desk.emails(["subject", "keywords", "mailboxIds"]):
        for box in email["mailboxIds"]:
            key = name(boxes[box]), email["subject"]
            assert key not in out, f"twice: {key}"
            out[key] = sorted(email["keywords"])
    return out


def same(desk, box, seconds=20, views_of_all=("\\Starred", "\\Important")):
    """views_of_all: folders that are not synced, since they only show what others hold."""
    def views():
        left_out = {f.name for label in views_of_all if (f := box.folder(label))}
        return {k: v for k, v in box.shown().items() if k[0] not in left_out}
    try:
        until("the same", lambda: as_seen(desk) == views(), seconds, 0.1)
    except Exception as e:
        raise AssertionError(f"ATS: {as_seen(desk)}\nserver: {views()}") from e


@pytest.fixture
def box():
    return Box()


@pytest.fixture
def gmail(box, liars):
    return Gmail(liars, {RECRUITER: box})


@pytest.fixture
def postern(gmail, tmp_path, need_postern):
    with Postern(tmp_path / "postern", gmail, first=0) as daemon:
        yield daemon


def test_the_server_itself(gmail, box):
    one = box.add(mail("one"), flags=["\\Seen"])
    box.create("Jobs")
    with gmail.imap(RECRUITER) as client:
        assert client.select("INBOX")[1] == [b"1"]
        assert b"X-GM-LABELS ()" in client.uid("FETCH", "1", "(X-GM-LABELS)")[1][0]
        client.uid("STORE", "1", "+X-GM-LABELS", "(Jobs)")
        assert b'("Jobs")' in client.uid("FETCH", "1", "(X-GM-LABELS)")[1][0]
        assert client.uid("MOVE", "1", "[Gmail]/Trash")[0] == "OK"
        assert client.uid("SEARCH", "ALL")[1] == [b""]
    assert one.labels == {TRASH} and [m.subject for m in box.mails(TRASH)] == ["one"] and not box.mails(ALL)


def test_first_sync(postern, gmail, box):
    one = box.add(mail("one"))
    box.create("Jobs")
    box.label(one, add=["Jobs", "\\Important"])
    box.add(mail("archived"), labels=())
    desk = linked(postern)
    same(desk, box)
    email = desk.email("one")
    names = {m["id"]: m["name"] for m in desk.ats.get("Mailbox", desk.account)}
    assert sorted(names[b] for b in email["mailboxIds"]) == ["All Mail", "INBOX", "Jobs"]
    assert len(desk.emails()) == 2 and set(desk.boxes()) >= {"inbox", "sent", "drafts", "trash", "junk", "all"}
    assert all(m.flags == set() for m in box.messages)


def test_threads_are_the_servers(postern, box):
    one, two, three = (box.add(mail(s)) for s in ("alone", "joined", "other"))
    two.thrid = one.thrid
    box.add(mail("answer by header", headers=[("References", three.message_id)])).thrid = one.thrid
    desk = linked(postern)
    same(desk, box)
    thread = {e["subject"]: e["threadId"] for e in desk.emails()}
    assert thread["alone"] == thread["joined"] == thread["answer by header"] != thread["other"]


def test_changes_in_gmail(postern, box):
    for name in ("Jobs", "Clients/Acme"):
        box.create(name)
    mails = {s: box.add(mail(s)) for s in ("labelled", "unlabelled", "moved", "archived", "read", "thrown away", "spam",
                                          "back again")}
    box.label(mails["unlabelled"], add=["Jobs"])
    box.label(mails["back again"], add=[TRASH])
    desk = linked(postern)
    same(desk, box)
    ids = {e["subject"]: e["id"] for e in desk.emails()}
    box.label(mails["labelled"], add=["Jobs", "Clients/Acme"])
    box.label(mails["unlabelled"], remove=["Jobs"])
    box.label(mails["moved"], add=["Clients/Acme"], remove=[INBOX])
    box.label(mails["archived"], remove=[INBOX])
    box.flag(mails["read"], add=["\\Seen", "\\Flagged"])
    box.label(mails["thrown away"], add=[TRASH])
    box.label(mails["spam"], add=[SPAM])
    box.label(mails["back again"], add=[INBOX])
    box.add(mail("new"), [INBOX, "Jobs"])
    same(desk, box, 40)
    assert {e["subject"]: e["id"] for e in desk.emails() if e["subject"] != "new"} == ids


def test_a_flag_told_of_one_label_is_true_of_all(postern, gmail, box):
    one = box.add(mail("read there"))
    desk = linked(postern)
    same(desk, box)
    box.flag(one, add=["\\Seen"])
    same(desk, box, 10)
    box.flag(one, remove=["\\Seen"])
    same(desk, box, 10)


@pytest.mark.long
def test_deleted_for_good(postern, box):
    """All Mail is looked at seldom: the store waits whether the message comes up elsewhere (LIM_HOLD_SECONDS)."""
    gone, stays = box.add(mail("gone")), box.add(mail("stays"))
    desk = linked(postern)
    same(desk, box)
    box.delete(gone)
    same(desk, box, 40)
    assert [e["subject"] for e in desk.emails()] == [stays.subject]


def test_changes_at_the_ats(postern, box):
    box.create("Jobs")
    mails = {s: box.add(mail(s)) for s in ("labelled", "unlabelled", "moved", "archived", "read", "thrown away", "spam",
                                          "out of All Mail")}
    box.label(mails["unlabelled"], add=["Jobs"])
    box.label(mails["out of All Mail"], remove=[INBOX])
    desk = linked(postern)
    same(desk, box)
    mailbox = {m["role"] or m["name"]: m["id"] for m in desk.ats.get("Mailbox", desk.account)}
    ids = {e["subject"]: e["id"] for e in desk.emails()}

    def update(subject, **change):
        desk.ats.update("Email", ids[subject], change, desk.account)

    def put(subject, *roles):
        update(subject, mailboxIds={mailbox[r]: True for r in roles})
    put("labelled", "inbox", "all", "Jobs")
    put("unlabelled", "inbox", "all")
    put("moved", "all", "Jobs")
    put("archived", "all")
    update("read", **{"keywords/$seen": True, "keywords/$flagged": True})
    put("thrown away", "trash")
    put("spam", "junk")
    put("out of All Mail", "Jobs")
    want = {"labelled": {INBOX, "Jobs"}, "unlabelled": {INBOX}, "moved": {"Jobs"}, "archived": set(), "read": {INBOX},
            "thrown away": {TRASH}, "spam": {SPAM}, "out of All Mail": {"Jobs"}}
    until("all labels", lambda: {s: m.labels for s, m in mails.items()} == want, 20)
    until("the flags", lambda: mails["read"].flags == {"\\Seen", "\\Flagged"}, 20)
    same(desk, box, 40)
    assert {e["subject"]: e["id"] for e in desk.emails()} == ids


def test_new_mail_is_live_and_one(postern, gmail, box):
    box.create("Jobs")
    desk = linked(postern)
    person = desk.person(CANDIDATE)
    box.add(mail("in INBOX"), [INBOX])
    desk.whole("in INBOX", seconds=5)
    box.add(mail("by a filter"), [INBOX, "Jobs"])
    desk.whole("by a filter", seconds=5)
    same(desk, box, 60)
    assert [n["subject"] for n in desk.notes(person)] == ["in INBOX", "by a filter"]
    bodies = gmail.said(rb"BODY\.PEEK\[\]")
    assert len(bodies) == 2, bodies


def test_sent_and_drafts(postern, gmail, box):
    desk = linked(postern)
    id_ = desk.submit(desk.draft([CANDIDATE, RECRUITER], "to her and me"))
    done = desk.wait_state(id_)
    same(desk, box, 40)
    assert [m.labels for m in box.messages] == [{SENT, INBOX}] and not box.mails(DRAFTS)
    email = desk.email("to her and me")
    assert email["id"] == done["emailId"] and "$draft" not in email["keywords"]


def test_a_draft_that_was_there_long_before(postern, gmail, box):
    desk = linked(postern)
    draft = desk.ats.create("Email", desk.account, **desk.draft([CANDIDATE], "slowly written"))["id"]
    until("the draft", lambda: [m.labels for m in box.messages] == [{DRAFTS}])
    same(desk, box, 40)
    roles = desk.boxes()
    answer = desk.ats.calls(("EmailSubmission/set", {
        "accountId": desk.account, "create": {"s": {"emailId": draft, "identityId": desk.identity()["id"]}},
        "onSuccessUpdateEmail": {"#s": {f"mailboxIds/{roles['drafts']}": None, f"mailboxIds/{roles['sent']}": True,
                                        "keywords/$draft": None}}}))[0][1]
    desk.wait_state(answer["created"]["s"]["id"])
    until("sent, and no draft", lambda: [m.labels for m in box.messages] == [{SENT}], 40)
    same(desk, box, 40)
    assert [e["id"] for e in desk.emails()] == [draft]


def test_a_draft_to_an_address_in_utf8(postern, gmail, box):
    """RFC 6855: once UTF8=ACCEPT is enabled, a header beyond ASCII has to be announced."""
    desk = linked(postern)
    desk.ats.create("Email", desk.account, **desk.draft(["jörg@people.example"], "to him"))
    until("the draft", lambda: [m.subject for m in box.mails(DRAFTS)] == ["to him"])
    assert "jörg@people.example".encode() in box.find("to him").raw
    assert gmail.said(rb"APPEND .* UTF8 \(~\{")


def test_labels_in_german(liars, tmp_path, need_postern):
    box = Box("de")
    box.create("Bewerber & Kunden/Köln")
    box.add(mail("eins"), [INBOX, "Bewerber & Kunden/Köln"])
    gmail = Gmail(liars, {RECRUITER: box})
    with Postern(tmp_path / "postern", gmail, first=0) as postern:
        desk = linked(postern)
        same(desk, box)
        names = {m["role"]: m["name"] for m in desk.ats.get("Mailbox", desk.account)}
        assert names["all"] == "Alle Nachrichten" and names["drafts"] == "Entwürfe" and names["trash"] == "Papierkorb"
        assert gmail.said("ENABLE .*UTF8=ACCEPT".encode()) and gmail.said('SELECT "[^"]*Köln"'.encode())
        box.rename("Bewerber & Kunden/Köln", "Bewerber & Kunden/Köln-Süd")
        box.create("Zürich")
        box.label(box.find("eins"), add=["Zürich"])
        box.remove("Zürich")
        with desk.ats.events():
            box.label(box.find("eins"), remove=[INBOX])
            same(desk, box, 40)


@pytest.mark.long
def test_destroyed(postern, gmail, box):
    """A deletion is a move to Trash, whatever labels there are; in Trash it is for good."""
    one = box.add(mail("goes"))
    box.create("Jobs")
    box.label(one, add=["Jobs"])
    box.add(mail("stays"))
    desk = linked(postern)
    same(desk, box)
    first = desk.find("goes")[0]["id"]
    desk.ats.destroy("Email", first, desk.account)
    until("in Trash", lambda: one.labels == {TRASH})
    same(desk, box)
    again = desk.find("goes")[0]["id"]
    assert not desk.reviews()
    desk.ats.destroy("Email", again, desk.account)
    until("for good", lambda: not box.mails(TRASH))
    same(desk, box)
    assert not desk.reviews() and [m.subject for m in box.mails(ALL)] == ["stays"]


# ---- each extension of Gmail can be done without -------------------------------------

# what is not offered: (what must then not be on the wire, what must be with it)
EXTENSIONS = {
    "UTF8=ACCEPT": (rb"UTF8|[\x80-\xff]", rb"ENABLE UTF8=ACCEPT"),
    "LITERAL-": (rb"\{\d+\+\}", rb"\{\d+\+\}"),
    "ESEARCH": (rb"SEARCH RETURN", rb"SEARCH RETURN"),
    "CONDSTORE": (rb"CONDSTORE|MODSEQ|CHANGEDSINCE", rb"CHANGEDSINCE"),
    "MOVE": (rb"UID MOVE", rb"UID MOVE"),
    "X-GM-EXT-1": (rb"X-GM", rb"X-GM-MSGID X-GM-THRID"),
    "LIST-STATUS": (rb"RETURN \([^\n]*STATUS", rb"RETURN \([^\n]*STATUS \("),
    "none of them": (rb"QRESYNC|NOTIFY", rb"."),
}


def without(*hidden):
    return " ".join(word for word in AFTER.split() if word not in hidden)


@pytest.mark.deadline(120)
def test_each_extension_can_be_done_without(liars, tmp_path, need_postern):
    boxes = {name: Box("de") for name in EXTENSIONS}
    servers = {name: Gmail(liars, {RECRUITER: box}, capability=without(name)) for name, box in boxes.items()}
    for box in boxes.values():
        box.create("Köln")
        for subject in ("read there", "read here", "moved here", "gone there"):
            box.add(mail(subject))
    with Postern(tmp_path / "postern", servers["none of them"], first=0) as postern:
        ats = postern.jmap(timeout=120)
        desks = {}
        for n, (name, server) in enumerate(servers.items()):
            ends = server.endpoints(RECRUITER)
            desks[name] = Desk(ats, postern.link(RECRUITER, client=ats, wait=False, mode="receiveOnly", folders=MINE,
                                                 imap=ends["imap"], address=f"r{n}@agency.example"), RECRUITER)
        left_out = {name: ("\\Starred", "\\Important") + (ALL,) * (name == "X-GM-EXT-1") for name in EXTENSIONS}
        for name, desk in desks.items():
            same(desk, boxes[name], 40, left_out[name])
            ids = {e["subject"]: e["id"] for e in desk.emails()}
            koeln = {m["name"]: m["id"] for m in ats.get("Mailbox", desk.account)}["Köln"]
            everywhere = {k: True for k in desk.one(ids["moved here"])["mailboxIds"] if k != desk.boxes()["inbox"]}
            ats.update("Email", ids["moved here"], {"mailboxIds": {**everywhere, koeln: True}}, desk.account)
            ats.update("Email", ids["read here"], {"keywords/$seen": True}, desk.account)
            ats.create("Email", desk.account, **desk.draft([CANDIDATE], "draft"))
            boxes[name].flag(boxes[name].find("read there"), add=["\\Seen"])
            boxes[name].label(boxes[name].find("gone there"), remove=[INBOX])
            boxes[name].add(mail("new"))
        for name, desk in desks.items():
            box = boxes[name]
            until(f"all at the server without {name}", lambda b=box: (
                b.find("moved here").labels == {"Köln"} and b.find("read here").flags == {"\\Seen"}
                and len(b.mails(DRAFTS)) == 1), 40)
            same(desk, box, 40, left_out[name])
        assert not re.search(r"SIGSEGV|SIGSYS|sync.protocol_error", postern.log_text())
    for name, (never, used) in EXTENSIONS.items():
        assert not (found := servers[name].said(never)), f"{name}: {found}"
        assert servers["none of them"].said(used), f"{name} is offered and not used"
