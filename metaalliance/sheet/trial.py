"""Read a sheet as a proposed configuration would have it, before anybody relies on it."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path

from metaalliance.config import Config, parse_config
from metaalliance.errors import MetaAllianceError
from metaalliance.problems import Problem
from metaalliance.sheet.columns.proposal import Line, Proposal, quoted
from metaalliance.sheet.rows import Row
from metaalliance.sheet.studies import Studies, load_studies

#: Errors that stand at one cell and concern the whole column.
OF_A_COLUMN = frozenset({"MA416", "MA417"})
#: Most attempts: each takes back lines.
ATTEMPTS = 6
#: Most row numbers that a line lists.
SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a sheet is worth with a proposed configuration.

    Attributes
    ----------
    lines : tuple of Line
        The proposal after the trial: what would not load is a comment now.
    studies : Studies or None
        The sheet as it would be read.
    refusal : str
        Why it would not be read.
    """

    lines: tuple[Line, ...]
    studies: Studies | None = field(default=None, repr=False)
    refusal: str = ""

    @property
    def used(self) -> tuple[Row, ...]:
        """Rows that would be pooled; none where an error concerns the sheet itself."""
        if self.studies is None:
            return ()
        rows = {row.number for row in self.studies.rows}
        whole = any(p.row not in rows or p.code in OF_A_COLUMN for p in self.studies.errors)
        return () if whole else self.studies.used

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Warnings of the sheet as it would be read."""
        found = () if self.studies is None else self.studies.problems
        return tuple(p for p in found if p.severity == "warning")

    def reasons(self) -> list[tuple[str, list[Problem]]]:
        """Errors by code, those that stop most rows first."""
        found: dict[str, list[Problem]] = defaultdict(list)
        for problem in self.studies.errors if self.studies else ():
            found[problem.code].append(problem)
        return sorted(found.items(), key=lambda item: -len({p.row for p in item[1]}))


def try_out(path: Path, proposal: Proposal) -> Trial:
    """Load the sheet with the lines that are active; take back those that are wrong.

    The sheet is named only where the reader would take another one, or several have effects.
    """
    trial = _try(path, proposal.lines)
    taken = trial.studies.sheet if trial.studies else ""
    if taken != proposal.sheet:
        named = _try(path, (_sheet(proposal.sheet), *proposal.lines))
        trial = named if named.studies is not None else trial
    return replace(trial, lines=(*_repeats(trial.studies), *trial.lines))


def _repeats(studies: Studies | None) -> tuple[Line, ...]:
    """The question what rows are worth that repeat others in every cell."""
    rows = [p.row for p in studies.errors if p.code == "MA501"] if studies else []
    if not rows:
        return ()
    listed = ", ".join(map(str, rows[:SHOWN])) + (" ..." if len(rows) > SHOWN else "")
    some = "1 row repeats another" if len(rows) == 1 else f"{len(rows)} rows repeat others"
    why = f'{some} in every cell: "first" uses one of each, "all" uses all'
    evidence = f"row{'s' if len(rows) > 1 else ''} {listed}"
    return (Line(section="", key="repeats", value='"first"', active=False, why=why,
                 evidence=evidence),)  # fmt: skip


def _try(path: Path, lines: tuple[Line, ...]) -> Trial:
    """Load with some lines, without those that turn out to be wrong."""
    for _ in range(ATTEMPTS):
        try:
            studies = load_studies(path, config=_config(lines))
        except MetaAllianceError as error:
            return Trial(lines=lines, refusal=str(error))
        wrong = {line.key for line in lines if line.active and _is_wrong(studies, line)}
        if not wrong:
            break
        lines = tuple(
            replace(x, active=False, why=f"{x.why}; but its cells are no {x.key}")
            if x.key in wrong else x for x in lines
        )  # fmt: skip
    return Trial(lines=lines, studies=studies)


def _is_faulty(studies: Studies, column: str) -> bool:
    """Whether most cells of a column could not be read."""
    cells = [row.cells[column] for row in studies.rows if column in row.cells]
    return sum(c.faulty for c in cells) * 2 > len(cells)


def toml(lines: tuple[Line, ...]) -> dict[str, list[Line]]:
    """Lines by section, the top of the file first."""
    return {s: [x for x in lines if x.section == s] for s in ("", "columns")}


def _config(lines: tuple[Line, ...]) -> Config:
    parts = toml(tuple(x for x in lines if x.active))
    top, columns = ([x.text for x in parts[section]] for section in ("", "columns"))
    return parse_config(tomllib.loads("\n".join([*top, "[columns]", *columns])))


def _sheet(name: str) -> Line:
    return Line(section="", key="sheet", value=quoted(name),
                why="several sheets have effects; this one has most rows")  # fmt: skip


def _is_wrong(studies: Studies, line: Line) -> bool:
    """Whether a mapped column is at fault in most of its cells, or is not there."""
    if line.section != "columns":
        return False
    if any(p.code in {"MA204", "MA213"} and f"'{line.key}'" in p.message for p in studies.errors):
        return True
    return _is_faulty(studies, line.key)
