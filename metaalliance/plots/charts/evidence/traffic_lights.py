"""Traffic lights: the rating of each study in each domain of the risk of bias."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from metaalliance.effects.ratings import rating_columns, rating_levels, study_ratings
from metaalliance.errors import OptionError
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.plots.canvas.page import Page, captioned, check_width
from metaalliance.plots.canvas.sentences import spoken
from metaalliance.plots.canvas.style import ROW_PER_POINT, Style, drawing, grown, style_named
from metaalliance.plots.canvas.typeset import Line, line_width, user, wrap
from metaalliance.plots.charts.evidence.risk_of_bias import ratings_text
from metaalliance.plots.lights import Lights, lights_of, paint_light
from metaalliance.wording.phrases import count_text

#: Lengths in mm where a row is 3.6 mm high: a row, the radius of a light, a column at most, space.
ROW, RADIUS, COLUMN, SPACE = 4.3, 1.7, 24.0, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What the pages share: ratings, lights, heads, edges in mm."""

    table: pd.DataFrame
    lights: Lights
    names: list[list[Line]]
    heads: list[list[Line]]
    notes: list[Line]
    style: Style
    width: float
    label: float
    pitch: float

    def height(self, i: int) -> float:
        """Height of a row in mm."""
        text = ROW_PER_POINT * self.style.size * len(self.names[i])
        return max(grown(ROW, self.style), text)

    @property
    def head(self) -> float:
        """Height of the head in mm."""
        return self.style.row * max(map(len, self.heads)) + SPACE


def traffic_lights(
    result: PooledFit | pd.DataFrame,
    *,
    style: str | Style = "apa",
    width_mm: float = 174,
    title: str | None = None,
) -> list[Figure]:
    """Draw a light for the rating of each study in each domain of the risk of bias.

    Lights of RoB 2 and ROBINS-I have their sign (+ low, − some concerns or moderate, × high or
    serious, ! critical, ? no information); other ratings, such as stars, are written themselves.

    Parameters
    ----------
    result : PooledFit or DataFrame
        A result of `pool`, whose effects have columns such as `risk_of_bias` and
        `rob_missing_data`; or ratings, one row per study, one column per domain.
    style, width_mm, title
        As for `funnel`.

    Returns
    -------
    list of Figure
        As many pages as the studies need.

    Raises
    ------
    OptionError
        When no study has a rating.
    """
    look, width = style_named(style), check_width(width_mm)
    with drawing(look):
        plan = _plan(_ratings(result), look, width)
        top = look.margin + look.row * 1.4 * bool(title)
        legend = _legend(plan)
        notes = look.under(plan.notes, plan.notes)
        foot = look.row * (1.3 * len(legend) + len(notes)) + SPACE + look.margin
        pages = _pages(plan, look.tallest - top - plan.head - foot)
        return [_page(plan, rows, title or "", top, legend, foot) for rows in pages]


def traffic_text(result: PooledFit | pd.DataFrame) -> str:
    """Describe the lights for readers who cannot see them."""
    table = _ratings(result)
    size = count_text(len(table), "study", "studies")
    return spoken(f"Risk of bias of {size}, a light for each domain. {ratings_text(table)}.")


def _ratings(result: PooledFit | pd.DataFrame) -> pd.DataFrame:
    if isinstance(result, pd.DataFrame):
        return result
    frame = result.effects.frame
    if not rating_columns(frame):
        raise OptionError(
            "There are no ratings of the risk of bias to draw: the effects have no column such as "
            "risk_of_bias or rob_missing_data."
        )
    return study_ratings(frame)


