"""The vault's key: where it comes from, locked and unlocked, renewed while everything runs, and sealed credentials."""

import json
import os
import signal
import subprocess

import pytest

import audit
from desk import Desk
from jmap import MethodError, SetError
from peers import CANDIDATE, COLLEAGUE, OTHER, RECRUITER, message, until
from postern import POSTERNCTL, POSTERND, Postern
from seal import seal

PHRASE = "correct horse battery staple"
WORK = ("-work", "1:8")  # cheap: these tests are not about how long a guess takes
THREE = (RECRUITER, COLLEAGUE, OTHER)


class Keyed(Postern):
    """phrase: the key lies under it. source: vault-key of the configuration, when not the file."""

    phrase = None

    def wrap(self, phrase=PHRASE):
        self.ctl("vault", "passwd", "-k", self.key, *WORK, "-", stdin=self.phrases(phrase))
        self.phrase = phrase
        return self

    def phrases(self, *new):
        return "".join(p + "\n" for p in ((self.phrase,) if self.phrase else ()) + new).encode()

    def unlock(self, phrase=None, check=True):
        return self.ctl("vault", "unlock", "-", stdin=((phrase or self.phrase) + "\n").encode(), check=check)

    def rotate_args(self):
        return ["vault", "rotate", "-k", self.key, "-"]

    def rotate(self):
        return json.loads(self.ctl("-j", *self.rotate_args(), stdin=self.phrases()))

    def rotate_begin(self):
        """posternctl vault rotate in the background, its new key file written."""
        p = subprocess.Popen([POSTERNCTL, "-s", self.control, "-j", *self.rotate_args()], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        p.stdin.write(self.phrases())
        p.stdin.close()
        p.stdin = None
        until("new key", lambda: os.path.exists(self.key + ".new"), seconds=10)
        return p

    def status(self):
        return json.loads(self.ctl("-j", "vault", "status", "-k", self.key, check=False))

    def error(self, link, client=None):
        return ((client or self.jmap()).one("Link", link)["error"] or {}).get("code")

    def wait_locked(self, client, link, seconds=15):
        client.wait_for(lambda: self.error(link, client) == "vault.locked", seconds, what="vault.locked")

    def kill(self, role):
        for pid in self.pids(role):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def keyed(need_postern, clean, tmp_path):
    daemon = Keyed(tmp_path / "postern", clean)
    yield daemon
    if daemon.child is not None:
        assert daemon.stop() == 0, daemon.log_text()[-3000:]


def finish(p, seconds=40):
    out, err = p.communicate(timeout=seconds)
    assert p.returncode == 0, err.decode()
    return json.loads(out)


# ---- locked and unlocked -----------------------------------------------------------

def test_locked_start(keyed, world):
    """A link waits, everything else is told; the passphrase lets it go on at once, not after a pause."""
    keyed.start()
    link = keyed.link(RECRUITER)
    keyed.wrap()
    assert keyed.stop() == 0
    logins = world.dovecot.logins(RECRUITER)
    keyed.start()
    ats = keyed.jmap()
    keyed.wait_locked(ats, link)
    assert ats.one("Link", link)["state"] == "offline" and keyed.status()["state"] == "locked"
    with pytest.raises(SetError) as caught:
        ats.create("Link", address=COLLEAGUE, **world.endpoints(COLLEAGUE),
                   credential={"type": "password", "secret": world.password(COLLEAGUE)})
    assert caught.value.type == "serverFail" and "locked" in caught.value.error["description"]
    test = ats.call("Link/test", id=link)
    assert not test["ok"] and [s["code"] for s in test["steps"]] == ["vault.locked"]
    assert world.dovecot.logins(RECRUITER) == logins, "no server hears of a locked vault"
    with pytest.raises(RuntimeError, match="not the passphrase"):
        keyed.unlock("correct horse battery stapl")
    keyed.wait_locked(ats, link, seconds=1)
    keyed.unlock()
    keyed.wait_live(ats, link, seconds=5)
    assert keyed.status() | {"publicKey": None} == {
        "state": "unlocked", "publicKey": None, "pinned": True, "passphrase": True, "rotating": False,
        "source": keyed.key}
    assert PHRASE not in keyed.log_text()


def test_lock_while_live(keyed, world):
    """Who is logged in goes on; who has to log in waits. Mail goes out after the unlock."""
    keyed.wrap().start()
    keyed.unlock()
    desk = Desk(keyed.jmap(), keyed.link(RECRUITER), RECRUITER)
    assert "locked" in keyed.ctl("vault", "lock")
    world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "while locked"))
    desk.email("while locked")
    assert desk.ats.one("Link", desk.account)["state"] == "live" and keyed.error(desk.account) is None
    sent = desk.submit(desk.draft([CANDIDATE], "after the unlock"))
    keyed.kill("imapd-worker")
    keyed.wait_locked(desk.ats, desk.account)
    assert desk.submission(sent)["state"] != "sent"
    # The vault itself dies: it is locked again, not open.
    keyed.kill("vault")
    until("vault", lambda: keyed.status()["state"] == "locked")
    keyed.unlock()
    keyed.wait_live(desk.ats, desk.account, seconds=5)
    desk.wait_state(sent, seconds=10)


