"""Columns of a forest plot: widths measured, positions in mm, nothing on top of anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from metaalliance.errors import OptionError
from metaalliance.options import Measure
from metaalliance.plots.lines import Heading, Pooled, Prediction, Table, TableLine
from metaalliance.plots.numbers import effect_text, interval_ends, level_text, percent_text
from metaalliance.plots.page import Align
from metaalliance.plots.rows import StudyRow
from metaalliance.plots.style import Style
from metaalliance.plots.typeset import Line, Run, line_width, own, shorten, user, wrap

#: Share of the page that the plot keeps at least.
PANEL_SHARE = 0.24

INDENT = 2.0
WORD = 0.9


@dataclass(frozen=True, slots=True)
class Column:
    """A text column: its edges in mm, the lines of its head, its alignment."""

    left: float
    right: float
    header: tuple[Line, ...]
    numeric: bool

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
    """Where everything stands on the page, in mm from its left edge.

    `estimate`, `low`, `high` are the right edges of the three parts of "r [low, high]".
    """

    size: float
    label: Column
    cells: tuple[Column, ...]
    panel: tuple[float, float]
    effect_header: Line
    estimate: float
    low: float
    high: float
    last: Column

    @property
    def panel_width(self) -> float:
        """Width of the plot in mm."""
        return self.panel[1] - self.panel[0]

    @property
    def block_right(self) -> float:
        """Right edge of the text on the left of the plot."""
        return self.cells[-1].right if self.cells else self.label.right

    @property
    def header_lines(self) -> int:
        """Lines of the tallest head."""
        return max(len(c.header) for c in (self.label, *self.cells, self.last))


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
    last : bool
        Whether the last column stays.
    """

    small: bool = True
    label_share: float = 0.40
    cell_limit: float = 500.0
    tight: float = 1.0
    last: bool = True


#: From a table that has space to one that is squeezed into a column of a journal.
SQUEEZES = (
    Squeeze(small=False),
    Squeeze(),
    Squeeze(label_share=0.30, cell_limit=16.0, tight=0.8),
    Squeeze(label_share=0.33, cell_limit=16.0, tight=0.7, last=False),
    Squeeze(label_share=0.25, cell_limit=13.0, tight=0.6, last=False),
)


def place_columns(table: Table, width: float, style: Style) -> Columns:
    """Measure a table and place its columns on a page of `width` mm.

    Type is made smaller, then labels and text columns are cut, and then the last column
    is left out, only when the plot would otherwise get less than its share.

    Raises
    ------
    OptionError
        When the columns do not fit even so.
    """
    for squeeze in SQUEEZES:
        columns = _place(table, width, style, squeeze)
        if columns.panel_width >= PANEL_SHARE * width:
            return columns
    raise OptionError(
        f"The columns leave no space for the plot in {width:g} mm: "
        "choose fewer columns or a greater width."
    )


def _place(table: Table, width: float, style: Style, squeeze: Squeeze) -> Columns:
    size = style.small_size if squeeze.small else style.size
    gap, right = style.gap * squeeze.tight, width - style.margin
    label, cells = _left_columns(table, style.margin, width, size, gap, squeeze)
    last = _last_column(table, right, size) if squeeze.last else Column(right, right, (), True)
    high = last.left - gap if squeeze.last else right
    first, second, third = _effect_widths(table, size)
    header = effect_header(table.measure, table.level)
    left = high - max(first + second + third + 2 * WORD, line_width(header, size))
    text_right = cells[-1].right if cells else label.right
    return Columns(
        size=size,
        label=label,
        cells=cells,
        panel=(text_right + 1.2 * gap, left - gap),
        effect_header=header,
        estimate=high - third - second - 2 * WORD,
        low=high - third - WORD,
        high=high,
        last=last,
    )


