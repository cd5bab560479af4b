"""Wide sheets: one row for each study, several effects side by side in columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from metaalliance.sheet.columns.header import identity_of
from metaalliance.sheet.columns.reading import name_columns
from metaalliance.sheet.columns.scheme import Scheme
from metaalliance.sheet.columns.specification import COLUMNS, find_column
from metaalliance.sheet.columns.wide import EFFECTS, Part, Wide, find_wide, has_decimals
from metaalliance.sheet.columns.words import folded, interval, pieces
from metaalliance.sheet.imports.columns import placed
from metaalliance.sheet.imports.comparison import DECIDE
from metaalliance.sheet.imports.entries import Asked, Cell, Entry, Found, LeftOut
from metaalliance.sheet.imports.source import Source, Table
from metaalliance.sheet.imports.wide_labels import named_labels
from metaalliance.sheet.intervals import enter_interval, read_interval
from metaalliance.sheet.read.grid import is_blank
from metaalliance.sheet.read.numbers import parse_number
from metaalliance.sheet.texts import Coded

#: What teams call the columns that stand beside each effect, where the coding sheet does not.
_OF_EFFECTS = {"dir": "outcome_direction", "measure": "outcome_measure",
               "scale": "outcome_measure", "instrument": "outcome_measure"}  # fmt: skip
#: Words of headers that say something of a direction.
_OF_DIRECTIONS = frozenset({"direction", "dir", "better", "worse", "reverse", "reversed"})
_NEEDED = {"means": ("mean1", "mean2")}


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
    limits = _intervals(table, wide, used)
    used |= {i for i, _ in limits.values()}
    study = {} if "study" in asked.columns.values() else _identity(table)
    needed = _NEEDED.get(wide.statistic, (wide.statistic,))
    at = [part.columns[needed[0]] for part in wide.parts]
    labels = named_labels(wide, at, table.levels)
    of: list[Part] = []
    others = placed(
        table,
        house,
        used | {i for at in study.values() for i in at},
        asked,
        aliases=True,
        taken={*labels[0], *study, *needed},
    )
    for line, values in table.lines():
        if lines is not None and line not in lines:
            continue
        shared = _shared(table, line, values, study, others)
        if studies and line in studies:
            shared["study"] = studies[line]
        for part, place, label in zip(wide.parts, at, labels, strict=True):
            entry = {
                c: cell
                for c, i in {**part.columns, **own[part.label]}.items()
                if (cell := table.cell(line, values, i, COLUMNS.get(c))) is not None
            }
            of_part = limits.get(part.label)
            unsplit = of_part and _enter_limits(entry, table, line, values, *of_part, needed[0])
            reason = _blank(entry, needed)
            if reason:
                left = LeftOut(table.place(line, place), _study_of(shared), reason)
                found.left_out.append(left)
                continue
            common = {name: c for name, c in shared.items() if name not in part.columns}
            header = table.place(table.row, place)
            told = {name: Cell(text, header, "from its header") for name, text in label.items()}
            if unsplit:
                found.ask("MA563", unsplit, column="ci_low", entries=(len(found.entries),))
            found.entries.append(common | told | entry)
            of.append(part)
    if wide.column == "outcome_measure":
        _ask(found, labels)
    _ask_directions(found, table, used)
    _ask_contained(found, table, wide, used, of)
    return found


def _intervals(table: Table, wide: Wide, used: set[int]) -> dict[str, tuple[int, float | None]]:
    """Columns that hold both limits of an effect in one cell, with their level, by its label."""
    if wide.statistic == "means":
        return {}
    labels = {folded(p.label): p.label for p in wide.parts if "ci_low" not in p.columns}
    found: dict[str, tuple[int, float | None]] = {}
    for index, header in enumerate(table.headers):
        named = interval(header) if index not in used else None
        if named is None:
            continue
        words = [w for w in named[0].split() if EFFECTS.get(w) != wide.statistic]
        label = labels.get(folded(" ".join(words)))
        if label is not None:
            found.setdefault(label, (index, named[1]))
    return found


def _enter_limits(
    entry: Entry,
    table: Table,
    line: int,
    values: list[Any],
    index: int,
    level: float | None,
    statistic: str,
) -> str:
    """Enter the limits of an effect that stand in one cell; return what cannot be split, or ""."""
    place, comma = table.place(line, index), table.grid.decimal_comma
    if statistic not in entry or is_blank(values[index]):
        return ""
    read = read_interval(values[index], decimal_comma=comma, cell=place)
    value = entry[statistic].value
    number = float(value) if isinstance(value, int | float) else None
    cells = {statistic: Coded(number, str(value), entry[statistic].place)}
    told = [*enter_interval(cells, {"": read}, level)]
    if read.missing:
        return ""
    limits = {c: cells[c] for c in ("ci_low", "ci_high", "ci_level") if c in cells}
    if any(coded.faulty for coded in limits.values()):
        entry["ci_low"] = Cell(read.seen, place, "cannot be split")
        return f"{place} says {read.seen!r}: {told[0][2]}"
    for column, coded in limits.items():
        entry[column] = Cell(coded.value, place, "read from one cell")
    return ""


def _ask_contained(
    found: Found, table: Table, wide: Wide, used: set[int], of: Sequence[Part]
) -> None:
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
    rows = tuple(i for i, part in enumerate(of) if part.label in totals)
    if rows and len(wide.parts) > len(totals):
        found.ask(
            "MA562",
            f"{', '.join(totals)} stands beside {len(wide.parts) - len(totals)} other effects of "
            "the study; where it is made of them, it counts them twice.",
            "Enter include = no in its rows, or in those of its parts.",
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
    """Columns that name the study, as a sheet of effects is read: its own, or author and year."""
    named = name_columns(table.grid, table.row, table.headers, Scheme())
    identity = identity_of(table.grid, table.row, table.headers, named, Scheme())
    if not identity.study:
        return {}
    year = [named.index("year")] if identity.composed and "year" in named else []
    return {"study": (identity.study - 1, *year)}


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


def _ask(found: Found, labels: Sequence[Mapping[str, str]]) -> None:
    """Ask what no header says."""
    if not found.entries:
        return
    rows = tuple(range(len(found.entries)))
    for column in labels[0]:
        listed = ", ".join(dict.fromkeys(label[column] for label in labels))
        found.ask(
            "MA559",
            f"{listed}: entered as {column}, from the headers.",
            "If they name something else, move them.",
            column=column,
            entries=rows,
        )
