"""What every command shares: streams, width, and errors with their exit codes."""

from __future__ import annotations

import errno
import math
import os
import re
import shutil
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from pathlib import Path
from time import monotonic
from typing import Any

import typer

from metaalliance.cli.colour import coloured
from metaalliance.cli.streams import (
    INTERRUPTED,
    OutputError,
    ReaderGoneError,
    concluding,
    was_interrupted,
)
from metaalliance.cli.streams import print_document as print_document  # noqa: PLC0414
from metaalliance.errors import (
    EstimationError,
    MetaAllianceError,
    OptionError,
    StudyDataError,
    UnreadableFileError,
)
from metaalliance.model import Model
from metaalliance.policy import Policy
from metaalliance.problems import Problem, error_document
from metaalliance.setting import settings_in

OK, DATA, USAGE, UNREADABLE, IMPOSSIBLE, INTERNAL = 0, 1, 2, 3, 4, 70

#: What says that there is no room, no leave or no such place to write.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS,
                  errno.ENAMETOOLONG, errno.EACCES, errno.EPERM, errno.ELOOP})  # fmt: skip
#: Seconds before a progress line is shown.
PATIENCE = 2.0
#: Seconds within which finished tasks of an earlier run follow one another.
AT_ONCE = 0.005

_EXIT_CODES: tuple[tuple[type[MetaAllianceError], int], ...] = (
    (StudyDataError, DATA),
    (OptionError, USAGE),
    (UnreadableFileError, UNREADABLE),
    (EstimationError, IMPOSSIBLE),
)


def guarded(
    command: str, work: Callable[[], int], *, json_output: bool = False, debug: bool = False
) -> None:
    """Run a command; turn an error into one sentence, or one JSON document, and an exit code."""
    note_settings(None, ())
    try:
        code = work()
    except (OutputError, ReaderGoneError, typer.Exit):
        raise
    except KeyboardInterrupt:
        code = INTERRUPTED
    except MetaAllianceError as error:
        if debug:
            raise
        problems = error.problems if isinstance(error, StudyDataError) else ()
        message = in_flags(str(error))
        code = next((c for kind, c in _EXIT_CODES if isinstance(error, kind)), IMPOSSIBLE)
        with concluding(code):
            _fail(command, error.code, message, problems, json_output=json_output)
    except Exception as error:
        if was_interrupted():  # a library made another error of it
            raise typer.Exit(INTERRUPTED) from None
        if debug:
            raise
        if full := _no_room(error):
            with concluding(UNREADABLE):
                _fail(command, "MA692", full, (), json_output=json_output)
            raise typer.Exit(UNREADABLE) from None
        message = (
            f"Internal error ({type(error).__name__}: {error}). This is a fault of metaalliance, "
            "not of the data; please report it with the output of --debug."
        )
        code = INTERNAL
        with concluding(code):
            _fail(command, "MA699", message, (), json_output=json_output)
    raise typer.Exit(code)


#: The configuration file of this run, with the settings that it alone has said.
_in_file: ContextVar[tuple[Path | None, frozenset[str]]] = ContextVar(
    "in_file", default=(None, frozenset())
)


def note_settings(path: Path | None, names: Iterable[str]) -> None:
    """Note which settings a configuration file has said, and no flag, for what goes wrong."""
    _in_file.set((path, frozenset(names)))


#: Settings as Python has them, ``test='t' or 'wald'``, and calls of Python that are a way out.
_NAMES = "|".join(s.name for kind in (Policy, Model) for s in settings_in(kind))
_SPOKEN = re.compile(
    rf"(?<![-\w(,.])({_NAMES})="
    r"""(None\b|\[[^\]]*\]|\([^)]*\)|'[^']*'|"[^"]*"|-?\d[\w.]*)((?:,? or '[^']*')?)"""
    "(?! is no option)"
)
_CALLS = re.compile(r" \(\w+\([^()]*\)\)")


