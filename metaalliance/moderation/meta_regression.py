"""Meta-regression by a formula."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Unpack

import numpy as np
import pandas as pd

from metaalliance.core.inference.wald import WaldTest
from metaalliance.effects.effects import Effects
from metaalliance.interchange import FrameLike
from metaalliance.model import Model, ModelSettings
from metaalliance.models.regression import fit_regression
from metaalliance.models.regression_fit import RegressionFit
from metaalliance.models.scale import on_scale, without_nan
from metaalliance.moderation.design import Design, beside_values, build_design, values_to_predict
from metaalliance.moderation.explained import explained, explained_lines
from metaalliance.moderation.frames import records
from metaalliance.moderation.inflation import inflated, inflation
from metaalliance.moderation.result import tau2_text, wald_record, wald_text
from metaalliance.notices import announce
from metaalliance.options import Components, Scale
from metaalliance.problems import Problem
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import limits, number, p_text
from metaalliance.wording.phrases import (
    components_text,
    effects_text,
    model_line,
    percent_text,
    studies_text,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MetaRegression(InNotebook):
    """A meta-regression with what its coefficients mean.

    Attributes
    ----------
    formula : str
        The formula.
    fit : RegressionFit
        Coefficients and their tests on the analysis scale.
    design : Design
        Variables with their levels, centres and scales; what is missing and was dropped.
    R2 : float
        Share of tau² that the moderators account for; NaN where there is no tau².
    tau2_null : float
        Heterogeneity of the same effects without moderators.
    explained : dict
        R² by level, marginal and conditional; see `metaalliance.moderation.explained.explained`.
    bootstrap : DataFrame or None
        On request, the wild bootstrap of all terms together ("all terms") and of each: term,
        statistic, p_value (the corrected one), monte_carlo_se, replications, components, reason.
    notices : tuple of Problem
        What the reader has to know.
    """

    formula: str
    fit: RegressionFit
    design: Design = field(repr=False)
    R2: float
    tau2_null: float
    explained: dict[str, Any] = field(repr=False)
    bootstrap: pd.DataFrame | None = field(default=None, repr=False)
    notices: tuple[Problem, ...] = field(default=(), repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coefficients."""
        return self.fit.names

    @property
    def tau2(self) -> float:
        """Residual heterogeneity."""
        return self.fit.tau2

    @property
    def n_studies(self) -> int:
        """Number of studies."""
        return self.fit.n_studies

    @property
    def n_effects(self) -> int:
        """Number of effects."""
        return self.fit.n_effects

    def to_frame(self) -> pd.DataFrame:
        """Return one row per coefficient, on the analysis scale."""
        return self.fit.to_frame()

    @property
    def omnibus(self) -> dict[str, Any]:
        """Test that every coefficient but the intercept is zero."""
        return wald_record(self._wald(range(1, len(self.names))))

    @property
    def anova(self) -> pd.DataFrame:
        """Return the test of each term: all of its coefficients are zero.

        The other terms stay in the model (type III). Beside an interaction the test of a main
        effect is the one at the reference level and at the centre of the other.
        """
        rows = []
        for term, columns in self.design.terms.items():
            rows.append({"term": term, **wald_record(self._wald(columns))})
        return pd.DataFrame(rows)

    def _wald(self, columns: Any) -> WaldTest:
        return self.fit.wald(np.eye(len(self.names))[list(columns)])

    def gvif(self) -> pd.DataFrame:
        """Return the generalised variance inflation factor of each term.

        Returns
        -------
        DataFrame
            term, df, gvif, and ``gvif^(1 / (2 df))``, by which the term's standard errors are
            inflated; from the model's own covariance.

        References
        ----------
        Fox and Monette (1992).
        """
        return inflation(self.fit, self.design.terms)

    def predict(
        self,
        frame: FrameLike | None = None,
        *,
        at: Mapping[str, Any] | None = None,
        prediction: str | None = None,
        scale: Scale = "analysis",
    ) -> pd.DataFrame:
        """Predict the mean effect for new values of the moderators.

        Parameters
        ----------
        frame : DataFrame, or table of polars or pyarrow, optional
            A column for each moderator.
        at : mapping, optional
            In place of a frame: values by column, one or a list each. Other numbers are held at
            their centre, and every combination of the levels of other columns is predicted.
        prediction : {"t", "normal", "riley", "simple"}, optional
            Distribution of the prediction interval; by default that of the model.
        scale : {"analysis", "r"}
            With "r" the mean and the limits are correlations.

        Returns
        -------
        DataFrame
            The values, then estimate, se, df, ci_low, ci_high, pi_low, pi_high. A combination
            of levels that no effect has is NaN.

        Raises
        ------
        OptionError
            For a level that the model does not know, or a column that is missing.
        """
        design = self.design
        values = values_to_predict(design.variables, f"the formula {self.formula!r}", frame, at)
        rows = design.rows(values)
        found = self.fit.predict(np.nan_to_num(rows), prediction=prediction)
        found[np.isnan(rows).any(axis=1)] = math.nan
        return beside_values(values, design.variables, on_scale(found, scale, self.fit.measure))

    def settings(self) -> dict[str, Any]:
        """Return the options that made this fit."""
        return {**self.fit.settings(), "formula": self.formula}

    def to_dict(self) -> dict[str, Any]:
        """Return settings, variables, coefficients, tests and heterogeneity; missing is None."""
        rows = self.fit.to_frame().to_dict("records")
        return without_nan(
            {
                "formula": self.formula,
                "settings": self.settings(),
                "counts": {"n_studies": self.n_studies, "n_effects": self.n_effects},
                "missing": self.design.missing,
                "variables": [v.to_dict() for v in self.design.variables],
                "dropped": list(self.design.dropped),
                "coefficients": rows,
                "omnibus": self.omnibus,
                "anova": records(self.anova),
                "gvif": records(self.gvif()),
                "bootstrap": None if self.bootstrap is None else records(self.bootstrap),
                "R2": self.R2,
                **self.explained,
                "tau2": self.tau2,
                "tau2_null": self.tau2_null,
                "residual_heterogeneity": {
                    **self.fit.residual_heterogeneity(),
                    **self.fit.heterogeneity_intervals(),
                },
                "log_likelihood": self.fit.log_likelihood,
                "notices": [p.to_dict() for p in self.notices],
            }
        )

    def summary(self) -> str:
        """Return the regression as text for a terminal."""
        fit = self.fit
        omnibus = self.omnibus
        known = not math.isnan(omnibus["statistic"])
        lines = [
            f"{self.formula}: {studies_text(fit.n_studies)}, {effects_text(fit.n_effects)}",
            model_line(fit.settings()),
            *(f"  {_variable_line(v.to_dict())}" for v in self.design.variables),
            "",
            f"Test of all terms: {wald_text(omnibus) if known else omnibus['reason']}",
            f"R² = {percent_text(self.R2, 1)}, {tau2_text(fit, fit.tau2)}",
            *explained_lines(self.explained),
            *self._bootstrap_lines(),
            "",
        ]
        for row in records(fit.to_frame()):
            ends = limits(row["ci_low"], row["ci_high"])
            lines.append(
                f"{row['term']}: b = {number(row['estimate'])}, {100 * fit.level:g}% CI {ends}, "
                f"p {p_text(row['p_value'])}"
            )
        for found in self.notices:
            lines += ["", found.text]
        return "\n".join(lines)

    def _bootstrap_lines(self) -> list[str]:
        """The wild bootstrap of each term, with what was done."""
        if self.bootstrap is None:
            return []
        return [
            f"Wild bootstrap of {row['term']}: "
            + (
                row["reason"]
                or f"p {p_text(row['p_value'])} (SE {row['monte_carlo_se']:.4f}, "
                f"{row['replications']:,} replications; {components_text(row['components'])})"
            )
            for row in records(self.bootstrap)
        ]


