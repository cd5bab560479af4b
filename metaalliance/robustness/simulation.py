"""Power by simulation: draw reviews, fit them as `pool` and its kin do, count rejections."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Literal

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError
from metaalliance.models.pool import fit_mean
from metaalliance.models.regression import fit_regression
from metaalliance.notices import quiet
from metaalliance.options import check_seed
from metaalliance.publication_bias.egger import egger
from metaalliance.robustness.assumptions import Assumptions
from metaalliance.robustness.planning import Design
from metaalliance.workers.workers import Workers

#: Simulated reviews of one task, whatever the number of jobs.
BATCH = 50
Question = Literal["mean", "contrast", "egger"]
_Part = tuple[int, int, float, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """Rejections in simulated reviews.

    Attributes
    ----------
    replications, rejected, failures : int
        Reviews that were drawn, of which the test rejected, and that could not be fitted (they
        count as not rejected).
    half_width : float
        Mean half-width of the interval of the mean on the analysis scale; NaN for the others.
    """

    replications: int
    rejected: int
    failures: int
    half_width: float

    @property
    def power(self) -> float:
        """Share that was rejected."""
        return self.rejected / self.replications

    @property
    def mc_se(self) -> float:
        """Monte-Carlo standard error of the share."""
        return math.sqrt(self.power * (1 - self.power) / self.replications)

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95% interval of the share, which is right near 0 and 1 too."""
        z2, n, p = 3.841458820694124, self.replications, self.power
        centre = (p + z2 / (2 * n)) / (1 + z2 / n)
        half = math.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n * n))) / (1 + z2 / n)
        return max(0.0, centre - half), min(1.0, centre + half)


def simulate_power(
    assumed: Assumptions,
    plans: Sequence[Design],
    beta: Array,
    question: Question,
    *,
    replications: int,
    seed: int,
    workers: Workers,
    progress: Callable[[int, int], None] | None = None,
) -> list[Simulated]:
    """Draw and fit reviews of every plan.

    Parameters
    ----------
    assumed : Assumptions
        What the studies are like.
    plans : sequence of Design
        The reviews.
    beta : ndarray, shape (p,)
        True coefficients of their design.
    question : {"mean", "contrast", "egger"}
        What is tested.
    replications : int
        Number of reviews of a plan.
    seed : int
        Each batch of 50 reviews of a plan has its own stream, spawned from the seed, so that the
        result does not depend on the workers.
    workers : Workers
        Where they are computed.
    progress : callable, optional
        Called with the number of reviews done and the number in all.

    Raises
    ------
    OptionError
        For fewer than one replication.
    EstimationError
        When no review of a plan could be fitted.
    """
    if replications < 1:
        raise OptionError(f"{replications} simulations; at least 1.")
    sizes = [BATCH] * (replications // BATCH)
    if replications % BATCH:
        sizes.append(replications % BATCH)
    streams = np.random.SeedSequence(check_seed(seed)).spawn(len(sizes))
    parts = workers.run(
        _batch,
        (assumed, tuple(plans), beta, question),
        ((plan, *task) for plan in range(len(plans)) for task in zip(sizes, streams, strict=True)),
        count=len(plans) * len(sizes),
        key=(
            assumed.sizes, assumed.tau2, assumed.between, assumed.rho, repr(assumed.fitted),
            [(plan.study, plan.group, plan.vi, plan.data.X) for plan in plans],
            beta, question, replications, seed,
        ),
        restore=tuple,
    )  # fmt: skip
    counted = _counted(parts, sizes, len(plans) * replications, progress)
    return [_summed([next(counted) for _ in sizes], replications, question) for _ in plans]


def _counted(
    parts: Iterator[_Part],
    sizes: Sequence[int],
    total: int,
    progress: Callable[[int, int], None] | None,
) -> Iterator[_Part]:
    """Tell how many reviews are done, batch by batch."""
    done = 0
    for size, part in zip(cycle(sizes), parts, strict=False):
        done += size
        if progress is not None:
            progress(done, total)
        yield part


def _summed(parts: Sequence[_Part], replications: int, question: Question) -> Simulated:
    """Put the batches of a plan together."""
    rejected, failures = sum(p[0] for p in parts), sum(p[1] for p in parts)
    if failures == replications:
        reason = next(p[3] for p in parts)
        raise EstimationError(
            f"No simulated review could be fitted; the first: {reason}", code="MA668"
        )
    width = 0.0
    for part in parts:
        width += part[2]
    mean = width / (replications - failures) if question == "mean" else math.nan
    return Simulated(
        replications=replications, rejected=rejected, failures=failures, half_width=mean
    )


def _batch(
    shared: tuple[Assumptions, tuple[Design, ...], Array, Question],
    plan: int,
    size: int,
    stream: np.random.SeedSequence,
) -> _Part:
    """Rejections, failures, summed half-widths and the first failure of some reviews of a plan."""
    assumed, plans, beta, question = shared
    planned = plans[plan]
    random = np.random.default_rng(stream)
    rejected = failures = 0
    width, reason = 0.0, ""
    with quiet():
        for _ in range(size):
            effects = draw(assumed, planned, beta, random)
            try:
                p_value, half = _test(assumed, planned, effects, question)
            except EstimationError as error:
                failures, reason = failures + 1, reason or str(error)
                continue
            rejected += bool(p_value < 1 - assumed.level)
            width += half
    return rejected, failures, float(width), reason


def draw(
    assumed: Assumptions, planned: Design, beta: Array, random: np.random.Generator
) -> Effects:
    """Draw the effects of one review under its true model."""
    study, vi = planned.study, planned.vi
    k, m = vi.size, planned.group.size
    between = assumed.tau2 * assumed.between if assumed.fitted.multilevel else assumed.tau2
    within = assumed.tau2 - between
    true = math.sqrt(between) * random.standard_normal(m)[study]
    true = true + math.sqrt(max(within, 0.0)) * random.standard_normal(k)
    shared = math.sqrt(assumed.rho) * random.standard_normal(m)[study]
    own = math.sqrt(1 - assumed.rho) * random.standard_normal(k)
    yi = planned.data.X @ beta + true + np.sqrt(vi) * (shared + own)
    return Effects.from_arrays(yi, vi, study=study)


def _test(
    assumed: Assumptions, planned: Design, effects: Effects, question: Question
) -> tuple[float, float]:
    """p-value of the question, and half-width of the interval of the mean."""
    model = assumed.fitted
    if question == "mean":
        fit = fit_mean(effects, model)
        return fit.p_value, (fit.ci_high - fit.ci_low) / 2
    if question == "egger":
        own = {"rho": model.rho} if model.kind == "che" else {}
        found = egger(effects, model=model.kind, test=model.test, level=model.level, **own)  # type: ignore[arg-type]
        return found.p_value, math.nan
    p = planned.data.X.shape[1]
    names = [f"group {i + 1}" for i in range(p)]
    reg = fit_regression(effects, planned.data.X, names, model)
    C = contrasts(p)
    if p == 2:
        return float(reg.contrast(C).p_value[0]), math.nan
    joint = reg.wald(C)
    if math.isnan(joint.p_value):
        raise EstimationError(joint.reason)
    return joint.p_value, math.nan


def contrasts(groups: int) -> Array:
    """Differences of each group to the first, shape (groups - 1, groups)."""
    return np.column_stack([-np.ones(groups - 1), np.eye(groups - 1)])
