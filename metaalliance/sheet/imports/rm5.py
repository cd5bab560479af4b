"""RevMan 5's own file, `.rm5`: an XML document with every analysis of a review."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from metaalliance.errors import UnreadableFileError
from metaalliance.sheet.columns.specification import COLUMNS
from metaalliance.sheet.imports.entries import Cell, LeftOut
from metaalliance.sheet.imports.revman_rows import Kind, RevManRow
from metaalliance.sheet.imports.source import Source, carried

_KINDS: dict[str, Kind] = {"DICH": "dichotomous", "CONT": "continuous", "IV": "contrast",
                           "IPD": "O-E"}  # fmt: skip
_PARTS: dict[Kind, dict[str, str]] = {
    "dichotomous": {"events1": "EVENTS_1", "total1": "TOTAL_1", "events2": "EVENTS_2",
                    "total2": "TOTAL_2"},
    "continuous": {"mean1": "MEAN_1", "sd1": "SD_1", "n1": "TOTAL_1", "mean2": "MEAN_2",
                   "sd2": "SD_2", "n2": "TOTAL_2"},
    "contrast": {"estimate": "EFFECT_SIZE", "se": "SE"},
    "O-E": {"O-E": "O_E", "variance": "VAR", "total1": "TOTAL_1", "total2": "TOTAL_2"},
}  # fmt: skip


def is_rm5(source: Source) -> bool:
    """Whether a file is a review of RevMan 5."""
    return source.is_xml and b"COCHRANE_REVIEW" in source.content[:65_536].replace(b"\x00", b"")


def read_rm5(source: Source) -> tuple[list[RevManRow], list[LeftOut]]:
    """Return every row of data with the attributes that hold it, and what holds no numbers.

    Raises
    ------
    UnreadableFileError
        When the document is broken, or declares entities.
    """
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(source.content, forbid_dtd=True)
    except DefusedXmlException:
        raise UnreadableFileError(
            f"{source.name} declares a document type or entities; it will not be opened.",
            code="MA106",
        ) from None
    except (ParseError, ValueError, LookupError) as error:
        raise UnreadableFileError(
            f"{source.name} is a broken .rm5 file ({error}). Save it again in RevMan.",
            code="MA105",
        ) from None
    studies = {s.get("ID", ""): s for s in root.iter("STUDY")}
    comparisons = list(root.iter("COMPARISON"))
    rows = [r for c in comparisons for outcome in c for r in _outcome(c, outcome, studies)]
    others = [
        LeftOut(
            f"{data.tag} {c.get('NO', '?')}",
            _name(studies.get(data.get("STUDY_ID", "")), data),
            "no means, events or estimate: text, or data of another kind of review",
        )
        for c in comparisons
        for data in c.iter()
        if data.tag.endswith("_DATA") and data.tag.removesuffix("_DATA") not in _KINDS
    ]
    return rows, others


def _outcome(comparison: Any, outcome: Any, studies: dict[str, Any]) -> Iterator[RevManRow]:
    """Rows of one outcome and of its subgroups."""
    prefix = outcome.tag.removesuffix("_OUTCOME")
    if prefix not in _KINDS or prefix == outcome.tag:
        return
    number = f"{comparison.get('NO', '?')}.{outcome.get('NO', '?')}"
    for data in outcome.findall(f"{prefix}_DATA"):
        yield _row(comparison, outcome, None, data, number, studies)
    for group in outcome.findall(f"{prefix}_SUBGROUP"):
        for data in group.findall(f"{prefix}_DATA"):
            named = f"{number}.{group.get('NO', '?')}"
            yield _row(comparison, outcome, group, data, named, studies)


def _row(
    comparison: Any, outcome: Any, group: Any, data: Any, number: str, studies: dict[str, Any]
) -> RevManRow:
    """One element of data."""
    kind = _KINDS[data.tag.removesuffix("_DATA")]
    where = f"{data.tag} {number}, {data.get('STUDY_ID', '?')}"
    study = studies.get(data.get("STUDY_ID", ""))
    logged = kind == "contrast" and bool(data.get("ESTIMATE"))
    parts = {} if not logged else {"estimate": _number(data, "ESTIMATE", where)}
    for name, attribute in _PARTS[kind].items():
        if data.get(attribute) and name not in parts:
            parts[name] = _number(data, attribute, where)
    labels = {f"group {i}": _named(outcome, f"GROUP_LABEL_{i}", number) for i in (1, 2)}
    return RevManRow(
        study=_study(study, data, where),
        year=_number(study, "YEAR", f"STUDY {data.get('STUDY_ID')}", "year")
        if study is not None and study.get("YEAR")
        else None,
        outcome=_named(outcome, "NAME", number),
        comparison=_named(comparison, "NAME", str(comparison.get("NO", "?"))),
        subgroup=_named(group, "NAME", number) if group is not None else None,
        effect=number,
        kind=kind,
        measure=outcome.get("EFFECT_MEASURE", ""),
        parts=parts,
        estimable=data.get("ESTIMABLE", "YES") != "NO",
        logged=logged,
        own={k: c for k, c in labels.items() if c is not None},
    )


def _study(study: Any, data: Any, where: str) -> Cell | None:
    """The name of a study; its identifier where the list of studies lacks it."""
    name = _name(study, data)
    if study is not None and study.get("NAME"):
        return Cell(name, f"STUDY {data.get('STUDY_ID')}, NAME")
    return Cell(name, f"{where}, STUDY_ID", "no STUDY has this ID") if name else None


def _name(study: Any, data: Any) -> str:
    if study is not None and study.get("NAME"):
        return str(study.get("NAME"))
    name = data.get("STUDY_ID", "").removeprefix("STD-").replace("-", " ")
    return re.sub(r"_x([0-9a-fA-F]{4})_", lambda m: chr(int(m[1], 16)), name)


def _number(element: Any, attribute: str, where: str, column: str = "value") -> Cell:
    value, how = carried(element.get(attribute), COLUMNS[column], decimal_comma=False)
    return Cell(value, f"{where}, {attribute}", how)


def _named(element: Any, tag: str, number: str) -> Cell | None:
    """The text of a child that names an element."""
    child = element.find(tag)
    text = " ".join("".join(child.itertext()).split()) if child is not None else ""
    return Cell(text, f"{element.tag} {number}, {tag}") if text else None
