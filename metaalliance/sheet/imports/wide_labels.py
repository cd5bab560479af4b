"""What the labels of a wide sheet name: one column of the coding sheet for each part of a label."""

from __future__ import annotations

import re
from collections.abc import Sequence

from metaalliance.sheet.columns.vocabularies import VOCABULARIES
from metaalliance.sheet.columns.wide import EFFECTS, Wide, column_of, is_alliance
from metaalliance.sheet.columns.words import folded

#: An instrument with a number, such as ``WAI 2``.
_NUMBERED = re.compile(r"(.*?[^\W\d])[\s._]*\d+")
#: What parts a label for certain, and what may stand within a name as well.
_MARKS, _BLANKS = re.compile(r"\s*[\[\](),:;/|]+\s*"), re.compile(r"[\s._\-–—]+")
#: A form of an instrument, such as ``WAI-C``.
_FORM = re.compile(r"([^\W_]+)[\s._\-–—]*[A-Za-z]{1,2}")


def named_labels(
    wide: Wide, at: Sequence[int], levels: Sequence[Sequence[str]]
) -> list[dict[str, str]]:
    """Return for each effect what its label enters, by column.

    Parameters
    ----------
    wide : Wide
        The effects.
    at : sequence of int
        The column of each effect, from 0.
    levels : sequence of sequence of str
        The texts of each column in the header rows, where these are several.

    Examples
    --------
    >>> from metaalliance.sheet.columns.wide import find_wide
    >>> wide = find_wide(["study", "r_BDI_post", "r_GAF_fu"], [["A"], [0.3], [0.2]])
    >>> named_labels(wide, [1, 2], ())[1]
    {'outcome_measure': 'GAF', 'outcome_time': 'fu'}
    """
    labels = wide.labels
    whole = [{wide.column: label} for label in labels]
    if wide.column != "outcome_measure":
        return whole
    if numbered := _numbered(labels):
        return numbered
    for parts in (_of_levels(labels, at, levels), [_parted(x, _MARKS) for x in labels]):
        if parts and {len(p) for p in parts} == {len(parts[0])} and len(parts[0]) > 1:
            return _entered(_alliances_parted(parts))
    words = [_parted(label, _BLANKS) for label in labels]
    if min(map(len, words)) < 2:
        return whole
    if all(_known([w[-1]]) == "outcome_time" for w in words):
        return _entered([(x[: x.rindex(w[-1])].rstrip(" ._-–—"), w[-1])
                         for x, w in zip(labels, words, strict=True)])  # fmt: skip
    if _known(labels) == "alliance_measure":
        return [{"alliance_measure": label} for label in labels]
    if all(is_alliance(w[0]) for w in words):
        return _entered([(w[0], x[len(w[0]) :].lstrip(" ._-–—"))
                         for x, w in zip(labels, words, strict=True)])  # fmt: skip
    known = len({len(w) for w in words}) == 1
    if known and all(_known(column) for column in zip(*words, strict=True)):
        return _entered(words)
    return whole


def _numbered(labels: Sequence[str]) -> list[dict[str, str]]:
    """Effects of an instrument that are numbered: the instrument, and the label as the effect."""
    parted = [_NUMBERED.fullmatch(label) for label in labels]
    for name in ("alliance_measure", "outcome_measure"):
        if all(m is not None and VOCABULARIES[name].knows(m[1]) for m in parted):
            return [
                {name: m[1] if m else label, "effect": label}
                for m, label in zip(parted, labels, strict=True)
            ]
    return []


def _of_levels(
    labels: Sequence[str], at: Sequence[int], levels: Sequence[Sequence[str]]
) -> list[list[str]]:
    """The header rows of each effect without its statistic, where they make up its label."""
    if not levels:
        return []
    found = []
    for index, label in zip(at, labels, strict=True):
        parts = [text for text in levels[index] if folded(text) not in EFFECTS]
        while len(parts) > 1 and folded("".join(parts)) != folded(label):
            parts = parts[1:]
        found.append(parts)
    same = zip(found, labels, strict=True)
    return found if all(folded(" ".join(p)) == folded(x) for p, x in same) else []


def _alliances_parted(parts: list[list[str]]) -> list[list[str]]:
    """Take ``WAI bond`` apart where every label has an instrument and a level of it there."""
    columns: list[Sequence[str]] = []
    for values in zip(*parts, strict=True):
        words = [_parted(value, _BLANKS) for value in values]
        rest = [" ".join(w[1:]) for w in words]
        own = all(rest) and column_of(rest).startswith("alliance_")
        if own and all(is_alliance(w[0]) for w in words):
            columns += [[w[0] for w in words], rest]
        else:
            columns.append(values)
    return [list(p) for p in zip(*columns, strict=True)]


def _parted(label: str, mark: re.Pattern[str]) -> list[str]:
    return [text for text in mark.split(label.strip()) if text]


def _known(values: Sequence[str]) -> str:
    """The column whose levels the values are, "" where they may be outcomes of any kind."""
    column = column_of(values)
    if column not in {"effect", "outcome_measure"}:
        return column
    forms = [_FORM.fullmatch(value) for value in values]
    if all(is_alliance(v) or (m and is_alliance(m[1])) for v, m in zip(values, forms, strict=True)):
        return "alliance_measure"
    return "outcome_measure" if all(map(VOCABULARIES["outcome_measure"].knows, values)) else ""


def _entered(parts: Sequence[Sequence[str]]) -> list[dict[str, str]]:
    """Enter each part in the column that knows it, the others as measure and domain."""
    columns = [_known(values) for values in zip(*parts, strict=True)]
    for place in reversed(range(len(columns))):
        free = [c for c in ("outcome_measure", "outcome_domain") if c not in columns]
        columns[place] = columns[place] or next(iter(free), "outcome_measure")
    found: list[dict[str, str]] = []
    for values in parts:
        entry: dict[str, str] = {}
        for column, value in zip(columns, values, strict=True):
            entry[column] = f"{entry[column]} {value}" if column in entry else value
        found.append(entry)
    return found
