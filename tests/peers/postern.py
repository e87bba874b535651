"""Postern itself in a directory: configuration, key, posternd in the foreground, posternctl, and what one looks at."""

import glob
import json
import os
import re
import struct
import subprocess

from jmap import Jmap, MethodError, Problem
from peers import public_dir
from proc import Child, connects, until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("POSTERN_BUILD", "build"))
POSTERND = os.path.join(BUILD, "sbin", "posternd")
POSTERNCTL = os.path.join(BUILD, "bin", "posternctl")
UID_BASE = 61100  # root without the users of a package: numeric uids, one a role


def built():
    return os.path.exists(POSTERND) and os.path.exists(POSTERNCTL)


class Postern:
    """
    world: whose certificate authority the hosts get. hosts: {name: {setting: value}}; by default localhost and
    127.0.0.1 may be private and have the world's CA. ats: {name: {setting: value}}.
    """

    def __init__(self, directory, world, ats=None, hosts=None, log_level="debug", extra="", keep=False,
                 content="all", first=100, build=BUILD, uid=None):
        self.dir = public_dir(directory, keep)
        self.world = world
        self.build = build
        self.uid = os.geteuid() if uid is None else uid
        self.keep = keep
        self.child = None
        self.conf = os.path.join(self.dir, "postern.conf")
        self.key = os.path.join(self.dir, "vault.key")
        self.state = os.path.join(self.dir, "state")
        self.run = os.path.join(self.dir, "run")
        self.log = os.path.join(self.dir, "posternd.log")
        self.control = os.path.join(self.run, "control.sock")
        os.makedirs(self.run, exist_ok=True)
        os.makedirs(self.state, exist_ok=True)
        default = {"own-domains": ["agency.example"], "content": content, "first": first}
        self.ats = {"agency": {}} if ats is None else ats
        self.ats = {name: dict(default, **values) for name, values in self.ats.items()}
        ca = {"allow-private": True, "ca-file": world.certs.ca}
        self.hosts = {"localhost": ca, "127.0.0.1": ca} if hosts is None else hosts
        self.log_level, self.extra = log_level, extra
        self.write_config()
        if not os.path.exists(self.key):
            self.ctl("vault", "init", "-k", self.key)
        if self.uid != os.geteuid():
            for path in (self.dir, self.run, self.state, self.key):
                os.chown(path, self.uid, self.uid)

    def socket(self, name="agency"):
        return os.path.join(self.run, "ats.sock" if name == "agency" else f"ats-{name}.sock")

    def write_config(self):
        lines = [f'state-dir = "{self.state}"', f'vault-key = "{self.key}"', f'control-socket = "{self.control}"',
                 f"control-uids = {{ {os.geteuid()} }}", f'ca-file = "{self.world.certs.path("system.pem")}"',
                 f'libexec-dir = "{self.build}/libexec"', f'providers = "{ROOT}/conf/providers.conf"',
                 'log = "stderr"', f'log-level = "{self.log_level}"']
        if self.uid == 0:
            lines.append(f"uid-base = {UID_BASE}")
        if self.extra:
            lines.append(self.extra)
        for name, values in self.hosts.items():
            lines += _block("host", name, values)
        for name, values in self.ats.items():
            socket = {"socket": self.socket(name), "mode": "0600", "uids": [os.geteuid()]}
            lines += _block("ats", name, dict(socket, **values))
        with open(self.conf, "w") as f:
            f.write("\n".join(lines) + "\n")

    def start(self, seconds=30):
        self.child = Child(self.argv(), self.log, keep=self.keep)
        return self.await_answers(seconds)

    def argv(self):
        argv = [os.path.join(self.build, "sbin", "posternd"), "-d", "-f", self.conf]
        return argv if self.uid == os.geteuid() else as_user(self.uid) + argv

    def await_answers(self, seconds):
        for name in self.ats:
            until(f"ATS {name}", lambda n=name: self._answers(n), seconds=seconds, child=self.child)
        return self

    def _answers(self, name):
        """Whether a request reaches the store; before that it is serverUnavailable."""
        try:
            return connects(self.socket(name)) and self.jmap(name).call("Link/get", ids=[]) is not None
        except Problem as problem:
            return problem.status == 403  # it answers, though not to us
        except (MethodError, OSError):
            return False

    def stop(self):
        """The exit status after SIGTERM."""
        if self.child is None:
            return None
        child, self.child = self.child, None
        return child.stop(seconds=30)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    # ---- looking at it ------------------------------------------------------

    def jmap(self, name="agency", timeout=60):
        return Jmap(self.socket(name), timeout)

    def ctl(self, *args, check=True, stdin=None, **kw):
        """posternctl: its output as text. vault init works without a daemon."""
        run = subprocess.run([POSTERNCTL, "-s", self.control, *args] if args[:2] != ("vault", "init")
                             else [POSTERNCTL, *args], input=stdin if stdin is not None else b"",
                             capture_output=True, timeout=60, **kw)
        if check and run.returncode:
            raise RuntimeError(f"posternctl {args}: {run.returncode} {run.stderr.decode(errors='replace')}")
        return run.stdout.decode()

    def processes(self):
        """The list of dicts of show processes."""
        out = json.loads(self.ctl("-j", "show", "processes"))
        return out["processes"] if isinstance(out, dict) else out

    def pids(self, role):
        """Not those of places that wait for a process: their pid is 0, which to kill(2) is everybody here."""
        return [p["pid"] for p in self.processes() if p["role"] == role and p["pid"]]

    def commits(self, name="agency"):
        """What the store has committed since its database was made; the newer of LMDB's two meta pages counts it."""
        with open(os.path.join(self.state, name, "data.mdb"), "rb") as f:
            pages = f.read(2 * os.sysconf("SC_PAGESIZE"))
        return max(struct.unpack_from("<Q", pages, len(pages) // 2 * n + 144)[0] for n in range(2))

    def log_text(self):
        with open(self.log, errors="replace") as f:
            return f.read()

    def log_size(self):
        return os.path.getsize(self.log)

    def log_since(self, offset):
        with open(self.log, "rb") as f:
            f.seek(offset)
            return f.read().decode(errors="replace")

    def tells(self, pattern, offset=0):
        """Waits until the log has it: what a child tells is written a moment after what it did is seen."""
        return until(f"a line with {pattern!r}", lambda: re.search(pattern, self.log_since(offset)), child=self.child)

    def state_files(self):
        return [p for p in glob.glob(self.state + "/**", recursive=True) if os.path.isfile(p)]

    # ---- linking ---------------------------------------------------------------

    def link(self, user, name="agency", client=None, wait=True, **properties):
        """Links user's mailbox of the world; the link id, live when wait."""
        client = client or self.jmap(name)
        link = {"address": user, **self.world.endpoints(user),
                "credential": {"type": "password", "secret": self.world.password(user)}, **properties}
        id_ = client.create("Link", **link)["id"]
        if wait:
            self.wait_live(client, id_)
        return id_

    @staticmethod
    def wait_live(client, id_, seconds=30):
        def live():
            link = client.one("Link", id_)
            if link["state"] == "needsUser":
                raise AssertionError(f"link needs its user: {link['error']}")
            return link["state"] == "live"
        client.wait_for(live, seconds, what=f"link {id_} live")


def as_user(uid):
    """The prefix of a command that root runs as somebody without a name."""
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--"]


def _value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "{ " + ", ".join(_value(v) for v in value) + " }"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _block(kind, name, values):
    return [f'{kind} "{name}" {{'] + [f"\t{k} = {_value(v)}" for k, v in values.items()] + ["}"]


__all__ = ["Postern", "built"]
