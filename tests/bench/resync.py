"""A mailbox that is there already: nothing new in it, or ten new messages."""

import os

from imapflow import Imapflow
from mbsync import Mbsync
from ours import Ours
from rounds import rounds

NEW = 10
DID = {
    "bare": "connects, logs in, ENABLE QRESYNC, SELECT with CONDSTORE, one FETCH; keeps nothing",
    "mbsync": "from the start of its process to the end; durable; looks at all flags",
    "imapflow": "from its connection to the last answer, the start of node left out; keeps nothing",
    "Postern": "from unpausing to the event; its processes started and confined, login, list, every folder; durable",
}


class Synced:
    """Every peer with all of the mailbox, before the rounds."""

    def __init__(self, stage, peers, user):
        self.stage, self.user, self.count = stage, user, stage.mailbox.count
        self.ours = Ours(os.path.join(stage.dir, "resync-" + user), stage, user=user)
        self.mbsync = None
        if "mbsync" in peers:
            self.mbsync = Mbsync(peers["mbsync"], os.path.join(stage.dir, "mbsync-" + user), stage, True, user)
        self.imapflow = Imapflow(peers["imapflow"], stage, user) if "imapflow" in peers else None

    def __enter__(self):
        self.ours.__enter__()
        self.ours.sync(self.count)
        if self.mbsync:
            self.mbsync.run()
        return self

    def __exit__(self, *failure):
        self.ours.__exit__(*failure)
        if self.mbsync:
            self.mbsync.remove()

    def floor(self, job, argument):
        return self.stage.floor(job, argument, user=self.user)

    def same(self):
        """Contestants of a round without anything new."""
        at = self.floor("select", 1 << 40)["modseq"]
        out = {"Postern": lambda: (self.ours.resync(), None),
               "bare": lambda: (self.floor("select", at), None)}
        if self.mbsync:
            out["mbsync"] = lambda: (self.mbsync.run(), None)
        if self.imapflow:
            out["imapflow"] = lambda: (self.imapflow.run("resync", at), None)
        return out

    # ---- ten new ones -------------------------------------------------------

    def deliver(self):
        """Ten new messages, known to Dovecot; Postern is paused when they come."""
        self.ours.pause()
        self.uid = self.floor("select", 1 << 40)["uidnext"]
        self.wanted = [self.stage.deliver(self.user, n) for n in range(self.count, self.count + NEW)]
        self.count += NEW
        self.floor("select", 1 << 40)

    def new(self):
        def counted(run):
            return run, None if run["messages"] == NEW else f"{run['messages']} new messages of {NEW}"
        out = {"Postern": lambda: (self.ours.sync(self.count, look=False), self._arrived()),
               "bare": lambda: counted(self.floor("new", self.uid))}
        if self.mbsync:
            out["mbsync"] = self._mbsync
        if self.imapflow:
            out["imapflow"] = lambda: counted(self.imapflow.run("new", self.uid))
        return out

    def _arrived(self):
        """What is wrong with the newest Emails: each is there, whole, by its digest."""
        raws = {}
        for e in self.ours.emails(NEW):
            raw = self.ours.ats.download(self.ours.account, e["blobId"])
            raws[e["messageId"][0]] = raw
        return None if all(raws.get(i, b"").endswith(raw) for i, raw in self.wanted) else "not the ten that came"

    def _mbsync(self):
        run = self.mbsync.run()
        files = sum(len(os.listdir(os.path.join(self.mbsync.maildir, sub))) for sub in ("cur", "new"))
        return run, None if files == self.count else f"{files} files of {self.count}"


def figures(bench):
    synced, runs = bench.synced(), bench.settings.runs
    seen = rounds(bench.report, runs, synced.same(), before=synced.ours.pause)
    tell(bench.report, "resync, unchanged", seen, [("bare", 2)])
    seen = rounds(bench.report, runs, synced.new(), before=synced.deliver)
    tell(bench.report, f"resync, {NEW} new messages", seen, [("bare", 3)])


def tell(report, name, seen, goals):
    if "Postern" in seen:
        report.figure(name, seen.pop("Postern"), seen, goals, DID)
