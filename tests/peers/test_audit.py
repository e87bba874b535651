"""
The audit log of a real posternd: who did what is there with its user, it is whole, and every kind of damage is named.
The chain is computed here anew, from what postern-security(7) says of it.
"""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess

import pytest

from audit import files, lines, of, one, verify
from desk import Desk
from jmap import USING, SetError
from peers import CANDIDATE, RECRUITER, message, until
from postern import POSTERNCTL, Postern
from test_secrets import SECRET, found

ME = os.geteuid()
OTHER = 54321


def as_user(uid, *argv):
    return subprocess.run(argv, user=uid, group=uid, extra_groups=[], capture_output=True, timeout=30)


@pytest.fixture(scope="module")
def day(world, tmp_path_factory):
    """A day of an ATS and an admin, and the log that it left: the directory, after posternd has ended."""
    for user in (RECRUITER, CANDIDATE):
        world.clear(user)
    old = world.password(RECRUITER)
    world.dovecot.set_password(RECRUITER, SECRET)
    daemon = Postern(tmp_path_factory.mktemp("audit") / "postern", world, content="headers",
                     ats={"agency": {"mode": "0666", "uids": [ME, OTHER]}})
    daemon.audit = os.path.join(daemon.state, "audit")
    try:
        with daemon:
            busy(daemon, world)
            daemon.running = verify(control=daemon.control)
        daemon.head = re.findall(r"audit head (\S+)", daemon.log_text())[-1]
        yield daemon
    finally:
        world.dovecot.set_password(RECRUITER, old)


def busy(daemon, world):
    ats = daemon.jmap()
    account = daemon.link(RECRUITER, client=ats)
    desk = Desk(ats, account, RECRUITER)
    with pytest.raises(SetError):
        ats.create("Link", address=CANDIDATE, **world.endpoints(CANDIDATE),
                   credential={"type": "password", "secret": "wrong-" + SECRET})
    world.deliver(RECRUITER, message("x@people.example", RECRUITER, "the secret subject", "a body of secrets\n"))
    email = desk.email("the secret subject")
    ats.call("Email/fetchContent", account, ids=[email["id"]])
    ats.download(account, desk.one(email["id"])["blobId"])
    ats.call("Link/test", id=account)
    daemon.ctl("link", "pause", "agency", RECRUITER)
    daemon.ctl("link", "resume", "agency", RECRUITER)
    daemon.ctl("link", "pause", "agency", "nobody@nowhere.example", check=False)
    daemon.ctl("reload")
    with open(daemon.conf, "a") as f:
        f.write("nonsense {\n")
    daemon.ctl("reload", check=False)
    daemon.write_config()
    if ME == 0:
        another(daemon, account, email["id"], desk.one(email["id"])["blobId"])
        as_user(OTHER + 1, "curl", "-s", "--unix-socket", daemon.socket(), "http://localhost/jmap/session")
        assert as_user(OTHER + 2, POSTERNCTL, "-s", daemon.control, "show", "processes").returncode != 0
    ats.destroy("Link", account)
    daemon.account = account[1:]


def another(daemon, account, email, blob):
    """A second user of the same socket: one that a forgotten uid, 0, does not look like."""
    calls = [["Link/set", {"accountId": "ats", "update": {account: {"name": "Other"}}}, "0"],
             ["Link/set", {"accountId": "ats", "destroy": ["L4711"]}, "1"],
             ["Email/fetchContent", {"accountId": account, "ids": [email]}, "2"],
             ["Link/test", {"accountId": "ats", "id": "L4712"}, "3"]]
    request = json.dumps({"using": USING, "methodCalls": calls})
    curl = ("curl", "-sf", "--unix-socket", daemon.socket())
    done = as_user(OTHER, *curl, "-H", "Content-Type: application/json", "-d", request, "http://localhost/jmap/api")
    assert b"methodResponses" in done.stdout, done
    assert as_user(OTHER, *curl, f"http://localhost/jmap/download/{account}/{blob}/x").stdout


