"""
What the tests of life under fire share: executables with the shim in front of libc, an ATS that keeps a ledger of
what it was told, and the checker of databases.
"""

import http.client
import os
import random
import shutil
import struct
import subprocess
import threading
import time

from jmap import Jmap, MethodError, Problem, SetError
from peers import message, public_dir
from postern import BUILD, Postern

FIRE = os.path.join(BUILD, "fire")
NO_SPACE, NO_SYNC, NO_META = 1, 2, 4
BROKEN = (OSError, EOFError, ValueError, http.client.HTTPException)
LATER = ("serverUnavailable", "serverFail", "serverPartialFail", "store.full")


def seed_of(config):
    """The seed of this run, printed: the same one makes the same choices."""
    seed = config.getoption("--seed")
    seed = int(seed) if seed else random.SystemRandom().randrange(1 << 32)
    print(f"--seed={seed}")
    return seed


class Programs:
    """A directory with copies of posternd and all roles, made for tests, and what the test tells their shim."""

    def __init__(self, directory, clock=False, writes=False, disk=False, speed=()):
        self.dir = public_dir(directory)
        for part in ("sbin", "libexec"):
            shutil.copytree(os.path.join(FIRE, part), os.path.join(self.dir, part), dirs_exist_ok=True)
        self.clock = os.path.join(self.dir, "libexec", "clock")
        self.writes = os.path.join(self.dir, "libexec", "writes")
        os.symlink(self.clock, os.path.join(self.dir, "sbin", "clock"))
        self.disk = os.path.join(self.dir, "libexec", "disk")
        if clock:
            self.set_clock(0)
        if disk:
            self.set_disk(0)
        for role, times in dict(speed).items():
            _set(os.path.join(self.dir, "libexec", role + ".speed"), times)
        if writes:
            open(self.writes, "wb").close()

    def set_clock(self, ahead):
        """From now on the wall clock of all processes is so many seconds ahead."""
        _set(self.clock, ahead)

    def set_disk(self, faults):
        """From now on this goes wrong with the database's file: NO_SPACE, NO_SYNC, NO_META, or 0: nothing."""
        _set(self.disk, faults)


def _set(path, number):
    with open(path, "r+b" if os.path.exists(path) else "wb") as f:
        f.write(struct.pack("<q", number))


class Checked:
    """What check-store says of a database: .problems (lines) and .things {(what, account, id): [more]}."""

    def __init__(self, directory):
        run = subprocess.run([os.path.join(FIRE, "check-store"), directory], stdin=subprocess.DEVNULL,
                             capture_output=True, timeout=120)
        said = run.stderr.decode(errors="replace").splitlines()
        self.problems = [] if run.returncode == 0 else said or [f"check-store ended with {run.returncode}"]
        self.things = {}
        for line in run.stdout.decode(errors="replace").splitlines():
            what, account, id_, *more = line.split("\t")
            self.things[what, int(account), int(id_)] = more


def check_copy(postern, directory, name="agency"):
    """
    A copy of the database as a crash leaves it: the store is stopped while it is copied, so what it wrote is all
    there and what it had not written yet is not.
    """
    os.makedirs(directory, exist_ok=True)
    pid = next(p["pid"] for p in postern.processes() if p["role"] == "store" and p["ats"] == name and p["pid"])
    os.kill(pid, 19)
    try:
        while "T" not in open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0]:
            time.sleep(0.001)
        at = time.monotonic_ns()
        shutil.copy(os.path.join(postern.state, name, "data.mdb"), os.path.join(directory, "data.mdb"))
    finally:
        os.kill(pid, 18)
    return at


class Ledger:
    """What was acknowledged, and when: (monotonic ns, thing, test of what is stored)."""

    def __init__(self):
        self.lock = threading.Lock()
        self.rows = []

    def add(self, what, account, id_, holds=None):
        with self.lock:
            self.rows.append((time.monotonic_ns(), (what, account, int(id_[1:])), holds))

    def missing(self, things, at):
        """What was acknowledged before at and is not among things."""
        lost = []
        for when, thing, holds in self.rows:
            if when < at and (thing not in things or (holds and not holds(things[thing]))):
                lost.append((thing, things.get(thing)))
        return lost


