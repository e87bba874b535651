"""What becomes of changes that the server has otherwise or does not take: the rows of the table in
postern-internals(7), on a Dovecot with quota and ACLs."""

import os
import re
import shutil

import pytest

from desk import Desk
from jmap import SetError
from peers import CANDIDATE, World, message, until
from postern import Postern
from snip import Snip
from test_kill import await_again, kill

EXTRA = """
plugin {
  quota = maildir:User quota
  quota_max_mail_size = 40k
  acl = vfile
}
"""
FOLDERS = {"Drafts": "\\Drafts", "Sent": "\\Sent", "Trash": "\\Trash", "Jobs": ""}
RIGHTS = {"Denied": "lrwste", "Readonly": "lr", "Plain": "lrsti"}


class Row:
    """One link. there: done at the server while the link rests; here: done by the ATS meanwhile; after: must come true."""

    def __init__(self, name, there=None, here=None, after=None, before=None, quota=None):
        self.name, self.user = name, name.replace(" ", "-") + "@agency.example"
        self.there, self.here, self.after, self.before, self.quota = there, here, after, before, quota


ROWS = []


def row(name, **more):
    def add(cls):
        ROWS.append(Row(name, **{k: getattr(cls, k) for k in ("there", "here", "after", "before") if hasattr(cls, k)},
                        **more))
        return cls
    return add


def server(world, user):
    """{folder: {subject: flags}} of what is there."""
    return {folder: {m.subject: m.flags for m in world.mails(user, folder)} for folder in world.folders(user)}


def grant(world, user, folder, rights):
    """What the user himself may do there."""
    acl = os.path.join(world.dovecot.dir, "mail", user, "mail", "." + folder, "dovecot-acl")
    with open(acl, "w") as f:
        f.write(f"owner {rights}\n")
    if os.geteuid() == 0:
        shutil.chown(acl, world.dovecot.mail_uid, world.dovecot.mail_gid)


class Case:
    """A row under way: its desk, its Emails of before by subject, its folders by name."""

    def __init__(self, ats, world, row, link):
        self.row, self.world, self.ats = row, world, ats
        self.desk = Desk(ats, link, row.user)
        self.known = {e["subject"]: e for e in self.desk.emails()}
        self.boxes = {m["name"]: m["id"] for m in ats.get("Mailbox", link)}

    def mailbox(self, verb, *names):
        self.world.dovecot.doveadm("mailbox", verb, "-u", self.row.user, *names)

    def update(self, subject, **patch):
        return self.ats.update("Email", self.known[subject]["id"], {k.replace("__", "/"): v for k, v in patch.items()},
                               self.desk.account)

    def move(self, subject, folder):
        return self.update(subject, mailboxIds={self.boxes[folder]: True})

    def draft(self, subject, folder="Drafts", body="hello\n"):
        draft = {**self.desk.draft([CANDIDATE], subject, body=body), "mailboxIds": {self.boxes[folder]: True}}
        return self.ats.create("Email", self.desk.account, **draft)["id"]

    def now(self, subject):
        """(names of folders, keywords) of the Email, or None; it is the one of before."""
        names = {m["id"]: m["name"] for m in self.ats.get("Mailbox", self.desk.account)}
        found = self.desk.find(subject)
        assert len(found) <= 1, found
        if not found:
            return None
        assert subject not in self.known or found[0]["id"] == self.known[subject]["id"]
        return {names.get(i) for i in found[0]["mailboxIds"]}, set(found[0]["keywords"])

    def refused(self):
        """{(change, code)} of its open reviews."""
        open_ = [r for r in self.desk.reviews() if r["resolution"] is None]
        assert all(r["reason"] == "changeRefused" and r["error"]["hint"] and r["emailId"] for r in open_), open_
        return {(r["change"], r["error"]["code"]) for r in open_}

    def server(self):
        return server(self.world, self.row.user)