@pytest.mark.root
def test_another_user(day):
    assert one(day.audit, "link.changed", uid=OTHER)["what"] == "name"
    assert {r["action"] for r in of(day.audit, "link.refused", uid=OTHER)} == {"destroy", "test"}
    assert one(day.audit, "content.demand", uid=OTHER)["outcome"] == "stored"
    assert one(day.audit, "content.read", uid=OTHER)["count"] == "1"


def test_each_event_with_its_user(day):
    link = one(day.audit, "link.made")
    assert link["uid"] == str(ME) and link["by"] == "ats-worker" and link["who"] == "store[agency]"
    assert link["address"] == RECRUITER and link["link"] == day.account and link["verified"] == "yes"
    refused = one(day.audit, "link.refused", by="ats-worker", uid=ME)
    assert (refused["uid"], refused["action"], refused["error"]) == (str(ME), "create", "verifyFailed")
    one(day.audit, "link.tested", link=day.account, uid=ME)
    gone = one(day.audit, "link.removed", link=day.account, uid=ME, by="ats-worker")
    assert gone["address"] == RECRUITER
    changes = of(day.audit, "link.changed", by="control", uid=ME)
    assert [c["what"] for c in changes] == ["paused", "resumed"]


def test_each_login(day):
    released = of(day.audit, "credential.released", link=day.account)
    assert {r["service"] for r in released} == {"imap", "smtp"}
    for r in released:
        assert r["host"] == "localhost" and r["ats"] == "agency" and r["who"] == "vault"
        assert r["mechanism"] in ("PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS")
        assert re.fullmatch("[0-9a-f]{16}", r["ticket"])
    assert len({r["ticket"] for r in released}) == len(released), "a login is told once"
    assert one(day.audit, "login.rejected")["code"] == "auth.rejected"
    assert of(day.audit, "seal.opened", ats="agency", link=day.account)


def test_each_command(day):
    pause = of(day.audit, "admin.command", verb="link_pause", uid=ME)
    assert [(p["ats"], p["argument"], p["outcome"]) for p in pause] == [
        ("agency", RECRUITER, "ok"), ("agency", "nobody@nowhere.example", "api.not_found")]
    assert one(day.audit, "admin.command", verb="link_resume")["outcome"] == "ok"
    assert [(r["who"], r["outcome"] == "ok") for r in of(day.audit, "admin.command", verb="reload")] == [
        ("control", True), ("control", False)]


def test_each_content(day):
    demand = one(day.audit, "content.demand", uid=ME)
    assert demand["uid"] == str(ME) and demand["outcome"] == "fetching" and demand["link"] == day.account
    assert sum(int(r["count"]) for r in of(day.audit, "content.read", uid=ME)) >= 1
    assert not of(day.audit, "content.rule"), "the policy fetches none"


def test_what_weakens(day):
    for cause in ("start", "admin"):
        one(day.audit, "config.loaded", cause=cause)
    one(day.audit, "config.refused", cause="admin")
    assert {(w["setting"], w["host"]) for w in of(day.audit, "config.weak") if w["host"]} == {
        (s, h) for s in ("ca-file", "allow-private") for h in ("localhost", "127.0.0.1")}


@pytest.mark.root
def test_who_knocked(day):
    assert one(day.audit, "client.refused")["uid"] == str(OTHER + 1)
    assert one(day.audit, "admin.refused")["uid"] == str(OTHER + 2)


def test_start_and_stop(day):
    all_ = lines(day.audit)
    assert [all_[0]["event"], all_[1]["event"], all_[-1]["event"]] == ["audit.file", "daemon.start", "daemon.stop"]
    assert {l["who"] for l in all_} == {"posternd", "vault", "store[agency]", "control"} | (
        {"ats-worker[agency]"} if ME == 0 else set())
    assert day.head.startswith(f"{len(all_)}:"), "the head is in the ordinary log"


