"""Permutation test of the mean: what random signs of the effects would have given."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, cast

import pandas as pd

from metaalliance.core.inference import permutation as core
from metaalliance.core.inference.permutation import PermutedStatistic
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError
from metaalliance.models.fits import CommonEffectFit, TwoLevelFit
from metaalliance.models.independence import independent_effects
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import without_nan
from metaalliance.options import Components, Tau2OrFE, check_option
from metaalliance.problems import Problem, notice
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import number, p_text
from metaalliance.wording.phrases import components_text, studies_text

#: Statistic that belongs to a test of a fit; "t" and "wald" differ in their distribution only.
STATISTICS = {"knapp-hartung": "knapp-hartung", "wald": "wald", "t": "wald"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PermutationResult(core.PermutationTest, InNotebook):
    """Test of a mean of zero by flipping the signs of studies.

    Attributes
    ----------
    seed : int
        Seed of the random patterns; without effect when exact.
    n_studies : int
        Number of studies.
    notices : tuple of Problem
        What limits the test.
    """

    seed: int
    n_studies: int
    notices: tuple[Problem, ...] = field(default=(), repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return one row."""
        content = self.to_dict()
        settings = content.pop("settings")
        content.pop("notices")
        content.pop("method")
        return pd.DataFrame([{"term": "mean", **content, **settings}])

    def to_dict(self) -> dict[str, Any]:
        """Return the result for JSON; missing is None."""
        settings = {
            "tau2": self.tau2_method,
            "test": self.test,
            "components": self.components,
            "seed": self.seed,
        }
        names = ("statistic", "p_value", "exact", "replications", "as_extreme", "monte_carlo_se",
                 "smallest_p_value", "n_studies")  # fmt: skip
        content = {
            "method": "permutation",
            "settings": settings,
            **{name: getattr(self, name) for name in names},
            "notices": [p.to_dict() for p in self.notices],
        }
        return without_nan(content)

    def summary(self) -> str:
        """Return the result as text for a terminal."""
        how = (
            f"all {self.replications:,} sign patterns"
            if self.exact
            else f"{self.replications:,} random sign patterns, seed {self.seed},"
            f" Monte-Carlo standard error {number(self.monte_carlo_se, 4, correlation=True)}"
        )
        name = "z" if self.test == "wald" else "t"
        lines = [
            f"Permutation test of the mean, {studies_text(self.n_studies)} ({how})",
            f"{name} = {number(self.statistic, 2)}, p {p_text(self.p_value)}"
            f" ({self.tau2_method}, {self.test}; {components_text(self.components)})",
        ]
        return "\n".join([*lines, *(p.text for p in self.notices)])


def permutation_test(
    data: Effects | PooledFit,
    *,
    tau2: Tau2OrFE | None = None,
    test: PermutedStatistic | None = None,
    components: Components = "re-estimated",
    replications: int = 1000,
    exact_up_to: int = 2**14,
    seed: int = 1,
    rho: float | None = None,
) -> PermutationResult:
    """Test a mean of zero without assuming normal effects or a known tau².

    If the true effects are symmetric around zero, each is as likely as its negative.

    Parameters
    ----------
    data : Effects, TwoLevelFit or CommonEffectFit
        One effect per study; a fit brings its estimator and its statistic.
    tau2 : str, optional
        Estimator of tau² (default REML, or that of the fit); FE is tau² = 0.
    test : {"knapp-hartung", "wald"}, optional
        Mean over which standard error (default Knapp and Hartung's, or that of the fit).
    components : {"re-estimated", "held"}
        tau² estimated anew for every pattern of signs, or held at that of the observed effects.
    replications : int
        Random patterns when not all are taken, the observed one included.
    exact_up_to : int
        All 2^k patterns are taken when there are at most this many.
    seed : int
        Seed of the random patterns.
    rho : float, optional
        Correlation of sampling errors with which several effects of a study are averaged
        first; without it dependent effects are refused.

    Raises
    ------
    EstimationError
        For one effect, or dependent effects without `rho`.
    OptionError
        For a statistic that has no permutation form.

    References
    ----------
    Follmann and Proschan (1999).

    Examples
    --------
    >>> effects = Effects.from_arrays([0.2, 0.3, 0.1, 0.4], [0.02, 0.02, 0.02, 0.02])
    >>> permutation_test(effects, tau2="DL", test="wald").p_value
    0.125
    """
    effects, method, statistic = _settings(data, tau2, test)
    check_option("tau2", method, Tau2OrFE)
    check_option("test", statistic, PermutedStatistic)
    chosen, notices = independent_effects(effects, "The permutation test", rho)
    found = core.permutation_test(
        chosen.yi,
        chosen.vi,
        cast(Tau2OrFE, method),
        cast(PermutedStatistic, statistic),
        components=components,
        replications=replications,
        exact_up_to=exact_up_to,
        seed=seed,
    )
    return PermutationResult(
        **asdict(found),
        seed=seed,
        n_studies=chosen.n_studies,
        notices=notices + _few(found.smallest_p_value, chosen.n_studies),
    )


def _settings(
    data: Effects | PooledFit, tau2: str | None, test: str | None
) -> tuple[Effects, str, str]:
    """Effects, estimator and statistic: as given, else those of the fit, else the defaults."""
    if isinstance(data, Effects):
        return data, tau2 or "REML", test or "knapp-hartung"
    if isinstance(data, TwoLevelFit):
        own_tau2: str = data.tau2_method
    elif isinstance(data, CommonEffectFit):
        own_tau2 = "FE"
    else:
        raise EstimationError(
            f"The permutation test takes one effect per study; this is a {data.model} fit. Give "
            "its effects and the correlation with which they are averaged: "
            "permutation_test(fit.effects, rho=0.5).",
            code="MA612",
        )
    if test is None and data.test not in STATISTICS:
        raise OptionError(
            f"The test {data.test!r} of the fit has no permutation form; give "
            "test='knapp-hartung' or test='wald'."
        )
    return data.effects, tau2 or own_tau2, test or STATISTICS[data.test]


def _few(smallest: float, k: int) -> tuple[Problem, ...]:
    """Say when no result can be below .05."""
    if smallest <= 0.05:
        return ()
    message = f"{k} studies: no p-value below {smallest:g} is possible."
    return (notice("MA633", message, "Give the interval as well."),)
