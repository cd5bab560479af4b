"""Henmi and Copas's interval for effects: a mean that leans on the large studies."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from metaalliance.core.inference import henmi_copas as core
from metaalliance.effects.effects import Effects
from metaalliance.models.independence import independent_effects
from metaalliance.models.scale import back_transform, without_nan
from metaalliance.options import Measure, Scale, check_level, check_option
from metaalliance.problems import Problem
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import limits, number, p_text
from metaalliance.wording.phrases import studies_text

_LIMITS = ("estimate", "ci_low", "ci_high")


@dataclass(frozen=True, slots=True, kw_only=True)
class HenmiCopasFit(InNotebook):
    """Common-effect mean with an interval that allows for heterogeneity and for its bias.

    Attributes
    ----------
    estimate, se : float
        Inverse-variance mean, and its standard error with tau² in it.
    ci_low, ci_high, level : float
        Confidence interval, ``estimate ± critical_value × se``.
    critical_value : float
        Stands where 1.96 stands in a normal interval.
    p_value : float
        Two-sided test of a mean of zero by the same distribution.
    tau2, Q, Q_df : float, float, int
        DerSimonian and Laird's tau², Cochran's Q and its degrees of freedom.
    measure : {"z", "r", "r-unbiased", "generic"}
        Analysis scale.
    n_studies : int
        Number of studies.
    notices : tuple of Problem
        What was done to get one effect per study.
    """

    estimate: float
    se: float
    ci_low: float
    ci_high: float
    level: float
    critical_value: float
    p_value: float
    tau2: float
    Q: float
    Q_df: int
    measure: Measure
    n_studies: int
    notices: tuple[Problem, ...] = field(default=(), repr=False)

    def to_frame(self, scale: Scale = "analysis") -> pd.DataFrame:
        """Return one row; with ``scale="r"`` the limits are correlations and `se` is missing."""
        check_option("scale", scale, Scale)
        values = {name: getattr(self, name) for name in _LIMITS}
        se = self.se
        if scale == "r" and self.measure == "z":
            values = {k: back_transform(v, self.measure) for k, v in values.items()}
            se = float("nan")
        rest = {"se": se, "critical_value": self.critical_value, "p_value": self.p_value}
        return pd.DataFrame(
            [{"term": "mean", **values, **rest, "tau2": self.tau2, "n_studies": self.n_studies}]
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the result for JSON; missing is None."""
        names = (*_LIMITS, "se", "critical_value", "p_value", "tau2", "Q", "Q_df", "n_studies")
        back = {name: back_transform(getattr(self, name), self.measure) for name in _LIMITS}
        content = {
            "method": "henmi-copas",
            "settings": {"measure": self.measure, "level": self.level},
            **{name: getattr(self, name) for name in names},
            "r": None if self.measure == "generic" else back,
            "notices": [p.to_dict() for p in self.notices],
        }
        return without_nan(content)

    def summary(self) -> str:
        """Return the result as text for a terminal."""
        is_r = self.measure != "generic"
        mean, low, high = (back_transform(getattr(self, n), self.measure) for n in _LIMITS)
        name = "r" if is_r else "estimate"
        lines = [
            f"Henmi and Copas's interval, {studies_text(self.n_studies)}",
            f"Mean {name} = {number(mean, correlation=is_r)},"
            f" {100 * self.level:g}% CI {limits(low, high, correlation=is_r)},"
            f" p {p_text(self.p_value)}",
            f"(common-effect weights; critical value {number(self.critical_value)};"
            f" tau² = {number(self.tau2, 4)}, DerSimonian and Laird)",
        ]
        return "\n".join([*lines, *(p.text for p in self.notices)])


def henmi_copas(
    effects: Effects, *, level: float = 0.95, rho: float | None = None
) -> HenmiCopasFit:
    """Estimate the mean with common-effect weights and Henmi and Copas's interval.

    The large studies have the weight that sampling error alone would give them, so that the
    mean suffers less from missing small studies than a random-effects mean does; the
    interval still allows for heterogeneity.

    Parameters
    ----------
    effects : Effects
        One effect per study.
    level : float
        Coverage of the interval.
    rho : float, optional
        Correlation of sampling errors with which several effects of a study are averaged
        first; without it dependent effects are refused.

    Raises
    ------
    EstimationError
        For one effect, or dependent effects without `rho`.

    References
    ----------
    Henmi and Copas (2010).

    Examples
    --------
    >>> found = henmi_copas(Effects.from_arrays([0.2, 0.5, 0.1, 0.4], [0.01, 0.02, 0.01, 0.05]))
    >>> round(found.estimate, 4), round(found.ci_low, 4), round(found.ci_high, 4)
    (0.2333, 0.0035, 0.4632)
    """
    check_level(level)
    chosen, notices = independent_effects(effects, "Henmi and Copas's interval", rho)
    found = core.henmi_copas(chosen.yi, chosen.vi, level)
    numbers = asdict(found)
    for name in ("shape", "scale"):
        del numbers[name]
    return HenmiCopasFit(
        **numbers,
        measure=chosen.measure,
        n_studies=chosen.n_studies,
        notices=notices,
    )
