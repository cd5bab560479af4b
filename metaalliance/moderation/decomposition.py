"""A moderator that varies within studies: its slope within studies, and between them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Unpack

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError
from metaalliance.model import Model, ModelSettings
from metaalliance.models.regression import fit_regression
from metaalliance.models.regression_fit import RegressionFit
from metaalliance.models.scale import without_nan
from metaalliance.moderation.frames import records
from metaalliance.moderation.grouping import column, group_by, is_number
from metaalliance.moderation.result import wald_record, wald_text
from metaalliance.moderation.slope import default_scale, numbers_of
from metaalliance.notices import announce
from metaalliance.problems import Problem
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import limits, number, p_text
from metaalliance.wording.phrases import effects_text, studies_text

PARTS = ("within", "between", "contextual")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WithinBetween(InNotebook):
    """The slopes of one moderator within and between studies.

    Attributes
    ----------
    name : str
        The moderator.
    reference : str
        The level with which others are compared; empty for a number.
    slopes : DataFrame
        part, term, estimate, se, statistic, df, p_value, ci_low, ci_high: `within` compares
        effects of one study, `between` compares study means, `contextual` is between less
        within.
    tests : dict of str to dict
        Joint test of each part over all terms.
    n_varying : int
        Studies in which the moderator varies; the within slopes rest on them.
    fit : RegressionFit
        The model.
    """

    name: str
    reference: str
    slopes: pd.DataFrame = field(repr=False)
    tests: dict[str, dict[str, Any]] = field(repr=False)
    n_varying: int
    missing: dict[str, int]
    fit: RegressionFit = field(repr=False)
    notices: tuple[Problem, ...] = field(default=(), repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return the slopes, on the analysis scale."""
        return self.slopes.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return slopes and tests; missing is None."""
        return without_nan(
            {
                "name": self.name,
                "reference": self.reference or None,
                "settings": self.fit.settings(),
                "counts": {
                    "n_studies": self.fit.n_studies,
                    "n_effects": self.fit.n_effects,
                    "n_varying": self.n_varying,
                },
                "missing": self.missing,
                "slopes": records(self.slopes),
                "tests": self.tests,
                "residual_heterogeneity": {
                    **self.fit.residual_heterogeneity(),
                    **self.fit.heterogeneity_intervals(),
                },
                "notices": [p.to_dict() for p in self.notices],
            }
        )

    def summary(self) -> str:
        """Return the slopes as text for a terminal."""
        fit = self.fit
        lines = [
            f"{self.name} within and between studies: {studies_text(fit.n_studies)}, "
            f"{effects_text(fit.n_effects)}; it varies within {studies_text(self.n_varying)}"
        ]
        for row in records(self.slopes):
            ends = limits(row["ci_low"], row["ci_high"])
            lines.append(
                f"  {row['part']}, {row['term']}: b = {number(row['estimate'])} {ends}, "
                f"p {p_text(row['p_value'])}"
            )
        for part, found in self.tests.items():
            known = not math.isnan(found["statistic"])
            lines.append(f"Test {part}: {wald_text(found) if known else found['reason']}")
        return "\n".join(lines)


def within_between(
    effects: Effects,
    by: str,
    *,
    reference: str | None = None,
    scale: float | None = None,
    **settings: Unpack[ModelSettings],
) -> WithinBetween:
    """Split a moderator into its mean in each study and the deviation from it.

    Raters, times and instruments vary within studies. Their slope over all effects mixes two
    comparisons: of effects of the same study (same clients, same treatment), and of studies
    that differ in much else. Only the first is free of confounding by study.

    Parameters
    ----------
    effects : Effects
        Several effects in some studies.
    by : str
        A column that varies within studies: numbers, or levels (each compared with the
        reference).
    reference : str, optional
        First level; by default the one with most studies.
    scale : float, optional
        Difference that the slope of a number is for.
    **settings
        The settings of `pool`, or a whole `Model` as `model`; `prediction` is that of
        ``fit.predict``.

    Raises
    ------
    EstimationError
        When the moderator varies within fewer than two studies, or only within studies.

    References
    ----------
    Raudenbush and Bryk (2002).

    Examples
    --------
    >>> effects = Effects.from_arrays(
    ...     [0.1, 0.3, 0.2, 0.4, 0.3, 0.5], [0.01] * 6, study=list("aabbcc"),
    ...     moderators={"x": [0.0, 1, 1, 2, 3, 4]},
    ... )
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     found = within_between(effects, "x", test="wald")
    >>> [round(float(b), 3) for b in found.slopes["estimate"]]
    [0.2, 0.064, -0.136]
    """
    model = Model.of(settings)
    used, columns, terms, first, missing, notices = _columns(effects, by, reference, scale)
    study, _ = pd.factorize(used.frame["study"])
    means = _study_means(columns, study)
    inside = columns - means
    varying = int(np.unique(study[(np.abs(inside) > 1e-12).any(axis=1)]).size)
    if varying < 2:
        raise EstimationError(
            f"{by} varies within {varying} {'study' if varying == 1 else 'studies'}: a comparison "
            "within studies needs two. Use moderators or meta_regression.",
            code="MA646",
        )
    if np.ptp(means, axis=0).min() < 1e-12:
        raise EstimationError(f"{by} has the same mean in every study.", code="MA646")
    p = len(terms)
    X = np.column_stack([np.ones(used.n_effects), inside, means - means.mean(axis=0)])
    names = ("intercept", *(f"{t} within" for t in terms), *(f"{t} between" for t in terms))
    fit = fit_regression(used, X, names, model)
    zero, eye = np.zeros((p, 1)), np.eye(p)
    C = {
        "within": np.hstack([zero, eye, 0 * eye]),
        "between": np.hstack([zero, 0 * eye, eye]),
        "contextual": np.hstack([zero, -eye, eye]),
    }
    frames = []
    for part in PARTS:
        frame = fit.contrast(C[part]).to_frame()
        frame.insert(0, "term", terms)
        frame.insert(0, "part", part)
        frames.append(frame)
    announce((*notices, *fit.notices))
    return WithinBetween(
        name=by,
        reference=first,
        slopes=pd.concat(frames, ignore_index=True),
        tests={part: wald_record(fit.wald(C[part])) for part in PARTS},
        n_varying=varying,
        missing=missing,
        fit=fit,
        notices=(*notices, *fit.notices),
    )


_Columns = tuple[Effects, Array, tuple[str, ...], str, dict[str, int], tuple[Problem, ...]]


def _columns(effects: Effects, by: str, reference: str | None, scale: float | None) -> _Columns:
    """The moderator as columns: a scaled number, or indicators of all levels but the first."""
    if is_number(column(effects, by)):
        used, x, missing, notices = numbers_of(effects, by)
        unit = default_scale(by, x) if scale is None else float(scale)
        return used, ((x - x.mean()) / unit)[:, None], (by,), "", missing, notices
    grouping = group_by(effects, by, reference)
    keep, indicators = grouping.indicators(grouping.levels)
    first, others = grouping.levels[0], grouping.levels[1:]
    if not others:
        raise EstimationError(f"{by} has only the level {first}.", code="MA646")
    used, gone = effects.subset(keep), grouping.missing()
    return used, indicators[:, 1:], others, first, gone, grouping.notices()


def _study_means(columns: Array, study: Any) -> Array:
    """Mean of each column in the study of each effect, shape (k, p)."""
    counts = np.bincount(study)
    means = [np.bincount(study, weights=c)[study] / counts[study] for c in columns.T]
    return np.column_stack(means)
