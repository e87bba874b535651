#!/usr/bin/python3
"""
make bench: Postern beside its peers, on one Dovecot over TLS, in one run. Prints every figure as it comes and a
table of goals at the end; build/bench/results.json has all of it. Figures are no tests: none of them fails it.

    COUNT=20000     messages in the mailbox (about 20 KB each)
    RUNS=5          rounds; medians of them are told
    FIGURES=a,b     only these: first,resync  (all by default)
    PEERS=a,b       only these peers beside the floor: mbsync,imapflow
    POSTERN_BUILD=build     whose executables

Alone, with a build at hand:  COUNT=2000 RUNS=1 FIGURES=first PEERS=none /usr/bin/python3 tests/bench/bench.py
"""

import atexit
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "peers"), os.path.join(os.path.dirname(HERE), "hostile")]

import first  # noqa: E402
import resync  # noqa: E402
from mailbox import Mailbox  # noqa: E402
from packages import Packages  # noqa: E402
from postern import BUILD, ROOT, built  # noqa: E402
from report import Report  # noqa: E402
from settings import Settings  # noqa: E402
from stage import Stage  # noqa: E402

FIGURES = {"first": first.figures, "resync": resync.figures}


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
    box = Mailbox(os.path.join(directory, "mail"), settings.count)
    report = Report({"messages": box.count, "bytes": box.total, "rounds": settings.runs, "cores": os.cpu_count(),
                     "build": os.path.relpath(BUILD, ROOT)})
    print(f"{box.count} messages, {box.total / 1e6:.0f} MB; {settings.runs} rounds on {os.cpu_count()} cores", flush=True)
    peers = settings.packages(Packages(directory, report.note))
    with Stage(work, box) as stage:
        for name in settings.figures:
            FIGURES[name](stage, report, settings, peers)
    path = os.path.join(directory, "results.json")
    report.write(path)
    print("\n" + "\n".join(report.table()))
    print(f"\nwritten: {os.path.relpath(path, ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
