"""Tables of forest plots: which lines there are, what they say, what the axis must hold."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd

from metaalliance.effects.ratings import rating_columns, rating_levels
from metaalliance.errors import OptionError
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import back_transform
from metaalliance.moderation.level_means import LevelMean, LevelMeans
from metaalliance.options import Measure
from metaalliance.plots.canvas.axis import EffectAxis, axis_range
from metaalliance.plots.canvas.fitting import ends_of
from metaalliance.plots.canvas.style import Style
from metaalliance.plots.canvas.typeset import Line, own, user
from metaalliance.plots.forests.choice import COUNT, RATED, Choice
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
from metaalliance.plots.forests.rows import Section, StudyRow, sections
from metaalliance.plots.groups import level_name
from metaalliance.plots.lights import lights_of
from metaalliance.plots.words import group_notes, not_pooled, prediction_labels
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import level_text, percent_text

#: A published pooled value, as r for correlations, alone or with its label.
Reference = float | tuple[float, str]


def forest_table(
    fit: PooledFit,
    means: LevelMeans | None,
    choice: Choice,
    style: Style,
    prediction: str | None = None,
) -> Table:
    """Return the lines of a forest plot: groups, overall mean, prediction interval."""
    look = style.forest
    lines: list[TableLine] = []
    for part in sections(fit, means, choice):
        if part.level is not None:
            lines.append(Heading(label=user(level_name(part.level.name), bold=look.bold_group)))
        lines.extend(part.studies)
        if part.level is not None and means is not None:
            lines.extend(_foot_of_group(fit, part, part.level, means, choice, style))
    label = own(look.total.format(level=level_text(fit.level)), bold=look.bold_total)
    cells = _totals(fit, choice, 1.0)
    lines.append(pooled_line(fit, label, cells, overall=True))
    lines.extend(prediction_line(fit, style, prediction))
    columns = _columns(fit, choice, style)
    rated = {line.cells[i] for line in lines if isinstance(line, StudyRow)
             for i, column in enumerate(columns) if column.light and line.cells[i]}  # fmt: skip
    return Table(
        label_header=own(look.study_head, bold=look.bold_head),
        columns=columns,
        lights=lights_of(rating_levels(pd.DataFrame({"rating": sorted(rated)})), style),
        panel_header=panel_header(fit, style),
        lines=tuple(lines),
        indented=choice.grouped,
        measure=fit.measure,
        level=fit.level,
        wording=style.words,
        bold=look.bold_head,
    )


def _foot_of_group(
    fit: PooledFit,
    part: Section,
    level: LevelMean,
    means: LevelMeans,
    choice: Choice,
    style: Style,
) -> list[TableLine]:
    """Return the diamond of a group with its notes, or why it has none."""
    if not level.pooled and style.notes != "full":
        return []
    if not level.pooled:
        return [Note(wordings=tuple(own(text) for text in not_pooled(level, means)))]
    studies = [row for row in part.studies if not row.minor]
    if len(studies) == 1:
        return []
    words = style.forest.subtotal.format(level=level_text(fit.level))
    label = own(words, bold=style.forest.bold_total and words != "Subtotal")
    cells = _totals(level, choice, sum(row.weight for row in studies))
    notes = [Note(wordings=found) for found in group_notes(level, style.words)]
    return [pooled_line(level, label, cells), *notes]


def _columns(fit: PooledFit, choice: Choice, style: Style) -> tuple[ColumnSpec, ...]:
    """Return the columns on either side of the plot, with their heads."""
    sides: tuple[tuple[Literal["left", "right"], tuple[str, ...]], ...] = (
        ("left", choice.left),
        ("right", choice.right),
    )
    return tuple(
        ColumnSpec(
            name=name,
            header=_head(name, fit, style),
            side=side,
            numeric=_is_numeric(name, fit.effects.frame),
            optional=name in choice.optional,
            short=_short_head(name, style),
            light=name.startswith(RATED),
        )
        for side, names in sides
        for name in names
    )


def _is_numeric(name: str, frame: pd.DataFrame) -> bool:
    if name in {EFFECT, "weight", COUNT}:
        return True
    if name.startswith(RATED):
        return False
    return bool(pd.api.types.is_numeric_dtype(frame[name]))


def _head(name: str, fit: PooledFit, style: Style) -> tuple[Line, ...]:
    look = style.forest
    if name == EFFECT:
        return effect_header(fit, style)
    if name.startswith(RATED):
        domains = list(rating_columns(fit.effects.frame))
        letter = f"D{domains.index(name.removeprefix(RATED)) + 1}"
        return (own(letter if len(domains) > 1 else "Bias", bold=look.bold_head),)
    if name == "weight":
        return (own(look.weight_head, bold=look.bold_head),)
    return (column_header(name, style),)


def _short_head(name: str, style: Style) -> Line | None:
    look = style.forest
    words = {"n": look.n_short, COUNT: look.k_short}.get(name)
    return None if words is None else own(words, bold=look.bold_head)


def effect_header(fit: PooledFit, style: Style) -> tuple[Line, ...]:
    """Return the lines over estimates and intervals, such as "r [95% CI]"."""
    return _filled(style.forest.effect_head, fit, style)


def panel_header(fit: PooledFit, style: Style) -> tuple[Line, ...]:
    """Return the lines over the plot."""
    return _filled(style.forest.panel_head, fit, style)


def _filled(templates: Iterable[str], fit: PooledFit, style: Style) -> tuple[Line, ...]:
    generic = fit.measure == "generic"
    values = {
        "effect": "Estimate" if generic else "r",
        "name": "Effect size" if generic else "Correlation",
        "level": level_text(fit.level),
        "model": "Fixed" if fit.model == "common-effect" else "Random",
    }
    texts = (text.format(**values) for text in templates)
    bold = style.forest.bold_head
    return tuple(own(text.replace("*Estimate*", "Estimate"), bold=bold) for text in texts)


def pooled_line(
    fit: PooledFit | LevelMean, label: Line, cells: tuple[str, ...], *, overall: bool = False
) -> Pooled:
    """Return the diamond of a mean, without its prediction interval."""
    return Pooled(
        label=label,
        cells=cells,
        estimate=fit.estimate,
        low=fit.ci_low,
        high=fit.ci_high,
        spread=(math.nan, math.nan),
        overall=overall,
    )


def prediction_line(fit: PooledFit, style: Style, mark: str | None = None) -> list[Prediction]:
    """Return the line of the prediction interval, if the model has one and it is wanted."""
    mark = mark or style.forest.prediction_mark
    if not math.isfinite(fit.pi_low) or mark == "none":
        return []
    return [
        Prediction(
            wordings=prediction_labels(fit.level, style),
            low=fit.pi_low,
            high=fit.pi_high,
            mark=mark,
            center=fit.estimate,
            scale=math.sqrt(fit.se**2 * (fit.prediction != "simple") + fit.tau2),
            df=fit.prediction_df,
        )
    ]


def column_header(name: str, style: Style) -> Line:
    """Return the head of a column of the effects."""
    look = style.forest
    if name in {"n", COUNT}:
        return own(look.n_head if name == "n" else look.k_head, bold=look.bold_head)
    text = name.replace("_", " ").strip()
    return user(text[:1].upper() + text[1:], bold=look.bold_head)


def _totals(fit: PooledFit | LevelMean, choice: Choice, weight: float) -> tuple[str, ...]:
    """Return what the columns add up to: participants, effects, weight."""
    totals = {
        "n": f"{fit.n_participants:,}" if fit.n_participants else "",
        COUNT: f"{fit.n_effects:,}",
        "weight": percent_text(weight, 1).removesuffix("%") + choice.percent,
    }
    return tuple(totals.get(name, "") for name in choice.cells)


def reference_mark(
    reference: Reference | None, measure: Measure, *, zero: bool = False
) -> tuple[float, str] | None:
    """Return position on the analysis scale and label of a published value."""
    if reference is None:
        return None
    value, label = reference if isinstance(reference, tuple) else (reference, "Published")
    is_r = measure != "generic"
    if not math.isfinite(value) or (is_r and not -1 < value < 1):
        raise OptionError(f"reference={value!r} is not a correlation between −1 and 1.")
    digits = 2 if round(value, 2) == value else 3
    text = f"{label}: {number(value, digits, correlation=is_r and not zero)}"
    return (math.atanh(value) if measure == "z" else float(value)), text


def bounds(lines: Iterable[TableLine]) -> list[tuple[float, float]]:
    """Return every interval that lines draw; a diamond with its prediction interval."""
    found: list[tuple[float, float]] = []
    for line in lines:
        if isinstance(line, Pooled) and math.isfinite(line.spread[0]):
            found.append(line.spread)
        elif isinstance(line, StudyRow) and math.isfinite(line.low):
            found.append(line.reach)
        elif isinstance(line, Pooled | Prediction) and math.isfinite(line.low):
            found.append((line.low, line.high))
    return found


def is_cut(table: Table, axis: EffectAxis) -> bool:
    """Whether some interval leaves the axis."""
    return any(low < axis.low or high > axis.high for low, high in bounds(table.lines))


def table_axis(
    table: Table,
    marked: tuple[float, str] | None,
    style: Style,
    limits: tuple[float, float] | None = None,
) -> EffectAxis:
    """Choose the axis for studies and overall mean; `limits` are correlations where there are.

    Intervals of groups do not widen it: they end in an arrow.

    Raises
    ------
    OptionError
        For limits that are no range of correlations, or that leave an estimate out.
    """
    shown = [line.estimate for line in table.lines if isinstance(line, StudyRow | Pooled)]
    shown = [value for value in shown if math.isfinite(value)]
    shown += [p for line in table.lines if isinstance(line, StudyRow) for p in line.points]
    points = [*shown, marked[0]] if marked else shown
    kept = [x for x in table.lines if not isinstance(x, Pooled) or x.overall or table.of_means]
    lows, highs = np.array(bounds(kept)).T
    axis = axis_range(np.array(points), lows, highs, table.measure)
    axis = replace(_with_sides(axis, style.forest.least_side), zero=table.wording.leading_zero)
    return axis if limits is None else _limited(axis, limits, np.array(points))


def _with_sides(axis: EffectAxis, share: float) -> EffectAxis:
    """Widen an axis so that at least `share` of it lies on either side of zero."""
    if not axis.low < 0 < axis.high or axis.measure == "generic":
        return axis
    part = share / (1 - share)
    low, high = min(axis.low, -part * axis.high), max(axis.high, -part * axis.low)
    return replace(axis, low=low, high=high)


def _limited(axis: EffectAxis, limits: tuple[float, float], points: np.ndarray) -> EffectAxis:
    """Return the axis from and to the limits of the user."""
    low, high = ends_of(limits, axis.measure)
    if points.min() < low or points.max() > high:
        shown = (back_transform(float(v), axis.measure) for v in (points.min(), points.max()))
        ends = (f"{v:.2f}" for v in shown)
        raise OptionError(
            f"limits={limits!r} leave estimates out, which go from {' to '.join(ends)}."
        )
    return replace(axis, low=low, high=high)
