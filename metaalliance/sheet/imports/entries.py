"""What an import has found: cells with their origin, what was left out, what a person decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Cell:
    """A value of the coding sheet with where it came from.

    Attributes
    ----------
    value : object
        What is entered.
    place : str
        Cell or element of the source.
    how : str
        What was done to it; "" for a value that is entered as it stood.
    """

    value: Any
    place: str = ""
    how: str = ""


#: One row of the coding sheet: cells by column.
Entry = dict[str, Cell]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row or a cell of the source that is no row of the coding sheet."""

    place: str
    study: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person has to decide or to know.

    Attributes
    ----------
    code : str
        Code of its message.
    column : str
        Column that it is about, or "".
    entries : tuple of int
        Rows of the coding sheet that it is about, from 0.
    text, hint : str
        What was seen, and what to do.
    """

    code: str
    text: str
    hint: str = ""
    column: str = ""
    entries: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command was told.

    Attributes
    ----------
    sheet : str or None
        Sheet of the source.
    reviewer : str or None
        Whose rows of a Covidence export are taken.
    directions : mapping of str to str
        Direction of an outcome by its name; "*" for all others.
    columns : mapping of str to str
        Column of the coding sheet by the header of the source.
    """

    sheet: str | None = None
    reviewer: str | None = None
    directions: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Found:
    """What a house reads from a file.

    Attributes
    ----------
    entries : list of dict
        Rows of the coding sheet.
    left_out : list of LeftOut
        What became no row.
    questions : list of Question
        What is not certain.
    meaning : str
        What the numbers are, and what pooling them as r means; "" where they are correlations.
    unit : str
        What was counted in the source.
    scores : bool
        Whether the effects are of scores as they are measured, whose direction nobody has chosen.
    """

    entries: list[Entry] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    meaning: str = ""
    unit: str = "rows"
    scores: bool = False

    def ask(
        self,
        code: str,
        text: str,
        hint: str = "",
        *,
        column: str = "",
        entries: tuple[int, ...] = (),
    ) -> None:
        """Enter a question."""
        made = Question(code=code, text=text, hint=hint, column=column, entries=entries)
        self.questions.append(made)
