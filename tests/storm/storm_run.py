"""One storm: a mailbox of its own, three programs at once, trouble on the way; and what is looked at afterwards."""

import contextlib
import glob
import os
import shutil
import signal
import threading
import time

import storm_judge as judge
from jmap import Late, SetError
from proc import until
from storm_ats import BROKEN, Ats, Model, patiently
from storm_others import ByHand, ByImaplib, Gate, utf7
from storm_plan import make

# Flags without CONDSTORE may be known after LIM_SENT_POLL_SECONDS only.
LIVE_SECONDS = 45
SETTLE_SECONDS = 75
SILENT_SECONDS = 200    # that the server itself may be silent: Dovecot's locks wait up to 180
NUDGE_SECONDS = 4
TROUBLE = ("cut", "renumber", "kick", "kill imapd-worker", "kill store")


class Fault(AssertionError):
    """Something is not as it should be; the text is the seed's."""


class House:
    """What all storms share: world, Postern, proxy."""

    def __init__(self, world, postern, proxy):
        self.world, self.postern, self.proxy = world, postern, proxy
        self.names = list(postern.ats)

    def user(self, seed):
        return f"storm{seed}@agency.example"

    def ats_of(self, seed):
        return self.names[seed % len(self.names)]

    def kill(self, role, ats, link=None):
        """True: there was one."""
        try:
            found = [p["pid"] for p in self.postern.processes() if p["pid"] and p["role"] == role and p["ats"] == ats
                     and (link is None or str(p.get("unit")) == link)]
        except (RuntimeError, ValueError):
            return False
        for pid in found:
            with contextlib.suppress(ProcessLookupError):  # another storm was faster
                os.kill(pid, signal.SIGKILL)
        return bool(found)


