"""A wire that is cut at one moment: when the answer to a command comes back, which its server has carried out, or
before that command gets there."""

import asyncio
import re
import ssl
import threading


class Snip:
    """
    with Snip(world) as snip: a link to snip.port; snip.at = regular expression (bytes) of the command, once. early: it
    does not get there.
    """

    def __init__(self, world, early=False):
        self.world, self.early, self.at, self.cuts = world, early, None, 0
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(*world.certs.pair("good"))
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        self.server = self._do(asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls))
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)

    def _do(self, work):
        async def run():
            return await work
        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(15)

    async def _serve(self, reader, writer):
        there, back = await asyncio.open_connection("localhost", self.world.dovecot.imaps, ssl=self.world.tls())
        waits = []                      # tags whose answer is not passed on

        async def out():
            while line := await reader.readline():
                if self.at and re.match(rb"\S+ " + self.at, line):
                    waits.append(line.split(None, 1)[0])
                    self.at = None
                    if self.early:
                        self.cuts += 1
                        break
                back.write(line)

        async def into():
            while line := await there.readline():
                if waits and line.startswith(waits[0] + b" "):
                    self.cuts += 1
                    break
                writer.write(line)
        pumps = [asyncio.ensure_future(out()), asyncio.ensure_future(into())]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        for end in (writer, back):
            end.transport.abort()
