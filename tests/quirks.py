#!/usr/bin/python3
"""quirks.py [--write] - the table of imapd-worker/quirks.def in postern-internals(7) is that of the file."""

import ast
import pathlib
import re
import sys

HOME = pathlib.Path(__file__).resolve().parent.parent
PAGE = HOME / "man/postern-internals.7"
BEGIN, END = '.\\" quirks: begin (tests/quirks.py --write)\n', '.\\" quirks: end\n'


def calls(name, text):
    """The arguments of each call of a macro; strings joined as C does."""
    for m in re.finditer(rf"^{name}\((.*?)\)$", text, re.M | re.S):
        strings = re.sub(r'"\s*\n\s*"', "", m[1])
        yield [ast.literal_eval(a) if a.startswith('"') else a
               for a in re.findall(r'"(?:[^"\\]|\\.)*"|[^\s,]+', strings)]


def table(text):
    out = [".Bl -tag -width \"outlook.office365.com\" -compact\n"]
    for _, what, _, idle, plateau, _, seen, why in calls("QUIRK", text):
        more = (f"; IDLE is renewed every {idle} s" if idle != "0" else "") + (
            f"; {int(plateau):,} messages may stand for more" if plateau != "0" else "")
        out.append(f".It {what}\n" + re.sub(r"\. (?=[A-Z])", ".\n", f"{why}{more} ({seen})") + "\n")
    out.append(".El\n.Pp\nWhat some server gets wrong, and Postern therefore relies on with none:\n"
               ".Bl -tag -width \"outlook.office365.com\" -compact\n")
    out += [f".It {who}\n{what}: {instead}\n" for who, what, instead in calls("QUIRK_FOR_ALL", text)]
    return "".join(out) + ".El\n"


def main():
    block = table((HOME / "imapd-worker/quirks.def").read_text())
    page = PAGE.read_text()
    now = page.split(BEGIN)[0] + BEGIN + block + END + page.split(END)[1]
    if "--write" in sys.argv:
        PAGE.write_text(now)
    elif page != now:
        print("the table of servers in postern-internals(7) is old: tests/quirks.py --write", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
