"""The sealing examples of conf/examples, in their own languages: byte for byte, and used to link a mailbox."""

import base64
import ctypes
import os
import shutil
import subprocess

import pytest

import seal
from peers import COLLEAGUE, OTHER, RECRUITER
from postern import ROOT

EXAMPLES = os.path.join(ROOT, "conf", "examples")
TOOLS = {"py": ["/usr/bin/python3"], "php": ["php"], "js": ["node"]}


def run(language, *args, secret):
    assert shutil.which(TOOLS[language][0]), f"{TOOLS[language][0]} is missing: make deps"
    # Debian's node knows this place by itself, another one does not.
    env = dict(os.environ, NODE_PATH="/usr/share/nodejs")
    return subprocess.run(TOOLS[language] + [os.path.join(EXAMPLES, "seal." + language), *args], input=secret + "\n",
                          check=True, capture_output=True, text=True, timeout=30, env=env).stdout.strip()


def vector():
    out = {"endpoint": []}
    with open(os.path.join(EXAMPLES, "seal-vector.txt")) as f:
        for line in f:
            if line[0] != "#":
                name, value = line.rstrip("\n").split(" = ")
                out[name] = out[name] + [value] if name == "endpoint" else value
    return out


def opened(data, v):
    sealed = base64.b64decode(data)
    out = ctypes.create_string_buffer(len(sealed))
    assert seal._SODIUM.crypto_box_seal_open(out, sealed, ctypes.c_ulonglong(len(sealed)),
                                             base64.b64decode(v["public-key"]), bytes.fromhex(v["secret-key"])) == 0
    return out.raw[:len(sealed) - seal._SODIUM.crypto_box_sealbytes()].hex()


@pytest.mark.parametrize("language", list(TOOLS))
def test_vector(language):
    v = vector()
    args = (v["public-key"], v["ats"], v["address"], v["user"], *v["endpoint"])
    one, two = (run(language, *args, secret=v["secret"]) for _ in range(2))
    assert one != two, "a seal is different each time"
    assert opened(one, v) == opened(two, v) == v["plain"] == opened(v["sealed"], v)
    umlaut = run(language, *args, secret="größer als €")
    plain = seal.plain(v["ats"], v["address"], v["user"], "größer als €", v["endpoint"])
    assert opened(umlaut, v) == plain.hex(), "lengths count bytes"


def test_links(postern, world):
    """What each example makes, opened by the vault and logged in with."""
    ats = postern.jmap()
    key = ats.session()["capabilities"]["urn:postern:params:jmap:ats"]["vaultPublicKey"]
    for language, user in zip(TOOLS, (RECRUITER, COLLEAGUE, OTHER)):
        data = run(language, key, "agency", user, user, f"imap:tls:localhost:{world.dovecot.imaps}",
                   f"smtp:tls:localhost:{world.smtp_port()}", secret=world.password(user))
        id_ = ats.create("Link", address=user, **world.endpoints(user),
                         credential={"type": "sealed", "data": data})["id"]
        postern.wait_live(ats, id_)
