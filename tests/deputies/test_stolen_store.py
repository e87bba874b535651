"""
A store that is owned by an attacker, at the real posternd: it orders a thousand links and processes, names numbers of
another tenant, hosts that are none, security none. posternd refuses, says whose order it was, and the other tenant
notices nothing. (Its word on credentials is tested at the real vault: test_seals.c.)
"""

import os
import re
import time
import types

import pytest
from certs import Certs
from harness import HOOKS, Attacked
from proc import until
from wire import message

IMAP, SMTP = 4, 5  # enum role, roles.def
TLS, NONE = 1, 3
PROBES = 16  # LIM_PROBES_ATS
MOST_LINKS = 4


def run(unit, link=None, host="imap.invalid", security=TLS):
    return message("unit_run", unit=unit, link=unit if link is None else link, generation=1, imap_host=host,
                   imap_port=993, imap_security=security)


def start(unit, role=IMAP, keep=False):
    return message("worker_start", unit=unit, role=role, keep=keep)


PLACES = (MOST_LINKS + PROBES) * 2 + 64  # tenant_most
WRONG = {"another link's number": run(5, link=9), "a host that is none": run(5, host="evil.example\nX"),
         "no such security": run(5, security=77)}
MORE = {"no number": run(0), "a dot first": run(5, host=".evil"), "upper case": run(5, host="EVIL.example"),
        "another role": start(5, role=8)}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    if not os.path.exists(os.path.join(HOOKS, "sbin", "posternd")):
        pytest.fail("build it first: make TEST_HOOKS=1", pytrace=False)
    directory = tmp_path_factory.mktemp("stolen")
    world = types.SimpleNamespace(certs=Certs(os.path.join(directory, "ca")))
    ats = {"agency": {"max-links": MOST_LINKS}, "rival": {"max-links": MOST_LINKS}}
    with Attacked(directory / "p", world, ats=ats) as postern:
        yield postern


def order(postern, *messages, ats="agency"):
    for data in messages:
        done = postern.order(f"store[{ats}]", "raw", "peer=posternd", data=data)
        assert done == "sent 1" or done == "died signal 9", done


def workers(postern, ats):
    return {(p["role"], p["unit"]): p["pid"] for p in postern.processes() if p.get("ats") == ats and p.get("unit")}


def store_of(postern, ats):
    return [p["pid"] for p in postern.processes() if p["role"] == "store" and p["ats"] == ats][0]


def running(postern, ats):
    until(f"store[{ats}]", lambda: postern._answers(ats), seconds=20)


def test_a_thousand_links_and_processes(house):
    """limit: LIM_STARTS_PER_MINUTE_ATS LIM_STARTING_ATS LIM_PROBES_ATS"""
    rival, offset = store_of(house, "rival"), house.log_size()
    for unit in range(1, 1001):
        order(house, run(unit), start(unit, IMAP, True), start(unit, SMTP, True))
    until("refused", lambda: "refused to store[agency]: too many links and probes" in house.log_since(offset))
    units = {u for _, u in workers(house, "agency")}
    assert len(units) == MOST_LINKS + PROBES, "the limit, and not one less"
    assert house.log_since(offset).count("refused to store[agency]") < 60, "a line a second, not one each"
    assert store_of(house, "rival") == rival and house._answers("rival")
    order(house, *[message("unit_stop", unit=u) for u in range(1, 1001)])
    until("none left", lambda: not workers(house, "agency"), seconds=20)


def test_starts_have_a_pace(house):
    """Order and stop, all the time: the host forks no faster than its pace, and another tenant's workers start."""
    offset, began = house.log_size(), time.monotonic()
    order(house, run(1))
    refused = "refused to store[agency]: workers ordered too fast"
    while refused not in house.log_since(offset) and time.monotonic() < began + 15:
        for role in (IMAP, SMTP) * 10:
            order(house, start(1, role), message("worker_stop", unit=1, role=role))
    order(house, run(7), start(7, IMAP, True), ats="rival")
    until("the rival's worker", lambda: (("imapd-worker", 7) in workers(house, "rival")), seconds=10)
    order(house, message("unit_stop", unit=1))
    order(house, message("unit_stop", unit=7), ats="rival")
    until("none left", lambda: not workers(house, "agency"), seconds=20)
    log = house.log_since(offset)
    forks = len(re.findall(r"-worker\[agency/1\] ended pid=\d+", log))
    assert 0 < forks <= PLACES + (time.monotonic() - began + 1) * 10, forks
    assert refused in log


def test_numbers_of_another_tenant(house):
    order(house, run(7), start(7, IMAP, True), ats="rival")
    until("the rival's worker", lambda: (("imapd-worker", 7) in workers(house, "rival")), seconds=10)
    before = workers(house, "rival")
    order(house, message("worker_stop", unit=7, role=IMAP), message("unit_stop", unit=7), start(7, SMTP, True))
    order(house, run(1), start(1))
    until("it has its own", lambda: workers(house, "agency").keys() == {("imapd-worker", 1)}, seconds=10)
    order(house, message("unit_stop", unit=1))
    until("none left", lambda: not workers(house, "agency"), seconds=20)
    assert workers(house, "rival") == before
    order(house, start(7, SMTP, True), ats="rival")  # its unit is still there
    until("the other worker", lambda: (("smtp-worker", 7) in workers(house, "rival")), seconds=10)
    order(house, message("unit_stop", unit=7), ats="rival")
    until("none left", lambda: not workers(house, "rival"), seconds=20)


def test_security_none(house):
    """No host block allows it: no connection is ever made, and the store is told."""
    before, offset = store_of(house, "agency"), house.log_size()
    order(house, run(3, host="localhost", security=NONE), start(3))
    until("refused", lambda: "refused to store[agency]: security none unit=3 host=localhost" in house.log_since(offset))
    until("it reads on", lambda: house._answers("agency"))
    assert store_of(house, "agency") == before, "the configuration may have changed: no breach"
    assert not [p for p in house.processes() if p["role"] == "tls-worker" and p["host"] == "localhost"]
    order(house, message("unit_stop", unit=3))


@pytest.mark.parametrize("wrong", list(WRONG) + [pytest.param(w, marks=pytest.mark.long) for w in MORE])
def test_orders_that_cannot_be(house, wrong):
    rival, before, offset = store_of(house, "rival"), store_of(house, "agency"), house.log_size()
    order(house, {**WRONG, **MORE}[wrong])
    until("the end of it", lambda: "protocol breach by store[agency]" in house.log_since(offset))
    running(house, "agency")
    assert store_of(house, "agency") != before and store_of(house, "rival") == rival
