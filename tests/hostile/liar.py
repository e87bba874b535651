"""
IMAP and SMTP servers that can lie. A Lie is data: what the server says and where it departs from the truth.

    Lie("imap", greeting=b"+OK ready\\r\\n")                        another protocol's greeting
    Lie("imap", on={"LOGIN": [close()]})                            goes away when the login comes
    Lie("smtp", on={"DOT": [accept(), close()]})                    takes the mail, never says so

on maps a command (IMAP verb, SMTP verb, or CONNECT, TLS, DOT) to actions that replace the honest answer; an action
list may end with honest() to continue as a true server would. Everything a client does is counted and kept.
"""

import asyncio
import base64
import re
import ssl
import threading
from collections import Counter
from dataclasses import dataclass, field

MAX_LINE = 1 << 20


class Closed(Exception):
    """The script ends this connection."""


# ---- actions: async functions of one session --------------------------------

def say(text):
    """Sends text (bytes). {tag} is the tag of the command being answered."""
    async def act(s):
        s.write(text.replace(b"{tag}", s.tag))
        await s.drain()
    return act


def close():
    async def act(s):
        raise Closed
    return act


def reset():
    """Ends with a TCP reset instead of an orderly close."""
    async def act(s):
        s.abort()
        raise Closed
    return act


def listen():
    """Waits for the client's first bytes and drops them."""
    async def act(s):
        await s.reader.read(65536)
    return act


def hang(seconds=3600):
    async def act(s):
        await asyncio.sleep(seconds)
    return act


def flood(piece, times):
    """Sends piece again and again: endless lines, endless replies."""
    async def act(s):
        for _ in range(times):
            s.write(piece)
            await s.drain()
    return act


def drip(text, pause=0.05):
    """One byte at a time."""
    async def act(s):
        for byte in text.replace(b"{tag}", s.tag):
            s.write(bytes([byte]))
            await s.drain()
            await asyncio.sleep(pause)
    return act


def honest():
    """Goes on with what a true server does for this command."""
    async def act(s):
        await s.answer_truly()
    return act


def accept():
    """SMTP at DOT: the message counts as delivered although nothing was said yet."""
    async def act(s):
        await s.take_message()
    return act


def call(function):
    """Runs function in a thread of its own and waits for it: a test acts at this very moment."""
    async def act(s):
        await asyncio.get_running_loop().run_in_executor(None, function)
    return act


def slowly(pause=0.002):
    """The truth, one byte at a time."""
    async def act(s):
        whole, true_write = bytearray(), s.write
        s.write = whole.extend
        try:
            await s.answer_truly()
        finally:
            s.write = true_write
        for byte in bytes(whole):
            s.write(bytes([byte]))
            await s.drain()
            await asyncio.sleep(pause)
    return act


def times(n, actions, skip=0):
    """The truth skip times, then actions n times, then the truth."""
    told = [0]

    async def act(s):
        told[0] += 1
        if skip < told[0] <= skip + n:
            for a in actions:
                await a(s)
        else:
            await s.answer_truly()
    return act


# ---- what one server is -------------------------------------------------------

@dataclass
class Lie:
    proto: str = "imap"
    security: str = "tls"              # tls, starttls, none
    cert: str = "good"                 # a name of certs.LEAVES, or selfsigned
    tls: ssl.TLSVersion = None         # this version and no other
    greeting: bytes = None
    capability: str = None             # IMAP CAPABILITY or SMTP EHLO keywords
    user: str = "recruiter@agency.example"
    password: str = "rec.Secret-17"
    accounts: dict = None              # {user: password} in place of the two above
    on: dict = field(default_factory=dict)
    cut_after: int = None              # closes when that many bytes were sent after TLS
    cuts: object = None                # an iterator: each connection takes its own cut_after from it, None: no cut
    messages: list = field(default_factory=list)      # bytes, the inbox of an IMAP liar
    on_end: object = None              # called with the session when its connection ends
    on_accept: object = None           # called with (user, sender, rcpts, data) for each accepted mail
    session: type = None               # another server than imap_session or smtp_session


