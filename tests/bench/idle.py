"""What a link costs that only waits: private memory by process and by library, and how often it wakes."""

import collections
import os
import time

from jmap import SetError
from ours import remove
from peers import until
from postern import Postern
from procs import private_kb, ran, resident_kb

GOAL = 400      # KiB
SETTLED = 35    # seconds until posternd has asked all that ran whether they are there
WATCHED = 60    # seconds of looking at wakeups; the server says nothing of itself meanwhile (stage.py)
LINKS_OWN = ("imapd-worker", "tls-worker")  # what there is because of the links


def users(count):
    return {f"idle{n}@agency.example": "idle.Secret-1" for n in range(count + 1)}


def _private(postern):
    """{role: KiB} of all processes."""
    by_role = collections.Counter()
    for p in postern.processes():
        kb = private_kb(p["pid"])
        by_role[p["role"]] += resident_kb(p["pid"]) if kb is None else kb
    return by_role


def by_file(pid):
    """{file or kind of memory: private KiB} of one process."""
    out, name = collections.Counter(), None
    with open(f"/proc/{pid}/smaps") as f:
        for line in f:
            words = line.split()
            if not words[0].endswith(":"):
                name = os.path.basename(words[5]) if len(words) > 5 else "anonymous"
            elif words[0] in ("Private_Clean:", "Private_Dirty:"):
                out[name] += int(words[1])
    return {k: v for k, v in out.most_common() if v}


def _wakeups(postern):
    """{role: times that its processes came back from waiting}"""
    out = collections.Counter()
    for p in postern.processes():
        if p["pid"]:
            out[p["role"]] += ran(p["pid"])[0]
    return out


def _link(postern, ats, name):
    """False when it were too many at a time."""
    try:
        return postern.link(name, client=ats, wait=False, verify=False)
    except SetError as error:
        if error.type != "rateLimit":
            raise
        return False


def _link_all(postern, names):
    ats = postern.jmap(timeout=300)
    for name in names:
        until("a place for one more link", lambda n=name: _link(postern, ats, n), seconds=120, pause=1)

    def live():
        ids = ats.query_all("Link")
        return all(link["state"] == "live" for link in ats.get_all("Link", "ats", ids, properties=["state"]))
    until("all links live", live, seconds=600, pause=1)


def figures(bench):
    names = sorted(users(bench.settings.links))
    directory = os.path.join(bench.stage.dir, "idle")
    try:
        with Postern(directory, bench.stage.world, log_level="info",
                     ats={"agency": {"max-links": len(names) + 10}}) as postern:
            _link_all(postern, names[:1])
            before = _private(postern)
            _link_all(postern, names[1:])
            time.sleep(3)  # bodies and parsers of the start are done
            after = _private(postern)
            time.sleep(SETTLED)
            woken = _wakeups(postern)
            time.sleep(WATCHED)
            woken = {r: n - woken[r] for r, n in _wakeups(postern).items() if n > woken[r]}
            files = {role: by_file(postern.pids(role)[-1]) for role in ("imapd-worker", "tls-worker")}
    finally:
        remove(directory)
    links = len(names) - 1
    each = {r: (after[r] - before[r]) / links for r in after if after[r] != before[r]}
    bench.report.value(
        "private memory per idle link", sum(each.values()), "KiB", GOAL,
        f"{links} links more; KiB each: " + ", ".join(f"{r} {kb:.0f}" for r, kb in sorted(each.items(), key=lambda x: -x[1])),
        each=each, files=files)
    bench.report.value(
        "times a minute that an idle link's processes run", sum(woken.get(r, 0) for r in LINKS_OWN) * 60 / WATCHED / len(names),
        "", 0, f"in {WATCHED} s, by all processes of a role together: "
        + (", ".join(f"{r} {n}" for r, n in sorted(woken.items())) or "none"), woken=woken)
    for role, kb in files.items():
        print(f"  private KiB of one {role}: " + ", ".join(f"{k} {v}" for k, v in list(kb.items())[:10]), flush=True)
