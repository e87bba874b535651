"""A mailbox that is there already: nothing new in it, or ten new messages."""

import os
import shutil

import complete  # noqa: F401
from imapflow import Imapflow
from mbsync import Mbsync
from ours import Ours
from rounds import rounds

DID = {
    "bare select": "connects, logs in, ENABLE QRESYNC, SELECT with CONDSTORE, one FETCH CHANGEDSINCE",
    "mbsync": "process start to end; looks at all flags",
    "imapflow": "connection to answer, without the start of node; QRESYNC, FETCH CHANGEDSINCE",
    "Postern": "unpaused to live as an event: three processes started and confined, login, LIST, all folders",
}


def figures(stage, report, settings, peers):
    box = stage.mailbox
    modseq = stage.floor("select", 1 << 40)["modseq"]
    contestants = {"bare select": lambda: (stage.floor("select", modseq), None)}
    sync = None
    if "mbsync" in peers:
        sync = Mbsync(peers["mbsync"], os.path.join(stage.dir, "mbsync"), stage, True)
        sync.run()
        contestants["mbsync"] = lambda: (sync.run(), None)
    if "imapflow" in peers:
        contestants["imapflow"] = lambda: (Imapflow(peers["imapflow"], stage).run("resync", modseq), None)
    directory = os.path.join(stage.dir, "resync")
    with Ours(directory, stage) as link:
        link.sync(box.count)
        contestants["Postern"] = lambda: (link.resync(), None)
        seen = rounds(report, settings.runs, contestants)
    shutil.rmtree(directory, ignore_errors=True)
    report.figure("resync of an unchanged mailbox", seen.pop("Postern"), seen, [("bare select", 2)], DID)
