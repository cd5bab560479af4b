"""The design of a planned review, and what a test of it has to work with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array, IntArray, read_only
from metaalliance.core.inference.denominator import joint_information_df
from metaalliance.core.inference.robust import satterthwaite
from metaalliance.core.inference.wald import influence, wishart_df
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.multilevel import (
    MultilevelData,
    MultilevelPoint,
    evaluate,
    nested_data,
)
from metaalliance.errors import EstimationError, OptionError
from metaalliance.model import MULTILEVEL
from metaalliance.robustness.assumptions import Assumptions

#: Tests whose power has a formula.
FORMULAS = ("knapp-hartung", "cr2", "t", "wald")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Design:
    """The effects of a planned review, with the working model at its true variances.

    Attributes
    ----------
    study, group : ndarray of int, shape (k,) and (m,)
        Study of each effect; group of each study.
    data, point : MultilevelData, MultilevelPoint
        The design (its effects are zero) and the model.
    """

    study: IntArray
    group: IntArray
    data: MultilevelData
    point: MultilevelPoint

    @property
    def vi(self) -> Array:
        """Sampling variances, shape (k,)."""
        return self.data.vi


def design(assumed: Assumptions, studies: Sequence[int], *, predictor: bool = False) -> Design:
    """Lay out a planned review.

    Parameters
    ----------
    assumed : Assumptions
        What its studies are like.
    studies : sequence of int
        Number of studies of each group; with one group the design is an intercept, with several
        the mean of each.
    predictor : bool
        Whether the standard error of an effect is a second column (Egger's test).
    """
    picked: list[tuple[float, int]] = []
    for k in studies:
        picked += spread_over(assumed.sizes, k)
    group = np.repeat(np.arange(len(studies)), studies)
    counts = np.array([m for _, m in picked], dtype=np.intp)
    study = np.repeat(np.arange(counts.size), counts)
    vi = np.repeat(np.array([v for v, _ in picked]), counts)
    X = np.eye(len(studies))[group[study]]
    if predictor:
        X = np.column_stack([X, np.sqrt(vi)])
    if X.shape[0] <= X.shape[1]:
        raise EstimationError(
            f"{X.shape[0]} effects cannot estimate {X.shape[1]} coefficients and a variance.",
            code="MA666",
        )
    if np.linalg.matrix_rank(X) < X.shape[1]:
        raise OptionError("Egger's test needs studies of different size: give several n.")
    clustered = assumed.fitted.multilevel
    blocks = StudyBlocks.from_sorted(study if clustered else np.arange(vi.size))
    rho = assumed.rho if assumed.model == "che" else 0.0
    data = nested_data(np.zeros(vi.size), read_only(vi), read_only(X), blocks, rho)
    point = evaluate(data, assumed.theta, restricted=True)
    return Design(study=study, group=group, data=data, point=point)


def spread_over(sizes: Sequence[tuple[float, int]], k: int) -> list[tuple[float, int]]:
    """Return k sizes, evenly spread over those that are typical.

    Examples
    --------
    >>> spread_over([(0.1, 1), (0.2, 2), (0.3, 3)], 1), len(spread_over([(0.1, 1)], 4))
    ([(0.2, 2)], 4)
    """
    places = np.floor((np.arange(k) + 0.5) / k * len(sizes)).astype(int)
    return [sizes[i] for i in places]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TestPlan:
    """Covariance and degrees of freedom of combinations of coefficients.

    Attributes
    ----------
    covariance : ndarray, shape (q, q)
        Of C b, at the true variances.
    df : float
        Denominator degrees of freedom.
    """

    __test__ = False  # not a test of pytest

    covariance: Array
    df: float


def plan_test(assumed: Assumptions, planned: Design, C: Array) -> TestPlan:
    """Return what a test of C b = 0 has to work with.

    The degrees of freedom are those that the fit will report when its variances are right:
    Satterthwaite's (Hotelling's for several constraints) for cr2, those of the information of the
    variances for t in a multilevel model, k - p for Knapp-Hartung and t otherwise, infinite for
    wald.

    Raises
    ------
    OptionError
        For a test or a model without a formula.
    """
    if assumed.test not in FORMULAS:
        raise OptionError(
            f"test={assumed.test!r} has no formula for its power; {', '.join(FORMULAS)} have. "
            "Simulate it."
        )
    if assumed.model == "three-level" and assumed.rho > 0:
        raise OptionError(
            "The three-level model leaves the correlation of sampling errors to its variance "
            "components, so that its power has no formula: use model='che', rho=0, or simulate."
        )
    data, point = planned.data, planned.point
    covariance = C @ point.bread @ C.T
    if assumed.test == "wald":
        return TestPlan(covariance=covariance, df=math.inf)
    if assumed.test == "t" and assumed.model in MULTILEVEL:
        return TestPlan(covariance=covariance, df=joint_information_df(data, point, C))
    if assumed.test != "cr2":
        return TestPlan(covariance=covariance, df=float(data.X.shape[0] - data.X.shape[1]))
    G = influence(data, point, C, "cr2")
    product = point.covariance.multiply
    if C.shape[0] == 1:
        df = float(satterthwaite(data.blocks, data.X, point.bread, G, product)[0])
    else:
        df = wishart_df(data.blocks, data.X, point.bread, G, product) - C.shape[0] + 1
    return TestPlan(covariance=covariance, df=df)
