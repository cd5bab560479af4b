"""Read a file in a process of its own, with bounds of memory and time.

A damaged or hostile file can make a parser take all memory, or crash the library behind it.
``python -m metaalliance.sheet.read.apart KIND NAME SECONDS BYTES`` reads the content of a file from
standard input and writes its sheets to standard output; `read_apart` is what calls it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib
import io
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from metaalliance.errors import UnreadableFileError
from metaalliance.problems import Problem
from metaalliance.sheet.read.grid import (
    ErrorCell,
    ErrorText,
    FormulaCell,
    Grid,
    PercentCell,
    whole,
)
from metaalliance.sheet.read.limits import MAX_MEMORY, MAX_SECONDS, PAGE
from metaalliance.sheet.read.optional import require

#: Module and function that read each kind of file; they are imported where they run.
_READERS = {
    "xlsx": ("xlsx", "read_xlsx"),
    "ods": ("ods", "read_ods"),
    "xls": ("xls", "read_xls"),
    "xlsb": ("xlsb", "read_xlsb"),
    "sav": ("spss_stata", "read_spss"),
    "dta": ("spss_stata", "read_stata"),
    "omv": ("jamovi", "read_jamovi"),
    "jasp": ("jasp", "read_jasp"),
    "r": ("r_data", "read_r"),
    "parquet": ("parquet", "read_parquet"),
}
#: The library that a kind needs, and what the file is.
_LIBRARIES = {
    "xls": ("xlrd", "an .xls file"),
    "sav": ("pyreadstat", "an SPSS file"),
    "dta": ("pyreadstat", "a Stata file"),
    "r": ("rdata", "an R file"),
    "parquet": ("pyarrow", "a Parquet file"),
}
#: What an answer may hold beside plain values: nothing that does anything when it is made.
_INERT = {
    (kind.__module__, kind.__qualname__): kind
    for kind in (
        Grid, Problem, ErrorCell, ErrorText, FormulaCell, PercentCell,
        dt.date, dt.datetime, dt.time, dt.timedelta,
    )
}  # fmt: skip
#: How the process leaves when its memory is used up.
_FULL = 12


def read_apart(
    kind: str, content: bytes, name: str, *, seconds: int = MAX_SECONDS, memory: int = MAX_MEMORY
) -> tuple[list[Grid], list[Problem]]:
    """Return the sheets of a file, read in another process.

    Parameters
    ----------
    kind : str
        What the file is, as `sniff` tells it.
    content : bytes
        The file.
    name : str
        What messages call it.
    seconds, memory : int
        Seconds and bytes that the process may take. Windows bounds its time only.

    Raises
    ------
    UnreadableFileError
        When the reader refuses the file, a library is missing, or the process crashes or exceeds
        its bounds.
    """
    if kind in _LIBRARIES:
        library, what = _LIBRARIES[kind]
        require(library, name, what)
    command = [sys.executable, "-P", "-W", "ignore", "-m", __name__, kind, name, str(seconds),
               str(memory)]  # fmt: skip
    try:
        done = subprocess.run(
            command, input=content, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            timeout=seconds, check=False, env=_environment(),
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise _too_slow(name, seconds) from None
    except OSError as error:
        raise UnreadableFileError(
            f"{name} cannot be read: the process that reads it cannot be started "
            f"({error.strerror or error})."
        ) from None
    if done.returncode == _FULL:
        raise UnreadableFileError(
            f"{name} takes more than {memory // 2**20:,} MB of memory to read ({PAGE}).",
            code="MA107",
        )
    if done.returncode == -getattr(signal, "SIGXCPU", 0):
        raise _too_slow(name, seconds)
    if done.returncode:
        raise UnreadableFileError(
            f"{name} is broken: its reader cannot make sense of it.", code="MA105"
        )
    with whole(name, "its reader gives no answer"):
        answer = _Answer(io.BytesIO(done.stdout)).load()
    if isinstance(answer, str):
        code, _, message = answer.partition(" ")
        raise UnreadableFileError(message, code=code)
    grids, found = answer
    return grids, found


def _too_slow(name: str, seconds: int) -> UnreadableFileError:
    message = f"{name} takes longer than {seconds} seconds to read ({PAGE})."
    return UnreadableFileError(message, code="MA107")


def _environment() -> dict[str, str]:
    """That of this process, with its modules, and without threads that reserve memory."""
    root = str(Path(__file__).parents[3])
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([root, *filter(None, sys.path)]),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
    }


class _Answer(pickle.Unpickler):
    """An answer of the process, in which only `_INERT` may stand."""

    def find_class(self, module: str, name: str) -> Any:
        """Return a type that is known to do nothing."""
        return _INERT[module, name]


# In the process ---------------------------------------------------------------------------


def _main(kind: str, name: str, seconds: int, memory: int) -> None:
    """Answer with the sheets and notes, or with code and message of a refusal."""
    stream = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    answer: Any
    try:
        _limit(seconds, memory)
        module, function = _READERS[kind]
        reader = getattr(importlib.import_module(f"metaalliance.sheet.read.{module}"), function)
        answer = reader(sys.stdin.buffer.read(), name)
    except UnreadableFileError as error:
        answer = f"{error.code} {error}"
    except MemoryError:
        os._exit(_FULL)
    pickle.dump(answer, stream, protocol=5)
    stream.close()


def _limit(seconds: int, memory: int) -> None:
    """Bound memory and time where the system can, and leave no image of a crash."""
    try:
        import resource
    except ImportError:
        return
    bounds = {resource.RLIMIT_AS: memory, resource.RLIMIT_CPU: seconds, resource.RLIMIT_CORE: 0}
    for kind, most in bounds.items():
        _, hard = resource.getrlimit(kind)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (bound, hard))


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
