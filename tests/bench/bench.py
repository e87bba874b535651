#!/usr/bin/python3
"""
make bench: figures of Postern beside what the same Dovecot gives a client that does the least, in one run.
Prints a line each; build/bench/results.json is a list of {name, value, unit, goal, met, detail}. No pass or fail.
COUNT=N takes another number of messages, LINKS=N another number of idle links.
"""

import atexit
import json
import os
import random
import re
import shutil
import socket
import statistics
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "peers"), os.path.join(os.path.dirname(HERE), "hostile")]

from desk import Desk  # noqa: E402
from jmap import Late  # noqa: E402
from liar import Liars  # noqa: E402
from peers import CANDIDATE, RECRUITER, USERS, World, message, until  # noqa: E402
from postern import ROOT, Postern, built  # noqa: E402
from procs import private_kb, resident_kb  # noqa: E402
from save_sent import relaying  # noqa: E402

COUNT = int(os.environ.get("COUNT", "5000"))
LINKS = int(os.environ.get("LINKS", "20"))
ROUNDS = 40
results = []


def result(name, value, unit, goal, met, detail):
    results.append({"name": name, "value": round(value, 3), "unit": unit, "goal": goal, "met": met, "detail": detail})
    print(f"{name}: {value:.3g} {unit} (goal {goal}: {'met' if met else 'missed'}); {detail}", flush=True)


# ---- the mailbox -----------------------------------------------------------------

def sizes(count, seed=7):
    """Mixed as mail is: mostly a few KB, some tens, a few with files."""
    rnd = random.Random(seed)
    for n in range(count):
        kind = rnd.random()
        low, high = (1500, 6000) if kind < 0.7 else (15000, 60000) if kind < 0.95 else (100000, 400000)
        yield n, rnd.randrange(low, high)