class Bustle:
    """
    An ATS at work on one account, in a thread: drafts, submissions for next week, uploads, correspondents, keywords;
    and another thread that delivers mail. stop() ends both; errors that are no refusals end up in .errors.
    """

    def __init__(self, world, desk, user, rng, deliver=True):
        self.world, self.desk, self.user, self.rng = world, desk, user, rng
        self.ledger, self.errors = Ledger(), []
        self.n = self.delivered = self.refused = 0
        self.boxes, self.identity = desk.boxes(), desk.identity()["id"]
        self.account = int(desk.account[1:])
        self.stopping = threading.Event()
        jobs = [self._work] + ([self._deliver] if deliver else [])
        self.threads = [threading.Thread(target=self._guard, args=(job,), daemon=True) for job in jobs]

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(90)
            assert not thread.is_alive()

    def _guard(self, job):
        while not self.stopping.is_set():
            try:
                job()
            except (SetError, MethodError, Problem) as error:
                self.refused += 1
                self.last_refusal = error
                time.sleep(0.02)
            except BROKEN as error:
                if not self.stopping.is_set():
                    self.errors.append(repr(error))
                time.sleep(0.1)

    def _deliver(self):
        n = self.delivered
        self.world.deliver(self.user, message(f"sender{n % 7}@people.example", self.user, f"in {n}",
                                              "A line.\n" * self.rng.randrange(1, 900), f"<in.{n}@people.example>"))
        self.delivered += 1

    def _work(self):
        job = self.rng.choice([self._person, self._draft, self._draft, self._upload, self._keyword])
        self.n += 1
        job(self.n)

    def _person(self, n):
        made = self.desk.ats.create("Correspondent", kind="candidate", name=f"P {n}", emails=[f"p{n}@people.example"])
        self.ledger.add("correspondent", 0, made["id"])

    def _upload(self, n):
        data = os.urandom(self.rng.randrange(1, 150000))
        blob = self.desk.ats.upload(self.desk.account, data)["blobId"]
        self.ledger.add("blob", self.account, blob, lambda more: int(more[0]) == len(data))

    def _draft(self, n):
        """A draft and its submission, to be sent next week."""
        draft = {"mailboxIds": {self.boxes["drafts"]: True}, "keywords": {"$draft": True, "$seen": True},
                 "from": [{"name": "R", "email": self.user}], "to": [{"name": None, "email": f"p{n}@people.example"}],
                 "subject": f"out {n}", "bodyStructure": {"type": "text/plain", "partId": "1"},
                 "bodyValues": {"1": {"value": "Dear you.\n" * self.rng.randrange(1, 400)}}}
        made = self.desk.ats.create("Email", self.desk.account, **draft)
        self.ledger.add("email", self.account, made["id"])
        until_ = {"mailFrom": {"email": self.user, "parameters": {"HOLDFOR": str(7 * 86400)}},
                  "rcptTo": [{"email": f"p{n}@people.example", "parameters": None}]}
        sent = self.desk.ats.create("EmailSubmission", self.desk.account, emailId=made["id"],
                                    identityId=self.identity, envelope=until_, idempotencyKey=f"key-{n}")
        self.ledger.add("submission", self.account, sent["id"], lambda more: more == ["1", f"key-{n}"])

    def _keyword(self, n):
        ids = self.desk.ats.query("Email", self.desk.account, limit=20)
        if ids:
            id_ = self.rng.choice(ids)
            self.desk.ats.update("Email", id_, {f"keywords/kw{n}": True}, self.desk.account)
            self.ledger.add("email", self.account, id_, lambda more: f"kw{n}" in more[2].split())


def patiently(job, seconds=60):
    """job() again and again while it only fails for want of somebody who serves it."""
    end = time.monotonic() + seconds
    while True:
        try:
            return job()
        except (MethodError, SetError) as error:
            if error.type not in LATER or time.monotonic() > end:
                raise
        except Problem as error:
            if error.status < 500 or time.monotonic() > end:
                raise
        except BROKEN:
            if time.monotonic() > end:
                raise
        time.sleep(0.1)


__all__ = ["Bustle", "Checked", "Jmap", "Ledger", "Postern", "Programs", "check_copy", "patiently", "seed_of"]
