"""
The walls, shown by attack: each process, stolen, tries everything of common/attack.def. As root with a user for each
role, as an ordinary user, and as on Linux 6.1; compared with walls.expected and with postern-security(7). After a
change that is meant: make walls, and look at what git diff says.
"""

import concurrent.futures
import contextlib
import os
import resource
import subprocess
import threading
import types

import pytest
import walls
from attacked import NAMES, USER, Crime
from certs import Certs
from harness import HOOKS, Attacked
from postern import BUILD

SETTINGS = {"root": ("sandbox=0", None), "user": ("sandbox=0", USER), "kernel-6.1": ("sandbox=1", None)}


MOST_FILES = 8192  # what the dialer may open; a shell with less cuts it down


def crime_of(mode):
    settings, user = SETTINGS[mode]
    if os.geteuid() != 0:
        user = None
    with Crime(settings, user) as crime:
        result = {"walls": crime.walls(), "attempts": crime.attempts}
        crime.settle()
        result["calls"] = {role: crime.calls(role) for role in NAMES}
        result["holds"] = {role: crime.holds(role) for role in NAMES}
        result["limits"] = {role: crime.limits(role) for role in NAMES}
    result["status"] = crime.status
    return result


@pytest.fixture(scope="module")
def crimes():
    """{mode: what was seen}; an ordinary user can only be that."""
    if not os.path.exists(os.path.join(HOOKS, "sbin", "posternd")):
        pytest.fail("build it first: make TEST_HOOKS=1", pytrace=False)
    modes = list(SETTINGS) if os.geteuid() == 0 else ["user"]
    with concurrent.futures.ThreadPoolExecutor(len(modes)) as pool:
        seen = dict(zip(modes, pool.map(crime_of, modes)))
    if os.environ.get("POSTERN_WALLS") == "write":
        if len(modes) < len(SETTINGS):
            pytest.fail("make walls needs root", pytrace=False)
        walls.write_expected(table(seen))
        walls.write_page(block(seen))
    return seen


def table(crimes):
    return {mode: seen["walls"] for mode, seen in crimes.items()}


def block(crimes):
    root = crimes["root"]
    return walls.page_block(table(crimes), root["attempts"], root["calls"], root["holds"], root["limits"])


@pytest.mark.deadline(120)
def test_every_attempt_is_denied(crimes):
    wrong = walls.allowed_wrongly(table(crimes))
    assert not wrong, "\n".join(wrong)


def test_denied_as_expected(crimes):
    different = walls.difference(walls.read_expected(NAMES), table(crimes))
    assert not different, f"not as tests/sandbox/walls.expected says (make walls, if it is meant):\n{different}"


@pytest.mark.root
def test_the_page_tells_what_was_seen(crimes):
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < MOST_FILES:
        pytest.skip(f"ulimit -Hn is below {MOST_FILES}: the processes get less than the page says")
    assert walls.page_text() == block(crimes), "postern-security(7) is not what this run gives: make walls"


def test_posternd_outlives_them_all(crimes):
    for mode, seen in crimes.items():
        assert seen["status"] == 0, mode


def test_nobody_holds_a_file_or_directory_but_the_store(crimes):
    for mode, seen in crimes.items():
        for role, kinds in seen["holds"].items():
            surplus = set(kinds) - {"/dev/null", "socket", "eventpoll", "pipe"}
            assert surplus == ({"data.mdb", "lock.mdb"} if role == "store" else set()), (mode, role)


# ---- the build for tests stays where it belongs ---------------------------------

def posternd(*args, **env):
    return subprocess.run([os.path.join(HOOKS, "sbin", "posternd"), *args], capture_output=True, text=True, timeout=20,
                          env={"PATH": os.environ["PATH"], **env})


def test_refuses_without_its_harness(tmp_path):
    for run in (posternd("-n"), posternd("-d"), posternd("-n", POSTERN_TEST_HARNESS=str(tmp_path / "absent"))):
        assert run.returncode == 1
        assert "harness" in run.stderr


@pytest.mark.parametrize("master, children", [(BUILD, HOOKS), (HOOKS, BUILD)], ids=["ordinary", "for tests"])
def test_children_of_the_other_build_are_refused(master, children, tmp_path, certs_alone):
    """Their tables of messages differ, so neither kind takes orders of the other."""
    postern = Attacked(tmp_path / "p", certs_alone, build=master)
    with open(postern.conf) as f:
        conf = f.read()
    with open(postern.conf, "w") as f:
        f.write(conf.replace(f"{master}/libexec", f"{children}/libexec"))
    threading.Thread(target=accept, args=(postern.harness,), daemon=True).start()
    run = subprocess.run(postern.argv(), capture_output=True, text=True, timeout=20,
                         env=dict(os.environ, POSTERN_TEST_HARNESS=postern.harness.path))
    postern.harness.close()
    assert run.returncode == 1
    assert "the vault does not start: wrong setup" in run.stderr


def accept(harness):
    with contextlib.suppress(OSError):
        harness.accept()


@pytest.fixture
def certs_alone(tmp_path):
    return types.SimpleNamespace(certs=Certs(str(tmp_path / "ca")))


def test_is_not_installed(tmp_path):
    for words in (["TEST_HOOKS=1"], ["B=" + HOOKS]):
        run = subprocess.run(["make", "-s", *words, "install", f"DESTDIR={tmp_path}"], cwd=os.path.dirname(walls.PAGE) + "/..",
                             capture_output=True, text=True, timeout=120)
        assert run.returncode != 0 and "not installed" in run.stderr, run.stderr
        assert not os.listdir(tmp_path)


def test_ordinary_build_has_no_trace_of_it():
    for place in ("sbin", "libexec"):
        directory = os.path.join(BUILD, place)
        for name in os.listdir(directory):
            with open(os.path.join(directory, name), "rb") as f:
                text = f.read()
            assert b"attack_report" not in text and b"POSTERN_TEST_HARNESS" not in text, name