def fill(world, user, count):
    """Straight into the maildir; the total in bytes."""
    base = os.path.join(world.dovecot.dir, "mail", user, "mail")
    world.mails(user)  # makes the maildir
    line = b"The quick brown fox jumps over the lazy dog, and so the letter goes on and on.\r\n"
    total = 0
    for n, size in sizes(count):
        raw = message(f"p{n % 500}@fair.example", user, f"Bench {n}", "x\n", f"<{n}@bench.example>")
        raw += line * (size // len(line))
        path = os.path.join(base, "cur", f"{1700000000 + n}.bench{n}.host,S={len(raw)}:2,")
        with open(path, "wb") as f:
            f.write(raw)
        if os.geteuid() == 0:
            os.chown(path, world.dovecot.mail_uid, world.dovecot.mail_gid)
        total += len(raw)
    return total


class Floor:
    """The least a client can do: one TLS connection, no parsing."""

    def __init__(self, world, user):
        raw = socket.create_connection(("localhost", world.dovecot.imaps))
        self.socket = world.tls().wrap_socket(raw, server_hostname="localhost")
        self.read_until(b"\r\n* OK")
        self.command(f"LOGIN {user} {world.password(user)}")

    def read_until(self, mark):
        tail, count = b"\r\n", 0
        while mark not in tail:
            data = self.socket.recv(262144)
            if not data:
                raise EOFError("Dovecot hung up")
            count += len(data)
            tail = tail[-200:] + data
        return count

    def command(self, text):
        self.socket.sendall(b"a " + text.encode() + b"\r\n")
        return self.read_until(b"\r\na OK")

    def close(self):
        self.socket.close()


def floor_fetch(world, user, total):
    begin = time.monotonic()
    client = Floor(world, user)
    client.command("SELECT INBOX")
    got = client.command("UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])")
    client.close()
    assert got >= total, f"{got} of {total} bytes"
    return time.monotonic() - begin


def floor_select(world, user):
    begin = time.monotonic()
    client = Floor(world, user)
    client.command("ENABLE QRESYNC")
    client.command("SELECT INBOX (CONDSTORE)")
    client.command("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1000000000)")
    client.close()
    return time.monotonic() - begin


# ---- the figures -------------------------------------------------------------------

def wait_whole(desk, count, seconds=900):
    """Until all count Emails are there with their content: counted, not believed."""
    whole = set()

    def done():
        if desk.ats.call("Email/query", desk.account, limit=1, calculateTotal=True)["total"] < count:
            return False
        todo = [i for i in desk.ats.query_all("Email", desk.account) if i not in whole]
        rows = desk.ats.get_all("Email", desk.account, todo, properties=["contentState"])
        whole.update(r["id"] for r in rows if r["contentState"] == "full")
        return len(whole) >= count
    until("first sync", done, seconds=seconds, pause=0.1)


def first_sync(world, postern, total):
    floor = statistics.median(floor_fetch(world, RECRUITER, total) for _ in range(3))
    ats = postern.jmap(timeout=300)
    begin = time.monotonic()
    desk = Desk(ats, postern.link(RECRUITER, client=ats, wait=False), RECRUITER)
    wait_whole(desk, COUNT)
    took = time.monotonic() - begin
    result("first sync against fetch and discard", took / floor, "x", "at most 3", took <= 3 * floor,
           f"{COUNT} messages, {total / 1e6:.0f} MB: {took:.1f} s, every Email whole; floor {floor:.2f} s "
           f"({COUNT / took:.0f} messages/s)")
    return desk


def resync(world, desk):
    floor = statistics.median(floor_select(world, RECRUITER) for _ in range(5))
    times = []
    for _ in range(5):
        desk.ats.update("Link", desk.account, {"paused": True})
        desk.ats.wait_for(lambda: desk.ats.one("Link", desk.account)["state"] == "paused")
        begin = time.monotonic()
        desk.ats.update("Link", desk.account, {"paused": False})
        desk.ats.wait_for(lambda: desk.ats.one("Link", desk.account)["state"] == "live", 60)
        times.append(time.monotonic() - begin)
    took = statistics.median(times)
    result("resync without change against a bare select", took / floor, "x", "at most 4", took <= 4 * floor,
           f"{took * 1000:.0f} ms from unpaused to live, process start and sandbox included; "
           f"floor with connection and login {floor * 1000:.0f} ms")


def idle_client(world, user, seen, ready, stop):
    """A client that only idles: when it hears of each new message."""
    client = Floor(world, user)
    client.command("SELECT INBOX")
    client.socket.sendall(b"b IDLE\r\n")
    client.read_until(b"+ idling")
    ready.set()
    client.socket.settimeout(0.5)
    while not stop.is_set():
        try:
            data = client.socket.recv(65536)
        except TimeoutError:
            continue
        if re.search(rb"\* \d+ EXISTS", data):
            seen.append(time.monotonic())
    client.close()


def latency(world, desk):
    seen, ready, stop, took, raw = [], threading.Event(), threading.Event(), [], []
    threading.Thread(target=idle_client, args=(world, RECRUITER, seen, ready, stop), daemon=True).start()
    assert ready.wait(15)
    with desk.ats.events("Email") as events:
        world.deliver(RECRUITER, message(CANDIDATE, RECRUITER, "warm up"))
        until("IDLE", lambda: seen)
        settle(events)
        for n in range(ROUNDS):
            before, heard = desk.ats.state("Email", desk.account), len(seen)
            mail = message(CANDIDATE, RECRUITER, f"latency {n}")
            begin = time.monotonic()
            world.deliver(RECRUITER, mail)
            events.until(lambda d: d["changed"].get(desk.account, {}).get("Email", before) != before)
            took.append((events.received_at - begin) * 1000)
            until("IDLE", lambda: len(seen) > heard)
            raw.append((seen[heard] - begin) * 1000)
            settle(events)
    stop.set()
    over = statistics.median(took) - statistics.median(raw)
    result("LMTP delivery to event, over a raw IDLE client", over, "ms", "at most 20", over <= 20,
           f"{ROUNDS} mails: median {statistics.median(took):.1f} ms, worst {max(took):.1f} ms; "
           f"raw IDLE median {statistics.median(raw):.1f} ms, worst {max(raw):.1f} ms")


def total_private(postern):
    """({role: KiB}, all KiB) of the processes there are because of links."""
    by_role = {}
    for p in postern.processes():
        kb = private_kb(p["pid"])
        by_role[p["role"]] = by_role.get(p["role"], 0) + (resident_kb(p["pid"]) if kb is None else kb)
    return by_role, sum(by_role.values())


def memory_of_idle_links(world, postern, users):
    ats = postern.jmap()
    postern.link(users[0], client=ats)
    before_roles, before = total_private(postern)
    for user in users[1:]:
        postern.link(user, client=ats)
    with ats.events() as events:
        settle(events, 1.5)
    after_roles, after = total_private(postern)
    n = len(users) - 1
    split = ", ".join(f"{r} {(after_roles.get(r, 0) - before_roles.get(r, 0)) / n:.0f}"
                      for r in sorted(after_roles) if after_roles.get(r, 0) != before_roles.get(r, 0))
    each = (after - before) / n
    result("private memory per idle link", each, "KiB", "under 400", each < 400, f"{n} links more; KiB each: {split}")


def settle(events, seconds=1.0):
    """Until nothing more is told: the text and its note come after the message."""
    while _event_within(events, seconds):
        pass


def _event_within(events, seconds):
    try:
        return events.next(seconds)
    except Late:
        return None


def main():
    if not built():
        print("run it by: make bench", file=sys.stderr)
        return 1
    directory = os.path.join(ROOT, "build", "bench")
    os.makedirs(directory, exist_ok=True)
    work = tempfile.mkdtemp(prefix="run-", dir=directory)
    os.chmod(work, 0o755)
    atexit.register(shutil.rmtree, work, ignore_errors=True)
    idle = [f"idle{n}@agency.example" for n in range(LINKS + 1)]
    users = dict(USERS, **{u: "idle.Secret-1" for u in idle})
    with World(os.path.join(work, "w"), users=users, postfix=False) as world:
        with Liars(world.certs) as liars:
            world.other_smtp = liars.start(relaying(world))
            total = fill(world, RECRUITER, COUNT)
            run = os.path.join(work, "p")
            with Postern(run, world, log_level="info", first=1000000) as postern:
                desk = first_sync(world, postern, total)
                resync(world, desk)
                latency(world, desk)
            with Postern(run + "b", world, log_level="info") as postern:
                memory_of_idle_links(world, postern, idle)
    path = os.path.join(directory, "results.json")
    with open(path, "w") as f:
        json.dump(results, f, indent=1)
        f.write("\n")
    print(f"written: {os.path.relpath(path, ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
