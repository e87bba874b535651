"""Linking a mailbox: what goes wrong is named by its own code, and nothing of a failure is kept."""

import pytest

from desk import Desk
from jmap import Late, SetError
from lies import IMAP, SLOW, SMTP
from peers import COLLEAGUE, RECRUITER, free_port, until
from postern import Postern
from seal import seal


_runs = {"used": 0, "daemon": None}


@pytest.fixture
def shared(need_postern, world, tmp_path_factory):
    """
    One Postern for many failed links: nothing of one is left behind, or the next test shows it. A new one after
    25, because an address may be tested 30 times in ten minutes.
    """
    if _runs["daemon"] is None or _runs["used"] >= 25:
        if _runs["daemon"]:
            assert _runs["daemon"].stop() == 0
        _runs.update(used=0, daemon=Postern(tmp_path_factory.mktemp("link") / "postern", world).start())
    _runs["used"] += 1
    return _runs["daemon"]


def test_tests_are_rate_limited(world, tmp_path, need_postern, liars):
    server = liars.start(IMAP["pop3"][0])
    with Postern(tmp_path / "postern", world) as daemon:
        link = lie_link(world, server, IMAP["pop3"][0], "tls")
        types = []
        for _ in range(31):
            with pytest.raises(SetError) as caught:
                daemon.jmap().create("Link", **link)
            types.append(caught.value.type)
        assert types == ["verifyFailed"] * 30 + ["rateLimit"] and server.connections == 30


def wish(world, user=RECRUITER, secret=None, **properties):
    return {"address": user, **world.endpoints(user),
            "credential": {"type": "password", "secret": secret or world.password(user)}, **properties}


def failed_step(ats, link):
    """Tries to link; the step that failed. Nothing may be stored."""
    with pytest.raises(SetError) as caught:
        ats.create("Link", **link)
    assert caught.value.type == "verifyFailed", caught.value
    steps = caught.value.error["steps"]
    assert all(s["ok"] for s in steps[:-1]) and not steps[-1]["ok"], steps
    assert ats.get("Link") == []
    return steps[-1]


def assert_code(step, codes):
    assert step["code"] in ([codes] if isinstance(codes, str) else codes), step


def test_wrong_password_is_tried_once(shared, world):
    ats = shared.jmap()
    imap, smtp = world.dovecot.logins(RECRUITER), world.postfix and world.postfix.logins(RECRUITER)
    step = failed_step(ats, wish(world, secret="mistyped.Secret"))
    assert (step["service"], step["step"], step["code"]) == ("imap", "auth", "auth.rejected")
    assert step["hint"]
    with ats.events() as events, pytest.raises(Late):
        events.next(2)  # no retry behind the scenes
    assert world.dovecot.logins(RECRUITER) == (imap[0], imap[1] + 1)
    assert smtp == (world.postfix and world.postfix.logins(RECRUITER))
    assert not shared.pids("imapd-worker") and not shared.pids("smtp-worker")


def lie_link(world, server, lie, security):
    link = wish(world)
    if lie.proto == "smtp":
        link["mode"] = "sendOnly"
    link[lie.proto].update(port=server.port, security=security)
    return link


@pytest.mark.parametrize("name", IMAP)
def test_imap_lie(shared, world, liars, name):
    lie, security, codes = IMAP[name]
    server = liars.start(lie)
    step = failed_step(shared.jmap(), lie_link(world, server, lie, security))
    assert step["service"] == "imap"
    assert_code(step, codes)
    assert server.connections <= 1 and server.counts["LOGIN"] + server.counts["AUTHENTICATE"] <= 1


@pytest.mark.parametrize("name", SMTP)
def test_smtp_lie(shared, world, liars, name):
    lie, security, codes = SMTP[name]
    server = liars.start(lie)
    step = failed_step(shared.jmap(), lie_link(world, server, lie, security))
    assert step["service"] == "smtp"
    assert_code(step, codes)
    assert server.connections <= 1 and server.counts["AUTH"] <= 1


@pytest.mark.long
@pytest.mark.deadline(200)
@pytest.mark.parametrize("name", SLOW)
def test_slow_lie(shared, world, liars, name):
    lie, security, codes = SLOW[name]
    server = liars.start(lie)
    ats = shared.jmap(timeout=180)
    assert_code(failed_step(ats, lie_link(world, server, lie, security)), codes)


