"""Propose a configuration for a team's own sheet: its headers as columns, its values as levels."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from metaalliance.errors import UnreadableFileError
from metaalliance.sheet.columns.header import SEARCH_ROWS, header_text
from metaalliance.sheet.columns.specification import (
    COLUMNS,
    STATISTICS,
    find_column,
    suggest_column,
)
from metaalliance.sheet.columns.vocabularies import VOCABULARIES, Vocabulary, key_of
from metaalliance.sheet.read.grid import Grid, is_blank
from metaalliance.sheet.read.numbers import MISSING_TOKENS, parse_number
from metaalliance.sheet.texts import clean_text

#: Headers that name a study where no better one does.
_STUDY_LIKE = ("id", "no", "nr", "number", "article", "paper", "trial", "name", "studyno",
               "studynumber", "source", "label", "firstauthor")  # fmt: skip
#: What single letters mean in rater columns, where several levels could begin so.
_RATERS = {"p": "client", "c": "client", "t": "therapist", "r": "observer", "o": "observer",
           "i": "observer"}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """A header with the column that it is taken for.

    Attributes
    ----------
    header, column : str
        The team's header and the column of the specification.
    why : str
        What the proposal rests on.
    known : bool
        Whether the sheet is read so without a configuration.
    """

    header: str
    column: str
    why: str
    known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A value that a vocabulary does not have.

    Attributes
    ----------
    column, value : str
        Where it stands and what it is.
    count : int
        In how many rows.
    suggestion : str
        The level that it may mean, or "".
    """

    column: str
    value: str
    count: int
    suggestion: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a configuration could say about a sheet.

    Attributes
    ----------
    sheet : str
        The sheet.
    row : int
        The header row.
    mapped : tuple of Mapped
        Headers with a column.
    unknown : tuple of str
        Headers without one: possible moderators.
    levels : tuple of Level
        Values outside the vocabularies.
    missing : tuple of str
        What the sheet still lacks, in words.
    """

    sheet: str
    row: int
    mapped: tuple[Mapped, ...]
    unknown: tuple[str, ...]
    levels: tuple[Level, ...] = field(repr=False)
    missing: tuple[str, ...]


def propose(grids: list[Grid], wanted: str | None, file: str) -> Proposal:
    """Look at the headers and values of a sheet and propose their meaning.

    Raises
    ------
    UnreadableFileError
        When no sheet has a row that could be a header.
    """
    candidates = [g for g in grids if wanted is None or g.name == wanted]
    scored = [(len(g.rows), g, row) for g in candidates if g.visible and (row := _header_row(g))]
    if not scored:
        raise UnreadableFileError(f"{file} has no sheet with a row of headers.", code="MA201")
    named = [s for s in scored if s[1].name.strip().lower() == "effects"]
    _, grid, row = (named or sorted(scored, key=lambda s: -s[0]))[0]
    headers = {i: header_text(v) for i, v in enumerate(grid.rows[row - 1]) if not is_blank(v)}
    mapped = _map(grid, row, headers)
    taken = {m.header for m in mapped}
    columns = {m.column for m in mapped}
    missing = [] if "study" in columns else ["no header looks like the study label"]
    if not columns & set(STATISTICS):
        missing.append("no header looks like a statistic (r, t, F, d, p ...)")
    if "n" not in columns:
        missing.append("no header looks like n")
    if "outcome_direction" not in columns:
        missing.append(
            "there is no outcome_direction: signs are taken as aligned (positive = better "
            "alliance, better outcome) unless you add the column"
        )
    return Proposal(
        sheet=grid.name,
        row=row,
        mapped=tuple(mapped),
        unknown=tuple(h for h in headers.values() if h not in taken),
        levels=tuple(_levels(grid, row, headers, mapped)),
        missing=tuple(missing),
    )


def _header_row(grid: Grid) -> int | None:
    """The first row of the top that is mostly text and as wide as any: most texts win."""
    best, most = None, 1
    for number, values in enumerate(grid.rows[:SEARCH_ROWS], start=1):
        texts = sum(isinstance(v, str) and not is_blank(v) for v in values)
        filled = sum(not is_blank(v) for v in values)
        known = sum(find_column(header_text(v)) is not None for v in values if isinstance(v, str))
        score = texts + 2 * known
        if texts > filled / 2 and texts >= 2 and score > most:
            best, most = number, score
    return best


def _map(grid: Grid, row: int, headers: dict[int, str]) -> list[Mapped]:
    """Map headers by name, alias, likeness, then by what their values look like."""
    mapped: dict[str, Mapped] = {}
    for header in headers.values():
        column = find_column(header)
        if column and column not in mapped:
            why = "its name" if header == column else "a known alias"
            mapped[column] = Mapped(header=header, column=column, why=why, known=True)
    used = {m.header for m in mapped.values()}
    for header in headers.values():
        column = suggest_column(header) if header not in used else None
        if column and column not in mapped:
            mapped[column] = Mapped(header=header, column=column, why="a like name", known=False)
    _add_study(grid, row, headers, mapped)
    _add_r(grid, row, headers, mapped)
    return list(mapped.values())


def _add_study(grid: Grid, row: int, headers: dict[int, str], mapped: dict[str, Mapped]) -> None:
    """Take an identifier for the study where no header names it."""
    if "study" in mapped:
        return
    used = {m.header for m in mapped.values()}
    free = [(i, h) for i, h in headers.items() if h not in used]
    likely = [h for _, h in free if key_of(h) in _STUDY_LIKE]
    if likely:
        why = "an identifier, and no header names the study"
        mapped["study"] = Mapped(header=likely[0], column="study", why=why, known=False)
        return
    for index, header in free:
        texts = [v for v in _values(grid, row, index) if isinstance(v, str)]
        if texts and sum(any(c.isdigit() for c in t) for t in texts) > len(texts) / 2:
            why = "texts with years"
            mapped["study"] = Mapped(header=header, column="study", why=why, known=False)
            return


def _add_r(grid: Grid, row: int, headers: dict[int, str], mapped: dict[str, Mapped]) -> None:
    """Take a column of numbers inside (-1, 1) for r where there is no statistic."""
    if set(mapped) & set(STATISTICS):
        return
    used = {m.header for m in mapped.values()}
    for index, header in headers.items():
        if header in used:
            continue
        numbers = [parse_number(v).value for v in _values(grid, row, index)]
        known = [v for v in numbers if v is not None]
        inside = [v for v in known if -1 < v < 1]
        if len(known) >= 3 and len(inside) == len(known) and any(v != int(v) for v in known):
            why = "numbers between −1 and 1"
            mapped["r"] = Mapped(header=header, column="r", why=why, known=False)
            return


def _values(grid: Grid, row: int, index: int) -> list[Any]:
    """Values of a column under the header that are not blank."""
    cells = (values[index] for values in grid.rows[row:] if index < len(values))
    return [v for v in cells if not is_blank(v)]


def _levels(grid: Grid, row: int, headers: dict[int, str], mapped: list[Mapped]) -> list[Level]:
    """Values of closed vocabularies that they do not have, most frequent first."""
    index_of = {header: index for index, header in headers.items()}
    found = []
    for m in mapped:
        vocabulary = VOCABULARIES.get(m.column)
        if vocabulary is None or vocabulary.named or COLUMNS[m.column].kind != "choice":
            continue
        texts = Counter(clean_text(str(v)) for v in _values(grid, row, index_of[m.header]))
        for text, count in texts.most_common():
            if text.lower() not in MISSING_TOKENS and vocabulary.find(text) is None:
                guess = vocabulary.suggest(text) or by_initial(vocabulary, text) or ""
                found.append(Level(column=m.column, value=text, count=count, suggestion=guess))
    return found


def by_initial(vocabulary: Vocabulary, text: str) -> str | None:
    """Return the only level that a single letter can abbreviate, by name or alias.

    Examples
    --------
    >>> by_initial(VOCABULARIES["alliance_rater"], "T"), by_initial(VOCABULARIES["format"], "X")
    ('therapist', None)
    """
    if len(text) != 1:
        return None
    initial = text.casefold()
    if vocabulary.name.endswith("_rater") and initial in _RATERS:
        return _RATERS[initial]
    first = {level for level in vocabulary.levels if level.casefold().startswith(initial)}
    if len(first) == 1:
        return first.pop()
    aliased = {
        level
        for level, names in vocabulary.aliases.items()
        if any(name.casefold().startswith(initial) for name in names)
    }
    return aliased.pop() if not first and len(aliased) == 1 else None
