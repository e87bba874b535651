"""What was seen: a table at the end, and build/bench/results.json. A figure is never a pass condition."""

import json


def median(runs):
    """The run whose seconds are the median, with the fastest and slowest beside."""
    ordered = sorted(runs, key=lambda r: r["seconds"])
    return dict(ordered[(len(ordered) - 1) // 2], fastest=ordered[0]["seconds"], slowest=ordered[-1]["seconds"],
                runs=len(ordered), all=ordered)


def _short(run):
    """A median without all the others."""
    return dict({k: v for k, v in run.items() if k not in ("all", "stored")}, every=[r["seconds"] for r in run["all"]])


def quantile(values, q):
    return sorted(values)[min(len(values) - 1, int(q * len(values)))]


def say(seconds):
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"


def split(values, form="{:.3f}"):
    """{process: value}, the largest first. "ended": processes that are gone, mime-workers mostly."""
    return ", ".join(f"{k} {form.format(v)}" for k, v in sorted(values.items(), key=lambda kv: -kv[1]) if v >= 0.001)


class Report:
    def __init__(self, about):
        self.about = about      # {what this run is: value}
        self.figures = []
        self.notes = []         # sentences: a peer that is not there, a run that was not complete

    def note(self, text):
        self.notes.append(text)
        print("note: " + text, flush=True)

    def figure(self, name, ours, peers, goals, did=None, **more):
        """
        ours, and peers {name: ...}: what median() gives. goals: (peer, factor) each, seconds against seconds.
        did: {name: what it did and did not do}.
        """
        rows = []
        for peer, factor in goals:
            if peer in peers:
                ratio = ours["seconds"] / peers[peer]["seconds"]
                rows.append({"against": peer, "goal": factor, "ratio": round(ratio, 3), "met": ratio <= factor,
                             "cpu_ratio": round(ours["cpu"] / max(peers[peer]["cpu"], 1e-9), 3)})
        self.figures.append({"name": name, "seconds": ours["seconds"], "ours": _short(ours), "goals": rows,
                             "peers": {n: _short(p) for n, p in peers.items()}, "did": did or {}, **more})
        self._print(self.figures[-1])

    def value(self, name, value, unit, goal, detail, **more):
        """A figure with a goal of its own: at most goal (None: no goal)."""
        self.figures.append({"name": name, "value": value, "unit": unit, "goal": goal,
                             "met": None if goal is None else value <= goal, "detail": detail, **more})
        self._print(self.figures[-1])

    def _print(self, f):
        print(f"\n{f['name']}")
        if "value" in f:
            print(f"  {f['value']:.3g} {f['unit']}; {f['detail']}", flush=True)
            return
        for name, r in [("Postern", f["ours"]), *f["peers"].items()]:
            print(f"  {name:28} {say(r['seconds']):>10}  ({say(r['fastest'])} to {say(r['slowest'])}, {r['runs']} runs)  "
                  f"CPU {r['cpu']:.3f} s, Dovecot's {r['dovecot']:.3f} s, others' {r['elsewhere']:.1f} s, peak {r['peak'] / 1024:.0f} MiB")
        for name in ("Postern", *f["peers"]):
            if name in f["did"]:
                print(f"  {name} did: {f['did'][name]}")
        if "split" in f["ours"]:
            print(f"  CPU s of Postern: {split(f['ours']['split'])}")
            print("  peak KiB of Postern: " + split(f["ours"]["peaks"], "{:.0f}"), flush=True)
        if "commits" in f["ours"]:
            print(f"  commits of the store: {f['ours']['commits']}", flush=True)

    # ---- the end --------------------------------------------------------------

    def rows(self):
        """(figure, goal, seen, CPU of Postern against the peer's, met or by how much missed)"""
        for f in self.figures:
            if "value" in f:
                seen, goal = f"{f['value']:.3g} {f['unit']}", f["goal"]
                yield (f["name"], "-" if goal is None else f"at most {goal:g} {f['unit']}", seen, "-",
                       _verdict(f["value"], goal))
            for g in f.get("goals", ()):
                yield (f["name"], f"at most {g['goal']:g} x {g['against']}",
                       f"{say(f['seconds'])}, {g['ratio']:.2f} x", f"{g['cpu_ratio']:.2f} x", _verdict(g["ratio"], g["goal"]))
            if "goals" in f and not f["goals"]:
                yield f["name"], "-", say(f["seconds"]), "-", "-"

    def table(self):
        rows = [("what", "goal", "seen", "CPU", ""), *self.rows()]
        widths = [max(len(r[i]) for r in rows) for i in range(5)]
        return ["  ".join(c.ljust(w) for c, w in zip(r, widths)).rstrip() for r in rows]

    def write(self, path):
        with open(path, "w") as f:
            json.dump({"about": self.about, "notes": self.notes, "figures": self.figures}, f, indent=1)
            f.write("\n")


def _verdict(seen, goal):
    if goal is None:
        return "-"
    return "met" if seen <= goal else f"missed by {(seen / goal - 1) * 100:.0f} %"
