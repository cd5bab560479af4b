"""What makes a mean or its heterogeneity doubtful, with the cause in words."""

from __future__ import annotations

import numpy as np
from scipy import special

from metaalliance.core.arrays import Array, BoolArray
from metaalliance.core.variance.tau2 import q_profile
from metaalliance.effects.effects import Effects, study_names
from metaalliance.model import Specification
from metaalliance.models.sampling import correlations
from metaalliance.models.working import WorkingFit
from metaalliance.problems import Problem, Severity, notice
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import count_text

#: Effects that a notice names.
_NAMED = 5
#: Share of the weights below zero that moves a mean enough for a warning; less is a note.
HEAVY = 0.05
#: Weights below zero by no more than this are rounding.
ROUNDING = 1e-9


def negative_weights_notice(
    effects: Effects, weights: Array, model: Specification
) -> tuple[Problem, ...]:
    """Say which effects count against the mean, and why."""
    negative = weights < -ROUNDING
    rows = np.flatnonzero(negative)
    if not rows.size or model.kind != "che":
        return ()
    named = ", ".join(_named(effects, int(i)) for i in rows[:_NAMED])
    more = f" and {rows.size - _NAMED} more" if rows.size > _NAMED else ""
    have = "has a negative weight" if rows.size == 1 else "have negative weights"
    share = float(weights[rows].sum())
    have += f" ({number(100 * share, 1)}% together), so that the mean moves away from what they say"
    said = f"{count_text(rows.size, 'effect')} {have}: {named}{more}. "
    cause, hint = _cause(effects, negative, correlations(effects, model))
    severity: Severity = "warning" if share <= -HEAVY else "note"
    return (notice("MA673", said + cause, hint, severity=severity),)


def _named(effects: Effects, row: int) -> str:
    label = str(study_names(effects.frame).iloc[row])
    return f"{label} (row {effects.frame['row'].iloc[row]})" if "row" in effects.frame else label


def _cause(effects: Effects, negative: BoolArray, rho: Array) -> tuple[str, str]:
    """Return why weights are negative, and the way out."""
    pair = _least_overlap(effects, negative)
    if pair is not None and rho[pair[0]] > np.sqrt(pair[1] / pair[2]):
        small, large = f"{pair[1]:g}", f"{pair[2]:g}"
        shared = number(float(np.sqrt(pair[1] / pair[2])), 2, correlation=True)
        given = number(float(rho[pair[0]]), 2, correlation=True)
        cause = (
            f"The assumed rho of {given} is more than samples of {small} within {large} can share "
            f"(the root of {small}/{large} is {shared}); --overlap nested takes what they can."
        )
        return cause, (
            "Use --overlap nested (rho times the root of the smaller n over the larger), or code "
            "other people under another sample."
        )
    cause = (
        "The sampling variances of their samples differ by more than the assumed rho allows: the "
        "more precise effects say more about these errors than the effects themselves."
    )
    return cause, "Use a smaller rho, or one effect per sample; check n and vi in these rows."


def _least_overlap(effects: Effects, negative: BoolArray) -> tuple[int, float, float] | None:
    """Return row, n and largest n of its sample of the negative effect that shares least."""
    if "n" not in effects.frame or effects.overlap == "nested":
        return None
    n = effects.frame["n"].astype(float)
    most = n.groupby(effects.sample_codes).transform("max")
    share = (n / most).where(negative).to_numpy()
    if np.isnan(share).all():
        return None
    row = int(np.nanargmin(share))
    return row, float(n.iloc[row]), float(most.iloc[row])


def second_maximum_notice(work: WorkingFit, level: float) -> tuple[Problem, ...]:
    """Say where the likelihood is nearly as high as at the estimate."""
    found = work.second
    if found is None or found.lower > special.chdtri(1, 1 - level) / 2:
        return ()
    names = work.data.names if found.theta.size > 1 else ("",)
    parts = zip(names, found.theta, strict=True)
    place = " and ".join(
        f"tau²{f' ({name})' if name else ''} = {number(float(v), 4)}" for name, v in parts
    )
    message = (
        f"The likelihood has a second maximum at {place}, lower by {number(found.lower, 3)} only: "
        "the estimate is the highest maximum, and these effects hardly tell the two apart."
    )
    hint = "Report the result at both, or the interval of tau² and not its estimate alone."
    return (notice("MA670", message, hint, severity="note"),)


def outside_interval_notice(
    effects: Effects, work: WorkingFit, model: Specification
) -> tuple[Problem, ...]:
    """Say that the Q-profile interval of tau² leaves out its estimate."""
    if not _leaves_out(work, model.level):
        return ()
    interval = q_profile(effects.yi, effects.vi, np.ones((effects.n_effects, 1)), model.level)
    ends = f"[{number(interval.low, 4)}, {number(interval.high, 4)}]"
    message = (
        f"The {100 * model.level:g}% Q-profile interval of tau² {ends} leaves out its estimate, "
        f"{number(work.tau2, 4)}: the interval comes from Q, not from the estimator."
    )
    hint = "Report both; single effects often decide which of them is right: see influence."
    return (notice("MA671", message, hint, severity="note"),)


def _leaves_out(work: WorkingFit, level: float) -> bool:
    """Whether the Q-profile interval leaves out the estimate: Q at it is beyond a quantile."""
    data, point = work.data, work.point
    Q = float((data.yi - data.X @ point.beta) @ point.u)
    df, tail = data.yi.size - data.X.shape[1], (1 - level) / 2
    if df < 1:
        return False
    too_small = work.tau2 > 0 and special.chdtri(df, 1 - tail) > Q
    return bool(too_small or special.chdtri(df, tail) < Q)
