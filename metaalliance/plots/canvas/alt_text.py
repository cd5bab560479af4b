"""Alternative texts: a figure in one paragraph for readers who cannot see it."""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

from metaalliance.models.pooled_fit import PooledFit
from metaalliance.moderation.level_means import LevelMeans, Pooling, level_means
from metaalliance.moderation.result import ModeratorTest
from metaalliance.options import check_option
from metaalliance.plots.canvas.numbers import effect_text, interval_text, size_text
from metaalliance.plots.forests.choice import grouping
from metaalliance.plots.forests.tables import Reference, reference_mark
from metaalliance.plots.groups import level_name
from metaalliance.plots.words import (
    correction_text,
    groups_text,
    heterogeneity_text,
    not_pooled,
    sentences,
)
from metaalliance.wording.phrases import count_text, level_text

Kind = Literal["forest", "summary-forest", "funnel"]

_ORDERS = {
    "r": "sorted by effect",
    "estimate": "sorted by effect",
    "year": "sorted by year",
    "weight": "sorted by weight",
    "modality": "sorted by modality",
}


def alt_text(
    fit: PooledFit,
    kind: Kind = "forest",
    *,
    by: str | None = None,
    sort: str = "sheet",
    reference: Reference | None = None,
    pool: Pooling = "joint",
) -> str:
    """Describe a figure in one paragraph for readers who cannot see it.

    Parameters
    ----------
    fit : PooledFit
        What the figure shows.
    kind : {"forest", "summary-forest", "funnel"}
        Which figure.
    by, sort, reference, pool
        As the figure was drawn.

    Raises
    ------
    OptionError
        For another kind, or a column that the effects do not have.

    Examples
    --------
    >>> import textwrap
    >>> from metaalliance import Effects, pool
    >>> effects = Effects.from_arrays([0.2, 0.3, 0.4], [0.01] * 3, measure="z")
    >>> print(textwrap.fill(alt_text(pool(effects, model="common-effect"), "funnel"), 92))
    Funnel plot of 3 studies. Standard errors are plotted against effects, with shaded zones of
    statistical significance around zero. The pooled correlation is r = .29, 95% CI [.18, .39].
    Heterogeneity: Q(2) = 2.00, p = .368, I² = 0%.
    """
    check_option("kind", kind, Kind)
    writers = (forest_text, summary_text, funnel_text)
    text: str = writers[get_args(Kind).index(kind)](
        fit, by=by, sort=sort, reference=reference, pool=pool
    )
    return text


def forest_text(
    fit: PooledFit,
    *,
    by: str | None = None,
    sort: str = "sheet",
    reference: Reference | None = None,
    pool: Pooling = "joint",
    **_: Any,
) -> str:
    """Describe a forest plot: size, order, groups with their means, pooled result."""
    level = grouping(by, fit.effects.frame)
    order = f", {_ORDERS[sort]}" if sort in _ORDERS else ""
    opening = f"Forest plot of {size_text(fit)}{order}."
    shown = "Each study is a square with its interval."
    if fit.effects.dependent():
        shown = "Each study is a square, the average of its effects, with its interval."
    groups = ""
    if level != "none":
        groups = f"Grouped by {_words(level)}: {_levels(fit, level_means(fit, level, pool))}"
    return _joined(opening, shown, groups, *_results(fit, reference))


def summary_text(
    fit: PooledFit,
    *,
    by: str | ModeratorTest | None = None,
    reference: Reference | None = None,
    pool: Pooling = "joint",
    **_: Any,
) -> str:
    """Describe a summary forest plot: the mean of each level, pooled result."""
    of, groups = "a moderator", ""
    if by is not None:
        means = level_means(fit, by, pool)
        of, groups = _words(means.by), _levels(fit, means)
    opening = f"Forest plot of the levels of {of}, from {size_text(fit)}."
    return _joined(opening, groups[:1].upper() + groups[1:], *_results(fit, reference))


def funnel_text(fit: PooledFit, **_: Any) -> str:
    """Describe a funnel plot."""
    opening = (
        f"Funnel plot of {size_text(fit)}. Standard errors are plotted against effects, with "
        "shaded zones of statistical significance around zero."
    )
    return _joined(opening, *_results(fit, None))


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part).replace("*", "")


def _words(name: str) -> str:
    return name.replace("_", " ")


def _levels(fit: PooledFit, means: LevelMeans) -> str:
    """Return "CBT (4 studies) r = .33 [.18, .46]; ..." as drawn, and what pooled them."""
    symbol = "" if fit.measure == "generic" else "r = "
    told = "; ".join(
        f"{level_name(found.name)} ({count_text(found.n_studies, 'study', 'studies')}) {symbol}"
        f"{effect_text(found.estimate, fit.measure)} "
        f"{interval_text(found.ci_low, found.ci_high, fit.measure)}"
        if found.pooled
        else f"{level_name(found.name)} ({not_pooled(found, means)[0]})"
        for found in means.levels
    )
    return f"{told}. {groups_text(means)}"


def _results(fit: PooledFit, reference: Reference | None) -> tuple[str, ...]:
    """Return the pooled result, its heterogeneity, and the published value if there is one."""
    marked = reference_mark(reference, fit.measure)
    published = f"A line marks {marked[1]}." if marked else ""
    return _mean_text(fit), heterogeneity_text(fit), published


def _mean_text(fit: PooledFit) -> str:
    percent = level_text(fit.level)
    noun = "effect is" if fit.measure == "generic" else "correlation is r ="
    text = (
        f"The pooled {noun} {effect_text(fit.estimate, fit.measure)}, {percent} CI "
        f"{interval_text(fit.ci_low, fit.ci_high, fit.measure)}"
    )
    if math.isfinite(fit.pi_low):
        limits = interval_text(fit.pi_low, fit.pi_high, fit.measure)
        text += f", {percent} prediction interval {limits}"
    return sentences((f"{text}.", correction_text(fit)))
