"""A World whose IMAP server is not Dovecot: the same plain clients look at it. No submission: its links only receive."""

import os

from peers import World, public_dir


class OtherWorld(World):
    """server(directory, certs, users) makes the server."""

    def __init__(self, directory, certs, users, server):
        self.dir, self.certs, self.users = public_dir(directory), certs, dict(users)
        self.dovecot = self.server = server(os.path.join(self.dir, "server"), certs, self.users)
        self.other_smtp = self.postfix = None

    def deliver(self, rcpt, message, sender="somebody@people.example"):
        if hasattr(self.server, "deliver"):
            self.server.deliver(rcpt, message)
        else:
            super().deliver(rcpt, message, sender)

    def move(self, user, folder, uid, target):
        """By hand where there is no MOVE."""
        with self.imap(user) as client:
            if "MOVE" in client.capabilities:
                super().move(user, folder, uid, target)
                return
            client.select(f'"{folder}"')
            assert client.uid("COPY", str(uid), f'"{target}"')[0] == "OK"
        self.expunge(user, folder, uid)
