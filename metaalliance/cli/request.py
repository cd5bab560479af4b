"""What a command that reads a sheet was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Where the tasks of a long run are computed, as the command line has it.

    Attributes
    ----------
    jobs : int or None
        Processes.
    backend, scheduler : str or None
        Of `Workers`.
    resume : bool
        Whether finished tasks are kept, and taken up.
    """

    jobs: int | None = None
    backend: str | None = None
    scheduler: str | None = None
    resume: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a command that reads a sheet was asked.

    Attributes
    ----------
    workbook : Path
        The sheet, or "-" for standard input.
    output : Path or None
        Folder of results; None takes the one beside the sheet.
    settings : mapping
        Settings as given on the command line (None where not given), for `cli.settings.resolve`.
    style : str or None
        Look of figures by name; None takes that of the configuration.
    width : float or None
        Width of figures in mm; None takes that of the configuration, or of each figure.
    page, notes : str or None
        The page that figures fit, and how much is said under them; None takes that of the style.
    """

    workbook: Path = Path("-")
    output: Path | None = None
    sheet: str | None = None
    config: Path | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    style: str | None = None
    width: float | None = None
    page: str | None = None
    notes: str | None = None
    json_output: bool = False
    force: bool = False
    quiet: bool = False
    verbose: bool = False

    @property
    def source(self) -> Path | None:
        """The file that is read, None for standard input."""
        return None if str(self.workbook) == "-" else self.workbook
