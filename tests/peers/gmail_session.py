"""IMAP as Gmail speaks it, over the boxes of gmail_box: X-GM-EXT-1, CONDSTORE without QRESYNC, folders that are labels."""

import asyncio
import re

from gmail_box import USES
from gmail_mail import GmailMail
from gmail_wire import Bad, No, parse, quoted
from imap_session import ImapSession
from liar import Closed
from storm_others import from_utf7, utf7

BEFORE = "IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 XYZZY SASL-IR AUTH=PLAIN"
AFTER = ("IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 UIDPLUS ENABLE MOVE CONDSTORE ESEARCH "
         "UTF8=ACCEPT LIST-EXTENDED LIST-STATUS LITERAL- SPECIAL-USE APPENDLIMIT=35651584")
LITERAL_MINUS = 4096


class GmailSession(GmailMail, ImapSession):
    """lie.boxes: {user: Box}."""

    async def session(self):
        self.folder, self.view, self.told = None, [], 0
        self.condstore = self.utf8 = False
        self.wake = asyncio.Event()
        loop = asyncio.get_running_loop()
        self.listener = lambda: loop.call_soon_threadsafe(self.wake.set)
        try:
            await super().session()
        finally:
            if self.user:
                self.box.listeners.remove(self.listener)

    async def literals(self, line):
        gathered, held = [], []
        while match := re.search(rb"\{(\d+)(\+?)\}$", line):
            if match[2] and int(match[1]) > LITERAL_MINUS:
                raise Closed
            if not match[2]:
                self.write(b"+ go ahead\r\n")
                await self.drain()
            held.append(await self.reader.readexactly(int(match[1])))
            gathered.append(line)
            line = await self.line()
        self.whole, self.held = b"".join(gathered) + line, held
        return self.whole

    async def perform(self, name, truth):
        async def careful():
            try:
                await truth()
            except Bad as bad:
                self.write(self.tag + b" BAD Could not parse command: " + bytes(bad.args[0]) + b"\r\n")
            except No as no:
                self.write(self.tag + b" NO " + no.args[0] + b"\r\n")
        await super().perform(name, careful)

    def args(self, skip=2):
        """The words behind tag and command (skip=3: behind UID too)."""
        if not self.utf8 and re.search(rb"[\x80-\xff]", self.whole):
            raise Bad(b"8 bit")
        return parse(self.whole, self.held)[skip:]

    def finish(self, text=b"Success", news=True):
        if news:
            self.news()
        self.ok(text)

    # ---- coming in ----

    def capability(self):
        own = self.lie.capability
        return BEFORE.encode() if not self.user else own.encode() if own is not None else AFTER.encode()

    def result(self, good):
        if not good:
            self.write(self.tag + b" NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)\r\n")
            return
        self.box = self.lie.boxes[self.user]
        self.box.listeners.append(self.listener)
        self.write(b"* CAPABILITY " + self.capability() + b"\r\n")
        self.ok(self.user.encode() + b" authenticated (Success)")

    async def do_id(self):
        self.write(b'* ID ("name" "GImap" "vendor" "Google, Inc." "support-url" "https://support.google.com/mail")\r\n')
        self.ok(b"Success")

    async def do_namespace(self):
        self.write(b'* NAMESPACE (("" "/")) NIL NIL\r\n')
        self.ok(b"Success")

    async def do_enable(self):
        words = [w.upper() for w in self.args()]
        if b"QRESYNC" in words:
            raise Bad(b"QRESYNC")
        self.utf8 = self.utf8 or b"UTF8=ACCEPT" in words
        self.condstore = self.condstore or b"CONDSTORE" in words
        self.write(b"* ENABLED" + b"".join(b" " + w for w in words if w in (b"UTF8=ACCEPT", b"CONDSTORE")) + b"\r\n")
        self.ok(b"Success")

    # ---- folders ----

    def name_out(self, name):
        return quoted(name.encode() if self.utf8 else utf7(name).encode())

    def name_in(self, raw):
        return raw.decode() if self.utf8 else from_utf7(raw.decode())

    def named(self, raw):
        found = self.box.folder(self.name_in(raw))
        if found is None:
            raise No(b"[NONEXISTENT] Unknown Mailbox: " + raw + b" (Failure)")
        return found

    def rows(self):
        """(attributes, folder or None, name) of LIST."""
        yield b"\\HasChildren \\Noselect", None, "[Gmail]"
        for folder in self.box.folders.values():
            if not folder.hidden:
                yield b" ".join([b"\\HasNoChildren", USES.get(folder.label, "").encode()]).strip(), folder, folder.name

    async def do_list(self):
        words = self.args()
        options = words[3] if len(words) > 3 and words[2].upper() == b"RETURN" else []
        pattern = re.escape(self.name_in(words[1])).replace("\\*", ".*").replace("%", "[^/]*")
        if words[0] or len(words) not in (2, 4):
            raise Bad(b"LIST")
        with self.box.lock:
            for attributes, folder, name in self.rows():
                if re.fullmatch(pattern, name) is None:
                    continue
                self.write(b"* LIST (" + attributes + b') "/" ' + self.name_out(name) + b"\r\n")
                for n, option in enumerate(options):
                    if option == b"STATUS" and folder is not None:
                        self.status(folder, options[n + 1])
        self.ok(b"Success")

    def status(self, folder, items):
        values = {b"MESSAGES": len(folder.uids), b"RECENT": 0, b"UIDNEXT": folder.next,
                  b"UIDVALIDITY": folder.validity, b"HIGHESTMODSEQ": folder.highest,
                  b"UNSEEN": sum("\\Seen" not in m.flags for m in folder.uids.values())}
        self.condstore = self.condstore or b"HIGHESTMODSEQ" in items
        if not set(items) <= set(values):
            raise Bad(b"STATUS")
        self.write(b"* STATUS " + self.name_out(folder.name) + b" ("
                   + b" ".join(b"%s %d" % (i, values[i]) for i in items) + b")\r\n")

    async def do_status(self):
        name, items = self.args()
        with self.box.lock:
            self.status(self.named(name), [i.upper() for i in items])
        self.finish()

    async def do_create(self):
        if not self.box.create(self.name_in(self.args()[0])):
            raise No(b"[ALREADYEXISTS] Duplicate folder name (Failure)")
        self.finish()

    async def do_delete(self):
        if not self.box.remove(self.name_in(self.args()[0])):
            raise No(b"[CANNOT] (Failure)")
        self.finish()

    async def do_rename(self):
        if not self.box.rename(*map(self.name_in, self.args())):
            raise No(b"[CANNOT] (Failure)")
        self.finish()

    async def do_subscribe(self):
        self.finish()

    # ---- one folder ----

    async def do_select(self):
        words = self.args()
        with self.box.lock:
            self.folder = None
            self.folder = f = self.named(words[0])
            self.condstore = self.condstore or words[1:] == [[b"CONDSTORE"]]
            self.view, self.told = sorted(f.uids), self.box.modseq
            flags = b"\\Answered \\Flagged \\Draft \\Deleted \\Seen $NotPhishing $Phishing"
            self.write(b"* FLAGS (%s)\r\n* OK [PERMANENTFLAGS (%s \\*)] Flags permitted.\r\n* OK [UIDVALIDITY %d] valid.\r\n"
                       b"* %d EXISTS\r\n* 0 RECENT\r\n* OK [UIDNEXT %d] next.\r\n* OK [HIGHESTMODSEQ %d]\r\n"
                       % (flags, flags, f.validity, len(self.view), f.next, f.highest))
        self.ok(b"[READ-WRITE] selected. (Success)")

    do_examine = do_select

    async def do_close(self):
        self.folder, self.view = None, []
        self.ok(b"Success")

    do_unselect = do_close

    async def do_noop(self):
        self.finish()

    do_check = do_noop

    def news(self):
        """What changed in the selected folder since the last word of it."""
        if self.folder is None:
            return
        with self.box.lock:
            now, count = self.folder.uids, len(self.view)
            for n in range(count, 0, -1):
                if self.view[n - 1] not in now:
                    self.write(b"* %d EXPUNGE\r\n" % n)
                    del self.view[n - 1]
            known = set(self.view)
            came = [u for u in sorted(now) if u not in known]
            self.view += came
            if came or len(self.view) != count:
                self.write(b"* %d EXISTS\r\n" % len(self.view))
            for n, uid in enumerate(self.view, 1):
                if now[uid].modseq > self.told and uid not in came:
                    self.tell(n, uid, [b"UID", b"FLAGS"] + [b"MODSEQ"] * self.condstore)
            self.told = self.box.modseq

    async def do_idle(self):
        if self.folder is None:
            raise Bad(b"IDLE")
        self.write(b"+ idling\r\n")
        done = asyncio.ensure_future(self.line())
        while not done.done():
            self.wake.clear()
            self.news()
            await self.drain()
            wake = asyncio.ensure_future(self.wake.wait())
            await asyncio.wait({done, wake}, return_when=asyncio.FIRST_COMPLETED)
            wake.cancel()
        if (await done).upper() != b"DONE":
            raise Bad(b"DONE")
        self.finish(b"IDLE terminated (Success)")
