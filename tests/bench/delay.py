"""The way to a distant server: build/tests/bench/delay between a peer and Dovecot."""

import contextlib
import os

from proc import Child
from postern import BUILD

DELAY = os.path.join(BUILD, "tests", "bench", "delay")


@contextlib.contextmanager
def distant(stage, milliseconds):
    """Within, the stage's port is that of a proxy with this round trip."""
    log = os.path.join(stage.dir, "delay.log")
    if os.path.exists(log):
        os.unlink(log)  # it tells the port of the one before
    child = Child([DELAY, milliseconds // 2, stage.port], log)
    near = stage.port
    try:
        stage.port = int(_first_line(log, child))
        yield
    finally:
        stage.port = near
        child.stop()


def _first_line(path, child):
    from proc import until
    return until("delay", lambda: open(path).read().strip(), child=child)
