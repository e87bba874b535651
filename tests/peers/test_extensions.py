"""Every extension of IMAP that Dovecot has is used when it is offered and can be done without: one link for each,
at a server that does not offer it, and all of them come to the same. What was said on the wire is looked at too."""

import os
import re
import stat

import pytest

import rawlog
from desk import Desk
from dovecot import CAPABILITIES, FOLDERS
from peers import CANDIDATE, World, message, until
from postern import Postern

# name of the row: (what is not offered, what must then not be on the wire, what must be with it)
ROWS = {
    "QRESYNC": ("QRESYNC", r"QRESYNC|VANISHED", r"ENABLE [^\n]*QRESYNC"),
    "CONDSTORE": ("CONDSTORE QRESYNC", r"CONDSTORE|CHANGEDSINCE|MODSEQ|QRESYNC", r"HIGHESTMODSEQ"),
    "ENABLE": ("ENABLE QRESYNC", r" ENABLE ", r" ENABLE "),
    "ESEARCH": ("ESEARCH", r"SEARCH RETURN", None),
    "LIST-EXTENDED": ("LIST-EXTENDED LIST-STATUS", r'LIST "" "\*" RETURN', r'LIST "" "\*" RETURN'),
    "LIST-STATUS": ("LIST-STATUS", r"RETURN \([^\n]*STATUS", r"RETURN \([^\n]*STATUS \("),
    "SPECIAL-USE": ("SPECIAL-USE", r"SPECIAL-USE", r"RETURN \(SPECIAL-USE"),
    "STATUS=SIZE": ("STATUS=SIZE", r"UIDVALIDITY[^\n)]* SIZE", None),
    "UIDPLUS": ("UIDPLUS", r"UID EXPUNGE", r"UID EXPUNGE"),
    "MOVE": ("MOVE", r"UID MOVE", r"UID MOVE"),
    "UNSELECT": ("UNSELECT", r"UNSELECT", None),
    "ID": ("ID", r' ID \(', r' ID \("name" "Postern" "version" "[^"]*"\)\r\n'),
    "NAMESPACE": ("NAMESPACE", r" NAMESPACE", r" NAMESPACE\r\n"),
    "LITERAL+": ("LITERAL+", r"\{\d+\+\}", None),
    "NOTIFY": ("NOTIFY", r" NOTIFY ", r" NOTIFY SET"),
    "IDLE": ("IDLE NOTIFY", r" IDLE\r\n", r" IDLE\r\n"),
    "all of them": ("QRESYNC CONDSTORE ENABLE ESEARCH LIST-EXTENDED LIST-STATUS SPECIAL-USE STATUS=SIZE MOVE "
                    "UNSELECT ID NAMESPACE LITERAL+ NOTIFY IDLE SEARCHRES", r"QRESYNC|RETURN| MOVE | ID |NOTIFY", None),
    "none of them": ("", None, None),
}

# Capabilities of one user come from a file of his name: imap asks this before it serves him.
POST_LOGIN = """#!/bin/sh
test ! -r {caps}/"$USER" || {{
	IMAP_CAPABILITY=$(cat {caps}/"$USER")
	USERDB_KEYS="$USERDB_KEYS imap_capability"
	export IMAP_CAPABILITY USERDB_KEYS
}}
exec "$@"
"""
EXTRA = """
service imap {{
  executable = imap post-login
}}
service post-login {{
  executable = script-login {script}
  unix_listener post-login {{
    mode = 0666
  }}
}}
rawlog_dir = {raw}/%u
"""


def user_of(name):
    return re.sub(r"\W+", "-", name.lower()) + "@agency.example"