def in_flags(message: str) -> str:
    """Return a message in which settings are those of the command line, or of its file.

    Examples
    --------
    >>> in_flags("A funnel cannot obey within=['sample', 'wave']: use test='t' or 'wald'.")
    'A funnel cannot obey --within sample --within wave: use --test t or wald.'
    """
    return _SPOKEN.sub(_flag, _CALLS.sub("", message))


def _flag(found: re.Match[str]) -> str:
    flag, value = f"--{found[1].replace('_', '-')}", found[2]
    path, names = _in_file.get()
    if found[1] in names:
        return f"{found[1]} = {value}{found[3]} ([pool] of {path})"
    if value == "None":
        return f"no {flag}"
    quoted = re.findall(r"""'([^']*)'|"([^"]*)\"""", value)
    values = ["".join(pair) for pair in quoted] or [value]
    return " ".join(f"{flag} {v}" for v in values) + found[3].replace("'", "")


def _no_room(error: Exception) -> str:
    """Say that a temporary file finds no room; blank for any other error."""
    code = error.errno if isinstance(error, OSError) else None
    if "No usable temporary directory" in str(error):
        return f"{error.strerror}. Nothing was saved."  # type: ignore[attr-defined]
    if type(error).__name__ == "SerialisationError":  # lxml, of the sheets of a workbook
        code = getattr(errno, str(error).removeprefix("IO_"), None)
    if code not in FULL:
        return ""
    place = getattr(error, "filename", None) or tempfile.tempdir or "The temporary folder"
    return f"{place} cannot be written ({os.strerror(code)}). Nothing was saved."


def _fail(
    command: str, code: str, message: str, problems: Sequence[Problem], *, json_output: bool
) -> None:
    if json_output:
        print_document(error_document(command, code, message, problems))
    else:
        print_error(f"{message} ({code})")


def terminal_width() -> int:
    """Columns of the terminal, between 40 and 120; 100 in a pipe without COLUMNS."""
    return max(40, min(120, shutil.get_terminal_size((100, 24)).columns))


def progress_line(stream: Any = None, unit: str = "sets of effects") -> Callable[[int, int], None]:
    """Return a callback that tells a terminal what is done of work that takes over two seconds."""
    out = stream or sys.stderr
    started = last = monotonic()
    known = 0  # done before this run: they come all at once

    def show(done: int, total: int) -> None:
        nonlocal last, known
        now = monotonic()
        if known == done - 1 and now - last < AT_ONCE:
            known = done
        last = now
        if not out.isatty() or now - started < PATIENCE:
            return
        left = (now - started) * (total - done) / (done - known) if done > known else math.nan
        end = "\r\x1b[K" if done == total else ""
        out.write(f"\r{_bar(done / total)} {done:,} of {total:,} {unit}{_left(left)}\x1b[K{end}")
        out.flush()

    return show


def _bar(share: float) -> str:
    """Draw a share as a bar, in characters that every terminal has."""
    full = int(20 * share)
    return f"[{'#' * full}{'-' * (20 - full)}]"


def _left(seconds: float) -> str:
    if not seconds > 2:  # or NaN
        return ""
    if seconds > 90:
        return f", about {seconds / 60:.0f} min left"
    return f", about {seconds:.0f} s left"


def print_result(lines: Iterable[str]) -> None:
    """Print results on stdout."""
    for line in lines:
        sys.stdout.write(f"{coloured(_harmless(line), sys.stdout)}\n")
    sys.stdout.flush()


def print_data(text: str) -> None:
    """Print a file on stdout, whole: in UTF-8, whatever the encoding, but on a terminal."""
    if not sys.stdout.isatty() and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.flush()
        sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write(_harmless(text))
    sys.stdout.flush()


def print_error(text: str) -> None:
    """Print anything else on stderr."""
    sys.stderr.write(f"{coloured(_harmless(text), sys.stderr)}\n")
    sys.stderr.flush()


def _harmless(text: str) -> str:
    """Drop control characters, which a file name or a cell could bring to a terminal."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc")
