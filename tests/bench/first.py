"""The first synchronisation of a whole mailbox: bodies, and headers only."""

import os
import shutil

import complete
from imapflow import Imapflow
from mbsync import Mbsync
from ours import Ours
from rounds import rounds

DID = {
    "floor": "fetches all bodies in one command, throws them away",
    "durable floor": "the same into one file, fdatasync every 4 MiB",
    "mbsync": "a maildir, each file fsynced; parses nothing",
    "mbsync without fsync": "a maildir; parses nothing, nothing durable",
    "imapflow": "source of each message, to nothing; parses nothing, stores nothing",
    "Postern": "durable and visible by JMAP: raw, parsed, threaded, matched, filed",
    "floor of headers": "fetches all headers in one command, throws them away",
    "imapflow envelopes": "envelope, flags, size, body structure, to nothing; stores nothing, threads nothing",
}


def ours(stage, content):
    directory = os.path.join(stage.dir, "first")
    try:
        with Ours(directory, stage, content) as link:
            run = link.sync(stage.mailbox.count)
            run["peak"] = sum(run["peaks"].values())
            return run, complete.ours(link, stage)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _floor(stage, job, at_least):
    run = stage.floor(job)
    return run, None if run["bytes"] >= at_least else f"{run['bytes']} bytes of {at_least}"


def _durable(stage):
    path = os.path.join(stage.dir, "floor")
    run = stage.floor("durable", path)
    wrong = complete.file_of_floor(path, stage.mailbox)
    os.unlink(path)
    return run, wrong


def _mbsync(stage, path, fsync):
    peer = Mbsync(path, os.path.join(stage.dir, "mbsync"), stage, fsync)
    run = peer.run()
    wrong = complete.maildir(peer.maildir, stage.mailbox)
    peer.remove()
    return run, wrong


def _imapflow(stage, path, job, total):
    run = Imapflow(path, stage).run(job)
    return run, None if (run["messages"], run["bytes"]) == (stage.mailbox.count, total) else f"{run['messages']} messages"


def figures(stage, report, settings, peers):
    box, contestants = stage.mailbox, {}
    contestants["Postern"] = lambda: ours(stage, "all")
    contestants["Postern headers"] = lambda: ours(stage, "headers")
    contestants["floor"] = lambda: _floor(stage, "discard", box.total)
    contestants["durable floor"] = lambda: _durable(stage)
    contestants["floor of headers"] = lambda: _floor(stage, "headers", box.count * 500)
    if "mbsync" in peers:
        contestants["mbsync"] = lambda: _mbsync(stage, peers["mbsync"], True)
        contestants["mbsync without fsync"] = lambda: _mbsync(stage, peers["mbsync"], False)
    if "imapflow" in peers:
        contestants["imapflow"] = lambda: _imapflow(stage, peers["imapflow"], "bodies", box.total)
        contestants["imapflow envelopes"] = lambda: _imapflow(stage, peers["imapflow"], "envelopes", 0)
    seen = rounds(report, settings.runs, contestants)

    def some(*names):
        return {n: seen[n] for n in names if n in seen}
    if "Postern" in seen:
        report.figure("first sync, full bodies, until parsed and filed", seen["Postern"],
                      some("floor", "durable floor", "mbsync", "mbsync without fsync", "imapflow"),
                      [("mbsync", 0.8), ("floor", 2)], DID)
    if "Postern headers" in seen:
        report.figure("first sync, headers only", seen["Postern headers"],
                      some("floor of headers", "imapflow envelopes"), [("imapflow envelopes", 0.35)],
                      dict(DID, Postern="durable and visible: headers parsed, threaded"))
