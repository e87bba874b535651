"""One run of one peer as a process of its own, with what it, and Dovecot for it, used."""

import json
import os
import subprocess
import time

from usage import Family


class Run(dict):
    """seconds (by the peer's own clock if it tells), wall, cpu, dovecot (CPU seconds), peak (KiB), and what it printed."""


def run(argv, dovecot, env=None, cwd=None, keep=None):
    """dovecot: its process id. keep: a file for its output, else the last line is JSON if it is."""
    os.sync()  # what earlier runs wrote is not this one's burden
    server = Family(dovecot)
    begin = time.monotonic()
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=env, cwd=cwd) as process:
        out = process.stdout.read().decode(errors="replace")
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - begin
    if process.returncode:
        raise RuntimeError(f"{argv[:3]}: {process.returncode}\n{out[-1500:]}")
    told = {}
    if out.strip().startswith("{"):
        told = json.loads(out.strip().splitlines()[-1])
    return Run({"seconds": wall, **told, "wall": wall, "cpu": usage.ru_utime + usage.ru_stime,
                "dovecot": sum(server.spent().values()), "peak": usage.ru_maxrss})
