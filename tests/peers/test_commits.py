"""How often the store writes: each commit waits for the disk, and so does who asks for one."""

import os
import signal
import threading
import time

import pytest

from desk import Desk
from jmap import MethodError
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


def test_changes_of_one_request_share_commits(synced):
    """500 changes: some are refused, and change nothing for the others."""
    postern, desk, *_ = synced
    ids = [e["id"] for e in desk.emails(["id"])][:499]
    wrong = {ids[7]: {"keywords/$seen": 1}, ids[250]: {"mailboxIds": {}}, ids[498]: {"subject": "x"}, "E999999999": {}}
    state, commits, begin = desk.ats.state("Email", desk.account), postern.commits(), time.monotonic()
    answer = desk.ats.call("Email/set", desk.account, ifInState=state,
                           update={**{i: {"keywords/$flagged": True} for i in ids}, **wrong})
    seconds, commits = time.monotonic() - begin, postern.commits() - commits
    print(f"{commits} commits, {1000 * seconds / len(ids):.2f} ms for each change")
    assert set(answer["notUpdated"]) == set(wrong) and set(answer["updated"]) == set(ids) - set(wrong)
    flagged = {e["id"] for e in desk.emails(["keywords"]) if "$flagged" in e["keywords"]}
    assert flagged == set(ids) - set(wrong)
    changed, new = desk.ats.changes("Email", state, desk.account)[1], desk.ats.state("Email", desk.account)
    assert set(changed) == flagged and answer["oldState"] == state
    with pytest.raises(MethodError, match="stateMismatch"):
        desk.ats.call("Email/set", desk.account, ifInState=state, update={ids[0]: {"keywords/$flagged": None}})
    assert desk.ats.state("Email", desk.account) == new
    assert commits <= 100


def test_killed_in_the_middle(synced):
    """What was committed of a request is what /changes tells, and all that was answered is in it."""
    postern, desk, *_ = synced
    ids, state, answers = [e["id"] for e in desk.emails(["id"])][:500], desk.ats.state("Email", desk.account), []

    def change():
        answers.append(postern.jmap(timeout=60).call("Email/set", desk.account,
                                                     update={i: {"keywords/work": True} for i in ids}))

    asking = threading.Thread(target=change)
    asking.start()
    desk.ats.wait_for(lambda: desk.ats.state("Email", desk.account) != state, what="the first of them")
    os.kill(postern.pids("store")[0], signal.SIGKILL)
    asking.join()
    postern.await_answers(30)
    worked = {e["id"] for e in desk.emails(["keywords"]) if "work" in e["keywords"]}
    told = {i for answer in answers for i in answer["updated"] or ()}
    print(f"{len(told)} told, {len(worked)} done")
    assert told <= worked == set(desk.ats.changes("Email", state, desk.account)[1])
    assert len(told) < len(ids), "it was over before the end"
