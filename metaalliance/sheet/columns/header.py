"""What each column of a sheet is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from metaalliance.errors import UnreadableFileError
from metaalliance.messages import severity_of
from metaalliance.problems import Problem
from metaalliance.sheet.columns.direction_words import direction_named, words_to_map
from metaalliance.sheet.columns.header_rows import (
    SEARCH_ROWS,
    HeaderCell,
    find_header,
    what_stands,
    wide_below_titles,
    wide_of,
)
from metaalliance.sheet.columns.identity import STUDIES, Identity, find_identity
from metaalliance.sheet.columns.limits import find_interval, holds_limits
from metaalliance.sheet.columns.names import excludes
from metaalliance.sheet.columns.reading import column_values, fits, name_columns, row_numbers
from metaalliance.sheet.columns.scheme import Scheme
from metaalliance.sheet.columns.specification import (
    COLUMNS,
    PAIRED,
    STATISTICS,
    find_column,
    suggest_column,
)
from metaalliance.sheet.columns.vocabularies import key_of
from metaalliance.sheet.columns.words import beside, interval
from metaalliance.sheet.read.grid import Grid

#: Columns of rows that name both of their variables; path models take them.
_OF_TWO_VARIABLES = frozenset(f"{side}{i}" for side in ("var", "measure", "time") for i in (1, 2))
#: Headers of samples that may share people.
_ASKED = frozenset({"subsample", "cohort"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Where the columns of a sheet stand.

    Attributes
    ----------
    row : int
        Number of the header row, from 1.
    columns : dict of str to int
        Column number, from 1, by canonical name.
    extra : dict of str to int
        Columns that are not in the specification, by their header.
    named : frozenset of int
        Columns with any header.
    identity : Identity
        What makes the study and its label.
    turned : bool
        Whether the column `include` marks what is left out.
    texts : dict of str to str
        Headers of columns whose header is not their name.
    level : float or None
        Level of intervals in one cell, where the header says it.
    lost : frozenset of str
        Columns that the configuration maps to headers that the sheet does not have.
    problems : tuple of Problem
        Aliases, unknown and duplicate columns.
    """

    row: int
    columns: dict[str, int]
    extra: dict[str, int]
    named: frozenset[int] = frozenset()
    identity: Identity = field(default_factory=Identity)
    turned: bool = False
    texts: dict[str, str] = field(default_factory=dict, repr=False)
    level: float | None = None
    lost: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = field(default=(), repr=False)

    @property
    def interval(self) -> int | None:
        """Number of the column that holds both confidence limits in one cell."""
        low, high = self.columns.get("ci_low"), self.columns.get("ci_high")
        return low if low == high else None


def read_header(
    grid: Grid, file: str, scheme: Scheme, elsewhere: frozenset[str] = frozenset()
) -> Header:
    """Map the columns of the sheet with the effects.

    Parameters
    ----------
    elsewhere : frozenset of str
        Columns that another sheet supplies.

    Raises
    ------
    UnreadableFileError
        When no row can be the header.
    """
    found = find_header(grid, scheme)
    if found is None:
        raise UnreadableFileError(
            f"The sheet {grid.name!r} of {file} has no header row with 'study' and a statistic "
            f"(r, t, F, d, p ...) in its first {SEARCH_ROWS} rows{what_stands(grid, file)}",
            code="MA201",
        )
    header = read_columns(grid, *found, scheme)
    lost = sorted(set(scheme.taken) - set(header.columns) - elsewhere)
    problems = [
        problem_at("MA213", grid, header.row, 1, f"the configuration maps {column!r} to "
                   f"{scheme.taken[column]!r}, a header that the sheet does not have.")
        for column in lost
    ]  # fmt: skip
    known = {*header.columns, *header.extra, *elsewhere, "author"}
    problems += [
        problem_at("MA335", grid, header.row, 1, f"the configuration speaks of {name!r}, which the "
                   "sheet does not have.")
        for name in dict.fromkeys(scheme.named)
        if name not in known
    ]  # fmt: skip
    return replace(header, lost=frozenset(lost), problems=(*header.problems, *problems))


