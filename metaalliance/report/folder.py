"""The folder of results: one whole set of files, never over foreign or edited ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from metaalliance.analysis.record import intact
from metaalliance.errors import OptionError
from metaalliance.files import Spool, refuse_dead_link, write_set, write_whole, writing
from metaalliance.staging import digest_of, recover

RUN_FILE = "run.json"
#: Commands whose record is RUN_FILE; the record of another is run_<command>.json.
_MAIN = frozenset({"pool", "report"})
#: Ends of names of files, which no folder of results has.
_FILES = frozenset(
    {".xlsx", ".csv", ".json", ".pdf", ".png", ".svg", ".tiff", ".pptx", ".docx", ".html", ".md"}
)


class ResultsFolder:
    """A folder into which one run writes its files.

    Parameters
    ----------
    path : Path
        The folder; it is made when the first file is written.
    force : bool
        Whether files that this tool did not write, or that were changed since, may be replaced.
    command : str
        The command that writes; several commands share a folder, each with its own record.
    """

    def __init__(self, path: Path, *, force: bool = False, command: str = "pool") -> None:
        self.path = path
        self.record_name = record_name(command)
        self._command, self._force = command, force
        with writing(path):
            refuse_dead_link(path)
            recover(path, force=force)
        self._set = _Set.read(path / self.record_name, command)
        self._contents = Spool[str]()
        self.written: dict[str, str] = {}

    def check(self, names: Sequence[str], source: Path | None = None) -> None:
        """Refuse to replace foreign or changed files, before anything is computed or written.

        Parameters
        ----------
        names : sequence of str
            Files that the run will write.
        source : Path, optional
            The input, which is never replaced.

        Raises
        ------
        OptionError
            When a file of that name exists that the record of the last run does not list, or a
            file of the last run was changed since.
        """
        if self.path.exists() and not self.path.is_dir():
            raise OptionError(f"{self.path} is a file, not a folder.", code="MA691")
        if self.path.suffix.lower() in _FILES and not self.path.exists():
            raise OptionError(
                f"{self.path.name} is the name of a file, and a folder is written: name it without "
                f"{self.path.suffix}.",
                code="MA691",
            )
        for target in (self.path / n for n in names):
            if source is not None and source.exists() and _same(target, source):
                raise OptionError(
                    f"{source} is the input and would be replaced. Choose another folder with -o.",
                    code="MA691",
                )
        if not self._force:
            with writing(self.path):
                self._set.refuse(self.path, names)

    def write(self, name: str, content: bytes) -> None:
        """Add a file to the set, which `save` writes."""
        self._contents[name] = content
        self.written[name] = hashlib.sha256(content).hexdigest()

    def others(self) -> dict[str, dict[str, str]]:
        """Return files that other commands with this record wrote, by command, for the record."""
        found = {
            command: {
                name: digest
                for name, digest in files.items()
                if name not in self.written and (self.path / name).is_file()
            }
            for command, files in self._set.others.items()
        }
        return {command: files for command, files in found.items() if files}

    def save(self) -> None:
        """Write the set, and remove the other files of the last run, all or nothing.

        Files of another command that shares the record stay; see `others`.

        Raises
        ------
        UnreadableFileError
            When the folder cannot be written to; all is as it was then.
        OptionError
            When files were changed while the run computed.
        """
        stale = [n for n in self._set.stale if n not in self.written and self._is_file(n)]
        write_set(self.path, self._contents, stale, self._check_again)

    def _is_file(self, name: str) -> bool:
        return name != self.record_name and (self.path / name).is_file()

    def _check_again(self) -> None:
        """Refuse what was changed since the run began."""
        now = _Set.read(self.path / self.record_name, self._command)
        if now != self._set:
            raise OptionError(
                f"The record in {self.path} was changed while this run computed, as by another "
                "run. Run this one again.",
                code="MA691",
            )
        if not self._force:
            now.refuse(self.path, list(self._contents))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Set:
    """Files of a folder by the record of the last run, with their digests.

    Attributes
    ----------
    record : str
        Name of the record; blank where there is none of this tool.
    changed : bool
        Whether the record itself was edited.
    stale : dict of str to str
        Files of the command that writes.
    others : dict of str to dict
        Files of other commands with the same record.
    """

    record: str = ""
    changed: bool = False
    stale: dict[str, str]
    others: dict[str, dict[str, str]]

    @classmethod
    def read(cls, path: Path, command: str) -> _Set:
        """Read the record of a folder."""
        record = _record(path)
        lists = _lists(record)
        return cls(
            record=path.name if record else "",
            changed="seal" in record and not intact(record),
            stale=lists.pop(command, {}),
            others=lists,
        )

    def refuse(self, folder: Path, names: Sequence[str]) -> None:
        """Refuse to replace files that are foreign, or were changed since they were written."""
        listed = {n: d for files in (*self.others.values(), self.stale) for n, d in files.items()}
        own = {self.record, *listed} if self.record else set()
        standing = [n for n in names if digest_of(folder / n) is not None]
        foreign = sorted(n for n in standing if n not in own)
        if foreign:
            raise OptionError(
                f"{folder} already holds {', '.join(foreign)}, which this tool did not write. "
                "Choose another folder with -o, or use --force.",
                code="MA691",
            )
        at_stake = dict.fromkeys((*names, *self.stale))
        edited = [n for n in at_stake if n in listed and _is_edited(folder / n, listed[n])]
        edited += [self.record] if self.changed else []
        if edited:
            raise OptionError(
                f"{folder} holds {', '.join(sorted(edited))}, changed since this tool wrote "
                f"{'it' if len(edited) == 1 else 'them'}. Choose another folder with -o, or use "
                "--force, which replaces or removes the files of the last run.",
                code="MA691",
            )


def _is_edited(path: Path, digest: str) -> bool:
    return digest_of(path) not in {None, digest}


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
    write_whole({path: content})


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
