"""What has to hold before a model is fitted, and what its reader has to know after."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array
from metaalliance.core.inference.intervals import critical_value
from metaalliance.core.variance.heterogeneity import QTest
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError
from metaalliance.options import CLUSTER_TESTS
from metaalliance.problems import Problem, notice
from metaalliance.wording.estimands import estimand_counts
from metaalliance.wording.numbers import number, p_text
from metaalliance.wording.phrases import count_text, few_df_text

FEW_DF = 4.0
FEW_STUDIES = 10
VARIANCE_RATIO = 1e7
#: Share of the weights above which one study dominates a mean.
DOMINANT = 0.5


def refuse_unidentified_split(effects: Effects, kind: str) -> None:
    """Refuse to split heterogeneity over two levels that the data cannot tell apart."""
    if effects.n_effects == 1:
        raise EstimationError(
            f"The {kind} model was refused: one effect has no variance between or within "
            "studies. Use model='two-level'.",
            code="MA611",
        )
    studies = effects.n_studies
    if studies == 1:
        raise EstimationError(
            f"All {effects.n_effects} effects come from one study: variance between studies "
            "cannot be estimated. Take their average, aggregate(effects), with "
            "model='two-level'.",
            code="MA611",
        )
    if effects.n_effects == studies:
        raise EstimationError(
            f"The {kind} model was refused: no study has more than one effect, so that the "
            "variance between studies and the variance within studies cannot be told apart. "
            "Use model='two-level'.",
            code="MA610",
        )


def refuse_false_independence(effects: Effects, kind: str, test: str) -> None:
    """Refuse to treat dependent effects as independent, or one study as several."""
    studies = effects.n_studies
    if effects.n_effects == studies:
        return
    if studies == 1 and test in CLUSTER_TESTS:
        raise EstimationError(
            f"All {effects.n_effects} effects come from one study: the {test} test compares "
            "studies and needs two. Take their average, aggregate(effects), with "
            "model='two-level'.",
            code="MA611",
        )
    if test not in CLUSTER_TESTS:
        several = int((effects.frame["study"].value_counts() > 1).sum())
        raise EstimationError(
            f"The {kind} model takes one effect per study, but "
            f"{count_text(several, 'study has', 'studies have')} several. Aggregate them first "
            "(aggregate(effects, rho=0.5)), use model='che', or a cluster-robust test.",
            code="MA612",
        )


def reading_notices(effects: Effects, df: float, test: str) -> tuple[Problem, ...]:
    """Return what the numbers are of, and what limits the inference: studies, df, variances."""
    found = list(correction_notice(effects))
    robust, studies = test in CLUSTER_TESTS, effects.n_studies
    if df < FEW_DF and (robust or (test == "t" and df < studies - 1)):
        found.append(
            notice(
                "MA620",
                f"Only {few_df_text(df, FEW_DF)} degrees of freedom: below {FEW_DF:.0f} the "
                f"{'cluster-robust ' * robust}p-value and interval are not reliable.",
                "Read the interval as a rough one, and say so.",
            )
        )
    if 1 < studies < FEW_STUDIES:
        found.append(
            notice(
                "MA621",
                f"{studies} studies: heterogeneity and the prediction interval are "
                "poorly determined.",
                severity="note",
            )
        )
    vi = effects.vi
    ratio = float(vi.max() / vi.min())
    if ratio >= VARIANCE_RATIO:
        found.append(
            notice(
                "MA622",
                f"The largest sampling variance is {ratio:.1g} times the smallest: a few effects "
                "decide the result.",
                "Check n in these rows.",
            )
        )
    return tuple(found)


def dominance_notice(effects: Effects, weights: Array, largest: int) -> tuple[Problem, ...]:
    """Say that one study carries most of the weight; none has more effects than `largest`."""
    if largest * float(weights.max()) <= DOMINANT:
        return ()
    codes, studies = pd.factorize(effects.frame["study"])
    share = np.bincount(codes, weights)
    if share.size < 3 or float(share.max()) <= DOMINANT:
        return ()
    message = (
        f"{studies[int(share.argmax())]} carries {100 * share.max():.0f}% of the weight of "
        f"{share.size} studies: "
        "a cluster-robust test learns its variance from the others."
    )
    return (notice("MA643", message, "Report the result without this study beside it."),)


def correction_notice(effects: Effects) -> tuple[Problem, ...]:
    """Say that the correlations were corrected for unreliability."""
    factor = effects.correction
    if factor is None:
        return ()
    message = (
        "The correlations are corrected for the unreliability of their measures: divided by "
        f"{number(factor, correlation=True)} on average, with their variances."
    )
    hint = "Say so beside the result, and give the uncorrected one."
    return (notice("MA606", message, hint, severity="note"),)


def refuse_mixed_estimands(effects: Effects) -> None:
    """Refuse a mean of effects that answer different questions; a blank one is total.

    Raises
    ------
    EstimationError
        Naming the estimands with their counts, and the ways out.
    """
    counts = estimand_counts(effects.frame.get("estimand", ()))
    if len(counts) < 2:
        return
    listed = ", ".join(f"{kind} ({count_text(n, 'effect')})" for kind, n in counts.items())
    raise EstimationError(
        f"The effects answer different questions, which are never pooled into one mean: {listed}. "
        "Take those of one estimand (--estimand total), or compare them in one model (metaalliance "
        "components --by estimand).",
        code="MA509",
    )


def refuse_mixed_pairs(effects: Effects) -> None:
    """Refuse a mean of correlations of different pairs of variables, in columns var1 and var2.

    Raises
    ------
    EstimationError
        Naming the pairs with their counts, and the ways out.
    """
    if not {"var1", "var2"} <= set(effects.frame.columns):
        return
    named = effects.frame[["var1", "var2"]].replace("", None).dropna().astype(str)
    pairs = Counter(" with ".join(sorted(pair)) for pair in named.itertuples(index=False))
    if len(pairs) < 2:
        return
    listed = ", ".join(f"{pair} ({count_text(n, 'effect')})" for pair, n in pairs.items())
    raise EstimationError(
        "The effects are correlations of different variables, which are never pooled into one "
        f"mean: {listed}. Leave the rows of other pairs out (include = no), or analyse them "
        "together in a path model (metaalliance mediation).",
        code="MA564",
    )


def samples_notice(effects: Effects) -> tuple[Problem, ...]:
    """Say that the errors of different samples of a study were taken as independent."""
    several = effects.studies_with_samples
    if not several:
        return ()
    who = "study has" if several == 1 else "studies have"
    message = (
        f"{several} {who} several independent samples: sampling errors are correlated within a "
        "sample only."
    )
    hint = "Code effects of the same people under one sample."
    return (notice("MA605", message, hint, severity="note"),)


def single_effect_notice(test: str) -> tuple[Problem, ...]:
    """Say what one effect allows."""
    message = "One effect: tau² and a prediction interval cannot be estimated"
    if test != "wald":
        message += f"; a normal (wald) test replaces {test}, which needs two effects"
    return (notice("MA613", message + "."),)


def one_study_notice(n_effects: int, rho: float) -> tuple[Problem, ...]:
    """Say that the effects of one study were aggregated."""
    message = (
        f"One study: its {n_effects} effects were aggregated with rho = {rho:g}; tau² and a "
        "prediction interval cannot be estimated, and the test is the normal one (wald)."
    )
    return (notice("MA613", message),)


def replaced_test_notice(test: str) -> tuple[Problem, ...]:
    """Say that one effect has no other test than the normal one."""
    if test == "wald":
        return ()
    message = f"One effect: a normal (wald) test replaces {test}, which needs two effects."
    return (notice("MA613", message),)


def zero_spread_notice(test: str) -> Problem:
    """Say that Knapp and Hartung's variance vanished."""
    return notice(
        "MA614",
        f"The effects do not differ at all, so that the {test} standard error would be zero; "
        "the standard error of the wald test is used with the same degrees of freedom.",
    )


