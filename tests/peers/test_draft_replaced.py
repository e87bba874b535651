"""A draft that takes another's place: the old one goes when the new one is there, whatever dies in between."""

import time

import pytest

from desk import Desk
from peers import CANDIDATE, World, until
from postern import Postern
from test_kill import await_again, kill, quietly

WRITER = "writer@agency.example"
# Who is killed, how long after the answer to Email/set; the new draft is written at once, the old one goes later.
DEATHS = [("store", 0), ("imapd-worker", 0), ("imapd-worker", 0.04), ("store", 0.04)]
# Few, since who dies often is started again ever later.
MORE = [("imapd-worker", 0.02), ("imapd-worker", 0.08), ("store", 0.02), ("imapd-worker", 0.15)]


@pytest.mark.deadline(240)
@pytest.mark.parametrize("hide,deaths", [
    pytest.param((), DEATHS[:2], id="UIDPLUS"),
    pytest.param((), DEATHS + MORE, id="UIDPLUS, often", marks=pytest.mark.long),
    pytest.param(("UIDPLUS", "MOVE"), DEATHS + MORE, id="without", marks=pytest.mark.long)])
def test_draft_replaced(tmp_path_factory, certs, tmp_path, need_postern, hide, deaths):
    with World(str(tmp_path_factory.mktemp("drafts")), {WRITER: "sec.Ret-1"}, postfix=False, certs=certs,
               hide=hide) as world, Postern(tmp_path / "postern", world) as postern:
        ats = postern.jmap()
        link = postern.link(WRITER, client=ats, mode="receiveOnly")
        desk = Desk(ats, link, WRITER)

        def at_server():
            return [m.subject for m in world.mails(WRITER, "Drafts")]

        def replace(old, subject):
            answer = desk.ats.call("Email/set", link, create={"n": desk.draft([CANDIDATE], subject)},
                                   destroy=[old] if old else [])
            assert answer["created"] and not answer.get("notDestroyed"), answer
            return answer["created"]["n"]["id"]

        draft = replace(None, "draft 0")
        until("the first draft", lambda: at_server() == ["draft 0"])
        for n, (who, seconds) in enumerate(deaths, 1):
            draft = replace(draft, f"draft {n}")
            time.sleep(seconds)
            kill(postern, who)
            desk = Desk(await_again(postern), link, WRITER)
            seen = []

            def replaced(n=n, seen=seen):
                seen.append(at_server())
                assert seen[-1], "no draft at all"
                return seen[-1] == [f"draft {n}"]
            until(f"draft {n} after {who} was killed at {seconds} s", replaced, seconds=60)
            until("the ATS sees it", lambda n=n: quietly(lambda d: [e["subject"] for e in d.emails()] == [f"draft {n}"],
                                                          desk))
            assert desk.one(draft)
