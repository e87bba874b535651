"""
The audit log while its own tellers are stolen: a store that says what only the vault may say, one that floods, one
that breaks the vault's rules, a tls-worker that guesses tickets. Each is named, bounded, and takes no line from others.
"""

import os
import re
import struct

import pytest
from audit import lines, of, verify
from harness import HOOKS, Attacked
from peers import RECRUITER
from postern import ROOT
from proc import until

FLOOD = 30000
STORE, BURST = "store[agency]", 1000


def number(table, name):
    """Of a row of common/TABLE.def: they count from 1."""
    text = re.sub(r"/\*.*?\*/", "", open(f"{ROOT}/common/{table}.def").read(), flags=re.S)
    return 1 + re.findall(r"^(?:MSG|AUDIT)\((\w+),", text, re.M).index(name)


def text(s):
    return struct.pack("<I", len(s)) + s.encode()


def event(name, fields):
    return struct.pack("<HHI", number("messages", "audit"), number("audit", name), len(fields)) + fields


RELEASED = event("credential_released", text("agency") + struct.pack("<II", 1, 1) + text("imap") + text("x.example") +
                 struct.pack("<H", 993) + text("PLAIN") + struct.pack("<Q", 7))
DEMAND = event("content_demand", struct.pack("<IIQ", 1, 0, 99) + text("fetching"))


def guess(ticket):
    mechanisms = struct.pack("<H", 5) + b"PLAIN"
    return struct.pack("<HQI", number("messages", "auth_begin"), ticket, len(mechanisms)) + mechanisms + \
        struct.pack("<BI", 0, 0)


@pytest.fixture(scope="module")
def night(world, tmp_path_factory):
    """What they all did, after the end: the directory of the log."""
    if not os.path.exists(os.path.join(HOOKS, "sbin", "posternd")):
        pytest.fail("build it first: make TEST_HOOKS=1", pytrace=False)
    world.clear(RECRUITER)
    postern = Attacked(tmp_path_factory.mktemp("stolen") / "postern", world)
    postern.audit = os.path.join(postern.state, "audit")
    postern.start()
    try:
        postern.link(RECRUITER, client=postern.jmap())
        tls = [p for p in postern.processes() if p["role"] == "tls-worker"][0]
        for ticket in range(1, 11):
            postern.order(f"tls-worker[agency/{tls['host']}]", "raw", "peer=vault", data=guess(ticket))
        until("the guesses are told", lambda: len(of(postern.audit, "ticket.refused")) == 10)
        postern.guesses = of(postern.audit, "ticket.refused")  # later a login may lose its store, and be refused too
        assert postern.order(STORE, "raw", f"peer=posternd times={FLOOD}", data=DEMAND) == f"sent {FLOOD}"
        postern.ctl("show", "links")
        postern.order(STORE, "raw", "peer=vault", data=b"\xff\xff")
        until("the vault accuses", lambda: of(postern.audit, "process.broken", who="vault"))
        until("a fresh store", lambda: postern._answers("agency"))
        postern.order(STORE, "raw", "peer=posternd", data=RELEASED)
        until("posternd noticed", lambda: of(postern.audit, "process.broken", who="posternd"))
        until("a fresh store", lambda: postern._answers("agency"))
        postern.running = verify(control=postern.control)
    finally:
        assert postern.stop() == 0
    return postern


def test_the_chain_holds(night):
    assert night.running[0] == 0 and night.running[1]["compared"]
    assert verify("-d", night.audit)[0] == 0


def test_nobody_speaks_for_the_vault(night):
    assert {l["who"] for l in of(night.audit, "credential.released")} == {"vault"}
    broken = of(night.audit, "process.broken", who="posternd")
    assert [(b["accused"], b["ended"]) for b in broken] == [(STORE, STORE)]


def test_who_accused_whom(night):
    broken = of(night.audit, "process.broken", who="vault")
    assert [(b["accused"], b["ended"]) for b in broken] == [(STORE, STORE)] and broken[0]["accused_pid"] != "0"


def test_a_flood_is_bounded_and_counted(night):
    told = of(night.audit, "content.demand", who=STORE)
    dropped = of(night.audit, "audit.dropped", kind="content.demand", process=STORE)
    assert BURST <= len(told) < BURST + 100
    assert len(told) + sum(int(d["count"]) for d in dropped) == FLOOD, "nothing is lost silently"
    assert of(night.audit, "admin.command", verb="show_links"), "others are heard meanwhile"


def test_guessed_tickets_name_who_came(night):
    assert len(night.guesses) == 10
    for g in night.guesses:
        assert (g["who"], g["role"], g["ats"], g["host"], g["reason"]) == (
            "vault", "tls-worker", "agency", "localhost", "unknown")
    assert lines(night.audit)[0]["event"] == "audit.file" and of(night.audit, "config.weak", setting="test-hooks-build")
