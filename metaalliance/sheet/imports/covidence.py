"""Covidence: the export of data extraction, with a row for every reviewer and for the consensus.

That a study has a row for each reviewer and one of "Consensus" in the column "Reviewer Name",
beside "Covidence #" and "Study ID", is what public scripts rest on that read such files; the
layout of Extraction 1 stands in github.com/klsea/time_prefs_meta (data, 2020).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from metaalliance.errors import OptionError, UnreadableFileError
from metaalliance.sheet.columns.specification import COLUMNS, STATISTICS
from metaalliance.sheet.columns.vocabularies import key_of
from metaalliance.sheet.imports.columns import placed
from metaalliance.sheet.imports.entries import Asked, Cell, Found, LeftOut
from metaalliance.sheet.imports.source import Source, Table
from metaalliance.sheet.imports.wide import unfold, wide_of
from metaalliance.sheet.read.grid import is_blank
from metaalliance.sheet.read.numbers import parse_number

_REVIEWER = "reviewername|reviewer"
_STUDY = "studyid|covidence#|covidence|covidenceid|covidencenumber"


def fits(source: Source, sheet: str | None) -> bool:
    """Whether a file is an export of data extraction."""
    return _table(source, sheet) is not None or _is_first(source, sheet)


def _table(source: Source, sheet: str | None) -> Table | None:
    return source.table(_REVIEWER, _STUDY, sheet=sheet)


def _is_first(source: Source, sheet: str | None) -> bool:
    return source.table("studyidentifier", "intervention", sheet=sheet) is not None


def read(source: Source, asked: Asked) -> Found:
    """Read the rows of the consensus.

    Raises
    ------
    UnreadableFileError
        When a study has several reviewers and no consensus, or the rows are arms.
    """
    table = _table(source, asked.sheet)
    if table is None:
        raise UnreadableFileError(
            f"{source.name} is an export of Covidence's Extraction 1, with a row for each arm of a "
            "study; which arm is the better in alliance, and which numbers belong together, only "
            "its headers say in the team's own words. Enter its numbers in metaalliance template.",
            code="MA135",
        )
    lines = list(table.lines())
    taken, left_out = _rows(table, lines, asked.reviewer, source.name)
    names = _names(table, [x for x in lines if x[0] in taken])
    wide = wide_of(table)
    if wide is not None:
        found = unfold(table, wide, asked, lines=taken, house="Covidence", studies=names)
    else:
        found = _long(table, lines, taken, source.name, asked)
        for (line, _), entry in zip(
            (x for x in lines if x[0] in taken), found.entries, strict=True
        ):
            if line in names:
                entry["study"] = names[line]
    _ask_names(found, names)
    found.left_out = [*left_out, *found.left_out]
    found.unit = "rows"
    if left_out:
        found.ask(
            "MA554",
            f"{len(left_out)} rows of other reviewers are no effects of their own and "
            "are not read.",
            "Compare them with metaalliance agree, one file for each --reviewer.",
        )
    return found


def _rows(
    table: Table, lines: Sequence[tuple[int, list[Any]]], reviewer: str | None, file: str
) -> tuple[set[int], list[LeftOut]]:
    """Rows to take and rows to leave out, study by study."""
    who = next(table.keys[k] for k in _REVIEWER.split("|") if k in table.keys)
    studies: dict[str, list[tuple[int, str, str]]] = {}
    for line, values in lines:
        key, label = _study(table, values)
        studies.setdefault(key, []).append((line, str(values[who] or "").strip(), label))
    taken: set[int] = set()
    left_out: list[LeftOut] = []
    undecided = []
    for rows in studies.values():
        names = list(dict.fromkeys(name for _, name, _ in rows))
        chosen = _chosen(names, reviewer)
        if chosen is None and reviewer is None:
            undecided.append(rows[0][2])
            continue
        for line, name, label in rows:
            if name == chosen:
                taken.add(line)
            else:
                left_out.append(
                    LeftOut(
                        table.line(line), label, f"coded by {name}: {chosen or reviewer} is read"
                    )
                )
    if reviewer is not None and not taken:
        everybody = ", ".join(sorted({name for rows in studies.values() for _, name, _ in rows}))
        raise OptionError(f"{file} has no reviewer {reviewer!r}; it has {everybody}.")
    if undecided:
        count = f"{len(undecided)} studies have" if len(undecided) > 1 else "1 study has"
        raise UnreadableFileError(
            f"{file}: {count} several reviewers and no consensus ({'; '.join(undecided[:3])}"
            f"{' ...' if len(undecided) > 3 else ''}). Two codings are not two effects: complete "
            "the consensus in Covidence, or import each coding with --reviewer NAME and compare "
            "them with metaalliance agree.",
            code="MA132",
        )
    return taken, left_out


def _chosen(names: Sequence[str], reviewer: str | None) -> str | None:
    """Whose rows count: the one asked for, the consensus, or the only reviewer."""
    if reviewer is not None:
        return next((n for n in names if key_of(n) == key_of(reviewer)), None)
    consensus = [n for n in names if key_of(n).startswith("consensus")]
    if consensus:
        return consensus[0]
    return names[0] if len(names) == 1 else None


def _study(table: Table, values: list[Any]) -> tuple[str, str]:
    """What tells a study apart, and its label."""
    number = next((values[table.keys[k]] for k in _STUDY.split("|")[1:] if k in table.keys), None)
    label = values[table.keys["studyid"]] if "studyid" in table.keys else number
    return str(label if number is None else number).strip(), str(label or number or "").strip()


def _long(
    table: Table,
    lines: Sequence[tuple[int, list[Any]]],
    taken: set[int],
    file: str,
    asked: Asked,
) -> Found:
    """A row for each row that is taken."""
    columns = placed(table, "Covidence", (), asked, aliases=True)
    if not set(columns.values()) & set(STATISTICS):
        numeric = [name for i, name in columns.items() if _numeric(table, i)]
        listed = f" Columns with numbers: {', '.join(map(repr, numeric[:8]))}." if numeric else ""
        raise UnreadableFileError(
            f"{file} has no column that is known as a statistic (r, t, n, d, p ...) among its "
            f'{len(columns)} questions.{listed} Say which is which, such as --column "Correlation '
            '(WAI, BDI)=r" --column "N analysed=n".',
            code="MA133",
        )
    found = Found()
    for line, values in lines:
        if line in taken:
            cells = {
                name: table.cell(line, values, i, COLUMNS.get(name)) for i, name in columns.items()
            }
            found.entries.append({name: c for name, c in cells.items() if c is not None})
    return found


def _numeric(table: Table, index: int) -> bool:
    """Whether most cells of a column are numbers."""
    filled = [v for v in table.values(index) if not is_blank(v)]
    return 2 * sum(parse_number(v).value is not None for v in filled) > len(filled)


def _names(table: Table, lines: Sequence[tuple[int, list[Any]]]) -> dict[int, Cell]:
    """Labels of rows whose Study ID stands for several reports: with the Covidence number."""
    reports: dict[str, set[str]] = {}
    for _, values in lines:
        key, label = _study(table, values)
        reports.setdefault(label, set()).add(key)
    found = {}
    for line, values in lines:
        key, label = _study(table, values)
        if len(reports[label]) > 1:
            place = table.place(line, table.keys["studyid"])
            how = "with its Covidence number: several reports share the ID"
            found[line] = Cell(f"{label} ({key})", place, how)
    return found


def _ask_names(found: Found, names: Mapping[int, Cell]) -> None:
    """Say which reports were told apart."""
    told = set(names.values())
    rows = tuple(i for i, e in enumerate(found.entries) if e.get("study") in told)
    if rows:
        found.ask(
            "MA558",
            f"{len({c.value for c in told})} reports share a Study ID with another and differ in "
            "their Covidence number; each is a study of its own here.",
            "If they are one study, give them one label.",
            column="study",
            entries=rows,
        )
