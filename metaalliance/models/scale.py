"""Between scales, and from numbers to JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.options import Measure, Scale, check_option

#: Columns that are effects, and are back-transformed with them.
LIMITS = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")


def fisher_z(r: float) -> float:
    """Return atanh(r), infinite at the ends of a correlation and beyond."""
    return math.copysign(math.inf, r) if abs(r) >= 1 else math.atanh(r)


def back_transform(value: float, measure: Measure) -> float:
    """Return Fisher z as r; other scales are left as they are."""
    return math.tanh(value) if measure == "z" else value


def on_scale(
    frame: pd.DataFrame, scale: str, measure: Measure, columns: Sequence[str] = LIMITS
) -> pd.DataFrame:
    """Return a copy whose `columns` are on a scale; as r, Fisher z has no standard error."""
    check_option("scale", scale, Scale)
    shown = frame.copy()
    if scale == "r" and measure == "z":
        for name in columns:
            shown[name] = [math.tanh(v) for v in shown[name]]
        if "se" in shown:
            shown["se"] = math.nan
    return shown


def without_nan(content: Mapping[str, Any]) -> dict[str, Any]:
    """Replace NaN and infinities by None, and numpy scalars by Python's, for JSON."""
    return {str(k): _of_json(v) for k, v in content.items()}


def _of_json(content: Any) -> Any:
    if isinstance(content, Mapping):
        return without_nan(content)
    if isinstance(content, list | tuple):
        return [_of_json(v) for v in content]
    if isinstance(content, np.generic):
        return _of_json(content.item())
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content
