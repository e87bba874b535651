#!/usr/bin/python3
"""limits.py [--write] - what common/limits.h promises, kept true.

Checks that
- each limit has a reason and is used,
- no room keeps a limit of its own (a #define with a number and a name that
  sounds like one),
- each limit but the paces has a test on both sides of it: a test marks itself
  with a comment "limit: LIM_A LIM_B"; those of messages.def are tested by
  tests/unit/common/test_walk.c, field by field. What has none yet stands in
  tests/limits.untested, one name a line and why; the list can only shrink,
- the table in postern-internals(7) is the one of limits.h (--write renews it
  and takes tested limits off the list).
"""
import pathlib
import re
import sys

HOME = pathlib.Path(__file__).resolve().parent.parent
HEADER = HOME / "common/limits.h"
PAGE = HOME / "man/postern-internals.7"
UNTESTED = HOME / "tests/limits.untested"
ROOMS = ("common", "master", "vault", "dialer", "tls-worker", "imapd-worker", "smtp-worker",
         "mime-worker", "store", "ats-worker", "control")
BEGIN, END = '.\\" limits: begin (tests/limits.py --write)\n', '.\\" limits: end\n'
DEFINE = re.compile(r"^#define (LIM_\w+)\s+(.*?)\s*/\*\s*(.*?)\s*\*/\s*$")
OWN = re.compile(r"^#define ((?!LIM_)\w*(?:MAX|MIN|LIMIT|SECONDS|TRIES|_MS|WINDOW)\w*)\s+\(?\d", re.M)
# Constants of a format, a kernel or our own tables, not bounds that Postern sets.
NOT_OURS = {"DBKEY_MAX", "JMAP_UINT_MAX", "AD_MAX", "LANDLOCK_ABI_MAX", "MINUTE", "DAY_MS", "CAP_LITERAL_MINUS",
            "SASL_GUARD_MIN", "WIDTH_MAX", "ALONE_MAX", "WORD_MAX", "LINE_MAX_LEN", "MAX_HOOKS", "JMAP_DATE_MAX",
            "JMAP_ID_MAX", "JMAP_STATE_MAX", "WITHOUT_LIMITS"}


def groups():
    """[(heading, [(name, value, reason)])] in the order of the header."""
    found, complaints = [], []
    for n, line in enumerate(HEADER.read_text().splitlines(), 1):
        if m := re.match(r"^/\* (.*?)\.? \*/$", line):
            found.append((m[1], []))
        elif m := DEFINE.match(line):
            found[-1][1].append(m.groups())
        elif line.startswith("#define LIM_"):
            complaints.append(f"common/limits.h:{n}: no reason: {line}")
    return [g for g in found if g[1]], complaints


def shown(name, value):
    """A person's form of a value: 64 KiB, 2 d, 10,000."""
    text = re.sub(r"\(\w+\)(?=\w)", "", value)
    text = re.sub(r"\b(\d+)[uUlL]+\b", r"\1", text)
    if "LIM_" in text:
        return re.sub(r"^\((.*)\)$", r"\1", text).replace("*", "x")
    n = eval(text, {"__builtins__": {}})  # numbers and * of our own header
    if name.endswith("_MS"):
        return f"{n:,} ms"
    if name.endswith(("_SECONDS", "_RETRY_FIRST", "_RETRY_MAX", "_RETRY_DEATH")):
        return f"{n // 86400} d" if n % 86400 == 0 else f"{n:,} s"
    if "1024 *" not in text and "* 1024" not in text and "_KIB" not in name:
        return f"{n:,}"  # a number of something; bytes are written by 1024
    n *= 1024 if "_KIB" in name else 1
    return f"{n >> 20:,} MiB" if n % (1 << 20) == 0 else f"{n >> 10:,} KiB"


def table(found):
    out = []
    for heading, rows in found:
        out.append(f".Ss {heading}\n.Bl -tag -width \"LIM_TICKETS_PER_MINUTE\" -compact\n")
        for name, value, reason in rows:
            out.append(f".It Dv {name}\n{shown(name, value)}:\n{reason.lstrip('.')}\n")
        out.append(".El\n")
    return "".join(out)


def page_with(text, block):
    head, rest = text.split(BEGIN)
    return head + BEGIN + block + END + rest.split(END)[1]


def sources(*tops):
    for top in tops:
        for path in sorted((HOME / top).rglob("*")):
            if path.suffix in (".c", ".h", ".def", ".py") and path.is_file():
                yield path


def marks():
    # test_walk.c fills every field of messages.def to its limit, and one byte beyond.
    names = set(re.findall(r"\bLIM_\w+", (HOME / "common/messages.def").read_text()))
    for path in sources("tests"):
        for m in re.finditer(r"limit: ((?:LIM_\w+[ ,]*)+)", path.read_text(errors="replace")):
            if path.name != "limits.py":
                names.update(re.findall(r"LIM_\w+", m[1]))
    return names


def untested():
    rows = {}
    for line in UNTESTED.read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, why = line.partition(" ")
            rows[name] = why.strip()
    return rows


def check(found):
    names = [name for _, rows in found for name, _, _ in rows]
    wrong = []
    code = "".join(p.read_text() for p in sources(*ROOMS) if p != HEADER)
    for name in names:
        if not re.search(rf"\b{name}\b", code) and not re.search(rf"\b{name}\b", HEADER.read_text().split(f"#define {name} ")[1]):
            wrong.append(f"{name}: nothing uses it")
    for path in sources(*ROOMS):
        for m in OWN.finditer(path.read_text()):
            if m[1] not in NOT_OURS:
                wrong.append(f"{path.relative_to(HOME)}: {m[1]} is a limit: it belongs into common/limits.h")
    marked, waiting = marks(), untested()
    bounds = [name for heading, rows in found if not heading.startswith("Paces") for name, _, _ in rows]
    for name in bounds:
        if name in marked and name in waiting:
            wrong.append(f"{name} has a test now: take it off tests/limits.untested (--write does)")
        if name not in marked and name not in waiting:
            wrong.append(f"{name} has no test: mark one with \"limit: {name}\"")
    wrong += [f"tests/limits.untested: there is no {name}" for name in waiting if name not in names]
    wrong += [f"a test is marked for {name}, which is not in limits.h" for name in sorted(marked - set(names))]
    if PAGE.read_text() != page_with(PAGE.read_text(), table(found)):
        wrong.append("the table in postern-internals(7) is old: tests/limits.py --write")
    return wrong, len(bounds), len([n for n in bounds if n in marked])


def main():
    found, wrong = groups()
    if "--write" in sys.argv:
        PAGE.write_text(page_with(PAGE.read_text(), table(found)))
        marked = marks()
        lines = UNTESTED.read_text().splitlines(keepends=True)
        UNTESTED.write_text("".join(l for l in lines if l.startswith("#") or l.split(" ")[0].strip() not in marked))
    more, total, tested = check(found)
    for line in wrong + more:
        print(line, file=sys.stderr)
    print(f"limits: {total}, {tested} with a test on both sides")
    return 1 if wrong or more else 0


if __name__ == "__main__":
    sys.exit(main())
