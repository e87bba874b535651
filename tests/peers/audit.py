"""The audit log as a reader of postern-security(7) sees it: its chain is computed here anew."""

import glob
import hashlib
import json
import os
import subprocess

from postern import POSTERNCTL

ZEROS = bytes(32)


def files(directory):
    return sorted(glob.glob(os.path.join(directory, "audit-*.log")))


def lines(directory):
    """Every line as a dict; fails where the chain does."""
    out, before = [], None
    for path in files(directory):
        for n, raw in enumerate(open(path, "rb").read().splitlines()):
            text, hash_ = raw.rsplit(b" hash=", 1)
            words = text.decode().split(" ")
            fields = dict(w.split("=", 1) for w in words[5:])
            if n == 0:
                previous = bytes.fromhex(fields["previous"])
                assert previous == (ZEROS if before is None else before)
            before = hashlib.blake2b((previous if n == 0 else before) + text, digest_size=32).digest()
            assert before.hex().encode() == hash_, raw
            assert int(words[0]) == len(out) + 1
            out.append(dict(fields, who=words[2], pid=words[3][4:], event=words[4], time=words[1]))
    return out


def of(directory, event, **fields):
    return [l for l in lines(directory) if l["event"] == event and all(l.get(k) == str(v) for k, v in fields.items())]


def one(directory, event, **fields):
    got = of(directory, event, **fields)
    assert len(got) == 1, (event, fields, [l for l in lines(directory) if l["event"] == event])
    return got[0]


def verify(*args, control="/nonexistent/socket"):
    """(exit status, the JSON of it)"""
    run = subprocess.run([POSTERNCTL, "-j", "-s", control, "audit", "verify", *args], capture_output=True, timeout=30)
    return run.returncode, json.loads(run.stdout) if run.stdout else {}
