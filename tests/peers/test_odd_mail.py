"""Mail that breaks programs: synced or quarantined, never a stop, and nothing but a mime-worker may die of it."""

import base64
import os
import random

import pytest

from desk import Desk
from peers import CANDIDATE, RECRUITER, message, until

HEAD = b"From: candidate@people.example\r\nTo: recruiter@agency.example\r\nMessage-ID: <%d@odd.example>\r\nSubject: %s\r\n"


def nested(depth):
    out = b"Content-Type: text/plain\r\n\r\nat the bottom\r\n"
    for n in range(depth):
        out = (b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) + out
               + b"\r\n--b%d--\r\n" % n)
    return b"MIME-Version: 1.0\r\n" + out


def messages_in_messages(depth):
    out = b"Content-Type: text/plain\r\n\r\nat the bottom\r\n"
    for _ in range(depth):
        out = b"Content-Type: message/rfc822\r\n\r\n" + out
    return b"MIME-Version: 1.0\r\n" + out


def encoded_in_encoded(depth):
    """Each message is the base64 of the next."""
    out = b"Content-Type: text/plain\r\n\r\nat the bottom\r\n"
    for _ in range(depth):
        out = (b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
               + base64.encodebytes(out).replace(b"\n", b"\r\n"))
    return b"MIME-Version: 1.0\r\n" + out


def texts(charsets, body):
    """A part of the same bytes for each charset that is claimed."""
    return (b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
            + b"".join(b"--b\r\nContent-Type: text/plain; charset=" + c + b"\r\n\r\n" + body + b"\r\n"
                       for c in charsets) + b"--b--\r\n")


