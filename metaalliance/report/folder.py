"""The folder of results: written whole or not at all, never over foreign files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from metaalliance.errors import OptionError
from metaalliance.files import write_whole

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
        lists = _lists(record)
        self._stale = lists.pop(command, {})
        self._others = lists
        names = [name for files in lists.values() for name in files]
        self._own = {self.record_name, *self._stale, *names} if record else set()
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

    def others(self) -> dict[str, dict[str, str]]:
        """Return files that other commands with this record wrote, by command, for the record."""
        found = {
            command: {
                name: digest
                for name, digest in files.items()
                if name not in self.written and (self.path / name).is_file()
            }
            for command, files in self._others.items()
        }
        return {command: files for command, files in found.items() if files}

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


def write_file(
    path: Path, content: bytes, *, force: bool = False, source: Path | None = None
) -> None:
    """Write one file that a command was asked for; see `check_file`."""
    check_file(path, force=force, source=source)
    write_whole(path, content)


def check_file(path: Path, *, force: bool = False, source: Path | None = None) -> None:
    """Refuse to replace a file except by force, and the input even then.

    Raises
    ------
    OptionError
        When the file exists, or is the `source`.
    """
    if source is not None and source.exists() and _same(path, source):
        raise OptionError(
            f"{path} is the input, which is never replaced. Choose another name with -o.",
            code="MA691",
        )
    if path.exists() and not force:
        raise OptionError(
            f"{path} exists already. Choose another name with -o, or use --force.", code="MA691"
        )


def _record(record_file: Path) -> dict[str, Any]:
    """Return the record of an earlier run of this tool; empty when there is none."""
    try:
        record = json.loads(record_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) and record.get("tool") == "metaalliance" else {}


def _lists(record: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Names and digests of the files of a record by command, all inside its folder."""
    others = record.get("others")
    lists = {**others} if isinstance(others, dict) else {}
    lists[str(record.get("command", ""))] = record.get("files")
    return {str(command): _plain(files) for command, files in lists.items()}


def _plain(files: Any) -> dict[str, str]:
    listed = files if isinstance(files, dict) else {}
    return {str(k): str(v) for k, v in listed.items() if _inside(str(k))}


def _inside(name: str) -> bool:
    """Whether a name is a plain path below the folder."""
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts and "\\" not in name
