"""Standard output, standard error and Ctrl-C of a process: closed, full, left by their reader."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from types import FrameType
from typing import Any, TextIO

from metaalliance.errors import UnreadableFileError
from metaalliance.wording.plain import PLAIN

#: Exit code.
INTERRUPTED = 130
#: What Windows says where a pipe has lost its reader, beside what others say.
_GONE = {errno.EPIPE, errno.EINVAL} if sys.platform == "win32" else {errno.EPIPE}


class ReaderGoneError(Exception):
    """The reader of a pipe has gone: there is nobody to print for, and nothing to tell.

    Attributes
    ----------
    code : int
        The exit code: that of the command where it was known before it was printed.
    """

    code = 0


class OutputError(UnreadableFileError):
    """Standard output is closed, or cannot be written."""

    default_code = "MA692"


class Output:
    """Standard output that says in a sentence why it cannot be written.

    Parameters
    ----------
    stream : TextIO or None
        The stream; None where it is closed.

    Attributes
    ----------
    begun : bool
        Whether anything was to be written.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = _nowhere() if stream is None else stream
        self._fault: Exception | None = None if stream else self._closed("it is closed")
        self.begun = False

    def write(self, text: str) -> int:
        """Write a text."""
        self.begun = self.begun or bool(text)
        if text and self._fault:  # again, where a library has swallowed it
            raise self._fault
        self._try(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Write what waits."""
        self._try(self._stream.flush)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _try(self, act: Callable[[], Any]) -> None:
        try:
            act()
        except OSError as error:
            reason = self._closed(error.strerror or str(error))
            self._fault = ReaderGoneError() if error.errno in _GONE else reason
            _discard(self._stream)
            raise self._fault from None

    @staticmethod
    def _closed(reason: str) -> OutputError:
        return OutputError(
            f"Standard output cannot be written ({reason}). What goes into files was saved before "
            "anything is printed."
        )


class Messages(Output):
    """Standard error, whose loss changes nothing: neither results nor exit code."""

    def write(self, text: str) -> int:
        """Write a text, where it can be read."""
        with suppress(OutputError, ReaderGoneError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        """Write what waits, where it can be read."""
        with suppress(OutputError, ReaderGoneError):
            super().flush()


class _Interruption:
    """Ctrl-C: asked for, or held back while a document is printed."""

    def __init__(self) -> None:
        self.asked = False
        self.held = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        again, self.asked = self.asked, True
        if again or not self.held:
            raise KeyboardInterrupt


_interruption = _Interruption()


def prepare() -> None:
    """Take over the streams and Ctrl-C of this process."""
    for number in range(3):  # a file that is opened later must not become a standard stream
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout, sys.stderr = Output(sys.stdout), Messages(sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=PLAIN)
    sys.unraisablehook = lambda _: None  # what fails while it is cleared away has no reader
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored
        signal.signal(signal.SIGINT, _interruption)


def was_interrupted() -> bool:
    """Whether Ctrl-C was pressed; libraries turn its exception into others."""
    return _interruption.asked


@contextmanager
def held() -> Iterator[None]:
    """Hold Ctrl-C back until a document is whole; a second one goes through."""
    _interruption.held, before = True, _interruption.asked
    try:
        yield
    finally:
        _interruption.held = False
    if _interruption.asked and not before:
        raise KeyboardInterrupt


@contextmanager
def concluding(code: int) -> Iterator[None]:
    """Print what a command has found, whose exit code holds where the reader goes away."""
    try:
        yield
    except ReaderGoneError as gone:
        gone.code = code
        raise


def print_document(content: Mapping[str, object]) -> None:
    """Print one JSON document on stdout, in characters that every encoding has."""
    import json

    text = json.dumps(content, allow_nan=False, indent=2)
    with held():
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def asks_json(words: Sequence[str]) -> bool:
    """Whether a command line asks for one JSON document."""
    formats = [b for a, b in pairwise(words) if a == "--output-format"]
    return "--json" in words or "json" in formats or "--output-format=json" in words


def interrupted(words: Sequence[str]) -> int:
    """Say that Ctrl-C was pressed, and return the exit code.

    Parameters
    ----------
    words : sequence of str
        The command line.
    """
    from metaalliance.problems import error_document

    end()
    exec(
        ""
    )  # Python forgets that an `exec` was interrupted, which would take the exit code's place
    message = "Interrupted; no further file was written."
    sys.stderr.write(f"{message} (MA693)\n")
    sys.stderr.flush()
    if asks_json(words) and not getattr(sys.stdout, "begun", False):
        command = next((w for w in words if not w.startswith("-")), "")
        with suppress(OutputError, ReaderGoneError):  # Ctrl-C has ended the reader too
            print_document(error_document(command, "MA693", message))
    return INTERRUPTED


def end() -> None:
    """Let nothing disturb the end of the process any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123


def _discard(stream: TextIO) -> None:
    """Send what still waits in a stream nowhere, so that closing it does not fail again."""
    try:
        number = os.open(os.devnull, os.O_WRONLY)
        os.dup2(number, stream.fileno())
        os.close(number)
    except (OSError, ValueError):  # no file behind it
        pass
