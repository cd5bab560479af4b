"""Measured texts of a table with a plot in it: labels, cells, heads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from metaalliance.plots.canvas.numbers import effect_text, interval_ends
from metaalliance.plots.canvas.typeset import (
    Line,
    Run,
    halves_width,
    line_width,
    merged,
    plain,
    shorten,
    user,
    wrap,
)
from metaalliance.plots.forests.lines import (
    Heading,
    Note,
    Pooled,
    Prediction,
    Table,
    TableLine,
)
from metaalliance.plots.forests.rows import StudyRow

INDENT = 2.0

#: Radius of the light of a rating in mm.
LIGHT = 1.35

#: A head that is not wider than this, in mm, stays on one line.
SHORT = 15.0

#: Lines of a label at most; what is longer is cut.
MOST = 8


def broken_head(header: Line, content: float, size: float) -> tuple[Line, ...]:
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


def head_within(header: Line, limit: float, size: float) -> tuple[Line, ...]:
    """Return the head of the labels on as many lines as it needs."""
    return tuple(wrap(header, limit, size, whole=True)) if header else ((),)


def widest(lines: Iterable[Line], size: float) -> float:
    """Width of the widest line in mm."""
    return max((line_width(line, size) for line in lines), default=0.0)


def label_width(table: Table, line: TableLine, size: float, *, halved: bool) -> float:
    """Width of the label of a line in mm, its indent included; `halved` on two lines."""
    indent = indent_of(table, line)
    if isinstance(line, StudyRow):
        measured = halves_width if halved else line_width
        return indent + measured(user(line.label), size)
    if isinstance(line, Pooled):
        return indent + line_width(line.label, size)
    if isinstance(line, Heading):
        return line_width((*line.label, Run(" (continued)", bold=True)), size)
    return line_width(line.wordings[-1], size) if isinstance(line, Prediction) else 0.0


def label_lines(line: TableLine, room: float, size: float) -> list[Line]:
    """Return the label of a line in lines of at most `room` mm, its words whole."""
    if isinstance(line, Note | Prediction):
        return [first_fitting(line.wordings, room, size)]
    label = user(line.label) if isinstance(line, StudyRow) else line.label
    found = wrap(label, room, size, whole=True)
    if len(found) > MOST:
        blank = replace(found[-1][-1], text=" ")
        rest = [run for part in found[MOST - 1 :] for run in (*part, blank)]
        found[MOST - 1 :] = [shorten(merged(tuple(rest[:-1])), room, size)]
    return found


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


def cell_width(table: Table, i: int, size: float) -> float:
    """Width of the cells of a column in mm."""
    if table.columns[i].light:
        return 2 * LIGHT
    rows = (line for line in table.lines if isinstance(line, StudyRow | Pooled))
    found = {(line.cells[i], table.is_bold(line)) for line in rows}
    return widest((user(cell, bold=bold) for cell, bold in found if cell), size)


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


def effect_widths(table: Table, size: float) -> tuple[float, float, float]:
    """Widths of estimates and of the halves of intervals in mm."""
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
