"""Wide sheets: one row for each study, several effects side by side in columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from metaalliance.sheet.columns.specification import COLUMNS, find_column
from metaalliance.sheet.columns.vocabularies import VOCABULARIES
from metaalliance.sheet.columns.wide import EFFECTS, Part, Wide, find_wide, has_decimals
from metaalliance.sheet.columns.words import folded, pieces
from metaalliance.sheet.imports.columns import placed
from metaalliance.sheet.imports.comparison import DECIDE
from metaalliance.sheet.imports.entries import Asked, Cell, Entry, Found, LeftOut
from metaalliance.sheet.imports.source import Source, Table
from metaalliance.sheet.read.numbers import parse_number

#: What teams call the columns that stand beside each effect, where the coding sheet does not.
_OF_EFFECTS = {"dir": "outcome_direction", "measure": "outcome_measure",
               "scale": "outcome_measure", "instrument": "outcome_measure"}  # fmt: skip
#: Words of headers that say something of a direction.
_OF_DIRECTIONS = frozenset({"direction", "dir", "better", "worse", "reverse", "reversed"})
_NEEDED = {"means": ("mean1", "mean2")}
#: An instrument with a number, such as ``WAI 2``.
_NUMBERED = re.compile(r"(.*?[^\W\d])[\s._]*\d+")


def fits(source: Source, sheet: str | None) -> bool:
    """Whether a sheet holds several effects of a study side by side."""
    return _table(source, sheet) is not None


def _table(source: Source, sheet: str | None) -> tuple[Table, Wide] | None:
    for table in source.tables(sheet):
        wide = wide_of(table)
        if wide is not None and any(h for h in table.headers):
            source.chosen = table
            return table, wide
    return None


def wide_of(table: Table) -> Wide | None:
    """What a table has side by side, or None."""
    columns = [table.values(i) for i in range(len(table.headers))]
    return find_wide(table.headers, columns)


def read(source: Source, asked: Asked) -> Found:
    """Make a row for each effect."""
    pair = _table(source, asked.sheet)
    return Found() if pair is None else unfold(*pair, asked)


def unfold(
    table: Table,
    wide: Wide,
    asked: Asked,
    *,
    lines: set[int] | None = None,
    house: str = "wide",
    studies: Mapping[int, Cell] | None = None,
) -> Found:
    """Make a row for each effect of a wide table.

    Parameters
    ----------
    lines : set of int, optional
        Rows that are taken; all by default.
    studies : mapping of int to Cell, optional
        Labels of studies by row, where they are not those of the table.
    """
    found = Found(unit="effects")
    own = _of_effects(table, wide)
    used = {i for part in wide.parts for i in part.columns.values()}
    used |= {i for columns in own.values() for i in columns.values()}
    study = {} if "study" in asked.columns.values() else _identity(table)
    needed = _NEEDED.get(wide.statistic, (wide.statistic,))
    others = placed(
        table,
        house,
        used | {i for at in study.values() for i in at},
        asked,
        aliases=True,
        taken={wide.column, *study, *needed},
    )
    for line, values in table.lines():
        if lines is not None and line not in lines:
            continue
        shared = _shared(table, line, values, study, others)
        if studies and line in studies:
            shared["study"] = studies[line]
        for part in wide.parts:
            entry = {
                c: cell
                for c, i in {**part.columns, **own[part.label]}.items()
                if (cell := table.cell(line, values, i, COLUMNS.get(c))) is not None
            }
            at = part.columns[needed[0]]
            reason = _blank(entry, needed)
            if reason:
                left = LeftOut(table.place(line, at), _study_of(shared), reason)
                found.left_out.append(left)
                continue
            common = {name: c for name, c in shared.items() if name not in part.columns}
            found.entries.append(common | _labels(wide, part, table.place(table.row, at)) | entry)
    _ask(found, wide)
    _ask_directions(found, table, used)
    _ask_contained(found, table, wide, used)
    return found


def _ask_contained(found: Found, table: Table, wide: Wide, used: set[int]) -> None:
    """Correlations that are no effects of their own: of two outcomes, or of a total."""
    stems = {h for h, s in EFFECTS.items() if s == wide.statistic}
    words = {h: [w for w in pieces(h) if not w.isdigit()] for h in table.headers}
    beside = [
        h
        for i, h in enumerate(table.headers)
        if i not in used and len(pieces(h)) > 1 and {*words[h][:1], *words[h][-1:]} & stems
    ]
    if beside:
        found.ask("MA562", f"{', '.join(map(repr, beside))}: not read as effects of alliance and "
                  "outcome; kept as columns.", "Enter them as rows where they are.")  # fmt: skip
    totals = [p.label for p in wide.parts if {*pieces(p.label)} & {"total", "gesamt", "totale"}]
    rows = tuple(
        i
        for i, e in enumerate(found.entries)
        if wide.column in e and str(e[wide.column].value) in totals
    )
    if rows and len(wide.parts) > len(totals):
        found.ask(
            "MA562",
            f"{', '.join(totals)} stands beside {len(wide.parts) - len(totals)} other effects of "
            "the study; where it is made of them, it counts them twice.",
            "Enter include = no in its rows, or in those of its parts.",
            column=wide.column,
            entries=rows,
        )


def _of_effects(table: Table, wide: Wide) -> dict[str, dict[str, int]]:
    """Columns that say of one effect what it is of and in which direction, by its label."""
    found: dict[str, dict[str, int]] = {part.label: {} for part in wide.parts}
    used = {i for part in wide.parts for i in part.columns.values()}
    for index, header in enumerate(table.headers):
        text = folded(header)
        for label in sorted(found, key=len, reverse=True) if index not in used else ():
            end = folded(label)
            stem = text.removesuffix(end) if text.endswith(end) else text.removeprefix(end)
            name = (_OF_EFFECTS.get(stem) or find_column(stem)) if stem not in {"", text} else None
            if name is not None and COLUMNS[name].group in {"direction", "alliance", "outcome"}:
                found[label].setdefault(name, index)
                break
    return found


def _ask_directions(found: Found, table: Table, used: set[int]) -> None:
    """Where the source states directions that belong to no effect, nobody's sign is known."""
    free = [(i, h) for i, h in enumerate(table.headers) if i not in used]
    lost = [
        h
        for i, h in free
        if find_column(h) is None
        and _OF_DIRECTIONS & {*pieces(h)}
        and not has_decimals(table.values(i))
    ]
    common = [f"({h})" for _, h in free if find_column(h) == "outcome_direction"]
    rows = tuple(
        i
        for i, e in enumerate(found.entries)
        if (cell := e.get("outcome_direction")) is None or cell.place.endswith(tuple(common))
    )
    if not lost or not rows:
        return
    for index in rows:
        found.entries[index]["outcome_direction"] = Cell(DECIDE, how=f"see {', '.join(lost)}")
    found.ask(
        "MA560",
        f"{', '.join(map(repr, lost))}: of which effect is not clear from the header; "
        "outcome_direction says 'decide', an error until you have.",
        "Enter higher_better or lower_better, or import again with --direction.",
        column="outcome_direction",
        entries=rows,
    )


