"""The first synchronisation of a whole mailbox: bodies, and headers only."""

import os

import complete
from imapflow import Imapflow
from mbsync import Mbsync
from ours import Ours
from report import median
from rounds import rounds

DID = {
    "floor": "all bodies by one command, thrown away",
    "durable floor": "the same into one file, fdatasync every 4 MiB",
    "mbsync": "a maildir, each file fsynced; parses nothing",
    "mbsync without fsync": "a maildir, not durable; parses nothing",
    "imapflow": "the source of each message, thrown away; parses nothing, stores nothing",
    "Postern": "durable and visible by JMAP: raw, parsed, threaded, matched, filed",
    "floor of headers": "all headers by one command, thrown away",
    "imapflow envelopes": "envelope, flags, size and date of each, thrown away; stores nothing, threads nothing",
}
HEADERS = dict(DID, Postern="durable and visible by JMAP: headers parsed, threaded")


class First:
    """One complete run of each peer, (run, what is wrong), each from nothing."""

    def __init__(self, stage, peers):
        self.stage, self.peers, self.box = stage, peers, stage.mailbox

    def ours(self, content):
        with Ours(os.path.join(self.stage.dir, "first"), self.stage, content) as link:
            people = self.box.people() if content == "all" else []
            link.know(people)
            return link.sync(self.box.count), complete.ours(link, self.stage, people)

    def floor(self, job, at_least):
        run = self.stage.floor(job)
        return run, None if run["bytes"] >= at_least else f"{run['bytes']} bytes of {at_least}"

    def durable(self):
        path = os.path.join(self.stage.dir, "floor")
        run = self.stage.floor("durable", path)
        wrong = complete.file_of_floor(path, self.box)
        os.unlink(path)
        return run, wrong

    def mbsync(self, fsync):
        peer = Mbsync(self.peers["mbsync"], os.path.join(self.stage.dir, "mbsync"), self.stage, fsync)
        run = peer.run()
        wrong = complete.maildir(peer.maildir, self.box)
        peer.remove()
        return run, wrong

    def imapflow(self, job, total):
        run = Imapflow(self.peers["imapflow"], self.stage).run(job)
        good = (run["messages"], run["bytes"]) == (self.box.count, total)
        return run, None if good else f"{run['messages']} messages, {run['bytes']} bytes"

    def contestants(self):
        out = {"Postern": lambda: self.ours("all"), "Postern headers": lambda: self.ours("headers"),
               "floor": lambda: self.floor("discard", self.box.total), "durable floor": self.durable,
               "floor of headers": lambda: self.floor("headers", self.box.count * 500)}
        if "mbsync" in self.peers:
            out["mbsync"] = lambda: self.mbsync(True)
            out["mbsync without fsync"] = lambda: self.mbsync(False)
        if "imapflow" in self.peers:
            out["imapflow"] = lambda: self.imapflow("bodies", self.box.total)
            out["imapflow envelopes"] = lambda: self.imapflow("envelopes", 0)
        return out


def some(seen, *names):
    return {n: seen[n] for n in names if n in seen}


def bodies(bench, name, seen, stored_goals=(("mbsync", 0.5), ("floor", 2)), goals=(("mbsync", 0.8),)):
    """The two figures of a first sync with bodies."""
    peers = some(seen, "floor", "durable floor", "mbsync", "mbsync without fsync", "imapflow")
    stored = median([run["stored"] for run in seen["Postern"]["all"]])
    bench.report.figure(name + ", durable and visible", stored, peers, stored_goals,
                        dict(DID, Postern="every raw message on disk and downloadable, header parsed, threaded"))
    bench.report.figure(name + ", parsed and filed", seen["Postern"], peers, goals, DID)


def figures(bench):
    seen = rounds(bench.report, bench.settings.runs, First(bench.stage, bench.peers).contestants())
    if "Postern" in seen:
        bodies(bench, "first sync, bodies", seen)
    if "Postern headers" in seen:
        bench.report.figure("first sync, headers", seen["Postern headers"],
                            some(seen, "floor of headers", "imapflow envelopes"), [("imapflow envelopes", 0.35)], HEADERS)
