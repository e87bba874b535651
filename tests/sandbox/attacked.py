"""
A Postern of the build with hooks, and in it one stolen process of each role: every attempt of common/attack.def is
made by each of them, what became of it is gathered.
"""

import contextlib
import os
import re
import shutil
import socket
import stat
import tempfile
import threading
import types

from certs import Certs
from harness import HOOKS, Attacked
from proc import reachable_by_others, until

# label of the stolen process, role, and what spawn needs: ats, unit, host
ROLES = [("vault", ()), ("dialer", ()), ("tls-worker", ("agency", 0, "thief.invalid")),
         ("imapd-worker", ("agency", 7)), ("smtp-worker", ("agency", 7)), ("mime-worker", ("agency",)),
         ("store", ("agency",)), ("ats-worker", ("agency",)), ("control", ())]
NAMES = [name for name, _ in ROLES]
# An undisturbed process of the same role, thus of the same user.
SIBLINGS = {"store": "store[rival]", "ats-worker": "ats-worker[rival]", "mime-worker": "mime-worker[rival]"}

FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}
OTHER_FAMILIES = [f for f in range(0, 47) if f not in FAMILIES.values()]
LEFT = ("/attack-file", "/attack-directory", "/attack-device", "/attack-link", "/tmp/attack-file")
USER = 61321  # an ordinary user that nobody else is


class Bait:
    """What attempts are made on: listeners on loopback and on an abstract name, sockets to lend."""

    def __init__(self):
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.port = self.tcp.getsockname()[1]
        self.abstract = f"postern-attack-{os.getpid()}-{self.port}"
        self.unix = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.unix.bind("\0" + self.abstract)
        self.unix.listen(64)

    def lend(self, attempt):
        """A fresh socket for an attempt that wants one, else None."""
        if attempt == "connect_lent":
            return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if attempt in ("fastopen_again", "sockopt_ulp"):
            return socket.create_connection(("127.0.0.1", self.port))
        if attempt.startswith(("connect_", "fastopen_", "sockopt_", "bind", "listen")):
            return socket.socket(socket.AF_INET)
        return None

    def close(self):
        self.tcp.close()
        self.unix.close()


def stage(directory, user=None):
    """A directory and a build that user can reach: the build with hooks may lie below a closed home."""
    build = HOOKS
    if user is not None and not reachable_by_others(os.path.join(build, "sbin", "posternd")):
        build = os.path.join(directory, "build")
        shutil.copytree(HOOKS, build, ignore=shutil.ignore_patterns("obj", "lib", "tests"))
    return build


