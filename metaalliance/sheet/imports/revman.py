"""RevMan: the data rows of RevMan Web, the data export of RevMan 5, and its `.rm5` file.

The layouts stand in the files of R's package meta (inst/extdata), in a review in
github.com/IEBH/revman (test/data) and on
documentation.cochrane.org/revman-kb/data-package-specification-249561249.html.
"""

from __future__ import annotations

from typing import Any

from metaalliance.sheet.columns.specification import COLUMNS
from metaalliance.sheet.imports.comparison import number
from metaalliance.sheet.imports.entries import Asked, Cell, Found
from metaalliance.sheet.imports.revman_rows import Kind, RevManRow, found_in
from metaalliance.sheet.imports.rm5 import is_rm5, read_rm5
from metaalliance.sheet.imports.source import Source, Table

#: Columns of the data rows of RevMan Web by what they hold, for each kind of data.
_WEB: dict[Kind, dict[str, str]] = {
    "dichotomous": {"events1": "experimentalcases", "total1": "experimentaln",
                    "events2": "controlcases", "total2": "controln"},
    "continuous": {"mean1": "experimentalmean", "sd1": "experimentalsd", "n1": "experimentaln",
                   "mean2": "controlmean", "sd2": "controlsd", "n2": "controln"},
    "contrast": {"estimate": "givmean", "se": "givse"},
    "O-E": {"O-E": "oe", "variance": "variance", "total1": "experimentaln", "total2": "controln"},
}  # fmt: skip
#: Likewise of the data export of RevMan 5.
_FIVE: dict[Kind, dict[str, str]] = {
    "dichotomous": {"events1": "events1", "total1": "total1", "events2": "events2",
                    "total2": "total2"},
    "continuous": {"mean1": "mean1", "sd1": "sd1", "n1": "total1", "mean2": "mean2",
                   "sd2": "sd2", "n2": "total2"},
    "contrast": {"estimate": "effectestimate", "se": "se"},
    "O-E": {"O-E": "oe", "variance": "variance", "total1": "total1", "total2": "total2"},
}  # fmt: skip
_TYPES: dict[str, Kind] = {"DIC": "dichotomous", "CON": "continuous", "IV": "contrast",
                           "GIV": "contrast", "IPD": "O-E", "O-E": "O-E", "OEV": "O-E"}  # fmt: skip


def fits(source: Source, sheet: str | None) -> bool:
    """Whether a file is one of RevMan's."""
    return is_rm5(source) or _web(source, sheet) is not None or _five(source, sheet) is not None


def read(source: Source, asked: Asked) -> Found:
    """Read the rows of data of every analysis."""
    if is_rm5(source):
        rows, others = read_rm5(source)
        found = found_in(rows)
        found.left_out += others
        return found
    web = _web(source, asked.sheet)
    if web is not None:
        return found_in(_web_rows(web))
    five = _five(source, asked.sheet)
    return found_in(_five_rows(five) if five is not None else [])


def _web(source: Source, sheet: str | None) -> Table | None:
    return source.table(
        "analysisgroup", "analysisnumber", "study", "experimentaln|givmean|oe", sheet=sheet
    )


def _five(source: Source, sheet: str | None) -> Table | None:
    return source.table("comparisonnumber", "outcomenumber", "subgroupnumber", "name", sheet=sheet)


def _web_rows(table: Table) -> list[RevManRow]:
    """Rows of data of RevMan Web, which writes 0 where an analysis has no such number."""
    keys = table.keys
    lines = list(table.lines())
    kinds = _kinds(table, lines)
    rows = []
    for line, values in lines:
        text = {
            k: table.cell(line, values, keys.get(k), COLUMNS["study"])
            for k in (
                "analysisgroup",
                "analysisnumber",
                "analysisname",
                "study",
                "subgroup",
                "footnotes",
                "applicability",
            )
        }
        analysis = _analysis(values, keys)
        kind = kinds[analysis]
        own = {
            name: text[key]
            for name, key in (
                ("comparison", "analysisgroup"),
                ("footnotes", "footnotes"),
                ("applicability", "applicability"),
            )
        }
        rows.append(
            RevManRow(
                study=text["study"],
                year=table.cell(line, values, keys.get("studyyear"), COLUMNS["year"]),
                outcome=text["analysisname"],
                subgroup=text["subgroup"],
                effect=".".join(analysis),
                kind=kind,
                parts=_parts(table, line, values, _WEB[kind]),
                own={k: c for k, c in own.items() if c is not None},
            )
        )
    return rows


def _analysis(values: list[Any], keys: dict[str, int]) -> tuple[str, ...]:
    return tuple(str(values[keys[k]]).strip() for k in ("analysisgroup", "analysisnumber"))


def _kinds(table: Table, lines: list[tuple[int, list[Any]]]) -> dict[tuple[str, ...], Kind]:
    """The kind of data of each analysis: the one whose columns hold more than zeros."""
    found: dict[tuple[str, ...], Kind] = {}
    telling: dict[Kind, tuple[str, ...]] = {
        "contrast": ("givse",),
        "continuous": ("experimentalsd", "controlsd"),
        "O-E": ("oe", "variance"),
        "dichotomous": ("experimentalcases", "controlcases"),
    }
    for kind, names in telling.items():
        at = [table.keys[n] for n in names if n in table.keys]
        for line, values in lines:
            cells = (table.cell(line, values, i, COLUMNS["value"]) for i in at)
            if any(number(c) for c in cells):
                found.setdefault(_analysis(values, table.keys), kind)
    for _, values in lines:  # no events anywhere
        found.setdefault(_analysis(values, table.keys), "dichotomous")
    return found


def _five_rows(table: Table) -> list[RevManRow]:
    """Rows of data of RevMan 5's export, in which headings are rows of their own."""
    keys = table.keys
    rows: list[RevManRow] = []
    comparison = outcome = subgroup = None
    kind: Kind = "dichotomous"
    measure, at = "", ("", "", "")
    for line, values in table.lines():
        name = table.cell(line, values, keys["name"], COLUMNS["study"])
        here = tuple(
            str(values[keys[k]] or "0").strip()
            for k in ("comparisonnumber", "outcomenumber", "subgroupnumber")
        )
        typed = table.cell(line, values, keys.get("datatype"), COLUMNS["study"])
        if here[1] == "0":
            comparison = name
        elif typed is not None:
            outcome, subgroup = name, None
            kind = _TYPES.get(str(typed.value).upper(), "contrast")
            told = table.cell(line, values, keys.get("effectmeasure"), COLUMNS["study"])
            measure = str(told.value) if told is not None else ""
        elif here[2] != "0" and here != at:
            subgroup = name
        else:
            rows.append(
                RevManRow(
                    study=name,
                    year=table.cell(line, values, keys.get("yearofstudy"), COLUMNS["year"]),
                    outcome=outcome,
                    comparison=comparison,
                    subgroup=subgroup,
                    effect=".".join(n for n in here if n != "0"),
                    kind=kind,
                    measure=measure,
                    parts=_parts(table, line, values, _FIVE[kind]),
                    logged=False,
                )
            )
        at = here  # type: ignore[assignment]
    return rows


def _parts(table: Table, line: int, values: list[Any], names: dict[str, str]) -> dict[str, Cell]:
    """The numbers of one row."""
    found = {
        name: table.cell(line, values, table.keys.get(key), COLUMNS["value"])
        for name, key in names.items()
    }
    return {name: cell for name, cell in found.items() if cell is not None}
