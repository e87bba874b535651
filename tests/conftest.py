"""Rules for all real-server tests: a deadline for each, and skips that are named, or failures in CI."""

import os
import signal
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "peers"), os.path.join(HERE, "hostile")]

from postfix import privilege  # noqa: E402

DEADLINE = 60


def pytest_configure(config):
    config.addinivalue_line("markers", "deadline(seconds): ends the test when it takes longer")
    config.addinivalue_line("markers", "root: needs root")
    config.addinivalue_line("markers", "long: only in make check-long")


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="also run the tests marked long")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--long"):
        kept = [i for i in items if not i.get_closest_marker("long")]
        config.hook.pytest_deselected(items=[i for i in items if i not in kept])
        items[:] = kept


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
