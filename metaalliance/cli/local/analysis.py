"""One analysis at a time for the local page, by the commands `validate` and `report` themselves.

Each runs in a process of its own: what the page shows is what the command line prints and writes,
figures are not drawn in a thread, and an analysis can be stopped.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unicodedata
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from metaalliance.cli.register import COMMANDS

Stage = Literal["idle", "receiving", "checking", "analysing", "done"]

#: Longest time that an analysis may take, in seconds.
LONGEST = 3600.0
#: Most characters of an upload's name that are kept.
_LONGEST_NAME = 100
_FORBIDDEN = frozenset('<>:"/\\|?*')


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What the page shows.

    Attributes
    ----------
    stage : {"idle", "receiving", "checking", "analysing", "done"}
        Where the analysis stands.
    file : str
        Name of the workbook.
    began : float
        When its analysis began, in seconds of the monotonic clock.
    problems : list of dict
        Problems of the sheet, as `validate --json` lists them.
    message : str
        Why there is no result, in a sentence; empty when there is one.
    summary : tuple of str
        Title and paragraphs of the result, as `report` prints them.
    files : dict of str to Path
        What can be downloaded, by the name in the address.
    """

    stage: Stage = "idle"
    file: str = ""
    began: float = 0.0
    problems: list[dict[str, Any]] = field(default_factory=list)
    message: str = ""
    summary: tuple[str, ...] = ()
    files: dict[str, Path] = field(default_factory=dict)

    @property
    def busy(self) -> bool:
        """Whether another workbook has to wait."""
        return self.stage in {"receiving", "checking", "analysing"}


