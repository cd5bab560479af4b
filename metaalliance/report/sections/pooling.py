"""The pooled result: model, mean, heterogeneity, and what other models say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from metaalliance.analysis.evidence import Evidence
from metaalliance.models.fits import CommonEffectFit, TwoLevelFit
from metaalliance.models.multilevel_fit import MultilevelFit
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.options import CLUSTER_TESTS
from metaalliance.report.manuscript.document import Block, Figure, Section
from metaalliance.report.manuscript.phrases import (
    DIGITS,
    degrees_text,
    effect,
    effects,
    excludes_zero,
    in_words,
    interval,
    mean_phrase,
    noun,
    p_phrase,
    test_phrase,
)
from metaalliance.report.manuscript.prose import Prose, joined, listed, prose
from metaalliance.report.sections.heterogeneity import heterogeneity_blocks
from metaalliance.report.sections.magnitude import magnitude_text
from metaalliance.report.sections.pooling_methods import model_methods
from metaalliance.report.tables.few_df import few_df_notes, marked
from metaalliance.report.tables.pooling import model_table, not_taken_notes
from metaalliance.report.tables.table import Field, Table
from metaalliance.wording.estimands import direction_sentence
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import (
    agreeing,
    capital,
    count_text,
    level_text,
    percent_text,
    share_with_ci,
    studies_text,
    typographic,
    uncapital,
)

FEW_STUDIES = 10
_MODELS = {
    "aggregated": "One averaged effect per study",
    "lowest per study": "Lowest effect per study",
    "highest per study": "Highest effect per study",
    "three-level": "Three-level",
    "che": "Correlated and hierarchical effects",
    "two-level": "Two-level random effects",
    "common-effect": "Common effect",
    "outliers removed": "Outliers removed",
    "influential removed": "Influential studies removed",
}


def pooling_section(evidence: Evidence, figures: Sequence[Figure] = ()) -> Section:
    """Return methods and results of the pooled mean.

    Parameters
    ----------
    figures : sequence of Figure
        Forest and funnel; "forest" is named in the text when it is among them.
    """
    fit = evidence.fit
    drawn = {figure.name: figure for figure in figures}
    results: list[Block] = [mean_text(fit) + _forest_sentence(drawn), heterogeneity_prose(fit)]
    results += heterogeneity_blocks(fit)
    results += [drawn[name] for name in ("forest", "modality") if name in drawn]
    if len(evidence.models) > 1:
        results += [comparison_text(evidence), comparison_table(evidence)]
    if "funnel" in drawn:
        results += [_funnel_sentence(fit), drawn["funnel"]]
    return Section(
        key="pooled",
        title=f"Pooled {noun(fit.measure)}",
        methods=tuple(model_methods(evidence)),
        results=tuple(block for block in results if block),
        appendix=tuple(drawn[name] for name in ("all-studies",) if name in drawn),
    )


def _forest_sentence(drawn: dict[str, Figure]) -> Prose:
    if "forest" in drawn:
        return prose("{figure:forest} shows every study.")
    if "modality" in drawn:
        return prose("{figure:modality} shows the result by modality, {figure:all-studies} "
                     "every study.")  # fmt: skip
    return prose("{figure:all-studies} shows every study.") if "all-studies" in drawn else Prose()


def _funnel_sentence(fit: PooledFit) -> Prose:
    """What the funnel plot is; what it shows is left to the eye and to tests."""
    return prose(
        "{figure:funnel} is a contour-enhanced funnel plot [@peters2008] of {n}.",
        n=effects(fit.n_effects),
    )


def mean_text(fit: PooledFit) -> Prose:
    """The mean with its interval and test, and what it does and does not say."""
    people = f" with {count_text(fit.n_participants, 'participant')}" if fit.n_participants else ""
    basis = studies_text(fit.n_studies)
    if fit.n_effects != fit.n_studies:
        basis = f"{effects(fit.n_effects)} from {basis}"
    if math.isnan(fit.statistic):
        test = Prose()
    else:
        test = prose(", {test}", test=test_phrase(fit.statistic, fit.df, fit.p_value))
    z = ""
    if fit.measure == "z":
        z = f" (Fisher’s {{z}} = {number(fit.estimate, 3)}, {{SE}} = {number(fit.se, 3)})"
    text = prose(
        f"Across {{basis}}{{people}}, the pooled {noun(fit.measure)} was {{mean}}{{test}}{z}.",
        basis=basis,
        people=people,
        mean=mean_phrase(fit),
        test=test,
        z=prose("*z*"),
        SE=prose("*SE*"),
    )
    return text + direction_text(fit) + magnitude_text(fit) + _few_df(fit) + _guard(fit)


def direction_text(fit: PooledFit) -> Prose:
    """The reading of the interval, as careful for a null or negative mean as for a positive."""
    low, high = (effect(x, fit.measure) for x in (fit.ci_low, fit.ci_high))
    if fit.measure == "generic" or math.isnan(fit.ci_low):
        return Prose()
    if not excludes_zero(fit):
        return prose(
            "The confidence interval includes zero. It is compatible with mean correlations "
            "between {low} and {high}, so that these studies show neither that the alliance is "
            "associated with outcome nor that it is not.",
            low=low,
            high=high,
        )
    return prose(
        typographic(
            direction_sentence(fit.effects.frame.get("estimand", ()), better=fit.estimate > 0)
        )
    )


def _few_df(fit: PooledFit) -> Prose:
    if not any(found.code == "MA620" for found in fit.notices):
        return Prose()
    robust = fit.test in CLUSTER_TESTS
    return prose(
        f"With {{df}}, fewer than four, the {'cluster-robust ' * robust}"
        f"*p*-value and interval are not trustworthy{' [@tipton2015]' * robust}.",
        df=degrees_text(fit.df),
    )


def _guard(fit: PooledFit) -> Prose:
    """Say when the modification of Knapp and Hartung's variance acted."""
    if any(found.code == "MA614" for found in fit.notices):
        return prose(
            "The effects do not differ at all, so that the adjusted standard error would be zero; "
            "the model-based standard error is used instead."
        )
    if isinstance(fit, TwoLevelFit) and fit.guard_acted:
        return prose(
            "The residual mean square was below one, so that the modification acted and the "
            "interval is that of the unadjusted standard error with a *t* distribution."
        )
    return Prose()