class Variants:
    """One Dovecot that is another server for each user."""

    def __init__(self, directory, certs):
        os.makedirs(directory, exist_ok=True)
        self.world = World(os.path.join(directory, "w"), {user_of(n): "sec.Ret-1" for n in ROWS}, postfix=False,
                           certs=certs, folders=dict(FOLDERS, Jobs=""))
        where = self.world.dir
        script, self.raw, caps = (os.path.join(where, n) for n in ("post-login", "raw", "caps"))
        os.makedirs(caps)
        with open(script, "w") as f:
            f.write(POST_LOGIN.format(caps=caps))
        os.chmod(script, stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
        for name, (hidden, _, _) in ROWS.items():
            with open(os.path.join(caps, user_of(name)), "w") as f:
                f.write(" ".join(c for c in CAPABILITIES if c not in hidden.split()))
            os.makedirs(os.path.join(self.raw, user_of(name)))
            os.chmod(os.path.join(self.raw, user_of(name)), 0o777)
        self.world.dovecot.opts["extra"] = EXTRA.format(script=script, raw=self.raw)
        self.world.dovecot.write_config()

    def __enter__(self):
        self.world.start()
        return self

    def __exit__(self, *_):
        self.world.stop()

    def said(self, name):
        """What Postern wrote on all connections of that row."""
        mine = (lines for lines in rawlog.connections(os.path.join(self.raw, user_of(name)))
                if any(re.match(r"P1 [A-Z]", line) for line in lines[:2]))
        return "".join(line + "\r\n" for lines in mine for line in lines)


@pytest.fixture(scope="module")
def variants(tmp_path_factory, world):
    with Variants(str(tmp_path_factory.mktemp("variants")), world.certs) as v:
        yield v


def flags_of(email):
    return sorted(k for k in email["keywords"])


def on_server(world, user):
    """{(folder, subject): flags} as an ATS would say them."""
    names = {"\\Seen": "$seen", "\\Flagged": "$flagged", "\\Answered": "$answered"}
    return {(folder, m.subject): sorted(names[f] for f in m.flags if f in names)
            for folder in ("INBOX", "Sent", "Trash", "Jobs") for m in world.mails(user, folder)}


def at_desk(desk):
    names = {m["id"]: "INBOX" if m["role"] == "inbox" else m["name"] for m in desk.ats.get("Mailbox", desk.account)}
    return {(names[box], e["subject"]): flags_of(e) for e in desk.emails(["subject", "keywords", "mailboxIds"])
            for box in e["mailboxIds"]}


def every(desks, what, check, seconds=40):
    """Until check(name, desk) is true for all; says for whom it is not."""
    late = []

    def all_good():
        late[:] = [name for name, desk in desks.items() if not check(name, desk)]
        return not late
    try:
        until(what, all_good, seconds, pause=0.3)
    except Exception as e:
        raise AssertionError(f"{what}: not at servers without {late}") from e


@pytest.mark.deadline(150)
def test_each_extension_can_be_done_without(variants, tmp_path, need_postern):
    world = variants.world
    for name in ROWS:
        for subject in ("stays", "read there", "read here", "moves", "goes", "goes there"):
            world.deliver(user_of(name), message(CANDIDATE, user_of(name), subject))
        world.append(user_of(name), "Sent", message(user_of(name), CANDIDATE, "sent"), "\\Seen")
    with Postern(tmp_path / "postern", world, first=0) as postern:
        ats = postern.jmap(timeout=120)
        desks = {name: Desk(ats, postern.link(user_of(name), client=ats, wait=False, mode="receiveOnly", folders={"also": ["*"]}), user_of(name))
                 for name in ROWS}
        every(desks, "the first sync", lambda n, d: at_desk(d) == on_server(world, d.user) and len(at_desk(d)) == 7)
        assert all(m.flags == set() for name in ROWS for m in world.mails(user_of(name)))

        for name, desk in desks.items():
            mails = {m.subject: m.uid for m in world.mails(desk.user)}
            emails = {e["subject"]: e["id"] for e in desk.emails(["subject"])}
            world.store(desk.user, "INBOX", mails["read there"], "+", "\\Seen")
            world.expunge(desk.user, "INBOX", mails["goes there"])
            world.deliver(desk.user, message(CANDIDATE, desk.user, "new"))
            jobs = next(m["id"] for m in ats.get("Mailbox", desk.account) if m["name"] == "Jobs")
            desk.jobs, desk.mine = jobs, emails
            ats.update("Email", emails["read here"], {"keywords/$seen": True}, desk.account)
            ats.update("Email", emails["moves"], {"mailboxIds": {jobs: True}}, desk.account)
            ats.destroy("Email", emails["goes"], desk.account)
        want = {("INBOX", "stays"): [], ("INBOX", "read there"): ["$seen"], ("INBOX", "read here"): ["$seen"],
                ("INBOX", "new"): [], ("Jobs", "moves"): [], ("Sent", "sent"): ["$seen"]}

        every(desks, "all changes at the server", lambda n, d: on_server(world, d.user) == want)
        every(desks, "all changes at the ATS", lambda n, d: at_desk(d) == want, seconds=60)
        for name, desk in desks.items():
            assert {e["subject"]: e["id"] for e in desk.emails(["subject"])}.items() >= {
                s: i for s, i in desk.mine.items() if s in ("stays", "read there", "read here", "moves")}.items(), name
        assert not re.search(r"SIGSEGV|SIGSYS|forbidden system call|sync.protocol_error", postern.log_text())
    with_all = variants.said("none of them")
    for name, (_, never, used) in ROWS.items():
        assert never is None or not (found := re.search(never, variants.said(name))), f"{name}: {found}"
        assert used is None or re.search(used, with_all), f"{name} is offered and not used: {used}"


def test_vanished_alone_tells(tmp_path_factory, certs, tmp_path, need_postern):
    """With QRESYNC nothing but VANISHED says what went: while Postern listens, and while it was away and as many came."""
    user = "gone@agency.example"
    with World(str(tmp_path_factory.mktemp("vanished")), {user: "sec.Ret-1"}, postfix=False, certs=certs) as world, \
            Postern(tmp_path / "postern", world) as postern:
        for subject in ("one", "two", "three"):
            world.deliver(user, message(CANDIDATE, user, subject))
        ats = postern.jmap()
        link = postern.link(user, client=ats, mode="receiveOnly")
        desk = Desk(ats, link, user)

        def subjects(*expected):
            return sorted(e["subject"] for e in desk.emails()) == sorted(expected)
        assert subjects("one", "two", "three")
        world.expunge(user, "INBOX", 2)
        ats.wait_for(lambda: subjects("one", "three"), 20, what="heard of")
        ats.call("Link/set", update={link: {"paused": True}})
        ats.wait_for(lambda: ats.get("Link")[0]["state"] == "paused", what="paused")
        world.expunge(user, "INBOX", 1)
        world.deliver(user, message(CANDIDATE, user, "four"))
        ats.call("Link/set", update={link: {"paused": False}})
        ats.wait_for(lambda: subjects("three", "four"), 20, what="found out")
