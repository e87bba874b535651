"""Two ATS blocks: neither sees, links or downloads anything of the other, whatever ids it sends."""

import os

import pytest

from desk import Desk
from jmap import Late, MethodError, Problem
from peers import CANDIDATE, COLLEAGUE, OTHER, RECRUITER, message
from postern import Postern

SECRET = "only the agency may read this"


@pytest.fixture(scope="module")
def two(world, tmp_path_factory):
    """(daemon, the agency's two desks, the rival's desk); the agency's second link exists at no rival."""
    for user in (RECRUITER, COLLEAGUE, OTHER):
        world.clear(user)
    world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "first", SECRET + "\n"))
    world.deliver(COLLEAGUE, message(CANDIDATE, COLLEAGUE, "second", SECRET + "\n"))
    ats = {"agency": {}, "rival": {"own-domains": ["rival.example"]}}
    with Postern(tmp_path_factory.mktemp("two") / "postern", world, ats=ats) as daemon:
        mine = [Desk(daemon.jmap(), daemon.link(user), user) for user in (RECRUITER, COLLEAGUE)]
        theirs = Desk(daemon.jmap("rival"), daemon.link(OTHER, "rival"), OTHER)
        for desk in mine:
            desk.ats.wait_for(lambda d=desk: d.emails(), what="mail")
        person = mine[0].person(CANDIDATE)
        mine[0].ats.wait_for(lambda: len(mine[0].ats.get("Note")) == 2, what="notes")
        daemon.person = person
        yield daemon, mine, theirs


def test_each_sees_its_own(two):
    daemon, mine, theirs = two
    assert {link["address"] for link in theirs.ats.get("Link")} == {OTHER}
    assert {link["address"] for link in mine[0].ats.get("Link")} == {RECRUITER, COLLEAGUE}
    assert set(theirs.ats.session()["accounts"]) == {"ats", theirs.account}
    for type_ in ("Correspondent", "Note", "Review"):
        assert theirs.ats.get(type_) == [] and theirs.ats.query(type_) == []
    assert theirs.emails() == []


@pytest.mark.parametrize("name", ["Email/get", "Email/query", "Email/changes", "Mailbox/get", "Thread/get",
                                  "Identity/get", "EmailSubmission/get", "Email/set", "EmailSubmission/set"])
def test_account_of_the_other(two, name):
    _, mine, theirs = two
    args = {"sinceState": mine[1].ats.state("Email", mine[1].account)} if name.endswith("changes") else {}
    with pytest.raises(MethodError) as caught:
        theirs.ats.call(name, mine[1].account, **args)
    assert caught.value.type == "accountNotFound"


def test_ids_of_the_other(two):
    daemon, mine, theirs = two
    for desk in mine:
        for type_, account, ids in (
                ("Email", theirs.account, [e["id"] for e in desk.emails()]),
                ("Thread", theirs.account, [e["threadId"] for e in desk.emails()]),
                ("Correspondent", "ats", [daemon.person]),
                ("Note", "ats", [n["id"] for n in desk.ats.get("Note")])):
            answer = theirs.ats.call(type_ + "/get", account, ids=ids)
            assert answer["list"] == [] and set(answer["notFound"]) == set(ids)
    answer = theirs.ats.call("Link/get", ids=[mine[1].account])
    assert answer["notFound"] == [mine[1].account]
    answer = theirs.ats.call("Link/set", destroy=[mine[1].account])
    assert answer["notDestroyed"][mine[1].account]["type"] == "notFound"
    answer = theirs.ats.call("Correspondent/set", destroy=[daemon.person], update={daemon.person: {"name": "x"}})
    assert not answer.get("updated") and not answer.get("destroyed")
    assert mine[0].ats.one("Correspondent", daemon.person)["name"] == "candidate"


def test_blobs_of_the_other(two):
    _, mine, theirs = two
    upload = mine[0].ats.upload(mine[0].account, SECRET.encode(), "text/plain")["blobId"]
    blobs = [(d.account, e["blobId"]) for d in mine for e in d.emails()] + [(mine[0].account, upload)]
    for account, blob in blobs:
        for tried in {account, theirs.account, "ats"}:
            try:
                assert SECRET.encode() not in theirs.ats.download(tried, blob)
            except Problem as problem:
                assert problem.status == 404
    assert SECRET.encode() in mine[0].ats.download(mine[0].account, upload)
    with pytest.raises(Problem) as caught:
        mine[1].ats.download(mine[1].account, upload)
    assert caught.value.status == 404, "blob ids are scoped to an account within one ATS too"


def test_events_of_the_other(two, world):
    _, mine, theirs = two
    with theirs.ats.events() as events:
        world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "for the agency"))
        mine[0].email("for the agency")
        with pytest.raises(Late):
            events.until(lambda d: True, seconds=2)


def test_processes_and_files_are_apart(two):
    daemon, _, _ = two
    rows = daemon.processes()
    for role in ("store", "ats-worker"):
        assert sorted(p["ats"] for p in rows if p["role"] == role) == ["agency", "rival"]
    hosts = [p for p in rows if p["role"] == "tls-worker"]
    assert {p["ats"] for p in hosts} == {"agency", "rival"}, "no tls-worker serves two tenants"
    assert SECRET.encode() not in b"".join(
        open(p, "rb").read() for p in daemon.state_files() if f"{os.sep}rival{os.sep}" in p)
    assert [p for p in daemon.state_files() if f"{os.sep}rival{os.sep}" in p]


def test_the_same_mailbox_in_both(two, world):
    """Unique within an ATS only: each links it for itself and gets its own copy."""
    daemon, mine, theirs = two
    id_ = daemon.link(RECRUITER, "rival")
    try:
        rival = Desk(theirs.ats, id_, RECRUITER)
        assert rival.email("first")["subject"] == "first"
        assert rival.ats.get("Note") == []
    finally:
        theirs.ats.destroy("Link", id_)
    assert mine[0].ats.one("Link", mine[0].account)["state"] == "live"


def test_uid_that_may_not_connect(world, tmp_path, need_postern):
    ats = {"agency": {"uids": [os.geteuid() + 4242]}}
    daemon = Postern(tmp_path / "postern", world, ats=ats)
    with daemon:
        status, headers, _ = daemon.jmap().http("GET", "/.well-known/jmap")
        assert status == 403 and headers.get("Connection", "").lower() == "close"
