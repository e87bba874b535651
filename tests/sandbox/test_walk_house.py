"""
Channel attacks from end to end, in the house: a real posternd of the build with hooks, two links at two hosts, a second
tenant. Each process in turn breaks the rules towards each peer it is wired to, and towards posternd. The one that must
fall falls and is named with its accuser and the reason; everybody else keeps its process, and all of it comes back.
"""

import os
import re
import types

import pytest
from certs import Certs
from desk import Desk
from harness import HOOKS, Attacked
from liar import hang
from peers import CANDIDATE, COLLEAGUE, RECRUITER
from proc import until
from save_sent import relaying

# Who is wired to whom, master/wiring.c, and how many each serves: the host, a tenant, a part of one.
PAIRS = [("vault", "store"), ("vault", "tls-worker"), ("dialer", "tls-worker"), ("store", "ats-worker"),
         ("store", "imapd-worker"), ("store", "smtp-worker"), ("store", "mime-worker"), ("store", "control")]
REACH = {"vault": 2, "dialer": 2, "control": 2, "store": 1, "ats-worker": 1}
ROLES = ["vault", "dialer", "tls-worker", "imapd-worker", "smtp-worker", "mime-worker", "store", "ats-worker", "control"]
# With these the rest of a unit or tenant goes and comes: they have nobody to write to.
TAKES_ALONG = {"store": {"imapd-worker", "smtp-worker", "mime-worker", "tls-worker"}, "imapd-worker": {"tls-worker"},
               "smtp-worker": {"tls-worker"}}
# A number that is none; hello, which only posternd sends; nothing; a credit for nothing; too many descriptors.
PACKETS = [(b"\xff\xff", ""), (b"\x01\x00", "pad=20"), (b"", ""), (b"\xff\x7f", "fds=3"), (b"\xff\xff", "pad=98303")]


def peers_of(role):
    return [b if a == role else a for a, b in PAIRS if role in (a, b)]


class House:
    """postern, with every role running in the tenant agency."""

    def __init__(self, directory, world, liars=None):
        self.world, self.links = world, liars is not None
        if liars:
            self.server = liars.start(relaying(world))
            self.server.lie.on["DATA"] = [hang()] * 1000
        self.postern = Attacked(directory, world, ats={"agency": {}, "rival": {}})
        self.tried = 0

    def __enter__(self):
        self.postern.start()
        if self.links:
            self.link(RECRUITER, "localhost")
            self.link(COLLEAGUE, "127.0.0.1")
            self.send()
        self.quiet()
        return self

    def __exit__(self, *_):
        self.status = self.postern.stop()

    def link(self, user, host):
        ends = self.world.endpoints(user, host)
        ends["smtp"]["port"] = self.server.port
        self.postern.link(user, client=self.postern.jmap(), **ends)

    def send(self):
        """A message that is never taken, so that its smtp-worker stays."""
        ats = self.postern.jmap()
        desk = Desk(ats, ats.get("Link")[0]["id"], RECRUITER)
        until("folders", lambda: {"drafts", "sent"} <= set(desk.boxes()), seconds=30)
        desk.submit(desk.draft([CANDIDATE], "never taken"))

    def roles(self):
        return ROLES if self.links else [r for r in ROLES if r in REACH or r == "mime-worker"]

    def processes(self):
        """{label: pid} of all but the master; of a pool any is as good as another."""
        out = {}
        for p in self.postern.processes():
            if p["role"] == "posternd" or p["state"] != "running":
                continue
            where = "/".join(str(x) for x in (p.get("ats"), p.get("unit") or p.get("host")) if x)
            out[f"{p['role']}[{where}]" if where else p["role"]] = p["pid"]
        return out

    def quiet(self):
        """Every role runs and the ATSs are served."""
        def complete():
            try:
                now = {label.split("[")[0] for label in self.processes() if "rival" not in label}
                return set(self.roles()) <= now and all(self.postern._answers(n) for n in ("agency", "rival"))
            except RuntimeError:  # control is being started again
                return False
        until("everybody", complete, seconds=60)

    def label(self, role):
        return sorted(label for label in self.processes() if label.split("[")[0] == role and "rival" not in label)[0]

    def attack(self, role, peer):
        """role breaks the rules towards peer. Who falls, and whether the log tells."""
        postern, offender = self.postern, self.label(role)
        before, offset = self.processes(), postern.log_size()
        data, more = PACKETS[self.tried % len(PACKETS)]
        self.tried += 1
        postern.order(offender, "raw", f"peer={peer} {more}".strip(), data=data)  # to the newest of that role
        by = re.escape(offender)
        told = rf"posternd: protocol breach by {by} (seen by {peer}\S* )?reason=\S"
        until(f"breach by {offender}", lambda: re.search(told, postern.log_since(offset)), seconds=10)
        accuser = re.search(rf"breach by {by} seen by (\S+) ", postern.log_since(offset))
        assert (peer == "posternd") == (accuser is None)
        falls = accuser.group(1) if accuser and REACH.get(role, 0) > REACH.get(peer, 0) else offender
        pid = r"\d+" if falls.startswith("mime-worker") else before[falls]  # any of its pool
        ended = rf"{re.escape(falls)} ended pid={pid} "
        until(f"the end of {falls}", lambda: re.search(ended, postern.log_since(offset)), seconds=10)
        self.quiet()
        self.undisturbed(before, falls)
        return falls

    def undisturbed(self, before, falls):
        """All but who fell and whom it takes along have the process they had."""
        role = falls.split("[")[0]
        after = self.processes()
        for label, pid in before.items():
            other = label.split("[")[0]
            mine = "rival" not in label and other in TAKES_ALONG.get(role, ())
            if label == falls or mine or other == "mime-worker":
                continue
            if role in ("dialer", "vault", "tls-worker") and other in ("tls-worker", "smtp-worker"):
                continue  # a session in the middle of its login begins anew
            assert after.get(label) == pid, f"{falls} fell, and {label} is another: {before} {after}"


@pytest.fixture(scope="module")
def hooks():
    if not os.path.exists(os.path.join(HOOKS, "sbin", "posternd")):
        pytest.fail("build it first: make TEST_HOOKS=1", pytrace=False)


@pytest.mark.deadline(60)
def test_quick_pairs(hooks, tmp_path):
    """Those that need no link: each may fall once without a long wait for its return."""
    with House(tmp_path / "p", types.SimpleNamespace(certs=Certs(str(tmp_path / "ca")))) as house:
        assert house.attack("mime-worker", "store").startswith("mime-worker")
        assert house.attack("ats-worker", "store") == "ats-worker[agency]"
        assert house.attack("control", "store") in ("store[agency]", "store[rival]")  # the newest; the host's word counts
        assert house.attack("dialer", "posternd") == "dialer"
    assert house.status == 0


@pytest.mark.long
@pytest.mark.deadline(400)
@pytest.mark.parametrize("role", ROLES)
def test_every_pair(hooks, clean, liars, tmp_path, role):
    with House(tmp_path / "p", clean, liars) as house:
        for peer in peers_of(role) + ["posternd"]:
            falls = house.attack(role, peer)
            higher = peer != "posternd" and REACH.get(role, 0) > REACH.get(peer, 0)
            assert falls.startswith(peer if higher else role)
    assert house.status == 0
