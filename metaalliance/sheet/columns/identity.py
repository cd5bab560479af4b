"""Which columns say what one report is: a study, an identifier, or author and year."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from metaalliance.sheet.columns.scheme import Scheme
from metaalliance.sheet.columns.vocabularies import key_of
from metaalliance.sheet.read.grid import Grid, is_blank

_AUTHORS = frozenset(
    {"author", "authors", "firstauthor", "leadauthor", "firstauthors", "autor", "autoren",
     "erstautor", "verfasser", "auteur", "auteurs", "premierauteur", "eersteauteur", "autores",
     "primerautor", "autore", "autori", "primoautore"}
)  # fmt: skip
#: Headers of identifiers that are those of studies.
STUDY_IDS = frozenset(
    {"studyid", "sid", "idstudy", "studyno", "studynr", "studynum", "studynumber", "studycode",
     "articleid", "paperid", "reportid", "trialid", "recordid", "studienid", "studiennr",
     "studiennummer", "studienummer", "studieid", "idétude", "idestudio", "idstudio"}
)  # fmt: skip
STUDIES = frozenset({"study", "studie", "étude", "etude", "estudio", "studio", "onderzoek"})
#: Identifiers that may count rows as well as studies.
_BARE = frozenset({"id", "no", "nr", "number"})
#: Codes of studies: 12, S01, Study 3; no names.
_CODE = re.compile(
    r"[0-9]+(?:\.[0-9]+)?[a-z]?|(?:[a-z]{1,3}[-_]?|(?:study|studie|estudio|studio|étude|sample|"
    r"experiment|exp|paper|article)[ ._-]*)[0-9]{1,3}[a-z]?"
).fullmatch


@dataclass(frozen=True, slots=True)
class Identity:
    """Where the identity of a study stands; columns count from 1, 0 is none.

    Attributes
    ----------
    study : int
        Column of the study; that of the author where author and year are the study.
    author : int
        Column of the author, where it makes the study or its label.
    composed : bool
        Whether author and year are the study, rather than its label.
    label, effect : int
        Columns that are the label of the study and the identifier of the effect.
    numbered : int
        Column that counts within reports, and is no study.
    apart : bool
        Whether the identifier of the effects may be one of reports.
    named : bool
        Whether the study has a name, which author and year only describe.
    """

    study: int = 0
    author: int = 0
    composed: bool = False
    label: int = 0
    effect: int = 0
    numbered: int = 0
    apart: bool = False
    named: bool = False

    @property
    def own(self) -> dict[int, str]:
        """Columns that the identity places itself, by number."""
        placed = {self.effect: "effect", self.label: "label", self.study: "study"}
        return {number: name for number, name in placed.items() if number}


def find_identity(grid: Grid, row: int, headers: Sequence[str], scheme: Scheme) -> Identity:
    """Say which column is the study, from the headers and from what they tell apart.

    Author and year are the study where no column of studies tells their reports apart; where
    one does, they are its label.
    """
    kinds = {number: _kind(text, scheme) for number, text in enumerate(headers, start=1) if text}
    columns = _Texts(grid.rows, row)
    author = next((n for n, kind in kinds.items() if kind == "author"), 0)
    year, size = (next((n for n, kind in kinds.items() if kind == k), 0) for k in ("year", "n"))
    found = _study(kinds, columns, author, year, size)
    placed = set(kinds.values())
    return replace(
        found,
        label=0 if "label" in placed else found.label,
        effect=0 if "effect" in placed else found.effect,
    )


def _kind(text: str, scheme: Scheme) -> str:
    """What a header is for the identity."""
    column, key = scheme.column_of(text), key_of(text)
    if key in scheme.moderators:
        return ""
    if column in {"year", "label", "effect", "n"}:
        return str(column)
    if column not in {"study", None}:
        return ""
    if key in _AUTHORS:
        return "author"
    if "study" in scheme.taken:
        return "study" if column == "study" else ""
    if key in STUDIES:
        return "study"
    if key in STUDY_IDS:
        return "id"
    if key in _BARE:
        return "bare"
    if column != "study":
        return ""
    return "publication" if key in {"publication", "reference"} else "name"


class _Texts(dict[int, list[str]]):
    """Folded texts under the header by number of the column; each is read when it is asked for."""

    def __init__(self, rows: list[list[Any]], header: int) -> None:
        super().__init__()
        self._rows, self._header = rows, header

    def __missing__(self, number: int) -> list[str]:
        known: dict[str, str] = {}  # equal texts are one object
        below = islice(self._rows, self._header, None)
        found = (_text(values[number - 1]) if number <= len(values) else "" for values in below)
        self[number] = [known.setdefault(text, text) for text in found]
        return self[number]


def _text(raw: Any) -> str:
    return "" if is_blank(raw) else " ".join(str(raw).split()).casefold()


def _study(
    kinds: dict[int, str], columns: dict[int, list[str]], author: int, year: int, size: int
) -> Identity:
    of = {kind: [n for n, k in kinds.items() if k == kind] for kind in set(kinds.values())}
    reports = _reports(columns, author, year)
    names = [*of.get("name", []), *of.get("publication", [])]
    candidates = (*of.get("study", []), *of.get("id", []), *(of.get("bare", []) if author else []))
    if candidates:
        first = candidates[0]
        alone = kinds[first] == "study" and year and size and not author
        if alone and _names_authors(columns[first], columns[year], columns[size]):
            return Identity(study=first, author=first, composed=True)
        return _coded(first, kinds, columns, reports, author, names)
    for number in sorted(names, key=lambda n: -len(set(columns[n]))):
        apart = splits(reports, columns[number]) or kinds[number] == "name"
        if not splits(columns[number], reports) and (apart or not author):
            return Identity(study=number)
    return Identity(study=author, author=author if year else 0, composed=bool(author and year))


def _coded(
    number: int, kinds: dict[int, str], columns: dict[int, list[str]], reports: list[Any],
    author: int, names: list[int],
) -> Identity:  # fmt: skip
    """Judge a column of studies or identifiers by the reports that stand beside it."""
    values, bare = columns[number], kinds[number] == "bare"
    report = Identity(study=author, author=author, composed=True)
    if _counts(values, reports):
        return replace(report, effect=number) if bare else replace(report, numbered=number)
    if not author:
        finest = max(names, key=lambda n: len(set(columns[n])), default=0)
        if finest and _counts(values, list(columns[finest])):
            return Identity(study=finest, numbered=number)
    if bare and splits(reports, values) and _all_differ(values):
        return replace(report, effect=number, apart=True)
    if kinds[number] == "study" and not _coded_values(values):
        return Identity(study=number, author=author, named=bool(author))
    label = next((n for n in names if _agree(values, columns[n])), 0)
    return Identity(study=number, author=0 if label else author, label=label)


def _reports(columns: dict[int, list[str]], author: int, year: int) -> list[Any]:
    """Author with year of each row, or None."""
    if not author:
        return []
    years = columns[year] if year else [""] * len(columns[author])
    pairs = zip(columns[author], years, strict=True)
    return [(a, y) if a and (y or not year) else None for a, y in pairs]


def _counts(values: list[str], reports: list[Any]) -> bool:
    """Whether a column counts 1, 2, 3 within each report, so that one value stands in most.

    Words count, too, where several of them start anew: RCT and open label of each author. One
    name in most reports is that of a large study.
    """
    beside = _beside(values, reports)
    anew = sum(len(found) > 1 for found in beside.values())
    if not _coded_values(values) and (anew < 2 or not splits(reports, values)):
        return False
    most = max((len(found) for found in beside.values()), default=0)
    several = len({r for r in reports if r})
    return most > 1 and (2 * most > several or (2 * most == several and splits(reports, values)))


def _names_authors(values: list[str], years: list[str], sizes: list[str]) -> bool:
    """Whether names without a number in a column of studies stand in several years.

    Other people in each year say so: a report whose year was mistyped in one row has one n.
    """
    rows = zip(values, years, sizes, strict=True)
    named = [row for row in rows if not any(c.isdigit() for c in row[0])]
    names, of_names = [v for v, _, _ in named], [y for _, y, _ in named]
    people = [(v, n) for v, _, n in named]
    return splits(names, of_names) and not splits(people, of_names)


def _coded_values(values: list[str]) -> bool:
    return all(map(_CODE, filter(None, values)))


def _all_differ(values: list[str]) -> bool:
    known = [v for v in values if v]
    return len(set(known)) == len(known)


def _agree(first: list[str], second: list[str]) -> bool:
    return not splits(first, second) and not splits(second, first)


def _beside(first: Iterable[Hashable], second: Iterable[Hashable]) -> dict[Hashable, set[Any]]:
    """Values of the second column that stand beside each of the first; blanks aside."""
    found: dict[Hashable, set[Any]] = defaultdict(set)
    for a, b in zip(first, second, strict=False):
        if a and b:
            found[a].add(b)
    return found


def splits(first: Iterable[Hashable], second: Iterable[Hashable]) -> bool:
    """Whether one value of the first column stands beside several of the second.

    Examples
    --------
    >>> splits(["a", "a", "b"], [1, 2, 2]), splits([1, 2, 2], ["a", "b", "b"])
    (True, False)
    """
    return any(len(found) > 1 for found in _beside(first, second).values())
