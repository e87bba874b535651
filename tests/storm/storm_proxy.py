"""
The wire between Postern and the IMAP server: a process of its own that ends TLS, forwards lines, cuts connections after
any byte, hides capabilities so that a good server is a poor one, and notes every command that Postern must not send.

    proxy = Proxy(certificate, key, upstream port)
    port = proxy.open("seed 7", hide=("MOVE", "UIDPLUS"))
    proxy.cut("seed 7", "in", 300)      after 300 more bytes of the server, whatever connection carries them
"""

import asyncio
import contextlib
import multiprocessing
import os
import re
import ssl
import threading
import time

# What a client may only send where the capability is offered.
NEEDS = {"QRESYNC": rb"ENABLE .*QRESYNC|\(QRESYNC|VANISHED", "CONDSTORE": rb"CHANGEDSINCE|\(CONDSTORE|MODSEQ",
         "MOVE": rb"(UID )?MOVE ", "UIDPLUS": rb"UID EXPUNGE", "IDLE": rb"IDLE\r", "ESEARCH": rb".*SEARCH RETURN",
         "SPECIAL-USE": rb"LIST .*SPECIAL-USE", "NOTIFY": rb"NOTIFY", "LITERAL+": rb".*\{\d+\+\}\r", "ENABLE": rb"ENABLE",
         "LIST-STATUS": rb"LIST .*STATUS", "LIST-EXTENDED": rb"LIST .*(RETURN|\(\()", "UNSELECT": rb"UNSELECT",
         "STATUS=SIZE": rb"STATUS .*[( ]SIZE"}
# What it may never send: commands that mark as seen, or touch what others marked as deleted; EXPUNGE only where single
# messages cannot be.
NEVER = rb"CLOSE\r|(UID )?FETCH .*(BODY\[|RFC822(\.TEXT)?[ )\r])|(UID )?STORE [^ ]+ FLAGS|DELETE |RENAME "
COMMAND = rb"^[A-Za-z0-9]+ (?:%s)"


def end(transport):
    """At once. Python 3.11's TLS fails when it is told so twice."""
    with contextlib.suppress(AttributeError):
        transport.abort()


class Wire:
    """What one seed's connections go through."""

    def __init__(self, hide):
        self.hide = frozenset(hide)
        self.armed = None               # [direction, bytes left]
        self.passing = asyncio.Event()  # else new connections wait
        self.passing.set()
        self.open = set()               # transports
        self.connections = self.cuts = 0
        self.breaches = []
        words = rb"|".join(re.escape(h.encode()) for h in sorted(hide, key=len, reverse=True))
        self.log = None
        self.words = re.compile(rb" (?:" + words + rb")(?=[ \]\r])") if hide else None
        bad = [NEVER] + [NEEDS[h] for h in hide if h in NEEDS] + ([] if "UIDPLUS" in hide else [rb"EXPUNGE\r"])
        self.bad = re.compile(COMMAND % rb"|".join(bad), re.IGNORECASE)

    def edit(self, line):
        """A line of the server as the poor one says it."""
        if b"CAPABILITY" in line and (line.startswith(b"* CAPABILITY") or b"[CAPABILITY" in line):
            return self.words.sub(b"", line)
        if "UIDPLUS" in self.hide:
            line = re.sub(rb"\[(APPENDUID|COPYUID) [^\]]*\] ", b"", line)
        if "CONDSTORE" in self.hide:
            line = b"" if line.startswith(b"* OK [HIGHESTMODSEQ") else re.sub(rb"\[HIGHESTMODSEQ \d+\] ", b"", line)
        return line

    def look(self, line):
        if self.bad.match(line):
            self.breaches.append(line[:200].decode("latin-1"))

    def drop(self):
        for transport in list(self.open):
            end(transport)


