"""What the server has, what Postern has, and where they differ."""

import contextlib
import hashlib
import imaplib
import re
import time
from collections import Counter
from dataclasses import dataclass

from storm_ats import patiently
from storm_others import SEPARATOR, from_utf7, label_of, spelled
from storm_plan import KEYWORDS

ROLES = {("INBOX",): "inbox", ("Sent",): "sent", ("Drafts",): "drafts", ("Trash",): "trash", ("Junk",): "junk"}


class Silent(Exception):
    """The server itself did not answer; .seconds that took."""


def server_of(world, user):
    """What the server has now, or Silent."""
    start = time.monotonic()
    try:
        return Server(world, user)
    except (OSError, EOFError, imaplib.IMAP4.error) as error:
        silent = Silent(f"of the server: {type(error).__name__}: {error}")
        silent.seconds = time.monotonic() - start
        raise silent from error


@dataclass(frozen=True)
class Mail:
    """One message of one folder at the server."""
    uid: int
    label: str
    keywords: frozenset
    deleted: bool
    size: int
    digest: str


class Server:
    """All that the server has: .folders {path: [Mail]}, in order of UID."""

    def __init__(self, world, user):
        self.folders = {}
        client = imaplib.IMAP4("127.0.0.1", world.dovecot.imap, timeout=30)
        client.login(user, world.password(user))
        with contextlib.closing(client.socket()):
            for row in client.list()[1]:
                head, name = row if isinstance(row, tuple) else (row, None)
                if name is None:
                    head, name = re.fullmatch(rb'(\([^)]*\) "." )(.*)', row).groups()
                    if name[:1] == b'"':
                        name = re.sub(rb"\\(.)", rb"\1", name[1:-1])
                path = tuple(from_utf7(part) for part in name.decode().split(SEPARATOR))
                selectable = not re.search(rb"\\(Noselect|NonExistent)", head, re.IGNORECASE)
                self.folders[path] = self._mails(client, path) if selectable else []
            client.logout()

    @staticmethod
    def _mails(client, path):
        status, _ = client.select(spelled(path), readonly=True)
        assert status == "OK", path
        _, data = client.uid("FETCH", "1:*", "(UID FLAGS RFC822.SIZE BODY.PEEK[])")
        mails = []
        for item in data:
            if not isinstance(item, tuple):
                continue
            head, raw = item
            flags = set(re.search(rb"FLAGS \(([^)]*)\)", head).group(1).decode().split()) - {"\\Recent"}
            subject = re.search(rb"^Subject: (.*?)\r$", raw, re.MULTILINE).group(1).decode()
            mails.append(Mail(int(re.search(rb"UID (\d+)", head).group(1)), label_of(subject),
                              frozenset(KEYWORDS.get(f, f.lower()) for f in flags if f != "\\Deleted"),
                              "\\Deleted" in flags, len(raw), hashlib.sha256(raw).hexdigest()))
        return mails

    def copies(self):
        """{label: [(path, Mail)]} of what is not marked as deleted."""
        out = {}
        for path, mails in self.folders.items():
            for mail in mails:
                if not mail.deleted:
                    out.setdefault(mail.label, []).append((path, mail))
        return out


def explains(emails, copies):
    """Can the copies be dealt out so that each Email is the sum of its own? Never two of one folder to one Email."""
    if not emails:
        return not copies
    paths, keywords = emails[0]
    return any(explains(emails[1:], rest) for dealt, rest in _deals(sorted(paths), copies) if _sum(dealt) == keywords)


def _deals(paths, copies):
    if not paths:
        yield [], copies
        return
    for n, (path, _) in enumerate(copies):
        if path == paths[0]:
            for dealt, rest in _deals(paths[1:], copies[:n] + copies[n + 1:]):
                yield [copies[n]] + dealt, rest


def _sum(copies):
    sets = [mail.keywords for _, mail in copies]
    merged = frozenset().union(*sets)
    return merged if all("$seen" in s for s in sets) else merged - {"$seen"}


def differences(server, ats, only=None):
    """Lines. only: this folder and nothing else."""
    paths = ats.paths()
    out = []
    if only is None:
        ours = set(paths.values())
        out += [f"folder {p} is missing" for p in set(server.folders) - ours]
        out += [f"folder {p} is no more" for p in ours - set(server.folders)]
        out += [f"folder {p} twice" for p, n in Counter(paths.values()).items() if n > 1]
    emails = {}
    for email in ats.model.objects["Email"].values():
        places = frozenset(paths.get(m, m) for m in email["mailboxIds"])
        if only is None or only in places:
            emails.setdefault(label_of(email["subject"]), []).append((places, frozenset(email["keywords"]), email))
    copies = server.copies()
    if only is not None:
        return out + _differences_in(only, emails, copies)
    for label in sorted(set(emails) | set(copies)):
        here, there = emails.get(label, []), copies.get(label, [])
        if not explains([e[:2] for e in here], there):
            out.append(f"{label}: Postern {[(e['id'], sorted(p), sorted(k)) for p, k, e in here]}, "
                       f"server {[(p, m.uid, sorted(m.keywords)) for p, m in there]}")
        out += [f"{label}: content is {e['contentState']}" for _, _, e in here if e["contentState"] != "full"]
        out += [f"{label}: size {e['size']}, server {there[0][1].size}" for _, _, e in here
                if there and e["size"] != there[0][1].size]
    return out


