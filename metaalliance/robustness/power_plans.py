"""Power of every plan of a review, by formula and by simulation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.errors import OptionError
from metaalliance.robustness.assumptions import Assumptions, PlannedStudies, assume
from metaalliance.robustness.noncentral import power_of_test, realised_power
from metaalliance.robustness.planning import FORMULAS, Design, design, plan_test
from metaalliance.robustness.power_results import Power, PowerRow
from metaalliance.robustness.simulation import Question, Simulated, contrasts, simulate_power
from metaalliance.workers.workers import Jobs, Workers

#: Studies beyond which no number is searched for.
MOST_STUDIES = 100_000
Progress = Callable[[int, int], None]


class Planned(PlannedStudies, total=False):
    """Keywords of every question about power; see `power_mean`."""

    target: float | None
    simulate: int
    seed: int
    jobs: Jobs
    progress: Progress | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is done with a plan beside its formula.

    Attributes
    ----------
    target : float or None
        Power for which the smallest number of studies is searched.
    simulate, seed, jobs, progress
        Reviews to draw and fit, and how; see `simulate_power`.
    """

    target: float | None = None
    simulate: int = 0
    seed: int = 1
    jobs: Jobs = 1
    progress: Progress | None = None


def assumed_and_search(given: Planned) -> tuple[Assumptions, Search]:
    """Part what is assumed of the studies from what is done with the plan."""
    studies: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for name, value in given.items():
        (studies if name in PlannedStudies.__annotations__ else others)[name] = value
    return assume(**studies), Search(**others)


def true_effect(r: float | None, mu: float | None) -> float:
    """Return the true mean on the analysis scale, given as r or as it is."""
    if (r is None) == (mu is None):
        raise OptionError("Give r, or mu on the analysis scale, not both.")
    if mu is not None:
        return float(mu)
    if r is None or not -1 < r < 1:
        raise OptionError(f"r={r!r} does not lie between -1 and 1.")
    return math.atanh(r)


def whole(k: Any) -> int:
    """Return a number of studies."""
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k <= MOST_STUDIES:
        raise OptionError(f"k={k!r} is not a number of studies, 1 to {MOST_STUDIES:,}.")
    return int(k)


def evaluate_plans(
    question: Question,
    assumed: Assumptions,
    plans: Sequence[tuple[int, ...]],
    beta: Array,
    search: Search,
) -> Power:
    """Power of every plan, by formula and by simulation."""
    if not plans:
        raise OptionError("Give k, the number of studies.")
    by_formula = assumed.test in FORMULAS and not (
        assumed.model == "three-level" and assumed.rho > 0
    )
    if not by_formula and not search.simulate:
        plan_test(assumed, _lay_out(question, assumed, plans[0]), _constraints(question, beta.size))
    designs = [_lay_out(question, assumed, plan) for plan in plans]
    simulated: list[Simulated] | list[None] = [None] * len(plans)
    if search.simulate:
        simulated = simulate_power(
            assumed, designs, beta, question, replications=search.simulate,
            seed=search.seed, workers=Workers.of(search.jobs), progress=search.progress,
        )  # fmt: skip
    rows = [
        _row(question, assumed, planned, plan, beta, found, by_formula=by_formula)
        for planned, plan, found in zip(designs, plans, simulated, strict=True)
    ]
    target, needed = search.target, None
    if target is not None:
        if not 0 < target < 1:
            raise OptionError(f"target={target!r} is not a power between 0 and 1.")
        needed = _needed(question, assumed, plans[0], beta, target) if by_formula else None
    return Power(
        question=question,
        rows=tuple(rows),
        assumed=assumed,
        beta=tuple(float(b) for b in beta),
        target=target,
        needed=needed,
        seed=search.seed if search.simulate else None,
    )


def _lay_out(question: Question, assumed: Assumptions, plan: tuple[int, ...]) -> Design:
    return design(assumed, plan, predictor=question == "egger")


def _constraints(question: Question, p: int) -> Array:
    """What is tested to be zero."""
    if question == "contrast":
        return contrasts(p)
    return np.eye(p)[-1:]


def _row(
    question: Question,
    assumed: Assumptions,
    planned: Design,
    plan: tuple[int, ...],
    beta: Array,
    found: Simulated | None,
    *,
    by_formula: bool,
) -> PowerRow:
    """Power of one plan."""
    k = sum(plan)
    noncentrality = df = power = known = math.nan
    C = _constraints(question, beta.size)
    if by_formula:
        tested = plan_test(assumed, planned, C)
        effect = C @ beta
        noncentrality = float(effect @ np.linalg.solve(tested.covariance, effect))
        df = tested.df
        known = power_of_test(noncentrality, C.shape[0], math.inf, assumed.level)
        power = power_of_test(noncentrality, C.shape[0], df, assumed.level)
        if question == "mean" and assumed.model == "two-level" and assumed.test == "wald":
            v = k * float(tested.covariance[0, 0]) - assumed.tau2
            power = realised_power(float(beta[0]), v, assumed.tau2, k, assumed.level)
    return PowerRow(
        k=k,
        groups=plan,
        n_effects=int(planned.vi.size),
        noncentrality=noncentrality,
        df=df,
        power=power,
        known=known,
        simulated=found,
    )


def _needed(
    question: Question,
    assumed: Assumptions,
    first: tuple[int, ...],
    beta: Array,
    target: float,
) -> tuple[int, ...] | None:
    """The smallest plan, in the proportions of the first, that has the target power."""
    smallest = beta.size + 1

    def plan_of(total: int) -> tuple[int, ...]:
        if len(first) == 1:
            return (total,)
        return tuple(max(2, round(total * share / sum(first))) for share in first)

    def enough(total: int) -> bool:
        plan = plan_of(total)
        planned = _lay_out(question, assumed, plan)
        row = _row(question, assumed, planned, plan, beta, None, by_formula=True)
        return row.power >= target

    found = smallest_that(enough, smallest, MOST_STUDIES)
    return None if found is None else plan_of(found)


def smallest_that(enough: Callable[[int], bool], low: int, high: int) -> int | None:
    """Return the smallest number from `low` on that is enough, None beyond `high`.

    Doubling, then halving: what is enough is taken to stay enough.
    """
    last, reach = low - 1, low
    while not enough(reach):
        if reach >= high:
            return None
        last, reach = reach, min(2 * reach, high)
    while reach - last > 1:
        middle = (last + reach) // 2
        last, reach = (last, middle) if enough(middle) else (middle, reach)
    return reach
