"""A review that is planned: its studies, their sizes, and the model that will be fitted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from metaalliance.core.arrays import Array, IntArray, read_only
from metaalliance.core.inference.robust import satterthwaite
from metaalliance.core.inference.wald import influence, wishart_df
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.multilevel import (
    MultilevelData,
    MultilevelPoint,
    evaluate,
    nested_data,
)
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError
from metaalliance.model import TESTS, Model
from metaalliance.options import Kind, check_level, check_option, check_rho

#: Tests whose power has a formula.
FORMULAS = ("knapp-hartung", "cr2", "t", "wald")
MULTILEVEL = frozenset({"che", "three-level"})
#: Share of tau² between studies where nothing is said: that of the alliance literature.
BETWEEN = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What is assumed of the studies and how they will be analysed.

    Attributes
    ----------
    sizes : tuple of (float, int)
        Sampling variance of an effect and number of effects of a typical study each; planned
        studies are spread evenly over them.
    tau2 : float
        Heterogeneity variance in total.
    between : float
        Its share between studies, where some have several effects.
    rho : float
        Correlation of sampling errors within a study.
    model, test : str
        What will be fitted.
    level : float
        One less the size of the test.
    """

    sizes: tuple[tuple[float, int], ...] = field(repr=False)
    tau2: float
    between: float
    rho: float
    model: str
    test: str
    level: float

    @property
    def theta(self) -> Array:
        """Variances between studies and between effects of a study."""
        if self.model in MULTILEVEL:
            return np.array([self.tau2 * self.between, self.tau2 * (1 - self.between)])
        return np.array([0.0, self.tau2])

    def to_dict(self) -> dict[str, Any]:
        """Return the assumptions; sizes as their means."""
        v, m = np.array(self.sizes, dtype=float).T
        return {
            "tau": math.sqrt(self.tau2),
            "between": self.between,
            "rho": self.rho,
            "model": self.model,
            "test": self.test,
            "level": self.level,
            "mean_sampling_variance": float(v.mean()),
            "mean_effects_per_study": float(m.mean()),
        }


def assume(
    *,
    n: float | Sequence[float] | None = None,
    v: float | Sequence[float] | None = None,
    tau: float,
    effects_per_study: int | Sequence[int] = 1,
    pilot: Effects | None = None,
    rho: float = 0.6,
    between: float = BETWEEN,
    model: str = "auto",
    test: str = "auto",
    level: float = 0.95,
) -> Assumptions:
    """Check and complete what is assumed of a planned review.

    Parameters
    ----------
    n : float or sequence of float, optional
        Participants of a study (sampling variance of Fisher's z: 1 / (n - 3)).
    v : float or sequence of float, optional
        Sampling variances instead, on any scale.
    tau : float
        Standard deviation of the true effects, in total.
    effects_per_study : int or sequence of int
        Effects of a study; a sequence is paired with `n` or `v` where both have several values.
    pilot : Effects, optional
        Effects of a review that is like the planned one: its sampling variances and numbers of
        effects replace `n`, `v` and `effects_per_study`.
    rho, between, model, test, level
        See `Assumptions`; "auto" is the model and the test of `pool`.

    Raises
    ------
    OptionError
        For what cannot be: n <= 3, a negative tau, a test without a formula.
    """
    check_option("model", model, Kind)
    if not (_is_number(tau) and float(tau) >= 0):
        raise OptionError(f"tau={tau!r} is not a standard deviation, zero or above.")
    if not (_is_number(between) and 0 <= float(between) <= 1):
        raise OptionError(f"between={between!r} is not a share between 0 and 1.")
    sizes = _pilot_sizes(pilot) if pilot is not None else _sizes(n, v, effects_per_study)
    several = any(m > 1 for _, m in sizes)
    chosen = ("che" if several else "two-level") if model == "auto" else model
    Model(kind=chosen, test=test)  # refuses a test that the model does not have
    if several and chosen not in MULTILEVEL:
        raise OptionError(
            f"model={chosen!r} takes one effect per study; with several use 'che', or plan their "
            "aggregated effects (effects_per_study=1)."
        )
    if chosen in MULTILEVEL and not several:
        raise OptionError(f"model={chosen!r} needs several effects in some studies.")
    return Assumptions(
        sizes=sizes,
        tau2=0.0 if chosen == "common-effect" else float(tau) ** 2,
        between=float(between) if several else 1.0,
        rho=check_rho(rho) if several else 0.0,
        model=chosen,
        test=TESTS[chosen][0] if test == "auto" else test,
        level=check_level(level),
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and math.isfinite(float(value))


def _sizes(
    n: float | Sequence[float] | None,
    v: float | Sequence[float] | None,
    effects_per_study: int | Sequence[int],
) -> tuple[tuple[float, int], ...]:
    """Pair sampling variances with numbers of effects."""
    if (n is None) == (v is None):
        raise OptionError("Give n (participants of a study) or v (sampling variances), not both.")
    many = _listed(n if v is None else v)
    if v is None and any(not _is_number(x) or x <= 3 for x in many):
        raise OptionError(f"n={n!r}: Fisher's z needs more than 3 participants.")
    if v is not None and any(not _is_number(x) or x <= 0 for x in many):
        raise OptionError(f"v={v!r}: a sampling variance is positive.")
    variances = [1 / (x - 3) for x in many] if v is None else [float(x) for x in many]
    counts = _listed(effects_per_study)
    if any(not _is_number(m) or m < 1 or int(m) != m for m in counts):
        raise OptionError(f"effects_per_study={effects_per_study!r}: whole numbers from 1 on.")
    if len(variances) > 1 and len(counts) > 1 and len(variances) != len(counts):
        raise OptionError(
            f"{len(variances)} study sizes and {len(counts)} numbers of effects cannot be paired."
        )
    size = max(len(variances), len(counts))
    pairs = zip(variances * (size // len(variances)), counts * (size // len(counts)), strict=True)
    return tuple((float(x), int(m)) for x, m in pairs)


def _listed(value: Any) -> list[Any]:
    found = list(value) if isinstance(value, Sequence | np.ndarray) else [value]
    if not found:
        raise OptionError("An empty list of sizes was given.")
    return found


def _pilot_sizes(pilot: Effects) -> tuple[tuple[float, int], ...]:
    """Mean sampling variance and number of effects of each study, by precision."""
    grouped = pilot.frame.groupby("study", sort=False)["vi"].agg(["mean", "size"])
    pairs = [(float(v), int(m)) for v, m in grouped.itertuples(index=False)]
    return tuple(sorted(pairs))


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
    clustered = assumed.model in MULTILEVEL
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
    Satterthwaite's (Hotelling's for several constraints) for cr2, k - p for Knapp-Hartung and t,
    infinite for wald.

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
    if assumed.test != "cr2":
        return TestPlan(covariance=covariance, df=float(data.X.shape[0] - data.X.shape[1]))
    G = influence(data, point, C, "cr2")
    product = point.covariance.multiply
    if C.shape[0] == 1:
        df = float(satterthwaite(data.blocks, data.X, point.bread, G, product)[0])
    else:
        df = wishart_df(data.blocks, data.X, point.bread, G, product) - C.shape[0] + 1
    return TestPlan(covariance=covariance, df=df)