def _left_columns(
    table: Table, left: float, width: float, size: float, gap: float, squeeze: Squeeze
) -> tuple[Column, tuple[Column, ...]]:
    """Place the labels and the chosen columns from the left."""
    count, limit = len(table.headers), squeeze.cell_limit
    contents = [_cell_width(table.lines, i, size, limit) for i in range(count)]
    heads = [_head(h, w, size) for h, w in zip(table.headers, contents, strict=True)]
    widths = [max(w, _widest(h, size)) for h, w in zip(heads, contents, strict=True)]
    wanted = _label_width(table, sum(widths) + gap * count, size)
    head = shorten(table.label_header, squeeze.label_share * width, size)
    x = left + min(wanted, squeeze.label_share * width)
    label, cells = Column(left, x, (head,), False), []
    for lines, cell_width, numeric in zip(heads, widths, table.numeric, strict=True):
        cells.append(Column(x + gap, x + gap + cell_width, lines, numeric))
        x = cells[-1].right
    return label, tuple(cells)


def _last_column(table: Table, right: float, size: float) -> Column:
    width = max(line_width(table.last_header, size), _last_width(table.lines, size))
    return Column(right - width, right, (table.last_header,), True)


def effect_header(measure: Measure, level: float) -> Line:
    """Return the head of the effects, "r [95% CI]"."""
    name = "Estimate" if measure == "generic" else "*r*"
    return own(f"{name} [{level_text(level)} CI]")


def _head(header: Line, content: float, size: float) -> tuple[Line, ...]:
    """Break a head into two lines where it is wider than what stands under it."""
    natural = line_width(header, size)
    if natural <= content or " " not in header[-1].text:
        return (header,)
    broken = wrap(header, max(content, 0.55 * natural), size)
    whole = sum(len(run.text) for line in broken for run in line)
    intact = whole >= sum(len(run.text.replace(" ", "")) for run in header)
    return tuple(broken) if len(broken) == 2 and intact else (header,)


def _widest(lines: Iterable[Line], size: float) -> float:
    return max((line_width(line, size) for line in lines), default=0.0)


def _label_width(table: Table, others: float, size: float) -> float:
    """Width of the labels; headings may run on into the chosen columns."""
    indent = INDENT if table.indented else 0.0
    found = [line_width(table.label_header, size)]
    for line in table.lines:
        if isinstance(line, StudyRow):
            found.append(indent + line_width(user(line.label), size))
        elif isinstance(line, Pooled):
            found.append(line_width(line.label, size) + (indent if not line.overall else 0.0))
        elif isinstance(line, Heading):
            more = line_width((Run(" (continued)", bold=True),), size)
            found.append(line_width(line.label, size) + more - others)
        elif isinstance(line, Prediction):
            found.append(line_width(line.wordings[-1], size) - others)
    return max(found)


def _cell_width(lines: Iterable[TableLine], i: int, size: float, limit: float) -> float:
    found = (line.cells[i] for line in lines if isinstance(line, StudyRow | Pooled))
    return min(_widest((user(cell) for cell in found if cell), size), limit)


def _last_width(lines: Iterable[TableLine], size: float) -> float:
    return _widest((own(last_cell(line)) for line in lines if last_cell(line)), size)


def last_cell(line: TableLine) -> str:
    """Return the text of the last column: the weight of a study, what a diamond says."""
    if isinstance(line, StudyRow):
        return percent_text(line.weight, 1)
    return line.last if isinstance(line, Pooled) else ""


def effect_parts(line: TableLine, measure: Measure) -> tuple[str, str, str]:
    """Return estimate and halves of the interval, which are aligned each on its own."""
    if isinstance(line, StudyRow | Pooled):
        return (effect_text(line.estimate, measure), *interval_ends(line.low, line.high, measure))
    if isinstance(line, Prediction):
        return ("", *interval_ends(line.low, line.high, measure))
    return "", "", ""


def _effect_widths(table: Table, size: float) -> tuple[float, float, float]:
    parts = [effect_parts(line, table.measure) for line in table.lines]
    first, second, third = (
        max(line_width((Run(text),), size) for text in column)
        for column in zip(*parts, strict=True)
    )
    return first, second, third


def first_fitting(wordings: Iterable[Line], limit: float, size: float) -> Line:
    """Return the first wording that fits `limit` mm, or the last one cut."""
    line: Line = ()
    for line in wordings:
        if line_width(line, size) <= limit:
            return line
    return shorten(line, limit, size)
