"""Each executable links what its role needs and nothing else.

A library in the wrong process is a parser beside a secret, so the list here
is part of the design: it may only change with it.
"""
import os
import subprocess

import pytest

BUILD = os.environ.get("POSTERN_BUILD", "build")

# libc and what comes with every program.
BASE = {"libc.so.6", "ld-linux-x86-64.so.2", "linux-vdso.so.1"}
EVENT = {"libevent_core-2.1.so.7"}
SECCOMP = {"libseccomp.so.2"}

# Direct dependencies (NEEDED). What those pull in is their own.
NEEDED = {
    "libexec/vault": SECCOMP | {"libsodium.so.23"},
    "libexec/dialer": EVENT | SECCOMP | {"libcares.so.2"},
    "libexec/tls-worker": EVENT | SECCOMP | {"libssl.so.3", "libcrypto.so.3"},
    "libexec/imapd-worker": EVENT | SECCOMP | {"libz.so.1"},
    "libexec/smtp-worker": EVENT | SECCOMP,
    "libexec/mime-worker": EVENT | SECCOMP | {
        "libgmime-3.0.so.0", "libgio-2.0.so.0", "libgobject-2.0.so.0", "libglib-2.0.so.0", "libsodium.so.23"},
    "libexec/store": EVENT | SECCOMP | {"liblmdb.so.0", "libzstd.so.1", "libsodium.so.23"},
    "libexec/ats-worker": EVENT | SECCOMP | {"libjansson.so.4", "libsodium.so.23"},
    "libexec/control": EVENT | SECCOMP,
    "sbin/posternd": EVENT | {"libconfuse.so.2", "libsodium.so.23", "libbsd.so.0"},
    "bin/posternctl": {"libjansson.so.4", "libsodium.so.23", "libbsd.so.0"},
}


def needed(path):
    out = subprocess.run(["readelf", "-d", path], check=True, capture_output=True, text=True).stdout
    return {line.split("[")[1].rstrip("]") for line in out.splitlines() if "(NEEDED)" in line}


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_links_only_what_it_needs(name):
    surplus = needed(os.path.join(BUILD, name)) - NEEDED[name] - BASE
    assert not surplus, f"{name} also links {sorted(surplus)}"


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_is_hardened(name):
    path = os.path.join(BUILD, name)
    header = subprocess.run(["readelf", "-h", path], check=True, capture_output=True, text=True).stdout
    dynamic = subprocess.run(["readelf", "-d", path], check=True, capture_output=True, text=True).stdout
    program = subprocess.run(["readelf", "-lW", path], check=True, capture_output=True, text=True).stdout
    assert "DYN (Position-Independent Executable file)" in header or "Type:                              DYN" in header
    assert "BIND_NOW" in dynamic or "NOW" in dynamic
    assert "GNU_RELRO" in program
    stack = [line for line in program.splitlines() if "GNU_STACK" in line]
    assert stack and "RWE" not in stack[0]
