"""What Gmail does with messages: FETCH, STORE, COPY, MOVE, EXPUNGE, APPEND, SEARCH. A part of gmail_session."""

import calendar
import re
import time

from gmail_box import INBOX, USES
from gmail_wire import Bad, No, quoted, ranges


class GmailMail:
    """Of a session: folder, view (UIDs as the client counts them), told (MODSEQ of its last news), box."""

    def numbers(self, spec, known):
        """The numbers of a set among known (sorted); * is the highest."""
        if self.folder is None or not re.fullmatch(rb"(\d+|\*)(:(\d+|\*))?(,(\d+|\*)(:(\d+|\*))?)*", spec):
            raise Bad(spec)
        out, last = set(), known[-1] if known else 0
        for piece in spec.split(b","):
            ends = sorted(last if end == b"*" else int(end) for end in piece.split(b":"))
            out |= {n for n in known if ends[0] <= n <= ends[-1]}
        return sorted(out)

    def chosen(self, spec, uid):
        """[(sequence number, uid)]; of messages that are still there."""
        if uid:
            pairs = [(self.view.index(u) + 1, u) for u in self.numbers(spec, self.view)]
        else:
            pairs = [(n, self.view[n - 1]) for n in self.numbers(spec, list(range(1, len(self.view) + 1)))]
        return [(n, u) for n, u in pairs if u in self.folder.uids]

    def flags(self, message):
        return sorted(message.flags) + ["\\Deleted"] * (self.folder in message.deleted)

    def labels(self, message):
        """Of the selected folder nothing is said."""
        out = sorted(message.labels - {self.folder.label})
        return b" ".join(self.name_out(label) for label in out)

    def item(self, name, uid, message):
        plain = {
            b"UID": lambda: b"%d" % uid, b"FLAGS": lambda: b"(" + " ".join(self.flags(message)).encode() + b")",
            b"MODSEQ": lambda: b"(%d)" % message.modseq, b"RFC822.SIZE": lambda: b"%d" % len(message.raw),
            b"INTERNALDATE": lambda: quoted(time.strftime("%d-%b-%Y %H:%M:%S +0000",
                                                          time.gmtime(message.date)).encode()),
            b"X-GM-MSGID": lambda: b"%d" % message.msgid, b"X-GM-THRID": lambda: b"%d" % message.thrid,
            b"X-GM-LABELS": lambda: b"(" + self.labels(message) + b")"}
        if name in plain:
            return name + b" " + plain[name]()
        if name not in (b"BODY.PEEK[]", b"BODY.PEEK[HEADER]"):
            raise Bad(name)
        part = message.raw if b"[]" in name else message.raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        return name.replace(b".PEEK", b"") + b" {%d}\r\n" % len(part) + part

    def tell(self, number, uid, names):
        message = self.folder.uids[uid]
        self.write(b"* %d FETCH (" % number + b" ".join(self.item(name, uid, message) for name in names) + b")\r\n")

    async def fetch(self, uid):
        words = self.args(3 if uid else 2)
        names = [w.upper() for w in (words[1] if isinstance(words[1], list) else [words[1]])]
        since = 0
        if len(words) > 2:
            if words[2][0].upper() != b"CHANGEDSINCE" or len(words[2]) != 2 or len(words) > 3:
                raise Bad(b"FETCH")
            since, self.condstore = int(words[2][1]), True
            names += [b"MODSEQ"] * (b"MODSEQ" not in names)
        names = [b"UID"] * (uid and b"UID" not in names) + names
        with self.box.lock:
            for n, u in self.chosen(words[0], uid):
                if self.folder.uids[u].modseq > since:
                    self.tell(n, u, names)
        self.finish(news=uid)

    async def do_fetch(self):
        await self.fetch(False)

    async def do_uid_fetch(self):
        await self.fetch(True)

    async def store(self, uid):
        spec, what, values = self.args(3 if uid else 2)
        sign = what[:1].decode() if what[:1] in b"+-" else ""
        name, _, silent = what.upper().lstrip(b"+-").partition(b".")
        values = [self.name_in(v) for v in (values if isinstance(values, list) else [values])]
        change = {b"FLAGS": self.change_flags, b"X-GM-LABELS": self.change_labels}.get(name)
        if change is None or silent not in (b"", b"SILENT"):
            raise Bad(what)
        with self.box.lock:
            quiet = self.told == self.box.modseq  # else others' changes are told with ours
            for n, u in self.chosen(spec, uid):
                change(self.folder.uids[u], sign, set(values))
                if u in self.folder.uids and (not silent or self.condstore):
                    self.tell(n, u, [b"UID"] + [name] * (not silent) + [b"MODSEQ"] * self.condstore)
            self.told = self.box.modseq if quiet else self.told
        self.finish(news=uid)

    def change_flags(self, message, sign, flags):
        shared = flags - {"\\Deleted"}
        gone = message.flags - shared if not sign else set()
        self.box.flag(message, shared if sign != "-" else (), shared if sign == "-" else gone)
        if "\\Deleted" not in flags:
            return
        if sign == "-":
            message.deleted.discard(self.folder)
        elif self.box.auto_expunge:
            self.box.expunge(self.folder, message)
        else:
            message.deleted.add(self.folder)

    def change_labels(self, message, sign, labels):
        labels = {next((x for x in (*USES, INBOX) if x.lower() == y.lower()), y) for y in labels}
        for label in labels:
            if not label.startswith("\\"):
                self.box.create(label)
        gone = labels if sign == "-" else message.labels - labels if not sign else ()
        self.box.label(message, labels if sign != "-" else (), gone)

    async def do_store(self):
        await self.store(False)

    async def do_uid_store(self):
        await self.store(True)

    async def expunge(self, uids):
        with self.box.lock:
            for u in uids:
                message = self.folder.uids.get(u)
                if message is not None and self.folder in message.deleted:
                    self.box.expunge(self.folder, message)
        self.finish()

    async def do_expunge(self):
        await self.expunge(list(self.view))

    async def do_uid_expunge(self):
        await self.expunge([u for _, u in self.chosen(self.args(3)[0], True)])

    async def copy(self, uid, move):
        spec, target = self.args(3 if uid else 2)
        with self.box.lock:
            if (to := self.box.folder(self.name_in(target))) is None:
                raise No(b"[TRYCREATE] No folder " + target + b" (Failure)")
            source, pairs = self.folder, []
            for _, u in self.chosen(spec, uid):
                message = source.uids[u]
                self.box.label(message, add=[to.label])
                if move and source is not to and source in message.uids:
                    self.box.label(message, remove=[source.label])
                if to in message.uids:
                    pairs.append((u, message.uids[to]))
            code = b"[COPYUID %d %s %s]" % (to.validity, ranges([a for a, _ in pairs]),
                                            ",".join(str(b) for _, b in pairs).encode()) if pairs else b""
        if move and pairs:
            self.write(b"* OK " + code + b"\r\n")
        self.finish(b"Success" if move or not pairs else code + b" (Success)")

    async def do_copy(self):
        await self.copy(False, False)

    async def do_uid_copy(self):
        await self.copy(True, False)

    async def do_move(self):
        await self.copy(False, True)

    async def do_uid_move(self):
        await self.copy(True, True)

    async def do_append(self):
        name, *rest = self.args()
        flags, date = [], None
        if rest and isinstance(rest[0], list):
            flags = [f.decode() for f in rest.pop(0)]
        if len(rest) > 1 and rest[0].upper() != b"UTF8":
            date = calendar.timegm(time.strptime(rest.pop(0).decode().strip()[:20], "%d-%b-%Y %H:%M:%S"))
        told = len(rest) == 2 and rest[0].upper() == b"UTF8" and self.utf8
        raw = rest[1][0] if told else rest[0]
        if self.utf8 and not told and re.search(rb"[\x80-\xff]", raw.partition(b"\r\n\r\n")[0]):
            raise No(b"[CANNOT] 8 bit in a header (Failure)")
        with self.box.lock:
            if (to := self.box.folder(self.name_in(name))) is None:
                raise No(b"[TRYCREATE] No folder " + name + b" (Failure)")
            message = self.box.add(raw, [to.label], flags, date)
            uid = message.uids.get(to, 0)
        self.finish(b"[APPENDUID %d %d] (Success)" % (to.validity, uid))

    # ---- search ----

    def matches(self, words, number, uid, message):
        words = list(words)
        while words:
            key = words.pop(0).upper()
            if key == b"ALL":
                good = True
            elif key in (b"UID", b"SINCE", b"X-GM-MSGID", b"X-GM-THRID"):
                value = words.pop(0)
                good = {b"UID": lambda: uid in self.numbers(value, self.view),
                        b"SINCE": lambda: message.date >= calendar.timegm(time.strptime(value.decode(), "%d-%b-%Y")),
                        b"X-GM-MSGID": lambda: message.msgid == int(value),
                        b"X-GM-THRID": lambda: message.thrid == int(value)}[key]()
            elif key == b"HEADER" and words[0].upper() == b"MESSAGE-ID":
                good = words[1].strip(b"<> ").lower() in message.message_id.lower().encode()
                del words[:2]
            elif key in (b"SEEN", b"UNSEEN", b"DELETED", b"UNDELETED"):
                good = ("\\" + key.decode().removeprefix("UN").capitalize() in self.flags(message)) != key.startswith(b"UN")
            elif key[:1].isdigit() or key == b"*":
                good = number in self.numbers(key, list(range(1, len(self.view) + 1)))
            else:
                raise Bad(key)
            if not good:
                return False
        return True

    async def search(self, uid):
        words = self.args(3 if uid else 2)
        options = None
        if words[0].upper() == b"RETURN":
            options, words = [o.upper() for o in words[1]] or [b"ALL"], words[2:]
        with self.box.lock:
            found = [u if uid else n for n, u in enumerate(self.view, 1)
                     if u in self.folder.uids and self.matches(words, n, u, self.folder.uids[u])]
        if options is None:
            self.write(b"* SEARCH" + b"".join(b" %d" % n for n in found) + b"\r\n")
        else:
            value = {b"MIN": lambda: b"%d" % found[0], b"MAX": lambda: b"%d" % found[-1], b"ALL": lambda: ranges(found)}
            self.write(b"* ESEARCH (TAG " + quoted(self.tag) + b")" + b" UID" * uid
                       + b"".join(b" " + o + b" " + value[o]() for o in options if found and o in value)
                       + b" COUNT %d" % len(found) * (b"COUNT" in options) + b"\r\n")
        self.finish(news=uid)

    async def do_search(self):
        await self.search(False)

    async def do_uid_search(self):
        await self.search(True)
