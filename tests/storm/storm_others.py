"""
The two other mail programs of a storm, over the server's own port: one is Python's imaplib, one writes IMAP by itself,
pipelined, on several connections. And how folders are spelled, and what a message of a label is.
"""

import base64
import contextlib
import imaplib
import re
import socket
import threading
import time

SEPARATOR = "."
BEGIN = 1_750_000_000  # of the internal dates


def utf7(name):
    """A folder's name as IMAP writes it (RFC 3501 s. 5.1.3)."""
    out = ""
    for part in re.findall(r"[\x20-\x7e]+|[^\x20-\x7e]+", name):
        if part[0] <= "\x7e":
            out += part.replace("&", "&-")
        else:
            out += "&" + base64.b64encode(part.encode("utf-16-be")).decode().rstrip("=").replace("/", ",") + "-"
    return out


def from_utf7(name):
    def decode(m):
        code = m.group(1).replace(",", "/")
        return base64.b64decode(code + "=" * (-len(code) % 4)).decode("utf-16-be") if code else "&"
    return re.sub("&([^-]*)-", decode, name)


def spelled(path):
    """A folder quoted for a command."""
    name = SEPARATOR.join(utf7(part) for part in path)
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def when(label):
    return BEGIN + int(label[1:]) * 61


def message_id(seed, label):
    return f"<{label}.{seed}@storm.example>"


def label_of(subject):
    """What stands in brackets in a subject."""
    found = re.search(r"\[(\w+)\]", subject or "")
    return found.group(1) if found else subject


def message(plan, label):
    """The bytes of a label's message: the same each time."""
    n = int(label[1:])
    head = [f"From: sender{n % 5}@people.example", "To: storm@agency.example", f"Subject: [{label}] of {plan.seed}",
            time.strftime("Date: %a, %d %b %Y %H:%M:%S +0000", time.gmtime(when(label)))]
    if label not in plan.nameless:
        head.append(f"Message-ID: {message_id(plan.seed, label)}")
    if n % 4 == 0 and n > 4:
        head.append(f"In-Reply-To: {message_id(plan.seed, f'm{n - 3}')}")
    text = [f"Line {i} of {label}." for i in range(n * n % 97 + 1)]
    return "\r\n".join(head + [""] + text + [""]).encode()


class Gate:
    """Many pass together, or one alone."""

    def __init__(self):
        self.condition, self.inside = threading.Condition(), 0

    @contextlib.contextmanager
    def shared(self):
        with self.condition:
            self.inside += 1
        try:
            yield
        finally:
            with self.condition:
                self.inside -= 1
                self.condition.notify_all()

    @contextlib.contextmanager
    def alone(self):
        with self.condition:
            self.condition.wait_for(lambda: self.inside == 0)
            yield


class Refused(Exception):
    """NO or BAD where the model says that it works."""


class Other:
    """One program at work. Each of its operations names a label; the UIDs are looked up each time."""

    def __init__(self, world, user, plan):
        self.world, self.user, self.plan = world, user, plan

    def run(self, op):
        verb, *args = op
        getattr(self, "do_" + verb)(*args)

    def do_create(self, path):
        try:
            self.folder_command(f"CREATE {spelled(path)}")
        except Refused as refused:  # Dovecot under load says so of a folder that it has just made
            if "ALREADYEXISTS" not in str(refused):
                raise

    def do_rename(self, old, new):
        self.stale()  # who has selected a folder that goes is thrown out
        self.folder_command(f"RENAME {spelled(old)} {spelled(new)}")

    def do_rmdir(self, path):
        self.stale()
        self.folder_command(f"DELETE {spelled(path)}")

    def do_append(self, folder, label, flags):
        self.append(folder, [(label, flags)])

    def do_volley(self, folder, items):
        self.append(folder, items)

    def do_flag(self, folder, label, sign, flag):
        self.on(folder, label, f"UID STORE {{}} {sign}FLAGS.SILENT ({flag})")

    def do_copy(self, folder, label, target):
        self.on(folder, label, f"UID COPY {{}} {spelled(target)}")

    def do_move(self, folder, label, target):
        self.on(folder, label, f"UID MOVE {{}} {spelled(target)}")

    def do_expunge(self, folder, label):
        self.on(folder, label, "UID STORE {} +FLAGS.SILENT (\\Deleted)", "UID EXPUNGE {}")

    def on(self, folder, label, *commands):
        """The commands on the oldest message of that label in the folder."""
        uids = self.find(folder, label)
        if not uids and label not in self.plan.loose:
            raise Refused(f"{label} is not in {folder}")
        if uids:
            self.commands([c.format(uids[0]) for c in commands], label in self.plan.loose)