def test_a_key_without_passphrase_cannot_be_locked(keyed):
    keyed.start()
    with pytest.raises(RuntimeError, match="no passphrase"):
        keyed.ctl("vault", "lock")
    assert keyed.status()["state"] == "unlocked"
    # limit: LIM_PASSPHRASE_MIN
    with pytest.raises(RuntimeError, match="8 to 1000"):
        keyed.wrap("7 bytes")
    keyed.wrap("8 bytes!")
    assert keyed.status()["passphrase"]
    keyed.ctl("vault", "passwd", "-k", keyed.key, "-plain", "-", stdin=keyed.phrases())
    assert not keyed.status()["passphrase"] and keyed.status()["state"] == "unlocked"


# ---- renewed -------------------------------------------------------------------------

def links(daemon):
    ats = daemon.jmap()
    return ats, [daemon.link(user, client=ats) for user in THREE]


def works_on(daemon, ats, ids, world):
    """All links log in anew with what is stored."""
    daemon.kill("tls-worker")
    for id_, user in zip(ids, THREE):
        daemon.wait_live(ats, id_)
        world.deliver(user, message(CANDIDATE, user, "after the rotation"))
        assert Desk(ats, id_, user).email("after the rotation")
        assert ats.call("Link/test", id=id_)["ok"]


def test_rotation(keyed, world):
    keyed.start()
    ats, ids = links(keyed)
    before, old_file = keyed.status()["publicKey"], open(keyed.key, "rb").read()
    records = keyed.status()
    assert records["pinned"]
    done = keyed.rotate()
    assert (done["newKey"], done["oldKey"], done["broken"]) == (3, 0, 0)
    assert done["ats"] == [{"ats": "agency", "newKey": 3, "oldKey": 0, "broken": 0, "counted": True}]
    now = keyed.status()
    assert now["publicKey"] == done["publicKey"] != before and now["pinned"] and not now["rotating"]
    assert open(keyed.key, "rb").read() != old_file and not os.path.exists(keyed.key + ".new")
    assert ats.session()["capabilities"]["urn:postern:params:jmap:ats"]["vaultPublicKey"] == now["publicKey"]
    # A seal for the old key: refused by name, at no server.
    ends = [f"imap:tls:localhost:{world.dovecot.imaps}", f"smtp:tls:localhost:{world.smtp_port()}"]
    ats.destroy("Link", ids[2])
    link = {"address": OTHER, **world.endpoints(OTHER)}
    for key, code in ((before, "store.key_wrong"), (now["publicKey"], None)):
        link["credential"] = {"type": "sealed", "data": seal(key, "agency", OTHER, OTHER, world.password(OTHER), ends)}
        if code:
            with pytest.raises(SetError, match=code):
                ats.create("Link", **link)
        else:
            ids[2] = ats.create("Link", **link)["id"]
    works_on(keyed, ats, ids, world)


