"""What is known of one categorical moderator."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from metaalliance.core.inference.wald import WaldTest
from metaalliance.effects.effects import Effects
from metaalliance.model import Specification
from metaalliance.models.regression_fit import RegressionFit
from metaalliance.models.scale import LIMITS, back_transform, on_scale, without_nan
from metaalliance.moderation.explained import explained_lines
from metaalliance.moderation.frames import records
from metaalliance.moderation.separate import SeparateLevels
from metaalliance.options import Scale
from metaalliance.problems import Problem
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import limits, number, p_text
from metaalliance.wording.phrases import (
    df_text,
    effects_text,
    level_text,
    model_line,
    percent_text,
    studies_text,
)

LEVEL_COLUMNS = (
    "level", "n_studies", "n_effects", "n_participants", "estimate", "se", "statistic", "df",
    "p_value", "ci_low", "ci_high", "pi_low", "pi_high", "tau2", "I2", "Q", "Q_df", "Q_p_value",
    "tested", "note",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModeratorTest(InNotebook):
    """The levels of one moderator and the test of their difference.

    Attributes
    ----------
    name : str
        The moderator.
    effects : Effects
        All effects, those without a value among them.
    specification : Specification
        The model of the levels, with nothing left to choose.
    reference : str
        The first level, with which others are compared.
    levels : DataFrame
        One row per level on the analysis scale: counts, mean, test, confidence and prediction
        interval, tau2, I2 and Q of the level; `tested` says whether it has enough studies for
        all of these and takes part in the omnibus test, `note` why not. A level that is not
        tested has counts, and NaN for every estimate.
    omnibus : dict
        Test that the tested levels are equal: test, statistic, df1, df2, p_value, reason.
    contrasts : DataFrame
        Differences ``level_a - level_b`` with their tests and p-values adjusted by Holm; with
        `sesoi` also the equivalence test, and with the test "wild-bootstrap" the p-value of the
        bootstrap of each (`p_bootstrap`) and the same adjusted by Holm.
    R2 : float
        Share of tau² that the moderator accounts for, a fraction; NaN where there is no tau².
    tau2 : float
        Residual heterogeneity; NaN with separate tau², which stand in `levels`.
    tau2_null : float
        Heterogeneity of the same effects without the moderator.
    explained : dict
        R² by level, marginal and conditional; see `metaalliance.moderation.explained.explained`.
    Q_between : dict
        Cochran's Q between the levels with df and p_value, by the model's own weights.
    residual_heterogeneity : dict
        Q, tau² and I² around the means of the levels.
    tau2_test : dict or None
        With separate tau², the likelihood-ratio test that they are equal.
    tests : DataFrame or None
        On request, the test of the levels by several methods.
    missing : dict
        Effects without a value (n_effects), and studies that have no other (n_studies).
    n_studies, n_effects : int
        What the test rests on.
    fit : RegressionFit, SeparateLevels or None
        The model of the tested levels, whose coefficients are their means; None when no
        level has enough studies.
    """

    name: str
    effects: Effects = field(repr=False)
    specification: Specification
    reference: str
    levels: pd.DataFrame = field(repr=False)
    omnibus: dict[str, Any]
    contrasts: pd.DataFrame = field(repr=False)
    R2: float
    tau2: float
    tau2_null: float
    explained: dict[str, Any] = field(repr=False)
    Q_between: dict[str, Any] = field(repr=False)
    residual_heterogeneity: dict[str, Any] = field(repr=False)
    tau2_test: dict[str, Any] | None = field(repr=False)
    tests: pd.DataFrame | None = field(repr=False)
    missing: dict[str, int]
    n_studies: int
    n_effects: int
    options: dict[str, Any] = field(repr=False)
    fit: RegressionFit | SeparateLevels | None = field(repr=False)
    notices: tuple[Problem, ...] = field(default=(), repr=False)

    @property
    def p_value(self) -> float:
        """P-value of the omnibus test."""
        return float(self.omnibus["p_value"])

    def settings(self) -> dict[str, Any]:
        """Return the options of the test."""
        return dict(self.options)

    def to_frame(self, scale: Scale = "analysis") -> pd.DataFrame:
        """Return one row per level; with scale "r" means and limits are correlations."""
        return on_scale(self.levels, scale, self.effects.measure)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as the JSON output prints it; missing is None."""
        return without_nan(
            {
                "name": self.name,
                "kind": "categorical",
                "reference": self.reference,
                "settings": self.settings(),
                "counts": {"n_studies": self.n_studies, "n_effects": self.n_effects},
                "missing": self.missing,
                "levels": [self._level(row) for row in records(self.levels)],
                "omnibus": self.omnibus,
                "Q_between": self.Q_between,
                "contrasts": records(self.contrasts),
                "tau2": self.tau2,
                "tau2_null": self.tau2_null,
                "R2": self.R2,
                **self.explained,
                "tau2_test": self.tau2_test,
                "residual_heterogeneity": {**self.residual_heterogeneity, **self._intervals()},
                "tests": None if self.tests is None else records(self.tests),
                "notices": [p.to_dict() for p in self.notices],
            }
        )

    def _intervals(self) -> dict[str, Any]:
        """Intervals of the residual variances; levels fitted apart have none in common."""
        if not isinstance(self.fit, RegressionFit):
            return {}
        return self.fit.heterogeneity_intervals()

    def _level(self, row: dict[str, Any]) -> dict[str, Any]:
        """One level with its back-transformation."""
        measure = self.effects.measure
        r = {name: back_transform(float(row[name]), measure) for name in LIMITS}
        return {**row, "r": r if measure != "generic" else None}

    def summary(self) -> str:
        """Return the result as text for a terminal."""
        is_r = self.effects.measure != "generic"
        lines = [self._heading(), "", self._test_line(), *self._heterogeneity_lines(), ""]
        for row in records(self.to_frame("r")):
            lines.append(_level_line(row, is_r=is_r, level=self.options["level"]))
        close = self.contrasts[self.contrasts["p_adjusted"] < 1 - self.options["level"]]
        for row in records(close):
            lines.append(
                f"{row['level_a']} vs {row['level_b']}: difference "
                f"{number(row['estimate'])}, p {p_text(row['p_value'])}, adjusted p "
                f"{p_text(row['p_adjusted'])}"
            )
        for found in self.notices:
            lines += ["", found.text]
        return "\n".join(lines)

    def _heading(self) -> str:
        further = ("separate tau²",) if self.options["separate_tau2"] else ()
        size = f"{studies_text(self.n_studies)}, {effects_text(self.n_effects)} tested"
        return f"{self.name}: {size}\n{model_line(self.options, *further)}"

    def _test_line(self) -> str:
        found = self.omnibus
        if found["test"] is None or math.isnan(found["statistic"]):
            return f"The levels were not tested: {found['reason']}."
        return f"Test of the levels: {wald_text(found)}"

    def _heterogeneity_lines(self) -> list[str]:
        parts = []
        if not math.isnan(self.R2):
            parts.append(f"R² = {percent_text(self.R2, 1)}")
        if not math.isnan(self.tau2):
            parts.append(tau2_text(self.fit, self.tau2))
        lines = [", ".join(parts)] if parts else []
        lines += explained_lines(self.explained)
        if self.tau2_test is not None:
            t = self.tau2_test
            lines.append(
                f"Equal tau²: χ²({t['df']}) = {number(t['statistic'], 2)}, "
                f"p {p_text(t['p_value'])} (likelihood ratio, {t['method']})"
            )
        return lines


