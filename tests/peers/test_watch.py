"""Sent is as live as the inbox without NOTIFY: a second connection waits there, where the server and the administrator
let a link have two. Where they do not, the inbox does not suffer."""

import re

import pytest

from desk import Desk
from peers import CANDIDATE, CONTACT, RECRUITER, World, message, until
from postern import Postern

BEFORE_POLL = 10  # s; the Sent folder is asked every 30
FREE, ONE_BY_SERVER, ONE_BY_US = RECRUITER, CANDIDATE, CONTACT


@pytest.fixture
def no_notify(world, tmp_path):
    with World(tmp_path / "w", postfix=False, certs=world.certs, hide=("NOTIFY",),
               extra="mail_max_userip_connections = 3") as own:
        yield own


def house(world, tmp_path):
    ca = {"allow-private": True, "ca-file": world.certs.ca}
    return Postern(tmp_path / "p", world, hosts={"localhost": ca, "127.0.0.1": dict(ca, connections=1)})


def said(postern, unit, what):
    """How often its imapd-worker logged that."""
    return len(re.findall(rf"imapd-worker\[agency/{unit}\]: .*{what}", postern.log_text()))


def event_of(desk, change, seconds=BEFORE_POLL):
    before = desk.ats.state("Email", desk.account)
    with desk.ats.events("Email") as events:
        change()
        events.until(lambda d: d["changed"].get(desk.account, {}).get("Email", before) != before, seconds)


def test_second_connection(need_postern, no_notify, tmp_path):
    world = no_notify
    with world.imap(ONE_BY_SERVER), world.imap(ONE_BY_SERVER), house(world, tmp_path) as postern:
        ats = postern.jmap()
        host = {ONE_BY_US: "127.0.0.1"}
        desks = {u: Desk(ats, postern.link(u, client=ats, verify=False, **world.endpoints(u, host.get(u, "localhost"))), u)
                 for u in (FREE, ONE_BY_SERVER, ONE_BY_US)}
        unit = {u: d.account[1:] for u, d in desks.items()}
        until("one waits in Sent", lambda: said(postern, unit[FREE], "second connection waits"))
        for user in (ONE_BY_SERVER, ONE_BY_US):
            until("no second", lambda u=user: said(postern, unit[u], "no second connection.*too_many_connections"))
        for turn in ("one", "two"):  # it goes on waiting
            event_of(desks[FREE], lambda: world.append(FREE, "Sent", message(FREE, CANDIDATE, f"from the phone {turn}")))
            assert desks[FREE].email(f"from the phone {turn}")["mailboxIds"] == {desks[FREE].boxes()["sent"]: True}
        for user, desk in desks.items():
            event_of(desk, lambda u=user: world.deliver(u, message(CANDIDATE, u, "to the inbox")))
            link = ats.one("Link", desk.account)
            assert (link["state"], link["error"]) == ("live", None)
        assert sum(said(postern, u, "no second connection") for u in unit.values()) == 2, "nobody asks again at once"
        assert "no connection code" not in postern.log_text() and "sync error" not in postern.log_text()
