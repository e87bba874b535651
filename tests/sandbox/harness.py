"""
The test harness of a build with hooks (make TEST_HOOKS=1): posternd connects to it and does what it orders, and a
process told to attack does so. See common/attack.h for the kinds of orders and master/harness.h for the protocol.

    with Attacked(directory) as postern:
        postern.order("imapd-worker[agency/17]", "raw", "peer=store times=10", data=message)  # -> "sent 10"
        postern.spawn("thief", "vault")                # one more vault, wired to nobody
        postern.order("thief", "fork")                 # -> "died signal 31"
"""

import array
import os
import socket
import threading
import time

from postern import ROOT, Postern
from proc import Child, until

HOOKS = os.path.join(ROOT, os.environ.get("POSTERN_HOOKS", "build/hooks"))
SANDBOX_PRETEND_61 = 1


class Gone(Exception):
    """posternd closed its end."""


class Harness:
    """The listening end. settings: "sandbox=1 without=N left_out=PROFILE:CALL"."""

    def __init__(self, path, settings="sandbox=0"):
        self.path, self.settings = path, settings
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(path)
        os.chmod(path, 0o777)
        self.listener.listen(1)
        self.sock, self.lock, self.next = None, threading.Condition(), 0
        self.answers, self.over = {}, False
        self.enough = lambda: False  # true: nobody waits for an answer any more

    def accept(self, seconds=20):
        self.listener.settimeout(seconds)
        self.sock, _ = self.listener.accept()
        self.sock.send(self.settings.encode())
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            try:
                packet = self.sock.recv(4096)
            except OSError:
                packet = b""
            with self.lock:
                if not packet:
                    self.over = True
                else:
                    req, _, text = packet.decode(errors="replace").partition(" ")
                    self.answers[int(req)] = text
                self.lock.notify_all()
                if not packet:
                    return

    def ask(self, text, data=None, fd=None, seconds=30):
        """One order, its answer. Several threads may ask at the same time."""
        with self.lock:
            self.next += 1
            req = self.next
        packet = f"{req} {text}".encode() + (b"" if data is None else b"\n" + data)
        extra = [] if fd is None else [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
        try:
            self.sock.sendmsg([packet], extra)
        except OSError as e:
            raise Gone(str(e)) from e
        with self.lock:
            end = time.monotonic() + seconds
            while not self.lock.wait_for(lambda: req in self.answers or self.over, 0.1):
                if time.monotonic() > end or self.enough():
                    raise TimeoutError(f"no answer to: {text}")
            if req not in self.answers:
                raise Gone(text)
            return self.answers.pop(req)

    def close(self):
        if self.sock:
            self.sock.close()
        self.listener.close()


class Attacked(Postern):
    """Postern as Postern(), of the build with hooks, under a harness. user: the uid it runs as, started by root."""

    def __init__(self, directory, world, settings="sandbox=0", user=None, build=HOOKS, **kw):
        super().__init__(directory, world, build=build, uid=user, **kw)
        self.harness = Harness(os.path.join(self.run, "harness.sock"), settings)

    def start(self, seconds=30, await_ats=True):
        self.child = Child(self.argv(), self.log, keep=self.keep,
                           env=dict(os.environ, POSTERN_TEST_HARNESS=self.harness.path))
        self.harness.accept()
        if await_ats:
            self.await_answers(seconds)
        else:
            until("the vault is READY", lambda: self.harness.ask("pid dialer").startswith("ok"), seconds)
        return self

    def chroots(self):
        return self.uid == 0

    def stop(self):
        status = super().stop()
        self.harness.close()
        return status

    def spawn(self, label, role, ats="-", unit=0, host="-"):
        """One more process of that role that is wired to nobody: its pid."""
        return self._ok(self.harness.ask(f"spawn {label} {role} {ats} {unit} {host}"))

    def pid(self, label):
        return self._ok(self.harness.ask(f"pid {label}"))

    def end(self, label):
        self.harness.ask(f"end {label}")

    def order(self, label, kind, argument="", data=None, fd=None, seconds=30):
        """What the process reports ("allowed", "errno EACCES", ...), or "died signal N", "died exit N"."""
        answer = self.harness.ask(f"attack {label} {kind} {argument}", data, fd, seconds)
        word, _, text = answer.partition(" ")
        if word == "error":
            raise RuntimeError(f"{label} {kind} {argument}: {text}")
        return text if word == "report" else answer

    @staticmethod
    def _ok(answer):
        if not answer.startswith("ok "):
            raise RuntimeError(answer)
        return int(answer[3:])