class ByImaplib(Other):
    """One connection, one command after the other."""

    client = None

    def stale(self):
        """The server ended its sessions."""
        if self.client:
            with contextlib.suppress(Exception):
                self.client.shutdown()
        self.client = None

    close = stale

    def _client(self):
        if not self.client:
            self.client = imaplib.IMAP4("127.0.0.1", self.world.dovecot.imap, timeout=30)
            self.client.login(self.user, self.world.password(self.user))
        return self.client

    def _good(self, answer, what):
        if answer[0] != "OK":
            raise Refused(f"{what}: {answer}")
        return answer[1]

    def folder_command(self, command):
        verb, rest = command.split(" ", 1)
        self._good(self._client()._simple_command(verb, rest), command)

    def append(self, folder, items):
        for label, flags in items:
            date = imaplib.Time2Internaldate(when(label))
            self._good(self._client().append(spelled(folder), f"({' '.join(flags)})", date, message(self.plan, label)),
                       f"append {label}")

    def find(self, folder, label):
        client = self._client()
        if client.select(spelled(folder))[0] != "OK":
            return []
        return [int(u) for u in self._good(client.uid("SEARCH", "SUBJECT", f'"[{label}]"'), "search")[0].split()]

    def commands(self, commands, may_fail):
        client = self._client()
        for command in commands:
            answer = client.uid(*command.split(" ", 3)[1:])
            if not may_fail:
                self._good(answer, command)

    def do_clear(self, folder):
        client = self._client()
        if self._good(client.select(spelled(folder)), "select")[0] == b"0":
            return
        client.store("1:*", "+FLAGS.SILENT", "(\\Deleted)")
        self._good(client.expunge(), "expunge")


class Raw:
    """A connection that writes many commands and then reads all their answers."""

    def __init__(self, port, user, password):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.file = self.socket.makefile("rb")
        self.file.readline()
        self.tag = 0
        self.talk([f"LOGIN {user} {password}".encode()])

    def talk(self, commands, may_fail=False):
        """All untagged lines of all commands; literals are not expected."""
        tags = {}
        out = b""
        for command in commands:
            self.tag += 1
            tags[b"b%d" % self.tag] = command
            out += b"b%d %s\r\n" % (self.tag, command)
        self.socket.sendall(out)
        lines = []
        while tags:
            line = self.file.readline()
            if not line or line.startswith(b"* BYE"):
                raise OSError("the server went away")
            word, _, rest = line.partition(b" ")
            if word not in tags:
                lines.append(line)
                continue
            command = tags.pop(word)
            if not rest.startswith(b"OK") and not may_fail:
                raise Refused(f"{command[:200]}: {rest}")
        return lines

    def close(self):
        self.file.close()
        self.socket.close()


class ByHand(Other):
    """Several connections in turn, everything pipelined."""

    CONNECTIONS = 2

    def __init__(self, *args):
        super().__init__(*args)
        self.raws, self.turn = [], 0

    def stale(self):
        for raw in self.raws:
            raw.close()
        self.raws = []

    close = stale

    def _raw(self):
        while len(self.raws) < self.CONNECTIONS:
            self.raws.append(Raw(self.world.dovecot.imap, self.user, self.world.password(self.user)))
        return self.raws[self.turn % self.CONNECTIONS]

    def folder_command(self, command):
        self._raw().talk([command.encode()])

    def append(self, folder, items):
        commands = []
        for label, flags in items:
            data = message(self.plan, label)
            date = imaplib.Time2Internaldate(when(label))
            commands.append(f"APPEND {spelled(folder)} ({' '.join(flags)}) {date} {{{len(data)}+}}\r\n".encode() + data)
        self._raw().talk(commands)

    def find(self, folder, label):
        self.turn += 1
        lines = self._raw().talk([f"SELECT {spelled(folder)}".encode(), f'UID SEARCH SUBJECT "[{label}]"'.encode()], True)
        return [int(u) for line in lines if line.startswith(b"* SEARCH") for u in line.split()[2:]]

    def commands(self, commands, may_fail):
        raw = self._raw()
        raw.talk([c.encode() for c in commands], may_fail)

    def do_expunge(self, folder, label):
        """Not in one piece: Dovecot answers a pipelined UID EXPUNGE with OK and may not have seen the STORE before it."""
        uids = self.find(folder, label)
        if uids:
            for command in ("UID STORE {} +FLAGS.SILENT (\\Deleted)", "UID EXPUNGE {}"):
                self._raw().talk([command.format(uids[0]).encode()], label in self.plan.loose)

    def do_clear(self, folder):
        self._raw().talk([f"SELECT {spelled(folder)}".encode(), b"STORE 1:* +FLAGS.SILENT (\\Deleted)", b"EXPUNGE"], True)
