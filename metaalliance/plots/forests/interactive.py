"""An interactive forest plot: one HTML file with hover, sort and filter, and no network."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from importlib import resources
from typing import Any, Unpack

from metaalliance.models.pooled_fit import PooledFit
from metaalliance.plots.canvas.alt_text import forest_text
from metaalliance.plots.canvas.numbers import interval_text
from metaalliance.plots.canvas.save import MARK
from metaalliance.plots.canvas.style import Style, drawing, style_named
from metaalliance.plots.canvas.typeset import Line, own, plain
from metaalliance.plots.forests.cells import SMALL, height_of
from metaalliance.plots.forests.draw import PART, TICKS
from metaalliance.plots.forests.guides import ticks_within
from metaalliance.plots.forests.head import head_lines, panel_lines
from metaalliance.plots.forests.lines import EFFECT, Heading, Pooled, Prediction, TableLine
from metaalliance.plots.forests.measure import effect_parts
from metaalliance.plots.forests.plan import ForestOptions, plan
from metaalliance.plots.forests.plot import Plot
from metaalliance.plots.forests.rows import StudyRow
from metaalliance.plots.forests.sides import directions
from metaalliance.plots.forests.vector import element, segment, text
from metaalliance.plots.forests.vector_rows import line_content, line_kind
from metaalliance.wording.phrases import level_text

_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


def interactive_forest(
    fit: PooledFit,
    *,
    style: str | Style = "apa",
    rows_per_page: int = 0,  # noqa: ARG001
    **options: Unpack[ForestOptions],
) -> str:
    """Return a self-contained page: a forest plot whose rows can be searched, sorted, filtered.

    The plot is inline SVG with the columns, axis and marks of `forest`; hovering a row, or
    reaching it with the keyboard, shows its numbers. Nothing is loaded from anywhere, and every
    label is escaped. The pooled result stays that of all studies, which the page says.

    Parameters
    ----------
    fit, style, **options
        As for `forest`; `prediction` and `rows_per_page` change nothing.

    Returns
    -------
    str
        HTML.
    """
    look = style_named(style)
    options.pop("prediction", None)
    with drawing(look):
        plot = plan(fit, look, **options)
        rows = _rows(plot)
        alt = forest_text(fit, **options)
        parts = {
            "mark": escape(MARK),
            "title": escape(plot.title or "Forest plot"),
            "alt": escape(alt),
            "controls": _controls(plot, rows),
            "svg": _svg(plot, rows, alt),
            "notes": "".join(f"<p>{escape(plain(line))}</p>" for line in plot.caption),
            "data": _json([row.record for row in rows]),
            "geometry": _json(_geometry(plot)),
        }
    return _PLACEHOLDER.sub(lambda found: parts[found[1]], _template())


@lru_cache(maxsize=1)
def _template() -> str:
    return (
        resources.files("metaalliance.plots.forests")
        .joinpath("interactive.html")
        .read_text("utf-8")
    )


def _json(content: Any) -> str:
    """Return JSON that cannot end the element it stands in."""
    told = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return told.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@dataclass(frozen=True, slots=True)
class _Row:
    """A line with what the script has to know of it."""

    line: TableLine
    record: dict[str, Any]


def _rows(plot: Plot) -> list[_Row]:
    """Return every line with its group, its values to sort by, and what hovering shows."""
    rows: list[_Row] = []
    group, parent = "", -1
    for i, line in enumerate(plot.table.lines):
        if isinstance(line, Heading):
            group = plain(line.label)
        if isinstance(line, Pooled) and line.overall:
            group = ""
        kind = line_kind(line)
        parent = i if kind == "study" else parent
        record: dict[str, Any] = {"kind": kind, "group": group, "parent": parent}
        record["height"] = plot.style.row * height_of(plot, line)
        if isinstance(line, StudyRow):
            record |= {"label": line.label, "sort": _sort_values(plot, line)}
        if isinstance(line, StudyRow | Pooled | Prediction):
            record["tip"] = _tip(plot, line, group)
        rows.append(_Row(line, record))
    return rows


def _sort_values(plot: Plot, line: StudyRow) -> dict[str, Any]:
    """Return the value of each column by which a study is sorted; None is last."""
    estimate = line.estimate if line.is_drawn else None
    values: dict[str, Any] = {"label": line.label.casefold(), EFFECT: estimate}
    for spec, cell in zip(plot.table.columns, line.cells, strict=True):
        if spec.name == "weight":
            values[spec.name] = line.weight
        elif spec.name != EFFECT:
            values[spec.name] = _number(cell) if spec.numeric else cell.casefold()
    return values


def _number(cell: str) -> float | None:
    try:
        return float(cell.replace(",", "").replace("\N{MINUS SIGN}", "-"))
    except ValueError:
        return None


def _tip(plot: Plot, line: StudyRow | Pooled | Prediction, group: str) -> list[str]:
    """Return the lines that hovering shows."""
    table = plot.table
    estimate = " ".join(part for part in effect_parts(line, table) if part)
    if isinstance(line, Prediction):
        return [plain(line.wordings[0]), estimate]
    name = line.label if isinstance(line, StudyRow) else plain(line.label)
    told = [name, f"{plain(_effect_name(plot))} {estimate}"]
    if isinstance(line, StudyRow) and not math.isnan(line.outer_low):
        outer = interval_text(*line.reach, table.measure, table.wording)
        told.append(f"with variation within the study {outer}")
    told += [group] if group and not isinstance(line, Pooled) else []
    cells = zip(table.columns, line.cells, strict=True)
    told += [f"{plain(_joined(spec.header))}: {cell}" for spec, cell in cells if cell]
    return told


def _effect_name(plot: Plot) -> Line:
    name = "Estimate" if plot.table.measure == "generic" else "r"
    return own(f"{name} [{level_text(plot.table.level)} CI]")


def _joined(header: tuple[Line, ...]) -> Line:
    return tuple(run for line in header for run in line)


def _controls(plot: Plot, rows: list[_Row]) -> str:
    """Return the options of the lists: groups and columns."""
    groups = dict.fromkeys(r.record["group"] for r in rows if r.record["kind"] == "heading")
    chosen = "".join(f"<option>{escape(group)}</option>" for group in groups)
    filtered = (
        '<label>Group <select id="group"><option value="">all</option>'
        + chosen
        + "</select></label>"
        if groups
        else ""
    )
    names = [("label", plot.table.label_header)]
    names += [(spec.name, _joined(spec.header)) for spec in plot.table.columns]
    listed = "".join(
        f'<option value="{escape(name)}">{escape(plain(head))}</option>' for name, head in names
    )
    return (
        '<label>Search <input id="search" type="search" autocomplete="off"></label>'
        f"{filtered}"
        '<label>Sort by <select id="sort"><option value="">as drawn</option>'
        f"{listed}</select></label>"
        '<label><input id="descending" type="checkbox"> descending</label>'
    )


def _geometry(plot: Plot) -> dict[str, Any]:
    style = plot.style
    head = style.margin + style.row * head_lines(plot) + 0.4
    below = len(directions(plot)) if style.forest.directions_at == "below" else 0
    return {
        "width": plot.width,
        "head": head,
        "part": PART * style.row,
        "axis": TICKS + style.row * (1.1 + SMALL * below) + style.margin,
    }


def _svg(plot: Plot, rows: list[_Row], alt: str) -> str:
    """Return the plot with its rows where they are without any script."""
    geometry, y, groups = _geometry(plot), 0.0, []
    y = geometry["head"] + 0.5
    for i, row in enumerate(rows):
        opens = row.record["kind"] in {"heading", "overall"}
        y += geometry["part"] if opens and i else 0.0
        height = row.record["height"]
        groups.append(_row_group(plot, i, row, y + height / 2))
        y += height
    bottom = y + 0.5
    content = (
        element("title", escape(alt))
        + _head(plot, geometry["head"])
        + element("g", _guides(plot, geometry["head"], bottom), id="guides")
        + "".join(groups)
        + element("g", _axis(plot), id="axis", transform=f"translate(0,{bottom:.3f})")
    )
    height = bottom + geometry["axis"]
    return element(
        "svg",
        content,
        id="plot",
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {plot.width:g} {height:.3f}",
        role="img",
        fill=plot.style.ink,
        font_family="Arial, Helvetica, 'Liberation Sans', sans-serif",
    )


def _row_group(plot: Plot, i: int, row: _Row, y: float) -> str:
    half = row.record["height"] / 2
    back = element(
        "rect",
        class_="back",
        x=plot.style.margin,
        y=-half,
        width=plot.width - 2 * plot.style.margin,
        height=2 * half,
    )
    return element(
        "g",
        back + line_content(plot, row.line),
        class_=f"row {row.record['kind']}",
        id=f"row-{i}",
        tabindex=0 if "tip" in row.record else None,
        transform=f"translate(0,{y:.3f})",
    )


def _head(plot: Plot, rule: float) -> str:
    """Return the heads of the columns, which sort when they are clicked."""
    style, columns = plot.style, plot.columns
    parts = []
    names = ["label", *(plot.table.columns[c.index].name for c in columns.text)]
    for name, column in zip(names, (columns.label, *columns.text), strict=True):
        x = column.right if column.numeric else column.left
        lines = "".join(
            text(line, x, _height(plot, rule, i), columns.size, align=column.align)
            for i, line in enumerate(reversed(column.header))
        )
        parts.append(element("g", lines, class_="head", data_key=name, tabindex=0, role="button"))
    for i, texts in enumerate(panel_lines(plot)):
        parts += [text(x, p, _height(plot, rule, i), s, align=a) for x, p, a, s in texts]
    edges = (style.margin, plot.width - style.margin)
    parts += [segment(*edges, y, y, style.ink, style.medium) for y in (style.margin / 2, rule)]
    return "".join(parts)


def _height(plot: Plot, rule: float, i: int) -> float:
    return rule - 0.4 - plot.style.row * (0.9 * i + 0.5)


def _guides(plot: Plot, top: float, bottom: float) -> str:
    """Return the lines of zero, of the overall mean and of the published value."""
    style, parts = plot.style, []
    if plot.axis.low < 0 < plot.axis.high:
        x = plot.place(0.0)
        parts.append(segment(x, x, top, bottom, style.ink, style.thin))
    lines = [(plot.mean, style.forest.diamond_edge, "0.4 0.7")]
    if plot.reference is not None:
        lines.append((plot.reference[0], style.pale, "2 0.7"))
    for value, color, dashes in lines:
        x = plot.place(value)
        line = segment(x, x, top, bottom, color, style.medium)
        parts.append(line.replace("/>", f' stroke-dasharray="{dashes}"/>'))
    return "".join(parts)


def _axis(plot: Plot) -> str:
    """Return the axis at y = 0 with its ticks, label, and the words about both sides."""
    style, small = plot.style, plot.style.small_size
    left, right = plot.columns.panel
    parts = [segment(left, right, 0.0, 0.0, style.ink, style.medium)]
    for value, label in ticks_within(
        plot.axis, right - left, style, (left - style.margin, plot.width - style.margin - right)
    ):
        x = plot.place(value)
        parts.append(segment(x, x, 0.0, 0.7, style.ink, style.thin))
        parts.append(text(own(label), x, 2.4, small, align="center"))
    title = plot.axis.titles()[0]
    parts.append(text(title, (left + right) / 2, TICKS + 1.6, plot.columns.size, align="center"))
    below = directions(plot) if style.forest.directions_at == "below" else ()
    for i, words in enumerate(below):
        y = TICKS + style.row * (1.0 + SMALL * (i + 0.5))
        parts += [text(line, x, y, small, align=align) for line, x, align in words]
    return "".join(parts)
