"""Run a multiverse: every declared analysis of the same studies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Unpack

import numpy as np
import pandas as pd

from metaalliance.core.arrays import IntArray
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError
from metaalliance.model import Model, ModelSettings
from metaalliance.options import DECISIONS
from metaalliance.policy import Policy
from metaalliance.robustness.choices import ModelChoice, Plan, plan_models
from metaalliance.robustness.defaults import default_grid, silent_rows, usual_effects
from metaalliance.robustness.effect_sets import EffectSet, effect_sets
from metaalliance.robustness.fitting import Outcome, failed, fit_all
from metaalliance.robustness.main_analysis import place_main
from metaalliance.robustness.policies import as_read, refuse_intervals
from metaalliance.robustness.results import Counts, Multiverse
from metaalliance.robustness.specifications import (
    Grid,
    make_grid,
)
from metaalliance.sheet.studies import Studies
from metaalliance.workers.workers import Jobs, Workers

#: Decisions that need the sheet, not effects that are converted already.
_OF_THE_SHEET = ("measure", "variances", "attenuation", "nonsignificant")


def multiverse(
    data: Studies | Effects,
    *,
    grid: Mapping[str, Any] | None = None,
    policy: Policy | None = None,
    jobs: Jobs = 1,
    reference: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
    **settings: Unpack[ModelSettings],
) -> Multiverse:
    """Pool the same studies under every combination of declared analytic decisions.

    Every specification is the main analysis with other options of the decisions: what is no
    decision (level, prediction interval, further levels, reliabilities) is as there. The options
    of the main analysis are among those of each decision, unless a decision is fixed at another.
    Combinations that make no sense (a test that the model does not have, aggregation before a
    multilevel model) are left out by rule and counted; combinations that are the same analysis are
    one specification; sets of effects that turn out equal are fitted once. A specification that
    cannot be estimated is kept with its reason.

    Parameters
    ----------
    data : Studies or Effects
        A sheet, or effects that are converted already; the latter have no decision about
        `measure`, `variances`, `attenuation` and `nonsignificant`.
    grid : mapping, optional
        Options by decision, in place of the defaults: `conversions` ("all", "exact"), `measure`
        ("z", "r", "r-unbiased"), `variances` ("delta", "fisher"), `attenuation` ("none",
        "individual", "alliance", "outcome", as `effect_sizes` has it; where the policy says
        nothing, the mean of the reported reliabilities stands for missing ones),
        `nonsignificant` ("zero", "drop", "half-p"), `include` (a mapping from a name to the
        values kept by column, such as ``{"RCT": {"design": ["RCT"]}, "recent": {"year":
        [">=2000"]}}``), `outliers` ("keep", "remove", "remove-low", "remove-high"),
        `aggregation` ("none", "mean", "lowest", "highest"), `model`, `rho` (for `che` and for
        the mean within studies), `tau2`, `test`, `selection` ("none", "step": a step at .025,
        "two-step": steps at .025 and .5, "beta"; their limits are those of errors by study, and
        models and tests make no difference to them). Decisions that are not given keep their
        defaults; one option fixes a decision.
    policy : Policy, optional
        What a row is worth in the main analysis; by default the policy with which the sheet was
        read, Fisher z, and no correction for unreliability.
    jobs : int, None or Workers
        Processes, through joblib; the results do not depend on it. None takes what
        ``joblib.parallel_config`` says, and `Workers` name a cluster, or keep finished tasks.
    reference : mapping, optional
        Options of the main analysis by decision, over those of its settings.
    progress : callable, optional
        Called with the number of finished and of all sets of effects.
    **settings
        The settings of `pool`, or a whole `Model` as `model`: the main analysis. A result is
        significant when p < 1 - level.

    Returns
    -------
    Multiverse
        A row per specification, and what each decision does to estimate and verdict.

    Raises
    ------
    OptionError
        For a decision or an option that does not exist, or a setting that the main analysis
        does not have.
    StudyDataError
        When the sheet has errors.
    EstimationError
        When no specification could be estimated.

    References
    ----------
    Steegen et al. (2016); Voracek et al. (2019).

    Examples
    --------
    >>> effects = Effects.from_arrays([0.2, 0.3, 0.25, 0.4], [0.01, 0.02, 0.01, 0.03])
    >>> grid = {"tau2": ["DL", "REML"], "test": ["wald", "knapp-hartung"], "outliers": "keep"}
    >>> found = multiverse(effects, grid=grid)
    >>> found.counts.combinations, found.counts.specifications
    (8, 5)
    """
    model, given = Model.of(settings), dict(grid or {})
    if isinstance(data, Effects):
        _refuse_conversion(given, policy)
    else:
        policy = policy or as_read(data)
        refuse_intervals(data, policy, "A multiverse")
    usual = usual_effects(data, policy)
    offered = make_grid(given, default_grid(data, policy, usual))
    chosen, main = place_main(
        offered, given, usual, model, policy, reference or {}, silent=silent_rows(data)
    )
    sets = effect_sets(data, chosen, main)
    plans = {f: plan_models(chosen, dependent=f, main=model) for f in (True, False)}
    used = [plans[(usual if s.effects is None else s.effects).dependent()] for s in sets]
    outcomes, first = _outcomes(sets, used, Workers.of(jobs), progress)
    _refuse_nothing(used, outcomes)
    frame, ids = _frame(chosen, sets, used, outcomes, first)
    frame["reference"] = main.rows(frame)
    return Multiverse(
        frame=frame,
        grid=chosen,
        main=main,
        measures=tuple(dict.fromkeys(s.effects.measure for s in sets if s.effects is not None)),
        counts=_counts(chosen, used, frame, sets),
        ids=ids,
    )


def _refuse_conversion(given: Mapping[str, Any], policy: Policy | None) -> None:
    """Refuse decisions about conversion for effects that are converted already."""
    wrong = [name for name in _OF_THE_SHEET if name in given]
    wrong += [] if policy is None else ["policy"]
    if wrong:
        raise OptionError(
            f"{', '.join(wrong)}: these effects are converted already. Give the sheet "
            "(read_studies) instead."
        )


def _refuse_nothing(plans: Sequence[Plan], outcomes: Sequence[Sequence[Outcome]]) -> None:
    """Refuse a multiverse in which no specification has a result."""
    every = [outcome for part in outcomes for outcome in part]
    if any(not outcome.failure for outcome in every):
        return
    if every:
        reason = f"{len(every):,} specifications failed; the first: {every[0].failure}"
    else:
        rules = dict.fromkeys(rule for plan in plans for rule in plan.impossible)
        reason = f"no combination of the options is possible: {'; '.join(rules)}"
    raise EstimationError(f"None of the specifications could be estimated: {reason}", code="MA665")


def _outcomes(
    sets: Sequence[EffectSet],
    plans: Sequence[Plan],
    workers: Workers,
    progress: Callable[[int, int], None] | None,
) -> tuple[list[list[Outcome]], list[int]]:
    """Outcomes of every set, each distinct set fitted once; also the first set that is equal."""
    place: dict[str, int] = {}
    tasks: dict[str, tuple[Effects, tuple[ModelChoice, ...]]] = {}
    first = []
    for index, (part, plan) in enumerate(zip(sets, plans, strict=True)):
        if part.effects is not None and part.digest not in place:
            place[part.digest] = index
            tasks[part.digest] = (part.effects, plan.choices)
        first.append(place.get(part.digest, index))
    fitted = dict(zip(place.values(), fit_all(tasks, workers, progress), strict=True))
    return [
        [failed(part.failure)] * len(plan.choices) if part.failure is not None else fitted[where]
        for part, plan, where in zip(sets, plans, first, strict=True)
    ], first


def _frame(
    grid: Grid,
    sets: Sequence[EffectSet],
    plans: Sequence[Plan],
    outcomes: Sequence[Sequence[Outcome]],
    first: Sequence[int],
) -> tuple[pd.DataFrame, IntArray]:
    """One row per specification, and the specification of every combination of the grid."""
    rows: list[dict[str, Any]] = []
    starts: list[int] = []
    ids = []
    for index, (part, plan, results) in enumerate(zip(sets, plans, outcomes, strict=True)):
        starts.append(len(rows))
        twin = starts[first[index]] if first[index] != index else None
        for number, (choice, result) in enumerate(zip(plan.choices, results, strict=True)):
            same = None if twin is None else twin + number + 1
            rows.append(
                {
                    "specification": len(rows) + 1,
                    **part.options,
                    **choice.to_dict(),
                    **result._asdict(),
                    "same_as": same,
                }
            )
        places = np.array(plan.places, dtype=np.intp)
        ids.append(np.where(places >= 0, places + starts[-1], -1))
    frame = pd.DataFrame(rows)
    frame["same_as"] = frame["same_as"].astype("Int64")
    shape = [len(grid.options[name]) for name in DECISIONS]
    return frame, np.concatenate(ids).reshape(shape)


def _counts(
    grid: Grid, plans: Sequence[Plan], frame: pd.DataFrame, sets: Sequence[EffectSet]
) -> Counts:
    impossible: Counter[str] = Counter()
    for plan in plans:
        impossible.update(plan.impossible)
    ok = frame["failure"] == ""
    return Counts(
        combinations=grid.size,
        impossible=dict(impossible.most_common()),
        equivalent=sum(plan.equivalent for plan in plans),
        specifications=len(frame),
        distinct=int((ok & frame["same_as"].isna()).sum()),
        failed=int((~ok).sum()),
        effect_sets=len({s.digest for s in sets if s.effects is not None}),
    )
