"""Processes of the test world: started, awaited by connecting, always ended."""

import atexit
import ctypes
import os
import random
import signal
import socket
import subprocess
import time

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_children = []
_given = set()  # ports of this run; most are not yet listened on


class NotReady(Exception):
    pass


def _die_with_parent():
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Child:
    """One foreground daemon, its output in a log file. Ended at exit unless kept."""

    def __init__(self, argv, log, env=None, cwd=None, keep=False):
        self.argv = [str(a) for a in argv]
        self.log = str(log)
        self.keep = keep
        with open(self.log, "ab") as out:
            self.popen = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, cwd=cwd,
                start_new_session=True, preexec_fn=None if keep else _die_with_parent)
        _children.append(self)

    @property
    def pid(self):
        return self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    def stop(self, sig=signal.SIGTERM, seconds=15):
        """Asks, then forces. Returns the exit status as Popen gives it."""
        if self.alive():
            self.popen.send_signal(sig)
        try:
            self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.popen.pid, signal.SIGKILL)
            self.popen.wait(5)
        if self in _children:
            _children.remove(self)
        return self.popen.returncode

    def tail(self, lines=20):
        with open(self.log, errors="replace") as f:
            return "".join(f.readlines()[-lines:])


@atexit.register
def _end_all():
    for child in list(_children):
        if not child.keep:
            child.stop(seconds=5)


def free_port():
    """
    A free loopback port below the ephemeral range, so that a stopped server can have it again; runs at the
    same time look in different places.
    """
    low = 20000 + os.getpid() % 24 * 500
    for _ in range(200):
        port = random.randrange(low, low + 500)
        if port in _given:
            continue
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            _given.add(port)
            return port
    raise NotReady(f"no free port from {low} to {low + 500}")


def until(what, predicate, seconds=15, pause=0.02, child=None):
    """Asks predicate again and again until it is true; returns its value."""
    end = time.monotonic() + seconds
    while True:
        value = predicate()
        if value:
            return value
        if child is not None and not child.alive():
            raise NotReady(f"{what}: process ended with {child.popen.returncode}\n{child.tail()}")
        if time.monotonic() > end:
            raise NotReady(f"{what}: not within {seconds} s" + (f"\n{child.tail()}" if child else ""))
        time.sleep(pause)


def connects(address):
    """True when something accepts at (host, port) or at a socket path."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as s:
        s.settimeout(2)
        try:
            s.connect(address)
        except OSError:
            return False
        return True


def reachable_by_others(path):
    """Whether a process of another user can walk down to path (path itself may not exist yet)."""
    path = os.path.realpath(path)
    while path != "/":
        if os.path.exists(path) and not os.stat(path).st_mode & 0o001:
            return False
        path = os.path.dirname(path)
    return True