@pytest.mark.parametrize("change, codes", [
    ({"port": free_port()}, "net.refused"),
    ({"host": "mail.nowhere.invalid"}, ("net.dns_not_found", "net.dns_temp")),
])
def test_wrong_place(shared, world, change, codes):
    link = wish(world)
    link["imap"].update(change)
    assert_code(failed_step(shared.jmap(), link), codes)


def test_starttls_port_with_tls(shared, world):
    link = wish(world)
    link["imap"]["port"] = world.dovecot.imap
    assert_code(failed_step(shared.jmap(), link), "tls.plaintext_port")


def test_starttls_works(postern, world, need_postfix):
    link = wish(world)
    link["imap"].update(port=world.dovecot.imap, security="starttls")
    link["smtp"].update(port=world.postfix.starttls, security="starttls")
    ats = postern.jmap()
    postern.wait_live(ats, ats.create("Link", **link)["id"])


def test_loopback_is_blocked_by_default(world, tmp_path, need_postern):
    with Postern(tmp_path / "postern", world, hosts={}) as daemon:
        for host in ("localhost", "127.0.0.1"):
            link = wish(world)
            link["imap"]["host"] = host
            assert_code(failed_step(daemon.jmap(), link), "net.blocked_address")


def test_extra_authority_belongs_to_its_host(world, tmp_path, need_postern):
    hosts = {"localhost": {"allow-private": True, "ca-file": world.certs.ca}, "127.0.0.1": {"allow-private": True}}
    with Postern(tmp_path / "postern", world, hosts=hosts) as daemon:
        link = wish(world)
        link["imap"]["host"] = "127.0.0.1"
        assert_code(failed_step(daemon.jmap(), link), ("tls.cert_untrusted", "tls.self_signed"))


def test_all_steps_of_a_good_link(postern, world):
    answer = postern.jmap().call("Link/test", link=wish(world))
    assert answer["ok"], answer
    assert [(s["service"], s["step"]) for s in answer["steps"]] == [
        ("imap", "dns"), ("imap", "tcp"), ("imap", "tls"), ("imap", "capability"), ("imap", "auth"),
        ("imap", "inbox"), ("imap", "sent"), ("smtp", "dns"), ("smtp", "tcp"), ("smtp", "tls"),
        ("smtp", "capability"), ("smtp", "auth"), ("smtp", "ehlo"), ("smtp", "mailFrom")]
    assert postern.jmap().get("Link") == []


def test_link_says_what_it_is_but_no_credential(desk):
    link = desk.ats.one("Link", desk.account)
    assert link["address"] == RECRUITER and link["state"] == "live" and link["error"] is None
    assert link["linkedAt"] and link["lastSyncAt"]
    assert "credential" not in link and "smtpCredential" not in link
    session = desk.ats.session()
    assert set(session["accounts"]) == {"ats", desk.account}
    assert session["primaryAccounts"]["urn:ietf:params:jmap:mail"] == desk.account


def test_address_in_use(desk, world):
    with pytest.raises(SetError) as caught:
        desk.ats.create("Link", **wish(world, user=RECRUITER.upper(), secret=world.password(RECRUITER)))
    assert caught.value.type == "addressInUse"


def test_new_place_needs_the_credential_again(desk, liars):
    for patch in ({"imap/port": 993}, {"imap/host": "127.0.0.1"}, {"smtp/security": "starttls"},
                  {"imap/user": COLLEAGUE}):
        with pytest.raises(SetError) as caught:
            desk.ats.update("Link", desk.account, patch)
        assert caught.value.type == "credentialRequired", patch
    assert desk.ats.one("Link", desk.account)["state"] == "live"


def test_failed_update_keeps_what_works(desk, world):
    before = world.dovecot.logins(RECRUITER)
    with pytest.raises(SetError) as caught:
        desk.ats.update("Link", desk.account, {"credential": {"type": "password", "secret": "wrong.Secret"}})
    assert caught.value.type == "verifyFailed"
    assert desk.ats.one("Link", desk.account)["state"] == "live"
    world.deliver(RECRUITER, b"Subject: still here\r\nMessage-ID: <still@x.example>\r\n\r\nyes\r\n")
    desk.email("still here")
    assert world.dovecot.logins(RECRUITER)[1] == before[1] + 1


