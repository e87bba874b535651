"""A small true IMAP server over a list of messages: just enough to link, list, select and fetch; the lies are in liar."""

import base64
import re

from liar import Closed, Session, words

GREETING = b"* OK IMAP4rev1 ready\r\n"
CAPABILITY = "IMAP4rev1 AUTH=PLAIN SASL-IR UIDPLUS LITERAL+ SPECIAL-USE MOVE"
FOLDERS = (("INBOX", ""), ("Drafts", "\\Drafts"), ("Sent", "\\Sent"), ("Trash", "\\Trash"))


class ImapSession(Session):
    async def session(self):
        self.selected = None
        await self.perform("CONNECT", self.greet)
        while True:
            line = await self.line()
            line = await self.literals(line)
            parts = words(line)
            if len(parts) < 2:
                self.write(b"* BAD what?\r\n")
                continue
            self.tag, self.rest = parts[0], line.split(None, 2)[2] if len(parts) > 2 else b""
            name = parts[1].upper().decode(errors="replace")
            if name == "UID" and len(parts) > 2:
                name = "UID " + parts[2].upper().decode(errors="replace")
            await self.perform(name, getattr(self, "do_" + name.replace(" ", "_").lower(), self.unknown))
            await self.drain()

    async def literals(self, line):
        """Reads literals into the line, quoted, so that commands are one line here."""
        while match := re.search(rb"\{(\d+)(\+?)\}$", line):
            if not match[2]:
                self.write(b"+ go on\r\n")
                await self.drain()
            data = await self.reader.readexactly(int(match[1]))
            line = line[:match.start()] + b'"' + data + b'"' + await self.line()
        return line

    async def greet(self):
        self.write(self.lie.greeting if self.lie.greeting is not None else GREETING)

    async def unknown(self):
        self.write(self.tag + b" BAD unknown command\r\n")

    def ok(self, text=b"done"):
        self.write(self.tag + b" OK " + text + b"\r\n")

    def capability(self):
        caps = self.lie.capability if self.lie.capability is not None else CAPABILITY
        if self.lie.security == "starttls" and not self.encrypted and "STARTTLS" not in caps:
            caps += " STARTTLS LOGINDISABLED"
        return caps.encode()

    async def do_capability(self):
        self.write(b"* CAPABILITY " + self.capability() + b"\r\n")
        self.ok()

    async def do_noop(self):
        self.ok()

    async def do_id(self):
        self.write(b"* ID NIL\r\n")
        self.ok()

    async def do_enable(self):
        self.write(b"* ENABLED\r\n")
        self.ok()

    async def do_logout(self):
        self.write(b"* BYE\r\n")
        self.ok()
        raise Closed

    async def do_starttls(self):
        self.ok(b"begin TLS")
        await self.start_tls()
        await self.perform("TLS", self.nothing)

    async def nothing(self):
        pass

    def result(self, good):
        if good:
            self.ok(b"[CAPABILITY " + self.capability() + b"] welcome")
        else:
            self.write(self.tag + b" NO [AUTHENTICATIONFAILED] no\r\n")

    async def do_login(self):
        match = re.match(rb'"?([^" ]+)"? "?(.*?)"?$', self.rest)
        self.result(self.check(match[1].decode(), match[2].decode().replace("\\", "")) if match else False)

    async def do_authenticate(self):
        args = words(self.rest)
        if args[0].upper() == b"PLAIN":
            if len(args) == 1:
                self.write(b"+ \r\n")
                await self.drain()
                args.append(await self.line())
            self.result(self.check_plain(args[1]))
        elif args[0].upper() == b"LOGIN":
            answers = []
            for prompt in (b"Username:", b"Password:"):
                self.write(b"+ " + base64.b64encode(prompt) + b"\r\n")
                await self.drain()
                answers.append(base64.b64decode(await self.line()).decode())
            self.result(self.check(*answers))
        else:
            self.write(self.tag + b" NO mechanism\r\n")

    async def do_list(self):
        for name, use in FOLDERS:
            flags = f"\\HasNoChildren {use}".strip().encode()
            self.write(b"* LIST (" + flags + b') "/" ' + name.encode() + b"\r\n")
        self.ok()

    async def do_select(self):
        self.selected = self.rest.split(b'"')[1] if b'"' in self.rest else words(self.rest)[0]
        count = len(self.mails())
        self.write(b"* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft)\r\n* %d EXISTS\r\n* 0 RECENT\r\n"
                   b"* OK [UIDVALIDITY 7] .\r\n* OK [UIDNEXT %d] .\r\n"
                   b"* OK [PERMANENTFLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft \\*)] .\r\n"
                   % (count, count + 1))
        self.ok(b"[READ-WRITE] selected")

    do_examine = do_select

    def mails(self):
        return self.lie.messages if (self.selected or b"").upper() == b"INBOX" else []

    async def do_status(self):
        name = self.rest.split(b"(")[0].strip()
        self.write(b"* STATUS " + name + b" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 7 UNSEEN 0)\r\n")
        self.ok()

    async def do_uid_search(self):
        self.write(b"* SEARCH" + b"".join(b" %d" % (n + 1) for n in range(len(self.mails()))) + b"\r\n")
        self.ok()

    async def do_uid_fetch(self):
        want = self.rest.split(None, 1)[1].upper()
        for n, raw in enumerate(self.mails(), 1):
            if not self.in_set(words(want)[0], n):
                continue
            items = b"UID %d FLAGS () INTERNALDATE \" 1-Jan-2026 00:00:00 +0000\" RFC822.SIZE %d" % (n, len(raw))
            body = None
            if b"HEADER" in want:
                end = raw.find(b"\r\n\r\n")
                body, label = raw[:end + 4] if end >= 0 else raw, b"BODY[HEADER]"
            elif b"BODY" in want:
                body, label = raw, b"BODY[]"
            if body is not None:
                items += b" " + label + b" {%d}\r\n" % len(body) + body
            self.write(b"* %d FETCH (" % n + items + b")\r\n")
        self.ok()

    @staticmethod
    def in_set(spec, uid):
        for piece in spec.split(b","):
            low, _, high = piece.partition(b":")
            low = 0 if low == b"*" else int(low)
            high = low if not high else 1 << 32 if high == b"*" else int(high)
            if low <= uid <= high:
                return True
        return False

    async def do_idle(self):
        self.write(b"+ idling\r\n")
        await self.drain()
        await self.line()
        self.ok()

    async def do_append(self):
        self.ok(b"[APPENDUID 7 1] appended")
