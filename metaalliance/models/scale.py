"""Between scales, and from numbers to JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from metaalliance.options import Measure


def fisher_z(r: float) -> float:
    """Return atanh(r), infinite at the ends of a correlation and beyond."""
    return math.copysign(math.inf, r) if abs(r) >= 1 else math.atanh(r)


def back_transform(value: float, measure: Measure) -> float:
    """Return Fisher z as r; other scales are left as they are."""
    return math.tanh(value) if measure == "z" else value


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