def meta_regression(
    effects: Effects,
    formula: str,
    *,
    reference: Mapping[str, str] | None = None,
    centre: Mapping[str, float] | None = None,
    scale: Mapping[str, float] | None = None,
    min_studies: int = 3,
    bootstrap: int = 0,
    components: Components = "re-estimated",
    seed: int = 1,
    **settings: Unpack[ModelSettings],
) -> MetaRegression:
    """Regress the effects on several moderators at once.

    Parameters
    ----------
    effects : Effects
        What is explained; effects with a missing moderator are counted and left out.
    formula : str
        Such as ``"modality * alliance_rater + year"``; see `parse_formula` for what may stand in
        it. It is read strictly: nothing in it is executed.
    reference : mapping, optional
        Reference level by column; by default the level with most studies.
    centre, scale : mapping, optional
        Numbers enter as (x - centre) / scale: by default the mean, and 10 for years (slopes per
        decade) or 1.
    min_studies : int
        Effects of levels with fewer studies are left out.
    bootstrap : int
        Replications of the cluster wild bootstrap of all terms and of each; 0 for none.
    components : {"re-estimated", "held"}
        Whether the bootstrap estimates the variance components in every replication, or holds
        them at their estimates, which is fast.
    seed : int
        Of the bootstrap.
    **settings
        The settings of `pool`, or a whole `Model` as `model`.

    Returns
    -------
    MetaRegression
        Its `notices` are also given as `MetaAllianceWarning` where they are warnings.

    Raises
    ------
    OptionError
        For a formula that is not accepted, or a value that an option does not have.
    EstimationError
        When moderators are collinear, or the model cannot be identified.

    Examples
    --------
    >>> effects = Effects.from_arrays(
    ...     [0.1, 0.2, 0.3, 0.4, 0.5, 0.7], [0.01] * 6,
    ...     moderators={"arm": list("aaabbb"), "year": [1990, 2000, 2010, 1990, 2000, 2010]},
    ... )
    >>> fit = meta_regression(effects, "arm + year", test="wald")
    >>> fit.names, [round(float(b), 3) for b in fit.fit.beta]
    (('intercept', 'arm[b]', 'year'), [0.2, 0.333, 0.125])
    """
    model = Model.of(settings)
    design = build_design(
        effects,
        formula,
        reference=reference,
        centre=centre,
        scale=scale,
        min_studies=min_studies,
    )
    fit = fit_regression(design.used, design.X, design.names, model)
    null = fit_regression(design.used, np.ones((fit.n_effects, 1)), ("mean",), model)
    R2 = max(0.0, 1 - fit.tau2 / null.tau2) if null.tau2 > 0 else math.nan
    notices = (*design.notices, *fit.notices, *inflated(fit, design.terms))
    announce(notices)
    return MetaRegression(
        formula=design.formula.text,
        fit=fit,
        design=design,
        R2=R2,
        tau2_null=null.tau2,
        explained=explained(fit, null),
        bootstrap=_bootstrap(fit, design, bootstrap, components, seed) if bootstrap else None,
        notices=notices,
    )


def _bootstrap(
    fit: RegressionFit, design: Design, replications: int, components: Components, seed: int
) -> pd.DataFrame:
    """Test all terms together, and each, by the wild bootstrap."""
    count = len(fit.names)
    terms = {"all terms": range(1, count), **design.terms}
    rows = []
    for term, columns in terms.items():
        found = fit.wild_bootstrap(
            np.eye(count)[list(columns)], replications=replications, components=components,
            seed=seed,
        )  # fmt: skip
        rows.append(
            {
                "term": term,
                "statistic": found.statistic,
                "p_value": found.p_value_corrected,
                "monte_carlo_se": found.monte_carlo_se,
                "replications": found.replications,
                "components": found.components,
                "reason": found.reason,
            }
        )
    return pd.DataFrame(rows)


def _variable_line(found: dict[str, Any]) -> str:
    if found["kind"] == "categorical":
        return f"{found['name']}: compared with {found['reference']}"
    return f"{found['name']}: {found['unit']}, centred at {found['centre']:.6g}"