def test_rotation_with_deaths(keyed, world):
    """kill -9 of vault and store in the middle, each while the other has something under way."""
    keyed.wrap().start()
    keyed.unlock()
    ats, ids = links(keyed)
    store = keyed.pids("store")[0]
    os.kill(store, signal.SIGSTOP)
    p = keyed.rotate_begin()
    until("rotation", lambda: keyed.status()["rotating"])
    vault = keyed.pids("vault")[0]
    os.kill(vault, signal.SIGKILL)
    until("another vault", lambda: keyed.pids("vault") not in ([], [vault], [0]))
    os.kill(store, signal.SIGKILL)
    done = finish(p)
    assert (done["newKey"], done["oldKey"], done["broken"]) == (3, 0, 0)
    assert keyed.status()["state"] == "unlocked"
    works_on(keyed, keyed.jmap(), ids, world)


def test_rotation_cut_off(keyed, world):
    """posternctl dies, then posternd: both keys are in use until it is run again."""
    keyed.start()
    ats, ids = links(keyed)
    store = keyed.pids("store")[0]
    os.kill(store, signal.SIGSTOP)
    p = keyed.rotate_begin()
    until("rotation", lambda: keyed.status()["rotating"])
    p.kill()
    p.wait()
    begun = keyed.status()["publicKey"]
    os.kill(store, signal.SIGCONT)
    keyed.child.popen.kill()
    keyed.child.popen.wait()
    keyed.start()
    ats = keyed.jmap()
    for id_ in ids:
        keyed.wait_live(ats, id_)
    assert keyed.status()["rotating"] and keyed.status()["publicKey"] == begun
    with pytest.raises(RuntimeError, match="being renewed"):
        keyed.wrap()
    done = keyed.rotate()
    assert (done["newKey"], done["oldKey"], done["publicKey"]) == (3, 0, begun)


def test_next_key_found_at_a_restart(keyed, world):
    """A vault that dies before it is told of the next key gets it at its start, and the ATS its public half."""
    keyed.start()
    ats = keyed.jmap()
    link = keyed.link(RECRUITER, client=ats)
    keyed.ctl("vault", "init", "-k", keyed.key + ".new", "-p", keyed.key + ".new.pub")
    new = open(keyed.key + ".new.pub").read().strip()
    keyed.kill("vault")
    until("both keys", lambda: keyed.status()["rotating"])
    assert keyed.status()["publicKey"] == new
    until("Session", lambda: ats.session()["capabilities"]["urn:postern:params:jmap:ats"]["vaultPublicKey"] == new)
    done = keyed.rotate()
    assert (done["newKey"], done["oldKey"], done["publicKey"]) == (1, 0, new)
    assert ats.call("Link/test", id=link)["ok"]


def test_nothing_ends_without_the_new_key(keyed):
    """A new key file that the vault cannot have leaves everything as it is."""
    keyed.start()
    link = keyed.link(RECRUITER)
    before = open(keyed.key, "rb").read()
    keyed.ctl("vault", "init", "-k", keyed.key + ".new", "-p", keyed.key + ".new.pub")
    os.chmod(keyed.key + ".new", 0o444)
    with pytest.raises(RuntimeError, match="the vault keeps what it has"):
        keyed.rotate()
    assert open(keyed.key, "rb").read() == before and not keyed.status()["rotating"]
    assert keyed.jmap().call("Link/test", id=link)["ok"]