def big(size):
    line = b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5\r\n"
    return (b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain'
            b'\r\n\r\nsee the file\r\n--b\r\nContent-Type: application/octet-stream; name="big.bin"\r\n'
            b"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment\r\n\r\n"
            + line * (size // len(line)) + b"--b--\r\n")


def noise(seed, size=20000):
    return b"\r\n" + random.Random(seed).randbytes(size)


ODD = {
    "big": lambda: big(30_000_000),
    "empty": lambda: None,
    "no headers": lambda: None,
    "nested 200": lambda: nested(200),
    "message in message 100": lambda: messages_in_messages(100),
    "NUL bytes": lambda: b"X-Nul: a\0b\r\nContent-Type: text/plain; name=\"a\0b\"\r\n\r\nbody \0\0\0 more\r\n",
    "noise": lambda: noise(1),
    "endless header line": lambda: b"X-Long: " + b"a" * 2_000_000 + b"\r\n\r\nbody\r\n",
    "20000 headers": lambda: b"".join(b"X-%d: y\r\n" % n for n in range(20000)) + b"\r\nbody\r\n",
    "a million headers": lambda: b"".join(b"X-%d: y\r\n" % n for n in range(1_000_000)) + b"\r\nbody\r\n",
    "10000 parameters": lambda: (b"Content-Type: text/plain" + b"".join(b";\r\n p%d*%d*=utf-8''%%ff" % (n, n)
                                                                        for n in range(10000)) + b"\r\n\r\nbody\r\n"),
    "message in message 20000": lambda: messages_in_messages(20000),
    "encoded in encoded 24": lambda: encoded_in_encoded(24),
    "lying charsets": lambda: texts((b"utf-8", b"us-ascii", b"utf-16", b"utf-16be", b"utf-32", b"utf-7", b"iso-2022-jp",
                                     b"gb18030", b"big5", b"koi8-r", b'""', b"utf-8\0", b"../../etc/passwd"),
                                    b"\x1b$B\xff\xfe+AGE-\x81\x30 \xed\xa0\x80 " * 200),
    "10000 recipients": lambda: (b"Cc: " + b",\r\n ".join(b"p%d@fair.example" % n for n in range(10000))
                                 + b"\r\n\r\nbody\r\n"),
    "5000 parts": lambda: (b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
                           + b"--b\r\n\r\nx\r\n" * 5000 + b"--b--\r\n"),
    "unknown charset": lambda: b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=x-unknown\r\n\r\n\xff\xfe\r\n",
    "wrong base64": lambda: (b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64"
                             b"\r\n\r\n!!!! not base64 \x80 ====\r\n"),
    "bare LF and CR": lambda: b"X: y\n\nbody\rwith\rCR\n",
    "boundary never ends": lambda: (b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n'
                                    b"Content-Type: text/plain\r\n\r\nopen end\r\n"),
    "broken encoded words": lambda: b"X-A: =?utf-8?b?////?= =?x?q?=FF?= =?utf-8?q?\r\n\r\nbody\r\n",
}
WHOLE = {"empty": b"", "no headers": b"\r\nonly a body\r\n"}


def drop(world, user, raw, n):
    """Straight into the maildir: LMTP and APPEND would mend what is odd."""
    directory = os.path.join(world.dovecot.dir, "mail", user, "mail")
    path = os.path.join(directory, "tmp", f"17000000{n:02}.odd{n}.host")
    with open(path, "wb") as f:
        f.write(raw)
    if os.geteuid() == 0:
        os.chown(path, world.dovecot.mail_uid, world.dovecot.mail_gid)
    os.rename(path, path.replace("/tmp/17", "/new/17"))


@pytest.mark.deadline(240)
def test_all_of_it_is_synced(postern, world):
    world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "the one before"))
    for n, (name, make) in enumerate(ODD.items()):
        raw = WHOLE.get(name)
        drop(world, RECRUITER, HEAD % (n, name.encode()) + make() if raw is None else raw, n)
    count = until("dropped mail", lambda: (c := len(world.mails(RECRUITER))) > len(ODD) and c)
    world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "the one after"))
    ats = postern.jmap(timeout=120)
    ats.create("Correspondent", kind="candidate", name="C", emails=[CANDIDATE])
    desk = Desk(ats, postern.link(RECRUITER, client=ats, wait=False), RECRUITER)
    before = {p["pid"]: p["role"] for p in postern.processes() if p["role"] != "mime-worker"}
    postern.wait_live(ats, desk.account, seconds=150)

    def settled():
        emails = desk.emails(["id", "subject", "contentState", "size", "blobId"])
        done = len(emails) == count + 1 and all(e["contentState"] != "header" for e in emails)
        return emails if done else None

    emails = ats.wait_for(settled, 150, what="all mail whole or in quarantine")
    by_name = {e["subject"]: e for e in emails}
    for e in emails:
        print(e["contentState"], e["size"], e["subject"])
    whole = {"big", "unknown charset", "wrong base64", "boundary never ends", "the one before", "the one after"}
    assert {by_name[n]["contentState"] for n in whole} == {"full"}
    assert ats.one("Link", desk.account)["state"] == "live"
    after = {p["pid"] for p in postern.processes()}
    lost = {role for pid, role in before.items() if pid not in after} - {"smtp-worker"}
    assert not lost, f"died: {lost}\n{postern.log_text()[-3000:]}"
    for e in emails:
        if e["contentState"] == "quarantined":
            assert [r for r in desk.reviews() if r["reason"] == "quarantined" and r["emailId"] == e["id"]]
    size = by_name["big"]["size"]
    assert len(ats.download(desk.account, by_name["big"]["blobId"])) == size > 30_000_000
    assert all(m.flags <= set() for m in world.mails(RECRUITER))


@pytest.mark.deadline(120)
def test_odd_mail_as_it_arrives(desk, postern, world):
    """The same kinds one by one into a live link; a good one after each still comes through."""
    for n, name in enumerate(("empty", "NUL bytes", "nested 200", "noise")):
        raw = WHOLE.get(name)
        drop(world, RECRUITER, HEAD % (n, name.encode()) + ODD[name]() if raw is None else raw, n)
        world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, f"after {name}"))
        desk.whole(f"after {name}")
    assert desk.ats.one("Link", desk.account)["state"] == "live"
