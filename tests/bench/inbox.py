"""
The bench's mailbox as files: made once under build/bench, then linked into a user's maildir as Dovecot's own
delivery names them (LF, with S= and W=, and the time of receipt as the file's).
"""

import hashlib
import json
import multiprocessing
import os
import re
import shutil

import mail

SEEN = "FRS"  # Maildir flags; one in seven is unread


def as_sent(raw):
    """raw (LF) as it goes over the wire."""
    return raw.replace(b"\n", b"\r\n")


def _make(args):
    path, n = args
    raw = mail.message(n)
    with open(path, "wb") as f:
        f.write(raw)
    os.chmod(path, 0o644)
    os.utime(path, (mail.sent_at(n), mail.sent_at(n)))
    wire = as_sent(raw)
    return len(raw), len(wire), hashlib.sha256(wire).hexdigest(), _sender(raw)


def _sender(raw):
    """Its address; None when there are others besides."""
    head = raw[:raw.index(b"\n\n")]
    return None if b"\nCc: " in head else re.search(rb"^From: .*<(.+)>$", head, re.M).group(1).decode()


class Mailbox:
    """
    count messages. sizes[n] and digests[n] are those of message n as IMAP gives it; senders[n] who wrote it, or None
    when it has further recipients.
    directory keeps the files for later runs.
    """

    def __init__(self, directory, count):
        self.dir, self.count = f"{directory}-{mail.VERSION}", count
        os.makedirs(self.dir, exist_ok=True)
        rows = self._known()
        if len(rows) < count:
            with multiprocessing.Pool() as pool:
                rows += pool.map(_make, [(self.path(n), n) for n in range(len(rows), count)], chunksize=100)
            with open(self._index() + ".new", "w") as f:
                json.dump(rows, f)
            os.replace(self._index() + ".new", self._index())
        rows = rows[:count]
        self.lengths = [r[0] for r in rows]
        self.sizes = [r[1] for r in rows]
        self.digests = [r[2] for r in rows]
        self.total = sum(self.sizes)
        self.senders = [r[3] for r in rows]

    def _index(self):
        return os.path.join(self.dir, "index.json")

    def _known(self):
        try:
            with open(self._index()) as f:
                return json.load(f)
        except FileNotFoundError:
            return []

    def path(self, n):
        return os.path.join(self.dir, f"{n:06d}")

    def fill(self, dovecot, user, times=1):
        """All messages into user's inbox, times over. Dovecot must have made the maildir."""
        base = os.path.join(dovecot.dir, "mail", user, "mail", "cur")
        for n in range(self.count * times):
            which = n % self.count
            flags = "" if n % 7 == 3 else SEEN[2] if n % 5 else SEEN[1:]
            name = f"{mail.sent_at(n)}.M{n:06d}P1.host,S={self.lengths[which]},W={self.sizes[which]}:2,{flags}"
            _link(self.path(which), os.path.join(base, name))

    def check(self, raws):
        """None when raws ({n: bytes as sent}) are what was put there, else what is wrong."""
        for n, raw in raws.items():
            if len(raw) != self.sizes[n] or hashlib.sha256(raw).hexdigest() != self.digests[n]:
                return f"message {n}: {len(raw)} bytes of {self.sizes[n]}, or others"
        return None

    def people(self, every=53):
        """Addresses of some senders: those that the ATS knows."""
        return sorted({a for a in self.senders[::every] if a})

    def sample(self, every=97):
        """Numbers to look at: a dense sample with both ends."""
        return sorted(set(range(0, self.count, every)) | set(range(min(20, self.count))) |
                      set(range(max(0, self.count - 50), self.count)))


def number(message_id):
    """n of a Message-ID of the mailbox, or None."""
    m = re.match(r"<?(\d{6})\.[0-9a-f]+@mx\d+\.people\.example>?$", message_id or "")
    return int(m.group(1)) if m else None


def _link(old, new):
    try:
        os.link(old, new)
    except OSError:
        shutil.copy2(old, new)
