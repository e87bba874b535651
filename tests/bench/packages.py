"""
Peers that only the bench needs, fetched when it runs into build/bench/peers: isync from Debian's archive, ImapFlow
from npm by the versions in imapflow/package-lock.json. Nothing of them is installed. None where one cannot be had.
"""

import os
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))


class Packages:
    def __init__(self, directory, note):
        self.dir, self.note = os.path.join(directory, "peers"), note
        os.makedirs(self.dir, exist_ok=True)

    def _do(self, what, *commands, cwd):
        """Whether all commands did; a note with the last line when not."""
        for argv in commands:
            try:
                run = subprocess.run(argv, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                     timeout=300)
            except (OSError, subprocess.TimeoutExpired) as error:
                self.note(f"{what} is not compared: {error}")
                return False
            if run.returncode:
                last = (run.stderr or run.stdout).strip().splitlines()[-1:] or ["no reason given"]
                self.note(f"{what} is not compared: {' '.join(argv[:2])}: {last[0]}")
                return False
        return True

    def mbsync(self):
        """The path of mbsync."""
        own = shutil.which("mbsync")
        path = os.path.join(self.dir, "isync", "usr", "bin", "mbsync")
        if own or os.path.exists(path):
            return own or path
        where = os.path.join(self.dir, "deb")
        os.makedirs(where, exist_ok=True)
        if not self._do("mbsync", ["apt-get", "-q", "download", "isync"], cwd=where):
            return None
        deb = next(n for n in os.listdir(where) if n.startswith("isync_"))
        if not self._do("mbsync", ["dpkg", "-x", os.path.join(where, deb), os.path.join(self.dir, "isync")],
                        [path, "--version"], cwd=where):
            shutil.rmtree(os.path.join(self.dir, "isync"), ignore_errors=True)
            return None
        return path

    def imapflow(self):
        """The directory with ImapFlow's modules and our script."""
        where = os.path.join(self.dir, "imapflow")
        os.makedirs(where, exist_ok=True)
        lock = os.path.join(HERE, "imapflow", "package-lock.json")
        for name in os.listdir(os.path.join(HERE, "imapflow")):
            shutil.copy(os.path.join(HERE, "imapflow", name), where)
        done = os.path.join(where, "done")
        if os.path.exists(done) and os.stat(done).st_mtime >= os.stat(lock).st_mtime:
            return where
        if not self._do("ImapFlow", ["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"],
                        cwd=where):
            return None
        with open(done, "w"):
            return where