def heterogeneity_prose(fit: PooledFit) -> Prose:
    """How much the true effects differ, and what to expect in a new study."""
    if fit.Q_df < 1:
        return prose(
            "Heterogeneity cannot be estimated from one study, and nothing can be said about "
            "what other studies would find."
        )
    q = prose(
        "*Q*({df}) = {Q}, {p}", df=f"{fit.Q_df}", Q=number(fit.Q, 2), p=p_phrase(fit.Q_p_value)
    )
    if isinstance(fit, CommonEffectFit):
        return prose(
            "Cochran’s test of homogeneity gave {q} (*I*² = {I2}). The common-effect model has no "
            "variance between studies; its interval holds for these studies only and is no "
            "statement about others.",
            q=q,
            I2=percent_text(fit.I2),
        )
    return joined([_tau_text(fit, q), _levels_text(fit), _few_studies(fit), prediction_text(fit)])


def _tau_text(fit: PooledFit, q: Prose) -> Prose:
    scale = " on the scale of Fisher’s {z}" if fit.measure == "z" else ""
    ci = fit.tau2_ci()
    spread = Prose()
    if not math.isnan(ci.low):
        spread = prose(
            ", {level} CI [{low}, {high}]",
            level=level_text(fit.level),
            low=number(math.sqrt(max(ci.low, 0.0)), DIGITS),
            high=number(math.sqrt(ci.high), DIGITS) if math.isfinite(ci.high) else "∞",
        )
    values = {"tau": number(fit.tau, DIGITS), "ci": spread, "q": q, "I2": percent_text(fit.I2)}
    if fit.tau2 == 0:
        return prose(
            f"The standard deviation of the true effects was estimated as zero{scale} (τ = "
            "{tau}{ci}; {q}; *I*² = {I2}). An estimate of zero does not show that the true effects "
            "are equal: the upper limit says how much they may differ.",
            z=prose("*z*"),
            **values,
        )
    return prose(
        f"The standard deviation of the true effects was estimated as τ = {{tau}}{scale}{{ci}} "
        "({q}; *I*² = {I2}).",
        z=prose("*z*"),
        **values,
    )


_BETWEEN = {"study": "studies", "effect": "effects within studies"}


def _levels_text(fit: PooledFit) -> Prose:
    if not isinstance(fit, MultilevelFit) or fit.tau2 == 0:
        return Prose()
    parts = [
        f"{percent_text(fit.I2_levels[name])} was between "
        f"{_BETWEEN.get(name, f'levels of {name}')} (τ = {number(math.sqrt(value), DIGITS)})"
        for name, value in fit.sigma2.items()
    ]
    return prose(
        "Of the total variance, {parts}; the rest was sampling error.", parts=listed(parts)
    )


