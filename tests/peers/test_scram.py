"""SCRAM with real servers: Dovecot for IMAP, Postfix with Dovecot's SASL for submission; what is pinned stays."""

import re
import ssl

import pytest

from desk import Desk
from jmap import SetError
from liar import Lie, reset, say
from peers import CANDIDATE, RECRUITER, USERS, World, until
from postern import Postern
from scram_server import scram

RELEASE = re.compile(r"credential released by (\S+) .* service=(\w+) ")
UMLAUTS, RUNES = "umlaut@agency.example", "runes@agency.example"


@pytest.fixture(scope="module")
def scram_world(tmp_path_factory, certs):
    users = {**USERS, UMLAUTS: "Größe, ça=va", RUNES: "\u16a0\u16a2\u16a6 runes"}
    with World(tmp_path_factory.mktemp("scram"), users=users, certs=certs,
               mechanisms="plain login scram-sha-256") as world:
        yield world


@pytest.fixture
def daemon(need_postern, scram_world, tmp_path):
    with Postern(tmp_path / "postern", scram_world) as running:
        yield running


def released(daemon):
    """{(mechanism, service)} so far, once there is one."""
    daemon.tells(RELEASE.pattern)
    return set(RELEASE.findall(daemon.log_text()))


def test_login_by_scram(daemon, scram_world, need_postfix):
    ats = daemon.jmap()
    desk = Desk(ats, daemon.link(RECRUITER, client=ats), RECRUITER)
    id_ = desk.submit(desk.draft([CANDIDATE], "by SCRAM"))
    desk.wait_state(id_)
    for service in ("imap", "smtp"):
        pinned = f"login pinned to SCRAM by SCRAM-SHA-256 .* service={service} "
        daemon.tells(pinned)
        assert len(re.findall(pinned, daemon.log_text())) == 1
    assert released(daemon) == {("SCRAM-SHA-256", "imap"), ("SCRAM-SHA-256", "smtp")}
    assert USERS[RECRUITER] not in daemon.log_text()
    until("the mail", lambda: scram_world.find(CANDIDATE, "INBOX", subject="by SCRAM"))


def link_of(world, user=RECRUITER, server=None, proto="imap"):
    """The arguments of a Link; with server: of that service alone, there."""
    link = {"address": user, **world.endpoints(user),
            "credential": {"type": "password", "secret": world.password(user)}}
    if server:
        link["mode"] = "receiveOnly" if proto == "imap" else "sendOnly"
        link[proto].update(port=server.port)
    return link


def needs_user(ats, id_, code):
    link = ats.wait_for(lambda: (now := ats.one("Link", id_))["state"] == "needsUser" and now, 20, what="needsUser")
    assert link["error"]["code"] == code, link


def test_wrong_password_is_tried_once(daemon, scram_world):
    before = scram_world.dovecot.log_text().count("Password mismatch")
    with pytest.raises(SetError) as caught:
        daemon.jmap().create("Link", **dict(link_of(scram_world), credential={"type": "password", "secret": "no"}))
    assert caught.value.error["steps"][-1]["code"] == "auth.rejected"
    assert released(daemon) == {("SCRAM-SHA-256", "imap")}
    assert "login pinned" not in daemon.log_text()
    assert scram_world.dovecot.log_text().count("Password mismatch") <= before + 1


def test_letters(daemon, scram_world):
    """SASLprep leaves Latin-1 letters alone; what it might change is sent by PLAIN, where nothing is prepared."""
    for user in (UMLAUTS, RUNES):
        offset = daemon.log_size()
        daemon.link(user, mode="receiveOnly")
        want = "SCRAM-SHA-256" if user == UMLAUTS else "PLAIN"
        daemon.tells(RELEASE.pattern, offset)
        assert {m for m, _ in RELEASE.findall(daemon.log_since(offset))} == {want}


PLUS = {"imap": "IMAP4rev1 SASL-IR LOGINDISABLED AUTH=PLAIN AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-256-PLUS",
        "smtp": "AUTH=PLAIN+SCRAM-SHA-256+SCRAM-SHA-256-PLUS"}
COMMAND = {"imap": "AUTHENTICATE", "smtp": "AUTH"}


@pytest.mark.parametrize("proto", PLUS)
@pytest.mark.parametrize("version, header", [(ssl.TLSVersion.TLSv1_3, "p=tls-exporter,,"),
                                             (ssl.TLSVersion.TLSv1_2, "p=tls-unique,,")])
@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_bound_to_the_connection(daemon, scram_world, liars, proto, version, header, security):
    server = liars.start(Lie(proto, tls=version, capability=PLUS[proto], security=security,
                             on={COMMAND[proto]: [scram()]}))
    link = link_of(scram_world, server=server, proto=proto)
    link[proto]["security"] = security
    daemon.jmap().create("Link", **link)
    assert server.gs2 == header and server.logins_good >= 1 and server.logins_bad == 0
    assert released(daemon) == {("SCRAM-SHA-256-PLUS", proto)}


