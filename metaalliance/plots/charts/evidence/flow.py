"""The PRISMA 2020 flow diagram, from the numbers that a team has given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from metaalliance.errors import OptionError
from metaalliance.plots.canvas.page import Page, check_width
from metaalliance.plots.canvas.style import Style, drawing, grown, style_named
from metaalliance.plots.canvas.typeset import NO_BREAK, Line, own, run_width, user, wrap

#: Phase, steps of the main column with their words, and steps of the box beside.
_BOXES: tuple[tuple[str, tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]], ...] = (
    (
        "Identification",
        (("databases", "Records from databases"), ("registers", "Records from registers"),
         ("other_sources", "Records from other sources")),
        (("duplicates", "Duplicates removed"), ("removed_otherwise", "Removed for other reasons")),
    ),
    ("Screening", (("screened", "Records screened"),), (("screened_out", "Records excluded"),)),
    ("Screening", (("sought", "Reports sought for retrieval"),),
     (("not_retrieved", "Reports not retrieved"),)),
    ("Screening", (("assessed", "Reports assessed for eligibility"),),
     (("excluded", "Reports excluded"),)),
    ("Included", (("studies", "Studies included"), ("reports", "Reports of included studies")), ()),
)  # fmt: skip
#: Lengths in mm where a row is 3.6 mm high, as in `apa`.
_LINE, _PAD, _GAP, _MARGIN, _PHASE, _BETWEEN = 3.8, 2.0, 5.5, 1.0, 8.0, 10.0


def flow_diagram(
    numbers: Mapping[str, Any], *, style: str | Style = "apa", width_mm: float = 174
) -> Figure:
    """Draw the flow of records, reports and studies.

    Parameters
    ----------
    numbers : mapping
        Counts by step (`databases`, `registers`, `other_sources`, `duplicates`,
        `removed_otherwise`, `screened`, `screened_out`, `sought`, `not_retrieved`, `assessed`,
        `excluded`, `reports`, `studies`); `reasons` maps reasons of exclusion to counts. A step
        without a number is left out.
    style : str or Style
        Look of the figure.
    width_mm : float
        Exact width.

    Raises
    ------
    OptionError
        When there is no number.

    References
    ----------
    Page et al. (2021).
    """
    look, width = style_named(style), check_width(width_mm)
    column = (width - 2 * _MARGIN - grown(_PHASE + _BETWEEN, look)) / 2
    with drawing(look):
        steps = _steps(numbers, column, look)
        if not steps:
            raise OptionError("There are no numbers for a flow diagram: see [prisma].")
        height = sum(step.height for step in steps) + _GAP * (len(steps) - 1) + 2 * _MARGIN
        page = Page.blank(width, height, look)
        _draw(page, steps, column)
        return page.figure


@dataclass(frozen=True, slots=True)
class _Step:
    """A box of the main column with the box beside it."""

    phase: str
    main: list[Line]
    beside: list[Line]
    least: float
    style: Style

    @property
    def height(self) -> float:
        lines = max(len(self.main), len(self.beside))
        return max(grown(lines * _LINE + 2 * _PAD, self.style), self.least)


def _steps(numbers: Mapping[str, Any], column: float, style: Style) -> list[_Step]:
    """Return the boxes that have a number."""
    room = column - grown(2 * _PAD, style)
    present = [name for name, steps, _ in _BOXES if any(step in numbers for step, _ in steps)]
    found = []
    for phase, main, beside in _BOXES:
        left, right = _texts(main, numbers, room, style), _texts(beside, numbers, room, style)
        if beside and beside[0][0] == "excluded":
            for reason, n in numbers.get("reasons", {}).items():
                line = (*user(f"{NO_BREAK * 2}{reason}"), *own(f" (*n* = {n:,})"))
                right += wrap(line, room, style.size)
        if left:
            alone = present.count(phase) == 1
            least = run_width(own(phase)[0], style.small_size) + _PAD if alone else 0.0
            found.append(_Step(phase, left, right, least, style))
    return found


def _texts(
    steps: tuple[tuple[str, str], ...], numbers: Mapping[str, Any], room: float, style: Style
) -> list[Line]:
    lines: list[Line] = []
    for step, words in steps:
        if step in numbers:
            lines += wrap(own(f"{words} (*n* = {numbers[step]:,})"), room, style.size)
    return lines


def _draw(page: Page, steps: list[_Step], column: float) -> None:
    top, left = _MARGIN, _MARGIN + grown(_PHASE, page.style)
    right, middle = left + column + grown(_BETWEEN, page.style), left + column / 2
    phases: dict[str, tuple[float, float]] = {}
    for index, step in enumerate(steps):
        bottom = top + step.height
        _box(page, left, top, column, step.height, step.main)
        phases[step.phase] = (phases.get(step.phase, (top, top))[0], bottom)
        if step.beside:
            _box(page, right, top, column, step.height, step.beside)
            _arrow(page, (left + column, (top + bottom) / 2), (right, (top + bottom) / 2))
        if index + 1 < len(steps):
            _arrow(page, (middle, bottom), (middle, bottom + _GAP))
        top = bottom + _GAP
    for phase, (start, end) in phases.items():
        _phase(page, phase, start, end)


def _phase(page: Page, phase: str, start: float, end: float) -> None:
    """Name a phase on its side, beside its boxes."""
    style, width = page.style, grown(_PHASE - 3, page.style)
    bar = Rectangle((_MARGIN, start), width, end - start, color=style.zones[2], linewidth=0)
    page.layer.add_patch(bar)
    (run,) = own(phase)
    page.layer.text(
        _MARGIN + width / 2,
        (start + end) / 2,
        run.text,
        fontproperties=run.font(style.small_size),
        rotation=90,
        color=style.ink,
        ha="center",
        va="center",
    )


def _box(page: Page, x: float, y: float, width: float, height: float, lines: list[Line]) -> None:
    style = page.style
    edge = Rectangle((x, y), width, height, fill=False, edgecolor=style.ink)
    edge.set_linewidth(style.medium)
    page.layer.add_patch(edge)
    for i, line in enumerate(lines):
        down = grown(_PAD + _LINE * (i + 0.5), style)
        page.put(line, x + grown(_PAD, style), y + down)


def _arrow(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    style = page.style
    look = {"arrowstyle": "-|>", "color": style.ink, "linewidth": style.medium}
    shape = {"shrinkA": 0, "shrinkB": 0, "mutation_scale": 7}
    page.layer.annotate("", xy=end, xytext=start, arrowprops={**look, **shape})
