"""A mailbox whose folders are labels (X-GM-EXT-1): each message once, whatever it is labelled, and both ways."""

import pytest

from desk import Desk
from gmail import Gmail
from gmail_box import ALL, TRASH, Box
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


def same(desk, box, seconds=20):
    def views():
        left_out = {f.name for label in ("\\Starred", "\\Important") if (f := box.folder(label))}
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
