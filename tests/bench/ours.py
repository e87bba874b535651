"""
Postern in the bench. The clock runs from the request that unpauses a link which was verified before, until the
last event that told a change of its Emails: nothing is asked meanwhile, so the bench costs Postern no CPU but the
events. What the clock says counts only when the look afterwards finds all of the mailbox.
"""

import contextlib
import time

from jmap import Late
from peers import until
from postern import Postern
from usage import Cost, Family

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
        """end: when it was over by the clock; looking may be later. A run as run.run() gives it."""
        split, peaks = self.family.spent(), self.family.peaks()
        cpu = sum(split.values())
        return {"seconds": end - self.begin, "cpu": cpu, "split": split, **self.cost.told(cpu), "peaks": peaks,
                "peak": sum(peaks.values())}


class Ours:
    """A posternd of its own, and one link in it, paused."""

    def __init__(self, directory, stage, content="all", user=None):
        self.stage, self.user = stage, user or stage.user
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

    def state(self):
        return self.ats.one("Link", self.account, properties=["state"])["state"]

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

    def sync(self, count, seconds=900):
        """Unpauses and waits until all count Emails are there. The run."""
        watch, stretch = Watch(self.ats, self.account), self.stretch()
        self.unpause()
        while True:
            watch.quiet()
            run = stretch.told(watch.last() or stretch.begin)
            if watch.last() and self.settled(count):
                break
            if time.monotonic() > stretch.begin + seconds:
                raise Late(f"{self.total()} of {count} Emails after {seconds} s")
        watch.close()
        return dict(run, events=len(watch.seen))

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
