"""The variables of a design: their levels, or their centre and scale, and their columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError
from metaalliance.moderation.formula import Factor
from metaalliance.moderation.grouping import group_by
from metaalliance.moderation.slope import default_scale, unit_text
from metaalliance.moderation.usable import as_text, is_factor

_FUNCTIONS = {"log": np.log, "log2": np.log2, "log10": np.log10, "sqrt": np.sqrt}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A variable of a design.

    Attributes
    ----------
    name, column, function : str
        What it is called, the column behind it, and the function of it.
    levels : tuple of str
        Levels, the reference first; empty for a number.
    centre, scale : float
        A number enters as (x - centre) / scale.
    unit : str
        The scale in words.
    low, high : float
        Smallest and largest value of a number.
    curved : bool
        Whether it enters through a polynomial or spline.
    """

    name: str
    column: str
    function: str
    levels: tuple[str, ...] = ()
    centre: float = 0.0
    scale: float = 1.0
    unit: str = ""
    low: float = math.nan
    high: float = math.nan
    curved: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return what a reader needs to read the coefficients."""
        if self.levels:
            return {
                "name": self.name,
                "kind": "categorical",
                "levels": list(self.levels),
                "reference": self.levels[0],
            }
        return {
            "name": self.name,
            "kind": "continuous",
            "centre": self.centre,
            "scale": self.scale,
            "unit": self.unit,
            "range": [self.low, self.high],
        }


def settle(
    effects: Effects,
    factor: Factor,
    curved: bool,
    reference: Mapping[str, str],
    centre: Mapping[str, float],
    scale: Mapping[str, float],
) -> Variable:
    """Settle levels, or centre and scale, of one variable."""
    name = factor.name
    if is_factor(effects, factor):
        if factor.function in _FUNCTIONS or curved:
            raise OptionError(f"{factor.column} holds text: it has no {name}.", code="MA646")
        if factor.column in centre or factor.column in scale:
            raise OptionError(f"{factor.column} holds text, and has no centre or scale.")
        first = reference.get(factor.column)
        levels = group_by(as_text(effects, factor), factor.column, first).levels
        if len(levels) < 2:
            raise EstimationError(f"{factor.column} has only the level {levels[0]}.", code="MA646")
        return Variable(name=name, column=factor.column, function=factor.function, levels=levels)
    if name in reference:
        raise OptionError(f"{name} holds numbers, and has no reference level.")
    x = _computed(factor.function, effects.frame[factor.column], name)
    if np.ptp(x) == 0:
        raise EstimationError(f"{name} does not differ between effects.", code="MA646")
    unit = scale.get(name, default_scale(factor.column, x) if not factor.function else 1.0)
    if not (math.isfinite(unit) and unit > 0):
        raise OptionError(f"scale of {name} is {unit!r}; it must be a positive number.")
    return Variable(
        name=name,
        column=factor.column,
        function=factor.function,
        centre=float(centre.get(name, float(np.mean(x)))),
        scale=float(unit),
        unit=unit_text(factor.column, x, unit) if not factor.function else f"per {unit:g}",
        low=float(x.min()),
        high=float(x.max()),
        curved=curved,
    )


def _computed(function: str, values: Any, name: str) -> Array:
    """Values of a number, or of a function of it."""
    try:
        x = np.asarray(pd.to_numeric(pd.Series(values)), dtype=float)
    except (TypeError, ValueError):
        raise OptionError(f"{name} needs numbers.") from None
    if not np.isfinite(x).all():
        raise OptionError(f"{name} needs finite numbers.")
    if function in _FUNCTIONS:
        if (x <= 0).any() if function != "sqrt" else (x < 0).any():
            raise OptionError(f"{name} needs positive numbers.")
        return np.asarray(_FUNCTIONS[function](x), dtype=np.float64)
    return x


def encoded(
    variables: tuple[Variable, ...], frame: pd.DataFrame, *, strict: bool = False
) -> pd.DataFrame:
    """The variables under our own names: levels as numbered categories, numbers scaled."""
    columns: dict[str, Any] = {}
    for i, v in enumerate(variables):
        if v.column not in frame:
            raise OptionError(f"The values for prediction lack the column {v.column}.")
        if v.levels:
            codes = _codes(v, frame[v.column])
            columns[f"v{i}x"] = pd.Categorical.from_codes(
                codes, categories=pd.Index([str(n) for n in range(len(v.levels))])
            )
            continue
        x = _computed(v.function, frame[v.column], v.name)
        if strict and v.curved and ((x < v.low) | (x > v.high)).any():
            raise OptionError(
                f"A curve of {v.name} says nothing beyond {v.low:g} to {v.high:g}: predict there "
                "with a straight line."
            )
        columns[f"v{i}x"] = (x - v.centre) / v.scale
    return pd.DataFrame(columns)


def _codes(variable: Variable, values: Any) -> list[int]:
    index = {level: i for i, level in enumerate(variable.levels)}
    found = []
    for value in values:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        text = f"{float(value):g}" if number else str(value).strip()
        if text not in index:
            raise OptionError(
                f"{variable.name} has no level {text!r} in this model; it has "
                f"{', '.join(variable.levels)}."
            )
        found.append(index[text])
    return found


def grid_values(variable: Variable, given: Any) -> list[Any]:
    """Values of a variable in a grid."""
    if given is None:
        if variable.levels:
            return list(variable.levels)
        return [_back(variable.function, variable.centre)]
    several = isinstance(given, list | tuple | np.ndarray | pd.Series)
    return list(given) if several else [given]


def _back(function: str, value: float) -> float:
    """The column's value at which its function has a value."""
    inverse: dict[str, Callable[[float], float]] = {
        "log": math.exp,
        "log2": lambda v: 2.0**v,
        "log10": lambda v: 10.0**v,
        "sqrt": lambda v: v**2,
    }
    return float(inverse[function](value)) if function in inverse else value
