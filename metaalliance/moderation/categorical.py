"""Test of one categorical moderator: the means of its levels and their differences."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Unpack

import numpy as np
import pandas as pd

from metaalliance.core.distributions import chi2_sf
from metaalliance.core.inference.group_means import Differences
from metaalliance.core.inference.multiplicity import holm
from metaalliance.core.inference.welch import between
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError
from metaalliance.model import Model, ModelSettings, refuse
from metaalliance.models.regression import fit_regression
from metaalliance.models.regression_fit import RegressionFit
from metaalliance.moderation.equivalence import with_equivalence
from metaalliance.moderation.explained import explained
from metaalliance.moderation.grouping import Grouping, group_by
from metaalliance.moderation.level_rows import Case, levels_frame
from metaalliance.moderation.result import ModeratorTest, wald_record
from metaalliance.moderation.separate import equal_variance_test, fit_separately
from metaalliance.notices import announced
from metaalliance.options import Components
from metaalliance.problems import Problem, notice

#: Levels with fewer studies are counted, but neither estimated nor tested.
MIN_STUDIES = 3
#: Differences of levels above which they are computed only when all are asked for: those of 64.
MOST_CONTRASTS = 2016
#: Why levels cannot each have variances of their own.
_NO_STRUCTURE = dict.fromkeys(
    ("within", "above", "crossed"),
    "levels fitted apart have two variances each, between and within studies, and nothing in "
    "common (Pustejovsky and Tipton 2022)",
)


def moderators(
    effects: Effects,
    by: str,
    *,
    min_studies: int = MIN_STUDIES,
    reference: str | None = None,
    separate_tau2: bool = False,
    compare: str = "pairwise",
    sesoi: float | None = None,
    tests: str | Sequence[str] = (),
    components: Components = "re-estimated",
    replications: int = 1000,
    seed: int = 1,
    progress: Callable[[int, int], None] | None = None,
    **settings: Unpack[ModelSettings],
) -> ModeratorTest:
    """Compare the mean effect between the levels of a categorical moderator.

    Parameters
    ----------
    effects : Effects
        What is compared.
    by : str
        A text or true-false column. Effects without a value are counted and left out.
    min_studies : int
        Levels with fewer studies are listed with their counts, without an estimate, and kept out
        of the test. A cluster-robust test and separate tau² need two.
    reference : str, optional
        The first level; by default the one with most studies.
    separate_tau2 : bool
        Fit each level on its own with its own heterogeneity, and test whether it is equal.
    compare : {"pairwise", "reference", "all"}
        Contrasts of all pairs of levels, none where these are more than `MOST_CONTRASTS`; of each
        level with the reference; or of all pairs whatever their number.
    sesoi : float, optional
        Smallest difference of interest on the analysis scale: adds the test that two levels
        are equivalent to the contrasts.
    tests : "all" or sequence of str
        Methods of the side-by-side table: "htz", "knapp-hartung", "wald", "likelihood-ratio",
        "permutation", "wild-bootstrap".
    components : {"re-estimated", "held"}
        Whether the permutation test and the wild bootstrap estimate the variance components in
        every replication, or hold them at their estimates, which is fast.
    replications, seed : int
        Of the permutation test and the wild bootstrap.
    progress : callable, optional
        Is told how many of all contrasts have their wild bootstrap.
    **settings
        The settings of `pool`, or a whole `Model` as `model`.

    Returns
    -------
    ModeratorTest
        Its `notices` are also given as `MetaAllianceWarning` where they are warnings.

    Raises
    ------
    OptionError
        For a value that an option does not have, a column that holds numbers, or further levels
        beside separate tau².
    EstimationError
        When the model cannot be identified.

    References
    ----------
    Pustejovsky and Tipton (2022): levels with common and separate variances; Tipton and Pustejovsky
    (2015): HTZ; Borenstein et al. (2009).

    Examples
    --------
    >>> effects = Effects.from_arrays(
    ...     [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0.01] * 6, moderators={"arm": list("aaabbb")}
    ... )
    >>> found = moderators(effects, "arm", test="wald")
    >>> [round(float(x), 3) for x in found.levels["estimate"]]
    [0.2, 0.5]
    >>> found.omnibus["test"], round(found.omnibus["statistic"], 3)
    ('chi2', 13.5)
    """
    _check(compare, min_studies, sesoi)
    model = Model.of(settings)
    grouping = group_by(effects, by, reference)
    result = _result(_fit(grouping, model, min_studies, separate=separate_tau2), compare, sesoi)
    if tests:
        from metaalliance.moderation.side_by_side import Chance, add_tests

        chance: Chance = {
            "components": components, "replications": replications, "seed": seed
        }  # fmt: skip
        result = add_tests(result, grouping, tests, chance, progress)
    return announced(result)


def _check(compare: str, min_studies: int, sesoi: float | None) -> None:
    if compare not in {"pairwise", "reference", "all"}:
        raise OptionError(f"compare={compare!r} is not one of 'pairwise', 'reference', 'all'.")
    if not isinstance(min_studies, int) or min_studies < 1:
        raise OptionError(f"min_studies={min_studies!r} is not a whole number from 1.")
    if sesoi is not None and not sesoi > 0:
        raise OptionError(f"sesoi={sesoi!r} is not a positive difference on the analysis scale.")


def _fit(grouping: Grouping, model: Model, min_studies: int, *, separate: bool) -> Case:
    """Fit the tested levels with common, and when asked with separate, heterogeneity."""
    if separate:
        refuse(model, "Separate tau² of levels", _NO_STRUCTURE)
    effects = grouping.effects
    used = effects.subset(grouping.present)
    chosen = model.resolved(dependent=used.dependent())
    ones = _mean_or_none(used, model)
    clustered = ones is None or chosen.robust or chosen.multilevel
    least = max(min_studies, 2) if separate or clustered else min_studies
    tested = tuple(name for name, m in grouping.studies().items() if m >= least)
    common, null, levels, tau2_test = None, ones, None, None
    if tested:
        keep, X = grouping.indicators(tested)
        main = effects.subset(keep)
        common = fit_regression(main, X, tested, model)
        chosen = common.specification
        if main.n_effects < used.n_effects:
            null = fit_regression(main, np.ones((main.n_effects, 1)), ("mean",), model)
        if separate:
            _refuse_separation(grouping, common)
            levels = fit_separately(main, X, tested, chosen)
            tau2_test = equal_variance_test(main, X, chosen) if len(tested) > 1 else None
    return Case(
        grouping=grouping,
        tested=tested,
        specification=chosen,
        common=common,
        null=null,
        separate=levels,
        tau2_test=tau2_test,
        min_studies=least,
    )


def _refuse_separation(grouping: Grouping, common: RegressionFit) -> None:
    """Refuse separate fits where there is no tau², or where they would be taken as independent."""
    if common.model == "common-effect":
        raise OptionError("The common-effect model has no tau² to separate.")
    shared = grouping.varies_within()
    if shared and not common.specification.robust:
        raise EstimationError(
            f"{shared} studies have effects in several levels of {grouping.name}: separate fits "
            f"are not independent, and the {common.test} test would take them as such. Use a "
            "cluster-robust test, or one tau².",
            code="MA612",
        )


def _mean_or_none(effects: Effects, model: Model) -> RegressionFit | None:
    """Fit the mean, or return None where the effects cannot identify the model."""
    try:
        return fit_regression(effects, np.ones((effects.n_effects, 1)), ("mean",), model)
    except EstimationError as error:
        if error.code in {"MA641", "MA611", "MA610"} and model.kind == "auto":
            return None
        raise


def _result(case: Case, compare: str, sesoi: float | None) -> ModeratorTest:
    grouping, means, common, null = case.grouping, case.means, case.common, case.null
    contrasts = _contrasts(case, compare)
    if sesoi is not None:
        contrasts = with_equivalence(contrasts, sesoi)
    main = grouping.effects.subset(grouping.indicators(case.tested)[0]) if case.tested else None
    tau2_null = math.nan if null is None else null.tau2
    R2 = math.nan
    if common is not None and len(case.tested) > 1 and tau2_null > 0:
        R2 = max(0.0, 1 - common.tau2 / tau2_null)
    options = {
        **case.specification.to_dict(),
        "measure": grouping.effects.measure,
        "separate_tau2": case.separate is not None,
        "min_studies": case.min_studies,
        "compare": compare,
        "sesoi": sesoi,
        **(grouping.effects.sharing if case.specification.kind == "che" else {}),
    }
    return ModeratorTest(
        name=grouping.name,
        effects=grouping.effects,
        specification=case.specification,
        reference=grouping.levels[0],
        levels=levels_frame(case),
        omnibus=_omnibus(case),
        contrasts=contrasts,
        R2=R2,
        tau2=math.nan if common is None or case.separate is not None else common.tau2,
        tau2_null=tau2_null,
        explained=explained(common if len(case.tested) > 1 else None, null),
        Q_between=_between(case),
        residual_heterogeneity={} if common is None else common.residual_heterogeneity(),
        tau2_test=case.tau2_test,
        tests=None,
        missing=grouping.missing(),
        n_studies=0 if main is None else main.n_studies,
        n_effects=0 if main is None else main.n_effects,
        options=options,
        fit=means,
        notices=_notices(case, compare),
    )


def _omnibus(case: Case) -> dict[str, Any]:
    """Test that the tested levels are equal."""
    g = len(case.tested)
    if g < 2 or case.means is None:
        reason = f"{'no level has' if g == 0 else 'only one level has'} {case.min_studies} studies"
        nothing = dict.fromkeys(("statistic", "df1", "df2", "p_value"), math.nan)
        return {"test": None, **nothing, "reason": reason}
    return wald_record(case.means.equality())


def _between(case: Case) -> dict[str, Any]:
    """Q between the levels from the model's own variances."""
    g = len(case.tested)
    if g < 2 or case.common is None:
        return {"Q": math.nan, "df": g - 1 if g else 0, "p_value": math.nan}
    if case.separate is not None:
        variances = np.array([float(w.point.bread[0, 0]) for w in case.separate.works])
        Q = between(case.separate.beta, variances)
    else:
        Q = case.common.equality_q()
    return {"Q": Q, "df": g - 1, "p_value": float(chi2_sf(Q, g - 1))}


