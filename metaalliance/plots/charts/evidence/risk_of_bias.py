"""Ratings of the risk of bias: the share of studies with each rating, by domain."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from metaalliance.effects.levels import MISSING
from metaalliance.effects.ratings import rating_levels
from metaalliance.errors import OptionError
from metaalliance.interchange import pandas_frame
from metaalliance.plots.canvas.page import Page, check_width
from metaalliance.plots.canvas.sentences import listed
from metaalliance.plots.canvas.style import Style, drawing, grown, style_named
from metaalliance.plots.canvas.typeset import own, run_width, user, wrap

#: Fills of the ratings from low to high, told apart in grey by lightness and by hatching.
_FILLS = (
    ("#0072B2", ""), ("#9CCBE8", "////"), ("#E69F00", "...."), ("#A04000", "xxxx"),
    ("#666666", "\\\\\\\\"), ("#CCCCCC", "++++"), ("#F0E442", "oo"),
)  # fmt: skip
_MISSING = ("#FFFFFF", "")
#: What stands for the ratings that are too many to tell apart.
OTHERS = "other ratings"
#: Lengths in mm where a row is 3.6 mm high, as in `apa`; a key of the legend does not grow.
_BAR, _PITCH, _AXIS, _ROW, _KEY = 5.0, 7.5, 9.0, 5.0, 4.0


def risk_of_bias(
    ratings: pd.DataFrame,
    *,
    style: str | Style = "apa",
    width_mm: float = 174,
) -> Figure:
    """Draw a bar for each domain, divided by rating.

    Parameters
    ----------
    ratings : DataFrame
        One row per study, one column per domain; text. Of more than seven ratings the last are
        drawn as one.
    style : str or Style
        Look of the figure.
    width_mm : float
        Exact width.

    Raises
    ------
    OptionError
        Without ratings.
    """
    look, width = style_named(style), check_width(width_mm)
    ratings = pandas_frame(ratings, "ratings")
    if ratings.empty or not len(ratings.columns):
        raise OptionError("There are no ratings of the risk of bias to draw.")
    levels = rating_levels(ratings)
    named = [level for level in levels if level != MISSING]
    if len(named) > len(_FILLS):
        others = named[len(_FILLS) - 1 :]
        named = [*named[: len(_FILLS) - 1], OTHERS]
        ratings = ratings.replace(dict.fromkeys(others, OTHERS))
        levels = [*named, MISSING]
    fills = dict(zip(named, _FILLS, strict=False)) | {MISSING: _MISSING}
    with drawing(look):
        return _page(ratings, [level for level in levels if level in fills], fills, look, width)


def ratings_text(ratings: pd.DataFrame) -> str:
    """Return how many studies have each rating, by domain, in words."""
    words = []
    for domain in ratings:
        counts = ratings[domain].value_counts()
        parts = [f"{counts[v]:,} {v}" for v in rating_levels(ratings) if v in counts]
        words.append(f"{domain}: {listed(parts)}")
    return ". ".join(words)


def _page(
    ratings: pd.DataFrame,
    levels: Sequence[str],
    fills: dict[str, tuple[str, str]],
    style: Style,
    width: float,
) -> Figure:
    names = [user(str(name)) for name in ratings.columns]
    label = min(0.35 * width, max(run_width(line[0], style.size) for line in names)) + 3
    bar, pitch, axis, key = (grown(x, style) for x in (_BAR, _PITCH, _AXIS, _ROW))
    right = width - grown(4.0, style)
    bottom = style.margin + pitch * len(names)
    rows = _legend_rows(levels, width - label, style)
    page = Page.blank(width, bottom + axis + key * len(rows) + 2, style)
    panel = page.panel(label, right, style.margin, bottom, "risk of bias")
    panel.set_xlim(0, 100)
    shares = range(0, 101, 25)
    font = own("0")[0].font(style.small_size)
    panel.set_xticks(shares, [f"{share}%" for share in shares], fontproperties=font)
    panel.tick_params(axis="x", width=style.medium, colors=style.ink)
    for index, (column, line) in enumerate(zip(ratings, names, strict=True)):
        top = style.margin + pitch * index + (pitch - bar) / 2
        broken = wrap(line, label - 3, style.size, whole=True)
        for i, part in enumerate(broken):
            y = top + bar / 2 + style.row * (i - (len(broken) - 1) / 2)
            page.put(part, style.margin, y)
        counted = ratings[column].value_counts(normalize=True)
        at = 0.0
        for level in levels:
            share = 100 * float(counted.get(level, 0.0))
            if share:
                panel.add_patch(_patch((at, top), share, bar, fills[level], style))
            at += share
    below = bottom + grown(7.2, style)
    page.put(own("Share of studies"), (label + right) / 2, below, align="center")
    for index, row in enumerate(rows):
        _draw_legend(page, row, label, bottom + axis + key * (index + 0.5), fills)
    return page.figure


def _patch(
    corner: tuple[float, float], width: float, height: float, fill: tuple[str, str], style: Style
) -> Rectangle:
    color, hatch = fill
    return Rectangle(corner, width, height, facecolor=color, hatch=hatch, edgecolor=style.ink,
                     linewidth=style.thin)  # fmt: skip


def _legend_rows(levels: Sequence[str], room: float, style: Style) -> list[list[str]]:
    """Break the legend into rows that fit."""
    rows: list[list[str]] = [[]]
    at = 0.0
    for level in levels:
        size = _KEY + 2 + run_width(user(level)[0], style.small_size) + 4
        if rows[-1] and at + size > room:
            rows.append([])
            at = 0.0
        rows[-1].append(level)
        at += size
    return rows


def _draw_legend(
    page: Page, row: Sequence[str], left: float, y: float, fills: dict[str, tuple[str, str]]
) -> None:
    style, at = page.style, left
    for level in row:
        page.layer.add_patch(_patch((at, y - 1.4), _KEY, 2.8, fills[level], style))
        line = user(level)
        page.put(line, at + _KEY + 2, y, size=style.small_size)
        at += _KEY + 2 + run_width(line[0], style.small_size) + 4