@row("deleted there changed here")
class _:
    def there(c): c.world.expunge(c.row.user, "INBOX", 1)
    def here(c): c.update("mail", **{"keywords/$flagged": True})
    def after(c): return c.now("mail") is None and not c.refused()


@row("flags at both ends")
class _:
    def there(c):
        c.world.store(c.row.user, "INBOX", 1, "+", "\\Seen")
        c.world.store(c.row.user, "INBOX", 1, "-", "\\Answered")

    def here(c): c.update("mail", **{"keywords/$flagged": True})
    def before(world, user): world.store(user, "INBOX", 1, "+", "\\Answered")

    def after(c):
        return (c.server()["INBOX"]["mail"] == {"\\Seen", "\\Flagged"} and not c.refused()
                and c.now("mail") == ({"INBOX"}, {"$seen", "$flagged"}))


@row("moved at both ends")
class _:
    def there(c): c.world.move(c.row.user, "INBOX", 1, "Jobs")
    def here(c): c.move("mail", "Trash")

    def after(c):
        there = c.server()
        return there["Jobs"] == {"mail": set()} and not there["Trash"] and c.now("mail") == ({"Jobs"}, set())


@row("folder gone")
class _:
    def before(world, user): world.dovecot.doveadm("mailbox", "create", "-u", user, "Extra")
    def there(c): c.mailbox("delete", "Extra")

    def here(c):
        c.move("mail", "Extra")
        c.draft("to be kept", "Extra")

    def after(c):
        return (c.refused() == {("move", "sync.folder_missing")} and c.now("mail") == ({"INBOX"}, set())
                and c.now("to be kept")[0] == {"Drafts"} and set(c.server()["Drafts"]) == {"to be kept"})


@row("folder renamed")
class _:
    def before(world, user):
        world.dovecot.doveadm("mailbox", "create", "-u", user, "Extra")
        world.append(user, "Extra", message(CANDIDATE, user, "inside"))

    def there(c): c.mailbox("rename", "Extra", "Other")

    def here(c):
        c.move("mail", "Extra")
        c.update("inside", **{"keywords/$flagged": True})

    def after(c):
        return (c.refused() == {("move", "sync.folder_missing")} and c.now("mail") == ({"INBOX"}, set())
                and c.now("inside") == ({"Other"}, {"$flagged"}) and c.server()["Other"] == {"inside": {"\\Flagged"}})


@row("folder rebuilt")
class _:
    def there(c): c.world.dovecot.new_uidvalidity(c.row.user)
    def here(c): c.update("mail", **{"keywords/$flagged": True})

    def after(c):
        return (c.server()["INBOX"] == {"mail": {"\\Flagged"}} and c.now("mail") == ({"INBOX"}, {"$flagged"})
                and not c.refused())


@row("rights")
class _:
    def before(world, user):
        for folder, rights in RIGHTS.items():
            world.dovecot.doveadm("mailbox", "create", "-u", user, folder)
            world.append(user, folder, message(CANDIDATE, user, "in " + folder))
            grant(world, user, folder, rights)

    def here(c):
        c.move("mail", "Denied")
        c.update("in Plain", **{"keywords/$flagged": True})
        for change in ({"keywords/$seen": True}, {"mailboxIds": {c.boxes["Jobs"]: True}}):
            with pytest.raises(SetError) as refused:
                c.update("in Readonly", **change)
            assert refused.value.type == "forbidden"
        with pytest.raises(SetError) as refused:
            c.ats.destroy("Email", c.known["in Readonly"]["id"], c.desk.account)
        assert refused.value.type == "forbidden"

    def after(c):
        return (c.refused() == {("move", "sync.folder_denied"), ("keywords", "sync.keyword_refused")}
                and c.now("mail") == ({"INBOX"}, set()) and c.now("in Plain") == ({"Plain"}, set()))


