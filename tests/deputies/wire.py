"""Messages of common/messages.def as bytes, for orders "raw" to a process of the build with hooks: made from the table."""

import os
import re
import struct

from postern import ROOT


def _rows():
    with open(os.path.join(ROOT, "common", "messages.def")) as f:
        text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
    rows = {}
    for number, row in enumerate(re.split(r"^MSG\(", text, flags=re.M)[1:], 1):
        rows[row.split(",")[0]] = (number, re.findall(r"F_(\w+)\((\w+)", row))
    return rows


ROWS = _rows()
SIZES = {"U8": "B", "BOOL": "B", "U16": "H", "U32": "I", "U64": "Q"}


def message(name, **values):
    """Fields that are not named are zero or empty."""
    number, fields = ROWS[name]
    out = struct.pack("<H", number)
    for kind, field in fields:
        value = values.pop(field, 0 if kind in SIZES else b"")
        if kind in SIZES:
            out += struct.pack("<" + SIZES[kind], value)
        else:
            data = value.encode() if isinstance(value, str) else value
            out += struct.pack("<I", len(data)) + data
    assert not values, f"{name} has no {list(values)}"
    return out
