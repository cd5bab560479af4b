"""Reliability generalization: reliabilities pooled by instrument and rater."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Unpack

import numpy as np
import pandas as pd

from metaalliance.core.conversion.alpha import AlphaTransformation, alpha_of, transform_alpha
from metaalliance.effects.convert import effect_sizes
from metaalliance.effects.effects import RESERVED, Effects
from metaalliance.errors import EstimationError, StudyDataError
from metaalliance.interchange import FrameLike, pandas_frame
from metaalliance.model import Model, ModelSettings
from metaalliance.models.further.coefficients import GROUP, NEEDED, coefficients_of, why_apart
from metaalliance.models.one_per_study import fit_averaged
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import without_nan
from metaalliance.notices import announced, quiet
from metaalliance.options import Overlap, check_option
from metaalliance.problems import Problem, notice
from metaalliance.sheet.studies import Studies
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import limits, number
from metaalliance.wording.phrases import count_text, level_text, studies_text

_LIMITS = ("ci_low", "ci_high", "pi_low", "pi_high")
_OWN = ("estimate", "se", "df", "tau2", "I2")
#: Columns of a coefficient that are shown, in their order.
_SHOWN = ("study", "sample", *GROUP, "time", "reliability", "n", "items", "source", "row", "rows")
_FIRST = ("study", "label", "sample", "row", "n")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReliabilityGeneralization(InNotebook):
    """Mean reliabilities by instrument and rater.

    Attributes
    ----------
    pooled : DataFrame
        One row per instrument and rater: side, instrument, rater, n_studies, n_coefficients,
        n_participants; on the scale of reliabilities reliability, ci_low, ci_high, pi_low, pi_high;
        on the transformed one estimate, se, df, tau2, I2; the model, and a reason where there is no
        estimate.
    coefficients : DataFrame
        The coefficients that are pooled, with yi and vi on the transformed scale; `rows` counts the
        rows of the sheet that repeat it.
    apart : DataFrame
        Those that are kept apart, each with its reason.
    transformation : {"bonett", "hakstian-whalen"}
        Scale of the models.
    level : float
        Coverage of the intervals.
    fits : dict of tuple to PooledFit
        The fitted models, by side, instrument and rater.
    notices : tuple of Problem
        What the reader has to know.
    """

    pooled: pd.DataFrame = field(repr=False)
    coefficients: pd.DataFrame = field(repr=False)
    apart: pd.DataFrame = field(repr=False)
    transformation: AlphaTransformation
    level: float
    fits: dict[tuple[str, str, str], PooledFit] = field(repr=False)
    notices: tuple[Problem, ...] = field(default=(), repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per instrument and rater."""
        return self.pooled.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON prints it."""
        return {
            "transformation": self.transformation,
            "level": self.level,
            "counts": {
                "n_coefficients": len(self.coefficients),
                "n_studies": int(self.coefficients["study"].nunique()),
                "n_apart": len(self.apart),
            },
            **{
                name: [without_nan(row) for row in getattr(self, name).to_dict("records")]
                for name in ("pooled", "coefficients", "apart")
            },
            "notices": [p.to_dict() for p in self.notices],
        }

    def summary(self) -> str:
        """Return a line for each instrument and rater."""
        lines = []
        for row in self.pooled.to_dict("records"):
            head = f"{name_of(row)}: {studies_text(row['n_studies'])}"
            if row["reason"]:
                lines.append(f"{head}; {row['reason']}")
                continue
            ci = limits(row["ci_low"], row["ci_high"], 3, correlation=True)
            mean = number(row["reliability"], 3, correlation=True)
            lines.append(f"{head}; {mean}, {level_text(self.level)} CI {ci}")
        return "\n".join([*lines, *(p.text for p in self.notices)])


def name_of(row: Any) -> str:
    """Return side, instrument and rater of a row in words."""
    return ", ".join(str(row[name]) for name in GROUP if row[name]) or "every coefficient"


def reliability(
    data: Studies | FrameLike,
    transformation: AlphaTransformation = "bonett",
    *,
    overlap: Overlap = "full",
    **settings: Unpack[ModelSettings],
) -> ReliabilityGeneralization:
    """Pool coefficients alpha by instrument and rater.

    Parameters
    ----------
    data : Studies or data frame
        A sheet, of which every row that is used gives its `alliance_reliability` and
        `outcome_reliability`; or a table with one row per coefficient and the columns study,
        reliability, n, items and, where there are, side, instrument, rater, source, sample.
        Reliabilities that are quoted (from a manual, or any source but this sample), that are no
        coefficient alpha by the word in their cell, or that have no number of items or n, are kept
        apart. A blank source is taken for this sample.
    transformation : {"bonett", "hakstian-whalen"}
        -ln(1 - alpha) with variance 2m / ((m - 1)(n - 2)), or 1 - (1 - alpha)^(1/3) with variance
        18m(n - 1)(1 - alpha)^(2/3) / ((m - 1)(9n - 11)²), for m items.
    overlap : {"full", "nested"}
        As in `Effects`.
    **settings
        Of `Model`; each group has a model of its own.

    Raises
    ------
    StudyDataError
        For a table without a column that is needed, or with a value that is no number.
    EstimationError
        When there is no reliability, or one above 1.

    References
    ----------
    Bonett (2002, 2010); Hakstian and Whalen (1976); metafor's escalc, measures ABT and AHW.

    Examples
    --------
    >>> table = pd.DataFrame({"study": list("ABC"), "reliability": [0.9, 0.93, 0.88],
    ...                       "n": [60, 80, 120], "items": 36})
    >>> found = reliability(table)
    >>> found.pooled["reliability"].round(3).item()
    0.905
    """
    if isinstance(data, Studies):
        table = coefficients_of(data, effect_sizes(data).frame)
    else:
        table = _read(pandas_frame(data, "data"))
    return announced(fit_table(table, transformation, Model.of(settings), overlap))


def fit_table(
    table: pd.DataFrame,
    transformation: AlphaTransformation,
    model: Model,
    overlap: Overlap = "full",
) -> ReliabilityGeneralization:
    """Pool a table of coefficients, as `coefficients_of` makes it; see `reliability`."""
    check_option("transformation", transformation, AlphaTransformation)
    check_option("overlap", overlap, Overlap)
    if table.empty:
        raise EstimationError("No row reports a reliability.", code="MA624")
    wrong = table[table["reliability"].isna() | (table["reliability"] > 1)]
    if len(wrong):
        row = wrong.iloc[0]
        raise EstimationError(
            f"{row['reliability']:g} of {row['study']} is not a reliability, at most 1.",
            code="MA624",
        )
    reason = why_apart(table)
    apart = table[reason != ""].assign(reason=reason[reason != ""])
    used = table[reason == ""].copy()
    alpha, n, items = (used[c].to_numpy(dtype=float) for c in ("reliability", "n", "items"))
    used["yi"], used["vi"] = transform_alpha(alpha, n, items, transformation)
    rows: list[dict[str, Any]] = []
    fits: dict[tuple[str, str, str], PooledFit] = {}
    told: list[Problem] = []
    for names, part in used.groupby(list(GROUP), sort=False):
        side, instrument, rater = (str(name) for name in names)
        key = (side, instrument, rater)
        fit = _fit(part, model, overlap)
        rows.append(_row(dict(zip(GROUP, key, strict=True)), part, fit, transformation))
        if isinstance(fit, PooledFit):
            fits[key] = fit
            where = name_of(rows[-1])
            told += [replace(p, message=f"{where}: {p.message}") for p in fit.notices]
    shown = [c for c in _SHOWN if c in table]
    return ReliabilityGeneralization(
        pooled=pd.DataFrame(rows, columns=_columns()),
        coefficients=used[[*shown, "yi", "vi"]].reset_index(drop=True),
        apart=apart[[*shown, "reason"]].reset_index(drop=True),
        transformation=transformation,
        level=model.level,
        fits=fits,
        notices=(*_notices(used, apart), *told),
    )


def _read(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of coefficients with every column that groups them."""
    missing = [name for name in NEEDED if name not in table]
    if missing:
        raise StudyDataError(f"The table has no column {missing[0]!r}; it needs "
                             f"{', '.join(NEEDED)}.")  # fmt: skip
    found = table.reset_index(drop=True).copy()
    for name in ("reliability", "n", "items"):
        try:
            found[name] = pd.to_numeric(found[name]).astype(float)
        except (TypeError, ValueError) as error:
            raise StudyDataError(f"{name} holds a value that is no number: {error}.") from None
    if found["study"].isna().any():
        raise StudyDataError("A coefficient has no study.")
    for name in (*GROUP, "source"):
        known = found[name] if name in found else pd.Series("", index=found.index)
        found[name] = known.astype(object).where(known.notna(), "")
    return found if "coefficient" in found else found.assign(coefficient="alpha")


