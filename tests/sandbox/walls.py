"""
What the attempts of stolen processes came to, as one table: in words that can be committed and compared, and as the
part of postern-security(7) that is made of it.

A table is {mode: {role: {row: result}}}. walls.expected has one line a row:

    open_passwd: killed: all but dialer mime-worker; EACCES: dialer mime-worker
    open_key @user: ...        (only where a mode differs from the others)
"""

import difflib
import os

HERE = os.path.dirname(os.path.abspath(__file__))
EXPECTED = os.path.join(HERE, "walls.expected")
PAGE = os.path.join(os.path.dirname(os.path.dirname(HERE)), "man", "postern-security.7")
BEGIN, END = '.\\" walls begin: made by make walls, do not edit', '.\\" walls end'
MODES = ("root", "user", "kernel-6.1")

CONNECTS = "to connect is its job"
DATABASE = "the files of its database, which it holds open"
# What is not denied, because it is what the process is for. Anything else that is allowed is an error.
JOBS = {
    ("dialer", "socket_inet_stream"): CONNECTS,
    ("dialer", "socket_inet6_stream"): CONNECTS,
    ("dialer", "socket_inet_datagram"): "name lookups",
    ("dialer", "socket_inet6_datagram"): "name lookups",
    ("dialer", "connect_loopback"): CONNECTS,
    ("store", "own_files"): DATABASE,
    ("store", "fill_disk"): DATABASE,
    ("store", "big_memfd"): "its bodies and its database are written alike; MemoryMax of the unit bounds it",
}

# Rows that attacked.py makes of one attempt.
SOCKETS = {
    **{f"socket_{f}_{k}": f"a {k} socket, {n}" for f, n in (("unix", "UNIX"), ("inet", "IPv4"), ("inet6", "IPv6"))
       for k in ("stream", "datagram", "raw")},
    "socket_sctp": "an SCTP socket", "socket_mptcp": "an MPTCP socket",
    "socket_others": "a socket of each of the 44 other families",
}
GROUPS = {"files": "Files", "root": "Leaving its root directory", "network": "Network", "processes": "Processes",
          "memory": "Memory", "kernel": "The kernel", "terminals": "Terminals", "exhaustion": "Exhaustion"}


def allowed_wrongly(table):
    """Every attempt that was not denied and is nobody's job; and jobs that cannot be done."""
    wrong = [f"{role} may {row} ({mode})" for mode, roles in table.items() for role, rows in roles.items()
             for row, result in rows.items() if result == "allowed" and (role, row) not in JOBS]
    return wrong + [f"{role} cannot {row}, its job: {roles[role][row]} ({mode})" for mode, roles in table.items()
                    for role, row in JOBS if roles[role][row] != "allowed"]


def _one(results, names):
    """"killed: all but dialer; EACCES: dialer" of {role: result}."""
    kinds = {}
    for role in names:
        kinds.setdefault(results[role], []).append(role)
    parts = []
    for kind, roles in sorted(kinds.items(), key=lambda item: -len(item[1])):
        rest = [n for n in names if n not in roles]
        who = "all" if not rest else f"all but {' '.join(rest)}" if len(roles) > len(names) / 2 else " ".join(roles)
        parts.append(f"{kind}: {who}")
    return "; ".join(parts)


def lines(table):
    """The committed form."""
    modes = [m for m in MODES if m in table]
    names = list(table[modes[0]])
    out = []
    for row in table[modes[0]][names[0]]:
        by_mode = {m: _one({r: table[m][r][row] for r in names}, names) for m in modes}
        if len(set(by_mode.values())) == 1:
            out.append(f"{row}: {by_mode[modes[0]]}")
        else:
            out += [f"{row} @{m}: {by_mode[m]}" for m in modes]
    return out


def parse(text, names):
    """The table of a committed file."""
    table = {m: {n: {} for n in names} for m in MODES}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        head, _, rest = line.partition(": ")
        row, _, mode = head.partition(" @")
        for part in rest.split("; "):
            kind, _, who = part.partition(": ")
            roles = ([n for n in names if n not in who[8:].split()] if who.startswith("all but ")
                     else names if who == "all" else who.split())
            for m in ([mode] if mode else MODES):
                for role in roles:
                    table[m][role][row] = kind
    return table


def difference(expected, got):
    """A readable diff of two tables over the modes of got; empty when they are the same."""
    want = {m: expected[m] for m in got}
    if want == got:
        return ""
    return "\n".join(difflib.unified_diff(lines(want), lines(got), "walls.expected", "this run", lineterm="", n=0))


def read_expected(names):
    with open(EXPECTED) as f:
        return parse(f.read(), names)


def write_expected(table):
    with open(EXPECTED, "w") as f:
        f.write("# What each stolen process came to with each attempt of common/attack.def; made by make walls.\n")
        f.write("\n".join(lines(table)) + "\n")


