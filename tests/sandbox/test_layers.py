"""
The walls behind seccomp, one by one. With seccomp left out an attempt must still be denied by the wall behind it; with
that wall left out too it must happen. So each wall is seen to stand, and each is seen to be missed: this is how the
walls are taken down, at every run. Only as root, where all of them are up.
"""

import pytest
from attacked import NAMES, USER, Crime
from procs import status

pytestmark = pytest.mark.root

SECCOMP, LANDLOCK, MDWE, NO_NEW_PRIVS, LIMITS, UNDUMPABLE, IDS, ROOT = (1 << n for n in range(8))

# wall, what else is left out so that it alone stands, who tries, attempt, what the wall says
WALLS = [
    ("seccomp", SECCOMP, LANDLOCK | MDWE | LIMITS, "imapd-worker", "fork", {"killed"}),
    ("seccomp", SECCOMP, LANDLOCK | MDWE | LIMITS, "imapd-worker", "map_exec", {"killed"}),
    ("seccomp", SECCOMP, LANDLOCK | MDWE | LIMITS, "tls-worker", "fastopen_sendmsg", {"killed"}),
    ("seccomp", SECCOMP, LANDLOCK | MDWE | LIMITS, "vault", "dumpable", {"killed"}),
    ("landlock: files", LANDLOCK, SECCOMP, "mime-worker", "open_root", {"EACCES"}),
    ("landlock: files of the dialer", LANDLOCK, SECCOMP, "dialer", "open_passwd", {"EACCES"}),
    ("landlock: connections", LANDLOCK, SECCOMP, "ats-worker", "connect_loopback", {"EACCES"}),
    ("landlock: listening", LANDLOCK, SECCOMP, "dialer", "bind", {"EACCES"}),
    ("landlock: abstract names", LANDLOCK, SECCOMP, "imapd-worker", "connect_lent", {"EPERM"}),
    ("landlock: signals", LANDLOCK, SECCOMP, "smtp-worker", "signal_sibling", {"EPERM"}),
    ("no executable memory", MDWE, SECCOMP, "mime-worker", "map_exec", {"EACCES"}),
    ("no executable memory", MDWE, SECCOMP, "tls-worker", "protect_exec", {"EACCES"}),
    ("limits: processes", LIMITS, SECCOMP, "mime-worker", "fork", {"EAGAIN"}),
    ("limits: memory", LIMITS, SECCOMP, "mime-worker", "much_memory", {"limit ENOMEM"}),
    ("limits: memory of the store", LIMITS, SECCOMP, "store", "much_memory", {"limit ENOMEM"}),
    ("limits: size of a file", LIMITS, SECCOMP, "mime-worker", "big_memfd", {"SIGXFSZ"}),
    ("not dumpable", UNDUMPABLE, SECCOMP | LANDLOCK, "imapd-worker", "ptrace_sibling", {"EPERM"}),
    ("a user of its own", IDS, SECCOMP, "imapd-worker", "setuid", {"EPERM"}),
    ("a user of its own", IDS, SECCOMP | LANDLOCK, "imapd-worker", "signal_master", {"EPERM"}),
    ("a root directory of its own", ROOT, SECCOMP | LANDLOCK, "ats-worker", "open_passwd", {"ENOENT"}),
]


@pytest.fixture(scope="module")
def crime_scene():
    """
    Crime by the set of walls that are left out; each scene is made once, and all end with the module. Without a root
    directory the store finds nothing: only the ats-worker is stolen.
    """
    scenes = {}

    def scene(without, user=None):
        if (without, user) not in scenes:
            scenes[without, user] = Crime(f"without={without}", user,
                                          ["ats-worker"] if without & ROOT else NAMES).__enter__()
        return scenes[without, user]

    yield scene
    for crime in scenes.values():
        crime.__exit__()


@pytest.mark.parametrize("name, wall, others, role, attempt, denied", WALLS,
                         ids=[f"{w[0]}-{w[3]}-{w[4]}" for w in WALLS])
def test_wall_stands_and_is_missed(crime_scene, name, wall, others, role, attempt, denied):
    if name.startswith("seccomp"):
        standing, fallen = others, others | SECCOMP
    else:
        standing, fallen = others, others | wall
    kernel_has(crime_scene(0), wall, attempt)
    # A change of user makes undumpable by itself: that wall alone stands where there is none.
    user = USER if wall == UNDUMPABLE else None
    assert crime_scene(standing, user).attempt(role, attempt) in denied
    assert crime_scene(fallen, user).attempt(role, attempt) == "allowed", f"{name}: taken down, nothing is missed"


def test_no_new_privileges(crime_scene):
    """Nothing in an empty directory would give any: so it is looked at, not tried."""
    def told(without):
        crime = crime_scene(without)
        return {status(crime.postern.pid("stolen-" + role))["NoNewPrivs"] for role in ("vault", "dialer", "store")}

    assert told(SECCOMP) == {"1"}
    assert told(SECCOMP | LANDLOCK | NO_NEW_PRIVS) == {"0"}


# Since which Landlock ABI; what is not here is in the first.
ABI = {"connect_loopback": 4, "bind": 4, "connect_lent": 6, "signal_sibling": 6}


def kernel_has(crime, wall, attempt):
    """Second layers are there where the kernel has them (Debian 12 has Landlock ABI 2 and nothing against executing)."""
    vault = next(p for p in crime.postern.processes() if p["role"] == "vault")
    if attempt == "ptrace_sibling" and yama() > 0:
        pytest.skip("kernel.yama.ptrace_scope denies it whatever Postern does")
    if wall == LANDLOCK and vault["landlockAbi"] < ABI.get(attempt, 1):
        pytest.skip(f"this kernel's Landlock has ABI {vault['landlockAbi']}")
    if wall == MDWE and not vault["mdwe"]:
        pytest.skip("this kernel has no PR_SET_MDWE")


def yama():
    try:
        with open("/proc/sys/kernel/yama/ptrace_scope") as f:
            return int(f.read())
    except OSError:
        return 0


def test_descriptors_are_bounded(crime_scene):
    """Ours and theirs are never without a bound, so there is no opposite to see: only that it is the role's own."""
    assert crime_scene(SECCOMP).attempt("mime-worker", "many_memfds") == "limit EMFILE"
    assert crime_scene(SECCOMP).limits("mime-worker")["Max open files"] == "64"
    assert crime_scene(SECCOMP | LIMITS).limits("mime-worker")["Max open files"] != "64"
