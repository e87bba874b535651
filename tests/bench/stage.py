"""The Dovecot all peers meet, with the mailbox in it and warm, and how a peer reaches it."""

import os
import sys

from liar import Liars
from peers import RECRUITER, USERS, World
from run import run
from save_sent import relaying

HERE = os.path.dirname(os.path.abspath(__file__))
FLOOR = [sys.executable, os.path.join(HERE, "floor.py")]


class Stage:
    """world, mailbox, and user whose inbox it is in. port: by which IMAP with TLS is reached (a proxy's, perhaps)."""

    def __init__(self, directory, mailbox, users=()):
        self.dir = directory
        self.mailbox = mailbox
        self.user = RECRUITER
        self.world = World(os.path.join(directory, "w"), users=dict(USERS, **dict(users)), postfix=False)
        self.liars = Liars(self.world.certs)
        self.port = self.world.dovecot.imaps

    def __enter__(self):
        self.world.start()
        self.liars.__enter__()
        self.world.other_smtp = self.liars.start(relaying(self.world))
        self.put(self.user)
        return self

    def __exit__(self, *failure):
        self.liars.__exit__(*failure)
        self.world.stop()

    def put(self, user, times=1):
        self.world.mails(user)  # makes the maildir
        self.mailbox.fill(self.world.dovecot, user, times)
        for item in ("headers", "discard"):  # files, indexes and caches warm for whoever comes first
            self.floor(item, user=user)

    @property
    def dovecot(self):
        return self.world.dovecot.child.pid

    def server(self, user=None):
        """host, port, authority, user, password."""
        user = user or self.user
        return ["localhost", str(self.port), self.world.certs.ca, user, self.world.password(user)]

    def floor(self, job, *argument, user=None):
        return run([*FLOOR, *self.server(user), job, *map(str, argument)], self.dovecot)
