"""ImapFlow from npm, as imapflow/peer.js uses it."""

import os

from run import run


class Imapflow:
    def __init__(self, directory, stage):
        self.dir, self.stage = directory, stage

    def run(self, job, *argument):
        return run(["node", os.path.join(self.dir, "peer.js"), *self.stage.server(), job, *map(str, argument)],
                   self.stage.dovecot, cwd=self.dir)
