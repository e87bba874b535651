"""The Dovecot all peers meet, with the mailbox in it and warm, and how a peer reaches it."""

import os
import sys

import idle
import mail
from inbox import as_sent
from liar import Liars
from once import run
from peers import COLLEAGUE, RECRUITER, USERS, World
from save_sent import relaying

HERE = os.path.dirname(os.path.abspath(__file__))
CHANGING = COLLEAGUE
BIG = "big@agency.example"
MANY = """
protocol imap {
  imap_idle_notify_interval = 29 mins
}
service imap {
  process_limit = 2500
}
service imap-login {
  client_limit = 5000
}
service auth {
  client_limit = 12000
}
service anvil {
  client_limit = 12000
}
"""
FLOOR = [sys.executable, os.path.join(HERE, "floor.py")]


class Stage:
    """
    world; mailbox, and user whose inbox it is in; CHANGING has it too, and gets more. port: by which IMAP with TLS
    is reached (a proxy's, perhaps).
    """

    def __init__(self, directory, mailbox, settings):
        self.dir = directory
        self.mailbox = mailbox
        self.user = RECRUITER
        users = dict(USERS, **idle.users(settings.links))
        if settings.big:
            users[BIG] = "big.Secret-1"
        self.world = World(os.path.join(directory, "w"), users=users, postfix=False, extra=MANY)
        self.liars = Liars(self.world.certs)
        self.port = self.world.dovecot.imaps

    def __enter__(self):
        self.world.start()
        self.liars.__enter__()
        self.world.other_smtp = self.liars.start(relaying(self.world))
        self.put(self.user)
        self.put(CHANGING)
        return self

    def __exit__(self, *failure):
        self.liars.__exit__(*failure)
        self.world.stop()

    def put(self, user, times=1, warm=("headers", "discard")):
        """warm: jobs that make files, indexes and caches warm for whoever comes first."""
        self.world.mails(user)  # makes the maildir
        self.mailbox.fill(self.world.dovecot, user, times)
        for item in warm:
            self.floor(item, user=user)

    def deliver(self, user, n):
        """Message n by LMTP; (its Message-ID, its bytes from the first header on that no server adds)."""
        raw = mail.message(n)
        self.world.deliver(user, raw)
        return mail.message_id(n).strip("<>"), as_sent(raw[raw.index(b"Received:"):])

    @property
    def dovecot(self):
        return self.world.dovecot.child.pid

    def server(self, user=None):
        """host, port, authority, user, password."""
        user = user or self.user
        return ["localhost", str(self.port), self.world.certs.ca, user, self.world.password(user)]

    def floor(self, job, *argument, user=None):
        return run([*FLOOR, *self.server(user), job, *map(str, argument)], self.dovecot)
