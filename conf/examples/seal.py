#!/usr/bin/python3
"""
seal.py PUBLICKEY ATS ADDRESS USER ENDPOINT... - reads a password from standard input and prints it as the data of a
sealed credential (postern-seal-1, see postern-jmap(7)). PyNaCl: apt install python3-nacl, or pip install pynacl.
"""
import base64
import struct
import sys

from nacl.public import PublicKey, SealedBox


def text(s):
    return struct.pack("<H", len(s.encode())) + s.encode()


def seal(public_key, ats, address, user, secret, endpoints):
    plain = bytes([1, 1]) + text(ats) + text(address) + text(user) + text(secret)
    plain += bytes([len(endpoints)]) + b"".join(text(e) for e in endpoints)
    key = PublicKey(base64.b64decode(public_key))
    return base64.b64encode(SealedBox(key).encrypt(plain)).decode()


if __name__ == "__main__":
    if len(sys.argv) < 6:
        sys.exit(__doc__.strip())
    print(seal(*sys.argv[1:5], sys.stdin.read().rstrip("\r\n"), sys.argv[5:]))
