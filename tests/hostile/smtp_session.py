"""A small true submission server: EHLO, STARTTLS, AUTH PLAIN and LOGIN, mail; what it accepts is kept by the server."""

import asyncio
import base64
import re

from liar import Closed, Session

GREETING = b"220 mail.agency.example ESMTP\r\n"
KEYWORDS = "PIPELINING SIZE=60000000 8BITMIME ENHANCEDSTATUSCODES AUTH=PLAIN+LOGIN"


class SmtpSession(Session):
    async def session(self):
        self.sender, self.rcpts, self.data = None, [], b""
        await self.perform("CONNECT", self.greet)
        while True:
            self.command = await self.line()
            name = self.command[:8].split(b" ")[0].split(b":")[0].upper().decode(errors="replace")
            await self.perform(name, getattr(self, "do_" + name.lower(), self.unknown))
            await self.drain()

    def say(self, text):
        self.write(text + b"\r\n")

    async def greet(self):
        self.write(self.lie.greeting if self.lie.greeting is not None else GREETING)

    async def unknown(self):
        self.say(b"500 5.5.2 what?")

    async def do_ehlo(self):
        keywords = (self.lie.capability if self.lie.capability is not None else KEYWORDS).split()
        if self.lie.security == "starttls" and not self.encrypted:
            keywords = [k for k in keywords if not k.startswith("AUTH")] + ["STARTTLS"]
        rows = ["mail.agency.example"] + [k.replace("=", " ").replace("+", " ") for k in keywords]
        for n, row in enumerate(rows):
            self.say(b"250" + (b"-" if n < len(rows) - 1 else b" ") + row.encode())

    do_helo = do_ehlo

    async def do_starttls(self):
        self.say(b"220 2.0.0 begin")
        await self.start_tls()

    async def do_auth(self):
        args = self.command.split()
        if args[1].upper() == b"PLAIN":
            if len(args) == 2:
                self.say(b"334 ")
                await self.drain()
                args.append(await self.line())
            good = self.check_plain(args[2])
        else:
            answers = [base64.b64decode(args[2]).decode()] if len(args) > 2 else []
            for prompt in (b"Username:", b"Password:")[len(answers):]:
                self.say(b"334 " + base64.b64encode(prompt))
                await self.drain()
                answers.append(base64.b64decode(await self.line()).decode())
            good = self.check(*answers)
        self.say(b"235 2.7.0 welcome" if good else b"535 5.7.8 authentication failed")

    async def do_mail(self):
        if self.user is None:
            self.say(b"530 5.7.0 log in first")
            return
        self.sender = re.search(rb"<(.*?)>", self.command)[1].decode()
        self.rcpts = []
        self.say(b"250 2.1.0 ok")

    async def do_rcpt(self):
        self.rcpts.append(re.search(rb"<(.*?)>", self.command)[1].decode())
        self.say(b"250 2.1.5 ok")

    async def do_data(self):
        if not self.rcpts:
            self.say(b"503 5.5.1 no recipients")
            return
        self.say(b"354 go on")
        await self.read_data()

    async def read_data(self):
        await self.drain()
        lines = []
        while (line := await self.reader.readuntil(b"\n")) != b".\r\n":
            lines.append(line[1:] if line.startswith(b".") else line)
        self.data = b"".join(lines)
        await self.perform("DOT", self.do_dot)

    async def do_dot(self):
        await self.take_message()
        self.say(b"250 2.0.0 accepted")

    async def take_message(self):
        self.server.accepted.append((self.sender, list(self.rcpts), self.data))
        if self.lie.on_accept:
            await asyncio.get_running_loop().run_in_executor(
                None, self.lie.on_accept, self.user, self.sender, self.rcpts, self.data)

    async def do_rset(self):
        self.sender, self.rcpts = None, []
        self.say(b"250 2.0.0 ok")

    async def do_noop(self):
        self.say(b"250 2.0.0 ok")

    async def do_quit(self):
        self.say(b"221 2.0.0 bye")
        raise Closed