def tau2_text(fit: RegressionFit | SeparateLevels | None, tau2: float) -> str:
    """Return "residual tau² = 0.0231, 95% CI [0.0174, 0.0310]"."""
    text = f"residual tau² = {number(tau2, 4)}"
    if not isinstance(fit, RegressionFit) or fit.model == "common-effect":
        return text
    return f"{text}, {level_text(fit.level)} CI {limits(*fit.tau2_ci(), 4)}"


_SYMBOLS = {"htz": "F (HTZ)", "f": "F", "welch": "F (Welch)", "chi2": "χ²"}


def wald_text(found: dict[str, Any]) -> str:
    """Return "F (HTZ)(6, 23.1) = 2.31, p = .068"."""
    symbol = _SYMBOLS.get(str(found["test"]), str(found["test"]))
    df1, df2 = float(found["df1"]), float(found["df2"])
    df = df_text(df1) if math.isinf(df2) else f"{df_text(df1)}, {number(df2, 1)}"
    return f"{symbol}({df}) = {number(found['statistic'], 2)}, p {p_text(found['p_value'])}"


def _level_line(row: dict[str, Any], *, is_r: bool, level: float) -> str:
    """One level in words."""
    name = "r" if is_r else "estimate"
    size = f"{studies_text(row['n_studies'])}, {effects_text(row['n_effects'])}"
    text = f"{row['level']} ({size}): "
    if not row["tested"]:
        return f"{text}not estimated, {row['note']}"
    ends = limits(row["ci_low"], row["ci_high"], correlation=is_r)
    estimate = number(row["estimate"], correlation=is_r)
    return f"{text}{name} = {estimate}, {level_text(level)} CI {ends}"


def wald_record(found: WaldTest) -> dict[str, Any]:
    """Return a joint test as results hold it."""
    return {
        "test": found.test,
        "statistic": found.statistic,
        "df1": found.df1,
        "df2": found.df2,
        "p_value": found.p_value,
        "reason": found.reason,
    }
