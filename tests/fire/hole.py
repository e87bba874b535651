"""A wire to a server that can fall silent without ending: it takes what comes and says nothing, as a firewall does that
forgot a connection, or a machine behind a proxy that hangs."""

import asyncio
import threading


class Hole:
    """port -> upstream port, both on loopback."""

    def __init__(self, upstream):
        self.upstream, self.accepted = upstream, 0
        self.silent_new = False     # new connections are taken and not served
        self._dead = set()          # wires that say nothing any more
        self._after = None
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.port = self._do(self._listen())

    def _do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    async def _listen(self):
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return server.sockets[0].getsockname()[1]

    async def _serve(self, reader, writer):
        wire = self.accepted = self.accepted + 1
        if self.silent_new:
            self._dead.add(wire)
            while await reader.read(65536):
                pass
            writer.close()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self.upstream)
        await asyncio.gather(self._pump(wire, reader, back), self._pump(wire, there, writer, True),
                             return_exceptions=True)

    async def _pump(self, wire, reader, writer, from_server=False):
        while data := await reader.read(4096):
            if from_server and self._after is not None and wire not in self._dead:
                data, rest = data[:self._after], data[self._after:]
                self._after -= len(data)
                if rest:
                    self._after = None
                    writer.write(data)
                    self._dead.add(wire)
            if wire not in self._dead:
                writer.write(data)
                await writer.drain()
        if wire not in self._dead:
            writer.close()

    def swallow(self):
        """All connections there are now say nothing more; none is ended."""
        self._dead |= set(range(1, self.accepted + 1))

    def swallow_after(self, count):
        """The connection that carries so many more bytes of the server stops in the middle of them."""
        self._after = count

    async def _end(self):
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def close(self):
        self._do(self._end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
