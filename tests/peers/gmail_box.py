"""
One mailbox as Gmail has it: a heap of messages with labels, which IMAP shows as folders. A message is one thing with one
X-GM-MSGID and one set of flags, whatever number of folders it shows in; each folder has UIDs of its own.

    box = Box("en")
    box.add(raw)                                a new mail in INBOX
    box.label(message, add=["Jobs"])            what a click in the web does
    [m.subject for m in box.mails("INBOX")]
"""

import email
import email.policy
import itertools
import re
import threading
import time

INBOX, ALL, SENT, DRAFTS, TRASH, SPAM, STARRED, IMPORTANT = (
    "\\Inbox", "\\All", "\\Sent", "\\Draft", "\\Trash", "\\Spam", "\\Starred", "\\Important")
USES = {ALL: "\\All", SENT: "\\Sent", DRAFTS: "\\Drafts", TRASH: "\\Trash", SPAM: "\\Junk", STARRED: "\\Flagged",
        IMPORTANT: "\\Important"}
NAMES = {
    "en": {ALL: "All Mail", SENT: "Sent Mail", DRAFTS: "Drafts", TRASH: "Trash", SPAM: "Spam", STARRED: "Starred",
           IMPORTANT: "Important"},
    "de": {ALL: "Alle Nachrichten", SENT: "Gesendet", DRAFTS: "Entwürfe", TRASH: "Papierkorb", SPAM: "Spam",
           STARRED: "Markiert", IMPORTANT: "Wichtig"},
}
SHARED_FLAGS = {"\\Seen", "\\Answered", "\\Flagged", "\\Draft"}


