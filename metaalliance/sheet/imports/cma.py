"""Comprehensive Meta-Analysis: its data sheet or its table of results, copied or exported.

Headers are those of a data sheet of the program at github.com/davidmoreau/MixtureModel
(PPS_MelbyLervag.csv), where empty cells are the word Blank, and of R scripts that read others.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from metaalliance.sheet.columns.specification import COLUMNS
from metaalliance.sheet.columns.vocabularies import VOCABULARIES, key_of
from metaalliance.sheet.imports.columns import placed
from metaalliance.sheet.imports.comparison import MEANING, events, exclude, means, number
from metaalliance.sheet.imports.entries import Asked, Cell, Entry, Found, LeftOut
from metaalliance.sheet.imports.source import Source, Table
from metaalliance.sheet.read.grid import is_blank

#: Effects by their folded header, in the order of choice; the first that a row has is used.
_EFFECTS = {"correlation": "r", "fishersz": "fisher_z", "stddiffinmeans": "d", "hedgessg": "g",
            "oddsratio": "odds_ratio", "logoddsratio": "log_odds_ratio"}  # fmt: skip
#: Sample sizes of a correlation.
_SIZES = ("samplesize", "total", "n", "totaln", "totalsamplesize")
#: What the program calls the rows of its summary.
_SUMMARY = re.compile(
    r"(?:fixed|random|mixed|overall|pooled|prediction interval)\b.*", re.IGNORECASE
)
_SIGNS = {"negative": -1, "-1": -1, "positive": 1}


def fits(source: Source, sheet: str | None) -> bool:
    """Whether a file is an export of the program."""
    return _table(source, sheet) is not None


def _table(source: Source, sheet: str | None) -> Table | None:
    """A header with its study name and its names of effects, groups or standard errors."""
    for found in source.tables(sheet):
        table = _named(found)
        keys = table.keys
        own = keys.keys() & {
            "stderr",
            "stddiffinmeans",
            "effectdirection",
            "subgroupwithinstudy",
            "timepoint",
            "fishersz",
            "hedgessg",
            "lowerlimit",
            "upperlimit",
        }
        groups = [k for k in keys if re.fullmatch(r".+samplesize", k) and k not in _SIZES]
        effects = [k for k in keys if k in _EFFECTS]
        if "studyname" in keys and ((own and effects) or len(groups) == 2):
            source.chosen = table
            return table
    return None


def _named(table: Table) -> Table:
    """Name the columns of several header rows as the program does in one.

    A title tells columns of one name apart (Treated over Mean), or is part of the name itself
    (Sample size over Treated); other titles, such as Statistics for each study, name no column.
    """
    names = [parts[-1] for parts in table.levels]
    headers = []
    for *above, name in table.levels:
        if above and key_of(above[-1]) in _SIZES and key_of(name) not in _SIZES:
            headers.append(f"{name} {above[-1]}")
        else:
            headers.append(" ".join([*above[-1:], name] if names.count(name) > 1 else [name]))
    return replace(table, headers=tuple(headers)) if headers else table


def read(source: Source, asked: Asked) -> Found:
    """Read each row with the first effect that it has."""
    table = _table(source, asked.sheet)
    found = Found()
    if table is None:
        return found
    layout = _Layout(table, asked)
    for line, raw in table.lines():
        values = [None if isinstance(v, str) and key_of(v) == "blank" else v for v in raw]
        name = table.cell(line, values, table.keys["studyname"], COLUMNS["study"])
        model = values[table.keys["model"]] if "model" in table.keys else None
        if summary := _is_summary(name, model, values, layout):
            found.left_out.append(
                LeftOut(table.line(line), str(name.value) if name else "", summary)
            )
            continue
        _enter(found, layout, line, values)
    if any(e.keys() & {"d", "g", "mean1", "events1"} for e in found.entries):
        found.meaning = MEANING
    _ask(found)
    return found


def _is_summary(name: Cell | None, model: Any, values: list[Any], layout: _Layout) -> str:
    """Why a row is no study, or ""."""
    if name is None:
        return "a row without a study name (a summary of the program)"
    sized = any(not is_blank(values[i]) for i in layout.sizes)
    if _SUMMARY.fullmatch(str(name.value)) and not sized:
        return "a row of the program's summary"
    if model is not None and _SUMMARY.fullmatch(str(model)) and not sized:
        return "a row of the program's summary"
    return ""


class _Layout:
    """Where a table has its effects, groups, and what stands beside."""

    def __init__(self, table: Table, asked: Asked) -> None:
        keys = [key_of(h) if h else "" for h in table.headers]
        self.table = table
        self.effects = [
            (i, _EFFECTS[re.sub(r"\d+$", "", k)])
            for i, k in enumerate(keys)
            if re.sub(r"\d+$", "", k) in _EFFECTS
        ]
        self.means = [i for i, k in enumerate(keys) if re.fullmatch(r".+mean", k)]
        self.sds = [i for i, k in enumerate(keys) if re.fullmatch(r".+(?:stddev|sd)", k)]
        self.events = [i for i, k in enumerate(keys) if re.fullmatch(r".*events", k)]
        self.groups = [
            i
            for i, k in enumerate(keys)
            if re.fullmatch(r".+(?:samplesize|totaln)", k) and k not in _SIZES
        ]
        self.size = next((keys.index(k) for k in _SIZES if k in keys), None)
        self.sizes = [i for i in (self.size, *self.groups) if i is not None]
        self.direction = keys.index("effectdirection") if "effectdirection" in keys else None
        used = {i for i, _ in self.effects} | {*self.means, *self.sds, *self.events, *self.sizes}
        used |= {keys.index(k) for k in ("studyname", "outcome") if k in keys}
        self.others = placed(
            table,
            "CMA",
            used,
            asked,
            aliases=False,
            taken=("study", "outcome_measure"),
            without=("statistic", "companion", "direction"),
        )
        self.keys = keys

    def beside(self, index: int, key: str) -> int | None:
        """The column of a name that follows an effect, before the next effect."""
        for at in range(index + 1, len(self.keys)):
            if any(at == i for i, _ in self.effects):
                return None
            if self.keys[at] == key:
                return at
        return None


def _enter(found: Found, layout: _Layout, line: int, values: list[Any]) -> None:
    """Enter one row."""
    table = layout.table

    def at(index: int | None, column: str = "value") -> Cell | None:
        return table.cell(line, values, index, COLUMNS[column])

    named = {
        "study": at(table.keys["studyname"], "study"),
        "outcome_measure": at(table.keys.get("outcome"), "outcome_measure"),
    }
    entry: Entry = {name: cell for name, cell in named.items() if cell is not None}
    time = at(table.keys.get("timepoint"), "outcome_time")
    if time is not None and VOCABULARIES["outcome_time"].find(str(time.value)):
        entry["outcome_time"] = time
    for index, name in layout.others.items():
        cell = table.cell(line, values, index, COLUMNS.get(name))
        if cell is not None:
            entry[name] = cell
    numbers, reason, doubt = _numbers(layout, at)
    entry |= numbers
    if reason:
        exclude(entry, reason)
    if doubt:
        found.ask(
            "MA557",
            f"{table.place(line, layout.direction or 0)}: {doubt}",
            "Enter the effect with its sign.",
            entries=(len(found.entries),),
        )
    found.entries.append(entry)


def _numbers(layout: _Layout, at: Any) -> tuple[Entry, str, str]:
    """The statistic of a row; why it has none; what is doubtful about its sign."""
    groups = [at(i) for i in layout.groups[:2]]
    sizes = dict(zip(("n1", "n2"), groups, strict=False)) if len(groups) == 2 else {}
    present = [(i, name, cell) for i, name in layout.effects if (cell := at(i)) is not None]
    correlated = [p for p in present if p[1] in {"r", "fisher_z"}]
    if not correlated and len(layout.means) == len(layout.sds) == 2:
        pairs = {"mean": layout.means, "sd": layout.sds}
        parts = {f"{k}{n}": at(i) for k, v in pairs.items() for n, i in enumerate(v, start=1)}
        if all(number(c) is not None for c in (*parts.values(), *groups)):
            difference = (number(parts["mean1"]) or 0) - (number(parts["mean2"]) or 0)
            return _of_groups(layout, at, means({**parts, **sizes}), difference, present)
    if not correlated and len(layout.events) == 2 and len(groups) == 2:
        counts = {
            "events1": at(layout.events[0]),
            "events2": at(layout.events[1]),
            "total1": groups[0],
            "total2": groups[1],
        }
        found = [n for c in counts.values() if (n := number(c)) is not None]
        if len(found) == len(counts):
            # cross-multiplied: the sign of the difference of the two risks
            difference = found[0] * found[3] - found[1] * found[2]
            return _of_groups(layout, at, events(counts), difference, present)
    if not present:
        return {}, "no effect in the row", ""
    order = list(_EFFECTS.values())
    index, name, cell = min(present, key=lambda p: (order.index(p[1]), p[0]))
    return _computed(layout, at, index, name, cell, present, sizes)


def _computed(
    layout: _Layout,
    at: Any,
    index: int,
    name: str,
    cell: Cell,
    present: list[tuple[int, str, Cell]],
    sizes: dict[str, Cell],
) -> tuple[Entry, str, str]:
    """An effect with what stands beside it, and its sign as the program's own columns have it."""
    n, se = at(layout.size), at(layout.beside(index, "stderr"))
    found: Entry = {name: cell}
    if name in {"d", "g"} and all(sizes.values()) and sizes:
        found |= sizes
    elif n is not None:
        found["n"] = n
    elif se is not None and name != "odds_ratio":  # that of an odds ratio is of its logarithm
        found["se"] = se
    limits = {
        "ci_low": at(layout.beside(index, "lowerlimit")),
        "ci_high": at(layout.beside(index, "upperlimit")),
    }
    if name in found:
        found |= {k: c for k, c in limits.items() if c is not None}
    typed = _sign_of(name, cell)
    others = [p for p in present if p[0] != index]
    sign, doubt = _sign(layout, at, typed, f"the effect is {number(cell)}", others)
    if doubt:
        return {f"CMA {k}": c for k, c in found.items()}, "", doubt
    return (found if sign == typed else _turned(found, name)), "", ""


