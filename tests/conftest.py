"""Rules and fixtures of all tests with processes: a deadline for each, skips that are named (in CI: failures)."""

import os
import signal
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "peers"), os.path.join(HERE, "hostile"), os.path.join(HERE, "sandbox"),
                os.path.join(HERE, "storm")]

from desk import Desk  # noqa: E402
from liar import Liars  # noqa: E402
from peers import CANDIDATE, RECRUITER, World  # noqa: E402
from postern import Postern, built  # noqa: E402
from postfix import privilege  # noqa: E402
from save_sent import relaying  # noqa: E402

DEADLINE = 60


def pytest_configure(config):
    config.addinivalue_line("markers", "deadline(seconds): ends the test when it takes longer")
    config.addinivalue_line("markers", "root: needs root")
    config.addinivalue_line("markers", "long: only in make check-long")


def pytest_addoption(parser):
    parser.addoption("--siege", default="240", help="seconds of the long siege")
    parser.addoption("--seed", help="of the tests under fire and of the storms: the same choices again")
    parser.addoption("--seeds", help="how many storms")
    parser.addoption("--first-seed", default="1", help="of the storms")
    parser.addoption("--ops", default="40", help="operations of one storm")
    parser.addoption("--long", action="store_true", help="also run the tests marked long")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--long"):
        long = [i for i in items if i.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
        items[:] = [i for i in items if i not in long]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """The deadline covers setup too: a world that never gets ready must not hang the run."""
    mark = item.get_closest_marker("deadline")
    seconds = mark.args[0] if mark else DEADLINE

    def late(*_):
        pytest.fail(f"longer than {seconds} s", pytrace=True)

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def pytest_runtest_setup(item):
    if item.get_closest_marker("root") and os.geteuid() != 0:
        skip(f"{item.name}: needs root")


def skip(why):
    """In CI nothing may be left out."""
    if os.environ.get("CI") == "true":
        pytest.fail("must not be skipped in CI: " + why, pytrace=False)
    pytest.skip(why)


@pytest.fixture
def need_postfix(request):
    if privilege() is None:
        skip(f"{request.node.name}: Postfix needs root or sudo")


@pytest.fixture(scope="session")
def certs(world):
    return world.certs


@pytest.fixture(scope="session")
def liars(world):
    with Liars(world.certs) as running:
        yield running


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """Dovecot and Postfix for the whole run; without Postfix a server of ours that relays as it does."""
    with World(tmp_path_factory.mktemp("world")) as w:
        with Liars(w.certs) as helpers:
            if w.postfix is None:
                w.other_smtp = helpers.start(relaying(w))
            yield w


@pytest.fixture
def clean(world):
    """Empty mailboxes of the recruiter and the candidate."""
    world.clear(RECRUITER)
    world.clear(CANDIDATE)
    return world


@pytest.fixture
def need_postern():
    if not built():
        pytest.fail("build it first: make", pytrace=False)


@pytest.fixture
def postern(need_postern, clean, tmp_path):
    """A fresh Postern with one ATS and content policy all; it must end in order, whatever the test did."""
    daemon = Postern(tmp_path / "postern", clean)
    daemon.start()
    yield daemon
    assert daemon.stop() == 0, daemon.log_text()[-3000:]


@pytest.fixture
def desk(postern, world):
    """The recruiter's mailbox linked, the first sync done."""
    ats = postern.jmap()
    return Desk(ats, postern.link(RECRUITER, client=ats), RECRUITER)