def _labels(wide: Wide, part: Part, place: str) -> Entry:
    """What tells an effect from the others: its label, or an instrument with a number."""
    parted = [_NUMBERED.fullmatch(label) for label in wide.labels]
    for name in ("alliance_measure", "outcome_measure"):
        if wide.column == "outcome_measure" and all(
            m is not None and VOCABULARIES[name].knows(m[1]) for m in parted
        ):
            base = _NUMBERED.fullmatch(part.label)
            measure = base[1] if base is not None else part.label
            return {
                name: Cell(measure, place, "from its header"),
                "effect": Cell(part.label, place, "from its header"),
            }
    return {wide.column: Cell(part.label, place, "from its header")}


def _blank(entry: Entry, needed: tuple[str, ...]) -> str:
    """Why there is no effect in a part of a row, or ""."""
    for name in needed:
        if name not in entry:
            return "blank: not reported"
        value = entry[name].value
        if isinstance(value, str) and parse_number(value).missing:
            return f"{value}: not reported"
    return ""


def _identity(table: Table) -> dict[str, tuple[int, ...]]:
    """Columns that name the study: its own, or the author with the year."""
    keys = table.keys
    own = [
        keys[k]
        for k in (
            "study",
            "studyid",
            "studylabel",
            "studyname",
            "studyno",
            "report",
            "paper",
            "trial",
        )
        if k in keys
    ]
    author = [
        keys[k] for k in ("author", "authors", "firstauthor", "reference", "citation") if k in keys
    ]
    year = [keys[k] for k in ("year", "publicationyear", "pubyear", "yop") if k in keys]
    if own:
        return {"study": (own[0],)}
    if author and year:
        return {"study": (author[0], year[0])}
    return {"study": (author[0],)} if author else {}


def _shared(
    table: Table,
    line: int,
    values: list[Any],
    study: dict[str, tuple[int, ...]],
    others: dict[int, str],
) -> Entry:
    """What the effects of a row have in common."""
    entry: Entry = {}
    for name, places in study.items():
        cells = [c for i in places if (c := table.cell(line, values, i, COLUMNS[name])) is not None]
        if len(cells) > 1:
            entry[name] = Cell(
                " ".join(str(c.value) for c in cells),
                ", ".join(c.place for c in cells),
                "author and year",
            )
            year = table.cell(line, values, places[1], COLUMNS["year"])
            entry |= {"year": year} if year is not None else {}
        elif cells:
            entry[name] = cells[0]
    for index, name in others.items():
        cell = table.cell(line, values, index, COLUMNS.get(name))
        if cell is not None:
            entry.setdefault(name, cell)
    return entry


def _study_of(entry: Entry) -> str:
    return str(entry["study"].value) if "study" in entry else ""


def _ask(found: Found, wide: Wide) -> None:
    """Ask what no header says."""
    if not found.entries:
        return
    rows = tuple(range(len(found.entries)))
    listed = ", ".join(wide.labels)
    if wide.column == "outcome_measure":
        column = "outcome_measure" if "outcome_measure" in found.entries[0] else "alliance_measure"
        found.ask(
            "MA559",
            f"{listed}: entered as {column}, from the headers.",
            "If they name something else, move them.",
            column=column,
            entries=rows,
        )
