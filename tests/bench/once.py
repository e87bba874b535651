"""One run of one peer as a process of its own, with what it, and Dovecot for it, used."""

import json
import os
import subprocess
import threading
import time

from usage import Cost, peak_kb

LOOK = 0.02  # seconds between two looks at a peer's memory


def run(argv, dovecot, cwd=None):
    """
    dovecot: its process id. {"seconds" (by the peer's own clock if it prints a JSON object), "wall", "cpu",
    "dovecot", "elsewhere" (CPU seconds), "peak" (KiB), and what it printed}.
    """
    cost = Cost(dovecot)
    begin = time.monotonic()
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          cwd=cwd) as process:
        peak, over = [0], threading.Event()
        looker = threading.Thread(target=_look, args=(process.pid, peak, over))
        looker.start()
        out = process.stdout.read().decode(errors="replace")
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begin
        over.set()
        process.returncode = os.waitstatus_to_exitcode(status)
        looker.join()
    if process.returncode:
        raise RuntimeError(f"{argv[:3]}: {process.returncode}\n{out[-1500:]}")
    told = json.loads(out.strip().splitlines()[-1]) if out.strip().startswith("{") else {}
    cpu = usage.ru_utime + usage.ru_stime
    return {"seconds": wall, **told, "wall": wall, "cpu": cpu, **cost.told(cpu), "peak": peak[0]}


def _look(pid, peak, over):
    while True:
        peak[0] = max(peak[0], peak_kb(pid))
        if over.wait(LOOK):
            return