@pytest.mark.long
@pytest.mark.deadline(240)
def test_rotations_under_load(keyed, world):
    """Ten keys one after the other, while logins, mail and kills go on; nothing is lost."""
    keyed.start()
    ats, ids = links(keyed)
    for n in range(10):
        p = subprocess.Popen([POSTERNCTL, "-s", keyed.control, "-j", *keyed.rotate_args()], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        keyed.kill(("tls-worker", "vault", "store", "imapd-worker", "ats-worker")[n % 5])
        world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, f"key {n}"))
        assert finish(p, 60)["newKey"] == 3
        ats = keyed.jmap()
        for id_ in ids:
            keyed.wait_live(ats, id_)
        Desk(ats, ids[0], RECRUITER).email(f"key {n}")
    works_on(keyed, ats, ids, world)


# ---- where the key comes from --------------------------------------------------------

def refused(daemon, env=None):
    """What posternd says when it does not start."""
    run = subprocess.run([POSTERND, "-d", "-f", daemon.conf], capture_output=True, timeout=20, text=True,
                         env=dict(os.environ, **(env or {})))
    assert run.returncode != 0
    return run.stderr


def test_bad_sources_refuse_the_start(keyed):
    good = open(keyed.key, "rb").read()

    def spoil(fill=None, mode=0o400):
        os.chmod(keyed.key, 0o600)
        with open(keyed.key, "wb") as f:
            f.write(good if fill is None else fill)
        os.chmod(keyed.key, mode)

    for mode in (0o440, 0o404, 0o604, 0o420):
        spoil(mode=mode)
        assert f"mode {mode:04o} lets others in" in refused(keyed)
    for fill, why in ((b"", "empty or too long"), (good[:-1], "not a key file"), (good + b"x", "not a key file"),
                      (good[:20] + bytes([good[20] ^ 16]) + good[21:], "do not belong together"),
                      (b"x" * 5000, "empty or too long"), (good * 2, "same key")):
        spoil(fill)
        assert why in refused(keyed), why
    spoil()
    os.rename(keyed.key, keyed.key + ".real")
    assert "there is none" in refused(keyed)
    os.symlink(keyed.key + ".real", keyed.key)
    assert "symbolic links" in refused(keyed)
    os.unlink(keyed.key)
    os.mkdir(keyed.key)
    assert "regular file" in refused(keyed)
    os.rmdir(keyed.key)
    os.rename(keyed.key + ".real", keyed.key)
    # The next key is looked at as closely.
    with open(keyed.key + ".new", "wb") as f:
        f.write(good)
    os.chmod(keyed.key + ".new", 0o644)
    assert "vault.key.new: mode 0644" in refused(keyed)
    os.unlink(keyed.key + ".new")
    keyed.start()


@pytest.mark.root
def test_a_key_of_somebody_else(keyed):
    os.chown(keyed.key, 65534, -1)
    assert "it belongs to uid 65534" in refused(keyed)


def test_systemd_credential(keyed, monkeypatch):
    """As systemd hands it over: a file of mode 0400 in a directory named in the environment."""
    place = os.path.join(keyed.dir, "credentials")
    os.mkdir(place, 0o700)
    os.rename(keyed.key, os.path.join(place, "postern-vault"))
    keyed.key, file = "credential:postern-vault", keyed.key
    keyed.write_config()
    assert "CREDENTIALS_DIRECTORY" in refused(keyed)
    assert "credentialsx/postern-vault: there is none" in refused(keyed, {"CREDENTIALS_DIRECTORY": place + "x"})
    os.chmod(os.path.join(place, "postern-vault"), 0o444)
    assert "lets others in" in refused(keyed, {"CREDENTIALS_DIRECTORY": place})
    os.chmod(os.path.join(place, "postern-vault"), 0o440)  # systemd's access list for another user shows as this
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", place)
    keyed.start()
    assert json.loads(keyed.ctl("-j", "vault", "status", "-p", file[:-3] + "pub"))["source"] == keyed.key
    keyed.link(RECRUITER)
    with pytest.raises(RuntimeError, match="credential of systemd"):
        keyed.ctl("vault", "rotate", "-k", file, "-")
    for name in ("", "../x", ".x"):
        keyed.key = "credential:" + name
        keyed.write_config()
        assert "no name of a credential" in subprocess.run([POSTERND, "-n", "-f", keyed.conf], capture_output=True,
                                                           text=True).stderr