def test_password_changed_at_the_server(desk, world):
    """A live link whose password stops working asks for its user, once, and comes back with the new one."""
    old = world.password(RECRUITER)
    before = world.dovecot.logins(RECRUITER)
    try:
        world.dovecot.set_password(RECRUITER, "changed.Secret")
        world.dovecot.doveadm("kick", RECRUITER)
        desk.ats.wait_for(lambda: desk.ats.one("Link", desk.account)["state"] == "needsUser", what="needsUser")
        link = desk.ats.one("Link", desk.account)
        assert link["error"]["code"] == "auth.rejected" and link["error"]["class"] == "U"
        with desk.ats.events() as events, pytest.raises(Late):
            events.next(3)
        assert world.dovecot.logins(RECRUITER)[1] == before[1] + 1
        desk.ats.update("Link", desk.account, {"credential": {"type": "password", "secret": "changed.Secret"}})
        Postern.wait_live(desk.ats, desk.account)
    finally:
        world.dovecot.set_password(RECRUITER, old)


def test_pause(desk, postern, world):
    desk.ats.update("Link", desk.account, {"paused": True})
    desk.ats.wait_for(lambda: desk.ats.one("Link", desk.account)["state"] == "paused")
    until("no worker", lambda: not postern.pids("imapd-worker"))
    world.deliver(RECRUITER, b"Subject: while paused\r\nMessage-ID: <paused@x.example>\r\n\r\nx\r\n")
    desk.ats.update("Link", desk.account, {"paused": False})
    desk.email("while paused")


def test_unlink(desk, postern, world):
    world.deliver(RECRUITER, b"From: a@people.example\r\nSubject: local\r\nMessage-ID: <l@x.example>\r\n\r\nx\r\n")
    desk.email("local")
    person = desk.person("a@people.example")
    desk.ats.wait_for(lambda: desk.notes(person), what="note")
    desk.ats.destroy("Link", desk.account)
    assert desk.ats.get("Link") == [] and desk.notes(person) == []
    assert set(desk.ats.session()["accounts"]) == {"ats"}
    until("no worker", lambda: not postern.pids("imapd-worker"))
    assert world.mails(RECRUITER), "unlinking touches nothing on the server"
    again = Desk(desk.ats, postern.link(RECRUITER), RECRUITER)
    assert again.account != desk.account
    again.email("local")


def test_sealed_credential(postern, world):
    ats = postern.jmap()
    key = ats.session()["capabilities"]["urn:postern:params:jmap:ats"]["vaultPublicKey"]
    link = wish(world)
    ends = [f"imap:tls:localhost:{world.dovecot.imaps}", f"smtp:tls:localhost:{world.smtp_port()}"]
    link["credential"] = {"type": "sealed",
                          "data": seal(key, "agency", RECRUITER, RECRUITER, world.password(RECRUITER), ends)}
    postern.wait_live(ats, ats.create("Link", **link)["id"])


@pytest.mark.parametrize("wrong", ["ats", "address", "user", "host", "bytes"])
def test_seal_for_something_else(shared, world, wrong):
    ats = shared.jmap()
    key = ats.session()["capabilities"]["urn:postern:params:jmap:ats"]["vaultPublicKey"]
    args = {"ats": "agency", "address": RECRUITER, "user": RECRUITER, "host": "localhost"}
    if wrong in args:
        args[wrong] = "127.0.0.1" if wrong == "host" else "other@agency.example"
    ends = [f"imap:tls:{args['host']}:{world.dovecot.imaps}", f"smtp:tls:{args['host']}:{world.smtp_port()}"]
    data = seal(key, args["ats"], args["address"], args["user"], world.password(RECRUITER), ends)
    if wrong == "bytes":
        data = data[:40] + ("A" if data[40] != "A" else "B") + data[41:]
    link = wish(world)
    link["credential"] = {"type": "sealed", "data": data}
    before = world.dovecot.logins(RECRUITER)
    with pytest.raises(SetError):
        ats.create("Link", **link)
    assert ats.get("Link") == [] and world.dovecot.logins(RECRUITER) == before


def test_sealed_only(world, tmp_path, need_postern):
    with Postern(tmp_path / "postern", world, ats={"agency": {"credentials": "sealed-only"}}) as daemon:
        with pytest.raises(SetError) as caught:
            daemon.jmap().create("Link", **wish(world))
        assert caught.value.type in ("forbidden", "invalidProperties")
        assert daemon.jmap().get("Link") == []
