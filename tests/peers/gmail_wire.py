"""Words of IMAP, taken apart and put together."""

import re

TOKEN = re.compile(rb'"((?:[^"\\]|\\.)*)"|([()])|~?\{(\d+)\+?\}|((?:\[[^\]]*\]|[^\s()"{\[])+)|\s+')


class Bad(Exception):
    """A command that Gmail does not understand."""


class No(Exception):
    """One that it refuses."""


def parse(line, literals):
    """A command as nested lists of bytes; literals are taken in their order."""
    out, outer, at, literals = [], [], 0, list(literals)
    while at < len(line):
        if (m := TOKEN.match(line, at)) is None:
            raise Bad(line[at:at + 20])
        at = m.end()
        quoted, paren, literal, atom = m.groups()
        if paren == b"(":
            outer.append(out)
            out = []
        elif paren and not outer:
            raise Bad(b")")
        elif paren:
            outer[-1].append(out)
            out = outer.pop()
        elif literal is not None:
            out.append(literals.pop(0))
        elif quoted is not None:
            out.append(re.sub(rb"\\(.)", rb"\1", quoted))
        elif atom is not None:
            out.append(atom)
    if outer:
        raise Bad(b"(")
    return out


def quoted(raw):
    return b'"' + raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def ranges(numbers):
    """1:3,7 of sorted numbers."""
    runs = []
    for n in numbers:
        if runs and runs[-1][1] == n - 1:
            runs[-1][1] = n
        else:
            runs.append([n, n])
    return ",".join(str(a) if a == b else f"{a}:{b}" for a, b in runs).encode()
