"""What the results of the selection models share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.selection.optimum import Estimator
from metaalliance.publication_bias.result import BiasResult, Term
from metaalliance.publication_bias.selection_bootstrap import SelectionBootstrap
from metaalliance.wording.numbers import number

Way = Literal["greater", "less", "two-sided"]
Penalised = Literal["none", "weak"]
#: What stands beside the adjusted means of these models, and who found it.
MILD = "With mild selection the unadjusted mean may be the better estimate"
MILD_SOURCE = "Pustejovsky et al., 2025"
_LARGEST_TOLD = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SelectionResult(BiasResult):
    """Coefficients of the mean before selection, and the selection weights.

    Attributes
    ----------
    names : tuple of str
        Coefficients.
    beta, se, statistic, p_value, ci_low, ci_high : ndarray, shape (p,)
        Coefficients on the analysis scale and their tests.
    df : float
        Degrees of freedom: infinite, or studies less one with cluster-robust errors.
    covariance : ndarray, shape (q, q)
        Covariance of coefficients, tau² and estimated weights; NaN for tau² at zero.
    tau2, tau2_se : float
        Heterogeneity variance before selection.
    weights, weights_se, weights_low, weights_high : ndarray
        Selection parameters; limits are symmetric for their logarithms, or from the bootstrap.
        With steps the first is one by definition.
    errors : {"likelihood", "cluster-robust"}
        Where the standard errors come from.
    log_likelihood, log_likelihood_unselected : float
        With and without selection.
    test : {"likelihood-ratio", "cluster-robust-wald", "none"}
        Test that there is no selection; a ratio of composite likelihoods is not chi-squared.
    test_statistic, test_df, test_p_value : float
        Its chi-squared or F (first degrees of freedom in `test_df`, second in `df`).
    alternative : {"greater", "less", "two-sided"}
        Direction of selection.
    estimator : {"cml", "argl"}
        Composite maximum likelihood, or the estimating equations of the augmented and reweighted
        Gaussian likelihood.
    penalty : {"none", "weak"}
        Whether the likelihood was penalised.
    bootstrap : SelectionBootstrap or None
        Where the limits come from; None where they come from the standard errors.
    moderated : tuple of Term
        Coefficients of log tau² and of log weights; `tau2` and `weights` are then those at the
        mean of their moderators.
    """

    takes: ClassVar[frozenset[str]] = frozenset({"level"})
    kinds: ClassVar[frozenset[str]] = frozenset({"two-level"})
    because: ClassVar[str] = (
        "mean, τ² and weights are maximum likelihood estimates of single effects, with errors "
        "from the likelihood or by study"
    )

    names: tuple[str, ...]
    beta: Array
    se: Array
    statistic: Array
    p_value: Array
    ci_low: Array
    ci_high: Array
    df: float
    covariance: Array = field(repr=False)
    tau2: float
    tau2_se: float
    weights: Array
    weights_se: Array
    weights_low: Array
    weights_high: Array
    errors: Literal["likelihood", "cluster-robust"]
    log_likelihood: float
    log_likelihood_unselected: float
    test: Literal["likelihood-ratio", "cluster-robust-wald", "none"]
    test_statistic: float
    test_df: int
    test_p_value: float
    alternative: Way
    estimator: Estimator = "cml"
    penalty: Penalised = "none"
    bootstrap: SelectionBootstrap | None = None
    moderated: tuple[Term, ...] = ()

    @property
    def estimate(self) -> float:
        """The intercept: the mean before selection, where there are no moderators."""
        return float(self.beta[0])

    @abstractmethod
    def weight_names(self) -> tuple[str, ...]:
        """Return the names of the estimated weights."""

    @abstractmethod
    def weight(self, p: Array) -> Array:
        """Return the relative weight at p-values (n,)."""

    def weight_half(self) -> float:
        """Return how likely p = .5 is to be seen beside p = .01; less than one with selection."""
        significant, null = self.weight(np.array([0.01, 0.5]))
        return float(null / significant)

    def coefficients(self) -> tuple[Term, ...]:
        """Return the coefficients of the mean."""
        lone = len(self.names) == 1
        columns = (self.beta, self.se, self.statistic, self.p_value, self.ci_low, self.ci_high)
        return tuple(
            Term(
                name="mean before selection" if lone else name,
                kind="effect" if lone or name == "intercept" else "other",
                estimate=float(b),
                se=float(se),
                statistic=float(t),
                df=self.df,
                p_value=float(p),
                ci_low=float(low),
                ci_high=float(high),
            )
            for name, b, se, t, p, low, high in zip(self.names, *columns, strict=True)
        )

    def adjusted(self) -> Term | None:
        """Return the mean before selection; none with moderators."""
        return self.coefficients()[0] if len(self.names) == 1 else None

    def terms(self) -> Sequence[Term]:
        """Return coefficients, then weights, then the test of selection."""
        names = self.weight_names()
        offset = self.weights.size - len(names)
        weights = [
            Term(
                name=name,
                estimate=float(self.weights[offset + i]),
                se=float(self.weights_se[offset + i]),
                ci_low=float(self.weights_low[offset + i]),
                ci_high=float(self.weights_high[offset + i]),
            )
            for i, name in enumerate(names)
        ]
        own = (*self.coefficients(), *weights, *self.moderated)
        if self.test == "none":
            return own
        ratio = self.test == "likelihood-ratio"
        name = "likelihood ratio" if ratio else "cluster-robust Wald"
        second = "" if ratio else f", {self.df:g}"
        test = Term(
            name=f"no selection ({name})",
            shape=f"{'chi²' if ratio else 'F'}({self.test_df}{second})",
            statistic=self.test_statistic,
            p_value=self.test_p_value,
        )
        return *own, test

    def how_text(self) -> str:
        """Return, after a space, which penalty and which limits it has; "" without dependence."""
        if self.bootstrap is None and self.errors == "likelihood":
            return ""
        drawn = self.bootstrap
        limits = "limits of the standard errors" if drawn is None else drawn.text()
        penalty = "no penalty" if self.penalty == "none" else "a weak penalty"
        tested = "; p by cluster-robust errors" if self.errors == "cluster-robust" else ""
        return f" Estimated with {penalty}; {limits}{tested}."

    def settings(self) -> dict[str, Any]:
        """Return the options that made this result."""
        return {
            **BiasResult.settings(self),
            "alternative": self.alternative,
            "errors": self.errors,
            "coefficients": list(self.names),
            "estimator": self.estimator,
            "penalty": self.penalty,
        }

    def details(self) -> dict[str, Any]:
        """Return tau², likelihoods and the test of selection."""
        return {
            "tau2": self.tau2,
            "tau2_se": self.tau2_se,
            "log_likelihood": self.log_likelihood,
            "log_likelihood_unselected": self.log_likelihood_unselected,
            "selection_test": {
                "test": self.test,
                "statistic": self.test_statistic,
                "df": self.test_df,
                "p_value": self.test_p_value,
            },
            "bootstrap": None if self.bootstrap is None else self.bootstrap.to_dict(),
        }


def weight_text(weight: float, digits: int = 3) -> str:
    """Return a weight as text; one that is too large to mean anything has no digits."""
    return f"> {_LARGEST_TOLD:,.0f}" if weight > _LARGEST_TOLD else number(weight, digits)
