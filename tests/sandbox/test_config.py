"""postern.conf: errors name the file, the line and what to do."""
import os
import pathlib
import re
import subprocess

import pytest

HOME = pathlib.Path(__file__).resolve().parents[2]
BUILD = os.environ.get("POSTERN_BUILD", "build")
GOOD = 'ats "a" {{ socket = "{dir}/a.sock" uids = {{0}} }}\n'


def check(tmp_path, text, providers=""):
    (tmp_path / "providers.conf").write_text(providers)
    conf = tmp_path / "postern.conf"
    conf.write_text(f'providers = "{tmp_path}/providers.conf"\n' + text.format(dir=tmp_path))
    return subprocess.run([os.path.join(BUILD, "sbin/posternd"), "-n", "-f", str(conf)],
                          capture_output=True, text=True)


def test_good(tmp_path):
    result = check(tmp_path, GOOD)
    assert result.returncode == 0, result.stderr
    assert "configuration OK" in result.stdout


@pytest.mark.parametrize("text, line, words", [
    ("\n\nwrong-word = 1\n" + GOOD, 4, "wrong-word"),
    ('log-level = "loud"\n' + GOOD, 2, "log-level"),
    ('state-dir = "relative"\n' + GOOD, 2, "absolute path"),
    ("max-links = -1\n" + GOOD, 2, "max-links"),
    ('ats "a" {{\n socket = "{dir}/a.sock"\n mode = "rw"\n}}\n', 4, "octal"),
    ('ats "a" {{\n socket = "{dir}/a.sock"\n content = "some"\n}}\n', 4, "content"),
    ('ats "a" {{\n socket = "/' + "x" * 120 + '"\n}}\n', 3, "107 bytes"),
    ('ats "a" {{ socket = "{dir}/a.sock" # }}\n', 2, "not closed"),
])
def test_error_names_file_and_line(tmp_path, text, line, words):
    result = check(tmp_path, text)
    assert result.returncode == 1
    assert f"postern.conf:{line}:" in result.stderr
    assert words in result.stderr


@pytest.mark.parametrize("text, words", [
    ("", "no ats block"),
    ('ats "a/b" {{ socket = "{dir}/a.sock" }}\n', "[A-Za-z0-9._-]"),
    ('ats "a" {{ }}\n', "socket is missing"),
    ('ats "a" {{ socket = "{dir}/a.sock" }}\n', "nobody may use it"),
    ('ats "a" {{ socket = "{dir}/x" uids = {{0}} }}\nats "b" {{ socket = "{dir}/x" uids = {{0}} }}\n', "share the socket"),
    ('host "h" {{ ca-file = "{dir}/absent.pem" }}\n' + GOOD, "absent.pem"),
    *((f'host "h" {{{{ connections = {n} }}}}\n' + GOOD, f"connections = {n}:") for n in (-1, 0, 3, (1 << 32) + 1)),
    *((GOOD.replace("{{0}}", f"{{{{{n}}}}}"), f"uids: {n}") for n in (-1, (1 << 32) - 1, 1 << 32)),
])
def test_error_says_what(tmp_path, text, words):
    result = check(tmp_path, text)
    assert result.returncode == 1
    assert words in result.stderr


def test_missing_file(tmp_path):
    result = subprocess.run([os.path.join(BUILD, "sbin/posternd"), "-n", "-f", str(tmp_path / "absent")],
                            capture_output=True, text=True)
    assert result.returncode == 1
    assert "No such file" in result.stderr


def test_provider_errors(tmp_path):
    result = check(tmp_path, GOOD, 'provider "x" {\n imap = "host"\n smtp = "h:465:tls"\n}\n')
    assert result.returncode == 1
    assert "providers.conf" in result.stderr and "imap" in result.stderr


# ---- limits: what is allowed, and one more ----
def both_sides(tmp_path, make, limit, words, providers=False):
    for n in (limit, limit + 1):
        text = make(n)
        result = check(tmp_path, GOOD if providers else text, text if providers else "")
        assert (result.returncode, words in result.stderr) == ((0, False) if n == limit else (1, True)), result.stderr


def limit(name):
    return int(re.search(rf"^#define {name} (\d+)", (HOME / "common/limits.h").read_text(), re.M)[1])


# limit: LIM_CONF_ATS LIM_CONF_HOSTS LIM_CONF_IDS
def test_limits_of_blocks(tmp_path):
    both_sides(tmp_path, lambda n: "".join(f'ats "a{i}" {{{{ socket = "{{dir}}/{i}" uids = {{{{0}}}} }}}}\n' for i in range(n)),
               limit("LIM_CONF_ATS"), "too many blocks")
    both_sides(tmp_path, lambda n: "".join(f'host "h{i}" {{{{ }}}}\n' for i in range(n)) + GOOD, limit("LIM_CONF_HOSTS"),
               "too many blocks")
    for ids in ("uids", "gids"):
        both_sides(tmp_path, lambda n: 'ats "a" {{ socket = "{dir}/a" ' + ids + " = {{" + ",".join(map(str, range(n))) + "}} }}\n",
                   limit("LIM_CONF_IDS"), f"{ids}: more than")


# limit: LIM_CONF_CA
def test_limit_of_a_ca_file(tmp_path):
    def ca(n):
        (tmp_path / "ca.pem").write_bytes(b"x" * n)
        return 'host "h" {{ ca-file = "{dir}/ca.pem" }}\n' + GOOD
    both_sides(tmp_path, ca, limit("LIM_CONF_CA"), "larger than 60000 bytes")


# limit: LIM_CONF_PROVIDERS: the bytes hold so many of the longest ones
def test_limit_of_providers(tmp_path):
    def providers(n, domains="", help=""):
        return "".join(f'provider "p{i}" {{ imap = "i.example:993:tls" smtp = "s.example:465:tls" '
                       f'domains = {{{domains}}} help = "{help}" }}\n' for i in range(n))

    def longest(n, help):
        return providers(n, ",".join(['"' + "d" * 240 + '"'] * 15), "x" * help)
    both_sides(tmp_path, lambda n: providers(n), limit("LIM_CONF_PROVIDERS"), "more than 64 providers", providers=True)
    low, high = 0, 512
    while high - low > 1:
        middle = (low + high) // 2
        taken = check(tmp_path, GOOD, longest(1, middle)).returncode == 0
        low, high = (middle, high) if taken else (low, middle)
    assert 0 < low < 511, low
    assert check(tmp_path, GOOD, longest(limit("LIM_CONF_PROVIDERS"), low - 1)).returncode == 0


# limit: LIM_CONF_DEPTH
@pytest.mark.parametrize("depth, words", [(8, "block is not closed"), (9, "blocks within each other")])
def test_limit_of_nesting(tmp_path, depth, words):
    assert limit("LIM_CONF_DEPTH") == 8
    result = check(tmp_path, GOOD + "{{\n" * depth)
    assert result.returncode == 1
    assert f"postern.conf:{2 + depth}:" in result.stderr and words in result.stderr
