"""Whether what a peer has is the mailbox: counts, sizes, digests. Each returns None, or what is wrong in words."""

import os
import re

import inbox

STORED = ["messageId", "size", "contentState", "blobId", "threadId"]


def ours(run, stage, people=()):
    """
    All Emails of a link by number, size and state, and the notes of what people wrote; the bytes of a dense sample,
    read through the ATS's socket.
    """
    box, want = stage.mailbox, "full" if run.content == "all" else "header"
    ids = run.ats.query_all("Email", run.account)
    rows = run.ats.get_all("Email", run.account, ids, slice_=500, properties=STORED)
    by_number = {inbox.number((r["messageId"] or [""])[0]): r for r in rows}
    if len(ids) != box.count or set(by_number) != set(range(box.count)):
        return f"{len(ids)} Emails, {len(by_number)} different, of {box.count}"
    for n, row in by_number.items():
        if row["size"] != box.sizes[n] or row["contentState"] != want:
            return f"message {n}: {row['size']} bytes of {box.sizes[n]}, {row['contentState']}"
    filed = {n["emailId"] for n in run.ats.get_all("Note", "ats", run.ats.query_all("Note"))} if people else set()
    for n, sender in enumerate(box.senders):
        if sender in people and by_number[n]["id"] not in filed:
            return f"message {n} of {sender} is not filed"
    if want == "full":
        return box.check({n: run.ats.download(run.account, by_number[n]["blobId"]) for n in box.sample()})
    return None


def page(answer, stage):
    """A response of Email/query and Email/get: the newest fifty, newest first."""
    (_, query, _), (_, get, _) = answer["methodResponses"]
    rows = {e["id"]: e for e in get["list"]}
    times = [rows[i]["receivedAt"] for i in query["ids"] if i in rows]
    good = len(times) == min(50, stage.mailbox.count) and times == sorted(times, reverse=True)
    return None if good else f"{len(times)} Emails, or out of order"


def file_of_floor(path, box):
    """The durable floor's file: as many bytes of literals as there are."""
    size = os.path.getsize(path)
    return None if size >= box.total else f"{size} bytes of {box.total}"


def maildir(path, box):
    """Every file of mbsync's maildir: LF, and a line X-TUID that it adds."""
    seen = set()
    for sub in ("cur", "new"):
        for name in os.listdir(os.path.join(path, sub)):
            with open(os.path.join(path, sub, name), "rb") as f:
                raw = re.sub(rb"X-TUID: .*\n", b"", f.read(), count=1)
            found = re.search(rb"^Message-ID: (\S+)", raw, re.M)
            n = inbox.number(found.group(1).decode()) if found else None
            if n is None or n in seen:
                return f"{name}: unknown, or twice"
            wrong = box.check({n: inbox.as_sent(raw)})
            if wrong:
                return wrong
            seen.add(n)
    return None if len(seen) == box.count else f"{len(seen)} messages of {box.count}"
