"""ImapFlow from npm, as imapflow/peer.js uses it."""

import os

from once import run


class Imapflow:
    def __init__(self, directory, stage, user=None):
        self.dir, self.stage, self.user = directory, stage, user

    def run(self, job, *argument):
        return run(["node", os.path.join(self.dir, "peer.js"), *self.stage.server(self.user), job, *map(str, argument)],
                   self.stage.dovecot, cwd=self.dir)
