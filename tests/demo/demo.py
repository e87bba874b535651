#!/usr/bin/python3
"""
make demo: Postern does its main job on real servers, told step by step. Everything lives under build/demo.
KEEP=1 leaves it all running. Status: 0 shown, 1 something failed, 77 this machine lacks something (said which).
"""

import email
import email.utils
import glob
import imaplib
import os
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "peers")]

import procs  # noqa: E402
from jmap import Late, MethodError, SetError  # noqa: E402
from peers import CANDIDATE, CONTACT, RECRUITER, World, message, public_dir, until  # noqa: E402
from postern import ROOT, Postern, built  # noqa: E402
from postfix import privilege  # noqa: E402

KEEP = os.environ.get("KEEP", "") not in ("", "0")
SECONDS = 110
_step = 0


def step(text):
    global _step
    _step += 1
    print(f"\n{_step:2}. {text}", flush=True)


def say(text):
    print("    " + text, flush=True)


class Failed(Exception):
    pass


def check(truth, what):
    if not truth:
        raise Failed(what)
    say(what)


# ---- the stage ---------------------------------------------------------------

def shown(path):
    """A path as one would type it here."""
    return os.path.relpath(path, ROOT) if path.startswith(ROOT + "/") else path


def stop_earlier(link):
    script = os.path.join(link, "stop")
    if os.path.exists(script):
        print("stopping the demo that was left running")
        subprocess.run(["sh", script], check=False)
    real = os.path.realpath(link)
    for path in glob.glob(real + "/*"):
        if os.path.basename(path) == "peers" and os.geteuid() != 0:
            subprocess.run([*(privilege() or []), "rm", "-rf", path], check=False)
        elif os.path.isdir(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)


def write_stop(directory, world, postern):
    pids = [str(postern.child.pid), str(world.dovecot.child.pid)]
    path = os.path.join(directory, "stop")
    with open(path, "w") as f:
        f.write("#!/bin/sh\n# ends what make demo KEEP=1 left running\n")
        f.write(f"kill {' '.join(pids)}\n")
        f.write(f"{shlex.join([*world.postfix.sudo, '/usr/sbin/postfix', '-c', world.postfix.conf, 'stop'])} "
                ">/dev/null 2>&1\n")
        f.write(f"rm -f {shlex.quote(path)}\n")
    return path


def fill_mailbox(world):
    """Mail of a week, each message with the time it claims."""
    for path in sorted(glob.glob(os.path.join(HERE, "mail", "*.eml"))):
        with open(path, "rb") as f:
            raw = f.read().replace(b"\n", b"\r\n")
        head = email.message_from_bytes(raw)
        date = imaplib.Time2Internaldate(email.utils.parsedate_to_datetime(head["Date"]))
        mine = RECRUITER in head["From"]
        world.append(RECRUITER, "Sent" if mine else "INBOX", raw, "\\Seen" if mine else "", date)


def stage(directory):
    step("Starting Dovecot (IMAP) and Postfix (submission) with a certificate authority of their own")
    world = World(os.path.join(directory, "peers"), keep=KEEP, postfix=True).start()
    say(f"IMAPS on 127.0.0.1:{world.dovecot.imaps}, submission on 127.0.0.1:{world.postfix.tls} (TLS)"
        f" and :{world.postfix.starttls} (STARTTLS)")
    fill_mailbox(world)
    say(f"{RECRUITER} has {len(world.mails(RECRUITER))} messages in the inbox and "
        f"{len(world.mails(RECRUITER, 'Sent'))} in Sent; {CANDIDATE} has none")
    step("Starting Postern: a new vault key, an empty database, one ATS socket")
    postern = Postern(directory, world, keep=KEEP, content="matched")
    begin = time.monotonic()
    postern.start()
    say(f"ready after {time.monotonic() - begin:.1f} s: {shown(postern.socket())}")
    return world, postern


# ---- acting as the ATS ---------------------------------------------------------

def link(world, ats):
    step(f"The ATS asks whether it could link {RECRUITER}, with a mistyped password")
    wish = {"address": RECRUITER, "name": "Rita Recruiter", **world.endpoints(RECRUITER)}
    wrong = {"type": "password", "secret": "not it"}
    show_steps(ats.call("Link/test", link={**wish, "credential": wrong}))
    step("It links the mailbox with the right one: verified first, sealed for the vault, then stored")
    right = {"type": "password", "secret": world.password(RECRUITER)}
    id_ = ats.create("Link", **wish, credential=right)["id"]
    seen = []

    def live():
        now = ats.one("Link", id_)
        progress = now.get("progress") or {}
        line = f"{now['state']}, {progress.get('phase') or '-'} {progress.get('done', 0)}/{progress.get('total', 0)}"
        if line not in seen:
            seen.append(line)
            say(f"link {id_}: {line}")
        return now["state"] == "live"

    ats.wait_for(live, what="the first sync")
    return id_