def _few_studies(fit: PooledFit) -> Prose:
    if fit.n_studies >= FEW_STUDIES:
        return Prose()
    return prose(
        "With only {n} this estimate is imprecise, and so is the prediction interval.",
        n=f"{in_words(fit.n_studies)} {agreeing(fit.n_studies, 'study', 'studies')}",
    )


def prediction_text(fit: PooledFit) -> Prose:
    """The prediction interval in the words of the field."""
    if math.isnan(fit.pi_low):
        return Prose()
    text = prose(
        "The {level} prediction interval was {pi}: this is where the true {noun} of a comparable "
        "new study is expected.",
        level=level_text(fit.level),
        pi=interval(fit.pi_low, fit.pi_high, fit.measure),
        noun=noun(fit.measure),
    )
    share = fit.share_above_zero()
    if not math.isnan(share.estimate):
        text = text + prose(
            "The share of positive true {noun}s was estimated as {some}.",
            noun=noun(fit.measure),
            some=share_with_ci(*share, fit.level),
        )
    if excludes_zero(fit) and fit.pi_low < 0 < fit.pi_high:
        text = text + prose(
            "Although the mean differs from zero, the interval includes zero, so that in some "
            "settings the association may be absent or in the other direction."
        )
    return text


def comparison_table(evidence: Evidence) -> Table:
    """Return the models side by side."""
    table = model_table(evidence.models, digits=DIGITS)
    fields = tuple(_report_field(field) for field in table.fields)
    rows = [dict(row) for row in table.rows]
    for row, named in zip(rows, evidence.models, strict=True):
        name = named.name.removesuffix(" (main)")
        row["name"] = _MODELS.get(name, capital(name))
        if named is evidence.models[0]:
            row["name"] += " (main analysis)"
        row["name"] = marked(row["name"], named.fit.df, named.fit.test)
    level = level_text(evidence.fit.level)
    scale = " on the scale of Fisher’s z" if evidence.fit.measure == "z" else ""
    note = (
        f"CI = confidence interval, PI = prediction interval ({level}); τ = standard deviation of "
        f"the true effects{scale}."
    )
    if evidence.fit.effects.dependent():
        note += (
            " Averaged, lowest, and highest effects use the two-level random-effects model; the "
            "common effect is that of the averages."
        )
    return replace(
        table,
        name="models",
        title="Pooled Result of the Main Analysis and of Other Customary Analyses",
        fields=fields,
        rows=tuple(rows),
        notes=(
            note,
            *not_taken_notes(evidence.models, _MODELS),
            *few_df_notes(row["name"] for row in rows),
        ),
    )


def _report_field(field: Field) -> Field:
    if field.key == "tau":
        return replace(field, title="τ", kind="number")
    return replace(field, title="Estimate") if field.title == "estimate" else field


def comparison_text(evidence: Evidence) -> Prose:
    """How far the result depends on the model."""
    main, others = evidence.models[0].fit, evidence.models[1:]
    lowest = min(evidence.models, key=lambda row: row.fit.estimate)
    highest = max(evidence.models, key=lambda row: row.fit.estimate)
    measure = main.measure
    low, high = effect(lowest.fit.estimate, measure), effect(highest.fit.estimate, measure)
    text = prose(
        "{table:models} sets the main analysis beside {n}.",
        n=count_text(len(others), "other analysis", "other analyses"),
    )
    if low == high:
        text = text + prose("The pooled {noun} was {low} in each.", noun=noun(measure), low=low)
    else:
        text = text + prose(
            "The pooled {noun} ranged from {low} ({low_name}) to {high} ({high_name}).",
            noun=noun(measure),
            low=low,
            high=high,
            low_name=_plain_name(lowest.name),
            high_name=_plain_name(highest.name),
        )
    return text + _agreement(main, [row.fit for row in others])


def _agreement(main: PooledFit, others: Sequence[PooledFit]) -> Prose:
    """Whether the models lead to the same reading of the interval."""
    same = [
        fit
        for fit in others
        if excludes_zero(fit) == excludes_zero(main)
        and (not excludes_zero(main) or fit.estimate * main.estimate > 0)
    ]
    reading = "excludes" if excludes_zero(main) else "includes"
    if len(same) == len(others):
        return prose(f"In every one the confidence interval {reading} zero.")
    differ = len(others) - len(same)
    return prose(
        f"The interval of the main analysis {reading} zero; {{n}} "
        f"{agreeing(differ, 'leads', 'lead')} to another reading.",
        n=f"{in_words(differ)} of the others",
    )


def _plain_name(name: str) -> str:
    plain = name.removesuffix(" (main)")
    text = uncapital(_MODELS.get(plain, plain))
    return f"{text}, the main analysis" if name != plain else text
