"""A server 40 ms away: first sync, and a resync without anything new."""

import first
from delay import distant
from first import First, some
from resync import Synced, tell
from rounds import rounds

ROUND_TRIP = 40  # ms
WAY = f"server {ROUND_TRIP} ms away"


def figures(bench):
    with distant(bench.stage, ROUND_TRIP):
        seen = rounds(bench.report, bench.settings.runs,
                      some(First(bench.stage, bench.peers).contestants(), "Postern", "floor", "mbsync", "imapflow"))
        if "Postern" in seen:
            first.bodies(bench, f"first sync, {WAY}", seen, [("floor", 2)], [])
        with Synced(bench.stage, bench.peers, bench.stage.user) as synced:
            seen = rounds(bench.report, bench.settings.runs, synced.same(), before=synced.ours.pause)
            tell(bench.report, f"resync, {WAY}", seen, [("bare", 2)])
