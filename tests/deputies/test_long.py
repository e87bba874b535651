"""The longer half of tests/deputies/test_rows.c: each kind of damage to all rows of each table."""

import os
import subprocess

import pytest

from postern import BUILD

PROGRAM = os.path.join(BUILD, "tests", "deputies", "test_rows")


@pytest.mark.long
@pytest.mark.deadline(300)
def test_every_damage_to_every_table():
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    subprocess.run(["make", "--no-print-directory", f"B={os.environ.get('POSTERN_BUILD', 'build')}",
                    os.path.relpath(PROGRAM, root)], cwd=root, check=True, stdout=subprocess.DEVNULL)
    run = subprocess.run([PROGRAM, "long"], capture_output=True, timeout=280)
    assert run.returncode == 0, (run.stdout + run.stderr).decode(errors="replace")[-3000:]
