"""Excess significance: more significant studies than their power allows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Unpack

import numpy as np

from metaalliance.core.arrays import Array, read_only
from metaalliance.core.distributions import binomial_sf, normal_sf
from metaalliance.core.selection.excess_significance import (
    Alternative,
    count_distribution,
    excess_chi2,
    power,
    significant,
)
from metaalliance.effects.effects import Effects
from metaalliance.effects.fisher import critical_values
from metaalliance.errors import OptionError
from metaalliance.model import Model
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.notices import announced
from metaalliance.options import check_option
from metaalliance.publication_bias.checks import (
    Structure,
    begin_averaged,
    few_studies,
    random_effects_mean,
)
from metaalliance.publication_bias.result import BiasResult, Term
from metaalliance.wording.numbers import number, p_text
from metaalliance.wording.phrases import agreeing, studies_text

ExcessTest = Literal["exact", "chi2", "binomial"]
_METHOD = "The test of excess significance"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExcessSignificance(BiasResult):
    """Observed and expected number of significant studies.

    Attributes
    ----------
    estimator : str
        Estimator of the heterogeneity variance; "FE" for none.
    observed, expected : int and float
        Number of significant studies, and its expectation under the pooled model.
    p_value : float
        Probability of as many or more (one-sided).
    test : {"exact", "chi2", "binomial"}
        How it was computed.
    mean, tau2 : float
        Distribution of true effects behind the power.
    power : ndarray, shape (k,)
        Power of each study.
    p, alternative
        Level and direction of the tests in the studies.
    """

    method: ClassVar[str] = "excess_significance"
    title: ClassVar[str] = "Excess significance (Ioannidis and Trikalinos)"
    takes: ClassVar[frozenset[str]] = frozenset({"rho", "tau2"})
    kinds: ClassVar[frozenset[str]] = frozenset({"two-level", "common-effect"})
    because: ClassVar[str] = (
        "it counts significant studies, one effect of each, with a test of its own and no interval"
    )

    estimator: str
    observed: int
    expected: float
    p_value: float
    test: ExcessTest
    mean: float
    tau2: float
    power: Array = field(repr=False)
    p: float
    alternative: Alternative

    def terms(self) -> Sequence[Term]:
        """Return observed and expected numbers."""
        observed = Term(name="significant studies", kind="count", estimate=float(self.observed))
        expected = Term(
            name="expected from their power", estimate=self.expected, p_value=self.p_value
        )
        return observed, expected

    def settings(self) -> dict[str, Any]:
        """Return the options that made this result."""
        own = {"test": self.test, "p": self.p, "alternative": self.alternative}
        spread = {"mean": self.mean, "tau2": self.tau2, "tau2_method": self.estimator}
        return {**BiasResult.settings(self), **own, **spread}

    def details(self) -> dict[str, Any]:
        """Return the numbers and the power of each study."""
        counts = {"observed": self.observed, "expected": self.expected, "p_value": self.p_value}
        return {**counts, "power": self.power.tolist()}

    def reading(self) -> str:
        """Return what was compared."""
        return (
            f"{self.observed:,} of {studies_text(self.n_studies)} "
            f"{agreeing(self.observed, 'is', 'are')} significant, "
            f"{number(self.expected, 1)} are expected (one-sided p {p_text(self.p_value)}); the "
            "test leans on the pooled mean, which bias itself inflates."
        )


def excess_significance(
    effects: Effects | PooledFit,
    *,
    p: float = 0.05,
    alternative: Alternative = "two-sided",
    test: ExcessTest = "exact",
    tau2: str | None = None,
    rho: float | str | None = None,
    level: float | None = None,
    model: str | Model | None = None,
    **structure: Unpack[Structure],
) -> ExcessSignificance:
    """Compare the number of significant studies with what their power lets expect.

    Parameters
    ----------
    effects : Effects or PooledFit
        Effects; several of one study are averaged first.
    p : float
        Level of significance in the studies, by the test that each reports (see
        `selection_model`).
    alternative : {"two-sided", "greater", "less"}
        Direction of their tests.
    test : {"exact", "chi2", "binomial"}
        Exact distribution of the sum of unequal chances (default), the chi-squared test of
        Ioannidis and Trikalinos, or the binomial with the average power.
    tau2 : str, optional
        Estimator of the heterogeneity of true effects; "FE" for none. That of the fit by default,
        without one REML.
    rho, level, model, **structure : optional
        As in `pool`, by default as in the fit. `rho`, where it is a number, is the correlation of
        sampling errors within a study for the averaging (else .5); with the common-effect model
        true effects have no heterogeneity. What has no place is named in `not_taken`.

    References
    ----------
    Ioannidis and Trikalinos (2007); Francis (2013): exact test.

    Examples
    --------
    >>> yi = [0.1, 0.55, 0.3, 0.2, 0.5, 0.38, 0.05, 0.45, 0.4, 0.02, 0.6, 0.35]
    >>> vi = [0.01, 0.04, 0.02, 0.01, 0.05, 0.03, 0.01, 0.04, 0.02, 0.01, 0.06, 0.03]
    >>> effects = Effects.from_arrays(yi, vi)
    >>> found = excess_significance(effects, tau2="FE")
    >>> found.observed, round(found.expected, 4), round(found.p_value, 4)
    (9, 4.1555, 0.0028)
    """
    if not 0 < p < 1:
        raise OptionError(f"p={p!r} is not a level of significance between 0 and 1.")
    check_option("alternative", alternative, Alternative)
    check_option("test", test, ExcessTest)
    given = {"tau2": None if tau2 == "FE" else tau2, "rho": rho, "level": level, "model": model,
             **structure}  # fmt: skip
    start = begin_averaged(ExcessSignificance, effects, given, _METHOD)
    chosen, asked = start.effects, start.model
    none = tau2 == "FE" or asked.kind == "common-effect"
    estimator = "FE" if none else asked.tau2
    if none and asked.tau2 != Model().tau2:
        start = replace(start, not_taken=(*start.not_taken, "tau2"))
    mean, variance = random_effects_mean(chosen.yi, chosen.vi, estimator)
    sided: Literal["one-sided", "two-sided"]
    sided = "two-sided" if alternative == "two-sided" else "one-sided"
    critical = critical_values(chosen, np.array([p]), sided)[:, 0]
    chances = power(chosen.vi, mean, variance, critical, alternative)
    observed = int(significant(chosen.yi, chosen.vi, critical, alternative).sum())
    return announced(
        ExcessSignificance(
            **start.fields(),
            estimator=estimator,
            observed=observed,
            expected=float(chances.sum()),
            p_value=_p_value(observed, chances, test),
            test=test,
            mean=mean,
            tau2=variance,
            power=read_only(chances),
            p=p,
            alternative=alternative,
            notices=start.notices + few_studies(chosen, _METHOD),
        )
    )


def _p_value(observed: int, chances: Array, test: ExcessTest) -> float:
    """Upper tail of the number of significant studies."""
    k, expected = chances.size, float(chances.sum())
    if test == "exact":
        return min(1.0, float(count_distribution(chances)[observed:].sum()))
    if test == "binomial":
        return float(binomial_sf(observed - 1, k, expected / k))
    if expected in {0.0, float(k)}:
        return math.nan
    return float(normal_sf(excess_chi2(observed, expected, k)))
