"""What an ATS changes by the hundred comes to the server in few commands, which Dovecot wrote down."""

import os
import re
import time

import pytest

import rawlog
from desk import Desk
from peers import World, until
from postern import Postern
from snip import Snip

MANY = "many@agency.example"


class Rawlog:
    """A Dovecot that writes down what each connection of a user says."""

    def __init__(self, directory, certs):
        os.makedirs(directory, exist_ok=True)
        self.world = World(os.path.join(directory, "w"), {MANY: "sec.Ret-1"}, postfix=False, certs=certs)
        self.raw = os.path.join(self.world.dir, "raw")
        os.makedirs(self.raw)
        os.chmod(self.raw, 0o777)
        self.world.dovecot.opts["extra"] = f"rawlog_dir = {self.raw}\n"
        self.world.dovecot.write_config()

    def __enter__(self):
        self.world.start()
        return self

    def __exit__(self, *_):
        self.world.stop()

    def said(self, command):
        """The commands of Postern that begin so, tags left out, of all connections so far."""
        return [found[1] for lines in rawlog.connections(self.raw) for line in lines
                if (found := re.match(rf"P\d+ ({command}.*)", line))]


def set_all(desk, ids, patch=None):
    """Email/set of all of them, as many in a request as it takes; patch None: destroyed."""
    for i in range(0, len(ids), 500):
        part = ids[i:i + 500]
        args = {"destroy": part} if patch is None else {"update": {id_: patch for id_ in part}}
        answer = desk.ats.call("Email/set", desk.account, **args)
        assert not answer.get("notUpdated") and not answer.get("notDestroyed"), answer


@pytest.mark.long
@pytest.mark.deadline(120)
def test_few_commands(certs, tmp_path_factory, tmp_path, need_postern, half=500):
    """A thousand keywords, 500 moves and 500 deletions."""
    with Rawlog(str(tmp_path_factory.mktemp("rawlog")), certs) as log:
        world = log.world
        world.fill(MANY, 2 * half)
        with Postern(tmp_path / "postern", world, first=0, content="headers") as postern:
            ats = postern.jmap(timeout=120)
            desk = Desk(ats, postern.link(MANY, client=ats, mode="receiveOnly"), MANY)
            ids = [e["id"] for e in desk.emails(["id", "receivedAt"])]
            assert len(ids) == 2 * half

            slow = time.monotonic()
            set_all(desk, ids, {"keywords/$seen": True})
            until("flags", lambda: all("\\Seen" in m.flags for m in world.mails(MANY)), pause=0.3)
            stores = log.said("UID STORE")

            trash = desk.boxes()["trash"]
            set_all(desk, ids[:half], {"mailboxIds": {trash: True}})
            until("moves", lambda: len(world.mails(MANY, "Trash")) == half, pause=0.3)
            moves = log.said("UID MOVE")

            set_all(desk, ids[half:])
            until("deletions", lambda: not world.mails(MANY), pause=0.3)
            expunges = set(log.said("UID EXPUNGE"))  # Dovecot may want to be asked twice
            slow = time.monotonic() - slow
            assert len(world.mails(MANY, "Trash")) == half
            print(f"{len(stores)} STORE, {len(moves)} MOVE, {len(expunges)} EXPUNGE in {slow:.1f} s")
            # What takes its time to be asked for leaves in between.
            assert stores and moves and expunges
            assert len(stores) + len(moves) + len(expunges) <= 6 + slow, (stores, moves, expunges)
            assert "sync.protocol_error" not in postern.log_text()


@pytest.mark.long
@pytest.mark.deadline(120)
@pytest.mark.parametrize("early", [False, True])
def test_moves_cut_off(certs, tmp_path_factory, tmp_path, need_postern, early, n=500):
    """The answer to 500 moves is lost, or the command: they are looked for together, and none is made twice."""
    with Rawlog(str(tmp_path_factory.mktemp("rawlog")), certs) as log:
        world = log.world
        world.fill(MANY, n)
        with Snip(world, early) as snip, Postern(tmp_path / "postern", world, first=0, content="headers") as postern:
            ats = postern.jmap(timeout=120)
            imap = {**world.endpoints(MANY)["imap"], "port": snip.port}
            desk = Desk(ats, postern.link(MANY, client=ats, mode="receiveOnly", imap=imap), MANY)
            trash = desk.boxes()["trash"]
            ats.call("Link/set", update={desk.account: {"paused": True}})  # so that all go in one command
            ats.wait_for(lambda: all(x["state"] == "paused" for x in ats.get("Link")), what="paused")
            set_all(desk, [e["id"] for e in desk.emails(["id", "receivedAt"])], {"mailboxIds": {trash: True}})
            snip.at = rb"UID MOVE 1:500 "
            ats.call("Link/set", update={desk.account: {"paused": False}})
            until("cut", lambda: snip.cuts == 1)
            until("moved", lambda: not world.mails(MANY) and len(world.mails(MANY, "Trash")) == n, seconds=60, pause=0.3)
            postern.wait_live(ats, desk.account)
            searches = r"UID SEARCH.* HEADER"
            until("looked for", lambda: sum(x.count("HEADER") for x in log.said(searches)) >= n, seconds=60, pause=0.3)
            desk.ats.call("Email/set", desk.account, update={desk.emails()[0]["id"]: {"keywords/$flagged": True}})
            until("all before that is done", lambda: any(m.flags for m in world.mails(MANY, "Trash")), seconds=60, pause=0.3)
            found = len(log.said(searches)) + len(log.said(r"UID FETCH .*HEADER\.FIELDS"))
            print(f"{found} commands to look for {n} messages")
            assert found <= 2 * (n // 50 + 2)
            assert sorted(m.subject for m in world.mails(MANY, "Trash")) == sorted(f"mail {i}" for i in range(n))
            assert {tuple(e["mailboxIds"]) for e in desk.emails(["mailboxIds", "receivedAt"])} == {(trash,)}
            assert not desk.reviews()