@row("no room", quota="messages=2")
class _:
    def before(world, user): world.append(user, "Jobs", message(CANDIDATE, user, "other"))

    def here(c):
        c.update("mail", **{f"mailboxIds/{c.boxes['Jobs']}": True})
        c.draft("to be kept")

    def after(c):
        return (c.refused() == {("copy", "sync.mailbox_full"), ("create", "sync.mailbox_full")}
                and c.now("mail") == ({"INBOX"}, set()) and c.now("to be kept")[0] == {"Drafts"})


@row("too large")
class _:
    def here(c): c.draft("to be kept", body="x" * 70 + "\n" * 1 + ("y" * 70 + "\n") * 700)

    def after(c):
        return c.refused() == {("create", "sync.append_too_large")} and c.now("to be kept")[0] == {"Drafts"}


def with_quotas(world):
    path = os.path.join(world.dovecot.dir, "users")
    with open(path) as f:
        lines = f.read().splitlines()
    rules = {r.user: f"userdb_quota_rule=*:{r.quota}" for r in ROWS if r.quota}
    with open(path, "w") as f:
        f.writelines(line + rules.get(line.split(":")[0], "") + "\n" for line in lines)


def pause(ats, links, paused):
    ats.call("Link/set", update={link: {"paused": paused} for link in links.values()})
    if paused:
        ats.wait_for(lambda: all(x["state"] == "paused" for x in ats.get("Link")), what="all paused")


@pytest.mark.deadline(150)
def test_conflicts(tmp_path_factory, certs, tmp_path, need_postern):
    users = {r.user: "sec.Ret-1" for r in ROWS}
    world = World(str(tmp_path_factory.mktemp("conflicts")), users, postfix=False, certs=certs, folders=FOLDERS,
                  mail_plugins="quota acl", extra=EXTRA)
    with_quotas(world)
    with world, Postern(tmp_path / "postern", world, first=0, content="headers") as postern:
        for r in ROWS:
            world.deliver(r.user, message(CANDIDATE, r.user, "mail"))
            if r.before:
                r.before(world, r.user)
        ats = postern.jmap(timeout=120)
        links = {r.name: postern.link(r.user, client=ats, wait=False, mode="receiveOnly", folders={"also": ["*"]})
                 for r in ROWS}
        for link in links.values():
            postern.wait_live(ats, link)
        cases = [Case(ats, world, r, links[r.name]) for r in ROWS]

        pause(ats, links, True)
        for c in cases:
            for act in (c.row.there, c.row.here):
                if act:
                    act(c)
        pause(ats, links, False)
        late = []

        def settled():
            late[:] = [c.row.name for c in cases if not c.row.after(c)]
            return not late
        try:
            until("settled", settled, seconds=60, pause=0.5)
        except Exception as e:
            raise AssertionError({c.row.name: (c.refused(), [c.now(s) for s in c.known], c.server())
                                  for c in cases if c.row.name in late}) from e
        room_again(next(c for c in cases if c.row.name == "no room"))
        with pytest.raises(SetError) as refused:  # PERMANENTFLAGS
            next(c for c in cases if c.row.name == "rights").update("in Plain", **{"keywords/$work": True})
        assert refused.value.type == "invalidProperties"
        assert "sync.protocol_error" not in postern.log_text()


def room_again(c):
    """What was kept here is taken when it is changed, and the Review closes by itself."""
    c.world.expunge(c.row.user, "Jobs", 1)
    kept = c.desk.find("to be kept")[0]["id"]
    c.ats.update("Email", kept, {"keywords/$flagged": True}, c.desk.account)
    until("taken", lambda: c.server()["Drafts"] == {"to be kept": {"\\Draft", "\\Seen", "\\Flagged"}})
    c.ats.wait_for(lambda: c.refused() == {("copy", "sync.mailbox_full")}, what="the review closes")
    assert c.now("to be kept")[0] == {"Drafts"}