def read_columns(grid: Grid, row: int, cells: list[HeaderCell], scheme: Scheme) -> Header:
    """Map the columns of a header row; exact names come before aliases."""
    columns: dict[str, int] = {}
    extra: dict[str, int] = {}
    problems = []
    if row > 1:
        kind = "The header ends in row" if any(c.row < row for c in cells) else "The header is row"
        problems.append(problem_at("MA207", grid, row, 1, f"{kind} {row}."))
    texts = [c.text for c in cells]
    named = name_columns(grid, row, texts, scheme)
    known = {name for name in named if name}
    identity = identity_of(grid, row, texts, named, scheme)
    numbering = row_numbers(grid, row, texts)
    both = find_interval(grid, row, texts, named, scheme)
    for number, (cell, name) in enumerate(zip(cells, named, strict=True), start=1):
        if number in identity.own or (number == identity.author and not identity.named):
            problems += _identify(grid, number, cell, identity, columns, scheme)
        elif number == identity.numbered:
            extra[f"{cell.text} ({number})" if cell.text in COLUMNS else cell.text] = number
            told = "author and year are" if identity.author else f"{texts[identity.study - 1]!r} is"
            message = f"{cell.text!r} counts within reports and is no study: {told}"
            problems.append(problem_at("MA523", grid, cell.row, number, message, cell.text))
        elif number == both:
            columns["ci_low"] = columns["ci_high"] = number
            if not scheme.is_mapped(cell.text):
                message = f"{cell.text!r} is read as 'ci_low' and 'ci_high'."
                problems.append(problem_at("MA206", grid, cell.row, number, message, cell.text))
        elif number in numbering and name is None and not scheme.is_mapped(cell.text):
            message = f"{cell.text!r} holds" if cell.text else "The column without header holds"
            problems.append(problem_at("MA218", grid, cell.row, number, f"{message} row numbers."))
        elif cell.text:
            _place(grid, number, cell, name, columns, extra, problems, scheme, known)
    header = Header(
        row=row,
        columns=columns,
        extra=extra,
        named=frozenset((*(n for n, c in enumerate(cells, start=1) if c.text), *columns.values()))
        | numbering,
        identity=identity,
        turned="include" in columns and excludes(texts[columns["include"] - 1]),
        texts={c: texts[n - 1] for c, n in columns.items() if texts[n - 1] != c},
        level=found[1] if both and (found := interval(texts[both - 1])) else None,
        problems=tuple(problems),
    )
    problems = _of_wide(grid, problems)
    return replace(header, problems=(*problems, *_beside_others(grid, header, texts)))


def _of_wide(grid: Grid, problems: list[Problem]) -> list[Problem]:
    """Columns that stand twice under titles are further effects: none of them is to be deleted."""
    twice = [p for p in problems if p.code == "MA204"]
    below = wide_below_titles(grid) if twice else None
    wide = wide_of(grid, below[0], list(below[1])) if below else None
    if wide is None:
        return problems
    listed = ", ".join(wide.labels[:6])
    hint = f"the sheet is wide ({listed} side by side); metaalliance import makes a row of each"
    return [replace(p, hint=hint) if p in twice else p for p in problems]


def identity_of(
    grid: Grid, row: int, texts: Sequence[str], named: Sequence[str | None], scheme: Scheme
) -> Identity:
    """Return which columns are the study, under the names that the headers have."""
    known = {key_of(text): name for text, name in zip(texts, named, strict=True) if name}
    identity = find_identity(grid, row, texts, replace(scheme, headers={**known, **scheme.headers}))
    if not identity.study and "study" in named:
        return replace(identity, study=named.index("study") + 1)  # names of rows
    return identity


def _beside_others(grid: Grid, header: Header, texts: list[str]) -> list[Problem]:
    """Say that effects of a wide sheet stand beside the one that is read."""
    wide = wide_of(grid, header.row, texts)
    below = wide_below_titles(grid) if wide is None else None
    if below is not None and below[0] > header.row:
        wide, texts = wide_of(grid, below[0], list(below[1])), list(below[1])
    read = {number - 1 for number in header.columns.values()}
    lost = [] if wide is None else [
        part.columns[c] for part in wide.parts for c in part.columns
        if part.columns[c] not in read and c in STATISTICS
    ]  # fmt: skip
    if len(lost) < 2:
        return []
    listed = ", ".join(repr(texts[i]) for i in lost)
    message = f"{listed} look like further effects of the study; they are not read."
    return [problem_at("MA219", grid, header.row, lost[0] + 1, message, texts[lost[0]])]


def without_years(header: Header) -> Header:
    """Read authors as the study without their year, as the sheet with the effects has them."""
    if not header.identity.composed:
        return header
    return replace(header, identity=Identity(study=header.identity.study))


def _exact(text: str, name: str) -> bool:
    return key_of(text) == key_of(name)