def test_who_may_unlock(keyed):
    """The socket is its owner's alone; the right passphrase from another user is not heard."""
    keyed.wrap().start()
    path = os.path.join(keyed.run, "vault.sock")
    assert os.stat(path).st_mode & 0o777 == 0o600 and os.stat(path).st_uid == os.geteuid()
    if os.geteuid() == 0:
        os.chmod(path, 0o666)  # that wall taken away, the vault still looks who it is
        run = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", POSTERNCTL, "-s",
                              keyed.control, "vault", "unlock", "-"], input=(PHRASE + "\n").encode(),
                             capture_output=True)
        assert run.returncode != 0 and keyed.status()["state"] == "locked"
        keyed.tells("unlock refused uid=65534")
    keyed.unlock()
    assert keyed.status()["state"] == "unlocked"


# ---- sealed-only -----------------------------------------------------------------------

def test_sealed_only(world, tmp_path, need_postern):
    """A password in clear is refused before anything is done with it; posternctl seals, for a key that is pinned."""
    with Postern(tmp_path / "postern", world, ats={"agency": {"credentials": "sealed-only"}}) as daemon:
        ats = daemon.jmap()
        wish = {"address": RECRUITER, **world.endpoints(RECRUITER)}
        clear = {"type": "password", "secret": world.password(RECRUITER)}
        logins = world.dovecot.logins(RECRUITER)
        for more in ({"credential": clear}, {"credential": clear, "verify": False}):
            with pytest.raises(SetError, match="only sealed credentials") as caught:
                ats.create("Link", **wish, **more)
            assert caught.value.type == "forbidden"
        with pytest.raises(MethodError, match="only sealed credentials"):
            ats.call("Link/test", link={**wish, "credential": clear})
        assert "seal for a credential" not in daemon.log_text() and world.dovecot.logins(RECRUITER) == logins
        ends = [f"imap:tls:localhost:{world.dovecot.imaps}", f"smtp:tls:localhost:{world.smtp_port()}"]
        key = ats.session()["capabilities"]["urn:postern:params:jmap:ats"]["vaultPublicKey"]
        sealed = {"type": "sealed", "data": seal(key, "agency", RECRUITER, RECRUITER, clear["secret"], ends)}
        id_ = ats.create("Link", **wish, credential=sealed)["id"]
        daemon.wait_live(ats, id_)
        with pytest.raises(SetError, match="only sealed credentials"):
            ats.update("Link", id_, {"credential": clear})
        with pytest.raises(SetError, match="only sealed credentials"):
            ats.update("Link", id_, {"smtpCredential": clear})
        def refused():
            return audit.of(os.path.join(daemon.state, "audit"), "credential.clear-refused", uid=os.geteuid())
        until("each is told", lambda: len(refused()) >= 5)
        assert len(refused()) == 5 and {r["who"] for r in refused()} == {"ats-worker[agency]"}
        ats.destroy("Link", id_)
        add = ["link", "add", "agency", RECRUITER, "-imap", f"localhost:{world.dovecot.imaps}:tls", "-smtp",
               f"localhost:{world.smtp_port()}:tls"]
        with pytest.raises(RuntimeError, match="no password was asked"):
            daemon.ctl(*add, "-p", daemon.dir + "/nothing.pub", "-", stdin=b"")
        assert "linked as" in daemon.ctl(*add, "-p", daemon.dir + "/vault.pub", "-",
                                         stdin=clear["secret"].encode() + b"\n")
