"""Finished tasks of a long run, kept in a folder from which a later run takes them up."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from metaalliance import __version__
from metaalliance.notices import announce
from metaalliance.problems import Problem, notice

Tell = Callable[[Problem], None]


class Kept:
    """A folder of finished tasks, one file for each job of a run: each fit that has many tasks.

    A file has a line for each task, in JSON, below a head with the digest of all that the results
    depend on: the data, the settings, the seed, the number of tasks, and the version. What has
    another digest is never used.

    Parameters
    ----------
    path : Path
        The folder; it is made with the first finished task.
    name : str
        How the files begin; those of another name are of other runs.
    rules : int or str
        Version of the rules of whoever asks, for the digest.
    tell : callable, optional
        Takes what a user has to know, as a `Problem`; by default warnings become Python warnings.
    """

    def __init__(
        self,
        path: Path,
        *,
        name: str = "tasks",
        rules: int | str = "",
        tell: Tell | None = None,
    ) -> None:
        self.path, self._name = Path(path), name
        self._rules = str(rules)
        self._tell: Tell = tell or (lambda found: announce([found]))
        self._own: set[Path] = set()
        self._told = False

    def job(self, key: str, tasks: int) -> Job:
        """Open the file of a job, and take up what it holds.

        Parameters
        ----------
        key : str
            Digest of its data and settings.
        tasks : int
            Number of its tasks.
        """
        head = {"name": self._name, "key": key, "tasks": tasks, "version": __version__,
                "rules": self._rules}  # fmt: skip
        digest = hashlib.sha256(json.dumps(head).encode()).hexdigest()[:16]
        path = self.path / f"{self._name}-{digest}.jsonl"
        self._own.add(path)
        opened = Job(path, head)
        if opened.done:
            self._tell(
                notice(
                    "MA703",
                    f"{len(opened.done):,} of {tasks:,} tasks are taken up from {path}.",
                    severity="note",
                )
            )
        reason = opened.unusable or self._others()
        if reason and not self._told:
            self._told = True
            self._tell(notice("MA701", f"{reason} It is not used: its tasks are computed anew."))
        return opened

    def _others(self) -> str:
        """Say that files of another run are there."""
        found = self._files() - self._own
        if not found:
            return ""
        return (
            f"{min(found)} holds finished tasks of another run: of other data, other settings or "
            "another version of metaalliance."
        )

    def _files(self) -> set[Path]:
        return set(self.path.glob(f"{self._name}-*.jsonl"))

    def remove(self) -> bool:
        """Remove the files of every job, and the folder where nothing else is in it.

        Returns
        -------
        bool
            Whether there was anything.
        """
        if not self.path.is_dir():
            return False
        for path in self._files():
            path.unlink()
        if not any(self.path.iterdir()):
            shutil.rmtree(self.path)
        return True


class Job:
    """The file of one job.

    Parameters
    ----------
    path : Path
        The file.
    head : mapping
        What its first line has to be.

    Attributes
    ----------
    done : dict of int to object
        Results by the number of the task, as JSON has them.
    unusable : str
        Why the file that stands there cannot be used; blank where it can, or there is none.
    """

    def __init__(self, path: Path, head: Mapping[str, Any]) -> None:
        self.done: dict[int, Any] = {}
        self.unusable = ""
        self._path, self._head = path, dict(head)
        self._file: TextIOWrapper | None = None
        try:
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        except FileNotFoundError:
            lines = []
        except (OSError, ValueError) as error:
            lines, self.unusable = [], f"{path} cannot be read ({error})."
        self._read(lines)

    def _read(self, lines: list[str]) -> None:
        """Read finished tasks; a last line without its end is a task that was not finished."""
        whole = [line for line in lines if line.endswith("\n")]
        if not whole:
            return
        try:
            if json.loads(whole[0]) != self._head:
                raise ValueError("its head is another")
            for line in whole[1:]:
                number, digest, text = line.rstrip("\n").split("\t")
                if _digest(text) != digest or not 0 <= int(number) < self._head["tasks"]:
                    raise ValueError(f"task {number} was changed")
                self.done[int(number)] = json.loads(text)
        except ValueError as error:
            self.done = {}
            self.unusable = f"{self._path} is damaged ({error})."

    def add(self, number: int, result: Any) -> None:
        """Keep the result of a task, at once."""
        if self._file is None:
            self._file = self._begin()
        text = json.dumps(result, default=lambda x: x.tolist())  # arrays and scalars of numpy
        self._file.write(f"{number}\t{_digest(text)}\t{text}\n")
        self._file.flush()

    def _begin(self) -> TextIOWrapper:
        """Write the head and what is done already, without what stood behind it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        done, self.done = self.done, {}
        partial = self._path.with_suffix(".part")
        self._file = partial.open("w", encoding="utf-8")
        self._file.write(f"{json.dumps(self._head)}\n")
        for number, result in done.items():
            self.add(number, result)
        self._file.close()
        partial.replace(self._path)
        return self._path.open("a", encoding="utf-8")

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
