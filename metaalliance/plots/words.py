"""What a figure says in words: heterogeneity, test, model, and the text for who cannot see it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from metaalliance.models.pooled_fit import PooledFit
from metaalliance.plots.canvas.numbers import level_text, percent_text
from metaalliance.plots.canvas.style import Style
from metaalliance.plots.canvas.typeset import Line, own, user
from metaalliance.plots.canvas.wording import APA_WORDING, Wording
from metaalliance.wording.numbers import number

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
}


def heterogeneity_text(fit: PooledFit, wording: Wording = APA_WORDING) -> str:
    """Return Q, tau and I² with stars around the symbols."""
    if fit.Q_df < 1:
        return f"{wording.heterogeneity_label}not estimable from one effect{wording.end}"
    found = wording.sentence(wording.heterogeneity, _spread_values(fit, wording))
    return f"{wording.heterogeneity_label}{found}{wording.end}"


def _spread_values(fit: PooledFit, wording: Wording) -> dict[str, str | None]:
    """Return the fields of the segments about heterogeneity; tau only where the model has it."""
    known = math.isfinite(fit.I2)
    varies = known and fit.model != "common-effect"
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


def _test_text(fit: PooledFit, wording: Wording) -> str:
    if not math.isfinite(fit.statistic):
        return ""
    template = wording.test_z if math.isinf(fit.df) else wording.test_t
    values = {
        "df": _df_text(fit.df),
        "statistic": number(fit.statistic, 2),
        "p": wording.p_text(fit.p_value),
    }
    return template.format(**values)


def _df_text(df: float) -> str:
    return number(df, 0 if float(df).is_integer() else 1)


def model_text(fit: PooledFit, wording: Wording = APA_WORDING) -> str:
    """Return model, assumed correlation, estimator and test."""
    settings = fit.settings()
    parts = [MODELS.get(fit.model, fit.model)]
    if fit.model == "che" and isinstance(settings.get("rho"), float | int):
        rho = number(settings["rho"], 2, correlation=not wording.leading_zero)
        parts[0] += f" (ρ = {rho})"
    if "tau2" in settings:
        parts.append(str(settings["tau2"]))
    parts.append(TESTS.get(fit.test, fit.test))
    return ", ".join(parts) + "."


def sentences(texts: Iterable[str]) -> str:
    """Join texts that are not empty, each ended by a full stop."""
    return " ".join(text if text.endswith(".") else f"{text}." for text in texts if text)


def level_name(level: str) -> str:
    """Return the name of a level with a capital, unless it has capitals of its own.

    Examples
    --------
    >>> level_name("third-wave"), level_name("iCBT")
    ('Third-wave', 'iCBT')
    """
    return level[:1].upper() + level[1:] if level.islower() else level


def group_notes(fit: PooledFit, wording: Wording = APA_WORDING) -> tuple[tuple[Line, ...], ...]:
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


def other_models(fit: PooledFit, fits: Mapping[str, PooledFit]) -> tuple[Line, ...]:
    """Name the groups with a mean of their own that are pooled by another model or test."""
    groups: dict[tuple[str, str], list[str]] = {}
    for level, found in fits.items():
        if found.n_studies > 1 and (found.model, found.test) != (fit.model, fit.test):
            groups.setdefault((found.model, found.test), []).append(level_name(level))
    return tuple(
        (
            *user(", ".join(names)),
            *own(f": {MODELS.get(model, model)}, {TESTS.get(test, test)}."),
        )
        for (model, test), names in groups.items()
    )


#: Said where an arrow is drawn.
ARROWS = "Arrows: the interval goes on beyond the axis."


def prediction_labels(level: float, style: Style | None = None) -> tuple[Line, ...]:
    """Return the label of the prediction interval, from the longest wording to the shortest."""
    percent = level_text(level)
    long = f"{percent} prediction interval"
    if style is not None:
        long = style.forest.prediction.format(level=percent)
    return own(long), own("Prediction interval"), own(f"{percent} PI")
