"""
Postern in the bench. The clock runs from the request that unpauses a link which was verified before, until the
last event that told a change of its Emails; what it says counts only when the look afterwards finds all of the
mailbox. Until every body is stored the bench looks at a few Emails after events, ten times a second at most: an
Email whose blobId is that of a raw message (B...) can be downloaded, parsed or not. After that it asks nothing.
"""

import contextlib
import os
import random
import shutil
import time

from jmap import Late
from peers import until
from postern import Postern
from usage import Cost, Family

PAUSE = 0.1  # seconds between two looks at what is stored
QUIET = 1.5  # seconds without an event before the bench looks whether all is there


class Watch:
    """Events of one account, with their times."""

    def __init__(self, ats, account, types="Email,Link"):
        self.account, self.events = account, ats.events(types)
        self.seen = []  # (monotonic time, account, {type: state} that changed)

    def next(self, seconds):
        """The next event; Late when none comes."""
        name, data = self.events.next(seconds)
        if name == "state":
            for account, types in data["changed"].items():
                self.seen.append((self.events.received_at, account, types))

    def last(self, type_="Email"):
        return max((at for at, account, types in self.seen
                    if type_ in types and account in (self.account, "ats")), default=None)

    def quiet(self, seconds=QUIET, type_="Email"):
        """Waits until seconds passed without an event of type_."""
        begin = time.monotonic()
        while True:
            left = max(begin, self.last(type_) or begin) + seconds - time.monotonic()
            if left <= 0:
                return
            with contextlib.suppress(Late):
                self.next(left)

    def close(self):
        self.events.close()


class Stretch:
    """A stretch of Postern's life: what it cost."""

    def __init__(self, pid, dovecot):
        self.cost, self.family = Cost(dovecot), Family(pid)
        self.begin = time.monotonic()

    def told(self, end):
        """end: when it was over by the clock; looking may be later. A run as once.run() gives it."""
        split, peaks = self.family.spent(), self.family.peaks()
        cpu = sum(split.values())
        return {"seconds": end - self.begin, "cpu": cpu, "split": split, **self.cost.told(cpu), "peaks": peaks,
                "peak": sum(peaks.values())}


def remove(directory):
    """A directory of public_dir(), which may stand elsewhere."""
    shutil.rmtree(os.path.realpath(directory), ignore_errors=True)
    if os.path.islink(directory):
        os.unlink(directory)


class Ours:
    """A posternd of its own in a directory that goes with it, and one link in it, paused."""

    def __init__(self, directory, stage, content="all", user=None):
        self.stage, self.user, self.dir = stage, user or stage.user, directory
        self.postern = Postern(directory, stage.world, log_level="info", first=1000000, content=content)
        self.content = content

    def __enter__(self):
        self.postern.start()
        self.ats = self.postern.jmap(timeout=300)
        imap = self.stage.world.endpoints(self.user)["imap"]
        self.account = self.postern.link(self.user, client=self.ats, wait=False, paused=True,
                                         imap=dict(imap, port=self.stage.port))
        until("paused", lambda: self.state() == "paused")
        return self

    def __exit__(self, *_):
        self.postern.stop()
        remove(self.dir)

    def state(self):
        return self.ats.one("Link", self.account, properties=["state"])["state"]

    def know(self, addresses):
        """Registers a candidate for each, so that mail is filed."""
        for n in range(0, len(addresses), 200):
            people = {f"c{i}": {"kind": "candidate", "name": a.split("@")[0], "emails": [a]}
                      for i, a in enumerate(addresses[n:n + 200])}
            made = self.ats.call("Correspondent/set", create=people)["created"]
            assert len(made) == len(people)

    def pause(self):
        self.ats.update("Link", self.account, {"paused": True})
        until("paused", lambda: self.state() == "paused")

    def unpause(self):
        self.ats.update("Link", self.account, {"paused": False})

    def stretch(self):
        return Stretch(self.postern.child.pid, self.stage.dovecot)

    def total(self):
        """Emails in the inbox, by its counter."""
        boxes = self.ats.get("Mailbox", self.account, properties=["role", "totalEmails"])
        return sum(b["totalEmails"] for b in boxes if b["role"] == "inbox")

    def emails(self, limit, ascending=False, properties=("contentState", "messageId", "blobId")):
        """The newest or oldest Emails, by the clock of the server."""
        ids = self.ats.query("Email", self.account, limit=limit,
                             sort=[{"property": "receivedAt", "isAscending": ascending}])
        return self.ats.get("Email", self.account, ids, properties=list(properties)) if ids else []

    def settled(self, count):
        """Whether the link is live, has count Emails, and the first and last of them have their content."""
        if self.state() != "live" or self.total() < count:
            return False
        want = "full" if self.content == "all" else "header"
        return all(e["contentState"] == want for ascending in (True, False) for e in self.emails(50, ascending))

    def sync(self, count, seconds=900, look=True):
        """
        Unpauses and waits until all count Emails are there. The run; "stored": the run until all could be read, where
        the bench shall look for that; else it only listens until nothing more comes.
        """
        watch, stretch = Watch(self.ats, self.account), self.stretch()
        commits = self.postern.commits()
        self.unpause()
        stored = self._await_stored(watch, stretch, count, seconds) if self.content == "all" and look else None
        while True:
            watch.quiet()
            run = stretch.told(watch.last() or stretch.begin)
            if watch.last() and self.settled(count):
                break
            if time.monotonic() > stretch.begin + seconds:
                raise Late(f"{self.total()} of {count} Emails after {seconds} s")
        watch.close()
        return dict(run, events=len(watch.seen), stored=stored, commits=self.postern.commits() - commits)

    def _await_stored(self, watch, stretch, count, seconds):
        """A run that ends with the first event after which the raw bytes of all sampled Emails can be read."""
        ids, looked = None, 0
        while True:
            with contextlib.suppress(Late):
                watch.next(PAUSE)
            now = time.monotonic()
            if now > stretch.begin + seconds:
                raise Late(f"bodies not stored after {seconds} s")
            if now < looked + PAUSE or watch.last() is None or watch.last() < looked:
                continue
            looked, end = now, watch.last()
            if ids is None and self.total() >= count:
                ids = self.sample()
            if ids and self._readable(ids[:10]) and self._readable(ids):
                return stretch.told(end)

    def sample(self, some=200):
        """Ids of Emails: the oldest ten, then others."""
        ids = self.ats.query_all("Email", self.account, sort=[{"property": "receivedAt", "isAscending": True}])
        return ids[:10] + random.sample(ids, min(some, len(ids)))

    def _readable(self, ids):
        rows = self.ats.get("Email", self.account, list(dict.fromkeys(ids)), properties=["blobId"])
        return all(e["blobId"].startswith("B") for e in rows)

    def resync(self):
        """From unpausing to the event that says live. Must be paused."""
        watch, stretch = Watch(self.ats, self.account, "Link"), self.stretch()
        self.unpause()
        while self.state() != "live":
            watch.next(30)
        end = watch.events.received_at
        run = stretch.told(end)
        watch.close()
        return run
