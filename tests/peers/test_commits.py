"""How often the store writes: each commit waits for the disk, and so does who asks for one."""

import time

import pytest

from desk import Desk
from peers import World
from postern import Postern

MANY = "many@agency.example"
COUNT = 1000


@pytest.fixture
def synced(certs, tmp_path_factory, tmp_path, need_postern):
    """posternd, desk, seconds and commits of a first sync of COUNT messages."""
    with World(str(tmp_path_factory.mktemp("commits")), {MANY: "sec.Ret-1"}, postfix=False, certs=certs) as world:
        world.fill(MANY, COUNT)
        with Postern(tmp_path / "postern", world, first=0) as postern:
            ats = postern.jmap(timeout=120)
            begin = time.monotonic(), postern.commits()
            desk = Desk(ats, postern.link(MANY, client=ats, mode="receiveOnly"), MANY)
            ats.wait_for(lambda: whole(desk), 60, what="all of it")
            yield postern, desk, time.monotonic() - begin[0], postern.commits() - begin[1]


def whole(desk):
    link = desk.ats.one("Link", desk.account, properties=["state", "progress"])
    return link["state"] == "live" and link["progress"]["phase"] == "live"


def test_a_first_sync_gathers(synced):
    """Old mail waits for more of it: three times a second at most, but for the beginning and what is told meanwhile."""
    _, desk, seconds, commits = synced
    assert len(desk.emails(["id"])) == COUNT
    print(f"{commits} commits in {seconds:.1f} s")
    assert commits <= 20 + 4 * seconds