class LocalAnalysis:
    """Analyses of uploaded workbooks in a temporary folder.

    Parameters
    ----------
    root : Path
        The temporary folder; each workbook has a folder of its own below it.
    config : Path or None
        The configuration that every analysis follows.
    settings : mapping, optional
        Settings by name that go over those of the configuration; None where not given.
    """

    def __init__(
        self, root: Path, config: Path | None = None, settings: Mapping[str, Any] | None = None
    ) -> None:
        self._root = root
        self._config = config
        self._settings = settings or {}
        self._lock = threading.Lock()
        self._progress = Progress()
        self._process: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    @property
    def progress(self) -> Progress:
        """Where the analysis stands now."""
        with self._lock:
            return self._progress

    def begin(self, name: str) -> Path | None:
        """Make room for a workbook and return its path; None while another is being analysed."""
        with self._lock:
            if self._progress.busy or self._closed:
                return None
            clean = safe_name(name)
            self._progress = Progress(stage="receiving", file=clean, began=time.monotonic())
        for old in self._root.glob("sheet_*"):
            shutil.rmtree(old, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix="sheet_", dir=self._root)) / clean

    def abandon(self) -> None:
        """Forget a workbook whose upload failed."""
        self._set(Progress())

    def start(self, workbook: Path, nonsignificant: str) -> None:
        """Analyse a workbook in the background."""
        self._thread = threading.Thread(
            target=self._run, args=(workbook, nonsignificant), daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop what is running; nothing is begun any more."""
        with self._lock:
            self._closed = True
            process = self._process
        if process is not None:
            _kill(process)
        if self._thread is not None:
            self._thread.join(timeout=20)

    def _set(self, progress: Progress) -> None:
        with self._lock:
            self._progress = progress

    def _run(self, workbook: Path, nonsignificant: str) -> None:
        found = replace(self.progress, stage="checking")
        self._set(found)
        try:
            found = self._validated(found, workbook, nonsignificant)
            if not found.message:
                self._set(replace(found, stage="analysing"))
                found = self._reported(found, workbook, nonsignificant)
        except (OSError, ValueError) as error:
            found = replace(found, message=f"The analysis failed: {error}.")
        self._set(replace(found, stage="done"))

    def _validated(self, found: Progress, workbook: Path, nonsignificant: str) -> Progress:
        """Check the sheet; a message says why it cannot be analysed."""
        checked = workbook.parent / "checked.xlsx"
        code, printed, errors = self._command(
            "validate", workbook, nonsignificant, "--json", "--annotate", str(checked)
        )
        document = json.loads(printed) if printed.strip() else {}
        if "error" in document:
            return replace(found, message=f"{document['error']['message']}")
        if not document:
            return replace(found, message=_last(errors) or f"The check ended with code {code}.")
        problems = document["problems"]
        count = sum(p["severity"] == "error" for p in problems)
        plural = "" if count == 1 else "s"
        message = (
            f"{count} error{plural} in {found.file}. Nothing was analysed. Correct these cells, "
            "or set include = no with a reason."
            if count
            else ""
        )
        files = {"checked.xlsx": checked} if checked.is_file() else {}
        return replace(found, problems=problems, message=message, files=files)

    def _reported(self, found: Progress, workbook: Path, nonsignificant: str) -> Progress:
        """Write the report and pack its folder."""
        folder = workbook.parent / f"{workbook.stem}_results"
        code, printed, errors = self._command(
            "report", workbook, nonsignificant, "--quiet", "-o", str(folder)
        )
        if code:
            return replace(found, message=_last(errors) or f"The report ended with code {code}.")
        packed = workbook.parent / "results.zip"
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(p for p in folder.rglob("*") if p.is_file()):
                archive.write(path, f"{folder.name}/{path.relative_to(folder).as_posix()}")
        files = {name: folder / name for name in ("report.html", "report.docx", "supplement.xlsx")}
        paragraphs = [" ".join(text.split()) for text in printed.strip().split("\n\n")]
        return replace(
            found,
            summary=tuple(paragraphs),
            files={**files, "results.zip": packed, **found.files},
        )

    def _command(
        self, command: str, workbook: Path, nonsignificant: str, *words: str
    ) -> tuple[int, str, str]:
        """Run a command on a workbook; return exit code, standard output and error."""
        options = [*words, *flags(command, self._settings)]
        if nonsignificant:
            options += ["--nonsignificant", nonsignificant]
        if self._config is not None:
            options += ["--config", str(self._config)]
        with self._lock:
            if self._closed:
                return 130, "", "Stopped."
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "metaalliance.cli.main",
                    command,
                    *options,
                    str(workbook),
                ],  # an upload called json.py is no module
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=workbook.parent,
                encoding="utf-8",
                env={**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "120"},
                start_new_session=True,  # Ctrl-C reaches this process, which stops the other
            )
            self._process = process
        try:
            printed, errors = process.communicate(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            _kill(process)
            return 130, "", f"Stopped after {LONGEST / 60:.0f} minutes."
        finally:
            with self._lock:
                self._process = None
        return process.returncode, printed, errors


def flags(command: str, settings: Mapping[str, Any]) -> list[str]:
    """Return the settings that a command reads as words of the command line."""
    words = []
    for s in COMMANDS[command].reads:
        given = settings.get(s.name)
        for value in given if s.many and given else [given]:
            words += [] if value is None else [s.flag, str(value)]
    return words


def safe_name(name: str) -> str:
    """Return the last part of a file name without what a file system could misread.

    >>> safe_name("../../etc/My sheet?.xlsx")
    'My sheet_.xlsx'
    >>> safe_name("..")
    'workbook.xlsx'
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(
        "_" if c in _FORBIDDEN else c for c in last if unicodedata.category(c)[0] != "C"
    ).strip(" .")
    stem, dot, suffix = kept.rpartition(".")
    if not stem:
        return "workbook.xlsx"
    return f"{stem[:_LONGEST_NAME].rstrip(' .')}{dot}{suffix[:10]}"


def _last(errors: str) -> str:
    """Return the last paragraph of what a command printed on standard error."""
    return " ".join(errors.strip().split("\n\n")[-1].split())[-1000:]


def _kill(process: subprocess.Popen[str]) -> None:
    """End a command and whatever it has started."""
    if process.poll() is not None:
        return
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except OSError:  # it has ended meanwhile
        return
    process.wait(timeout=10)