class Crime:
    """A scene of the crime: posternd with two tenants, stolen processes beside the undisturbed ones."""

    def __init__(self, settings="sandbox=0", user=None, only=NAMES):
        """only: the roles to steal; with fewer than all nothing waits for an ATS that can work."""
        self.only = only
        self.dir = tempfile.mkdtemp(prefix="attack-", dir="/tmp")
        os.chmod(self.dir, 0o755)
        self.bait = Bait()
        world = types.SimpleNamespace(certs=Certs(os.path.join(self.dir, "ca")))
        self.postern = Attacked(os.path.join(self.dir, "p"), world, settings, user=user,
                                build=stage(self.dir, user), ats={"agency": {}, "rival": {}})
        self.attempts, self.pids = [], {}

    def __enter__(self):
        p = self.postern
        p.start(await_ats=self.only is NAMES)
        self.master = p.child.pid
        self.siblings = {}
        for name, where in ROLES:
            if name not in self.only:
                continue
            if name == "store":
                p.end("store[agency]")
            p.spawn("stolen-" + name, name, *where)
            lonely = name in ("tls-worker", "imapd-worker", "smtp-worker")
            self.siblings[name] = (p.spawn("sibling-" + name, name, *where) if lonely
                                   else p.pid(SIBLINGS.get(name, name)) if self.only is NAMES else self.master)
        self.attempts = self._table("stolen-" + self.only[0])
        return self

    def __exit__(self, *_):
        self.status = self.postern.stop()
        self.bait.close()
        shutil.rmtree(self.dir, ignore_errors=True)
        for path in LEFT:  # only where a wall is down
            with contextlib.suppress(OSError):
                os.rmdir(path) if os.path.isdir(path) else os.unlink(path)

    def _table(self, label):
        return self._rows(label, "list")

    def _rows(self, label, order):
        """All rows of a table that a process tells row by row."""
        rows = []
        while True:
            row = self.postern.order(label, order, f"n={len(rows)}")
            if row == "none":
                return rows
            if "|" not in row:
                raise RuntimeError(f"{label} {order}: {row}")
            rows.append(tuple(row.split("|")))

    # ---- one attempt -----------------------------------------------------------

    def attempt(self, role, name, more=""):
        p = self.postern
        own = role == "store" and p.chroots()
        database = "/data.mdb" if own else os.path.join(p.state, "agency", "data.mdb")
        argument = (f"master={self.master} sibling={self.siblings[role]} key={p.key} conf={p.conf} "
                    f"database={database} other={p.state}/rival port={self.bait.port} "
                    f"abstract={self.bait.abstract} {more}").strip()
        lent = self.bait.lend(name)
        try:
            return plain(p.order("stolen-" + role, name, argument, fd=lent.fileno() if lent else None))
        finally:
            if lent:
                lent.close()

    def sockets(self, role):
        """socket of every family and kind, as {row: result}."""
        out = {}
        for name, family in FAMILIES.items():
            for kind, number in (("stream", 1), ("datagram", 2), ("raw", 3)):
                out[f"socket_{name[3:].lower()}_{kind}"] = self.attempt(role, "socket", f"family={family} type={number}")
        out["socket_sctp"] = self.attempt(role, "socket", "family=2 type=1 protocol=132")
        out["socket_mptcp"] = self.attempt(role, "socket", "family=2 type=1 protocol=262")
        rest = {self.attempt(role, "socket", f"family={f} type={t}") for f in OTHER_FAMILIES for t in (3,)}
        out["socket_others"] = " or ".join(sorted(rest))
        return out

    def all_of(self, role):
        """{row: result} of everything that role tries."""
        out = {}
        for name, group, _ in self.attempts:
            if group != "layers":
                out.update(self.sockets(role) if name == "socket" else {name: self.attempt(role, name)})
        return out

    def walls(self, roles=NAMES):
        """{role: {row: result}}; the roles at the same time."""
        out, wrong = {}, []

        def one(role):
            try:
                out[role] = self.all_of(role)
            except Exception as e:  # a thread's exception would be lost
                wrong.append(f"{role}: {e!r}")

        threads = [threading.Thread(target=one, args=(role,)) for role in roles]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert not wrong, "\n".join(wrong) + "\n" + self.postern.log_text()[-2000:]
        for results in out.values():
            results["stderr"] = "allowed" if self.log_was_forged() else "none"
        return {role: out[role] for role in roles}

    def calls(self, role):
        """The lines of its list of system calls: (label, "allowed" or "refused", why)."""
        return self._rows("stolen-" + role, "calls")

    # ---- what cannot be tried, only looked at ------------------------------------

    def log_was_forged(self):
        """Whether a line went into the log past posternd."""
        return any(line.startswith("posternd: forged") for line in self.postern.log_text().splitlines())

    def holds(self, role):
        """What the stolen process has open: kinds of descriptors, as the kernel says."""
        pid = self.postern.pid("stolen-" + role)
        kinds = set()
        for fd in os.listdir(f"/proc/{pid}/fd"):
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
            kinds.add(kind_of(pid, fd, target))
        return sorted(kinds)

    def limits(self, role):
        pid = self.postern.pid("stolen-" + role)
        with open(f"/proc/{pid}/limits") as f:
            rows = [re.split(r"\s{2,}", line.strip()) for line in f.readlines()[1:]]
        return {row[0]: row[2] for row in rows}

    def settle(self):
        """All stolen processes run again after what their last attempt came to."""
        for name in NAMES:
            until(name, lambda n=name: self.postern.pid("stolen-" + n))


def kind_of(pid, fd, target):
    if target.startswith(("socket:", "pipe:")):
        return target.split(":")[0]
    if target.startswith("anon_inode:"):
        return target[11:].strip("[]")
    mode = os.stat(f"/proc/{pid}/fd/{fd}").st_mode
    if stat.S_ISDIR(mode):
        return "directory"
    return os.path.basename(target) if stat.S_ISREG(mode) else target


SIGNALS = {6: "SIGABRT", 9: "SIGKILL", 11: "SIGSEGV", 25: "SIGXFSZ", 31: "killed"}


def plain(result):
    """As the table says it: killed, an errno, limit, none, allowed."""
    word, _, rest = result.partition(" ")
    if word == "died":
        kind, number, *core = rest.split()
        if core:
            return "core"
        return SIGNALS.get(int(number), f"signal {number}") if kind == "signal" else f"exit {number}"
    if word == "errno":
        return rest
    if word == "loader":
        return "refused" if "cannot open shared object file" in rest else result
    if word == "limit":
        return "limit " + rest.split()[0]
    return word
