"""The levels of one moderator as rows: their means, intervals and heterogeneity."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.inference.intervals import critical_value, two_sided_p
from metaalliance.core.variance.heterogeneity import q_test
from metaalliance.core.variance.multilevel import evaluate
from metaalliance.effects.aggregate import aggregate
from metaalliance.effects.effects import Effects
from metaalliance.model import AGGREGATION_RHO, MULTILEVEL, Model, Specification
from metaalliance.models.prediction import prediction_interval
from metaalliance.models.regression_fit import RegressionFit
from metaalliance.models.structure import working_data
from metaalliance.moderation.grouping import Grouping
from metaalliance.moderation.result import LEVEL_COLUMNS
from metaalliance.moderation.separate import SeparateLevels
from metaalliance.options import CLUSTER_TESTS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """The fits behind one result.

    Attributes
    ----------
    tested : tuple of str
        Levels that take part in the test.
    common : RegressionFit or None
        Their means with one heterogeneity; None when there are none.
    null : RegressionFit or None
        The mean of the same effects, or of all effects with a value when none is tested.
    """

    grouping: Grouping
    tested: tuple[str, ...]
    common: RegressionFit | None
    null: RegressionFit | None
    separate: SeparateLevels | None
    tau2_test: dict[str, Any] | None
    prediction: str
    min_studies: int
    settings: dict[str, Any]

    @property
    def means(self) -> RegressionFit | SeparateLevels | None:
        """The fit whose coefficients are the means of the tested levels."""
        return self.common if self.separate is None else self.separate


def levels_frame(case: Case) -> pd.DataFrame:
    """One row per level, those not tested last."""
    rows = []
    order = [*case.tested, *(name for name in case.grouping.levels if name not in case.tested)]
    estimates = _tested_rows(case)
    for name in order:
        own = case.grouping.of(name)
        counts = {
            "level": name,
            "n_studies": own.n_studies,
            "n_effects": own.n_effects,
            "n_participants": own.n_participants,
        }
        found = estimates.get(name) or _held_row(case, own)
        rows.append({**counts, **found, **_heterogeneity(case, own, float(found["tau2"]))})
    frame = pd.DataFrame(rows, columns=list(LEVEL_COLUMNS))
    return frame.astype({"n_participants": "Int64"})


def _tested_rows(case: Case) -> dict[str, dict[str, Any]]:
    """Mean and intervals of each tested level."""
    means = case.means
    if means is None:
        return {}
    found = means.contrast(np.eye(len(case.tested)))
    names = ("estimate", "se", "statistic", "df", "p_value", "ci_low", "ci_high")
    rows = {}
    for i, name in enumerate(case.tested):
        row = {key: float(getattr(found, key)[i]) for key in names}
        tau2 = means.tau2 if isinstance(means, RegressionFit) else float(means.tau2[i])
        pi = _prediction(case, name, row, tau2)
        rows[name] = {**row, **pi, "tau2": tau2, "tested": True, "note": ""}
    return rows


def _prediction(case: Case, name: str, row: dict[str, Any], tau2: float) -> dict[str, float]:
    """Prediction interval of a level; its df are those of the model behind tau²."""
    settings = case.settings
    if settings["model"] == "common-effect":
        return {"pi_low": math.nan, "pi_high": math.nan}
    clustered = settings["test"] in CLUSTER_TESTS or settings["model"] in MULTILEVEL
    if case.separate is not None:
        own = case.grouping.of(name)
        units, used = (own.n_studies if clustered else own.n_effects), 1
    else:
        assert case.common is not None
        fit = case.common
        units, used = (fit.n_studies if clustered else fit.n_effects), len(case.tested)
    pi = prediction_interval(
        case.prediction, row["estimate"], row["se"], tau2, df=row["df"],
        units=units - used + 1, riley=units - used - 1, level=settings["level"],
    )  # fmt: skip
    return {"pi_low": pi.low, "pi_high": pi.high}


def _held_row(case: Case, own: Effects) -> dict[str, Any]:
    """Mean of a level with too few studies, by the heterogeneity of the others."""
    fit = case.common or case.null
    theta = np.zeros(2) if fit is None else np.asarray(fit.point.theta)
    nested = fit is not None and fit.model in MULTILEVEL
    if not nested and own.dependent():
        own = aggregate(own, AGGREGATION_RHO)
    data = working_data(own, np.ones((own.n_effects, 1)), _specification(fit))
    point = evaluate(data, theta, restricted=True)
    estimate, se = float(point.beta[0]), math.sqrt(float(point.bread[0, 0]))
    half = critical_value(case.settings["level"], math.inf) * se
    m = own.n_studies
    return {
        "estimate": estimate,
        "se": se,
        "statistic": estimate / se,
        "df": math.inf,
        "p_value": two_sided_p(estimate / se, math.inf),
        "ci_low": estimate - half,
        "ci_high": estimate + half,
        "pi_low": math.nan,
        "pi_high": math.nan,
        "tau2": math.nan if fit is None else float(theta.sum()),
        "tested": False,
        "note": f"{m} {'study' if m == 1 else 'studies'}, fewer than {case.min_studies}",
    }


def _specification(fit: RegressionFit | None) -> Specification:
    """The model of the levels that were fitted; independent effects without any."""
    if fit is None:
        return Model(kind="two-level", test="wald").resolved(dependent=False)
    return fit.specification


def _heterogeneity(case: Case, own: Effects, tau2: float) -> dict[str, float]:
    """Q of the effects of one level, and I² for its tau²."""
    fit = case.common or case.null
    q = q_test(working_data(own, np.ones((own.n_effects, 1)), _specification(fit)))
    several = own.n_effects > 1
    return {
        "Q": q.Q if several else math.nan,
        "Q_df": float(q.df),
        "Q_p_value": q.p_value if several else math.nan,
        "I2": q.I2(tau2) if several else math.nan,
    }
