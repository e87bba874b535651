"""
Random operations of three programs on one mailbox, with connections that end anywhere, processes that die and folders
that are renumbered: when it is over, store and server are equal. A failing seed prints itself with all it did;
--seed=N does it again, --seeds=K does so many, --ops=N says how long each is.
"""

import os
import shutil
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fire"))

from fire import FIRE, Checked, check_copy  # noqa: E402
from peers import World, until  # noqa: E402
from postern import BUILD, Postern  # noqa: E402
from storm_proxy import Proxy  # noqa: E402
from storm_run import House, side_by_side  # noqa: E402

ATSES = 4
WIDE = 20


@pytest.fixture
def storms(need_postern, tmp_path_factory, tmp_path):
    """storms(seeds, ops, wide): runs them; fails with the first faults."""
    def keep(seed, error):
        """Whole, beside the binaries: the run may go on for hours."""
        with open(os.path.join(BUILD, f"storm-{seed}.txt"), "w") as f:
            f.write(f"{error}\n")

    def run(seeds, ops, wide=WIDE):
        users = {f"storm{seed}@agency.example": "storm.Secret-17" for seed in seeds}
        with World(tmp_path_factory.mktemp("storms"), users=users, postfix=False, ssl="yes") as world:
            proxy = Proxy(*world.certs.pair("good"), world.dovecot.imap)
            atses = {f"a{n}": {} for n in range(min(ATSES, len(seeds)))}
            daemon = Postern(tmp_path / "postern", world, ats=atses, log_level="info")
            try:
                with daemon:
                    faults, took = side_by_side(House(world, daemon, proxy), seeds, ops, wide, keep)
                    log = daemon.log_text()
                    damage = [p for name in atses for p in database(daemon, tmp_path / name, name)]
            finally:
                proxy.close()
            print(f"storms: {len(seeds)}, faults: {sorted(faults)}")
            if faults:
                shutil.copy(daemon.log, os.path.join(BUILD, "storm.log"))
            if took and not faults:
                print("slowest:", sorted(took, key=lambda t: -t[1].get("all", 0))[:3])
            crashes = [line for line in log.splitlines() if "seccomp" in line and "killed" in line or "broken" in line]
            assert not crashes, crashes[:10]
            if damage:
                print("databases:", *damage[:20], sep="\n  ")
            if faults:
                # The log of the storms and each fault whole are beside the binaries.
                pytest.fail(f"{len(faults)} of {len(seeds)} seeds: {sorted(faults)}\n"
                            + "\n\n".join(brief(faults[s]) for s in sorted(faults)[1:][:30])
                            + "\n\n" + str(faults[min(faults)]), pytrace=False)
            assert not damage, damage[:20]
    return run


def database(daemon, directory, name):
    """What check-store finds wrong with a copy; it is not built with every kind of build."""
    if not os.path.exists(os.path.join(FIRE, "check-store")):
        return []
    until("a store", lambda: [p for p in daemon.processes() if p["role"] == "store" and p["ats"] == name and p["pid"]])
    check_copy(daemon, str(directory), name)
    return [f"{name}: {problem}" for problem in Checked(str(directory)).problems]


def brief(fault):
    """Without the list of operations."""
    return "\n".join(line for line in str(fault).splitlines() if line.startswith(("--seed", "  !!")) or "seed " in line)


def chosen(config, seeds):
    """(seeds, ops) of this run."""
    one = config.getoption("--seed")
    first = int(config.getoption("--first-seed"))
    many = [int(one)] if one else list(range(first, first + int(config.getoption("--seeds") or seeds)))
    return many, int(config.getoption("--ops"))


@pytest.mark.deadline(180)
def test_twenty_storms(storms, pytestconfig):
    storms(*chosen(pytestconfig, 20))


@pytest.mark.long
@pytest.mark.deadline(7200)
def test_thousands_of_storms(storms, pytestconfig):
    seeds, ops = chosen(pytestconfig, 2000)
    storms(seeds, ops, int(os.environ.get("STORM_WIDE", WIDE)))