def _identify(
    grid: Grid,
    number: int,
    cell: HeaderCell,
    identity: Identity,
    columns: dict[str, int],
    scheme: Scheme,
) -> list[Problem]:
    """Enter a header of the identity; say what the study and its label are."""
    name = identity.own.get(number)
    if name is not None:
        columns[name] = number
    if name == "effect" and identity.apart:
        message = (
            f"{cell.text!r} is read as 'effect', though it differs within one author and year: "
            "their rows count as one study."
        )
        return [problem_at("MA528", grid, cell.row, number, message, cell.text)]
    if number == identity.study and identity.composed:
        message = f"The study is {cell.text!r} with its year."
        if key_of(cell.text) in STUDIES:
            message = f"{cell.text!r} holds names in several years: each name and year is a study."
            return [problem_at("MA539", grid, cell.row, number, message, cell.text)]
    elif name is None:
        message = f"{cell.text!r} and the year are the label of the study."
    elif cell.text == name or scheme.is_mapped(cell.text):
        return []
    else:
        message = f"{cell.text!r}" if cell.text else "The column without header"
        message += f" is read as {name!r}."
    return [problem_at("MA206", grid, cell.row, number, message, cell.text)]


def _place(
    grid: Grid,
    number: int,
    cell: HeaderCell,
    name: str | None,
    columns: dict[str, int],
    extra: dict[str, int],
    problems: list[Problem],
    scheme: Scheme,
    known: set[str],
) -> None:
    """Enter one header into `columns` or `extra`, with its problem if any."""
    text, row = cell.text, cell.row
    if name == "study" and not ("study" in columns and _exact(text, name)):
        name = None  # authors or a reference beside the study
    if name is None:
        key = text if text not in extra and text not in COLUMNS else f"{text} ({number})"
        extra[key] = number
        if not scheme.is_mapped(text) and key_of(text) not in _OF_TWO_VARIABLES:
            code, message, hint = *_not_taken(text, scheme, {*columns, *known, *scheme.taken}), ""
            values = column_values(grid, row, number - 1)
            direction = direction_named(text, values)
            if code == "MA220" and len(text) == 1 and _holds_its_numbers(grid, row, number, text):
                code = "MA221"
                message = (
                    f"{text!r} contradicts r in most rows; it is kept as a column of your own."
                )
            elif holds_limits(grid, row, number, text):
                code, message = "MA220", f"{text!r} holds no limits of the effect that is read."
            elif direction and direction not in {*columns, *known, *scheme.taken}:
                code, message = "MA226", f"{text!r} looks like a direction and is not read"
                told = (f'[columns] {direction} = "{text}"', words_to_map(direction, text, values))
                hint = f"map it: {'; '.join(t for t in told if t)}"
            problems.append(problem_at(code, grid, row, number, message, text, hint))
    elif name in columns:
        message = f"{text!r} and {grid.place(row, columns[name])} both mean {name!r}."
        problems.append(problem_at("MA204", grid, row, number, message, text))
    else:
        columns[name] = number
        if name == "include" and excludes(text):
            message = f"{text!r} is read as 'include' turned round: what it marks is left out."
            problems.append(problem_at("MA538", grid, row, number, message, text))
        elif text != name and not scheme.is_mapped(text):
            message = f"{text!r} is read as {name!r}."
            problems.append(problem_at("MA206", grid, row, number, message, text))
        if key_of(text) in _ASKED and not scheme.is_mapped(text):
            message = f"{text!r} is read as sample: are its values different people?"
            problems.append(problem_at("MA519", grid, row, number, message, text))


def _holds_its_numbers(grid: Grid, row: int, number: int, text: str) -> bool:
    """Whether a column holds numbers that the statistic of its header could be."""
    name = find_column(text)
    values = column_values(grid, row, number - 1)
    return name in STATISTICS and fits(values, COLUMNS[name], grid)


def _not_taken(text: str, scheme: Scheme, placed: set[str]) -> tuple[str, str]:
    """Code and message for a header that is no column."""
    known = scheme.column_of(text)
    if known not in {None, "study"}:
        return "MA220", f"{text!r} holds no {known}; it is kept as a column of your own."
    near = suggest_column(text)
    if near is None or near in placed or text in PAIRED or (near in STATISTICS and beside(text)):
        return "MA205", f"{text!r} is not a known column; it is kept as a possible moderator."
    return "MA212", f"{text!r} is not used; did you mean {near!r}?"


def problem_at(
    code: str, grid: Grid, row: int, column: int, message: str, seen: str = "", hint: str = ""
) -> Problem:
    """Return a problem at a place of a sheet."""
    return Problem(
        code=code,
        severity=severity_of(code),
        message=message,
        hint=hint,
        sheet=grid.name,
        cell=grid.place(row, column),
        row=grid.number(row) or None,
        seen=seen,
    )
