"""
A private mail world under one directory: certificate authority, Dovecot, Postfix, and plain clients to look at it.
Used by the tests and by the demo. Nothing of the system is touched and all of it ends with this process.

    with World(directory) as world:
        world.deliver("recruiter@agency.example", message_bytes)
        with world.imap("recruiter@agency.example") as client: ...
"""

import atexit
import contextlib
import email
import email.policy
import email.utils
import imaplib
import os
import re
import shutil
import smtplib
import ssl
import tempfile
import time

from certs import Certs
from dovecot import Dovecot
from postfix import Postfix, privilege
from proc import Child, NotReady, connects, free_port, reachable_by_others, until  # noqa: F401 (for users of peers)

RECRUITER = "recruiter@agency.example"
COLLEAGUE = "colleague@agency.example"
CANDIDATE = "candidate@people.example"
CONTACT = "contact@client.example"
OTHER = "recruiter@rival.example"
USERS = {RECRUITER: "rec.Secret-17", COLLEAGUE: "col.Secret-23", CANDIDATE: "cand.Secret-42",
         CONTACT: "cont.Secret-51", OTHER: "riv.Secret-66"}

MAX_DIRECTORY = 60  # longer, and socket paths of Dovecot pass the 107 bytes of sun_path


def public_dir(path, keep=False):
    """
    A directory that other users can walk to and whose name is short enough for sockets. It is path itself,
    or, where path is too deep or below a closed home, a new one under /tmp that path then points to, removed
    at exit unless keep (or POSTERN_KEEP in the environment).
    """
    path = os.path.abspath(path)
    if os.path.islink(path):
        os.unlink(path)
    if len(path) <= MAX_DIRECTORY and (os.geteuid() != 0 or reachable_by_others(os.path.dirname(path))):
        os.makedirs(path, exist_ok=True)
        os.chmod(path, 0o755)
        return path
    os.makedirs(os.path.dirname(path), exist_ok=True)
    real = tempfile.mkdtemp(prefix="postern-", dir="/tmp")
    os.chmod(real, 0o755)
    if os.path.isdir(path):
        shutil.rmtree(path)
    os.symlink(real, path)
    if not keep and "POSTERN_KEEP" not in os.environ:
        atexit.register(shutil.rmtree, real, ignore_errors=True)
    return real