def test_nothing_secret(day):
    data = b"".join(open(p, "rb").read() for p in files(day.audit))
    assert RECRUITER.encode() in data and not found(data)
    for word in (b"subject", b"body of secrets", b"the\\ssecret"):
        assert word not in data
    for path in files(day.audit):
        assert os.stat(path).st_mode & 0o7777 == 0o600 and os.stat(path).st_uid == ME
    assert os.stat(day.audit).st_mode & 0o7777 == 0o700


def test_whole(day):
    status, told = verify("-d", day.audit)
    assert status == 0 and told["whole"] and told["first"] == 1 and not told["compared"]
    assert f"{told['last']}:{told['hash']}" == day.head and told["last"] == len(lines(day.audit))
    status, told = verify("-head", day.head, "-d", day.audit)
    assert status == 0 and told["compared"]
    status, told = day.running
    assert status == 0 and told["compared"], "while posternd runs it is asked"


def test_show(day):
    def show(*args):
        return day.ctl("audit", "show", "-d", day.audit, *args).splitlines()
    assert len(show()) == len(lines(day.audit)) and not any("hash=" in l for l in show())
    assert all(f" link={day.account} " in l + " " for l in show("-link", "L" + day.account))
    assert len(show("-event", "link.")) == len([l for l in lines(day.audit) if l["event"].startswith("link.")])
    assert show("-since", "2999") == [] and len(show("-since", lines(day.audit)[0]["time"][:10])) == len(show())


# ---- damage: each to a copy --------------------------------------------------------

def flip(l):
    l[6] = l[6][:20] + bytes([l[6][20] ^ 1]) + l[6][21:]
    return 7


def flip_hash(l):
    l[6] = l[6][:-3] + (b"0" if l[6][-3:-2] != b"0" else b"1") + l[6][-2:]
    return 7


def remove(l):
    del l[4]
    return 5


def swap(l):
    l[3], l[8] = l[8], l[3]
    return 4


def insert(l):
    l.insert(5, l[4])
    return 6


def forge(l):
    """A line of one's own that continues the chain; what follows does not fit any more."""
    text = l[4].rsplit(b" hash=", 1)[0].replace(b"pid=", b"pid=1")
    before = bytes.fromhex(l[3].rsplit(b" hash=", 1)[1].strip().decode())
    l[4] = text + b" hash=" + hashlib.blake2b(before + text, digest_size=32).hexdigest().encode() + b"\n"
    return 6


def behead(l):
    del l[0]
    return 1


def blank(l):
    l[5] = b"\n"
    return 6


@pytest.mark.parametrize("damage", [flip, flip_hash, remove, swap, insert, forge, behead, blank])
def test_damage_is_named(day, tmp_path, damage):
    copy = shutil.copytree(day.audit, tmp_path / "audit")
    path = files(copy)[0]
    all_ = open(path, "rb").read().splitlines(keepends=True)
    line = damage(all_)
    with open(path, "wb") as f:
        f.write(b"".join(all_))
    status, told = verify("-d", str(copy))
    assert (status, told["whole"], told["file"], told["line"]) == (1, False, path, line), told
    run = subprocess.run([POSTERNCTL, "audit", "verify", path], capture_output=True, text=True)
    assert run.returncode == 1 and f"BROKEN  {path}:{line}: " in run.stdout


def test_a_cut_end_needs_the_head(day, tmp_path):
    copy = shutil.copytree(day.audit, tmp_path / "audit")
    path = files(copy)[0]
    all_ = open(path, "rb").read().splitlines(keepends=True)
    with open(path, "wb") as f:
        f.write(b"".join(all_[:-3]))
    assert verify(path)[0] == 0
    status, told = verify("-head", day.head, path)
    assert status == 1 and "cut off" in told["reason"]


def test_torn_is_not_changed(day, tmp_path):
    copy = shutil.copytree(day.audit, tmp_path / "audit")
    path = files(copy)[0]
    os.truncate(path, os.path.getsize(path) - 30)
    status, told = verify(path)
    assert status == 0 and told["unfinishedBytes"] > 0 and told["last"] == len(lines(day.audit)) - 1


def test_not_readable(day, tmp_path):
    assert verify(str(tmp_path / "none"))[0] == 2
    assert verify("-d", str(tmp_path))[0] == 2
    assert verify("-head", "nonsense", "-d", day.audit)[0] == 2


