"""What every command shares: streams, width, and errors with their exit codes."""

from __future__ import annotations

import math
import re
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import Any

import typer

from metaalliance.errors import (
    EstimationError,
    MetaAllianceError,
    OptionError,
    StudyDataError,
    UnreadableFileError,
)
from metaalliance.model import Model
from metaalliance.policy import Policy
from metaalliance.problems import Problem
from metaalliance.setting import settings_in

OK, DATA, USAGE, UNREADABLE, IMPOSSIBLE, INTERNAL, INTERRUPTED = 0, 1, 2, 3, 4, 70, 130

#: Seconds before a progress line is shown.
PATIENCE = 2.0

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
    try:
        code = work()
    except KeyboardInterrupt:
        print_error("Interrupted; no further file was written.")
        code = INTERRUPTED
    except MetaAllianceError as error:
        if debug:
            raise
        problems = error.problems if isinstance(error, StudyDataError) else ()
        message = in_flags(str(error))
        _fail(command, error.code, message, problems, json_output=json_output)
        code = next((c for kind, c in _EXIT_CODES if isinstance(error, kind)), IMPOSSIBLE)
    except (BrokenPipeError, typer.Exit):
        raise
    except Exception as error:
        if debug:
            raise
        message = (
            f"Internal error ({type(error).__name__}: {error}). This is a fault of metaalliance, "
            "not of the data; please report it with the output of --debug."
        )
        _fail(command, "MA699", message, (), json_output=json_output)
        code = INTERNAL
    raise typer.Exit(code)


#: Settings as Python has them, ``test='t' or 'wald'``, and calls of Python that are a way out.
_NAMES = "|".join(s.name for kind in (Policy, Model) for s in settings_in(kind))
_SPOKEN = re.compile(
    rf"(?<![-\w(,.])({_NAMES})="
    r"""(None\b|\[[^\]]*\]|\([^)]*\)|'[^']*'|"[^"]*"|-?\d[\w.]*)((?:,? or '[^']*')?)"""
    "(?! is no option)"
)
_CALLS = re.compile(r" \(\w+\([^()]*\)\)")


def in_flags(message: str) -> str:
    """Return a message in which settings are those of the command line.

    Examples
    --------
    >>> in_flags("A funnel cannot obey within=['sample', 'wave']: use test='t' or 'wald'.")
    'A funnel cannot obey --within sample --within wave: use --test t or wald.'
    """
    return _SPOKEN.sub(_flag, _CALLS.sub("", message))


def _flag(found: re.Match[str]) -> str:
    flag, value = f"--{found[1].replace('_', '-')}", found[2]
    if value == "None":
        return f"no {flag}"
    quoted = re.findall(r"""'([^']*)'|"([^"]*)\"""", value)
    values = ["".join(pair) for pair in quoted] or [value]
    return " ".join(f"{flag} {v}" for v in values) + found[3].replace("'", "")


def _fail(
    command: str, code: str, message: str, problems: Sequence[Problem], *, json_output: bool
) -> None:
    if json_output:
        from metaalliance.analysis.documents import error_document

        print_document(error_document(command, code, message, problems))
    else:
        print_error(f"{message} ({code})")


def terminal_width() -> int:
    """Columns of the terminal, between 40 and 120; 100 in a pipe without COLUMNS."""
    return max(40, min(120, shutil.get_terminal_size((100, 24)).columns))


def progress_line(stream: Any = None, unit: str = "sets of effects") -> Callable[[int, int], None]:
    """Return a callback that tells a terminal what is done of work that takes over two seconds."""
    out = stream or sys.stderr
    started = monotonic()

    def show(done: int, total: int) -> None:
        spent = monotonic() - started
        if not out.isatty() or spent < PATIENCE:
            return
        left = spent * (total - done) / done if done else math.nan
        time = f", about {left / 60:.0f} min left" if left > 90 else ""
        end = "\r\x1b[K" if done == total else ""
        out.write(f"\r{done:,} of {total:,} {unit}{time}\x1b[K{end}")
        out.flush()

    return show


def print_result(lines: Iterable[str]) -> None:
    """Print results on stdout."""
    for line in lines:
        sys.stdout.write(f"{_harmless(line)}\n")
    sys.stdout.flush()


def print_document(content: dict[str, object]) -> None:
    """Print one JSON document on stdout, in characters that every encoding has."""
    import json

    sys.stdout.write(json.dumps(content, allow_nan=False, indent=2) + "\n")
    sys.stdout.flush()


def print_error(text: str) -> None:
    """Print anything else on stderr."""
    sys.stderr.write(f"{_harmless(text)}\n")
    sys.stderr.flush()


def _harmless(text: str) -> str:
    """Drop control characters, which a file name or a cell could bring to a terminal."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc")
