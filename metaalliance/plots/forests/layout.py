"""Columns of a forest plot: widths measured, positions in mm, nothing on top of anything."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from metaalliance.errors import OptionError
from metaalliance.plots.canvas.numbers import effect_text, interval_ends
from metaalliance.plots.canvas.page import Align
from metaalliance.plots.canvas.style import Style
from metaalliance.plots.canvas.typeset import (
    ELLIPSIS,
    Line,
    Run,
    line_width,
    plain,
    shorten,
    user,
    wrap,
)
from metaalliance.plots.forests.lines import (
    EFFECT,
    ColumnSpec,
    Heading,
    Note,
    Pooled,
    Prediction,
    Table,
    TableLine,
)
from metaalliance.plots.forests.rows import StudyRow

#: Share of the page that the plot keeps at least.
PANEL_SHARE = 0.24

INDENT = 2.0
WORD = 0.9

#: A head that is not wider than this, in mm, stays on one line.
SHORT = 15.0

#: Where text columns are cut to less, in mm, the head of the effects is broken too.
NARROW_HEADS = 20.0


@dataclass(frozen=True, slots=True)
class Column:
    """A text column: its edges in mm, the lines of its head, its alignment.

    `index` is the place of its cells in a line; `edges` are the right edges of the three parts
    of "r [low, high]" in the column of effects.
    """

    left: float
    right: float
    header: tuple[Line, ...]
    numeric: bool
    index: int = -1
    edges: tuple[float, float, float] | None = None

    @property
    def align(self) -> Align:
        """Alignment of the text."""
        return "right" if self.numeric else "left"

    @property
    def width(self) -> float:
        """Width in mm."""
        return self.right - self.left


@dataclass(frozen=True, slots=True)
class Columns:
    """Where everything stands on the page, in mm from its left edge."""

    size: float
    gap: float
    label: Column
    left: tuple[Column, ...]
    right: tuple[Column, ...]
    panel: tuple[float, float]

    @property
    def panel_width(self) -> float:
        """Width of the plot in mm."""
        return self.panel[1] - self.panel[0]

    @property
    def text(self) -> tuple[Column, ...]:
        """Every column but the labels."""
        return (*self.left, *self.right)

    @property
    def block_right(self) -> float:
        """Right edge of the text on the left of the plot."""
        return self.left[-1].right if self.left else self.label.right

    @property
    def header_lines(self) -> int:
        """Lines of the tallest head."""
        return max(len(c.header) for c in (self.label, *self.text))

    def label_room(self, line: TableLine) -> float:
        """Width that the label of a line may take: as far as its first cell."""
        for column in self.left:
            if has_text(line, column.index, effect=column.edges is not None):
                return column.left - self.gap - self.label.left
        return self.block_right - self.label.left


@dataclass(frozen=True, slots=True, kw_only=True)
class Squeeze:
    """How much a table gives up so that the plot gets its share.

    Attributes
    ----------
    small : bool
        Smaller type.
    label_share : float
        Share of the page that labels take at most.
    cell_limit : float
        Widest text column in mm.
    tight : float
        Factor of the distances between columns.
    dropped : tuple of str
        Optional columns that are left out.
    """

    small: bool = True
    label_share: float = 0.40
    cell_limit: float = 500.0
    tight: float = 1.0
    dropped: tuple[str, ...] = ()


#: From a table that has space to one that is squeezed into a column of a journal.
SQUEEZES = (
    Squeeze(small=False),
    Squeeze(),
    Squeeze(label_share=0.30, cell_limit=16.0, tight=0.8),
    Squeeze(label_share=0.33, cell_limit=16.0, tight=0.7, dropped=("weight", "I2")),
    Squeeze(label_share=0.25, cell_limit=13.0, tight=0.6, dropped=("weight", "I2")),
    Squeeze(label_share=0.25, cell_limit=13.0, tight=0.6, dropped=("weight", "I2", "k")),
    Squeeze(label_share=0.25, cell_limit=13.0, tight=0.6, dropped=("weight", "I2", "k", "n")),
    Squeeze(label_share=0.20, cell_limit=13.0, tight=0.45, dropped=("weight", "I2", "k", "n")),
)


#: The same for a table in which nothing may be cut.
WHOLE = tuple(
    Squeeze(small=small, label_share=1.0, tight=tight)
    for small, tight in ((False, 1.0), (True, 1.0), (True, 0.7), (True, 0.45))
)


def place_columns(table: Table, width: float, style: Style) -> Columns:
    """Measure a table and place its columns on a page of `width` mm.

    Type is made smaller, then labels and text columns are cut, and then optional columns
    (weights, and numbers of effects and participants that nobody asked for) are left out, only
    when the plot would otherwise get less than its share. Of a table that is whole, nothing is cut.

    Raises
    ------
    OptionError
        When the columns do not fit even so.
    """
    for squeeze in WHOLE if table.whole else SQUEEZES:
        columns = _place(table, width, style, squeeze)
        if columns.panel_width >= PANEL_SHARE * width:
            return columns
    remedy = "choose fewer columns or a greater width."
    if table.whole:
        least = (width - columns.panel_width) / (1 - PANEL_SHARE)
        remedy = f"no name here may be cut, and whole they need {math.ceil(least)} mm."
    raise OptionError(
        f"The columns leave no space for the plot in {width:g} mm: {remedy}", code="MA678"
    )


def _place(table: Table, width: float, style: Style, squeeze: Squeeze) -> Columns:
    size = style.small_size if squeeze.small else style.size
    gap = style.gap * squeeze.tight
    kept = [
        (i, column)
        for i, column in enumerate(table.columns)
        if not (column.optional and column.name in squeeze.dropped)
    ]
    measured = [(i, c, *_measured(table, i, c, size, squeeze.cell_limit)) for i, c in kept]
    before = [entry for entry in measured if entry[1].side == "left"]
    after = [entry for entry in measured if entry[1].side == "right"]
    widths = {i: found for i, _, _, found in before}
    limit = squeeze.label_share * width
    wanted = min(_label_width(table, widths, size, gap), limit)
    head = _head_within(table.label_header, wanted, size)
    label = Column(style.margin, style.margin + wanted, head, False)
    x, left = label.right, []
    for i, spec, header, wide in before:
        left.append(_column(table, i, spec, header, x + gap, x + gap + wide, size))
        x = left[-1].right
    end, right = width - style.margin, []
    for i, spec, header, wide in reversed(after):
        right.append(_column(table, i, spec, header, end - wide, end, size))
        end -= wide + gap
    panel = (x + 1.2 * gap, end if right else end - gap)
    return Columns(size, gap, label, tuple(left), tuple(reversed(right)), panel)


def _column(
    table: Table,
    index: int,
    spec: ColumnSpec,
    header: tuple[Line, ...],
    left: float,
    right: float,
    size: float,
) -> Column:
    """Place a column; parts of effects are aligned to its right edge."""
    edges = None
    if spec.name == EFFECT:
        _, second, third = _effect_widths(table, size)
        edges = (right - third - second - 2 * WORD, right - third - WORD, right)
    return Column(left, right, header, spec.numeric, index, edges)


def _measured(
    table: Table, index: int, spec: ColumnSpec, size: float, limit: float
) -> tuple[tuple[Line, ...], float]:
    """Return head and width of a column."""
    narrow = limit < NARROW_HEADS
    if spec.name == EFFECT:
        content = sum(_effect_widths(table, size)) + 2 * WORD
        header = spec.header
        if narrow:
            header = tuple(part for line in header for part in _head(line, content, size))
        return header, max(content, _widest(header, size))
    content = _cell_width(table, index, size, limit)
    single = spec.short if narrow and spec.short is not None else spec.header[0]
    header = _head(single, content, size) if len(spec.header) == 1 else spec.header
    return header, max(content, _widest(header, size))


def _head(header: Line, content: float, size: float) -> tuple[Line, ...]:
    """Break a head into two or three lines where it is wider than what stands under it."""
    natural = line_width(header, size)
    if natural <= max(content, SHORT) or " " not in header[-1].text:
        return (header,)
    bold = any(run.bold for run in header)
    longest = max(line_width((Run(w, bold=bold),), size) for w in plain(header).split())
    for share, most in ((0.55, 2), (0.4, 3)):
        broken = wrap(header, max(content, share * natural, 1.05 * longest), size)
        whole = sum(len(run.text) for line in broken for run in line)
        intact = whole >= sum(len(run.text.replace(" ", "")) for run in header)
        if 1 < len(broken) <= most and intact:
            return tuple(broken)
    return (header,)


def _head_within(header: Line, limit: float, size: float) -> tuple[Line, ...]:
    """Return the head of the labels on one line or two, cut where its words are too long."""
    if line_width(header, size) > limit:
        broken = wrap(header, limit, size)
        if len(broken) == 2 and not any(part[-1].text.endswith(ELLIPSIS) for part in broken):
            return tuple(broken)
    return (shorten(header, limit, size),)


def _widest(lines: Iterable[Line], size: float) -> float:
    return max((line_width(line, size) for line in lines), default=0.0)


def _label_width(table: Table, widths: dict[int, float], size: float, gap: float) -> float:
    """Width of the labels; what has no cells may run on into the columns beside it."""
    found = [line_width(table.label_header, size)]
    for line in table.lines:
        wanted = _wanted(table, line, size)
        if wanted:
            found.append(wanted - _empty_after(table, line, widths, gap))
    return max(found)


def _wanted(table: Table, line: TableLine, size: float) -> float:
    """Width of the label of a line, its indent included."""
    if isinstance(line, StudyRow):
        return indent_of(table, line) + line_width(user(line.label), size)
    if isinstance(line, Pooled):
        return indent_of(table, line) + line_width(line.label, size)
    if isinstance(line, Heading):
        return line_width((*line.label, Run(" (continued)", bold=True)), size)
    return line_width(line.wordings[-1], size) if isinstance(line, Prediction) else 0.0


def _empty_after(table: Table, line: TableLine, widths: dict[int, float], gap: float) -> float:
    """Width of the columns right of the labels that a line leaves empty."""
    total = 0.0
    for index, width in widths.items():
        if has_text(line, index, effect=table.columns[index].name == EFFECT):
            break
        total += gap + width
    return total


def indent_of(table: Table, line: TableLine) -> float:
    """Return how far the label of a line is set in, in mm."""
    indent = INDENT if table.indented else 0.0
    if isinstance(line, StudyRow) and line.minor:
        return indent + INDENT
    if isinstance(line, Heading | Prediction) or (isinstance(line, Pooled) and line.overall):
        return 0.0
    return indent


def has_text(line: TableLine, index: int, *, effect: bool) -> bool:
    """Whether a line has text in the column `index`."""
    if effect:
        return not isinstance(line, Heading | Note)
    return isinstance(line, StudyRow | Pooled) and bool(line.cells[index])


def _cell_width(table: Table, i: int, size: float, limit: float) -> float:
    rows = (line for line in table.lines if isinstance(line, StudyRow | Pooled))
    found = {(line.cells[i], table.is_bold(line)) for line in rows}
    return min(_widest((user(cell, bold=bold) for cell, bold in found if cell), size), limit)


def effect_parts(line: TableLine, table: Table) -> tuple[str, str, str]:
    """Return estimate and halves of the interval, which are aligned each on its own."""
    measure, wording = table.measure, table.wording
    if isinstance(line, StudyRow) and line.printed is not None:
        value, low, high = line.printed
        return (effect_text(value, "r", 2, wording), *interval_ends(low, high, "r", wording))
    if isinstance(line, StudyRow | Pooled):
        ends = interval_ends(line.low, line.high, measure, wording)
        if isinstance(line, StudyRow) and line.censored:
            return ("n.s.", *ends)
        return (effect_text(line.estimate, measure, 2, wording), *ends)
    if isinstance(line, Prediction):
        return ("", *interval_ends(line.low, line.high, measure, wording))
    return "", "", ""


def _effect_widths(table: Table, size: float) -> tuple[float, float, float]:
    parts = [
        [Run(text, bold=table.is_bold(line)) for text in effect_parts(line, table)]
        for line in table.lines
    ]
    first, second, third = (
        max(line_width((run,), size) for run in set(column)) for column in zip(*parts, strict=True)
    )
    return first, second, third


def first_fitting(wordings: Sequence[Line], limit: float, size: float) -> Line:
    """Return the first wording that fits `limit` mm, or the last one cut."""
    for line in wordings:
        if line_width(line, size) <= limit:
            return line
    return shorten(wordings[-1], limit, size)
