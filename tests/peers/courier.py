"""
A private Courier IMAP: everything below INBOX., no CONDSTORE, MOVE, SPECIAL-USE or ESEARCH. Its imapd begins where login
ends; login itself (TLS, LOGIN, AUTHENTICATE) is ours, since Courier's wants files outside of any directory of a test.
"""

import asyncio
import itertools
import os
import pwd
import shutil
import subprocess
import time

from imap_session import ImapSession
from liar import Closed, Lie, Liars
from proc import free_port
from unpacked import environment, unpacked

FOLDERS = ("Drafts", "Sent", "Trash", "Junk")
CAPABILITY = "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE"


class CourierSession(ImapSession):
    """Until somebody is logged in; then Courier has the word."""
    def result(self, good):
        if good:
            self.entered = True
        else:
            super().result(good)

    async def perform(self, name, truth):
        self.entered = False
        await super().perform(name, truth)
        if self.entered:
            await self.enter()
            raise Closed

    async def enter(self):
        process = await self.lie.courier.imapd(self.user, self.tag.decode())

        async def down():
            while data := await process.stdout.read(65536):
                self.writer.write(data)
                await self.drain()
            self.writer.close()

        async def up():
            while data := await self.reader.read(65536):
                process.stdin.write(data)
                await process.stdin.drain()
            process.stdin.close()
        try:
            await asyncio.gather(down(), up())
        finally:
            if process.returncode is None:
                process.terminate()


class Courier:
    """users: {address: password}. idle: seconds between its looks while a client idles."""

    prefix = "INBOX."

    def __init__(self, directory, certs, users, idle=1):
        self.dir, self.certs, self.users, self.idle = str(directory), certs, dict(users), idle
        self.root = unpacked("courier")
        self.numbers = itertools.count(1)
        self.owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        for user in users:
            for folder in ("", *("." + name for name in FOLDERS)):
                self._make(os.path.join(self.home(user), "Maildir", folder), bool(folder))
        if self.owner:
            for where, _, files in os.walk(self.dir):
                for name in [where] + [os.path.join(where, f) for f in files]:
                    shutil.chown(name, self.owner.pw_uid, self.owner.pw_gid)

    def as_owner(self):
        owner = self.owner
        return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}

    def home(self, user):
        return os.path.join(self.dir, user)

    @staticmethod
    def _make(directory, folder):
        for sub in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(directory, sub), exist_ok=True)
        if folder:
            open(os.path.join(directory, "maildirfolder"), "w").close()

    def imapd(self, user, tag):
        env = dict(environment(self.root), IMAPLOGINTAG=tag, AUTHENTICATED=user, IMAP_CAPABILITY=CAPABILITY,
                   IMAP_KEYWORDS="1", IMAP_ACL="1", IMAP_USELOCKS="1", IMAP_IDLE_TIMEOUT=str(self.idle),
                   IMAP_ENHANCEDIDLE="1", IMAP_OBSOLETE_CLIENT="0", IMAP_MAILBOX_SANITY_CHECK="0", IMAP_UMASK="022",
                   IMAP_TRASHFOLDERNAME="Trash", IMAP_CHECK_ALL_FOLDERS="0", PROTOCOL="IMAP", HOME=self.home(user),
                   TCPREMOTEIP="127.0.0.1", TCPREMOTEPORT="1", MAILDIRPATH="Maildir",
                   GAM_CLIENT_ID=self.watcher)
        return asyncio.create_subprocess_exec(
            os.path.join(self.root, "usr/bin/imapd"), "Maildir", stdin=asyncio.subprocess.PIPE, env=env,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, cwd=self.home(user),
            **self.as_owner())

    def start(self):
        """Without gamin each login of imapd waits for it two seconds, and IDLE looks by a clock."""
        self.watcher = f"postern-{free_port()}"
        self.gamin = subprocess.Popen([os.path.join(self.root, "usr/libexec/gam_server"), self.watcher],
                                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                      env=dict(environment(self.root), GAM_CLIENT_ID=self.watcher), **self.as_owner())
        self.liars = Liars(self.certs)
        lie = Lie("imap", accounts=self.users, session=CourierSession, capability="IMAP4rev1 AUTH=PLAIN " + CAPABILITY)
        lie.courier = self
        self.login = self.liars.start(lie)
        self.imaps = self.login.port
        return self

    def stop(self):
        self.liars.close()
        self.gamin.terminate()
        self.gamin.wait(5)

    def deliver(self, user, message):
        """As its own mail delivery does: into new of the Maildir."""
        name = f"{int(time.time())}.M{next(self.numbers)}.tests"
        box = os.path.join(self.home(user), "Maildir")
        path = os.path.join(box, "tmp", name)
        with open(path, "wb") as f:
            f.write(message.replace(b"\r\n", b"\n"))
        if self.owner:
            os.chown(path, self.owner.pw_uid, self.owner.pw_gid)
        os.rename(path, os.path.join(box, "new", name))
