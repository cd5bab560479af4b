"""What a change of sign, unit, order or label of the effects may and may not change."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import metaalliance as ma

UNIT = 1024.0
POWERS = (0, 1, 2, -1, -2)
#: Densities of the data: they change by a constant with the unit.
DENSITY = re.compile("log_lik|log_marginal|AIC|BIC")
#: Probabilities of one direction turn to their complement.
DIRECTED = re.compile("(probability_)?above_zero(_ci_low|_ci_high)?$")

METHODS: dict[str, Callable[[ma.Effects], Any]] = {
    "pool": ma.pool,
    "egger": ma.egger,
    "pet_peese": ma.pet_peese,
    "trim_and_fill": ma.trim_and_fill,
    "limit_meta": ma.limit_meta,
    "fail_safe_n": ma.fail_safe_n,
    "rank_test": ma.rank_test,
    "excess_significance": ma.excess_significance,
    "selection_model": lambda e: ma.selection_model(ma.aggregate(e)),
    "p_uniform": ma.p_uniform,
    "rve": ma.rve,
    "henmi_copas": lambda e: ma.henmi_copas(e, rho=0.5),
    "bayes": lambda e: ma.bayes(e, rho=0.5, tau_prior="uniform"),
    "influence": ma.influence,
    "outliers": ma.outliers,
    "baujat": ma.baujat,
    "moderators": lambda e: ma.moderators(e, "arm"),
    "moderators, separate": lambda e: ma.moderators(e, "arm", separate_tau2=True),
}


class Draw:
    """Effects of 12 studies, and the same after a change."""

    def __init__(self, seed: int, mean: float) -> None:
        rng = np.random.default_rng(seed)
        self.study = np.repeat([f"S{i:02d}" for i in range(12)], rng.integers(1, 4, 12))
        k = self.study.size
        self.arm = np.where(np.unique(self.study, return_inverse=True)[1] % 2 == 0, "a", "b")
        self.vi = 10 ** rng.uniform(-3.0, 0.0, k)
        true = mean + 0.2 * rng.normal(size=12)[np.unique(self.study, return_inverse=True)[1]]
        self.yi = true + rng.normal(size=k) * np.sqrt(self.vi + 0.01)
        self.order = rng.permutation(k)

    def effects(self, factor: float = 1.0, order: Any = None, label: str = "S") -> ma.Effects:
        """The effects times `factor`, in another order, with other labels."""
        rows = np.arange(self.yi.size) if order is None else order
        # Labels that sort the other way round.
        names = [s if label == "S" else f"Q{99 - int(s[1:]):02d}" for s in self.study[rows]]
        return ma.Effects.from_arrays(
            factor * self.yi[rows], factor**2 * self.vi[rows], study=names,
            moderators={"arm": self.arm[rows]},
        )  # fmt: skip


def numbers(found: Any, path: str = "") -> dict[str, list[float]]:
    """Every number of a record, by its path with the positions in lists left out."""
    values: dict[str, list[float]] = defaultdict(list)
    items: list[tuple[str, Any]] = []
    if isinstance(found, dict):
        items = [(f"{path}.{key}", value) for key, value in found.items() if key != "notices"]
    elif isinstance(found, list | tuple):
        items = [(f"{path}[]", value) for value in found]
    elif isinstance(found, int | float) and not isinstance(found, bool):
        values[path].append(float(found))
    for where, value in items:
        for key, more in numbers(value, where).items():
            values[key] += more
    return values


def same(left: list[float], right: list[float]) -> bool:
    """Equal as sets, up to the digits that iterations leave."""
    if len(left) != len(right):
        return False
    return np.allclose(sorted(left), sorted(right), rtol=2e-6, atol=1e-11, equal_nan=True)


def scales(old: float, new: float, factor: float) -> bool:
    """Whether one number is the other in a unit, or has none."""
    tolerance = 1e-11 * max(1.0, *(factor**power for power in POWERS[:3]))
    return any(
        math.isclose(old * factor**power, new, rel_tol=2e-6, abs_tol=tolerance)
        for power in POWERS
    )  # fmt: skip


def run(method: str, effects: ma.Effects) -> dict[str, list[float]]:
    """The numbers of a method, or of the reason why there are none."""
    try:
        return numbers(METHODS[method](effects).to_dict())
    except ma.MetaAllianceError as error:
        return {type(error).__name__: []}


def swapped(path: str) -> str:
    """The path of the other end of an interval."""
    head, _, last = path.rpartition(".")
    if "low" in last and "slow" not in last:
        return f"{head}.{last.replace('lower', 'upper').replace('low', 'high')}"
    return f"{head}.{last.replace('upper', 'lower').replace('high', 'low')}"


draws = st.builds(Draw, st.integers(1, 10_000), st.sampled_from([-0.6, -0.25, 0.3]))
few = settings(max_examples=1, derandomize=True, phases=[Phase.generate])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", METHODS)
@few
@given(draw=draws)
def test_sign(method: str, draw: Draw):
    before, after = run(method, draw.effects()), run(method, draw.effects(-1.0))
    assert {swapped(p) for p in before} | set(before) >= set(after)
    for path, values in before.items():
        other = after.get(path, []) + (
            after.get(swapped(path), []) if swapped(path) != path else []
        )
        if DIRECTED.search(path):
            assert same(values, [1 - v for v in after[swapped(path)]]), path
            continue
        sizes = np.abs(np.array(other, dtype=float))
        for value in values:
            near = np.isclose(sizes, abs(value), rtol=2e-6, atol=1e-11)
            assert math.isnan(value) or near.any(), (path, value, other)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", METHODS)
@few
@given(factor=st.sampled_from([UNIT, 1 / UNIT]), draw=draws)
def test_unit(method: str, factor: float, draw: Draw):
    before, after = run(method, draw.effects()), run(method, draw.effects(factor))
    assert set(before) == set(after)
    for path, values in before.items():
        if not DENSITY.search(path):
            pairs = zip(values, after[path], strict=True)
            assert all(scales(old, new, factor) for old, new in pairs), (path, values, after[path])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", METHODS)
@few
@given(draw=draws)
def test_order_and_labels(method: str, draw: Draw):
    before = run(method, draw.effects())
    for change in ({"order": draw.order}, {"label": "Q"}):
        after = run(method, draw.effects(**change))
        assert set(before) == set(after)
        for path, values in before.items():
            assert same(values, after[path]), (path, values, after[path])
