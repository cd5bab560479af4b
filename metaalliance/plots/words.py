"""What a figure says in words: heterogeneity, test, model, and the text for who cannot see it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from metaalliance.effects.levels import MISSING
from metaalliance.models.censored import PROFILE
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.moderation.level_means import LevelMean, LevelMeans
from metaalliance.plots.canvas.style import Style
from metaalliance.plots.canvas.typeset import Line, own, user
from metaalliance.plots.canvas.wording import APA_WORDING, Wording
from metaalliance.plots.groups import level_name
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import (
    count_text,
    df_text,
    level_text,
    percent_text,
    structure_text,
)

MODELS = {
    "common-effect": "Common-effect model",
    "two-level": "Two-level random-effects model",
    "three-level": "Three-level random-effects model",
    "che": "Correlated and hierarchical effects model",
}

TESTS = {
    "wald": "Wald test",
    "t": "*t* test",
    "knapp-hartung": "Knapp–Hartung test",
    "knapp-hartung-adhoc": "Knapp–Hartung test with ad hoc correction",
    "cr0": "CR0 cluster-robust test",
    "cr1": "CR1 cluster-robust test",
    "cr1s": "CR1S cluster-robust test",
    "cr2": "CR2 cluster-robust test",
    PROFILE: "profile likelihood",
}


def heterogeneity_text(fit: PooledFit, wording: Wording = APA_WORDING) -> str:
    """Return Q, tau and I² with stars around the symbols."""
    if fit.n_effects < 2:
        return f"{wording.heterogeneity_label}not estimable from one effect{wording.end}"
    found = wording.sentence(wording.heterogeneity, _spread_values(fit, wording))
    return f"{wording.heterogeneity_label}{found}{wording.end}"


def _spread_values(fit: PooledFit | LevelMean, wording: Wording) -> dict[str, str | None]:
    """Return the fields of the segments about heterogeneity; tau only where the model has it."""
    known = math.isfinite(fit.I2)
    varies = known and fit.model != "common-effect" and math.isfinite(fit.tau2)
    return {
        "k": f"{fit.n_studies:,}",
        "Q": number(fit.Q, 2) if fit.Q_df > 0 else None,
        "df": str(fit.Q_df),
        "p": wording.p_text(fit.Q_p_value),
        "tau": number(fit.tau, 2) if varies else None,
        "tau2": number(fit.tau2, 3) if varies else None,
        "I2": percent_text(fit.I2) if known else None,
    }


def mean_test_text(fit: PooledFit, wording: Wording = APA_WORDING) -> str:
    """Return the test of the overall mean with stars around the symbols."""
    found = _test_text(fit, wording)
    return f"{wording.test_label}{found}{wording.end}" if found else ""


def _test_text(fit: PooledFit | LevelMean, wording: Wording) -> str:
    if not math.isfinite(fit.statistic):
        return ""
    template = wording.test_z if math.isinf(fit.df) else wording.test_t
    values = {
        "df": df_text(fit.df),
        "statistic": number(fit.statistic, 2),
        "p": wording.p_text(fit.p_value),
    }
    return template.format(**values)


def model_text(fit: PooledFit, wording: Wording = APA_WORDING) -> str:
    """Return model, assumed correlation, estimator and test."""
    return sentences((f"{_model_words(fit.settings(), wording)}.", correction_text(fit)))


def correction_text(fit: PooledFit) -> str:
    """Say that correlations were corrected for unreliability, where they were."""
    corrected = fit.effects.correction is not None
    return "Correlations are corrected for unreliability." if corrected else ""


def _model_words(settings: Mapping[str, Any], wording: Wording) -> str:
    """Return model, assumed correlation, estimator and test of the settings of a result."""
    model, test = str(settings["model"]), str(settings["test"])
    named = MODELS.get(model, model)
    if model == "che" and (rho := rho_text(settings, wording)):
        named += f" ({rho})"
    parts = [named, *filter(None, [structure_text(settings)])]
    if "tau2" in settings:
        parts.append(str(settings["tau2"]))
    parts.append(TESTS.get(test, test))
    return ", ".join(parts)


def rho_text(settings: Mapping[str, Any], wording: Wording = APA_WORDING) -> str:
    """Return the correlations of sampling errors that a model assumes, or nothing."""
    rho, same = settings.get("rho"), settings.get("rho_same")
    if rho is None:
        return ""

    def shown(value: float) -> str:
        return number(value, 2, correlation=not wording.leading_zero)

    text = f"ρ by {rho.replace('*', '')}" if isinstance(rho, str) else f"ρ = {shown(rho)}"
    if settings.get("overlap") == "nested":
        text += " × √(smaller n/larger n)"
    if same is None:
        return text
    column = str(settings.get("same") or "").replace("*", "")
    shared = f" with the same {column}" if column else " at the same level"
    return f"{text}, {shown(same)}{shared}"


def averaging_text(fit: PooledFit, otherwise: float, wording: Wording = APA_WORDING) -> str:
    """Return the correlations with which the effects of a study are shown as one."""
    settings = fit.settings() if fit.model == "che" else {}
    averaged = {"rho": otherwise, **fit.effects.sharing}
    return rho_text(settings, wording) or rho_text(averaged, wording)


def groups_text(
    means: LevelMeans,
    wording: Wording = APA_WORDING,
    noun: str = "Groups",
    sign: str = "Not pooled",
) -> str:
    """Return what pooled the groups, and why some have no mean; `sign` stands for those."""
    return sentences((_pooling_text(means, wording, noun), unpooled_text(means, sign)))


def _pooling_text(means: LevelMeans, wording: Wording, noun: str) -> str:
    """Return whether the means of groups come from one model, which, or why there are none."""
    if means.pool == "apart":
        return f"{noun} were pooled apart, each by a model of its own."
    if means.test is None:
        return f"{noun} were not pooled: {means.reason}."
    if not any(level.pooled for level in means.levels):
        return f"{noun} were not pooled: {means.test.omnibus['reason']}."
    model = _model_words(means.test.options, wording)
    if means.test.options["separate_tau2"]:
        return f"{noun} were fitted apart, each with a τ² of its own: {model}."
    if math.isfinite(means.test.tau2):
        model += f", common τ² = {number(means.test.tau2, 3)}"
    return f"{noun} come from one model: {model}."


def unpooled_text(means: LevelMeans, sign: str) -> str:
    """Return why some groups have no mean, where they have not."""
    left = [level for level in means.levels if not level.pooled]
    reasons = []
    if any(level.n_studies < means.least for level in left if level.name != MISSING):
        reasons.append(f"fewer than {means.least} studies")
    if any(level.name == MISSING for level in left):
        reasons.append("no value reported")
    return f"{sign}: {', or '.join(reasons)}." if reasons else ""


def not_pooled(level: LevelMean, means: LevelMeans) -> tuple[str, ...]:
    """Return what stands in place of a mean, from long to short wordings.

    Examples
    --------
    >>> import numpy as np
    >>> from metaalliance import Effects, moderators
    >>> from metaalliance.moderation.level_means import means_of_test
    >>> y, arms = np.linspace(0.1, 0.5, 5), {"arm": list("aaaab")}
    >>> effects = Effects.from_arrays(y, [0.01] * 5, moderators=arms)
    >>> means = means_of_test(moderators(effects, "arm", min_studies=2, test="wald"))
    >>> not_pooled(means.levels[1], means)
    ('1 study; fewer than 2 studies: not pooled', '1 study: not pooled', 'not pooled')
    """
    size = count_text(level.n_studies, "study", "studies")
    if level.n_effects != level.n_studies:
        size += f", {count_text(level.n_effects, 'effect')}"
    if level.name == MISSING or level.n_studies >= means.least:
        return f"{size}: not pooled", "not pooled"
    long = f"{size}; fewer than {means.least} studies: not pooled"
    return long, f"{size}: not pooled", "not pooled"


def sentences(texts: Iterable[str]) -> str:
    """Join texts that are not empty, each ended by a full stop."""
    return " ".join(text if text.endswith(".") else f"{text}." for text in texts if text)


def group_notes(fit: LevelMean, wording: Wording = APA_WORDING) -> tuple[tuple[Line, ...], ...]:
    """Return what is said under the mean of one group, each from long to short wordings."""
    values = _spread_values(fit, wording)
    if fit.n_studies == 1 or values["I2"] is None or values["Q"] is None:
        return ((own(f"*k* = {fit.n_studies}"),),) if "{k}" in wording.group[0] else ()
    full = f"{wording.group_label}{wording.sentence(wording.group, values)}"
    shorter = (wording.sentence(wording.group[i:], values) for i in range(len(wording.group)))
    texts = dict.fromkeys((full, *(text for text in shorter if text)))
    notes = [tuple(own(text) for text in texts)]
    test = _test_text(fit, wording)
    if wording.group_test_label and test:
        notes.append((own(f"{wording.group_test_label}{test}"), own(test)))
    return tuple(notes)


def other_models(fit: PooledFit, means: LevelMeans | None) -> tuple[Line, ...]:
    """Name the groups pooled apart that are pooled by another model or test than all studies."""
    groups: dict[tuple[str, str], list[str]] = {}
    apart = means is not None and means.pool == "apart"
    for found in means.levels if means is not None and apart else ():
        if found.n_studies > 1 and (found.model, found.test) != (fit.model, fit.test):
            groups.setdefault((found.model, found.test), []).append(level_name(found.name))
    return tuple(
        (
            *user(", ".join(names)),
            *own(f": {MODELS.get(model, model)}, {TESTS.get(test, test)}."),
        )
        for (model, test), names in groups.items()
    )


#: Said where an arrow is drawn.
ARROWS = "Arrows: the interval goes on beyond the axis."


def without_value(fit: PooledFit, shown: str) -> str:
    """Say how many effects are known only as not significant, and what stands for each; or ""."""
    count = fit.effects.n_censored
    if not count:
        return ""
    has = "has" if count == 1 else "have"
    return f"{count_text(count, 'effect')} known only as not significant (n.s.) {has} {shown}."


def beyond_text(fit: PooledFit) -> str:
    """Say that the prediction interval goes where no correlation lies, if it does.

    On the scale of r nothing keeps it between -1 and 1; limits are written as they are
    everywhere, and never changed in a figure alone.
    """
    if fit.measure in {"z", "generic"} or not max(-fit.pi_low, fit.pi_high) > 1:
        return ""
    return (
        "The prediction interval passes the limits of a correlation, −1 and 1, which the scale of "
        "*r* does not know; that of Fisher *z* does."
    )


def prediction_labels(level: float, style: Style | None = None) -> tuple[Line, ...]:
    """Return the label of the prediction interval, from the longest wording to the shortest."""
    percent = level_text(level)
    long = f"{percent} prediction interval"
    if style is not None:
        long = style.forest.prediction.format(level=percent)
    return own(long), own("Prediction interval"), own(f"{percent} PI")
