"""From unpausing to the newest fifty messages being there for the ATS, in a mailbox that is not synced yet."""

import os
import time

import inbox
from jmap import Late
from ours import Ours, Watch
from report import median
from stage import BIG

NEWEST = 50
TIMES = 10  # the big mailbox is so many times the other


def _shown(link, last):
    """Whether the newest fifty are visible."""
    newest = {inbox.number((e["messageId"] or [""])[0]) for e in link.emails(NEWEST, properties=["messageId"])}
    return newest == set(range(last - NEWEST + 1, last + 1))


def _run(stage, user, last):
    with Ours(os.path.join(stage.dir, "page"), stage, user=user) as link:
        watch, stretch = Watch(link.ats, link.account, "Email"), link.stretch()
        link.unpause()
        while not _shown(link, last):
            watch.next(60)
            if time.monotonic() > stretch.begin + 300:
                raise Late("no first page")
        return stretch.told(watch.events.received_at)


def _figure(bench, name, user, last):
    runs = [(_run(bench.stage, user, last), bench.stage.floor("page", user=user)) for _ in range(bench.settings.runs)]
    bench.report.figure(name, median([o for o, _ in runs]), {"floor": median([f for _, f in runs])}, [], {
        "Postern": "from unpausing to the event after which Email/query has them; the rest goes on",
        "floor": "connects, logs in, selects, fetches the headers of the newest fifty"})


def figures(bench):
    box = bench.stage.mailbox
    _figure(bench, f"newest {NEWEST} of {box.count} visible", bench.stage.user, box.count - 1)
    if bench.settings.big:
        bench.stage.put(BIG, TIMES, warm=("page",))  # nobody reads more of it: gigabytes would take minutes
        _figure(bench, f"newest {NEWEST} of {box.count * TIMES} visible", BIG, box.count - 1)
