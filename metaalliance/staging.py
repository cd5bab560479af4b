"""Files that come into a folder together: all of a set or none, whatever ends the process.

A set is written into a staging folder within the target, which makes it of one file system with
it. Then a journal is written, the files of the former set are moved out, and the new ones in. At no
moment do both stand there; what is killed in between is completed by the next run, which takes the
lock of the staging folder for the sign that its owner lives.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from metaalliance.errors import OptionError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

#: How the names of staging folders begin: they are of this tool, and of no other.
PREFIX = ".metaalliance-part-"
_LOCK, _JOURNAL, _NEW, _OLD = "lock", "journal.json", "new", "old"


def digest_of(path: Path) -> str | None:
    """Return the SHA-256 of a file; None where there is none, blank for what is no plain file."""
    if path.is_symlink() or path.is_dir():
        return ""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return None


@contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """Make a staging folder in a folder, and remove it in the end.

    It stays where a set could be moved neither in nor back: the next run completes it.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stage, lock = _begun(folder)
        try:
            yield stage
        finally:
            lock.close()
            if not (stage / _JOURNAL).exists():
                _clear(stage)
    finally:
        for path in made:  # of a run that wrote nothing
            with suppress(OSError):
                path.rmdir()


def stage_file(stage: Path, name: str, content: bytes) -> None:
    """Write a file of the set into its staging folder, down to the disk."""
    path = stage / _NEW / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def swap(stage: Path, names: Sequence[str], removed: Sequence[str]) -> None:
    """Move the files of a set into the folder, in their order, and those of the former set out.

    Parameters
    ----------
    names : sequence of str
        Files that were staged.
    removed : sequence of str
        Further files of the former set.

    Raises
    ------
    OSError
        When a file cannot be moved; all is as it was then.
    """
    former = {name: digest_of(stage.parent / name) for name in (*names, *removed)}
    journal = {"new": list(names), "old": {n: d for n, d in former.items() if d is not None}}
    written = stage / f"{_JOURNAL}.part"
    written.write_text(json.dumps(journal), encoding="utf-8")
    try:
        written.replace(stage / _JOURNAL)
        _move(stage, journal)
    except BaseException:
        _move_back(stage, journal)
        (stage / _JOURNAL).unlink(missing_ok=True)
        raise
    (stage / _JOURNAL).unlink()


def recover(folder: Path, *, force: bool | None = None) -> None:
    """Complete the sets that killed runs were moving into a folder, and remove their leftovers.

    Parameters
    ----------
    force : bool or None
        Whether a set is completed over files that were changed since; None leaves such a set as
        it is.

    Raises
    ------
    OptionError
        When files of such a set were changed since, and `force` is False.
    OSError
        When a file cannot be moved.
    """
    for stage in sorted(folder.glob(f"{PREFIX}*")):
        with suppress(OSError):
            stage.rmdir()  # killed before its lock was there
            continue
        with _locked(stage / _LOCK) as dead:
            if not dead:
                continue
            if (stage / _JOURNAL).exists():
                journal = json.loads((stage / _JOURNAL).read_text(encoding="utf-8"))
                changed = _changed(stage, journal)
                if changed and force is None:
                    continue
                if changed and not force:
                    raise _incomplete(folder, changed)
                _move(stage, journal)
                (stage / _JOURNAL).unlink()
        _clear(stage)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let one run at a time move files into a folder, where the system can lock folders."""
    if sys.platform == "win32":
        yield
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)


def _clear(stage: Path) -> None:
    """Remove a staging folder, its lock last: a folder without one is not of this tool."""
    with suppress(OSError):
        for path in stage.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != _LOCK:
                path.unlink(missing_ok=True)
        (stage / _LOCK).unlink(missing_ok=True)
        stage.rmdir()


def _begun(folder: Path) -> tuple[Path, IO[bytes]]:
    """Return a staging folder with its lock; again where another run took it for a dead one."""
    while True:
        stage = Path(tempfile.mkdtemp(prefix=PREFIX, dir=folder))
        lock: IO[bytes] | None = None
        try:
            lock = (stage / _LOCK).open("xb")
            if _lock(lock) is not False and stage.exists():
                return stage, lock
            lock.close()
        except BaseException as error:
            if lock is not None:
                lock.close()
            _clear(stage)
            if not isinstance(error, FileNotFoundError):
                raise


def _lock(stream: IO[bytes]) -> bool | None:
    """Lock a file: whether it is ours now, or None where the file system has no locks."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return None
    return True


@contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Say whether a lock has no living owner, and hold it."""
    try:
        stream = path.open("r+b")
    except OSError:  # no staging folder, or that of another user
        yield False
        return
    with stream:
        yield _lock(stream) is not False


def _move(stage: Path, journal: Mapping[str, Any]) -> None:
    """Move the former files out, then the new ones in; what is moved already stays."""
    folder, new, old = stage.parent, stage / _NEW, stage / _OLD
    for name in _standing(stage, journal):
        (old / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).replace(old / name)
    for name in journal["new"]:
        if (new / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).replace(folder / name)


def _standing(stage: Path, journal: Mapping[str, Any]) -> list[str]:
    """Return the former files that still stand in the folder."""
    waiting = [n for n in journal["new"] if (stage / _NEW / n).exists()]
    names = [*waiting, *(n for n in journal["old"] if n not in journal["new"])]
    return [n for n in names if digest_of(stage.parent / n) is not None]


def _changed(stage: Path, journal: Mapping[str, Any]) -> list[str]:
    """Return the files in the way of a set that are not those of the former one."""
    names = _standing(stage, journal)
    return [n for n in names if digest_of(stage.parent / n) != journal["old"].get(n)]


def _incomplete(folder: Path, changed: Sequence[str]) -> OptionError:
    return OptionError(
        f"{folder} was left incomplete by a run that was killed, and {', '.join(changed)} "
        f"{'was' if len(changed) == 1 else 'were'} changed since. Keep a copy elsewhere, then use "
        "--force, which completes that set.",
        code="MA691",
    )


def _move_back(stage: Path, journal: Mapping[str, Any]) -> None:
    """Undo what `_move` has done."""
    folder = stage.parent
    for name in journal["new"]:
        if not (stage / _NEW / name).exists():
            (folder / name).replace(stage / _NEW / name)
    for name in journal["old"]:
        if digest_of(stage / _OLD / name) is not None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (stage / _OLD / name).replace(folder / name)
