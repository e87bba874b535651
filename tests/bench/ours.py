"""
Postern in the bench. The clock runs from the request that unpauses a link which was verified before, until the
last event that told a change of its Emails: nothing is asked meanwhile, so the bench costs Postern no CPU but the
events. What the clock says counts only when the look afterwards finds all of the mailbox.
"""

import contextlib
import os
import time

from jmap import Late
from peers import until
from postern import Postern
from usage import Family

QUIET = 1.5  # seconds without an event before the bench looks whether all is there


class Watch:
    """Events of one account, with their times."""

    def __init__(self, ats, account, types="Email,Link"):
        self.account, self.events = account, ats.events(types)
        self.seen = []  # (monotonic time, account, types that changed)

    def next(self, seconds):
        """The next event; Late when none comes."""
        name, data = self.events.next(seconds)
        if name == "state":
            for account, types in data["changed"].items():
                self.seen.append((self.events.received_at, account, set(types)))

    def last(self, type_="Email"):
        return max((at for at, account, types in self.seen
                    if type_ in types and account in (self.account, "ats")), default=None)

    def quiet(self, seconds=QUIET, type_="Email"):
        """Waits until seconds passed without an event of type_."""
        while True:
            since = self.last(type_) or time.monotonic()
            left = since + seconds - time.monotonic()
            if left <= 0:
                return
            with contextlib.suppress(Late):
                self.next(left)

    def close(self):
        self.events.close()


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

    @property
    def pid(self):
        return self.postern.child.pid

    def state(self):
        return self.ats.one("Link", self.account, properties=["state"])["state"]

    def pause(self):
        self.ats.update("Link", self.account, {"paused": True})
        until("paused", lambda: self.state() == "paused")

    def unpause(self):
        self.ats.update("Link", self.account, {"paused": False})

    def total(self):
        """Emails in the inbox, by its counter."""
        boxes = self.ats.get("Mailbox", self.account, properties=["role", "totalEmails"])
        return sum(b["totalEmails"] for b in boxes if b["role"] == "inbox")

    def settled(self, count):
        """Whether the link is live, has count Emails, and the last of them have their content."""
        if self.state() != "live" or self.total() < count:
            return False
        ids = self.ats.query("Email", self.account, limit=50, sort=[{"property": "receivedAt", "isAscending": True}])
        want = "full" if self.content == "all" else "header"
        return all(e["contentState"] == want
                   for e in self.ats.get("Email", self.account, ids, properties=["contentState"]))

    def sync(self, count, seconds=900):
        """Unpauses and waits for count Emails. {"seconds", "cpu", "split", "dovecot", "peaks", "events"}"""
        os.sync()
        watch = Watch(self.ats, self.account)
        ours, server = Family(self.pid), Family(self.stage.dovecot)
        begin = time.monotonic()
        self.unpause()
        while True:
            watch.quiet()
            split, dovecot, peaks = ours.spent(), server.spent(), ours.peaks()
            end = watch.last()
            if end is not None and self.settled(count):
                break
            if time.monotonic() > begin + seconds:
                raise Late(f"{self.total()} of {count} Emails after {seconds} s")
            watch.seen.append((time.monotonic(), self.account, set()))
        watch.close()
        return {"seconds": end - begin, "cpu": sum(split.values()), "split": split,
                "dovecot": sum(dovecot.values()), "peaks": peaks, "events": len(watch.seen)}

    def resync(self):
        """Pauses, then the time from unpausing to the event that says live."""
        self.pause()
        os.sync()
        watch = Watch(self.ats, self.account)
        ours, server = Family(self.pid), Family(self.stage.dovecot)
        begin = time.monotonic()
        self.unpause()
        while self.state() != "live":
            watch.next(30)
        end = watch.events.received_at
        watch.quiet(0.3, "Link")
        split, peaks = ours.spent(), ours.peaks()
        watch.close()
        return {"seconds": end - begin, "cpu": sum(split.values()), "split": split, "dovecot": sum(server.spent().values()),
                "peaks": peaks, "peak": sum(peaks.values())}