class Message:
    """labels: system labels by the words above, others by their name. uids: {Folder: uid}."""

    def __init__(self, msgid, thrid, raw, date, labels, flags):
        self.msgid, self.thrid, self.raw, self.date = msgid, thrid, raw, date
        self.labels, self.flags = set(labels), set(flags)
        self.uids, self.deleted, self.modseq = {}, set(), 0
        head = email.message_from_bytes(raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", policy=email.policy.default)
        self.subject = str(head["Subject"] or "")
        self.message_id = str(head["Message-ID"] or "").strip()
        self.answers = re.findall(r"<[^>]+>", str(head["References"] or "") + str(head["In-Reply-To"] or ""))

    def __repr__(self):
        return f"<{self.msgid} {self.subject!r} {sorted(self.labels)} {sorted(self.flags)}>"


class Folder:
    def __init__(self, name, label, validity, hidden=False):
        self.name, self.label, self.validity, self.hidden = name, label, validity, hidden
        self.next, self.highest, self.uids = 1, 1, {}


class Box:
    """
    language: of the folder names. hidden: labels that "Show in IMAP" is off for. auto_expunge: as set in Gmail at
    first, \\Deleted takes effect at once.
    """

    def __init__(self, language="en", hidden=(), auto_expunge=True):
        self.lock = threading.RLock()
        self.auto_expunge = auto_expunge
        self.modseq = 1
        self.numbers = itertools.count(1700000000000000000 + 1)
        self.validities = itertools.count(1)
        self.messages, self.folders, self.listeners = [], {}, []
        self._folder("INBOX", INBOX)
        for label, name in NAMES[language].items():
            self._folder("[Gmail]/" + name, label, hidden=label in hidden)

    def _folder(self, name, label, hidden=False):
        self.folders[name] = Folder(name, label, next(self.validities), hidden)
        return self.folders[name]

    def folder(self, name):
        """By name, or by a system label; None: there is none, or IMAP does not show it."""
        name = "INBOX" if name.upper() == "INBOX" else name
        found = self.folders.get(name) or next((f for f in self.folders.values() if f.label == name), None)
        return None if found is None or found.hidden else found

    def create(self, name):
        with self.lock:
            if name in self.folders:
                return False
            self._folder(name, name)
            return True

    def remove(self, name):
        """The label goes, its messages stay."""
        with self.lock:
            if (folder := self.folders.get(name)) is None or folder.label.startswith("\\"):
                return False
            for message in self.messages:
                self.label(message, remove=[name])
            del self.folders[name]
            self.tell()
            return True

    def rename(self, old, new):
        with self.lock:
            if new in self.folders or (folder := self.folders.get(old)) is None or folder.label.startswith("\\"):
                return False
            folder.name = folder.label = new
            self.folders = {f.name: f for f in self.folders.values()}
            for message in self.messages:
                message.labels = {new if label == old else label for label in message.labels}
            self.tell()
            return True

    # ---- which folders show a message ----

    @staticmethod
    def _shows(folder, message):
        gone = message.labels & {TRASH, SPAM}
        if gone:
            return folder.label in gone
        if folder.label == ALL:
            return True
        if folder.label == STARRED:
            return "\\Flagged" in message.flags
        return folder.label in message.labels

    def _place(self, message):
        """After any change: UIDs where it shows now, none where it does not, and a new MODSEQ."""
        self.modseq += 1
        message.modseq = self.modseq
        for folder in self.folders.values():
            shown = message in self.messages and self._shows(folder, message)
            if shown and folder not in message.uids:
                message.uids[folder] = folder.next
                folder.uids[folder.next] = message
                folder.next += 1
            elif not shown and folder in message.uids:
                del folder.uids[message.uids.pop(folder)]
                message.deleted.discard(folder)
            if shown:
                folder.highest = self.modseq
        self.tell()

    def tell(self):
        for listener in list(self.listeners):
            listener()

    # ---- what happens to messages ----

    def _thread_of(self, message_ids):
        return next((m.thrid for m in self.messages if m.message_id in message_ids), None)

    def add(self, raw, labels=(INBOX,), flags=(), date=None):
        """A message that is here already only gets the labels more."""
        with self.lock:
            raw = re.sub(rb"\r?\n", b"\r\n", raw) if b"\r\n" not in raw else raw
            labels = [label for label in labels if label not in (ALL, STARRED)]
            number = next(self.numbers)
            new = Message(number, number, raw, int(date or time.time()), labels, set(flags) & SHARED_FLAGS
                          | {f for f in flags if not f.startswith("\\")})
            for message in self.messages:
                if message.message_id and message.message_id == new.message_id and message.raw == raw:
                    self.label(message, add=labels)
                    return message
            new.thrid = self._thread_of(new.answers) or number
            if DRAFTS in labels:
                new.flags.add("\\Draft")
            self.messages.append(new)
            self._place(new)
            return new

    def sent(self, raw, to_self=False):
        """What SMTP leaves: a copy in Sent, read; mail to oneself is the same message in INBOX. It has one header more."""
        raw = b"Received: from [127.0.0.1] by smtp.gmail.com with ESMTPSA id 1\r\n" + raw
        return self.add(raw, [SENT, INBOX] if to_self else [SENT], () if to_self else ["\\Seen"])

    def label(self, message, add=(), remove=()):
        with self.lock:
            for label in (TRASH, SPAM):
                if label in add:
                    message.labels = {label}
                    add = ()
            if add:
                message.labels -= {TRASH, SPAM}
            message.labels |= set(add) - {ALL, STARRED}
            message.labels -= set(remove) - {ALL}
            if STARRED in add:
                message.flags.add("\\Flagged")
            if STARRED in remove:
                message.flags.discard("\\Flagged")
            self._place(message)

    def flag(self, message, add=(), remove=()):
        with self.lock:
            message.flags = (message.flags | set(add)) - set(remove)
            self._place(message)

    def expunge(self, folder, message):
        """Takes the label off; what is in Trash or Spam, or a draft, is deleted; what is in All Mail stays."""
        with self.lock:
            message.deleted.discard(folder)
            if folder.label in (TRASH, SPAM, DRAFTS):
                self.messages.remove(message)
                self._place(message)
            else:
                self.label(message, remove=[folder.label])

    def delete(self, message):
        """For good, as "delete forever" in the web."""
        with self.lock:
            self.messages.remove(message)
            self._place(message)

    # ---- for who looks ----

    def mails(self, folder="INBOX"):
        """The messages of a folder (by name or system label), oldest UID first."""
        with self.lock:
            return [m for _, m in sorted((self.folder(folder) or Folder("", "", 0)).uids.items())]

    def find(self, subject):
        """The one message of that subject."""
        with self.lock:
            found = [m for m in self.messages if m.subject == subject]
            assert len(found) == 1, found
            return found[0]

    def shown(self):
        """{(folder name, subject): flags as an ATS says them} of all that IMAP shows."""
        names = {"\\Seen": "$seen", "\\Flagged": "$flagged", "\\Answered": "$answered", "\\Draft": "$draft"}
        with self.lock:
            return {(f.name, m.subject): sorted(names.get(x, x.lower()) for x in m.flags)
                    for f in self.folders.values() if not f.hidden for m in f.uids.values()}