class Storm:
    def __init__(self, house, seed, ops=40):
        self.house, self.plan = house, make(seed, ops)
        self.world, self.proxy = house.world, house.proxy
        self.user, self.name = house.user(seed), f"seed {seed}"
        self.gate, self.errors = Gate(), []
        self.others = {"A": ByImaplib(self.world, self.user, self.plan), "B": ByHand(self.world, self.user, self.plan)}
        self.ats, self.took = None, {}

    # ---- the run -------------------------------------------------------------------

    def run(self):
        """Raises Fault."""
        start = time.monotonic()
        try:
            self._begin()
            self.took["begin"] = time.monotonic() - start
            for n, burst in enumerate(self.plan.bursts):
                self._burst(burst)
                self.took[f"burst {n}"] = time.monotonic() - start
                self._after(n)
                self.took[f"after {n}"] = time.monotonic() - start
            self.took["storm"] = time.monotonic() - start
            self._look()
            self.took["all"] = time.monotonic() - start
        except Fault:
            raise
        except Exception as error:
            self._fault([f"{type(error).__name__}: {error}"], error)
        finally:
            for other in self.others.values():
                other.close()

    def _fault(self, lines, error=None):
        raise Fault("\n".join([f"--seed={self.plan.seed}"] + [f"  !! {line}" for line in lines])
                    + "\n" + self.plan.text()) from error

    def _begin(self):
        for op in self.plan.first:
            self.others["B"].run(op)
        port = self.proxy.open(self.name, self.plan.hide)
        path = self.house.postern.socket(self.house.ats_of(self.plan.seed))
        endpoint = {"host": "localhost", "port": port, "security": "tls", "user": self.user}
        ats = Ats(path, None, self.plan)
        wanted = {"address": self.user, "imap": endpoint, "mode": "receiveOnly", "verify": False,
                  "folders": {"also": ["*"]}, "policy": {"content": "all", "first": 5000},
                  "credential": {"type": "password", "secret": self.world.password(self.user)}}

        def create():
            try:
                return ats.ats.create("Link", **wanted)["id"]
            except SetError as error:  # made before the store died, or none too many
                if error.type != "addressInUse":
                    raise
                return next(link["id"] for link in ats.ats.get("Link") if link["address"] == self.user)
        ats.account = ats.model.account = patiently(create)
        self.ats = ats
        ats.wait_live()
        ats.start()

    def _burst(self, burst):
        threads = [threading.Thread(target=self._work, args=(who, ops), daemon=True) for who, ops in burst.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.errors:
            self._fault(self.errors)

    def _work(self, who, ops):
        op = None
        try:
            for op in ops:
                if op[0] in TROUBLE:
                    self._trouble(op)
                elif who == "C":
                    self.ats.run(op)
                else:
                    with self.gate.shared():
                        self.others[who].run(op)
        except Exception as error:
            self.errors.append(f"{who} {op}: {type(error).__name__}: {error}")

    def _trouble(self, op):
        ats = self.house.ats_of(self.plan.seed)
        if op[0] == "cut":
            self.proxy.cut(self.name, op[1], op[2])
        elif op[0] == "kill imapd-worker":
            self.house.kill("imapd-worker", ats, self.ats.account[1:])
        elif op[0] == "kill store":
            self.house.kill("store", ats)
        else:
            with self.gate.alone():
                for other in self.others.values():
                    other.stale()
                if op[0] == "kick":
                    self._kick()
                    return
                # A session that sees a half renumbered folder takes its mail for lost.
                with self.proxy.held(self.name):
                    until("nobody is there", lambda: not self._kick() and not self._opened())
                    self._renumber(op[1])

    def _kick(self):
        """The server ends all sessions of the user; False: there were none."""
        try:
            self.world.dovecot.doveadm("kick", self.user)
        except RuntimeError:
            return False
        return True

    def _opened(self):
        """The processes that still have files of the mailbox open, and which."""
        holders = {}
        for fd in glob.iglob("/proc/[0-9]*/fd/*"):
            with contextlib.suppress(OSError):
                if (path := os.readlink(fd)).startswith(self.mail()):
                    holders.setdefault(fd.split("/")[2], set()).add(path[len(self.mail()):])
        return holders

    def _waiting(self):
        """What those wait for: the server does not answer."""
        for pid, paths in self._opened().items():
            with contextlib.suppress(OSError), open(f"/proc/{pid}/wchan") as wchan, open(f"/proc/{pid}/stat") as stat:
                yield f"{pid} {stat.read().split()[2]} in {wchan.read()} with {sorted(paths)}"

    def _renumber(self, path):
        """Dovecot numbers a folder without a list of UIDs anew, from 1, under another UIDVALIDITY."""
        directory = os.path.join(self.mail(), "mail", *([] if path == ("INBOX",) else ["." + ".".join(map(utf7, path))]))
        mails = sum(len(os.listdir(os.path.join(directory, d))) for d in ("cur", "new"))
        was = self.world.dovecot.uidvalidity(self.user, ".".join(path))
        for name in glob.glob(os.path.join(directory, "dovecot.index*")) + [os.path.join(directory, "dovecot-uidlist")]:
            os.unlink(name)
        now = self.world.dovecot.uidvalidity(self.user, ".".join(path))
        assert now != was and self.world.dovecot._status(self.user, ".".join(path), "messages") == mails, (path, was, now)

    def _after(self, n):
        pause = self.plan.pauses[n]
        if pause == "nothing":
            return
        self.ats.wait_live()
        if pause == "all seen" and not {"IDLE"} & set(self.plan.hide):
            self._equal(("INBOX",), LIVE_SECONDS, f"the inbox after burst {n}")

    def _equal(self, folder, seconds, what):
        """Awaits that a folder (None: all) is the same on both sides, by itself."""
        last, silent = [], 0

        def same():
            self.ats.follow()
            server = judge.server_of(self.world, self.user)
            last[:] = judge.differences(server, self.ats, folder)
            if folder is None:  # what was written here is there, too
                last.extend(judge.harm(self.plan, server))
            return not last
        end = time.monotonic() + seconds
        while True:
            try:
                return self.ats.wait_for(same, min(1, max(end - time.monotonic(), 0.1)), what)
            except (Late, *BROKEN, Exception) as error:
                if isinstance(error, judge.Silent) and silent < SILENT_SECONDS:
                    silent += error.seconds
                    end += error.seconds
                    last[:] = self._waiting()
                if time.monotonic() > end or isinstance(error, AssertionError):
                    why = [] if isinstance(error, Late) else [f"{type(error).__name__}: {error}"]
                    self._fault([f"{what}: not equal within {seconds} s"] + why + last + [self._state()], error)

    def _state(self):
        return f"link {self.ats.link()}, proxy {self.proxy.told(self.name)}"

    # ---- afterwards --------------------------------------------------------------------

    def _nudge(self, how):
        """A new connection: all folders are looked at again."""
        if how == "cut":
            self.proxy.drop(self.name)
        elif how == "kill" and self.house.kill("imapd-worker", self.house.ats_of(self.plan.seed), self.ats.account[1:]):
            pass
        else:
            for paused in (True, False):
                patiently(lambda p=paused: self.ats.ats.update("Link", self.ats.account, {"paused": p}))

    def _look(self):
        self.proxy.cut(self.name, "none", 0)
        self.ats.wait_live()
        if "IDLE" not in self.plan.hide:
            self._equal(("INBOX",), LIVE_SECONDS, "the inbox, live")
        self._settle()
        self.ats.follow()  # mailboxes and threads as they were when the last email was right
        server = judge.server_of(self.world, self.user)
        fresh = Model(self.ats.ats, self.ats.account).load()
        wrong = judge.differences(server, self.ats) + judge.harm(self.plan, server)
        wrong += judge.identity(self.plan, self.ats)
        wrong += judge.counts(self.ats) + judge.replays(self.ats, fresh) + judge.bodies(self.ats, server)
        wrong += self.ats.refused + [f"sent: {c}" for c in self.proxy.told(self.name)[2]]
        if wrong:
            self._fault(wrong + [self._state()])

    def _settle(self):
        """Nudged once, and again while something that vanished waits for a second look. So a storm does not show by what
        means it was found out in the end: that VANISHED alone is heeded shows in tests/peers/test_extensions.py."""
        end = time.monotonic() + SETTLE_SECONDS
        how = self.plan.settle
        while True:
            self._nudge(how)
            how = "pause"
            self.ats.wait_live()
            try:
                self._equal(None, NUDGE_SECONDS, "everything")
                return
            except Fault:
                if time.monotonic() > end:
                    raise

    def mail(self):
        return os.path.join(self.world.dovecot.dir, "mail", self.user)

    def clean(self):
        """The link and the mailbox go; so hundreds of storms leave nothing behind."""
        if self.ats and self.ats.account:
            try:
                patiently(lambda: self.ats.ats.destroy("Link", self.ats.account))
            except SetError as error:  # another storm's store died before it had answered
                if error.type != "notFound":
                    raise
        self._kick()
        shutil.rmtree(self.mail(), ignore_errors=True)


def side_by_side(house, seeds, ops, wide, on_fault):
    """Storms of all seeds, so many at once; on_fault(seed, error) as they come. {seed: error}, [what each took]"""
    faults, took, left, lock = {}, [], list(seeds), threading.Lock()

    def work():
        while True:
            with lock:
                if not left:
                    return
                seed = left.pop(0)
            storm = Storm(house, seed, ops)
            try:
                storm.run()
                storm.clean()
            except Exception as error:
                faults[seed] = error
                on_fault(seed, error)
            took.append((seed, storm.took))
    threads = [threading.Thread(target=work, daemon=True) for _ in range(wide)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return faults, took


__all__ = ["House", "Storm", "side_by_side", "until"]
