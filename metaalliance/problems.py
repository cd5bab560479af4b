"""Problems: one record for whatever the sheet, a row or an analysis has to report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from metaalliance.shortening import shortened

Severity = Literal["error", "warning", "note"]
#: Version of the JSON documents.
SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that a reader of the results has to know or mend.

    Attributes
    ----------
    code : str
        Stable code; ``metaalliance explain CODE`` says more.
    severity : {"error", "warning", "note"}
        Errors stop the analysis; warnings are for judgement; notes record automatic changes.
    message : str
        What is wrong and what is allowed.
    hint : str
        What to do.
    sheet, cell, row, study, column, seen
        Where it is and what stands there, as far as it has a place.
    cells : tuple of Problem
        The problem of each cell, where several have one cause and it stands for all of them.
    """

    code: str
    severity: Severity
    message: str
    hint: str = ""
    sheet: str = ""
    cell: str = ""
    row: int | None = None
    study: str = ""
    column: str = ""
    seen: str = ""
    cells: tuple[Problem, ...] = ()

    def __post_init__(self) -> None:
        for name in ("message", "hint"):
            object.__setattr__(self, name, shortened(getattr(self, name)))

    @property
    def each(self) -> tuple[Problem, ...]:
        """The problem of each cell, one by one."""
        return self.cells or (self,)

    @property
    def place(self) -> str:
        """The cell as a spreadsheet writes it: ``effects!F17``."""
        return place_in(self.sheet, self.cell)

    @property
    def text(self) -> str:
        """The problem in a line: ``warning: what is wrong (MA650)``."""
        return f"{self.severity}: {self.message} ({self.code})"

    def to_dict(self) -> dict[str, Any]:
        """Return the record as the JSON output prints it."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "cells"}


def place_in(sheet: str, cell: str) -> str:
    """Return a place with its sheet.

    Examples
    --------
    >>> place_in("effects", "F17"), place_in("studies.sav", "row 12, r")
    ('effects!F17', 'studies.sav: row 12, r')
    """
    return f"{sheet}{': ' if ' ' in cell else '!'}{cell}" if sheet and cell else sheet or cell


def notice(code: str, message: str, hint: str = "", *, severity: Severity = "warning") -> Problem:
    """Return a problem of an analysis, which has no cell."""
    return Problem(code=code, severity=severity, message=message, hint=hint)


def error_document(
    command: str, code: str, message: str, problems: Sequence[Problem] = ()
) -> dict[str, Any]:
    """Return the document of a failure."""
    return {
        "schema_version": SCHEMA_VERSION,
        "command": command,
        "error": {"code": code, "message": message},
        "problems": [p.to_dict() for p in problems],
    }