def _sign(
    layout: _Layout, at: Any, typed: int, shown: str, others: list[tuple[int, str, Cell]]
) -> tuple[int, str]:
    """The sign of an effect, and what contradicts it.

    The direction turns what was typed; the effects that the program computed carry the result,
    and so does its Z-Value.
    """
    if not typed:
        return 0, ""
    told = at(layout.direction) if layout.direction is not None else None
    direction = _SIGNS.get(str(told.value).strip().lower(), 0) if told is not None else 0
    z = at(layout.keys.index("zvalue")) if "zvalue" in layout.keys else None
    seen = {_sign_of(name, cell) for _, name, cell in others} | {_sign_of("z", z)}
    seen -= {0}
    if len(seen) > 1:
        return typed, f"{shown}, and other columns of the row have either sign."
    computed = seen.pop() if seen else 0
    if computed not in {0, typed, direction}:
        return typed, f"{shown}, but another column of the row has the other sign."
    if direction < 0 < (computed or typed) or (not computed and direction > 0 > typed):
        return typed, f"{shown}, but its direction is said to be {told.value if told else ''}."
    return computed or typed, ""


def _sign_of(name: str, cell: Cell | None) -> int:
    """1 or -1; that of an odds ratio is the sign of its logarithm. 0 where there is none."""
    value = number(cell)
    if value is None or (name == "odds_ratio" and value <= 0):
        return 0
    null = 1 if name == "odds_ratio" else 0
    return (value > null) - (value < null)


