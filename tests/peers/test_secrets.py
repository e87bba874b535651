"""
The password is nowhere but sealed. Every place is searched for a canary first that is known to be there, so that
a search that looks at nothing fails.
"""

import base64
import os
import re

import pytest

from desk import Desk
from peers import CANDIDATE, RECRUITER, until
from postern import Postern
from procs import memory, status

SECRET = "Kx7-nowhere-but-sealed-Q9"


def forms(user=RECRUITER, secret=SECRET):
    """The secret as it is, in SASL PLAIN, and inside base64 at each of its three alignments."""
    raw = secret.encode()
    out = {raw, base64.b64encode(b"\0" + user.encode() + b"\0" + raw), secret.encode("utf-16-le")}
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + raw).rstrip(b"=")
        out.add(text[(shift * 4 + 2) // 3 + (1 if shift else 0):-1])
    return out


def found(data):
    return [f for f in forms() if f in data]


@pytest.fixture
def told(world, tmp_path, need_postern):
    """A live link with SECRET, made after a failed one, mail sent, and debug logs of it all."""
    world.clear(RECRUITER)
    old = world.password(RECRUITER)
    world.dovecot.set_password(RECRUITER, SECRET)
    answers = []
    try:
        with Postern(tmp_path / "postern", world, log_level="debug") as daemon:
            ats = daemon.jmap()
            record = ats.http

            def http(*args, **kw):
                answer = record(*args, **kw)
                answers.append(answer[2])
                return answer

            ats.http = http
            desk = Desk(ats, daemon.link(RECRUITER, client=ats), RECRUITER)
            desk.wait_state(desk.submit(desk.draft([CANDIDATE], "secret test")))
            ats.call("Link/test", id=desk.account)
            daemon.answers = answers
            daemon.desk = desk
            yield daemon
    finally:
        world.dovecot.set_password(RECRUITER, old)


def test_forms_find_what_they_should():
    for pad in range(3):
        assert found(base64.b64encode(b"x" * pad + SECRET.encode() + b"tail"))
    assert found(b"..." + SECRET.encode()) and not found(b"something else")


def test_answers_logs_and_files(told):
    told.desk.ats.get("Link")
    body = b"".join(told.answers)
    assert RECRUITER.encode() in body and not found(body)
    for args in (("show", "links"), ("show", "processes"), ("show", "queue"), ("-j", "show", "links"),
                 ("vault", "status")):
        assert not found(told.ctl(*args).encode())
    assert RECRUITER in told.ctl("show", "links")
    log = told.log_text().encode()
    assert b"imapd-worker" in log and not found(log)
    files = told.state_files()
    assert files
    database = b"".join(open(p, "rb").read() for p in files)
    assert RECRUITER.encode() in database and not found(database)


def test_command_lines_and_environments(told):
    pids = [p["pid"] for p in told.processes()]
    assert len(pids) >= 8
    for pid in pids:
        argv = open(f"/proc/{pid}/cmdline", "rb").read()
        assert argv and not found(argv)
        if os.geteuid() == 0:
            assert not found(open(f"/proc/{pid}/environ", "rb").read())


def test_no_core_dumps(told):
    for p in told.processes():
        limits = open(f"/proc/{p['pid']}/limits").read()
        assert re.search(r"Max core file size\s+0\s+0\s", limits), p
        if p["role"] != "posternd":
            assert os.stat(f"/proc/{p['pid']}/mem").st_uid == 0, f"{p['role']} is dumpable"


@pytest.mark.root
def test_memory_of_all_but_the_vault(told, world):
    world.deliver(RECRUITER, b"Subject: alive\r\nMessage-ID: <alive@x.example>\r\n\r\nx\r\n")
    told.desk.email("alive")
    seen = set()
    for p in told.processes():
        if p["role"] == "vault":
            continue
        dump = memory(p["pid"])
        name = b"posternd" if p["role"] == "posternd" else p["role"].encode()
        assert name in dump, f"nothing read of {p['role']}"
        assert not found(dump), f"the password is in the memory of {p['role']} ({p['pid']})"
        seen.add(p["role"])
    assert {"posternd", "dialer", "tls-worker", "imapd-worker", "mime-worker", "store", "ats-worker",
            "control"} <= seen


@pytest.mark.root
def test_memory_search_can_fail(told):
    """The same search finds the mailbox's address where it must be."""
    store = told.pids("store")[0]
    assert RECRUITER.encode() in memory(store)


def test_key_is_closed(told):
    mode = os.stat(told.key).st_mode
    assert mode & 0o077 == 0 and mode & 0o200 == 0
    assert "Uid" in status(told.child.pid)


def test_vault_init_does_not_overwrite(told):
    before = open(told.key, "rb").read()
    with pytest.raises(RuntimeError):
        told.ctl("vault", "init", "-k", told.key)
    assert open(told.key, "rb").read() == before


@pytest.mark.parametrize("damage", ["missing", "open", "short"])
def test_no_start_without_a_good_key(world, tmp_path, need_postern, damage):
    daemon = Postern(tmp_path / "postern", world)
    if damage == "missing":
        os.unlink(daemon.key)
    elif damage == "open":
        os.chmod(daemon.key, 0o644)
    else:
        os.chmod(daemon.key, 0o600)
        with open(daemon.key, "r+b") as f:
            f.truncate(7)
        os.chmod(daemon.key, 0o400)
    with pytest.raises(Exception):
        daemon.start(seconds=10)
    until("posternd gone", lambda: not daemon.child.alive(), seconds=15)
    assert daemon.child.popen.returncode not in (0, None)
    assert "key" in daemon.log_text()