def _differences_in(path, emails, copies):
    here = Counter({label: len(found) for label, found in emails.items()})
    there = Counter({label: sum(p == path for p, _ in found) for label, found in copies.items()})
    if here != +there:
        return [f"in {path} Postern has {here - there} too much, {there - here} not"]
    return [line for label in emails for line in _keywords_in(path, label, emails[label], copies[label])]


def _keywords_in(path, label, emails, copies):
    """Where no copy lies elsewhere, whose flags would count too."""
    if any(p != path for p, _ in copies) or any(places != {path} for places, _, _ in emails):
        return []
    ours, theirs = Counter(k for _, k, _ in emails), Counter(m.keywords for _, m in copies)
    return [] if ours == theirs else [f"{label} in {path}: Postern {[sorted(k) for k in ours.elements()]}, "
                                      f"server {[sorted(k) for k in theirs.elements()]}"]


def harm(plan, server):
    """Is what has an owner at the server as its owner left it?"""
    out = []
    for label, places in plan.where.items():
        if label in plan.loose:
            continue
        want = Counter((path, frozenset(KEYWORDS.get(f, f.lower()) for f in c.flags), c.deleted)
                       for path, copies in places.items() for c in copies)
        have = Counter((path, m.keywords, m.deleted) for path, mails in server.folders.items() for m in mails
                       if m.label == label)
        if want != have:
            out.append(f"{label}: should be {_rows(want)}, server has {_rows(have)}")
    known = set(plan.where)
    out += [f"{m.label} in {p}: from nowhere" for p, mails in server.folders.items() for m in mails if m.label not in known]
    # Auto-created by the server itself.
    out += [f"folder {p}: from nowhere" for p in set(server.folders) - plan.folders - {("Junk",)}]
    out += [f"folder {p}: lost" for p in plan.folders - set(server.folders)]
    return out


def _rows(counter):
    return [(p, sorted(k), "deleted" if d else "", n) for (p, k, d), n in counter.items()]


def identity(plan, ats):
    """One id for one message from first sight on."""
    return [f"{label} was seen as {sorted(ids)}" for label, ids in ats.ever.items()
            if len(ids) > 1 and label not in plan.loose | plan.doubled | plan.nameless]


def counts(ats):
    """The numbers of each Mailbox, and threads, from the Emails."""
    out = []
    emails, threads = ats.model.objects["Email"], ats.model.objects["Thread"]
    members = {}
    for e in emails.values():
        members.setdefault(e["threadId"], set()).add(e["id"])
    if {t: set(o["emailIds"]) for t, o in threads.items()} != members:
        out.append(f"Threads {[(t, o['emailIds']) for t, o in threads.items()]}, by Email {members}")

    def unread(e):
        return "$seen" not in e["keywords"] and "$draft" not in e["keywords"]
    for id_, box in ats.model.objects["Mailbox"].items():
        inside = [e for e in emails.values() if id_ in e["mailboxIds"]]
        touched = {e["threadId"] for e in inside}
        want = {"totalEmails": len(inside), "unreadEmails": sum(map(unread, inside)), "totalThreads": len(touched),
                "unreadThreads": sum(any(unread(emails[i]) for i in members[t]) for t in touched)}
        have = {k: box[k] for k in want}
        if have != want:
            out.append(f"Mailbox {id_} {box['name']}: {have}, counted {want}")
    for box in ats.model.objects["Mailbox"].values():
        path = ats.paths()[box["id"]]
        if box["role"] != ROLES.get(path):
            out.append(f"Mailbox {path} has the role {box['role']}")
    return out


def replays(ats, fresh):
    """Does each record, brought to the present by /changes, equal what is loaded afresh?"""
    out = []
    for n, record in enumerate(ats.records + [ats.model]):
        since = dict(record.states)
        record.follow(ats.rng.choice([None, 1, 3, 7]))
        for type_, want in fresh.objects.items():
            have = record.objects[type_]
            for id_ in sorted(set(want) | set(have)):
                if want.get(id_) != have.get(id_):
                    out.append(f"{type_}/changes from {since[type_]} (record {n}): {id_} is {have.get(id_)}, "
                               f"should be {want.get(id_)}")
    return out


def bodies(ats, server, many=5):
    """Some messages by their bytes."""
    out = []
    digests = {label: {m.digest for _, m in found} for label, found in server.copies().items()}
    emails = sorted(ats.model.objects["Email"].values(), key=lambda e: e["id"])
    for email in ats.rng.sample(emails, min(many, len(emails))):
        raw = patiently(lambda blob=email["blobId"]: ats.ats.download(ats.account, blob))
        if hashlib.sha256(raw).hexdigest() not in digests.get(label_of(email["subject"]), ()):
            out.append(f"{email['id']} {email['subject']}: other bytes than the server's")
    return out
