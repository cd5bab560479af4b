"""The tables of a pooled result."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.inference.intervals import critical_value
from metaalliance.models.comparison import NamedFit
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import LIMITS, back_transform
from metaalliance.problems import Problem
from metaalliance.report.tables.table import Field, Table, effect_field, with_limits
from metaalliance.wording.phrases import level_text

_SEVERITIES = {"error": 0, "warning": 1, "note": 2}


def model_table(rows: Sequence[NamedFit], *, digits: int = 3) -> Table:
    """The pooled result of each model, back-transformed."""
    first = rows[0].fit
    is_r = first.measure != "generic"
    level = level_text(first.level)
    fields = (
        Field(key="name", title="Model"),
        Field(key="n_studies", title="Studies", kind="count"),
        Field(key="n_effects", title="Effects", kind="count", optional=True),
        effect_field("estimate", digits, is_r=is_r),
        Field(key="ci", title=f"{level} CI", kind="interval"),
        Field(key="p_value", title="p", kind="p"),
        Field(key="pi", title=f"{level} PI", kind="interval", optional=True),
        Field(key="tau", title="tau", kind="number", digits=digits, optional=True),
        Field(key="I2", title="I² %", kind="percent", digits=max(0, digits - 2), optional=True),
    )
    return Table(
        title="Pooled results",
        fields=fields,
        rows=tuple(_model_row(row, digits, is_r=is_r) for row in rows),
        notes=not_taken_notes(rows),
    )


def not_taken_notes(
    rows: Sequence[NamedFit], names: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Say which settings of the main model have no meaning for other rows; nothing, if all have.

    Parameters
    ----------
    names : mapping of str to str, optional
        Other names of rows, by their own.
    """
    shown = names or {}
    by_settings: dict[str, list[str]] = {}
    for row in rows:
        if row.not_taken:
            listed = ", ".join(row.not_taken)
            by_settings.setdefault(listed, []).append(shown.get(row.name, row.name))
    parts = [f"{', '.join(found)} (not {listed})" for listed, found in by_settings.items()]
    if not parts:
        return ()
    return (f"Settings of the main model without a meaning elsewhere: {'; '.join(parts)}.",)


def _model_row(named: NamedFit, digits: int, *, is_r: bool) -> dict[str, Any]:
    fit = named.fit
    back = {key: back_transform(getattr(fit, key), fit.measure) for key in LIMITS}
    return {
        **with_limits(back, digits, correlation=is_r),
        "name": named.name,
        "n_studies": fit.n_studies,
        "n_effects": fit.n_effects,
        "p_value": fit.p_value,
        "tau": math.nan if fit.model == "common-effect" else fit.tau,
        "I2": fit.I2,
    }


def model_frame(rows: Sequence[NamedFit]) -> pd.DataFrame:
    """Return every model at full precision, on the analysis scale and as r."""
    frames = []
    for row in rows:
        analysis, back = row.fit.to_frame(), row.fit.to_frame(scale="r")
        analysis.insert(0, "name", row.name)
        analysis["not_taken"] = ", ".join(row.not_taken)
        frames.append(pd.concat([analysis, back[list(LIMITS)].add_prefix("r_")], axis=1))
    return pd.concat(frames, ignore_index=True)


def effect_frame(fit: PooledFit) -> pd.DataFrame:
    """Every effect with its interval, its weight and its moderators.

    Intervals of Fisher z are those of r, and their columns say so: `r_ci_low`, `r_ci_high`.
    """
    frame = fit.effects.frame.copy()
    low_name, high_name = ("r_ci_low", "r_ci_high") if fit.measure == "z" else ("ci_low", "ci_high")
    own = {c: f"{c} (sheet)" for c in (low_name, high_name, "weight_percent") if c in frame}
    frame = frame.rename(columns=own)
    half = critical_value(fit.level, math.inf) * np.sqrt(fit.effects.vi)
    yi = fit.effects.frame["yi"].to_numpy(dtype=float)  # missing where only an interval is known
    low, high = yi - half, yi + half
    is_z = fit.measure == "z"
    place = list(frame.columns).index("vi") + 1
    frame.insert(place, low_name, np.tanh(low) if is_z else low)
    frame.insert(place + 1, high_name, np.tanh(high) if is_z else high)
    frame.insert(place + 2, "weight_percent", 100 * fit.weights)
    return frame


def problem_rows(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """Problems as rows, errors first."""
    ordered = sorted(problems, key=lambda p: _SEVERITIES[p.severity])
    return [p.to_dict() for p in ordered]