@pytest.mark.long
@pytest.mark.deadline(240)
def test_room_again(tmp_path_factory, certs, tmp_path, need_postern):
    """Nobody touches the drafts: they are taken some time after there is room, once, whatever was killed meanwhile."""
    full = next(r for r in ROWS if r.name == "no room")
    world = World(str(tmp_path_factory.mktemp("room")), {full.user: "sec.Ret-1"}, postfix=False, certs=certs,
                  folders=FOLDERS, mail_plugins="quota acl", extra=EXTRA)
    with_quotas(world)
    with world, Postern(tmp_path / "postern", world) as postern:
        for subject in ("one", "two"):
            world.deliver(full.user, message(CANDIDATE, full.user, subject))
        ats = postern.jmap(timeout=120)
        link = postern.link(full.user, client=ats, mode="receiveOnly")
        desk = Desk(ats, link, full.user)
        boxes = desk.boxes()
        for subject in ("draft 1", "draft 2"):
            ats.create("Email", link, **{**desk.draft([CANDIDATE], subject), "mailboxIds": {boxes["drafts"]: True}})
        ats.wait_for(lambda: len(desk.reviews()) == 2, what="both refused")
        kill(postern, "store")
        desk = Desk(await_again(postern), link, full.user)
        assert not world.mails(full.user, "Drafts")
        world.expunge(full.user, "INBOX", 2)
        world.expunge(full.user, "INBOX", 1)
        until("taken", lambda: len(world.mails(full.user, "Drafts")) > 0, seconds=90, pause=0.02)
        kill(postern, "imapd-worker")
        until("both", lambda: len(world.mails(full.user, "Drafts")) > 1, seconds=90)
        desk = Desk(await_again(postern), link, full.user)
        desk.ats.wait_for(lambda: not [r for r in desk.reviews() if r["resolution"] is None], 60, what="reviews close")
        assert sorted(m.subject for m in world.mails(full.user, "Drafts")) == ["draft 1", "draft 2"]
        assert sorted(e["subject"] for e in desk.emails()) == ["draft 1", "draft 2"]


PLAIN = "plain@agency.example"


@pytest.mark.deadline(90)
def test_without_uidplus(tmp_path_factory, certs, tmp_path, need_postern):
    """What another program marked is not expunged with ours, and ours comes back when its mark is taken off."""
    with World(str(tmp_path_factory.mktemp("plain")), {PLAIN: "sec.Ret-1"}, postfix=False, certs=certs,
               hide=("UIDPLUS", "MOVE")) as world, Postern(tmp_path / "postern", world) as postern:
        for subject in ("theirs", "ours", "alone"):
            world.deliver(PLAIN, message(CANDIDATE, PLAIN, subject))
        ats = postern.jmap()
        desk = Desk(ats, postern.link(PLAIN, client=ats, mode="receiveOnly"), PLAIN)
        ids = {e["subject"]: e["id"] for e in desk.emails()}

        def inbox():
            return {m.subject: m.flags for m in world.mails(PLAIN)}

        def mark(subject, how):
            world.store(PLAIN, "INBOX", world.find(PLAIN, "INBOX", subject=subject)[0].uid, how, "\\Deleted")
        mark("theirs", "+")
        desk.ats.destroy("Email", ids["ours"], desk.account)
        until("marked", lambda: inbox()["ours"] == {"\\Deleted"})
        assert inbox()["theirs"] == {"\\Deleted"} and not desk.find("ours")
        mark("ours", "-")
        ats.wait_for(lambda: desk.one(ids["ours"]), what="ours comes back")
        mark("theirs", "-")
        desk.ats.destroy("Email", ids["ours"], desk.account)
        until("expunged", lambda: set(inbox()) == {"theirs", "alone"})
        ats.update("Email", ids["alone"], {"mailboxIds": {desk.boxes()["trash"]: True}}, desk.account)
        until("moved", lambda: set(inbox()) == {"theirs"})
        assert [m.subject for m in world.mails(PLAIN, "Trash")] == ["alone"] and inbox() == {"theirs": set()}
        assert not desk.reviews() and desk.one(ids["theirs"])


