"""Where a positive function of one or two unknowns has its mass, and its integral there."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from metaalliance.core.arrays import Array
from metaalliance.core.bayesian.panel import Panel, PanelDensity

LogFunction = Callable[[Array], Array]
"""From values of the unknowns, shape (n, dimensions), to logarithms, shape (n,)."""

#: Below the highest value by so much in the logarithm nothing is looked at.
_DEPTH = 18.0
#: Where the last coefficients of a marginal density are larger, the rule gets more nodes.
_UNRESOLVED = 1e-6
_MESH, _ORDERS = 40, (20, 28, 40, 56, 80)

Box = Sequence[tuple[float, float]]
Region = Sequence[Panel]


@dataclass(frozen=True, slots=True, eq=False)
class Integrated:
    """The integral of a function over its region.

    Attributes
    ----------
    log_total : float
        Logarithm of the integral.
    nodes : ndarray, shape (n, dimensions)
        Where the function was taken.
    masses : ndarray, shape (n,)
        Shares of the integral at the nodes.
    marginals : tuple of PanelDensity
        One for each unknown.
    """

    log_total: float
    nodes: Array
    masses: Array
    marginals: tuple[PanelDensity, ...]

    def rest(self) -> float:
        """What the rule does not resolve, as a share of the integral."""
        return max((m.rest() for m in self.marginals), default=0.0)


def integrate(log: LogFunction, region: Region, box: Box) -> Integrated:
    """Integrate exp(log) over a region of a box by a product of Gauss-Legendre rules.

    The region is widened where mass lies at its edge, and the rule gets more nodes where a
    marginal density is not resolved.

    Parameters
    ----------
    log : callable
        The logarithm of the function.
    region : sequence of Panel
        Where its mass is, from `region_of`; none for a function without unknowns.
    box : sequence of (float, float)
        The whole range of each unknown.
    """
    if not box:
        empty = np.zeros((1, 0))
        return Integrated(float(log(empty)[0]), empty, np.ones(1), ())
    now = list(region)
    for order in _ORDERS:
        for _ in range(6):
            found, wider = _product(log, now, box, order)
            if wider == now:
                break
            now = wider
        if found.rest() < _UNRESOLVED:
            break
    return found


def region_of(log: LogFunction, box: Box) -> list[Panel]:
    """The smallest box of mesh cells around all that is not negligible.

    A mesh finds it, again and again within what it found. Panels have most nodes at the top.

    Parameters
    ----------
    log : callable
        The logarithm of the function, or something near it.
    box : sequence of (float, float)
        The whole range of each unknown.
    """
    region = [(low, high) for low, high in box]
    for _ in range(12 if box else 0):
        axes = [np.linspace(low, high, _MESH) for low, high in region]
        values = log(_product_of(axes)).reshape([_MESH] * len(axes))
        kept = values > values.max() - _DEPTH
        inner = []
        for i, axis in enumerate(axes):
            others = tuple(j for j in range(len(axes)) if j != i)
            inside = np.flatnonzero(kept.any(axis=others))
            first, last = max(inside[0] - 1, 0), min(inside[-1] + 1, _MESH - 1)
            inner.append((float(axis[first]), float(axis[last])))
        shrunk = min(
            (b - a) / (high - low) for (a, b), (low, high) in zip(inner, region, strict=True)
        )
        region = inner
        if shrunk > 0.6:
            break
    if not box:
        return []
    top = _product_of(axes)[int(values.argmax())]
    return [_panel(log, top, i, region[i]) for i in range(len(box))]


def _panel(log: LogFunction, top: Array, i: int, ends: tuple[float, float]) -> Panel:
    """The panel of one unknown, by how wide the function is around the top."""
    along = np.linspace(*ends, 10 * _MESH)
    at = np.tile(top, (along.size, 1))
    at[:, i] = along
    values = log(at)
    near = along[values > values.max() - 1]
    width = max(float(np.ptp(near)) / 2, (ends[1] - ends[0]) / along.size)
    return Panel.between(*ends, centre=float(along[values.argmax()]), width=width)


def _product_of(axes: Sequence[Array]) -> Array:
    grids = np.meshgrid(*axes, indexing="ij")
    return np.stack([grid.ravel() for grid in grids], axis=1)


def _product(
    log: LogFunction, region: list[Panel], box: Box, order: int
) -> tuple[Integrated, list[Panel]]:
    """The integral by a product rule, and the region that it should have been taken over."""
    rules = [panel.rule(order) for panel in region]
    nodes = _product_of([x for x, _ in rules])
    log_weights = np.log(rules[0][1])
    if len(rules) == 2:
        log_weights = (log_weights[:, None] + np.log(rules[1][1])).ravel()
    logs = log(nodes)
    total = float(logsumexp(logs + log_weights))
    masses = np.exp(logs + log_weights - total)
    cube = masses.reshape([order] * len(rules))
    marginals = [
        PanelDensity(panel, cube.sum(axis=tuple(j for j in range(len(rules)) if j != i)))
        for i, panel in enumerate(region)
    ]
    heights = (logs - logs.max()).reshape(cube.shape)
    wider = [
        _widened(np.moveaxis(heights, i, 0).reshape(order, -1).max(axis=1), region[i], box[i])
        for i in range(len(rules))
    ]
    return Integrated(total, nodes, masses, tuple(marginals)), wider


def _widened(heights: Array, panel: Panel, whole: tuple[float, float]) -> Panel:
    """The panel, wider by half where the function is not negligible at an end inside the range."""
    (low, high), enough = panel.ends(), math.log(1e-7)
    step = (high - low) / 2
    if heights[0] > enough and low > whole[0]:
        low = max(whole[0], low - step)
    if heights[-1] > enough and high < whole[1]:
        high = min(whole[1], high + step)
    if (low, high) == panel.ends():
        return panel
    return Panel.between(low, high, centre=panel.centre, width=panel.width)
