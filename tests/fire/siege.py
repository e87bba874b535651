"""
A siege: a seeded random kills, stops and crashes the processes of a posternd at work, while mail comes in and goes out
on all its links. Afterwards every message, note and submission is counted.
"""

import contextlib
import email.utils
import json
import os
import queue
import re
import signal
import subprocess
import threading
import time
from collections import Counter, defaultdict

import procs
from desk import Desk
from fire import BROKEN, patiently
from jmap import Jmap, MethodError, Problem, SetError
from peers import message, until
from postern import POSTERNCTL

# How often each role is the victim. posternd only in the first third: what is measured of it must have time to leak.
WEIGHTS = {"imapd-worker": 30, "mime-worker": 14, "smtp-worker": 14, "tls-worker": 10, "ats-worker": 8, "store": 6,
           "vault": 6, "dialer": 5, "control": 3, "posternd": 1}
BLOWS = {"kill": 50, "segv": 20, "stop": 26, "wedge": 4}
LONGEST_STOP = 12


def started(pid):
    """When the kernel started it: tells two processes of one pid apart. None: it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[19]
    except OSError:
        return None


def children(pid):
    """{pid: (name, state)} of the processes whose parent is pid."""
    out = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        with contextlib.suppress(OSError):
            with open(f"/proc/{entry}/stat") as f:
                name, rest = f.read().split("(", 1)[1].rsplit(")", 1)
            state, parent = rest.split()[:2]
            if int(parent) == pid:
                out[int(entry)] = (name, state)
    return out


class Killer:
    """Chooses victims by rng alone, so that one seed chooses the same ones; .blows counts what was done."""

    def __init__(self, postern, links, rng):
        self.postern, self.links, self.rng = postern, links, rng
        self.known, self.stopped = [], []
        self.blows, self.missed = Counter(), 0

    def run(self, seconds, pause, beheadings=()):
        """beheadings: (share of the time, blow) at which posternd itself is struck, besides by chance."""
        begin, beheadings = time.monotonic(), list(beheadings)
        while (now := time.monotonic()) < begin + seconds:
            if beheadings and now > begin + seconds * beheadings[0][0]:
                self.behead(beheadings.pop(0)[1], LONGEST_STOP / 2)
            role = self.rng.choices(list(WEIGHTS), WEIGHTS.values())[0]
            blow = self.rng.choices(list(BLOWS), BLOWS.values())[0]
            place, length = self.rng.random(), self.rng.random()
            if role == "posternd" and now > begin + seconds / 3:
                role = "imapd-worker"
            self.strike(role, blow, place, length * LONGEST_STOP)
            end = now + self.rng.random() * 2 * pause
            while time.monotonic() < end:
                self.release()
                time.sleep(0.05)
        for victim in self.stopped:
            if victim[2]:
                victim[2:] = [1]  # the wedged are left to posternd
        self.release()

    def clean_up(self):
        """After a failure: nobody stands still for ever."""
        for pid, birth, _ in self.stopped:
            if started(pid) == birth:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def release(self):
        """SIGCONT to whom it is time for; the wedged stay."""
        for victim in [v for v in self.stopped if v[2] and v[2] < time.monotonic()]:
            self.stopped.remove(victim)
            if started(victim[0]) == victim[1]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victim[0], signal.SIGCONT)

    def look(self):
        """Who runs, as posternctl says; while it cannot, as it last said."""
        with contextlib.suppress(subprocess.SubprocessError, ValueError):
            run = subprocess.run([POSTERNCTL, "-s", self.postern.control, "-j", "show", "processes"],
                                 stdin=subprocess.DEVNULL, capture_output=True, timeout=3)
            if run.returncode == 0:
                out = json.loads(run.stdout)
                rows = out["processes"] if isinstance(out, dict) else out
                self.known = [(p, started(p["pid"])) for p in rows if p["pid"]]
        return [p for p, birth in self.known if birth and started(p["pid"]) == birth]

    def places(self, role):
        rows = sorted((p for p in self.look() if p["role"] == role),
                      key=lambda p: (p.get("ats") or "", p.get("unit") or 0, p["pid"]))
        return [p["pid"] for p in rows]

    def senders(self):
        """They live for moments: the kernel is asked, for a while."""
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            found = [pid for pid, (name, _) in children(self.postern.child.pid).items() if name == "smtp-worker"]
            if found:
                return sorted(found)
        return []

    def strike(self, role, blow, place, length):
        if role == "posternd":
            self.behead(blow, length)
            return
        found = self.senders() if role == "smtp-worker" else self.places(role)
        if not found:
            self.missed += 1
            return
        pid = found[int(place * len(found))]
        birth = started(pid)
        with contextlib.suppress(ProcessLookupError):
            if blow == "kill":
                os.kill(pid, signal.SIGKILL)
            elif blow == "segv":
                os.kill(pid, signal.SIGSEGV)
            else:
                os.kill(pid, signal.SIGSTOP)
                self.stopped.append([pid, birth, None if blow == "wedge" else time.monotonic() + length])
            self.blows[role, blow] += 1

    def behead(self, blow, length):
        """posternd itself: stopped for a while, or killed, and started as a service manager would."""
        pid = self.postern.child.pid
        self.blows["posternd", blow] += 1
        if blow in ("stop", "wedge"):
            os.kill(pid, signal.SIGSTOP)
            time.sleep(length)
            os.kill(pid, signal.SIGCONT)
            return
        mine = children(pid)
        os.kill(pid, signal.SIGKILL if blow == "kill" else signal.SIGSEGV)
        self.postern.child.popen.wait(10)
        for victim, birth, _ in self.stopped:  # its parent's death kills also who stands still
            assert birth != started(victim) or until("the stopped die too", lambda v=victim, b=birth: started(v) != b)
        self.stopped.clear()
        until("children end with posternd", lambda: not any(started(p) for p in mine), seconds=15)
        self.postern.start(seconds=90)


class Traffic:
    """
    Mail in by LMTP from people, and submissions out to people, on all desks. sent: {(desk index, submission id):
    (subject, address)}; delivered: {desk index: [Message-ID]}.
    """

    def __init__(self, world, desks, people, rng, in_pause, out_pause):
        self.world, self.desks, self.people, self.rng = world, desks, people, rng
        self.pauses = {"in": in_pause, "out": out_pause}
        self.delivered, self.sent = defaultdict(list), {}
        self.retried = 0
        self.errors = []
        self.orders = queue.Queue()
        self.end = threading.Event()
        self.threads = [threading.Thread(target=job, daemon=True) for job in (self.bring, self.order)]
        self.threads += [threading.Thread(target=self.submit_all, daemon=True) for _ in range(6)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self, seconds=180):
        """What was begun is finished: an ATS asks until it is answered."""
        self.end.set()
        for thread in self.threads:
            thread.join(seconds)
            assert not thread.is_alive(), "a submission was never answered"
        assert not self.errors, self.errors[:3]

    def bring(self):
        n = 0
        while not self.end.wait(self.pauses["in"]):
            at, who = self.rng.randrange(len(self.desks)), self.rng.choice(self.people)
            mid = f"<in.{n}@people.example>"
            body = f"Message {n}.\n" + "A line of an ordinary letter.\n" * self.rng.randrange(300)
            self.world.deliver(self.desks[at].user, message(who, self.desks[at].user, f"in {n}", body, mid))
            self.delivered[at].append(mid.strip("<>"))
            n += 1

    def order(self):
        n = 0
        while not self.end.wait(self.pauses["out"]):
            self.orders.put((n, self.rng.randrange(len(self.desks)), self.rng.choice(self.people)))
            n += 1
        for _ in self.threads[2:]:
            self.orders.put(None)

    def submit_all(self):
        while (order := self.orders.get()) is not None:
            try:
                self.submit(*order)
            except Exception as error:  # told by stop()
                self.errors.append(repr(error))

    def submit(self, n, at, who):
        desk = self.desks[at]
        subject = f"out {n}"
        draft = {"mailboxIds": {desk.box["drafts"]: True}, "keywords": {"$draft": True, "$seen": True},
                 "from": [{"name": "R", "email": desk.user}], "to": [{"name": None, "email": who}],
                 "subject": subject, "bodyStructure": {"type": "text/plain", "partId": "1"},
                 "bodyValues": {"1": {"value": f"Dear you, {n}.\n" * 20}}}
        on_success = {"#s": {f"mailboxIds/{desk.box['drafts']}": None, f"mailboxIds/{desk.box['sent']}": True,
                             "keywords/$draft": None}}
        calls = (("Email/set", {"accountId": desk.account, "create": {"d": draft}}),
                 ("EmailSubmission/set", {"accountId": desk.account, "onSuccessUpdateEmail": on_success, "create": {
                     "s": {"emailId": "#d", "identityId": desk.own, "idempotencyKey": f"key-{n}"}}}))

        def once():
            answers = desk.ats.calls(*calls)
            for name, args, _ in answers[:2]:
                if name == "error":
                    raise MethodError(args)
                for error in (args.get("notCreated") or {}).values():
                    raise SetError(error)
            return answers[1][1]["created"]["s"]["id"]

        def counted():
            try:
                return once()
            except (*BROKEN, MethodError, SetError, Problem):
                self.retried += 1
                raise
        id_ = patiently(counted, seconds=150)
        self.sent[at, id_] = (subject, who)


def settle(postern, desks, seconds=150):
    """Every link is live: the longest wait of a process that died often is a minute, of a connection not much more."""
    for desk in desks:
        until(f"link {desk.user} live",
              lambda d=desk: (patiently(lambda: d.ats.one("Link", d.account)) or {}).get("state") == "live",
              seconds=seconds, pause=0.5)


def fds(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Measure:
    """Who runs, with how many descriptors and how much memory: {(role, ats): sorted values}."""

    def __init__(self, postern):
        self.fds, self.kb = defaultdict(list), defaultdict(list)
        rows = postern.processes()
        for p in rows:
            who = (p["role"], p.get("ats") or "")
            self.fds[who].append(fds(p["pid"]))
            self.kb[who].append(procs.resident_kb(p["pid"]))
        self.fds = {who: sorted(n) for who, n in self.fds.items() if who[0] != "smtp-worker"}
        self.pids = {p["pid"] for p in rows}

    def with_tls_workers(self, after, links):
        """What .fds would be with as many tls-workers as there are after; each link's stream is two descriptors."""
        fds = {who: list(n) for who, n in self.fds.items()}
        for name, users in links.items():
            now, then = after.fds["tls-worker", name], self.fds["tls-worker", name]
            more = len(now) - len(then)
            alone = (sum(then) - 2 * len(users)) // len(then)
            if more and sum(now) == sum(then) + more * alone:
                fds["tls-worker", name] = now
                for who in (("posternd", ""), ("vault", ""), ("dialer", "")):
                    fds[who][0] += more
        return fds

    def totals(self):
        return {who: sum(kb) for who, kb in sorted(self.kb.items())}


def message_ids(world, user, folder):
    """The Message-IDs of a folder, as the server has them, without brackets."""
    out = world.dovecot.doveadm("fetch", "-u", user, "hdr.message-id", "mailbox", folder).decode(errors="replace")
    return Counter(re.findall(r"<([^>]+)>", out))


__all__ = ["Desk", "Jmap", "Killer", "Measure", "Traffic", "email", "message_ids", "settle", "children", "started"]