def _fit(part: pd.DataFrame, model: Model, overlap: Overlap) -> PooledFit | str:
    """Fit one group, or say why it has no estimate."""
    first = part[[c for c in _FIRST if c in part]].assign(
        effect=range(1, len(part) + 1), yi=part["yi"], vi=part["vi"]
    )
    rest = part[[c for c in part if c not in {*RESERVED, *_FIRST}]]
    frame = pd.concat([first, rest], axis=1)
    effects = Effects(frame=frame.reset_index(drop=True), measure="generic", overlap=overlap)
    try:
        with quiet():
            return fit_averaged(effects, model)
    except EstimationError as error:
        return str(error)


def _columns() -> list[str]:
    return [*GROUP, "n_studies", "n_coefficients", "n_participants", "reliability", *_LIMITS,
            *_OWN, "model", "reason"]  # fmt: skip


def _row(
    named: dict[str, str],
    part: pd.DataFrame,
    fit: PooledFit | str,
    transformation: AlphaTransformation,
) -> dict[str, Any]:
    by = [c for c in ("study", "sample") if c in part]
    row: dict[str, Any] = {
        **named,
        "n_studies": int(part["study"].nunique()),
        "n_coefficients": len(part),
        "n_participants": int(part.groupby(by, dropna=False)["n"].max().sum()),
    }
    if isinstance(fit, str):
        nothing = dict.fromkeys(("reliability", *_LIMITS, *_OWN), math.nan)
        return {**row, **nothing, "model": "", "reason": fit}
    values = np.array([fit.estimate, *(getattr(fit, name) for name in _LIMITS)])
    shown = alpha_of(values, transformation).tolist()
    return {
        **row,
        **dict(zip(("reliability", *_LIMITS), shown, strict=True)),
        **{name: float(getattr(fit, name)) for name in _OWN},
        "model": fit.specification.kind,
        "reason": "",
    }


def _notices(used: pd.DataFrame, apart: pd.DataFrame) -> tuple[Problem, ...]:
    """Say what was kept apart, what was taken for granted, and what stood there repeatedly."""
    found = []
    if len(apart):
        counts = Counter(apart["reason"])
        listed = "; ".join(f"{why}: {count}" for why, count in counts.items())
        message = f"{count_text(len(apart), 'reliability', 'reliabilities')} kept apart: {listed}."
        found.append(notice("MA707", message, "Code what is missing, or report them apart."))
    silent = int((used["source"] == "").sum())
    if silent:
        message = (f"{silent} of {count_text(len(used), 'coefficient')} have no source; they were "
                   "taken for coefficients of this sample.")  # fmt: skip
        found.append(notice("MA708", message, severity="note"))
    if "rows" in used and (used["rows"] > 1).any():
        count = int(used["rows"].sum()) - len(used)
        rows = count_text(count, "row repeats", "rows repeat")
        message = f"{rows} a reliability of the same sample; it counts once."
        found.append(notice("MA708", message, severity="note"))
    return tuple(found)
