"""A provider was away and is back: hundreds of links want in at once. They come one after the other, with all their
connections, at the pace that one host is given, and all of them do come."""

import asyncio
import time

import pytest

from imap_session import ImapSession
from jmap import SetError
from liar import Lie
from peers import until
from postern import Postern

LINKS, PACE = 200, 20           # LIM_LOGINS_SECOND
USERS = {f"r{n}@agency.example": "rec.Secret-17" for n in range(LINKS)}
AWAY = 6                        # s
ALL_BACK = 90                   # s: twice 200 logins at that pace, and the waits between tries
SLACK = 1.5                     # connections that waited for a processor come together


class Counted(ImapSession):
    """Remembers when connections came and when they were logged in."""

    came, logged_in, open = [], [], set()

    async def session(self):
        self.came.append(time.monotonic())
        self.open.add(self)
        try:
            await super().session()
        finally:
            self.open.discard(self)

    def check(self, user, password):
        self.logged_in.append(time.monotonic())
        return super().check(user, password)


def most(times, seconds):
    """The most of them in any such stretch."""
    times, low, found = sorted(times), 0, 0
    for high, at in enumerate(times):
        while times[low] <= at - seconds:
            low += 1
        found = max(found, high - low + 1)
    return found


def outage(liars, server):
    """Nobody is there for a while."""
    async def drop():
        for session in list(Counted.open):
            session.abort()
    liars.stop(server)
    asyncio.run_coroutine_threadsafe(drop(), liars.loop).result(15)
    time.sleep(AWAY)
    Counted.came.clear()
    Counted.logged_in.clear()
    liars._do(server.start(server.port))


def link(ats, user, port):
    end = {"host": "localhost", "port": port, "security": "tls", "user": user}
    try:
        return ats.create("Link", address=user, imap=end, mode="receiveOnly", verify=False,
                          credential={"type": "password", "secret": USERS[user]})["id"]
    except SetError as error:
        if error.type != "rateLimit":
            raise
        return None


def states(ats):
    return [x["state"] for x in ats.get_all("Link", "ats", ats.query_all("Link"), properties=["state"])]


@pytest.mark.long
@pytest.mark.deadline(400)
def test_all_come_back_in_turn(world, liars, tmp_path, need_postern):
    server = liars.start(Lie(session=Counted, accounts=USERS, capability="IMAP4rev1 AUTH=PLAIN SASL-IR SPECIAL-USE IDLE"))
    with Postern(tmp_path / "p", world, log_level="info", content="headers") as postern:
        ats = postern.jmap(timeout=120)
        for user in USERS:
            until("a place for one more link", lambda u=user: link(ats, u, server.port), seconds=120, pause=0.5)
        until("all live", lambda: states(ats) == ["live"] * LINKS, seconds=120, pause=1)
        until("two connections each", lambda: len(Counted.open) == 2 * LINKS, seconds=60, pause=0.5)
        outage(liars, server)
        begin = time.monotonic()
        until("all live again", lambda: states(ats) == ["live"] * LINKS and len(Counted.logged_in) >= LINKS,
              seconds=ALL_BACK, pause=0.5)
        first = time.monotonic() - begin
        until("two connections each again", lambda: len(Counted.open) == 2 * LINKS, seconds=ALL_BACK, pause=0.5)
        both = time.monotonic() - begin
    for what, times in (("connections", Counted.came), ("logins", Counted.logged_in)):
        print(f"{what}: {len(times)}, at most {most(times, 1)} in one second, {most(times, 5)} in five")
        assert most(times, 5) <= 5 * PACE + PACE * (SLACK - 1)
    assert most(Counted.came, 1) <= PACE * SLACK  # a login also waits for its handshake
    print(f"{LINKS} links live after {first:.0f} s, with their second connections after {both:.0f} s")
