"""
A scripted Gmail: IMAP and submission over boxes in memory, reached by TLS like the other scripted servers. It stands
where a World stands:

    gmail = Gmail(liars, {"r@agency.example": Box("de")})
    with Postern(directory, gmail) as postern: postern.link("r@agency.example")
"""

import contextlib
import imaplib
import re
import ssl
from dataclasses import dataclass, field

from gmail_box import Box
from gmail_session import GmailSession
from liar import Lie

PASSWORD = "app.Secret-88"


@dataclass
class GmailLie(Lie):
    """An honest one, unless on says otherwise."""
    session: type = GmailSession
    boxes: dict = field(default_factory=dict)


class Gmail:
    """boxes: {user: Box}. More keywords are the IMAP server's Lie."""

    def __init__(self, liars, boxes=None, **lie):
        self.certs = liars.certs
        self.boxes = {"recruiter@agency.example": Box()} if boxes is None else boxes
        users = {user: PASSWORD for user in self.boxes}
        self.imap_server = liars.start(GmailLie("imap", accounts=users, boxes=self.boxes, **lie))
        self.smtp_server = liars.start(Lie("smtp", accounts=users, on_accept=self.accepted))

    def accepted(self, user, sender, rcpts, data):
        box = self.boxes[user]
        box.sent(data, to_self=user in rcpts)
        for rcpt in set(rcpts) & set(self.boxes) - {user}:
            self.boxes[rcpt].add(data)

    def password(self, user):
        return PASSWORD

    def endpoints(self, user, host="localhost"):
        return {name: {"host": host, "port": server.port, "security": "tls", "user": user}
                for name, server in (("imap", self.imap_server), ("smtp", self.smtp_server))}

    @contextlib.contextmanager
    def imap(self, user):
        """Another mail program."""
        tls = ssl.create_default_context(cafile=self.certs.ca)
        client = imaplib.IMAP4_SSL("localhost", self.imap_server.port, ssl_context=tls, timeout=30)
        try:
            client.login(user, PASSWORD)
            yield client
        finally:
            with contextlib.suppress(Exception):
                client.logout()

    def said(self, pattern):
        """Lines that clients wrote and that match (bytes)."""
        return [line for line in self.imap_server.lines if re.search(pattern, line)]