# ---- life -------------------------------------------------------------------------------

def test_goes_on_after_a_kill(world, tmp_path, need_postern):
    daemon = Postern(tmp_path / "postern", world, hosts={"localhost": {"allow-private": True}})
    audit = os.path.join(daemon.state, "audit")
    with daemon:
        with pytest.raises(SetError):  # nobody here knows the authority of that server
            daemon.link(RECRUITER)
        until("it is told", lambda: of(audit, "server.unproven", host="localhost"))
        assert one(audit, "server.unproven", host="localhost")["code"].startswith("tls.")
        dialer = daemon.pids("dialer")[0]
        os.kill(dialer, signal.SIGABRT)  # of a SIGSEGV a sanitizer makes an exit
        until("it is told", lambda: of(audit, "process.crashed", process="dialer", crashed_pid=dialer, signal=6))
        os.kill(daemon.child.popen.pid, signal.SIGKILL)
        daemon.child.popen.wait(10)
        with open(files(audit)[0], "ab") as f:
            f.write(b"99 2026-")  # as if the power had gone in the middle of a line
        before = len(lines_until_torn(audit))
        daemon.start()
        status, told = verify(control=daemon.control)
        assert status == 0 and told["torn"] == 1 and told["compared"]
        assert "torn line, as after a crash" in daemon.log_text()
        # What somebody does to the file while posternd runs: it knows where it was.
        path = files(audit)[0]
        size = os.path.getsize(path)
        with open(path, "rb") as f:
            cut = f.read().rstrip(b"\n").rfind(b"\n") + 1
        os.truncate(path, cut)
        status, told = verify(control=daemon.control)
        assert status == 1 and cut < size
    assert before >= 3


def lines_until_torn(directory):
    return [l for l in open(files(directory)[0], "rb").read().splitlines() if b" hash=" in l]


def test_content_by_rule_is_counted(world, tmp_path, need_postern):
    """Not a line each: a first sync of many messages must not be as many lines. What was counted is said at the end."""
    world.clear(RECRUITER)
    for i in range(12):
        world.append(RECRUITER, "INBOX", message("x@people.example", RECRUITER, f"rule {i}"))
    daemon = Postern(tmp_path / "postern", world, content="all")
    with daemon:
        ats = daemon.jmap()
        desk = Desk(ats, daemon.link(RECRUITER, client=ats), RECRUITER)
        for i in range(12):
            desk.whole(f"rule {i}")
    rule = one(os.path.join(daemon.state, "audit"), "content.rule")
    assert (rule["rule"], rule["count"], rule["link"]) == ("all", "12", desk.account[1:])


@pytest.mark.root
def test_a_full_disk_stops_logins_if_so_configured(world, tmp_path, need_postern):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("no tmpfs may be mounted here")
    try:
        daemon = Postern(tmp_path / "postern", world,
                         extra=f'audit = "required"\naudit-dir = "{disk}/audit"')
        with daemon:
            ats = daemon.jmap()
            with open(disk / "filler", "wb", buffering=0) as f:
                while fill(f):
                    pass
            until("the disk is full", lambda: knock(daemon) and "CANNOT BE WRITTEN" in daemon.log_text())
            with pytest.raises(SetError) as refused:
                ats.create("Link", address=RECRUITER, **world.endpoints(RECRUITER),
                           credential={"type": "password", "secret": world.password(RECRUITER)})
            assert "audit.full" in json.dumps(refused.value.error) or daemon.tells("audit.full")
            os.unlink(disk / "filler")
            until("written again", lambda: "audit log is written again" in daemon.log_text())
            daemon.link(RECRUITER, client=ats)
            assert verify(control=daemon.control)[0] == 0
            lost = of(f"{disk}/audit", "audit.lost")
            assert lost and int(lost[0]["count"]) > 0
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(f):
    try:
        return f.write(b"x" * 4096)
    except OSError:
        return 0


def knock(daemon):
    daemon.ctl("show", "processes")
    return True
