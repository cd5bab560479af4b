"""The root of a function between two points, without the import of `scipy.optimize`."""

from __future__ import annotations

import math
from collections.abc import Callable

_MOST = 200


def bracketed_root(
    function: Callable[[float], float],
    low: float,
    high: float,
    *,
    xtol: float = 2e-12,
    rtol: float = 1e-15,
) -> float:
    """Return where a continuous function is zero between two points at which its signs differ.

    The next point is that of the inverse parabola through the last three, where it is trusted:
    where the three function values are as evenly apart as the points are. Elsewhere the bracket
    is halved.

    Parameters
    ----------
    function : callable
        Of one number.
    low, high : float
        The ends of the bracket, in any order.
    xtol, rtol : float
        How far the root may be off: `xtol` and `rtol` times the root together.

    Raises
    ------
    ValueError
        When the function has one sign at both ends.

    Examples
    --------
    >>> round(bracketed_root(lambda x: x**2 - 2, 0.0, 2.0), 10)
    1.4142135624
    """
    a, b = float(low), float(high)
    fa, fb = float(function(a)), float(function(b))
    if fa == 0 or fb == 0:
        return a if fa == 0 else b
    if math.isnan(fa) or math.isnan(fb) or (fa > 0) == (fb > 0):
        raise ValueError(f"the function has no change of sign between {low!r} and {high!r}")
    part = 0.5
    for _ in range(_MOST):
        x = a + part * (b - a)
        fx = float(function(x))
        if (fx > 0) == (fa > 0):
            c, fc = a, fa
        else:
            c, fc, b, fb = b, fb, a, fa
        a, fa = x, fx
        best = a if abs(fa) < abs(fb) else b
        nearest = (xtol + rtol * abs(best)) / abs(b - a) if b != a else math.inf
        if fa == 0 or nearest > 0.5:
            return a if fa == 0 else best
        part = min(max(_inverse_parabola(a, b, c, fa, fb, fc), nearest), 1 - nearest)
    return best


def _inverse_parabola(a: float, b: float, c: float, fa: float, fb: float, fc: float) -> float:
    """Share of the way from a to b at which the inverse parabola is zero; 0.5 without trust."""
    along, risen = (a - b) / (c - b), (fa - fb) / (fc - fb)
    if not (risen**2 < along and (1 - risen) ** 2 < 1 - along):
        return 0.5
    return fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
