"""The levels of one moderator as rows: their means, intervals and heterogeneity."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.variance.heterogeneity import QTest, q_test, q_tests
from metaalliance.effects.levels import in_order, known_order
from metaalliance.model import Specification
from metaalliance.models.inference.prediction import prediction_interval
from metaalliance.models.regression_fit import RegressionFit
from metaalliance.models.structure import working_data
from metaalliance.moderation.frames import records
from metaalliance.moderation.grouping import Grouping
from metaalliance.moderation.result import LEVEL_COLUMNS
from metaalliance.moderation.separate import SeparateLevels, apart


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """The fits behind one result.

    Attributes
    ----------
    tested : tuple of str
        Levels that take part in the test.
    specification : Specification
        The model, with nothing left to choose.
    common : RegressionFit or None
        Their means with one heterogeneity; None when there are none.
    null : RegressionFit or None
        The mean of the same effects, or of all effects with a value when none is tested.
    """

    grouping: Grouping
    tested: tuple[str, ...]
    specification: Specification
    common: RegressionFit | None
    null: RegressionFit | None
    separate: SeparateLevels | None
    tau2_test: dict[str, Any] | None
    min_studies: int

    @property
    def means(self) -> RegressionFit | SeparateLevels | None:
        """The fit whose coefficients are the means of the tested levels."""
        return self.common if self.separate is None else self.separate


def levels_frame(case: Case) -> pd.DataFrame:
    """One row per level, those not tested last: they have counts and nothing else.

    They come in the order of the codebook or the vocabulary; without one, the reference first.
    """
    rows = []
    levels, frame = case.grouping.levels, case.grouping.effects.frame
    if known_order(frame, case.grouping.name) or all(level[:1].isdigit() for level in levels):
        levels = tuple(in_order(levels, frame, case.grouping.name))
    order = sorted(levels, key=lambda name: name not in case.tested)
    estimates = _tested_rows(case)
    few = {"tested": False, "note": f"fewer than {case.min_studies} studies"}
    sizes = case.grouping.sizes()
    for name in order:
        rows.append({"level": name, **sizes[name], **estimates.get(name, few)})
    frame = pd.DataFrame(rows, columns=list(LEVEL_COLUMNS))
    numbers = dict.fromkeys(LEVEL_COLUMNS[4:-2], float)
    return frame.astype({"n_participants": "Int64", **numbers})


def _tested_rows(case: Case) -> dict[str, dict[str, Any]]:
    """Mean, intervals and heterogeneity of each tested level."""
    means = case.means
    if means is None:
        return {}
    frame = _common(means) if isinstance(means, RegressionFit) else _apart(means, case)
    rows = {}
    for name, row, q in zip(case.tested, records(frame), _q_tests(case), strict=True):
        around = _heterogeneity(q, float(row["tau2"]))
        rows[name] = {**row, **around, "tested": True, "note": ""}
    return rows


def _common(fit: RegressionFit) -> pd.DataFrame:
    """Means of levels with one tau², and their prediction intervals."""
    each = np.eye(len(fit.names))
    pi = fit.predict(each)[["pi_low", "pi_high"]]
    return pd.concat([fit.contrast(each).to_frame(), pi], axis=1).assign(tau2=fit.tau2)


def _apart(fit: SeparateLevels, case: Case) -> pd.DataFrame:
    """Means of levels with a tau² each; the df of a prediction are those of its level."""
    frame = fit.contrast(np.eye(len(fit.names))).to_frame().assign(tau2=fit.tau2)
    counts = case.grouping.studies()
    studies = [counts[name] for name in fit.names]
    pis = [
        prediction_interval(
            case.specification.prediction, row["estimate"], row["se"], row["tau2"], df=row["df"],
            units=m, riley=m - 2, level=case.specification.level,
        )
        for row, m in zip(records(frame), studies, strict=True)
    ]  # fmt: skip
    return frame.assign(pi_low=[pi.low for pi in pis], pi_high=[pi.high for pi in pis])


def _q_tests(case: Case) -> list[QTest]:
    """Heterogeneity of the effects of each tested level, by themselves."""
    keep, X = case.grouping.indicators(case.tested)
    effects, model = case.grouping.effects.subset(keep), case.specification
    if model.columns or X.shape[1] == 1:  # a study may share a group with those of another level
        parts = [effects.subset(column == 1) for column in X.T]
        return [q_test(working_data(own, np.ones((own.n_effects, 1)), model)) for own in parts]
    return q_tests(working_data(apart(effects, X), X, model))


def _heterogeneity(q: QTest, tau2: float) -> dict[str, float]:
    """Q of the effects of one level, and I² for its tau²."""
    several = q.df > 0
    return {
        "Q": q.Q if several else math.nan,
        "Q_df": float(q.df),
        "Q_p_value": q.p_value if several else math.nan,
        "I2": q.I2(tau2) if several else math.nan,
    }
