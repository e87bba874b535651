"""
The lies told to a link while it syncs: name -> what the server does instead of the truth, command by command. When the
link has met the lie the server becomes honest: every message must be there, once, and nobody else may have been
disturbed. A new lie is one row.
"""

from liar import close, flood, hang, honest, reset, say, slowly


def select(*actions):
    return {"SELECT": list(actions), "EXAMINE": list(actions)}


def before(line, times=1):
    """A line, or many, and then the truth."""
    return [flood(line, times), honest()]


def fetch(*actions):
    return {"UID FETCH": list(actions)}


BYE = [say(b"* BYE come again\r\n"), close()]
STEPS = ("LIST", "SELECT", "UID SEARCH", "UID FETCH", "NOOP")

LIES = {
    "four billion EXISTS": select(*before(b"* 4294967295 EXISTS\r\n")),
    "EXISTS beyond 32 bits": select(*before(b"* 99999999999999999999 EXISTS\r\n")),
    "a million EXISTS": select(*before(b"* 3 EXISTS\r\n" * 10000, 100)),
    "EXISTS of less than nothing": select(*before(b"* -1 EXISTS\r\n")),
    "EXPUNGE of what is not there": select(*before(b"* 99 EXPUNGE\r\n* 0 EXPUNGE\r\n")),
    "VANISHED that nobody enabled": select(*before(b"* VANISHED 1:4294967295\r\n* VANISHED (EARLIER) 1:*\r\n")),
    "an answer to nobody": select(*before(b"zzz9 OK done\r\n")),
    "an answer twice": select(honest(), say(b"{tag} OK again\r\n")),
    "an answer to a later command": select(*before(b"A999999 NO what\r\n")),
    "go on, unasked": select(*before(b"+ go on\r\n")),
    "NUL": select(*before(b"* OK \0\0\0 here\r\n")),
    "high bytes": select(*before(b"* OK \xff\xfe\x80 here\r\n* FLAGS (\xff)\r\n")),
    "a line without end": fetch(say(b"* 1 FETCH (FLAGS ("), flood(b"\\X " * 20000, 500)),
    "brackets without end": fetch(say(b"* 1 FETCH "), flood(b"(" * 60000, 200)),
    "4 GB literal": fetch(say(b"* 1 FETCH (UID 1 BODY[HEADER] {4294967296}\r\n"), flood(b"x" * 65536, 200), close()),
    "64-bit literal": fetch(say(b"* 1 FETCH (UID 1 BODY[HEADER] {18446744073709551616}\r\n"), close()),
    "a literal that is cut": fetch(say(b"* 1 FETCH (UID 1 BODY[HEADER] {60000000}\r\nSubject: x\r\n"), close()),
    "messages nobody asked for": fetch(*before(b"* 9999 FETCH (UID 4000000000 FLAGS (\\Seen))\r\n" * 100, 100)),
    "UID 0": fetch(*before(b"* 1 FETCH (UID 0 FLAGS (\\Seen))\r\n* 0 FETCH (UID 1 FLAGS ())\r\n")),
    "the same ten times": fetch(*[honest()] * 10),
    "flags of a megabyte": fetch(*before(b"* 1 FETCH (UID 1 FLAGS (" + b"f" * 1000000 + b"))\r\n")),
    "one byte at a time": fetch(slowly()),
    "a search that finds all numbers": {"UID SEARCH": before(b"* SEARCH" + b" 4294967295 0 7" * 20000 + b"\r\n")},
    "folders that climb": {"LIST": before(b'* LIST () "/" "../../etc/passwd"\r\n* LIST () "/" {0}\r\n\r\n'
                                          b'* LIST () NIL "a\\"b\\\\"\r\n* LIST (\\Sent \\Drafts \\Trash) "/" "all"\r\n')},
    "20,000 folders": {"LIST": [say(b"".join(b'* LIST () "/" "f%d"\r\n' % n for n in range(20000))), honest()]},
    **{f"BYE at {step}": {step: BYE} for step in STEPS},
    **{f"reset at {step}": {step: [reset()]} for step in STEPS},
    **{f"BAD to {step}": {step: [say(b"{tag} BAD not today\r\n")]} for step in ("LIST", "UID FETCH")},
}

# These wait for deadlines of Postern (LIM_COMMAND_SECONDS): only in make check-long.
SILENT = {f"no answer to {step}": {step: [hang()]} for step in STEPS}
