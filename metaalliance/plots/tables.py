"""Tables of forest plots: which lines there are, what they say, what the axis must hold."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from metaalliance.errors import OptionError
from metaalliance.models.fits import PooledFit
from metaalliance.models.text import number
from metaalliance.options import Measure
from metaalliance.plots.axis import EffectAxis, axis_range
from metaalliance.plots.lines import Heading, Note, Pooled, Prediction, Table, TableLine
from metaalliance.plots.numbers import percent_text
from metaalliance.plots.rows import COUNT, Choice, Section, StudyRow
from metaalliance.plots.typeset import Line, own, user
from metaalliance.plots.words import level_name, level_notes, prediction_labels

#: A published pooled value, as r for correlations, alone or with its label.
Reference = float | tuple[float, str]


def forest_table(fit: PooledFit, parts: Sequence[Section], choice: Choice) -> Table:
    """Return the lines of a forest plot: groups, overall mean, prediction interval."""
    frame = fit.effects.frame
    lines: list[TableLine] = []
    for part in parts:
        if part.label:
            lines.append(Heading(label=user(level_name(part.label), bold=True)))
        lines.extend(part.studies)
        if part.label and len(part.studies) > 1:
            weight = sum(row.weight for row in part.studies)
            cells = _totals(part.fit, choice)
            lines.append(pooled_line(part.fit, own("Subtotal"), cells, percent_text(weight, 1)))
            lines.append(Note(wordings=level_notes(part.fit)))
    cells = _totals(fit, choice)
    lines.append(pooled_line(fit, own("Overall", bold=True), cells, "100.0%", overall=True))
    lines.extend(prediction_line(fit))
    return Table(
        label_header=own("Study"),
        headers=tuple(column_header(name) for name in choice.columns),
        numeric=tuple(
            name == COUNT or pd.api.types.is_numeric_dtype(frame[name]) for name in choice.columns
        ),
        last_header=own("Weight"),
        lines=tuple(lines),
        indented=choice.grouped,
        measure=fit.measure,
        level=fit.level,
    )


def pooled_line(
    fit: PooledFit, label: Line, cells: tuple[str, ...], last: str, *, overall: bool = False
) -> Pooled:
    """Return the diamond of a fit, without its prediction interval."""
    return Pooled(
        label=label,
        cells=cells,
        last=last,
        estimate=fit.estimate,
        low=fit.ci_low,
        high=fit.ci_high,
        spread=(math.nan, math.nan),
        overall=overall,
    )


def prediction_line(fit: PooledFit) -> list[Prediction]:
    """Return the bar of the prediction interval, if the model has one."""
    if not math.isfinite(fit.pi_low):
        return []
    return [Prediction(wordings=prediction_labels(fit.level), low=fit.pi_low, high=fit.pi_high)]


def column_header(name: str) -> Line:
    """Return the head of a column of the effects."""
    if name == "n":
        return own("*n*")
    if name == COUNT:
        return own("Effects")
    text = name.replace("_", " ").strip()
    return user(text[:1].upper() + text[1:])


def _totals(fit: PooledFit, choice: Choice) -> tuple[str, ...]:
    """Return what the chosen columns add up to: participants and effects."""
    people = f"{fit.n_participants:,}" if fit.n_participants else ""
    totals = {"n": people, COUNT: f"{fit.n_effects:,}"}
    return tuple(totals.get(name, "") for name in choice.columns)


def reference_mark(reference: Reference | None, measure: Measure) -> tuple[float, str] | None:
    """Return position on the analysis scale and label of a published value."""
    if reference is None:
        return None
    value, label = reference if isinstance(reference, tuple) else (reference, "Published")
    is_r = measure != "generic"
    if not math.isfinite(value) or (is_r and not -1 < value < 1):
        raise OptionError(f"reference={value!r} is not a correlation between −1 and 1.")
    digits = 2 if round(value, 2) == value else 3
    text = f"{label}: {number(value, digits, correlation=is_r)}"
    return (math.atanh(value) if measure == "z" else float(value)), text


def bounds(table: Table) -> list[tuple[float, float]]:
    """Return every interval that a table draws; a diamond with its prediction interval."""
    found: list[tuple[float, float]] = []
    for line in table.lines:
        if isinstance(line, Pooled) and math.isfinite(line.spread[0]):
            found.append(line.spread)
        elif isinstance(line, StudyRow | Pooled | Prediction):
            found.append((line.low, line.high))
    return found


def is_cut(table: Table, axis: EffectAxis) -> bool:
    """Whether some interval leaves the axis."""
    return any(low < axis.low or high > axis.high for low, high in bounds(table))


def table_axis(table: Table, marked: tuple[float, str] | None) -> EffectAxis:
    """Choose the axis for all that a table shows."""
    shown = [line.estimate for line in table.lines if isinstance(line, StudyRow | Pooled)]
    points = [*shown, marked[0]] if marked else shown
    lows, highs = np.array(bounds(table)).T
    return axis_range(np.array(points), lows, highs, table.measure)