@pytest.mark.long
@pytest.mark.deadline(120)
def test_expunge_that_is_not_carried_out(tmp_path_factory, certs, tmp_path, need_postern):
    """Dovecot says OK to who has no right to expunge: some tries, then a Review."""
    with World(str(tmp_path_factory.mktemp("keeps")), {PLAIN: "sec.Ret-1"}, postfix=False, certs=certs,
               folders=FOLDERS, mail_plugins="acl", extra="plugin {\n  acl = vfile\n}\n") as world, \
            Postern(tmp_path / "postern", world) as postern:
        world.append(PLAIN, "Jobs", message(CANDIDATE, PLAIN, "stays"))
        grant(world, PLAIN, "Jobs", "lrwsti")
        ats = postern.jmap()
        desk = Desk(ats, postern.link(PLAIN, client=ats, mode="receiveOnly", folders={"also": ["*"]}), PLAIN)
        desk.ats.destroy("Email", desk.email("stays")["id"], desk.account)
        review = ats.wait_for(desk.reviews, 90, what="a review")[0]
        assert review["reason"] == "changeRefused" and review["change"] == "remove"
        assert review["error"]["code"] == "sync.expunge_ignored" and "marked" in review["error"]["hint"]
        assert world.find(PLAIN, "Jobs", subject="stays")[0].flags == {"\\Deleted"} and not desk.find("stays")
        world.store(PLAIN, "Jobs", 1, "-", "\\Deleted")
        desk.email("stays", seconds=60)


@pytest.mark.long
@pytest.mark.deadline(120)
@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("hide,command", [(("MOVE",), rb"UID COPY"), (("MOVE", "UIDPLUS"), rb"UID COPY"),
                                          (("MOVE",), rb"UID EXPUNGE"), (("MOVE", "UIDPLUS"), rb"EXPUNGE"),
                                          ((), rb"UID MOVE")])
def test_answer_lost(tmp_path_factory, certs, tmp_path, need_postern, hide, command, early):
    """Done at the server, and nobody was told, or not done: neither done twice nor half. In Trash lies another message
    of the same Message-ID, and one of the messages has none."""
    with World(str(tmp_path_factory.mktemp("snip")), {PLAIN: "sec.Ret-1"}, postfix=False, certs=certs,
               hide=hide) as world, Snip(world, early) as snip, Postern(tmp_path / "postern", world) as postern:
        world.append(PLAIN, "Trash", message(CANDIDATE, PLAIN, "an older one", message_id="<twice@people.example>"))
        world.deliver(PLAIN, message(CANDIDATE, PLAIN, "named", message_id="<twice@people.example>"))
        nameless = message(CANDIDATE, PLAIN, "nameless")
        world.append(PLAIN, "INBOX", re.sub(rb"Message-ID: .*\r\n", b"", nameless))
        ats = postern.jmap()
        imap = {**world.endpoints(PLAIN)["imap"], "port": snip.port}
        desk = Desk(ats, postern.link(PLAIN, client=ats, mode="receiveOnly", imap=imap), PLAIN)
        trash = desk.boxes()["trash"]
        snip.at = command
        ats.call("Email/set", desk.account, update={e["id"]: {"mailboxIds": {trash: True}} for e in desk.emails()})
        until("cut", lambda: snip.cuts == 1)
        until("all moved", lambda: not world.mails(PLAIN), seconds=40)
        postern.wait_live(ats, desk.account)
        assert sorted(m.subject for m in world.mails(PLAIN, "Trash")) == ["an older one", "named", "nameless"]
        assert not desk.reviews()
        assert {e["subject"]: e["mailboxIds"] for e in desk.emails()} == {"named": {trash: True}, "nameless": {trash: True}}