def show_steps(answer):
    for s in answer["steps"]:
        verdict = "ok" if s["ok"] else f"{s['code']}: {s.get('hint') or s.get('detail') or ''}"
        say(f"{s['service']:5}{s['step']:12}{s['ms']:5} ms  {verdict}")


def mailboxes(ats, account):
    return {m["role"]: m["id"] for m in ats.get("Mailbox", account) if m["role"]}


def find(ats, account, subject):
    ids = ats.query("Email", account, sort=[{"property": "receivedAt", "isAscending": False}])
    rows = ats.get("Email", account, ids, properties=["id", "subject", "messageId", "references", "keywords",
                                                       "mailboxIds", "threadId", "contentState"])
    return [e for e in rows if e["subject"] == subject]


def people(ats, account):
    step("What the ATS sees before it has named anybody: headers only, no text was fetched")
    rows = ats.get("Email", account, ats.query("Email", account))
    for e in rows:
        say(f"{e['receivedAt'][:10]}  {e['contentState']:7} {e['subject']}")
    check(all(e["contentState"] == "header" for e in rows), "all of them are known by header alone")
    step("It registers the candidate and the client's contact; their mail is now fetched and filed")
    candidate = ats.create("Correspondent", kind="candidate", name="Jana Kowalski", emails=[CANDIDATE])["id"]
    contact = ats.create("Correspondent", kind="contact", name="André Lefèvre", emails=[CONTACT])["id"]
    ats.wait_for(lambda: len(notes(ats, candidate)) == 5 and len(notes(ats, contact)) == 1, what="the notes")
    conversation(ats, candidate)
    news = find(ats, account, "Programme of the recruiting fair")[0]
    check(news["contentState"] == "header", "the newsletter concerns nobody: its text was never asked for")
    return candidate


def notes(ats, person):
    ids = ats.query("Note", filter={"correspondentId": person},
                    sort=[{"property": "receivedAt", "isAscending": True}])
    return sorted(ats.get("Note", ids=ids), key=lambda n: ids.index(n["id"]))


def conversation(ats, person):
    for n in notes(ats, person):
        arrow = "->" if n["direction"] == "out" else "<-"
        kind = "" if n["kind"] == "human" else f"  [{n['kind']}]"
        say(f"{arrow} {n['subject']}{kind}")
        first = next((line for line in n["text"].splitlines() if line.strip()), "")
        say(f"     {first.strip()[:70]}")
        for d in n["documents"]:
            say(f"     document: {d['name']} ({d['type']}, {d['size']} bytes)")


def download(ats, person):
    documents = [d for n in notes(ats, person) for d in n["documents"]]
    data = ats.download(documents[0]["accountId"], documents[0]["blobId"], "cv.pdf", "application/pdf")
    check(data.startswith(b"%PDF-1.4") and data.rstrip().endswith(b"%%EOF"),
          f"the CV can be downloaded: {len(data)} bytes of PDF")


def reply(world, ats, account):
    step("The ATS answers the candidate: draft and submission in one request")
    boxes = mailboxes(ats, account)
    first = find(ats, account, "Re: Interview next week?")[0]
    identity = ats.get("Identity", account)[0]
    draft = {"mailboxIds": {boxes["drafts"]: True}, "keywords": {"$draft": True, "$seen": True},
             "from": [{"name": identity["name"], "email": RECRUITER}],
             "to": [{"name": "Jana Kowalski", "email": CANDIDATE}],
             "subject": "Re: Interview next week? Zürich, Thursday",
             "inReplyTo": first["messageId"], "references": (first["references"] or []) + first["messageId"],
             "bodyStructure": {"type": "text/plain", "partId": "1"},
             "bodyValues": {"1": {"value": "Dear Jana,\n\nhere is the link to the call. See you on Thursday.\n\nRita\n"}}}
    answers = ats.calls(
        ("Email/set", {"accountId": account, "create": {"d": draft}}),
        ("EmailSubmission/set", {
            "accountId": account,
            "create": {"s": {"emailId": "#d", "identityId": identity["id"]}},
            "onSuccessUpdateEmail": {"#s": {f"mailboxIds/{boxes['drafts']}": None,
                                            f"mailboxIds/{boxes['sent']}": True, "keywords/$draft": None}}}))
    created = answers[1][1]["created"]["s"]
    submission = ats.wait_for(lambda: sent(ats, account, created["id"]), what="the submission")
    draft_now = ats.one("Email", submission["emailId"], account, properties=["messageId", "mailboxIds", "keywords"])
    mid = draft_now["messageId"][0]
    arrived = until("the candidate's inbox", lambda: world.find(CANDIDATE, "INBOX", message_id=mid))[0]
    check(arrived.subject == draft["subject"], f"in the inbox of {CANDIDATE}: {arrived.subject}")
    copies = until("the Sent copy", lambda: world.find(RECRUITER, "Sent", message_id=mid))
    until("no draft", lambda: not world.find(RECRUITER, "Drafts", message_id=mid))
    check(len(copies) == 1, "exactly one copy in Sent, none in Drafts, the same Email id throughout")