def test_told_when_no_binding_is_offered(daemon, scram_world, liars):
    server = liars.start(Lie(capability="IMAP4rev1 AUTH=SCRAM-SHA-256", on={"AUTHENTICATE": [scram()]}))
    daemon.jmap().create("Link", **link_of(scram_world, server=server))
    assert server.gs2 == "y,,"


def test_a_server_with_another_binding(daemon, scram_world, liars):
    """Cyrus offers -PLUS under TLS 1.3 with a binding of TLS 1.2. It is not bound to, and not pinned to that."""
    server = liars.start(Lie(capability=PLUS["imap"], on={"AUTHENTICATE": [scram(other_binding=True)]}))
    ats = daemon.jmap()
    id_ = ats.create("Link", **link_of(scram_world, server=server))["id"]
    daemon.wait_live(ats, id_)
    assert server.gs2 == "n,,"
    daemon.tells("login pinned to SCRAM by SCRAM-SHA-256 ")
    assert len(re.findall("login pinned to SCRAM by SCRAM-SHA-256 ", daemon.log_text())) == 1


@pytest.mark.parametrize("lie, code", [
    (Lie(capability=PLUS["imap"], on={"AUTHENTICATE": [scram(other_binding=True)]}), "auth.channel_binding"),
    (Lie(capability="IMAP4rev1 AUTH=SCRAM-SHA-256", on={"AUTHENTICATE": [scram()]}), "auth.downgrade")])
def test_bound_once_bound_for_good(daemon, scram_world, liars, lie, code):
    server = liars.start(Lie(capability=PLUS["imap"], on={"AUTHENTICATE": [scram()]}))
    ats = daemon.jmap()
    id_ = ats.create("Link", **link_of(scram_world, server=server))["id"]
    daemon.wait_live(ats, id_)
    good, server.lie = server.logins_good, lie
    daemon.stop()
    daemon.start()
    needs_user(daemon.jmap(), id_, code)
    assert server.logins_good == good


def test_a_pin_outlives_everything_but_a_new_password(daemon, scram_world, liars):
    true = Lie(capability="IMAP4rev1 AUTH=SCRAM-SHA-256 AUTH=PLAIN", on={"AUTHENTICATE": [scram()]})
    server = liars.start(true)
    ats = daemon.jmap()
    link = link_of(scram_world, server=server)
    id_ = ats.create("Link", **link)["id"]
    daemon.wait_live(ats, id_)
    # for a while it is broken in the middle of the exchange: that is no reason to give up
    server.lie = Lie(capability=true.capability, on={"AUTHENTICATE": [say(b"+ \r\n"), reset()]})
    daemon.stop()
    daemon.start()
    ats = daemon.jmap()
    ats.wait_for(lambda: ats.one("Link", id_)["state"] == "offline", 20, what="offline")
    server.lie = true
    daemon.wait_live(ats, id_)
    # then it offers less, as an impostor would who wants the password
    server.lie = Lie()
    good = server.logins_good
    daemon.stop()
    daemon.start()
    ats = daemon.jmap()
    needs_user(ats, id_, "auth.downgrade")
    assert server.logins_good == good and server.counts["LOGIN"] == 0
    assert "PLAIN" not in {m for m, _ in released(daemon)}
    assert not any(scram_world.password(RECRUITER).encode() in line for line in server.lines)
    ats.update("Link", id_, {"credential": link["credential"]})
    daemon.wait_live(ats, id_)
    assert ("PLAIN", "imap") in released(daemon)


def test_a_pin_is_of_one_service(daemon, scram_world, liars):
    """The same password at a submission server that has no SCRAM: IMAP's pin is IMAP's alone."""
    imap = liars.start(Lie(capability="IMAP4rev1 AUTH=SCRAM-SHA-256", on={"AUTHENTICATE": [scram()]}))
    link = link_of(scram_world)
    link["imap"].update(port=imap.port)
    link["smtp"].update(port=liars.start(Lie("smtp")).port)
    daemon.wait_live(ats := daemon.jmap(), ats.create("Link", **link)["id"])
    assert released(daemon) == {("SCRAM-SHA-256", "imap"), ("PLAIN", "smtp")}


def test_an_impostor_after_the_pin(daemon, scram_world, liars):
    true = Lie(capability="IMAP4rev1 AUTH=SCRAM-SHA-256", on={"AUTHENTICATE": [scram()]})
    server = liars.start(true)
    ats = daemon.jmap()
    id_ = ats.create("Link", **link_of(scram_world, server=server))["id"]
    daemon.wait_live(ats, id_)
    server.lie = Lie(capability=true.capability, on={"AUTHENTICATE": [scram(final="v=" + "A" * 43 + "=")]})
    daemon.stop()
    daemon.start()
    needs_user(daemon.jmap(), id_, "auth.server_unproven")
