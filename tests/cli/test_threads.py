"""The command line takes one thread for linear algebra, unless the environment says otherwise."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from metaalliance.cli.main import THREADS

#: What numpy would see, had a command imported it.
PROBE = """
import os, sys
sys.argv = ["metaalliance", "--version"]
from metaalliance.cli.main import THREADS, main
early = "numpy" in sys.modules
try:
    main()
except SystemExit:
    pass
print(early, *(os.environ.get(name, "none") for name in THREADS))
"""


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({}, dict.fromkeys(THREADS, "1")),
        ({"OPENBLAS_NUM_THREADS": "3"}, {"OPENBLAS_NUM_THREADS": "3"}),
        ({"OMP_NUM_THREADS": "2"}, {"OMP_NUM_THREADS": "2"}),  # OpenBLAS follows it
    ],
)
def test_one_thread_unless_told(given, taken):
    plain = {k: v for k, v in os.environ.items() if k not in THREADS}
    done = subprocess.run(
        [sys.executable, "-c", PROBE], env={**plain, **given}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    said = done.stdout.splitlines()[-1].split()
    assert said == ["False", *(taken.get(name, "none") for name in THREADS)]
