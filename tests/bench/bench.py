#!/usr/bin/python3
"""
make bench: Postern beside its peers, on one Dovecot over TLS, in one run. Prints every figure as it comes and a
table of goals at the end; build/bench/results.json has all of it. Figures are no tests: none of them fails it.

    COUNT=20000     messages in the mailbox (about 20 KB each)
    RUNS=5          rounds; medians of them are told
    LINKS=100       idle links for the memory of one, up to 1,000
    BIG=1           also the first page of a mailbox of ten times COUNT
    FIGURES=a,b     only these: first,resync,query,latency,page,far,idle
    PEERS=a,b       only these peers beside the floor: mbsync,imapflow
    POSTERN_BUILD=build     whose executables

Alone, with a build at hand (make B=build all bench-bins):
    COUNT=2000 RUNS=1 FIGURES=first PEERS=none /usr/bin/python3 tests/bench/bench.py
"""

import atexit
import contextlib
import os
import shutil
import signal
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "peers"), os.path.join(os.path.dirname(HERE), "hostile")]

import far  # noqa: E402
import first  # noqa: E402
import idle  # noqa: E402
import latency  # noqa: E402
import page  # noqa: E402
import query  # noqa: E402
import resync  # noqa: E402
from inbox import Mailbox  # noqa: E402
from packages import Packages  # noqa: E402
from postern import BUILD, ROOT, built  # noqa: E402
from report import Report  # noqa: E402
from settings import Settings  # noqa: E402
from stage import CHANGING, Stage  # noqa: E402

FIGURES = {"first": first.figures, "page": page.figures, "resync": resync.figures, "query": query.figures,
           "latency": latency.figures, "far": far.figures, "idle": idle.figures}


class Bench(contextlib.ExitStack):
    """What every figure gets: settings, a directory, report, peers (those at hand), stage."""

    def __init__(self, directory, work, settings):
        super().__init__()
        self.settings, self.work = settings, work
        box = Mailbox(os.path.join(directory, "mail"), settings.count)
        self.report = Report({"messages": box.count, "bytes": box.total, "rounds": settings.runs,
                              "cores": os.cpu_count(), "build": os.path.relpath(BUILD, ROOT)})
        print(f"{box.count} messages, {box.total / 1e6:.0f} MB; {settings.runs} rounds; {os.cpu_count()} cores", flush=True)
        self.peers = settings.packages(Packages(directory, self.report.note))
        self.stage = self.enter_context(Stage(work, box, settings))
        self._synced = None

    def synced(self):
        """Every peer with the whole mailbox, made when first asked for."""
        if self._synced is None:
            self._synced = self.enter_context(resync.Synced(self.stage, self.peers, CHANGING))
        return self._synced

    def run(self, figures, path):
        """One figure after the other; path has those that are done, whatever ends the run."""
        for name in figures:
            try:
                figures[name](self)
            except Exception as error:  # one figure less; the others are told
                self.report.note(f"{name}: no figure: {type(error).__name__}: {error}")
            self.report.write(path)


def main():
    if not built():
        print("run it by: make bench", file=sys.stderr)
        return 1
    settings = Settings.from_environment(FIGURES)
    directory = os.path.join(ROOT, "build", "bench")
    os.makedirs(directory, exist_ok=True)
    work = tempfile.mkdtemp(prefix="run-", dir=directory)
    os.chmod(work, 0o755)
    atexit.register(shutil.rmtree, work, ignore_errors=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ends what it started
    path = os.path.join(directory, "results.json")
    with Bench(directory, work, settings) as bench:
        bench.run({name: FIGURES[name] for name in settings.figures}, path)
    print("\n" + "\n".join(bench.report.table()))
    for note in bench.report.notes:
        print("note: " + note)
    print(f"\nwritten: {os.path.relpath(path, ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
