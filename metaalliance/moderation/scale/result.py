"""What a location-scale model returns: coefficients of the mean and of the variances."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array
from metaalliance.effects.effects import Effects
from metaalliance.interchange import FrameLike
from metaalliance.model import Specification
from metaalliance.models.inference.coefficients import Coefficients
from metaalliance.models.of_effects import OfModel
from metaalliance.models.scale import on_scale, without_nan
from metaalliance.moderation.design import beside_values, values_to_predict
from metaalliance.moderation.frames import records
from metaalliance.moderation.scale.coefficients import ScaleFit
from metaalliance.moderation.scale.design import Designs
from metaalliance.options import Scale
from metaalliance.problems import Problem
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.phrases import effects_text


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LocationScale(OfModel, InNotebook):
    """A location-scale model.

    Attributes
    ----------
    mean : Coefficients
        The coefficients of the mean, for contrasts and joint tests.
    location : DataFrame
        The same as rows: term, estimate, se, statistic, df, p_value, ci_low, ci_high.
    scale : DataFrame
        Coefficients of the logarithms of the variance components, with the `component` of each; a
        coefficient b multiplies the variance by exp(b) per unit. Beside Wald's test and interval
        stand the likelihood ratio of one coefficient (lr, lr_p_value) and its profile interval
        (profile_low, profile_high), which are those that are printed.
    location_test, scale_test : dict
        Test that all coefficients but the intercepts are zero: test, statistic, df1, df2, p_value.
    lrt : dict
        Likelihood-ratio test against one variance per component: statistic, df, p_value.
    component_tests : dict of str to dict
        The same for the moderators of each component.
    sigma2 : DataFrame
        Variance of each effect by component, one column each.
    tau2 : ndarray, shape (k,)
        Heterogeneity of each effect: their sum.
    log_likelihood : float
        Restricted for REML, else full.
    """

    effects: Effects = field(repr=False)
    formula: str
    scale_formula: str
    specification: Specification
    mean: Coefficients = field(repr=False)
    location: pd.DataFrame = field(repr=False)
    scale: pd.DataFrame = field(repr=False)
    location_test: dict[str, Any]
    scale_test: dict[str, Any]
    lrt: dict[str, Any]
    component_tests: dict[str, dict[str, Any]] = field(repr=False)
    sigma2: pd.DataFrame = field(repr=False)
    tau2: Array = field(repr=False)
    log_likelihood: float
    variables: tuple[dict[str, Any], ...] = field(repr=False)
    notices: tuple[Problem, ...] = field(default=(), repr=False)
    designs: Designs = field(repr=False)
    fit: ScaleFit = field(repr=False)

    @property
    def tau2_method(self) -> str:
        """REML or ML."""
        return self.specification.tau2

    def to_frame(self) -> pd.DataFrame:
        """Return location, then scale coefficients."""
        parts = [self.location.assign(part="location"), self.scale.assign(part="scale")]
        return pd.concat(parts, ignore_index=True)

    def predict(
        self,
        frame: FrameLike | None = None,
        *,
        at: Mapping[str, Any] | None = None,
        prediction: str | None = None,
        scale: Scale = "analysis",
    ) -> pd.DataFrame:
        """Predict the mean effect and the heterogeneity for new values of the moderators.

        Parameters
        ----------
        frame, at, prediction, scale
            As in `MetaRegression.predict`, with the moderators of every formula.

        Returns
        -------
        DataFrame
            The values, then estimate, se, df, ci_low, ci_high, pi_low, pi_high, and tau2, the
            sum of the components there. The prediction interval takes tau2 as known, as that of
            every model does.
        """
        variables = self.designs.variables
        values = values_to_predict(variables, "a formula of this model", frame, at)
        mean = self.designs.mean
        rows = np.ones((len(values), 1)) if mean is None else mean.rows(values)
        tau2 = self._tau2_at(values)
        found = self.mean.predicted(
            np.nan_to_num(rows), np.nan_to_num(tau2, posinf=math.inf), prediction
        )
        found = found.assign(tau2=tau2)
        found[np.isnan(rows).any(axis=1) | np.isnan(tau2)] = math.nan
        return beside_values(values, variables, on_scale(found, scale, self.measure))

    def _tau2_at(self, frame: pd.DataFrame) -> Array:
        """Sum of the components at rows of new values, shape (n,)."""
        total = np.zeros(len(frame))
        for name in map(str, self.sigma2):
            design = self.designs.scale.get(name)
            if design is None:
                total += float(self.sigma2[name].iloc[0])
            else:
                with np.errstate(over="ignore"):  # far outside the data: an infinite variance
                    total += np.exp(design.rows(frame) @ self.fit.alpha(name))
        return total

    def to_dict(self) -> dict[str, Any]:
        """Return settings, coefficients and tests; missing is None."""
        settings = self.specification.to_dict()
        return without_nan(
            {
                "settings": {
                    "measure": self.measure,
                    "formula": self.formula,
                    "scale": self.scale_formula,
                    **settings,
                },
                "counts": {"n_effects": self.n_effects, "n_studies": self.n_studies},
                "variables": list(self.variables),
                "location": records(self.location),
                "scale": records(self.scale),
                "location_test": self.location_test,
                "scale_test": self.scale_test,
                "likelihood_ratio": self.lrt,
                "component_tests": self.component_tests,
                "log_likelihood": self.log_likelihood,
                "notices": [p.to_dict() for p in self.notices],
            }
        )

    def summary(self) -> str:
        """Return the coefficients as text for a terminal."""
        from metaalliance.wording.numbers import limits, number, p_text

        lines = [
            f"Location {self.formula}, scale {self.scale_formula}: {effects_text(self.n_effects)}"
        ]
        lines.append("Mean")
        for row in records(self.location):
            ends = limits(row["ci_low"], row["ci_high"])
            p = p_text(row["p_value"])
            lines.append(f"  {row['term']}: {number(row['estimate'])} {ends}, p {p}")
        for name in self.designs.scale:
            lines.append(f"log {component_text(name, self.specification)} (profile likelihood)")
            for row in records(self.scale[self.scale["component"] == name]):
                ends, p = limits(row["profile_low"], row["profile_high"]), row["lr_p_value"]
                tail = "" if math.isnan(p) else f", p {p_text(p)}"
                lines.append(f"  {row['term']}: {number(row['estimate'])} {ends}{tail}")
        lines.append(
            f"Heterogeneity differs: χ²({self.lrt['df']}) = {number(self.lrt['statistic'], 2)}, "
            f"p {p_text(self.lrt['p_value'])} (likelihood ratio, {self.tau2_method})"
        )
        for found in self.notices:
            lines += ["", found.text]
        return "\n".join(lines)


def component_text(name: str, model: Specification) -> str:
    """A component in words: tau² where it is the only one."""
    if not model.multilevel:
        return "tau²"
    known = {"study": "tau² between studies", "effect": "tau² within studies"}
    return known.get(name, f"tau² of {name}")
