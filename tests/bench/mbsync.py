"""mbsync of Debian's isync, pulling the inbox into a maildir."""

import os
import shutil
import subprocess

from once import run

CONFIG = """
FSync {fsync}

IMAPAccount there
Host {server[0]}
Port {server[1]}
User "{server[3]}"
Pass "{server[4]}"
SSLType IMAPS
CertificateFile {server[2]}
SystemCertificates no
AuthMechs LOGIN

IMAPStore far
Account there

MaildirStore near
Path {d}/box/
Inbox {d}/INBOX

Channel all
Far :far:
Near :near:
Patterns INBOX
Sync Pull
Create Near
Expunge None
CopyArrivalDate yes
SyncState {d}/state/
"""


class Mbsync:
    """One maildir in directory; run() synchronises it, the first time all of it."""

    def __init__(self, path, directory, stage, fsync, user=None):
        self.path, self.dir, self.stage = path, directory, stage
        shutil.rmtree(directory, ignore_errors=True)
        for sub in ("", "state", "box"):
            os.makedirs(os.path.join(directory, sub))
        self.conf = os.path.join(directory, "mbsyncrc")
        with open(self.conf, "w") as f:
            f.write(CONFIG.format(fsync="yes" if fsync else "no", server=stage.server(user), d=directory))

    def run(self):
        return run([self.path, "-q", "-c", self.conf, "all"], self.stage.dovecot)

    @property
    def maildir(self):
        return os.path.join(self.dir, "INBOX")

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def version(path):
    out = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
    return out.strip() or "mbsync"