def _contrasts(case: Case, compare: str) -> pd.DataFrame:
    """Differences between levels; the reference is always the one that is subtracted."""
    g = 0 if _many(case, compare) else len(case.tested)
    a, b = np.triu_indices(g, 1)
    if g and case.tested[0] == case.grouping.levels[0]:
        of_first = a == 0
        a, b = np.where(of_first, b, a), np.where(of_first, 0, b)
    else:
        of_first = np.zeros(a.size, dtype=bool)
    if compare == "reference":
        a, b = a[of_first], b[of_first]
    names = ("estimate", "se", "statistic", "df", "p_value", "ci_low", "ci_high")
    tested = np.array(case.tested, dtype=object)
    columns: dict[str, Any] = {"level_a": tested[a], "level_b": tested[b]}
    if not a.size or case.means is None:
        empty = {name: pd.Series(dtype=float) for name in (*names, "p_adjusted")}
        return pd.DataFrame({k: pd.Series(dtype=object) for k in columns} | empty)
    found = case.means.contrast(Differences(a, b))
    frame = pd.DataFrame(columns | {name: getattr(found, name) for name in names})
    frame["p_adjusted"] = holm(frame["p_value"].to_numpy())
    return frame


def _many(case: Case, compare: str) -> int:
    """Return how many contrasts are too many to be computed unasked, else 0."""
    pairs = math.comb(len(case.tested), 2)
    return pairs if compare == "pairwise" and pairs > MOST_CONTRASTS else 0


def _notices(case: Case, compare: str) -> tuple[Problem, ...]:
    """What the reader has to know: missing values, sparse levels, and the notices of the fit."""
    found = list(case.grouping.notices())
    many = _many(case, compare)
    if many:
        message = (
            f"{case.grouping.name}: {len(case.tested):,} levels have {many:,} differences; above "
            f"{MOST_CONTRASTS:,} they are not computed, unless --contrasts all (compare='all') "
            "asks for them."
        )
        hint = "--contrasts reference (compare='reference') has those from one level."
        found.append(notice("MA674", message, hint, severity="note"))
    left = [n for n in case.grouping.levels if n not in case.tested]
    if left:
        message = (
            f"{case.grouping.name}: {', '.join(left)} {'has' if len(left) == 1 else 'have'} fewer "
            f"than {case.min_studies} studies: counted, but neither estimated nor tested."
        )
        hint = "Merge levels, or set min_studies."
        if case.min_studies <= 2:
            hint = "Merge levels; studies with several effects and separate tau² need two studies."
        found.append(notice("MA645", message, hint, severity="note"))
    if case.common is not None:
        found += [p for p in case.common.notices if p.code != "MA620" or case.separate is None]
    return tuple(found)