def sent(ats, account, id_):
    now = ats.one("EmailSubmission", id_, account)
    if now["state"] in ("failed", "uncertain", "stopped"):
        raise Failed(f"the submission is {now['state']}: {now}")
    return now if now["state"] == "sent" else None


def flags(world, ats, account):
    step("Marking a message read in the ATS, and flagging one in another mail program")
    row = find(ats, account, "Profil recherché à Genève")[0]
    on_server = world.find(RECRUITER, "INBOX", subject=row["subject"])[0]
    check("\\Seen" not in on_server.flags, "after all this reading the server still has it unread")
    ats.update("Email", row["id"], {"keywords/$seen": True}, account)
    until("\\Seen on the server",
          lambda: "\\Seen" in world.find(RECRUITER, "INBOX", subject=row["subject"])[0].flags)
    say("the server shows \\Seen")
    world.store(RECRUITER, "INBOX", on_server.uid, "+", "\\Flagged")
    ats.wait_for(lambda: "$flagged" in ats.one("Email", row["id"], account)["keywords"], what="the flag")
    say("the flag set elsewhere is in the ATS: $flagged")


def delete(world, ats, account):
    step("Deleting the newsletter in the ATS")
    row = find(ats, account, "Programme of the recruiting fair")[0]
    ats.destroy("Email", row["id"], account)
    until("deleted on the server", lambda: not world.find(RECRUITER, "INBOX", subject=row["subject"]))
    check(not find(ats, account, row["subject"]), "gone in the ATS and on the server")


def latency(world, ats, account, rounds=5):
    step("How long from the mail server's delivery to the event at the ATS?")
    took = []
    with ats.events("Email") as events:
        for n in range(rounds):
            before = ats.state("Email", account)
            mail = message(CANDIDATE, RECRUITER, f"Another thought {n + 1}")
            begin = time.monotonic()
            world.deliver(RECRUITER, mail, CANDIDATE)
            events.until(lambda d: d["changed"].get(account, {}).get("Email", before) != before)
            took.append(events.received_at - begin)
    say(f"{statistics.median(took) * 1000:.0f} ms (median of {rounds}, worst {max(took) * 1000:.0f} ms)")


def table(postern):
    step("The processes: who they are, where their root is, what confines them, what memory is theirs alone")
    for line in procs.table(postern.processes()):
        say(line)


def farewell(directory, world, postern):
    stop = write_stop(directory, world, postern)
    sock, control = shown(postern.socket()), shown(postern.control)
    print(f"\nIt is all still running.\n  ATS socket      {sock}\n  admin socket    {control}\n  accounts")
    for user in (RECRUITER, CANDIDATE, CONTACT):
        print(f"    {user:26} password {world.password(user)}")
    print("  try")
    print(f"    curl --unix-socket {sock} http://localhost/.well-known/jmap")
    body = '{"using":["urn:ietf:params:jmap:core","urn:postern:params:jmap:ats"],' \
           '"methodCalls":[["Note/get",{"accountId":"ats","ids":null},"0"]]}'
    print(f"    curl --unix-socket {sock} -H 'Content-Type: application/json' http://localhost/jmap/api -d '{body}'")
    print(f"    curl --unix-socket {sock} -N 'http://localhost/jmap/eventsource?types=*&closeafter=no&ping=10'")
    print(f"    build/bin/posternctl -s {control} show processes")
    print(f"  stop it with\n    sh {shown(stop)}")


def play(link_path):
    directory = public_dir(link_path)
    world, postern = stage(directory)
    ats = postern.jmap()
    account = link(world, ats)
    candidate = people(ats, account)
    download(ats, candidate)
    reply(world, ats, account)
    flags(world, ats, account)
    delete(world, ats, account)
    latency(world, ats, account)
    table(postern)
    if KEEP:
        farewell(directory, world, postern)
        return
    step("Stopping everything")
    check(postern.stop() == 0, "posternd drained and ended with status 0")
    world.stop()


def main():
    if privilege() is None:
        print("The demo starts a Postfix of its own, which refuses to run as an ordinary user.\n"
              "Run it as root, or install sudo and let this user use it. Nothing else of the demo needs root.",
              file=sys.stderr)
        return 77
    if not built():
        print("run it by: make demo", file=sys.stderr)
        return 1
    path = os.path.join(ROOT, "build", "demo")
    stop_earlier(path)
    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(Late(f"longer than {SECONDS} s")))
    signal.alarm(SECONDS)
    begin = time.monotonic()
    try:
        play(path)
    except (Failed, Late, SetError, MethodError, AssertionError, OSError, RuntimeError) as error:
        print(f"\nFAILED at step {_step}: {type(error).__name__}: {error}", file=sys.stderr)
        log = os.path.join(path, "posternd.log")
        if os.path.exists(log):
            with open(log, errors="replace") as f:
                print(f"last lines of {shown(log)}:\n" + "".join(f.readlines()[-15:]), file=sys.stderr)
        return 1
    signal.alarm(0)
    print(f"\nAll of it worked, in {time.monotonic() - begin:.0f} seconds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
