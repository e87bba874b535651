#!/usr/bin/python3
"""rooms.py - the map of the larger directories in postern-internals(7) names each of their files, each once."""

import collections
import pathlib
import re
import sys

HOME = pathlib.Path(__file__).resolve().parent.parent
PAGE = HOME / "man/postern-internals.7"
BEGIN, END = '.\\" rooms: begin (tests/rooms.py)\n', '.\\" rooms: end\n'


def mapped(text):
    """{directory: names, in order}"""
    rooms, directory = collections.defaultdict(list), None
    for line in text.splitlines():
        if m := re.match(r"\.It Pa (\S+)/$", line):
            directory = m[1]
        elif not line.startswith("."):
            rooms[directory] += re.findall(r"\w+", line)
    return rooms


def main():
    wrong = []
    for directory, names in mapped(PAGE.read_text().split(BEGIN)[1].split(END)[0]).items():
        there = {path.stem for path in (HOME / directory).glob("*.c")}
        wrong += [f"{directory}/{name}.c is not on the map in postern-internals(7): say what it is for"
                  for name in sorted(there - set(names))]
        wrong += [f"postern-internals(7) tells of {directory}/{name}.c, which is not there"
                  for name in names if name not in there]
        wrong += [f"postern-internals(7) tells of {directory}/{name}.c more than once"
                  for name, n in collections.Counter(names).items() if n > 1]
    print("\n".join(wrong), end="\n" if wrong else "", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