class _Served:
    """All of it inside the process."""

    def __init__(self, pipe, certificate, key, upstream):
        self.pipe, self.upstream = pipe, upstream
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate, key)
        self.wires = {}

    async def run(self):
        self.ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(self.pipe.fileno(), self._asked)
        await self.ended.wait()

    def _asked(self):
        try:
            verb, name, *args = self.pipe.recv()
        except EOFError:
            self.ended.set()
            return
        if verb == "open":
            asyncio.ensure_future(self._open(name, *args))
            return
        wire = self.wires[name]
        if verb == "cut":
            wire.armed = list(args)
        elif verb == "drop":
            wire.drop()
        elif verb == "hold":
            wire.passing.clear()
            wire.drop()
        elif verb == "pass":
            wire.passing.set()
        self.pipe.send((wire.connections, wire.cuts, list(wire.breaches)))

    async def _open(self, name, hide):
        wire = self.wires[name] = Wire(hide)
        if "STORM_WIRE" in os.environ:  # a directory: all that goes over the wires
            wire.log = open(os.path.join(os.environ["STORM_WIRE"], name.replace(" ", "-")), "wb", 0)
        server = await asyncio.start_server(lambda r, w: self._serve(wire, r, w), "127.0.0.1", 0, ssl=self.tls)
        self.pipe.send(server.sockets[0].getsockname()[1])

    async def _serve(self, wire, reader, writer):
        await wire.passing.wait()
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.upstream)
        except OSError:
            end(writer.transport)
            return
        wire.connections += 1
        ends = {writer.transport, back.transport}
        wire.open |= ends
        pumps = [asyncio.ensure_future(p) for p in (self._pump(wire, "in", there, writer, ends),
                                                    self._pump(wire, "out", reader, back, ends))]
        await asyncio.gather(*pumps, return_exceptions=True)
        wire.open -= ends

    async def _pump(self, wire, direction, reader, writer, ends):
        """Lines from reader to writer until the end, of the stream or by the scissors."""
        held = b""
        try:
            while data := await reader.read(65536):
                held += data
                whole = held.rfind(b"\n") + 1
                lines, held = held[:whole], held[whole:]
                if direction == "out":
                    for line in lines.splitlines(True):
                        wire.look(line)
                elif wire.hide:
                    lines = b"".join(map(wire.edit, lines.splitlines(True)))
                if len(held) > 4096 or direction == "out":
                    lines, held = lines + held, b""
                if not lines:
                    continue
                lines, cut = self._scissors(wire, direction, lines)
                if wire.log:
                    wire.log.write(b"".join(b"%.3f %s %s" % (time.time(), direction.encode(), line)
                                            for line in lines.splitlines(True)) + (b"-- cut\n" if cut else b""))
                writer.write(lines)
                await writer.drain()
                if cut:
                    break
        except (OSError, ssl.SSLError):
            pass
        for transport in ends:
            transport.close() if transport is writer.transport else end(transport)

    @staticmethod
    def _scissors(wire, direction, data):
        if not wire.armed or wire.armed[0] != direction:
            return data, False
        wire.armed[1] -= len(data)
        if wire.armed[1] > 0:
            return data, False
        data = data[:len(data) + wire.armed[1]]
        wire.armed = None
        wire.cuts += 1
        return data, True


def _main(pipe, certificate, key, upstream):
    asyncio.run(_Served(pipe, certificate, key, upstream).run())


class Proxy:
    """The process, and what one asks of it; any thread may."""

    def __init__(self, certificate, key, upstream):
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.lock = threading.Lock()
        self.process = context.Process(target=_main, args=(other, certificate, key, upstream), daemon=True)
        self.process.start()
        other.close()

    def _ask(self, *words):
        with self.lock:
            self.pipe.send(words)
            return self.pipe.recv()

    def open(self, name, hide=()):
        """The port of a new wire."""
        return self._ask("open", name, tuple(hide))

    def cut(self, name, direction, after):
        return self._ask("cut", name, direction, after)

    def told(self, name):
        """(connections so far, cuts, commands that must not have been sent)"""
        return self._ask("told", name)

    def drop(self, name):
        return self._ask("drop", name)

    @contextlib.contextmanager
    def held(self, name):
        """Ends the connections; new ones get no answer before the end."""
        self._ask("hold", name)
        try:
            yield
        finally:
            self._ask("pass", name)

    def close(self):
        self.pipe.close()
        self.process.join(10)
        if self.process.is_alive():
            self.process.kill()
