"""Rounds: every peer once in each, another one first each time."""

from report import median, say


def rounds(report, runs, contestants, before=lambda: None):
    """
    contestants: {name: function() -> run, or (run, what is wrong)}; before() begins each round.
    {name: median of its complete runs}.
    """
    names, seen = list(contestants), {name: [] for name in contestants}
    for n in range(runs):
        turn = n % len(names)
        before()
        for name in names[turn:] + names[:turn]:
            run, wrong = contestants[name]()
            print(f"  round {n + 1}: {name} {say(run['seconds'])}", flush=True)
            if wrong:
                report.note(f"{name}: a run does not count: {wrong}")
            else:
                seen[name].append(run)
    return {name: median(found) for name, found in seen.items() if found}
