"""A World whose IMAP server is not Dovecot: the same plain clients look at it. No submission: its links only receive."""

import os

from peers import World, public_dir


class OtherWorld(World):
    """server(directory, certs, users) makes the server."""

    def __init__(self, directory, certs, users, server):
        self.dir, self.certs, self.users = public_dir(directory), certs, dict(users)
        self.dovecot = self.server = server(os.path.join(self.dir, "server"), certs, self.users)
        self.other_smtp = self.postfix = None
