"""Make the sheet of the team from a conflicts workbook."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from openpyxl import Workbook

from metaalliance.coding.consensus import Consensus, consensus
from metaalliance.errors import StudyDataError
from metaalliance.report.workbooks.conflicts import fill_sheet
from metaalliance.report.workbooks.decisions import Decisions, read_decisions
from metaalliance.sheet.template.archive import workbook_bytes


def reconcile(path: str | Path, *, headers: Mapping[str, str] | None = None) -> bytes:
    """Apply the decisions of a conflicts workbook.

    Parameters
    ----------
    path : str or Path
        The conflicts workbook.
    headers : mapping, optional
        The team's own header of each column that has one, as in the configuration.

    Returns
    -------
    bytes
        An .xlsx file: `effects` with the values of the team, `audit` with every conflict, both
        codings, the decision, its reason and the final value, and `sources` with the files of
        the coders and their hashes.

    Raises
    ------
    StudyDataError
        When a conflict is undecided or a decision cannot be used; `problems` names the cells.
    UnreadableFileError
        When the file cannot be read, or is no conflicts workbook.
    """
    found = read_decisions(path)
    if found.problems:
        count = len(found.problems)
        first = found.problems[0]
        raise StudyDataError(
            f"{count} decision{'s are' if count > 1 else ' is'} missing or cannot be used in "
            f"{Path(path).name}; the first is {first.place} ({first.code}): {first.message}.",
            found.problems,
        )
    made = consensus(found.codings, found.conflicts, found.decisions, found.rows)
    return consensus_workbook(made, found, headers or {})


def consensus_workbook(made: Consensus, found: Decisions, headers: Mapping[str, str]) -> bytes:
    """Return the sheet of the team with its audit as a file."""
    book = Workbook()
    book.remove(book.worksheets[0])
    rows = [[row.get(c) for c in made.columns] for row in made.rows]
    header = [headers.get(c, c) for c in made.columns]
    fill_sheet(book.create_sheet("effects"), [header, *rows])
    if found.codebook:
        fill_sheet(book.create_sheet("codebook"), found.codebook)
    letters = found.codings.coders
    named = [f"{what}_{c}" for what in ("cell", "value") for c in letters]
    fields = ["id", "study", "variable", "rows", *named, "impact", "decision", "final_value",
              "reason", "page"]  # fmt: skip
    audit = [[entry.get(name) for name in fields] for entry in made.audit]
    fill_sheet(book.create_sheet("audit"), [fields, *audit])
    sources = zip(letters, found.codings.files, found.codings.sha256, strict=True)
    fill_sheet(book.create_sheet("sources"), [("coder", "file", "sha256"), *sources])
    return workbook_bytes(book, "Consensus of the coders")
