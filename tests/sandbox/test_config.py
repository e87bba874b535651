"""postern.conf: errors name the file, the line and what to do."""
import os
import subprocess

import pytest

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
