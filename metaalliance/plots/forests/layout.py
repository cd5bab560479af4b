"""Columns of a forest plot: widths measured, positions in mm, nothing on top of anything."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from metaalliance.errors import OptionError
from metaalliance.plots.canvas.page import SHARE, Align, plot_width
from metaalliance.plots.canvas.style import Style
from metaalliance.plots.canvas.typeset import ROUNDING, Line
from metaalliance.plots.forests.lines import EFFECT, ColumnSpec, Table, TableLine
from metaalliance.plots.forests.measure import (
    INDENT,
    broken_head,
    cell_width,
    effect_widths,
    has_text,
    head_within,
    label_width,
    widest,
)

#: Share of the page that names on one line take at most.
LABEL_SHARE = 0.45

WORD = 0.9


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
    light: bool = False

    @property
    def middle(self) -> float:
        """Middle of the column, where lights stand."""
        return (self.left + self.right) / 2

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
    """Where everything stands, in mm from the left edge; cells may be `stacked` under names."""

    size: float
    gap: float
    label: Column
    left: tuple[Column, ...]
    right: tuple[Column, ...]
    panel: tuple[float, float]
    stacked: bool = False

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
        edges = [self.label.right, *(column.right for column in self.left)]
        return max(edges)

    @property
    def header_lines(self) -> int:
        """Lines of the tallest head."""
        return max(len(c.header) for c in (self.label, *self.text))

    def label_room(self, line: TableLine) -> float:
        """Width that the label of a line may take: as far as its first cell."""
        for column in () if self.stacked else self.left:
            if has_text(line, column.index, effect=column.edges is not None):
                return column.left - self.gap - self.label.left
        return self.block_right - self.label.left

    def cells_below(self, line: TableLine) -> bool:
        """Whether the cells of a line stand under its name."""
        shown = (has_text(line, c.index, effect=c.edges is not None) for c in self.left)
        return self.stacked and any(shown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Squeeze:
    """How much a table gives up so that the plot gets its share.

    Attributes
    ----------
    small : bool
        Smaller type.
    tight : float
        Factor of the distances between columns; below 1 heads are broken too.
    halved : bool
        Names on two lines.
    stacked : bool
        Cells under the names.
    cell_limit : float
        Widest column of text in mm.
    dropped : tuple of str
        Optional columns that are left out.
    """

    small: bool = True
    tight: float = 1.0
    halved: bool = False
    stacked: bool = False
    cell_limit: float = 500.0
    dropped: tuple[str, ...] = ()


_SHARES = ("weight", "I2")
_COUNTS = (*_SHARES, "k")

#: From a table that has space to one that is squeezed into a column of a journal.
SQUEEZES = (
    Squeeze(small=False),
    Squeeze(),
    Squeeze(tight=0.8, halved=True),
    Squeeze(tight=0.7, halved=True, dropped=_SHARES),
    Squeeze(tight=0.6, halved=True, dropped=_COUNTS),
    Squeeze(tight=0.7, stacked=True, dropped=_COUNTS),
    Squeeze(tight=0.45, stacked=True, dropped=(*_COUNTS, "n")),
    Squeeze(tight=0.45, stacked=True, cell_limit=16.0, dropped=(*_COUNTS, "n")),
)


def place_columns(table: Table, width: float, style: Style) -> Columns:
    """Measure a table and place its columns on a page of `width` mm.

    Type is made smaller, names are broken, optional columns (weights, and numbers of effects and
    participants that nobody asked for) are left out, and the others put under the names, until the
    plot has half of a narrow page. No name is cut; a cell is, as the last resort, unless the
    table is whole.

    Raises
    ------
    OptionError
        When the columns do not fit even so.
    """
    wanted = plot_width(width)
    found = []
    for squeeze in SQUEEZES[:-1] if table.whole else SQUEEZES:
        found.append(_place(table, width, style, squeeze, wanted))
        if found[-1].panel_width >= wanted - ROUNDING:
            return found[-1]
    widest_plot = max(found, key=lambda columns: columns.panel_width)
    if widest_plot.panel_width >= SHARE * width - ROUNDING:
        return widest_plot
    least = math.ceil((width - widest_plot.panel_width) / (1 - SHARE))
    raise OptionError(
        f"The columns leave no space for the plot in {width:g} mm: choose fewer columns or a "
        f"greater width; these need {least} mm.",
        code="MA678",
    )


def _place(table: Table, width: float, style: Style, squeeze: Squeeze, wanted: float) -> Columns:
    """Place the columns of a table that is squeezed; `wanted` is the width of the plot in mm."""
    size = min(style.size, style.small_size) if squeeze.small else style.size
    gap = style.gap * squeeze.tight
    kept = [
        (i, column)
        for i, column in enumerate(table.columns)
        if not (column.optional and column.name in squeeze.dropped)
    ]
    measured = [(i, c, *_measured(table, i, c, size, squeeze)) for i, c in kept]
    before = [entry for entry in measured if squeeze.stacked or entry[1].side == "left"]
    after = [entry for entry in measured if not squeeze.stacked and entry[1].side == "right"]
    room = width - 2 * style.margin - 2.2 * gap - wanted
    names = _names_width(table, squeeze, before, size, gap, max(room, LABEL_SHARE * width))
    start = style.margin + (1 + table.indented) * INDENT
    if squeeze.stacked:
        cells = sum(wide for *_, wide in before) + gap * (len(before) - 1)
        names = max(min(names, room), start - style.margin + cells)
    label = Column(
        style.margin, style.margin + names, head_within(table.label_header, names, size), False
    )
    x, left = label.right + gap, []
    if squeeze.stacked:
        lines = max((len(header) for _, _, header, _ in before), default=0)
        label = replace(label, header=(*label.header, *((),) * lines))
        x = start
    for i, spec, header, wide in before:
        left.append(_column(table, i, spec, header, x, x + wide, size))
        x += wide + gap
    end, right = width - style.margin, []
    for i, spec, header, wide in reversed(after):
        right.append(_column(table, i, spec, header, end - wide, end, size))
        end -= wide + gap
    panel = (max(x - gap, label.right) + 1.2 * gap, end if right else end - gap)
    return Columns(size, gap, label, tuple(left), tuple(reversed(right)), panel, squeeze.stacked)


#: A column with its place in a line, its head and its width in mm.
_Measured = tuple[int, ColumnSpec, tuple[Line, ...], float]


def _names_width(
    table: Table, squeeze: Squeeze, before: list[_Measured], size: float, gap: float, most: float
) -> float:
    """Width of the labels in mm; what has no cells may run on into the columns beside it."""
    found = [widest(head_within(table.label_header, most, size), size)]
    for line in table.lines:
        wide = label_width(table, line, size, halved=squeeze.halved)
        for index, spec, _, column in () if squeeze.stacked else before:
            if has_text(line, index, effect=spec.name == EFFECT):
                break
            wide -= gap + column
        found.append(wide)
    return min(max(found), most)


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
        _, second, third = effect_widths(table, size)
        edges = (right - third - second - 2 * WORD, right - third - WORD, right)
    return Column(left, right, header, spec.numeric, index, edges, spec.light)


def _measured(
    table: Table, index: int, spec: ColumnSpec, size: float, squeeze: Squeeze
) -> tuple[tuple[Line, ...], float]:
    """Return head and width of a column."""
    narrow = squeeze.tight < 1
    if spec.name == EFFECT:
        content = sum(effect_widths(table, size)) + 2 * WORD
        header = spec.header
        if narrow:
            header = tuple(part for line in header for part in broken_head(line, content, size))
        return header, max(content, widest(header, size))
    content = min(cell_width(table, index, size), squeeze.cell_limit)
    single = spec.short if narrow and spec.short is not None else spec.header[0]
    header = broken_head(single, content, size) if len(spec.header) == 1 else spec.header
    return header, max(content, widest(header, size))
