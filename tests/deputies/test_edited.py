"""
Somebody edits a store's database by hand while posternd is stopped: records and hosts exchanged between links, a bit
flipped, a record cut, of another tenant, of before a relink, a link's row cut. With real servers: what is wrong is
refused, the log says which link at which host, the Link object says it with a code, and the others go on.
"""

import contextlib
import os
import struct

import lmdb
import pytest

from peers import CANDIDATE, COLLEAGUE, CONTACT, OTHER, RECRUITER, message, until
from postern import Postern

IMAP = 1  # enum service


class Edited:
    """The tables of one ATS block's database, while nobody else has it open."""

    def __init__(self, postern, ats="agency"):
        self.path = os.path.join(postern.state, ats)

    @contextlib.contextmanager
    def table(self, name):
        owner = os.stat(os.path.join(self.path, "data.mdb"))
        with lmdb.open(self.path, map_size=1 << 30, max_dbs=80, lock=False) as env:
            with env.begin(db=env.open_db(name.encode(), create=False), write=True) as txn:
                yield txn
        for file in os.listdir(self.path):
            os.chown(os.path.join(self.path, file), owner.st_uid, owner.st_gid)

    def record(self, link, data=None):
        """The vault's record of a link; replaced when data is given."""
        key = struct.pack(">IB", link, IMAP)
        with self.table("credential") as txn:
            old = bytes(txn.get(key))
            if data is not None:
                assert txn.put(key, data)
        return old

    def link(self, link, change):
        key = struct.pack(">I", link)
        with self.table("link") as txn:
            old = bytes(txn.get(key))
            new = change(old)
            assert new != old and txn.put(key, new)


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 4]) + data[at + 1:]


def number(id_):
    return int(id_[1:])


@pytest.fixture
def postern(world, tmp_path, need_postern):
    for user in (RECRUITER, COLLEAGUE, CANDIDATE, CONTACT, OTHER):
        world.clear(user)
    daemon = Postern(tmp_path / "postern", world, ats={"agency": {}, "rival": {"own-domains": ["rival.example"]}})
    daemon.start()
    yield daemon
    assert daemon.stop() == 0


def refused(postern, client, id_, code, offset):
    """The Link shows it, and the vault named the link and the host."""
    link = client.wait_for(lambda: (lambda x: x if x["state"] == "needsUser" else None)(client.one("Link", id_)), 20,
                           what=f"{id_} needs its user")
    assert link["error"]["code"] == code and link["error"]["hint"], link["error"]
    until("the refusal is told", lambda: [
        line for line in postern.log_since(offset).splitlines() if "credential refused" in line
        and f" ats=agency unit={number(id_)} service=imap " in line and f"code={code}" in line])


def test_records_and_hosts(postern, world):
    ats = postern.jmap()
    one, two, three, four, well = (postern.link(u, client=ats) for u in (RECRUITER, COLLEAGUE, CANDIDATE, CONTACT, OTHER))
    theirs = postern.link(RECRUITER, "rival")
    assert postern.stop() == 0
    mine, rival = Edited(postern), Edited(postern, "rival")
    first = mine.record(number(one), mine.record(number(two)))
    mine.record(number(two), flipped(mine.record(number(two)), 60))
    mine.link(number(three), lambda row: row.replace(b"localhost", b"127.0.0.1"))
    mine.record(number(four), rival.record(number(theirs)))
    offset = postern.log_size()
    postern.start()
    ats = postern.jmap()
    for id_ in (one, two, three, four):
        refused(postern, ats, id_, "store.secret_tampered", offset)
    postern.wait_live(ats, well)
    postern.wait_live(postern.jmap("rival"), theirs)
    # Entered anew it works; then the record of before does not.
    ats.update("Link", one, {"credential": {"type": "password", "secret": world.password(RECRUITER)}})
    postern.wait_live(ats, one)
    assert postern.stop() == 0
    mine.record(number(one), first)
    mine.record(number(two), b"")
    mine.link(number(three), lambda row: row[:len(row) // 2])
    offset = postern.log_size()
    postern.start()
    ats = postern.jmap()
    refused(postern, ats, one, "store.secret_tampered", offset)
    postern.tells(f"row skipped: it is damaged code=store.corrupt reason=link:{number(three):08x}", offset)
    assert three not in [link["id"] for link in ats.get("Link")]
    postern.wait_live(ats, well)
    world.deliver(OTHER, message(CANDIDATE, OTHER, "still here"))
    ats.wait_for(lambda: ats.query("Email", well), what="mail of the link that is well")


def test_a_seal_is_good_once_over_restarts(postern, world):
    from seal import seal
    ats = postern.jmap()
    ends = world.endpoints(RECRUITER)
    names = [f"{s}:tls:{e['host']}:{e['port']}" for s, e in ends.items()]
    key = ats.session()["capabilities"]["urn:postern:params:jmap:ats"]["vaultPublicKey"]
    data = seal(key, "agency", RECRUITER, RECRUITER, world.password(RECRUITER), names)
    link = {"address": RECRUITER, **ends, "credential": {"type": "sealed", "data": data}, "verify": False}
    id_ = ats.create("Link", **link)["id"]
    ats.destroy("Link", id_)
    assert postern.stop() == 0
    postern.start()
    ats = postern.jmap()
    answer = ats.call("Link/set", create={"again": link})
    assert answer["notCreated"]["again"]["properties"] == ["credential"], answer
    postern.tells("a seal was used before")
    answer = postern.jmap("rival").call("Link/set", create={"theirs": link})
    assert answer["notCreated"]["theirs"]["type"] == "invalidProperties", answer
    assert "seal for a credential ats=rival link=1 code=store.secret_tampered reason=bound to another place of ats agency" \
        in postern.log_text()
