"""The lines of a table with a plot in it, and their division into pages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from metaalliance.errors import OptionError
from metaalliance.options import Measure
from metaalliance.plots.canvas.typeset import Line, Run
from metaalliance.plots.canvas.wording import Wording
from metaalliance.plots.forests.rows import StudyRow


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
    """

    name: str
    header: tuple[Line, ...]
    side: Literal["left", "right"]
    numeric: bool = True
    optional: bool = False
    short: Line | None = None


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


def paginate(lines: Sequence[TableLine], per_page: int) -> list[tuple[TableLine, ...]]:
    """Divide lines into pages of at most `per_page`.

    A heading stays with its first study, a diamond and its note with the last study, and
    the prediction interval with the overall diamond. A group that goes on repeats its heading.

    Raises
    ------
    OptionError
        When a page would be too short.
    """
    if per_page < FEWEST_LINES:
        raise OptionError(f"rows_per_page={per_page} is less than {FEWEST_LINES}.")
    pages: list[list[TableLine]] = [[]]
    heading: Heading | None = None
    for block in _blocks(lines):
        if len(pages[-1]) + len(block) > per_page:
            pages.append([])
            if heading is not None and isinstance(block[0], StudyRow):
                pages[-1].append(_continued(heading))
        if isinstance(block[0], Heading):
            heading = block[0]
        pages[-1].extend(block)
    return [tuple(page) for page in pages]


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
