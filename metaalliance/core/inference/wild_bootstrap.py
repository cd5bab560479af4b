"""Cluster wild bootstrap tests of constraints on the coefficients.

Effects are made anew from the model with the null hypothesis imposed: the residuals of a study
keep their sizes and their dependence and are multiplied by one random weight. The full model is
then fitted to every replication, variance components included, all of them together. With the
components held at their estimate a replication is a product of matrices with one row per study.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from metaalliance.core.arrays import Array
from metaalliance.core.inference.monte_carlo import monte_carlo_se
from metaalliance.core.inference.replications import (
    held_statistics,
    one_statistic,
    refitted_statistics,
)
from metaalliance.core.inference.wald import SINGULAR, constraint_matrix
from metaalliance.core.variance.estimator import Estimator
from metaalliance.core.variance.multilevel import MultilevelData, MultilevelPoint
from metaalliance.errors import OptionError
from metaalliance.options import Components, check_seed

WEIGHTS = ("auto", "rademacher", "webb", "mammen")
ADJUSTMENTS = ("cr0", "cr2")
STATISTICS = ("wald", "htz")
#: Below this number of studies "auto" takes Webb's weights: m studies have only 2^(m - 1)
#: different pairs of opposite sign vectors.
FEW_STUDIES = 10
#: Statistics closer than this, relatively, are the same but for rounding and the end of a climb.
TIE = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True)
class WildBootstrapTest:
    """A bootstrap test of C beta = 0.

    Attributes
    ----------
    statistic : float
        Of the effects as they are: Q / q, Q the robust Wald statistic, or F of the approximate
        Hotelling test.
    df1 : int
        Number of constraints q.
    p_value : float
        Share of the replications whose statistic is larger (as Joshi et al. define it), which
        can be 0; under enumeration at least as large.
    p_value_corrected : float
        (1 + number at least as large) / (1 + replications), which is never 0; equal to
        `p_value` where the effects as they are were one of the sign vectors enumerated.
    monte_carlo_se : float
        Standard error of `p_value_corrected` from the sampling of weights; 0 when exact.
    replications : int
        Statistics computed; under enumeration one for each pair of opposite sign vectors.
    failed : int
        Replications left out: their variance components were not found, or their covariance was
        singular.
    exact : bool
        Whether all sign vectors were enumerated, so that nothing was random.
    components : {"re-estimated", "held"}
        Whether the variance components were estimated in the null model and in every
        replication, or held at those of the fitted model.
    test : {"wald", "htz"}
        The statistic.
    kind : {"cr0", "cr1", "cr1s", "cr2"}
        The robust covariance of the statistic.
    weights : {"rademacher", "webb", "mammen"}
        Distribution of the weights of studies.
    adjust : {"cr0", "cr2"}
        Whether residuals were adjusted.
    seed : int
        Seed of the generator.
    reason : str
        Why the p-values are missing (NaN); empty when they are not.
    """

    statistic: float
    df1: int
    p_value: float
    p_value_corrected: float
    monte_carlo_se: float
    replications: int
    failed: int
    exact: bool
    components: Components
    test: str
    kind: str
    weights: str
    adjust: str
    seed: int
    reason: str = ""


def wild_bootstrap_test(
    data: MultilevelData,
    point: MultilevelPoint,
    C: ArrayLike,
    *,
    estimator: Estimator | None,
    replications: int = 999,
    weights: str = "auto",
    seed: int = 1,
    adjust: str = "cr0",
    kind: str = "cr0",
    test: str = "wald",
) -> WildBootstrapTest:
    """Test C beta = 0 by the cluster wild bootstrap with the null hypothesis imposed [1]_.

    Parameters
    ----------
    data, point : MultilevelData, MultilevelPoint
        The effects, sorted by study, and the fitted full model.
    C : array_like, shape (q, p) or (p,)
        Constraints, linearly independent.
    estimator : Estimator or None
        Estimates the variance components of the null model and those of every replication, as
        the authors of [1]_ do; with None all are held at those of `point`.
    replications : int
        Random replications, or the largest number of sign vectors to enumerate: with
        Rademacher weights all 2^m are taken when they are not more than this.
    weights : {"auto", "rademacher", "webb", "mammen"}
        -1 and 1; Webb's six points ± √(1/2), ± 1, ± √(3/2) [2]_; (1 - √5)/2 and (1 + √5)/2, which
        have the third moment 1. "auto" is Webb below 10 studies, Rademacher from 10 on, as the
        authors of [1]_ advise.
    seed : int
        Seed of the generator.
    adjust : {"cr0", "cr2"}
        Residuals of the null model as they are, or times their CR2 adjustment matrices.
    kind : {"cr0", "cr1", "cr1s", "cr2"}
        Robust covariance of the statistic; those of "cr1" and "cr1s" give the p-values of "cr0".
    test : {"wald", "htz"}
        Q / q, or F of the approximate Hotelling test, whose degrees of freedom move with the
        variance components. "htz", and "cr2" with an estimator, take one replication after the
        other.

    References
    ----------
    .. [1] Joshi et al. (2022).
    .. [2] Webb (2023).

    Examples
    --------
    >>> import numpy as np
    >>> from metaalliance.core.variance.blocks import StudyBlocks
    >>> from metaalliance.core.variance.multilevel import nested_data
    >>> yi = np.array([0.1, 0.2, 0.3, 0.5, 0.4, 0.7, 0.6, 0.2])
    >>> X = np.column_stack([np.ones(8), np.arange(8) / 4])
    >>> blocks = StudyBlocks.from_sorted(np.array([0, 0, 1, 2, 3, 4, 4, 5]))
    >>> data = nested_data(yi, np.full(8, 0.02), X, blocks, 0.0)
    >>> reml = Estimator(name="REML", multilevel=True)
    >>> test = wild_bootstrap_test(
    ...     data, reml.fit(data), [0, 1], estimator=reml, weights="rademacher"
    ... )
    >>> test.p_value, test.replications, test.exact
    (0.625, 32, True)
    """
    _check(replications, weights, adjust, test)
    C, m = constraint_matrix(C, data.X.shape[1]), data.blocks.m
    if weights == "auto":
        weights = "webb" if m < FEW_STUDIES else "rademacher"
    exact = weights == "rademacher" and m < 63 and 2**m <= replications
    observed = one_statistic(data, point, C, kind, test)
    draws = _all_signs(m) if exact else _draw(weights, (replications, m), seed)
    if estimator is None:
        found = held_statistics(data, point, C, draws, adjust=adjust, kind=kind, test=test)
    else:
        found = refitted_statistics(
            data, point, C, draws, estimator, adjust=adjust, kind=kind, test=test
        )
    p_value, corrected = _p_values(observed, found, exact=exact, included=adjust == "cr0")
    done = int(np.isfinite(found).sum())
    return WildBootstrapTest(
        statistic=observed,
        df1=C.shape[0],
        p_value=p_value,
        p_value_corrected=corrected,
        monte_carlo_se=0.0 if exact else monte_carlo_se(corrected, done),
        replications=done,
        failed=found.size - done,
        exact=exact,
        components="held" if estimator is None else "re-estimated",
        test=test,
        kind=kind,
        weights=weights,
        adjust=adjust,
        seed=seed,
        reason=SINGULAR if np.isnan(p_value) else "",
    )


def _check(replications: int, weights: str, adjust: str, test: str) -> None:
    if replications < 1:
        raise OptionError(f"replications is {replications}; at least 1 is needed.")
    for name, given, allowed in (
        ("weights", weights, WEIGHTS), ("adjust", adjust, ADJUSTMENTS), ("test", test, STATISTICS)
    ):  # fmt: skip
        if given not in allowed:
            raise OptionError(f"{name} is {given!r}; allowed are {', '.join(allowed)}.")


def _p_values(observed: float, found: Array, *, exact: bool, included: bool) -> tuple[float, float]:
    """Share of replications beyond the observed statistic, and the share that is never 0."""
    found = found[np.isfinite(found)]
    if np.isnan(observed) or not found.size:
        return float("nan"), float("nan")
    larger = int(np.sum(found > observed * (1 + TIE)))
    as_large = int(np.sum(found >= observed * (1 - TIE)))
    share = (as_large if exact else larger) / found.size
    return share, share if exact and included else (1 + as_large) / (1 + found.size)


def _draw(weights: str, shape: tuple[int, int], seed: int) -> Array:
    """Random weights with mean 0 and variance 1."""
    rng = np.random.default_rng(check_seed(seed))
    if weights == "mammen":
        root = np.sqrt(5.0)
        low = rng.random(shape) < (root + 1) / (2 * root)
        return np.asarray(np.where(low, (1 - root) / 2, (1 + root) / 2), dtype=np.float64)
    signs: Array = np.array([-1.0, 1.0])[rng.integers(0, 2, shape)]
    if weights == "rademacher":
        return signs
    sizes: Array = np.sqrt([0.5, 1.0, 1.5])[rng.integers(0, 3, shape)]
    return signs * sizes


def _all_signs(m: int) -> Array:
    """One of each pair of opposite sign vectors, shape (2^(m - 1), m).

    A vector and its opposite have the same statistic.
    """
    numbers = np.arange(2 ** (m - 1))[:, None]
    return np.asarray(1.0 - 2.0 * ((numbers >> np.arange(m)) & 1), dtype=np.float64)
