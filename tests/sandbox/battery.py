"""
Batteries: what uses each line of common/syscalls.def. A line is left out of the list of one profile, then its processes
do their work; when one of them is killed for a forbidden system call, the line is needed.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import time

from attacked import Crime


from postern import POSTERNCTL
from proc import until

PROFILES = {"VAULT": ["vault"], "DIALER": ["dialer"], "TLS": ["tls-worker"], "WORKER": ["imapd-worker", "smtp-worker"],
            "MIME": ["mime-worker"], "STORE": ["store"], "LISTENER": ["ats-worker", "control"]}
# Used by connections that the dialer makes: dial_alone.py. By a whole login: the real servers.
BY_DIALING = {"TLS": {"read", "write"},
              "DIALER": {"read", "socket:AF_INET,SOCK_STREAM", "socket:AF_INET6,SOCK_STREAM", "socket:AF_INET,SOCK_DGRAM",
                         "socket:AF_INET6,SOCK_DGRAM", "fcntl:F_SETFD", "connect", "sendto", "recvfrom",
                         "getsockopt:SO_ERROR", "setsockopt:SO_KEEPALIVE", "setsockopt:TCP_NODELAY",
                         "setsockopt:TCP_KEEPIDLE", "setsockopt:TCP_KEEPINTVL", "setsockopt:TCP_KEEPCNT",
                         "setsockopt:TCP_USER_TIMEOUT"}}
BY_A_LOGIN = {"WORKER": {"read", "readv", "ioctl:FIONREAD"}}
IGNORABLE = (Exception,)  # whatever a client meets when its server is killed


def killed(log, roles):
    """Whether a process of these roles was killed for a forbidden call, or could not even begin."""
    return any(re.search(rf"{role}(\[[^\]]*\])? ended pid=\d+ reason=(forbidden system call|a sandbox step failed|signal 31)",
                         log) for role in roles) or bool(re.search("does not start: forbidden", log)
                                                         and "vault" in roles)


class Battery(Crime):
    """Posternd with one line left out (or none), and what of its work is done to see it missed."""

    def __init__(self, profile, label=None):
        self.profile, self.label = profile, label
        self.roles = PROFILES[profile]
        super().__init__(f"left_out={profile}:{label}" if label else "sandbox=0", only=list(self.roles))

    def missed(self):
        """Does the work; true as soon as the log tells of a kill."""
        for step in (self._begin, self._orders, self._stop_and_go, self._use, self._serve):
            with contextlib.suppress(*IGNORABLE):
                step()
            if self._seen():
                return True
        return False

    def _seen(self, seconds=0.0):
        end = time.monotonic() + seconds
        while True:
            if os.path.exists(self.postern.log) and killed(self.postern.log_text(), self.roles):
                return True
            if time.monotonic() >= end:
                return False
            time.sleep(0.02)

    def _begin(self):
        self.postern.harness.enough = self._seen  # an answer may never come
        self.__enter__()

    def _each(self, order, argument=""):
        for role in self.roles:
            with contextlib.suppress(*IGNORABLE):
                answer = self.postern.order("stolen-" + role, order, argument, seconds=5)
                if answer == "died signal 31":
                    until("logged", self._seen, 5)

    def _orders(self):
        self._each("peers")

    def _stop_and_go(self):
        if self.profile == "VAULT":
            pid = self.postern.pid("stolen-vault")
            time.sleep(0.05)  # so that it is in poll
            os.kill(pid, signal.SIGSTOP)
            time.sleep(0.05)
            os.kill(pid, signal.SIGCONT)
            self._seen(0.3)

    def _use(self):
        for label in [self.label] if self.label else self.labels():
            self._each("use", f"label={label}")
        if self.label in (None, "exit_group"):
            self._each("exit", "status=3")

    def _serve(self):
        """Clients of the sockets, and something to store; a wait only where a line is still unused."""
        if self.profile not in ("VAULT", "LISTENER", "STORE"):
            return
        p = self.postern
        if self.profile == "VAULT":
            with contextlib.suppress(*IGNORABLE):
                self._unlock()
            self._seen(0 if self.label is None else 1)
            return
        if self.profile == "STORE":  # it is the real one that serves
            until("the other store", lambda: p.pid("store[rival]"), 5)
        for client in (self._admin, self._ats, self._nonsense):
            with contextlib.suppress(*IGNORABLE):
                client()
            if self._seen():
                return
        self._seen(0 if self.label is None else 1)

    def _admin(self):
        subprocess.run([POSTERNCTL, "-s", self.postern.control, "show", "processes"], capture_output=True, timeout=3)

    def _unlock(self):
        """A passphrase for a key that has none; it is tried all the same."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(3)
            s.connect(os.path.join(self.postern.run, "vault.sock"))
            s.sendall(b"postern-unlock1\n" + b"\1\0x" + bytes(1005))
            assert len(s.recv(64)) == 17

    def _ats(self):
        self.postern.jmap("rival", timeout=3).create("Correspondent", kind="contact", name="A Person",
                                                     emails=["person@people.example"])

    def _nonsense(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(3)
            s.connect(self.postern.socket("rival"))
            s.sendall(b"NONSENSE\r\n\r\n")
            while s.recv(4096):
                pass

    def labels(self):
        return [label for label, _, _ in self.calls(self.roles[0])]


def lines_of(profile):
    with Battery(profile) as b:
        return b.labels()


__all__ = ["BY_A_LOGIN", "BY_DIALING", "Battery", "PROFILES", "killed", "lines_of"]
