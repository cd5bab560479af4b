"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Hashable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from weakref import finalize

from metaalliance.errors import UnreadableFileError
from metaalliance.staging import alone, recover, stage_file, staging, swap

_Key = TypeVar("_Key", bound=Hashable)

#: Bytes that a `Spool` keeps in memory.
_IN_MEMORY = 2**24


class Spool(MutableMapping[_Key, bytes]):
    """Contents of files by name, of which many wait on the disk until they are written."""

    def __init__(self) -> None:
        self._stream = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 (closed below)
        finalize(self, self._stream.close)
        self._places: dict[_Key, tuple[int, int]] = {}

    def __setitem__(self, key: _Key, content: bytes) -> None:
        place = self._stream.seek(0, os.SEEK_END)
        self._stream.write(content)
        self._places[key] = (place, len(content))

    def __getitem__(self, key: _Key) -> bytes:
        place, length = self._places[key]
        self._stream.seek(place)
        return self._stream.read(length)

    def __delitem__(self, key: _Key) -> None:
        del self._places[key]

    def __iter__(self) -> Iterator[_Key]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


#: Where a process finds what it was given open: ``<(...)`` of a shell, and standard input.
_GIVEN = ("/dev/fd/", "/proc/self/fd/")


def may_wait(path: Path) -> bool:
    """Whether opening a path may wait for ever: a named pipe, a socket or a device.

    What the process was given open, as ``/dev/stdin`` or by ``<(...)``, has its writer already.
    """
    if str(path) == "/dev/stdin" or str(path).startswith(_GIVEN):
        return False
    return path.exists() and not path.is_file() and not path.is_dir()


def write_whole(files: Mapping[Path, bytes]) -> None:
    """Write files, those of each folder as one set.

    Raises
    ------
    UnreadableFileError
        When a file cannot be written; no file of its folder is then.
    """
    folders: dict[Path, dict[str, bytes]] = {}
    for path, content in files.items():
        folders.setdefault(path.parent, {})[path.name] = content
    for folder, contents in folders.items():
        write_set(folder, contents)


def write_set(
    folder: Path,
    contents: Mapping[str, bytes],
    removed: Sequence[str] = (),
    check: Callable[[], None] = lambda: None,
) -> None:
    """Write a set of files into a folder, all or none.

    Parameters
    ----------
    folder : Path
        It is made where there is none.
    contents : mapping of str to bytes
        By name below the folder, in the order in which they come into place.
    removed : sequence of str
        Files that the set replaces beside those of its own names.
    check : callable
        Raises where files may not be replaced; called when no other run can write any more.

    Raises
    ------
    UnreadableFileError
        When a file cannot be written; all is as it was then.
    """
    with writing(folder):
        refuse_dead_link(folder)
        recover(folder)
        for name in contents:
            _refuse_other(folder / name)
        with staging(folder) as stage:
            for name, content in contents.items():
                with writing(folder / name):
                    stage_file(stage, name, content)
            with alone(folder):
                check()
                swap(stage, list(contents), removed)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say in a sentence what cannot be written.

    Raises
    ------
    UnreadableFileError
        In place of an error of the system.
    """
    try:
        yield
    except OSError as error:
        raise UnreadableFileError(
            f"{path} cannot be written ({error.strerror}). Choose another place with -o.",
            code="MA692",
        ) from None


def refuse_dead_link(folder: Path) -> None:
    """Refuse a folder that is, or lies below, a link to what is not there.

    Raises
    ------
    UnreadableFileError
        Naming the link.
    """
    for path in (folder, *folder.parents):
        if path.is_symlink() and not path.exists():
            raise UnreadableFileError(
                f"{folder} cannot be written: the link {path} leads nowhere. Choose another place "
                "with -o.",
                code="MA692",
            )


def _refuse_other(path: Path) -> None:
    """Refuse to put a file in the place of what is none."""
    if path.exists() and not path.is_file():
        raise UnreadableFileError(f"{path} is no file, and is not replaced.", code="MA692")
