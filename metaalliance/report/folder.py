"""The folder of results: written whole or not at all, never over foreign files."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from metaalliance.errors import OptionError, UnreadableFileError

RUN_FILE = "run.json"
#: Commands whose record is RUN_FILE; the record of another is run_<command>.json.
_MAIN = frozenset({"pool", "report"})


class ResultsFolder:
    """A folder into which one run writes its files.

    Parameters
    ----------
    path : Path
        The folder; it is made when the first file is written.
    force : bool
        Whether files that this tool did not write may be replaced.
    command : str
        The command that writes; several commands share a folder, each with its own record.
    """

    def __init__(self, path: Path, *, force: bool = False, command: str = "pool") -> None:
        self.path = path
        self.record_name = record_name(command)
        self._force = force
        record = _record(path / self.record_name)
        files, others = _listed(record, "files"), _listed(record, "others")
        self._stale = files if record.get("command") == command else {}
        self._others = others if self._stale else {**others, **files}
        self._own = {self.record_name, *files, *others} if record else set()
        self._input: Path | None = None
        self.written: dict[str, str] = {}

    def check(self, names: Sequence[str], source: Path | None = None) -> None:
        """Refuse to replace foreign files, before anything is computed or written.

        Parameters
        ----------
        names : sequence of str
            Files that the run will write.
        source : Path, optional
            The input, which is never replaced.

        Raises
        ------
        OptionError
            When a file of that name exists that the record of the last run does not list.
        """
        if self.path.exists() and not self.path.is_dir():
            raise OptionError(f"{self.path} is a file, not a folder.", code="MA691")
        for target in (self.path / n for n in names):
            if source is not None and source.exists() and _same(target, source):
                raise OptionError(
                    f"{source} is the input and would be replaced. Choose another folder with -o.",
                    code="MA691",
                )
        foreign = [n for n in names if (self.path / n).exists() and n not in self._own]
        if foreign and not self._force:
            raise OptionError(
                f"{self.path} already holds {', '.join(sorted(foreign))}, which this tool did not "
                "write. Choose another folder with -o, or use --force.",
                code="MA691",
            )

    def write(self, name: str, content: bytes) -> None:
        """Write one file through a temporary one.

        Raises
        ------
        UnreadableFileError
            When the folder cannot be written to.
        """
        write_whole(self.path / name, content)
        self.written[name] = hashlib.sha256(content).hexdigest()

    def others(self) -> dict[str, str]:
        """Return files of the folder that another command wrote, for the record of this one."""
        kept = {n: d for n, d in self._others.items() if n not in self.written}
        return {n: d for n, d in kept.items() if (self.path / n).is_file()}

    def remove_stale(self) -> None:
        """Remove files of the last run that this run did not write and nobody has changed.

        Files of another command that shares the record stay; see `others`.
        """
        for name, digest in self._stale.items():
            path = self.path / name
            if name in self.written or name == self.record_name or not path.is_file():
                continue
            if hashlib.sha256(path.read_bytes()).hexdigest() == digest:
                path.unlink(missing_ok=True)


def record_name(command: str) -> str:
    """Name of the record that a command leaves in its folder of results."""
    return RUN_FILE if command in _MAIN else f"run_{command}.json"


def _same(target: Path, source: Path) -> bool:
    return target.exists() and target.samefile(source)


def write_file(path: Path, content: bytes, *, force: bool = False) -> None:
    """Write one file that a command was asked for; an existing one only by force.

    Raises
    ------
    OptionError
        When the file exists.
    """
    if path.exists() and not force:
        raise OptionError(
            f"{path} exists already. Choose another name with -o, or use --force.", code="MA691"
        )
    write_whole(path, content)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file through a temporary one beside it, so that it is whole or not there.

    Raises
    ------
    UnreadableFileError
        When the folder cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UnreadableFileError(
            f"{path} cannot be written ({error.strerror}). Choose another place with -o.",
            code="MA692",
        ) from None


def _record(record_file: Path) -> dict[str, Any]:
    """Return the record of an earlier run of this tool; empty when there is none."""
    try:
        record = json.loads(record_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) and record.get("tool") == "metaalliance" else {}


def _listed(record: dict[str, Any], key: str) -> dict[str, str]:
    """Names and digests of files under a key of a record, all inside its folder."""
    files = record.get(key)
    listed = files if isinstance(files, dict) else {}
    return {str(k): str(v) for k, v in listed.items() if _inside(str(k))}


def _inside(name: str) -> bool:
    """Whether a name is a plain path below the folder."""
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts and "\\" not in name