# ---- the page -------------------------------------------------------------------

WORDS = {"killed": "killed", "none": "nothing to try it on", "refused": "refused by the loader",
         "SIGABRT": "dies without one", "limit ENOMEM": "stopped by the limit of its memory",
         "limit EMFILE": "stopped by the limit of its descriptors", "SIGXFSZ": "killed at the limit of a file's size",
         "limit EFBIG": "stopped at the limit of a file's size", "allowed": "allowed"}


def _roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in ".'" else text


def _result(row, result, roles):
    word = WORDS.get(result, result)
    if result == "allowed":
        word += ", " + JOBS.get((roles[0], row), "an error")
    return word


def _outcome(row, table, names):
    """"dialer, mime-worker: EACCES; the others: killed" """
    kinds = {}
    for role in names:
        kinds.setdefault(tuple(table[m][role][row] for m in MODES), []).append(role)
    parts = []
    for results, roles in sorted(kinds.items(), key=lambda item: len(item[1])):
        if len(set(results)) == 1:
            word = _result(row, results[0], roles)
        else:
            word = " ".join(f"{_result(row, r, roles)} ({m})" for m, r in zip(MODES, results))
        if len(roles) == len(names):
            return word
        parts.append(("the others" if len(roles) > len(names) / 2 else ", ".join(roles)) + ": " + word)
    return "; ".join(parts)


def page_block(table, attempts, calls, holds, limits):
    """The mdoc text between the markers. attempts: (name, group, text); the rest {role: ...}."""
    names = list(table["root"])
    texts = {}
    for name, group, text in attempts:
        if group in GROUPS:
            for row, words in (SOCKETS.items() if name == "socket" else [(name, text)]):
                texts.setdefault(group, []).append((row, words))
    rows = sum(len(v) for v in texts.values())
    out = [BEGIN, ".Ss What a stolen process was seen to try",
           f"{rows} attempts by each of {len(names)} processes, each made by the real process behind its real walls,",
           "as root with a user for each role, as an ordinary user, and as on Linux 6.1.",
           "They came out alike in the three where none of them is named."]
    for group, title in GROUPS.items():
        outcomes = {}
        for row, words in texts[group]:
            outcomes.setdefault(_outcome(row, table, names), []).append(words)
        out += [".Pp", f".Sy {title} .", ".Bl -tag -width Ds -compact"]
        for outcome, attempts_of in sorted(outcomes.items(), key=lambda item: -len(item[1])):
            out.append(f".It {_roff(outcome)}")
            out += [_roff(w) + (";" if i < len(attempts_of) - 1 else ".") for i, w in enumerate(attempts_of)]
        out.append(".El")
    return "\n".join(out + _calls(names, calls) + _bounds(names, holds, limits) + [END])


def _calls(names, calls):
    out = [".Ss System calls", "Everything else kills the process.",
           "A colon names the only command or option that passes.",
           "Each line has a test that fails without it.", '.Bl -tag -width Ds']
    seen = {}
    for name in names:
        seen.setdefault(tuple(calls[name]), []).append(name)
    for rows, roles in seen.items():
        may = [label for label, how, _ in rows if how == "allowed"]
        ask = [label for label, how, _ in rows if how == "refused"]
        out.append(f".It {_roff(', '.join(roles))} Pq {len(may)}")
        out += [_roff(label) + ("," if i < len(may) - 1 else ".") for i, label in enumerate(may)]
        if ask:
            out.append(f"May ask and gets EACCES: {', '.join(ask)}.")
    return out + [".El"]


def _size(value):
    if value == "unlimited":
        return value
    n = int(value)
    for unit, name in ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB")):
        if n >= unit:
            rest = n % unit
            return f"{n // unit} {name}" + (f" + {_size(rest)}" if rest >= 1 << 20 else "")
    return str(n)


def _bounds(names, holds, limits):
    out = [".Ss What a process holds and what bounds it",
           "Open descriptors after its start, beside those the master passes it; limits of descriptors, memory,",
           "and the size of a file (a memfd for all but the store).", '.Bl -tag -width Ds -compact']
    for name in names:
        out.append(f".It {_roff(name)}")
        out.append(_roff(f"{', '.join(holds[name])}; {limits[name]['Max open files']} descriptors, "
                         f"{_size(limits[name]['Max address space'])} of memory, {_size(limits[name]['Max file size'])} a file."))
    return out + [".El"]


def write_page(block):
    with open(PAGE) as f:
        text = f.read()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    with open(PAGE, "w") as f:
        f.write(before + block + after)


def page_text():
    """What the page has between the markers, them included."""
    with open(PAGE) as f:
        text = f.read()
    return BEGIN + text.partition(BEGIN)[2].partition(END)[0] + END
