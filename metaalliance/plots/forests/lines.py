"""The lines of a table with a plot in it, and their division into pages."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

from metaalliance.errors import OptionError
from metaalliance.options import Measure
from metaalliance.plots.canvas.typeset import Line, Run
from metaalliance.plots.canvas.wording import Wording
from metaalliance.plots.forests.rows import StudyRow
from metaalliance.plots.lights import Lights


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """The name of a group above its studies."""

    label: Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """A diamond: a mean and its interval; `spread` is a prediction interval, or NaN twice."""

    label: Line
    cells: tuple[str, ...]
    estimate: float
    low: float
    high: float
    spread: tuple[float, float]
    overall: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Small text under a diamond, in several wordings from the longest to the shortest."""

    wordings: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The prediction interval in a line of its own.

    Attributes
    ----------
    mark : {"bar", "line", "density"}
        How it is drawn.
    center, scale, df : float
        The predictive distribution behind it: a t distribution.
    """

    wordings: tuple[Line, ...]
    low: float
    high: float
    mark: str = "bar"
    center: float = math.nan
    scale: float = math.nan
    df: float = math.inf


TableLine = Heading | StudyRow | Pooled | Note | Prediction

#: The column of estimates and intervals, whose three parts are aligned each on its own.
EFFECT = "effect"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSpec:
    """A column of text beside the plot.

    Attributes
    ----------
    name : str
        Its name; "effect" has estimates and intervals.
    header : tuple of Line
        Lines of its head.
    side : {"left", "right"}
        Of the plot.
    numeric : bool
        Whether it is aligned to the right.
    optional : bool
        Whether it may be left out where there is no room.
    short : Line, optional
        Its head where the page is narrow.
    light : bool
        Whether its cells are ratings, which are drawn as lights.
    """

    name: str
    header: tuple[Line, ...]
    side: Literal["left", "right"]
    numeric: bool = True
    optional: bool = False
    short: Line | None = None
    light: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A forest plot before it is placed.

    Attributes
    ----------
    label_header : Line
        Head of the first column.
    columns : tuple of ColumnSpec
        The other columns, from the left; the cells of a line are in this order.
    panel_header : tuple of Line
        Lines over the plot.
    lines : tuple of TableLine
        From the top to the bottom.
    indented : bool
        Whether studies stand under headings.
    whole : bool
        Whether no name and no cell may be cut, because what tells rows apart stands at the end.
    bold : bool
        Whether the numbers of the overall line are bold.
    lights : mapping
        Sign and colour of each rating.
    """

    label_header: Line
    columns: tuple[ColumnSpec, ...]
    panel_header: tuple[Line, ...]
    lines: tuple[TableLine, ...]
    indented: bool
    measure: Measure
    level: float
    wording: Wording
    whole: bool = False
    bold: bool = False
    lights: Lights = field(default_factory=dict)

    @property
    def of_means(self) -> bool:
        """Whether it has no studies, only means."""
        return not any(isinstance(line, StudyRow) for line in self.lines)

    def is_bold(self, line: TableLine) -> bool:
        """Whether the numbers of a line are bold."""
        return self.bold and isinstance(line, Pooled) and line.overall


def join_notes(lines: Sequence[TableLine]) -> tuple[TableLine, ...]:
    """Return the lines with the longest wording of each note beside its subtotal."""
    joined: list[TableLine] = []
    for line in lines:
        if isinstance(line, Note) and joined and isinstance(joined[-1], Pooled):
            label = (*joined[-1].label, Run(": "), *line.wordings[0])
            joined[-1] = replace(joined[-1], label=label)
        else:
            joined.append(line)
    return tuple(joined)


#: Fewer lines than this cannot hold a heading, a study, a diamond and its note.
FEWEST_LINES = 8


def paginate(
    lines: Sequence[TableLine], cost: Callable[[TableLine], float], room: float, last: float
) -> list[tuple[TableLine, ...]]:
    """Divide lines into as few pages as there can be, all about as long.

    A heading stays with its first study, a diamond and its note with the last study, and
    the prediction interval with the overall diamond. A group that goes on repeats its heading.

    Parameters
    ----------
    lines : sequence of TableLine
        What is divided.
    cost : callable
        What a line takes of a page.
    room, last : float
        What a page has, and the last one.

    Raises
    ------
    OptionError
        When a page would be too short.
    """
    if room < FEWEST_LINES * cost(lines[-1]):
        raise OptionError(
            f"A page has no room for {FEWEST_LINES} lines: rows_per_page={room:g} is less than "
            f"{FEWEST_LINES}, or the notes are too long."
        )
    blocks = _blocks(lines)
    costs = [sum(map(cost, block)) for block in blocks]
    heads, heading = [], None
    for block in blocks:
        heading = block[0] if isinstance(block[0], Heading) else heading
        heads.append(heading if isinstance(block[0], StudyRow) else None)
    more = [0.0 if head is None else cost(head) for head in heads]
    starts = _starts(costs, more, room, last)
    low, high = 0.0, room
    for _ in range(12 if len(starts) > 1 else 0):
        middle = (low + high) / 2
        tried = _starts(costs, more, middle, middle - room + last)
        low, high = (low, middle) if len(tried) <= len(starts) else (middle, high)
    starts = _starts(costs, more, high, high - room + last)
    pages = []
    for start, end in pairwise([*starts, len(blocks)]):
        head = heads[start] if start else None
        again = [] if head is None else [_continued(head)]
        pages.append((*again, *(line for block in blocks[start:end] for line in block)))
    return pages


def _starts(costs: list[float], more: list[float], room: float, last: float) -> list[int]:
    """Return where pages begin, filled from the last; `more` is what it costs to begin there."""
    starts, used, limit = [], 0.0, last
    for i in range(len(costs) - 1, -1, -1):
        if used and used + costs[i] + more[i] > limit:
            starts.append(i + 1)
            used, limit = 0.0, room
        used += costs[i]
    return [0, *reversed(starts)]


def _blocks(lines: Sequence[TableLine]) -> list[list[TableLine]]:
    """Group lines that stay together on a page."""
    blocks: list[list[TableLine]] = []
    for line in lines:
        starts = isinstance(line, Heading | StudyRow) or (isinstance(line, Pooled) and line.overall)
        after_heading = bool(blocks) and isinstance(blocks[-1][-1], Heading)
        if blocks and (after_heading or not starts):
            blocks[-1].append(line)
        else:
            blocks.append([line])
    return blocks


def _continued(heading: Heading) -> Heading:
    face = heading.label[-1]
    return replace(heading, label=(*heading.label, Run(" (continued)", False, face.bold)))