def _turned(found: Entry, name: str) -> Entry:
    """An effect with the other sign, and limits that belong to what was typed."""

    def turn(cell: Cell) -> Cell:
        value = number(cell) or 0.0
        how = "sign of the program's own columns (Effect direction)"
        return Cell(1 / value if name == "odds_ratio" else -value, cell.place, how)

    value, low, high = (number(found.get(k)) for k in (name, "ci_low", "ci_high"))
    turned = {k: c for k, c in found.items() if k not in {"ci_low", "ci_high"}}
    turned[name] = turn(found[name])
    if value is not None and low and high and low <= value <= high:
        turned |= {"ci_low": turn(found["ci_high"]), "ci_high": turn(found["ci_low"])}
    return turned


def _of_groups(
    layout: _Layout,
    at: Any,
    read: tuple[Entry, str],
    difference: float,
    present: list[tuple[int, str, Cell]],
) -> tuple[Entry, str, str]:
    """Numbers of two groups, unless the program's own columns have the other sign."""
    numbers, reason = read
    typed = (difference > 0) - (difference < 0)
    side = "above" if typed > 0 else "below"
    shown = f"the first group of the row less the second is {side} 0"
    sign, doubt = _sign(layout, at, typed, shown, present)
    if sign != typed:
        doubt = f"{shown}, but the program's own columns have the other sign."
    if doubt and not reason:
        return {f"CMA {k}": c for k, c in numbers.items()}, "", doubt
    return numbers, reason, ""


def _ask(found: Found) -> None:
    """Ask what the program does not say."""
    grouped = tuple(
        i for i, e in enumerate(found.entries) if any(key_of(k) == "subgroupwithinstudy" for k in e)
    )
    if grouped:
        found.ask(
            "MA558",
            f"{len(grouped)} rows name a subgroup within their study. Are these "
            "different people? sample is blank, so their errors are taken as correlated.",
            "Where they are, copy the column into sample.",
            column="sample",
            entries=grouped,
        )
