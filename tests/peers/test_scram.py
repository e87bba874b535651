"""SCRAM with real servers: Dovecot for IMAP, Postfix with Dovecot's SASL for submission; what is pinned stays."""

import re

import pytest

from desk import Desk
from peers import CANDIDATE, COLLEAGUE, RECRUITER, USERS, World, until
from postern import Postern

RELEASE = re.compile(r"credential released by (\S+) .* service=(\w+) ")
UMLAUTS, RUNES = "umlaut@agency.example", "runes@agency.example"


@pytest.fixture(scope="module")
def scram_world(tmp_path_factory):
    users = {**USERS, UMLAUTS: "Größe, ça=va", RUNES: "\u16a0\u16a2\u16a6 runes"}
    with World(tmp_path_factory.mktemp("scram"), users=users, mechanisms="plain login scram-sha-256") as world:
        yield world


@pytest.fixture
def daemon(need_postern, scram_world, tmp_path):
    with Postern(tmp_path / "postern", scram_world) as running:
        yield running


def released(daemon):
    """{(mechanism, service)} so far."""
    return set(RELEASE.findall(daemon.log_text()))


def test_login_by_scram(daemon, scram_world, need_postfix):
    ats = daemon.jmap()
    desk = Desk(ats, daemon.link(RECRUITER, client=ats), RECRUITER)
    id_ = desk.submit(desk.draft([CANDIDATE], "by SCRAM"))
    desk.wait_state(id_)
    assert released(daemon) == {("SCRAM-SHA-256", "imap"), ("SCRAM-SHA-256", "smtp")}
    assert len(re.findall("login pinned to SCRAM by SCRAM-SHA-256 .* service=imap ", daemon.log_text())) == 1
    assert len(re.findall("login pinned to SCRAM by SCRAM-SHA-256 .* service=smtp ", daemon.log_text())) == 1
    assert USERS[RECRUITER] not in daemon.log_text()
    until("the mail", lambda: scram_world.find(CANDIDATE, "INBOX", subject="by SCRAM"))
