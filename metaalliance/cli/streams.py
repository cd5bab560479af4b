"""Standard streams of a process, closed, full or left by their reader, and what interrupts it."""

from __future__ import annotations

import errno
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from types import FrameType
from typing import Any, TextIO

from metaalliance.errors import UnreadableFileError
from metaalliance.wording.plain import PLAIN

#: Exit code of Ctrl-C; it stands for any signal that interrupts until the process ends.
INTERRUPTED = 130
#: Signals that end a run as Ctrl-C does, where the platform has them; what each is by default.
SIGNALS = {
    getattr(signal, name): default
    for name, default in (
        ("SIGINT", signal.default_int_handler), ("SIGTERM", signal.SIG_DFL),
        ("SIGHUP", signal.SIG_DFL),
    )
    if hasattr(signal, name)
}  # fmt: skip
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
    """Ctrl-C and its like: asked for, or held back while a document is printed."""

    def __init__(self) -> None:
        self.asked = False
        self.held = False
        self.number: int = signal.SIGINT

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        again, self.asked = self.asked, True
        self.number = self.number if again else number
        if again or not self.held:
            warnings.simplefilter("ignore")  # of what is left undone
            _end_workers()
            raise KeyboardInterrupt


def _end_workers() -> None:
    """End the processes of `--jobs`: one that starts without this process tells it on stdout."""
    if "multiprocessing" in sys.modules:
        for worker in sys.modules["multiprocessing"].active_children():
            with suppress(OSError):
                os.kill(worker.pid, getattr(signal, "SIGKILL", signal.SIGTERM))


_interruption = _Interruption()


def prepare() -> None:
    """Take over the streams and the signals of this process."""
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
    for number, default in SIGNALS.items():
        if signal.getsignal(number) is default:  # else it is ignored, as by nohup
            signal.signal(number, _interruption)


def was_interrupted() -> bool:
    """Whether the run was interrupted; libraries turn its exception into others."""
    return _interruption.asked


@contextmanager
def held() -> Iterator[None]:
    """Hold what interrupts back until a document is whole; a second time it goes through."""
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
    """Say that the run was interrupted, and return the exit code: 128 and the number of the signal.

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
    number = _interruption.number
    by = "" if number == signal.SIGINT else f" by {signal.Signals(number).name}"
    message = f"Interrupted{by}; no further file was written."
    sys.stderr.write(f"{message} (MA693)\n")
    sys.stderr.flush()
    if asks_json(words) and not getattr(sys.stdout, "begun", False):
        command = next((w for w in words if not w.startswith("-")), "")
        with suppress(OutputError, ReaderGoneError):  # Ctrl-C has ended the reader too
            print_document(error_document(command, "MA693", message))
    return 128 + number


def end() -> None:
    """Let nothing disturb the end of the process any more."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


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