def underdispersion_notices(q: QTest, level: float) -> tuple[Problem, ...]:
    """Say that the interval of tau² is empty: Q is below its quantile where tau² is zero."""
    if q.df < 1 or q.p_value <= (1 + level) / 2:
        return ()
    message = (
        f"Q({q.df}) = {q.Q:.2f} is less than sampling errors alone let expect (p "
        f"{p_text(q.p_value)}): no tau² fits, and its interval is empty, written [0, 0]."
    )
    return (notice("MA616", message, "Check n and for copied rows.", severity="note"),)


def narrow_interval_notice(
    test: str, se: float, df: float, normal_se: float, level: float
) -> tuple[Problem, ...]:
    """Say that the interval of Knapp and Hartung is narrower than the normal one."""
    if test != "knapp-hartung":
        return ()
    if not se * critical_value(level, df) < normal_se * critical_value(level, math.inf):
        return ()
    message = (
        f"The knapp-hartung interval is narrower than the normal one (se {se:.4f}, wald "
        f"{normal_se:.4f}), because the effects differ less than their sampling errors."
    )
    hint = "Report --test knapp-hartung-adhoc beside it, which is never narrower."
    return (notice("MA617", message, hint, severity="note"),)


def is_zero(value: float, scale: float) -> bool:
    """Whether `value` is zero to the rounding of numbers of size `scale`."""
    return abs(value) <= 64 * math.ulp(1.0) * max(scale, 1e-300)
