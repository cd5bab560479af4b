"""Propose a configuration for a team's own sheet: only what the reader does not do by itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from metaalliance.errors import UnreadableFileError
from metaalliance.sheet.columns.direction_words import direction_named, words_to_map
from metaalliance.sheet.columns.guesses import (
    guess_effect,
    guess_n,
    guess_study,
    has_effect,
)
from metaalliance.sheet.columns.header import read_columns
from metaalliance.sheet.columns.header_rows import (
    HeaderCell,
    best_header,
    find_header,
    titled_row,
    wide_below_titles,
    wide_of,
)
from metaalliance.sheet.columns.labels import named_by_labels
from metaalliance.sheet.columns.reading import codes_for_missing, column_values
from metaalliance.sheet.columns.scheme import Scheme
from metaalliance.sheet.columns.sheet_choice import is_about
from metaalliance.sheet.columns.specification import STATISTICS
from metaalliance.sheet.columns.spreads import Guess, Sheet, guess_scale, guess_spread
from metaalliance.sheet.columns.wide import Wide
from metaalliance.sheet.read.grid import Grid, is_blank


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the configuration.

    Attributes
    ----------
    section : str
        "columns", or "" for the top of the file.
    key, value : str
        What it says; the value as TOML.
    why, evidence : str
        What it rests on, and what was seen.
    active : bool
        Whether it counts. A line that a person has to decide on is a comment.
    """

    section: str = "columns"
    key: str
    value: str
    why: str
    evidence: str = ""
    active: bool = True

    @property
    def text(self) -> str:
        """The line without its reason."""
        return f"{'' if self.active else '# '}{self.key} = {self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a configuration could say about a sheet.

    Attributes
    ----------
    sheet : str
        The sheet.
    row : int
        The header row.
    known : dict of str to str
        Headers by column that are read without a configuration.
    lines : tuple of Line
        What the reader would not do by itself.
    unknown : tuple of str
        Headers that stay columns of the team: possible moderators.
    wide : Wide or None
        Effects that stand side by side, where the sheet is wide.
    rows, usable : int
        Rows under the header, and those with a study and an effect.
    effect : bool
        Whether an effect is known or proposed.
    effect_read : bool
        Whether an effect is read although the sheet looks wide.
    """

    sheet: str
    row: int
    known: dict[str, str]
    lines: tuple[Line, ...]
    unknown: tuple[str, ...]
    wide: Wide | None
    rows: int
    usable: int
    effect: bool
    effect_read: bool


def propose(
    grids: list[Grid], wanted: str | None, file: str, scheme: Scheme | None = None
) -> Proposal:
    """Look at the headers and values of a sheet and propose what they mean.

    Of several sheets, the one with most rows that have a study and an effect.

    Raises
    ------
    UnreadableFileError
        When no sheet has a row that could be a header.
    """
    grids = [named_by_labels(g, scheme or Scheme())[0] for g in grids]
    visible = [g for g in grids if g.visible and not is_about(g)] or grids
    candidates = visible if wanted is None else [g for g in grids if g.name == wanted]
    found = [p for g in candidates if (p := _propose(g, scheme or Scheme())) is not None]
    if not found:
        raise UnreadableFileError(f"{file} has no sheet with a row of headers.", code="MA201")
    named = [p for p in found if p.sheet.strip().lower() == "effects"]
    return (named or sorted(found, key=lambda p: (p.usable, len(p.known)), reverse=True))[0]


def _propose(grid: Grid, scheme: Scheme) -> Proposal | None:
    """The proposal for one sheet."""
    header = _find_header(grid, scheme)
    if header is None:
        return None
    row, cells = header
    read = read_columns(grid, row, cells, scheme)
    texts = tuple(cell.text for cell in cells)
    columns = tuple(column_values(grid, row, i) for i in range(len(texts)))
    named = {name: number - 1 for name, number in read.columns.items()}
    sheet = Sheet(grid, texts, named, columns)
    wide = wide_of(grid, row, list(texts))
    lines, sheet = _lines(sheet, wide if not has_effect(sheet) else None)
    lines += _directions(sheet)
    used = {json.loads(x.value) for x in lines if x.active and x.section == "columns"}
    places = [i for name, i in sheet.named.items() if name in STATISTICS]
    if wide is not None:
        places += [i for part in wide.parts for i in part.columns.values()]
    study = sheet.named.get("study")
    blank = [] if study is None else _blank_studies(sheet, study, places)
    if blank:
        lines.insert(0, _fill_down(sheet, blank))
    lines += _missing_codes(sheet, texts)
    return Proposal(
        sheet=grid.name,
        row=row,
        known={name: texts[i] for name, i in named.items() if texts[i] not in used},
        lines=tuple(lines),
        unknown=tuple(h for h in read.extra if h not in used),
        wide=wide,
        rows=sum(_filled(values, range(len(texts))) for values in grid.rows[row:]),
        usable=0 if study is None else sum(_filled(v, places) for v in grid.rows[row:]),
        effect=bool(places),
        effect_read=has_effect(sheet),
    )


def _filled(values: Sequence[Any], places: Sequence[int]) -> bool:
    return any(i < len(values) and not is_blank(values[i]) for i in places)


def _find_header(grid: Grid, scheme: Scheme) -> tuple[int, list[HeaderCell]] | None:
    """The reader's header; else the row in which most are known, or texts above numbers.

    Titles above effects side by side come first: their names alone would be read as one column.
    """
    below = wide_below_titles(grid)
    if below is not None:
        return below[0], [HeaderCell(text, below[0]) for text in below[1]]
    found = find_header(grid, scheme)
    some = found or best_header(grid, scheme, lambda known: "study" in known or len(known) > 1)
    return some or titled_row(grid)


def _lines(sheet: Sheet, wide: Wide | None) -> tuple[list[Line], Sheet]:
    """Lines for what the reader does not know, and the sheet with what they name."""
    lines: list[Line] = []

    def take(guess: Guess | None) -> None:
        nonlocal sheet
        if guess is not None:
            at = sheet.texts.index(guess.header)
            if _is_title(sheet, at):
                why = f"{guess.why}; but it stands over several columns"
                guess = replace(guess, sure=False, why=why)
            lines.append(_line(guess))
            sheet = replace(sheet, named={**sheet.named, guess.column: at})

    take(guess_study(sheet))
    for guess in guess_n(sheet):
        take(guess)
    if wide is not None:
        return lines, sheet
    effects = guess_effect(sheet)
    for guess in effects:
        take(guess)
    effect = next((c for c in sheet.named if c in STATISTICS and c != "p"), "")
    spread, scale = guess_spread(sheet, effect)
    unsure = any(not g.sure for g in effects)
    for guess in spread:
        take(replace(guess, sure=guess.sure and not unsure))
    if scale is not None:
        lines[:] = [x for x in lines if x.key != effect]
        why = "the sheet has no n; with its variance it is an effect computed already"
        header = sheet.texts[sheet.named[effect]]
        lines.append(_line(Guess(column="yi", header=header, why=why, sure=not unsure)))
        lines.append(_scale(scale, f"{header!r} names the scale", active=not unsure))
        return lines, sheet
    found = guess_scale(sheet)
    if found is not None and {"vi", "sei"} & sheet.named.keys():
        lines.append(_scale(found.header, found.why, active=found.sure))
    return lines, sheet


def _is_title(sheet: Sheet, at: int) -> bool:
    """Whether the column to the right of a header holds numbers and has none of its own."""
    bare = at + 1 < len(sheet.texts) and not sheet.texts[at + 1]
    return bare and any(v is not None for v in sheet.numbers(at + 1))


def _directions(sheet: Sheet) -> list[Line]:
    """Columns that look like directions, for a person to map: a direction is never guessed."""
    found = []
    for index, header in sheet.free():
        column = direction_named(header, sheet.columns[index])
        if column and column not in sheet.named:
            words = words_to_map(column, header, sheet.columns[index])
            why = "looks like a direction, which turns signs and is not read by itself"
            why += f"; with {words}" if words else ""
            found.append(Line(key=column, value=quoted(header), why=why, active=False))
    return found


def _line(guess: Guess) -> Line:
    return Line(key=guess.column, value=quoted(guess.header), why=guess.why,
                evidence=guess.evidence, active=guess.sure)  # fmt: skip


def _scale(scale: str, why: str, *, active: bool) -> Line:
    choices = 'the scale of yi: "z", "r", "d", "g" or "log_or"'
    return Line(section="", key="yi_measure", value=quoted(scale or "z"), active=active,
                why=f"{choices}; {why}")  # fmt: skip


def _blank_studies(sheet: Sheet, study: int, places: Sequence[int]) -> list[int]:
    """Rows without a label that hold an effect, below a row with one."""
    labels = sheet.columns[study]
    blank = [
        k for k, label in enumerate(labels)
        if is_blank(label) and any(not is_blank(sheet.columns[i][k]) for i in places)
    ]  # fmt: skip
    return blank if labels and not is_blank(labels[0]) else []


def _fill_down(sheet: Sheet, blank: list[int]) -> Line:
    """The option to fill down the study, and what is blank in the same rows."""
    columns = ["study", *(
        name for name in ("label", "year") if name in sheet.named
        and all(is_blank(sheet.columns[sheet.named[name]][k]) for k in blank)
    )]  # fmt: skip
    listed = ", ".join(map(quoted, columns))
    n = sheet.columns[sheet.named["n"]] if "n" in sheet.named else []
    same = bool(n) and all(n[k] == n[k - 1] for k in blank)
    also = ", where n is that of the row above" if same else ""
    if columns[1:]:
        also = f", and {' and '.join(columns[1:])} with it"
    return Line(section="", key="fill_down", value=f"[{listed}]", active=bool(also),
                why="the study stands in the first of its rows only",
                evidence=f"blank in {len(blank)} rows that hold an effect{also}")  # fmt: skip


def _missing_codes(sheet: Sheet, texts: Sequence[str]) -> list[Line]:
    """Numbers such as -999 in columns whose other numbers are not negative, or 999 far above them.

    What only stands far from the others may be a number; a person decides.
    """
    found: dict[str, list[str]] = {}
    names = {at: name for name, at in sheet.named.items()}
    for index, text in enumerate(texts):
        name = names.get(index, text)
        for code in codes_for_missing(name, sheet.columns[index]) if text else ():
            found.setdefault(code, []).append(text)
    if not found:
        return []
    columns = list(dict.fromkeys(c for listed in found.values() for c in listed))
    sure = all(code.startswith("-") and "." not in code for code in found)
    why = "whose other numbers are not negative" if sure else "far from the other numbers"
    listed = ", ".join(map(quoted, found))
    return [Line(section="", key="missing", value=f"[{listed}]", active=sure,
                 evidence=f"in {', '.join(columns[:6])}, {why}",
                 why="codes for missing values")]  # fmt: skip


def quoted(text: str) -> str:
    """Return a TOML basic string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
