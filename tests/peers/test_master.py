"""posternd itself: walls of the living processes, reload, restarts, the order of its end."""

import os
import signal

import pytest

from proc import until

PAIRS = {"vault", "dialer", "control", "store", "mime-worker", "ats-worker", "imapd-worker", "tls-worker"}


def status(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def test_every_process_is_confined(desk, postern):
    running = {p["role"]: p for p in postern.processes() if p["role"] != "posternd"}
    assert set(running) == PAIRS
    for role, process in running.items():
        now = status(process["pid"])
        assert now["Seccomp"] == "2", role
        assert now["NoNewPrivs"] == "1", role
        assert set(now["CapEff"]) == {"0"} and set(now["CapPrm"]) == {"0"}, role
        assert now["Threads"] == "1", role


@pytest.mark.root
def test_every_role_has_its_own_user_and_root(desk, postern):
    uids = {}
    for process in postern.processes():
        if process["role"] == "posternd":
            continue
        uid = status(process["pid"])["Uid"].split()
        assert len(set(uid)) == 1 and uid[0] != "0", process["role"]
        assert uids.setdefault(uid[0], process["role"]) == process["role"]
        root = os.readlink(f"/proc/{process['pid']}/root")
        if process["role"] == "dialer":
            assert root == "/"
        elif process["role"] == "store":
            assert root == os.path.join(postern.state, "agency")
        else:
            assert root == os.path.join(postern.state, "empty") and not os.listdir(root)


@pytest.mark.root
def test_nothing_but_channels_is_open(desk, postern):
    for process in postern.processes():
        if process["role"] in ("posternd", "dialer"):
            continue
        fds = [os.readlink(f"/proc/{process['pid']}/fd/{fd}") for fd in os.listdir(f"/proc/{process['pid']}/fd")]
        files = [f for f in fds if f.startswith("/") and f != "/dev/null" and not f.endswith("posternd.log")]
        if process["role"] == "store":
            assert all(os.path.basename(f) in ("data.mdb", "lock.mdb") for f in files)
        else:
            assert not files, process["role"]
        assert os.path.exists(f"/proc/{process['pid']}/environ")
        with open(f"/proc/{process['pid']}/environ", "rb") as f:
            assert f.read() == b"", process["role"]


def test_a_process_comes_back_with_its_reason(desk, postern):
    before = postern.pids("dialer")
    os.kill(before[0], signal.SIGSEGV)
    until("a new dialer", lambda: postern.pids("dialer") not in ([], before))
    dialer = [p for p in postern.processes() if p["role"] == "dialer"][0]
    assert dialer["restarts"] == 1 and "signal 11" in dialer["lastExit"]
    postern.tells("signal 11")


def test_reload_adds_and_removes_an_ats(desk, postern):
    stores = postern.pids("store")
    postern.ats["second"] = dict(postern.ats["agency"])
    postern.write_config()
    postern.ctl("reload")
    until("the second socket", lambda: postern._answers("second"))
    assert set(stores) < set(postern.pids("store")), "the first one is not disturbed"
    del postern.ats["second"]
    postern.write_config()
    os.kill(postern.child.popen.pid, signal.SIGHUP)
    until("one store", lambda: postern.pids("store") == stores)


def test_a_broken_configuration_changes_nothing(desk, postern):
    before = [p["pid"] for p in postern.processes()]
    with open(postern.conf, "a") as f:
        f.write("\nno-such-word = 1\n")
    with pytest.raises(RuntimeError, match="errors"):
        postern.ctl("reload")
    postern.tells("no-such-word")
    assert [p["pid"] for p in postern.processes()] == before


def test_children_end_with_the_master(desk, postern):
    pids = [p["pid"] for p in postern.processes() if p["role"] != "posternd"]
    os.kill(postern.child.popen.pid, signal.SIGKILL)
    postern.child.popen.wait(10)
    until("no child is left", lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids))
    postern.child = None
    postern.start()


def test_log_lines_of_a_child_cannot_be_forged(desk, postern):
    """A child's text is one line with the master's prefix: odd bytes are encoded."""
    for line in postern.log_text().splitlines():
        assert line.split(" ")[1] in ("error", "warn", "info", "debug"), line