class Server:
    """One listening liar: port, counts (Counter of commands), logins, accepted mails."""

    def __init__(self, lie, certs):
        self.lie = lie
        self.certs = certs
        self.counts = Counter()
        self.connections = 0
        self.logins_good = 0
        self.logins_bad = 0
        self.lines = []
        self.accepted = []
        self.port = None
        self.gs2 = None                # of the last SCRAM login: its header
        self.keylog = f"{certs.dir}/keys-{id(self):x}.log"
        self._server = None

    @property
    def logins(self):
        return self.logins_good + self.logins_bad

    def context(self):
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ctx.load_cert_chain(*self.certs.pair(self.lie.cert))
        if self.lie.tls:
            ctx.minimum_version = ctx.maximum_version = self.lie.tls
        if "-PLUS" in (self.lie.capability or ""):
            ctx.keylog_filename = self.keylog
        return ctx

    async def start(self, port=0):
        from imap_session import ImapSession
        from smtp_session import SmtpSession
        session = self.lie.session or {"imap": ImapSession, "smtp": SmtpSession}[self.lie.proto]

        async def serve(reader, writer):
            self.connections += 1
            await session(self, reader, writer).run()

        self._server = await asyncio.start_server(
            serve, "127.0.0.1", port, limit=MAX_LINE,
            ssl=self.context() if self.lie.security == "tls" else None)
        self.port = self._server.sockets[0].getsockname()[1]


class Session:
    """What both protocols share: lines in, bytes out, scripted commands, STARTTLS."""

    def __init__(self, server, reader, writer):
        self.server = server
        self.lie = server.lie
        self.reader, self.writer = reader, writer
        self.tag = b"*"
        self.sent = 0
        self.cut_after = next(self.lie.cuts, None) if self.lie.cuts is not None else self.lie.cut_after
        self.encrypted = self.lie.security == "tls"
        self.user = None

    def write(self, data):
        if self.cut_after is not None and self.encrypted and self.sent + len(data) > self.cut_after:
            self.writer.write(data[:max(0, self.cut_after - self.sent)])
            raise Closed
        self.sent += len(data)
        self.writer.write(data)

    async def drain(self):
        await self.writer.drain()

    def abort(self):
        self.writer.transport.abort()

    async def line(self):
        raw = await self.reader.readuntil(b"\n")
        text = raw.rstrip(b"\r\n")
        self.server.lines.append(text)
        return text

    async def perform(self, name, truth):
        """Counts command name; does what the lie says about it, or truth()."""
        self.server.counts[name] += 1
        self.answer_truly = truth
        script = self.lie.on.get(name)
        if script is None:
            await truth()
        else:
            for action in script:
                await action(self)

    async def start_tls(self):
        await self.drain()
        await self.writer.start_tls(self.server.context())
        self.encrypted = True

    def check(self, user, password):
        accounts = self.lie.accounts or {self.lie.user: self.lie.password}
        good = accounts.get(user) == password
        if good:
            self.server.logins_good += 1
            self.user = user
        else:
            self.server.logins_bad += 1
        return good

    def check_plain(self, encoded):
        try:
            _, user, password = base64.b64decode(encoded).decode().split("\0")
        except ValueError:
            return self.check("", "")
        return self.check(user, password)

    async def run(self):
        try:
            await self.session()
        except (Closed, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ssl.SSLError):
            pass
        finally:
            self.writer.close()
            if self.lie.on_end:
                self.lie.on_end(self)


class Liars:
    """Runs any number of lying servers in one thread. start(lie) -> Server; close() ends all."""

    def __init__(self, certs):
        self.certs = certs
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(lambda *_: None)
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def _do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(15)

    def start(self, lie, port=0):
        server = Server(lie, self.certs)
        self._do(server.start(port))
        return server

    def stop(self, server):
        async def stop():
            server._server.close()
        self._do(stop())

    def close(self):
        async def cancel():
            for task in asyncio.all_tasks():
                if task is not asyncio.current_task():
                    task.cancel()
        self._do(cancel())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def words(line):
    return re.split(rb"\s+", line.strip())