class World:
    """postfix=None: with Postfix if it can be run here. certs: another world's. Other keywords go to Dovecot."""

    def __init__(self, directory, users=None, postfix=None, certs=None, keep=False, **dovecot):
        self.dir = public_dir(directory, keep)
        self.users = dict(USERS if users is None else users)
        self.certs = certs or Certs(os.path.join(self.dir, "ca"))
        self.dovecot = Dovecot(os.path.join(self.dir, "dovecot"), self.certs, self.users, keep=keep, **dovecot)
        self.other_smtp = None
        self.postfix = None
        if postfix or (postfix is None and privilege() is not None):
            self.postfix = Postfix(os.path.join(self.dir, "postfix"), self.certs, self.dovecot, keep=keep)
            self.dovecot.on_restart = self.postfix.reload

    def start(self):
        self.dovecot.start()
        if self.postfix:
            self.postfix.start()
        return self

    def stop(self):
        if self.postfix:
            self.postfix.stop()
        self.dovecot.stop()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    # ---- what a link needs -------------------------------------------------

    def password(self, user):
        return self.dovecot.users[user]

    def endpoints(self, user, host="localhost"):
        """imap and smtp of a Link, by implicit TLS."""
        imap = {"host": host, "port": self.dovecot.imaps, "security": "tls", "user": user}
        return {"imap": imap, "smtp": {"host": host, "port": self.smtp_port(), "security": "tls", "user": user}}

    def smtp_port(self):
        """Submission by implicit TLS: other_smtp (a Server of tests/hostile) when set, else Postfix."""
        return self.other_smtp.port if self.other_smtp else self.postfix.tls if self.postfix else 1

    # ---- plain clients -----------------------------------------------------

    def tls(self):
        return ssl.create_default_context(cafile=self.certs.ca)

    def deliver(self, rcpt, message, sender="somebody@people.example"):
        """message (bytes) into the inbox of rcpt by LMTP, as any mail server would."""
        message = re.sub(rb"\r?\n", b"\r\n", message)
        with smtplib.LMTP("127.0.0.1", self.dovecot.lmtp) as client:
            refused = client.sendmail(sender, [rcpt], message)
        if refused:
            raise NotReady(f"LMTP refused {refused}")

    def fill(self, user, n):
        """n messages into the inbox of a user who has none, without a word to the server."""
        home = os.path.join(self.dovecot.dir, "mail", user)
        for folder in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(home, "mail", folder))
        for i in range(n):
            with open(os.path.join(home, "mail", "new", f"17000000{i:05}.M1P1.host"), "wb") as f:
                f.write(message(CANDIDATE, user, f"mail {i}"))
        if os.geteuid() == 0:
            for path, _, files in os.walk(home):
                for name in [path] + [os.path.join(path, f) for f in files]:
                    shutil.chown(name, self.dovecot.mail_uid, self.dovecot.mail_gid)

    def submit(self, user, rcpts, message, port=None):
        """Sends as another mail program of user would: submission with STARTTLS and AUTH."""
        with smtplib.SMTP("localhost", port or self.postfix.starttls, timeout=30) as client:
            client.starttls(context=self.tls())
            client.login(user, self.password(user))
            return client.sendmail(user, rcpts, message)

    @contextlib.contextmanager
    def imap(self, user):
        client = imaplib.IMAP4_SSL("localhost", self.dovecot.imaps, ssl_context=self.tls(), timeout=30)
        try:
            client.login(user, self.password(user))
            yield client
        finally:
            with contextlib.suppress(Exception):
                client.logout()

    def append(self, user, folder, message, flags="", date=None):
        """Puts message into folder as another client does; returns its UID."""
        with self.imap(user) as client:
            status, data = client.append(folder, f"({flags})", date or imaplib.Time2Internaldate(time.time()), message)
            assert status == "OK", data
            return int(re.search(rb"APPENDUID \d+ (\d+)", data[0]).group(1))

    def mails(self, user, folder="INBOX"):
        """All messages of folder, without touching any flag, oldest UID first."""
        with self.imap(user) as client:
            status, _ = client.select(_quoted(folder), readonly=True)
            if status != "OK":
                return []
            status, data = client.uid("FETCH", "1:*", "(UID FLAGS INTERNALDATE BODY.PEEK[])")
            return [Mail(*item) for item in data if isinstance(item, tuple)]

    def folders(self, user):
        with self.imap(user) as client:
            _, rows = client.list()
            return {re.search(rb'" "?([^"]+)"?$', row).group(1).decode() for row in rows}

    def find(self, user, folder, subject=None, message_id=None):
        """Messages of folder by decoded subject or Message-ID."""
        return [m for m in self.mails(user, folder)
                if (subject is None or m.subject == subject)
                and (message_id is None or m.message_id.strip("<>") == message_id.strip("<>"))]

    def store(self, user, folder, uid, change, flags):
        """change is '+' or '-'; flags as '\\Seen' or '\\Seen $Work'."""
        with self.imap(user) as client:
            client.select(_quoted(folder))
            status, data = client.uid("STORE", str(uid), change + "FLAGS.SILENT", f"({flags})")
            assert status == "OK", data

    def move(self, user, folder, uid, target):
        with self.imap(user) as client:
            client.select(_quoted(folder))
            status, data = client.uid("MOVE", str(uid), _quoted(target))
            assert status == "OK", data

    def expunge(self, user, folder, uid):
        with self.imap(user) as client:
            client.select(_quoted(folder))
            client.uid("STORE", str(uid), "+FLAGS.SILENT", "(\\Deleted)")
            status, data = client.uid("EXPUNGE", str(uid))
            assert status == "OK", data

    def clear(self, user):
        """Empties every folder of user."""
        for folder in self.folders(user):
            with self.imap(user) as client:
                if client.select(_quoted(folder))[0] == "OK":
                    client.uid("STORE", "1:*", "+FLAGS.SILENT", "(\\Deleted)")
                    client.expunge()


class Mail:
    """One fetched message: uid, flags (set of str), raw (bytes), subject, message_id."""

    def __init__(self, head, raw):
        self.uid = int(re.search(rb"UID (\d+)", head).group(1))
        flags = re.search(rb"FLAGS \(([^)]*)\)", head).group(1).decode()
        self.flags = set(flags.split()) - {"\\Recent"}
        self.raw = raw
        # The header alone: Python's own parser gives in to what some tests send.
        head = email.message_from_bytes(raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", policy=email.policy.default)
        self.subject = str(head["Subject"] or "")
        self.message_id = str(head["Message-ID"] or "").strip()

    @property
    def parsed(self):
        return email.message_from_bytes(self.raw, policy=email.policy.default)

    def __repr__(self):
        return f"<Mail {self.uid} {self.subject!r} {sorted(self.flags)}>"


def _quoted(folder):
    return '"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"'


def message(sender, to, subject, body="Hello.\n", message_id=None, headers=(), date=None):
    """A small plain message as bytes with CRLF, Message-ID included."""
    m = email.message.EmailMessage(policy=email.policy.SMTP)
    m["From"], m["To"], m["Subject"] = sender, to, subject
    m["Date"] = date or email.utils.formatdate(localtime=True)
    m["Message-ID"] = message_id or email.utils.make_msgid(domain=sender.split("@")[-1].strip(">"))
    for name, value in headers:
        m[name] = value
    m.set_content(body)
    return m.as_bytes()
