"""What the clients of a Dovecot wrote, by its rawlog."""

import os
import re


def connections(directory):
    """The lines of each connection so far, without their times."""
    for file in sorted(os.listdir(directory)):
        if file.endswith(".in"):
            with open(os.path.join(directory, file), "rb") as f:
                yield [re.sub(r"^[\d.]+ ", "", line) for line in f.read().decode(errors="replace").splitlines()]
