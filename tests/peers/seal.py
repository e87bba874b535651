"""postern-seal-1: a credential sealed by the ATS itself, with libsodium's crypto_box_seal."""

import base64
import ctypes
import ctypes.util
import struct

_SODIUM = ctypes.CDLL(ctypes.util.find_library("sodium"))
assert _SODIUM.sodium_init() >= 0


def plain(ats, address, user, secret, endpoints, kind=1):
    out = struct.pack("<BB", 1, kind)
    for field in (ats, address, user, secret):
        out += struct.pack("<H", len(field.encode())) + field.encode()
    out += struct.pack("<B", len(endpoints))
    for e in endpoints:
        out += struct.pack("<H", len(e)) + e.encode()
    return out


def seal(public_key, *args, **kw):
    """base64 for a Link's credential; public_key as the Session gives it."""
    data = plain(*args, **kw)
    out = ctypes.create_string_buffer(len(data) + _SODIUM.crypto_box_sealbytes())
    assert _SODIUM.crypto_box_seal(out, data, ctypes.c_ulonglong(len(data)), base64.b64decode(public_key)) == 0
    return base64.b64encode(out.raw).decode()