def _plan(table: pd.DataFrame, style: Style, width: float) -> _Plan:
    """Choose widths: names whole, on several lines where they take over half of the page."""
    names = [user(str(name)) for name in table.index]
    label = min(max(line_width(name, style.size) for name in names), 0.55 * width)
    room = width - 2 * style.margin - label - SPACE
    pitch = min(room / len(table.columns), grown(COLUMN, style))
    heads = [wrap(user(str(domain)), pitch - 1.0, style.small_size) for domain in table]
    whole = [" ".join(run.text for line in head for run in line) for head in heads]
    notes: list[Line] = []
    if any(found != str(domain) for found, domain in zip(whole, table, strict=True)):
        letters = [f"D{i}" for i in range(1, len(heads) + 1)]
        told = "; ".join(f"{d}: {name}" for d, name in zip(letters, table, strict=True))
        notes = wrap(user(f"{told}."), width - 2 * style.margin, style.small_size)
        heads = [[user(letter)] for letter in letters]
    levels = rating_levels(table)
    return _Plan(
        table=table,
        lights=lights_of(levels, style),
        names=[wrap(name, label, style.size, whole=True) for name in names],
        heads=heads,
        notes=notes,
        style=style,
        width=width,
        label=label,
        pitch=pitch,
    )


def _pages(plan: _Plan, room: float) -> list[range]:
    """Divide the studies into pages of about the same length."""
    heights = [plan.height(i) for i in range(len(plan.names))]
    count = max(1, math.ceil(sum(heights) / room))
    while True:
        share, used, start = sum(heights) / count, 0.0, 0
        pages: list[range] = []
        for i, height in enumerate(heights):
            if i > start and used + height / 2 > share * (len(pages) + 1):
                pages.append(range(start, i))
                start = i
            used += height
        pages.append(range(start, len(heights)))
        if max(sum(heights[i] for i in page) for page in pages) <= room or count >= len(heights):
            return pages
        count += 1


def _page(
    plan: _Plan, rows: range, title: str, top: float, legend: list[list[str]], foot: float
) -> Figure:
    style, first = plan.style, plan.style.margin + plan.label + SPACE
    y, radius = top + plan.head, grown(RADIUS, style)
    page = Page.blank(plan.width, y + sum(map(plan.height, rows)) + foot, style)
    page.figure.caption = captioned(plan.notes)
    if title:
        page.put(user(title, bold=True), style.margin, style.margin + style.row / 2)
    for j, head in enumerate(plan.heads):
        for i, line in enumerate(reversed(head)):
            x = first + plan.pitch * (j + 0.5)
            page.put(line, x, y - SPACE / 2 - style.row * (i + 0.5), align="center",
                     size=style.small_size)  # fmt: skip
    page.rule(y - SPACE / 4, style.margin, plan.width - style.margin, style.medium)
    for i in rows:
        middle = y + plan.height(i) / 2
        lines = plan.names[i]
        for n, line in enumerate(lines):
            down = ROW_PER_POINT * style.size * (n - (len(lines) - 1) / 2)
            page.put(line, style.margin, middle + down)
        for j, level in enumerate(plan.table.iloc[i]):
            paint_light(page, first + plan.pitch * (j + 0.5), middle, plan.lights[level], radius)
        y += plan.height(i)
    y += SPACE
    for row in legend:
        x = style.margin
        for level in row:
            paint_light(
                page, x + grown(RADIUS, style), y + style.row * 0.65, plan.lights[level], radius
            )
            page.put(user(level), x + _key(style), y + style.row * 0.65, size=style.small_size)
            x += _key(style) + line_width(user(level), style.small_size) + 2 * SPACE
        y += 1.3 * style.row
    for line in style.under(plan.notes, plan.notes):
        page.put(line, style.margin, y + style.row / 2, size=style.small_size)
        y += style.row
    return page.figure


def _key(style: Style) -> float:
    return 2 * grown(RADIUS, style) + 1.0


def _legend(plan: _Plan) -> list[list[str]]:
    """Return the ratings in lines that fit."""
    style = plan.style
    lines: list[list[str]] = [[]]
    used = 0.0
    for level in plan.lights:
        wide = _key(style) + line_width(user(level), style.small_size) + 2 * SPACE
        if lines[-1] and used + wide > plan.width - 2 * style.margin:
            lines.append([])
            used = 0.0
        lines[-1].append(level)
        used += wide
    return lines
