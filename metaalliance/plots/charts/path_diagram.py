"""A path model as boxes and arrows, with its standardised paths."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

from metaalliance.models.paths.result import Masem
from metaalliance.models.paths.syntax import PathSyntax
from metaalliance.models.paths.timing import times_of
from metaalliance.plots.canvas.page import Page, captioned, check_width
from metaalliance.plots.canvas.style import Style, drawing, grown, style_named
from metaalliance.plots.canvas.typeset import Line, line_width, user, wrap
from metaalliance.wording.numbers import limits, number
from metaalliance.wording.phrases import level_text, studies_text

#: Lengths in mm where a row is 3.6 mm high, as in `apa`.
_PAD, _LINE, _UP, _MARGIN, _CLEAR = 2.2, 3.8, 17.0, 1.0, 1.0


def path_diagram(
    fit: Masem, *, style: str | Style = "apa", width_mm: float = 174, title: str = ""
) -> Figure:
    """Draw a path model: variables as boxes, paths as arrows, covariances as curved lines.

    What nothing leads to stands on the left. A path has its estimate and interval; one whose
    interval holds zero is dashed. Moderated paths are those at the means of moderators.

    Parameters
    ----------
    fit : Masem
        Of `masem`.
    style : str or Style
        Look of the figure.
    width_mm : float
        Exact width.
    title : str
        Above it.
    """
    look, width = style_named(style), check_width(width_mm)
    with drawing(look):
        return _Diagram(fit, look, width, title).figure()


class _Diagram:
    """Places of the boxes, in mm from the upper left corner, and what is drawn between them."""

    def __init__(self, fit: Masem, style: Style, width: float, title: str) -> None:
        self.fit, self.style, self.width = fit, style, width
        self.heading = (
            wrap(user(title, bold=True), width - 2 * _MARGIN, style.size) if title else []
        )
        columns = levels(fit.syntax)
        self.texts = {v: self._text(v, width / (1.6 * len(columns))) for v in fit.table.variables}
        self.sizes = {v: self._size(lines) for v, lines in self.texts.items()}
        rows = max(len(column) for column in columns)
        top = _MARGIN + grown(_LINE, style) * (len(self.heading) + 0.5 * bool(self.heading))
        pitch = max(h for _, h in self.sizes.values()) + grown(_UP, style)
        lifted = [len(column) % 2 == 1 for column in columns[1:-1]]
        lift = (0.9 if rows == 1 else 0.5) * pitch * any(lifted)
        above = grown(0.3 * _UP, style)  # less room over the first row than between two
        self.height = top + rows * pitch + lift - 2 * above
        self.centres: dict[str, tuple[float, float]] = {}
        widest = [max(self.sizes[v][0] for v in column) for column in columns]
        left = _MARGIN + grown(9.0, style) + widest[0] / 2
        right = width - _MARGIN - grown(9.0, style) - widest[-1] / 2
        for c, column in enumerate(columns):
            x = left + (right - left) * c / max(len(columns) - 1, 1)
            for i, v in enumerate(column):
                y = top + lift - above + rows * pitch * (i + 0.5) / len(column)
                inside = 0 < c < len(columns) - 1  # beside the way from the first to the last
                self.centres[v] = (x, y - (lift if inside and lifted[c - 1] else 0.0))

    def _text(self, variable: str, room: float) -> list[Line]:
        return wrap(user(variable), max(room, 18.0), self.style.size)

    def _size(self, lines: list[Line]) -> tuple[float, float]:
        widest = max(line_width(line, self.style.size) for line in lines)
        return (
            widest + grown(2 * _PAD, self.style),
            grown(_LINE * len(lines) + 2 * _PAD, self.style),
        )

    def figure(self) -> Figure:
        room, small = self.width - 2 * _MARGIN, self.style.small_size
        said = [line for text in notes_of(self.fit) for line in wrap(user(text), room, small)]
        notes = self.style.under(said, said)
        pitch = 0.95 * self.style.row
        page = Page.blank(self.width, self.height + pitch * (len(notes) + 1) + _MARGIN, self.style)
        for i, line in enumerate(self.heading):
            page.put(line, _MARGIN, _MARGIN + grown(_LINE, self.style) * (i + 0.5))
        self.taken = [(*self.centres[v], *self.sizes[v]) for v in self.centres]
        labels: list[tuple[Line, float, float]] = []
        for row, path in zip(
            self.fit.paths.to_dict("records"), self.fit.syntax.paths, strict=False
        ):
            labels.append(self._joined(page, row, curved=path.op == "~~"))
        for v, (x, y) in self.centres.items():
            self._box(page, v, x, y)
        for line, x, y in labels:
            self._label(page, line, x, y)
        for i, line in enumerate(notes):
            page.put(line, _MARGIN, self.height + pitch * (i + 0.7), size=self.style.small_size)
        page.figure.caption = captioned(user(text) for text in notes_of(self.fit))
        return page.figure

    def _box(self, page: Page, v: str, x: float, y: float) -> None:
        w, h = self.sizes[v]
        box = Rectangle((x - w / 2, y - h / 2), w, h, facecolor="white", edgecolor=self.style.ink)
        box.set_linewidth(self.style.medium)
        page.layer.add_patch(box)
        for i, line in enumerate(self.texts[v]):
            left = x - line_width(line, self.style.size) / 2
            down = grown(_PAD + _LINE * (i + 0.5), self.style)
            page.put(line, left, y - h / 2 + down)

    def _joined(
        self, page: Page, row: Mapping[Any, Any], *, curved: bool
    ) -> tuple[Line, float, float]:
        """Draw a path, and return its label with its place."""
        start, end = (row["lhs"], row["rhs"]) if curved else (row["rhs"], row["lhs"])
        (x1, y1), (x2, y2) = self.centres[start], self.centres[end]
        upright = abs(x2 - x1) < 1
        first, last = self._edge(start, x2, y2, upright), self._edge(end, x1, y1, upright)
        bend = 0.0
        if curved:
            outward = 1 if (y2 > y1) == (x1 < self.width / 2) else -1
            bend = 0.55 * outward if upright else 0.25
        held = not math.isnan(row["ci_low"]) and row["ci_low"] <= 0 <= row["ci_high"]
        arrow = FancyArrowPatch(
            first, last, arrowstyle="<|-|>" if curved else "-|>",
            connectionstyle=f"arc3,rad={bend}", mutation_scale=7, shrinkA=0, shrinkB=0,
            color=self.style.pale if held else self.style.accent,
            linewidth=self.style.medium, linestyle=(0, (4, 3)) if held else "-",
        )  # fmt: skip
        page.layer.add_patch(arrow)
        return self._free(user(label_of(row)), first, last, bend)

    def _free(
        self, line: Line, first: tuple[float, float], last: tuple[float, float], bend: float
    ) -> tuple[Line, float, float]:
        """Return a label with the first place on its path that no box and no label has."""
        w, h = line_width(line, self.style.small_size) + _CLEAR, grown(3.4, self.style)
        dx, dy = last[0] - first[0], last[1] - first[1]
        slanted, places = abs(dy) > 1 and not bend, []  # two that cross do so in the middle
        for t in (0.3, 0.7, 0.25, 0.4, 0.6) if slanted else (0.5, 0.35, 0.65, 0.25, 0.75):
            off = 2 * t * (1 - t) * bend  # from the straight line; the page counts downwards
            x, y = first[0] + t * dx - off * dy, first[1] + t * dy + off * dx
            x = min(max(x, _MARGIN + w / 2), self.width - _MARGIN - w / 2)
            places.append((x, y))
        x, y = next((p for p in places if not self._meets(*p, w, h)), places[0])
        self.taken.append((x, y, w, h))
        return line, x, y

    def _meets(self, x: float, y: float, w: float, h: float) -> bool:
        return any(
            abs(x - a) < (w + c) / 2 and abs(y - b) < (h + d) / 2 for a, b, c, d in self.taken
        )

    def _edge(self, v: str, x: float, y: float, upright: bool) -> tuple[float, float]:
        """Where the line from the centre of a box to a point leaves the box."""
        (cx, cy), (w, h) = self.centres[v], self.sizes[v]
        if upright and len(self.centres) > 1:
            side = -1 if cx < self.width / 2 else 1
            return cx + side * w / 2, cy
        dx, dy = x - cx, y - cy
        scale = min(w / 2 / abs(dx) if dx else math.inf, h / 2 / abs(dy) if dy else math.inf)
        return cx + dx * scale, cy + dy * scale

    def _label(self, page: Page, line: Line, x: float, y: float) -> None:
        size = self.style.small_size
        w, h = line_width(line, size), grown(3.2, self.style)
        back = Rectangle(
            (x - w / 2 - 0.5, y - h / 2), w + _CLEAR, h, facecolor="white", linewidth=0
        )
        page.layer.add_patch(back)
        page.put(line, x - w / 2, y, size=size)


def levels(syntax: PathSyntax) -> list[list[str]]:
    """Variables by how many paths lead to them, those that nothing leads to first.

    Variables that lead to each other in a circle stand together.
    """
    names = syntax.variables
    depth = dict.fromkeys(names, 0)
    for _ in names:
        for p in syntax.paths:
            if p.op == "~":
                depth[p.lhs] = min(max(depth[p.lhs], depth[p.rhs] + 1), len(names) - 1)
    return [[v for v in names if depth[v] == d] for d in sorted(set(depth.values()))]


def label_of(row: Mapping[Any, Any]) -> str:
    """Return what stands on a path."""
    value = number(row["estimate"], 2, correlation=True)
    if math.isnan(row["se"]):
        return f"{value} (fixed)"
    return f"{value} {limits(row['ci_low'], row['ci_high'], 2, correlation=True)}"


def notes_of(fit: Masem) -> list[str]:
    """Return what stands below a diagram."""
    kind = "likelihood" if fit.interval == "likelihood" else "Wald"
    told = [
        f"Standardised paths with {level_text(fit.level)} {kind} intervals; "
        f"{studies_text(fit.n_studies)}. Dashed: the interval holds zero."
    ]
    for row in fit.defined.to_dict("records"):
        value = number(row["estimate"], 3, correlation=True)
        ends = limits(row["ci_low"], row["ci_high"], correlation=True)
        told.append(f"{row['lhs']} = {row['rhs']} = {value} {ends}.")
    if fit.slopes:
        told.append("Paths where the moderators are zero.")
    times = {v: own_times for v, own_times in times_of(fit.table).items() if own_times}
    if times:
        told.append("Measured: " + "; ".join(f"{v} {', '.join(t)}" for v, t in times.items()) + ".")
    else:
        told.append("When variables were measured is not coded: cross-sectional correlations.")
    return told


def path_diagram_text(fit: Masem) -> str:
    """Return the alternative text of a path diagram."""
    parts = []
    for row in fit.paths.to_dict("records"):
        joins = "with" if row["op"] == "~~" else "from"
        parts.append(f"{row['lhs']} {joins} {row['rhs']}: {label_of(row)}")
    return f"Path diagram. {'; '.join(parts)}. {' '.join(notes_of(fit))}"
