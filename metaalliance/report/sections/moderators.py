"""Moderators: how levels were compared, and what can be said about their difference."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.regression_fit import RegressionFit
from metaalliance.moderation.result import ModeratorTest
from metaalliance.moderation.slope import SlopeTest
from metaalliance.moderation.table import ModeratorTable
from metaalliance.options import Measure
from metaalliance.report.manuscript.document import Block, Section
from metaalliance.report.manuscript.phrases import (
    DIGITS,
    degrees_text,
    effect,
    effects,
    interval,
    noun,
    p_phrase,
    test_phrase,
)
from metaalliance.report.manuscript.prose import Prose, Run, joined, listed, prose
from metaalliance.report.sections.moderator_tables import (
    Moderator,
    contrast_table,
    moderator_name,
    moderators_table,
    omnibus_phrase,
    slug,
)
from metaalliance.report.tables.few_df import is_few
from metaalliance.report.tables.moderators import mean_test
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import agreeing, capital, level_text, percent_text, studies_text

_METHODS = {
    "htz": "the approximate Hotelling test with small-sample correction [@tipton2015b]",
    "f": "an *F* test",
    "knapp-hartung": "an *F* test with the adjustment of @knapp2003",
    "chi2": "a Wald-type chi-squared test",
    "welch": "Welch's *F* test",
}
#: Contrasts that are named in the text at most.
_MOST_CONTRASTS = 6


def moderators_section(fit: PooledFit, found: ModeratorTable | None) -> Section:
    """Return methods, text and tables of moderators; empty when none was asked for."""
    if found is None or not (found.moderators or found.failed):
        return Section(key="moderators", title="Moderators")
    results: list[Block] = list(moderator_texts(found))
    results += [_failed_text(found)] if found.failed else []
    results += [_tables_text(found), moderators_table(found, fit)]
    contrasts = [
        contrast_table(test)
        for test in found.moderators
        if isinstance(test, ModeratorTest) and len(test.contrasts)
    ]
    return Section(
        key="moderators",
        title="Moderators",
        methods=tuple(_methods(found)),
        results=tuple(block for block in results if block),
        appendix=tuple(contrasts),
    )


def _kind(test: ModeratorTest) -> str:
    """The test of the levels; an F test that takes the factor of Knapp and Hartung is theirs."""
    kind, of_mean = str(test.omnibus["test"]), str(test.options["test"])
    return "knapp-hartung" if kind == "f" and of_mean.startswith("knapp") else kind


def _methods(found: ModeratorTable) -> list[Prose]:
    """How moderators were tested."""
    categorical = [t for t in found.moderators if isinstance(t, ModeratorTest)]
    slopes = [t for t in found.moderators if isinstance(t, SlopeTest)]
    names = listed(moderator_name(t.name) for t in found.moderators)
    parts = [
        prose(
            "{names} {was} examined as {what} by adding {it} to the model of the main analysis, "
            "with one heterogeneity variance for all levels.",
            names=capital(names),
            was=agreeing(len(found.moderators), "was", "were"),
            what=agreeing(len(found.moderators), "a moderator", "moderators, one at a time,"),
            it=agreeing(len(found.moderators), "it", "each"),
        )
    ]
    kinds = {_kind(t) for t in categorical if t.omnibus["test"]}
    for kind in sorted(kinds & set(_METHODS)):
        parts.append(prose(f"The levels of a moderator were compared with {_METHODS[kind]}."))
    if any(len(t.contrasts) for t in categorical):
        parts.append(prose("*P*-values of pairwise comparisons were adjusted after @holm1979."))
    fewest = {t.options["min_studies"] for t in categorical}
    if any((~t.levels["tested"].astype(bool)).any() for t in categorical):
        parts.append(
            prose(
                "Levels with fewer than {n} are counted; they were neither estimated nor tested.",
                n=studies_text(max(fewest)),
            )
        )
    for test in slopes:
        parts.append(
            prose(
                "{name} entered as a number; its slope is {unit}.",
                name=capital(moderator_name(test.name)),
                unit=test.unit,
            )
        )
    tested = [t for t in found.moderators if not math.isnan(t.p_value)]
    if len(tested) > 1:
        parts.append(
            prose(
                "Because {n} moderators were tested, *p*-values adjusted for their number by "
                "Holm’s method stand beside the others.",
                n=f"{len(tested)}",
            )
        )
    return [joined(parts)]


def moderator_texts(found: ModeratorTable) -> list[Prose]:
    """Return a paragraph for each moderator with a difference, and one for all without."""
    told = [t for t in found.moderators if math.isnan(t.p_value) or _differs(t)]
    rest = [t for t in found.moderators if t not in told]
    texts = [_told(test, found) for test in told]
    return [*texts, *_not_shown(rest, found)] if rest else texts


def _differs(test: Moderator) -> bool:
    """Whether the test of a moderator is significant at its level."""
    level = test.fit.level if isinstance(test, SlopeTest) else float(test.options["level"])
    return test.p_value < 1 - level


def _told(test: Moderator, table: ModeratorTable) -> Prose:
    """What came out for a moderator that shows a difference, or that was not tested."""
    name = moderator_name(test.name)
    if math.isnan(test.p_value):
        reason = _reason(test) if isinstance(test, ModeratorTest) else "the test has no answer"
        text = prose("Differences by {name} were not tested: {reason}.", name=name, reason=reason)
        return text + _missing_text(test)
    lead = "was related to" if isinstance(test, SlopeTest) else "differed by"
    text = prose(
        f"The pooled {{what}} {lead} {{name}}, {{test}}.",
        what=noun(_measure(test)),
        name=name,
        test=_test_text(test, table),
    )
    if isinstance(test, ModeratorTest):
        text = text + _range_text(test, "Estimates") + _contrast_text(test)
    return text + _few_df_text(test) + _residual_text(test) + _missing_text(test)


def _not_shown(tests: Sequence[Moderator], table: ModeratorTable) -> Iterator[Prose]:
    """Say once that there is no evidence of differences; then each test, and what it rests on."""
    names = [moderator_name(test.name) for test in tests]
    yield prose(
        "We found no evidence that the {what} varies with {names}; this is no evidence that it "
        "does not.",
        what=noun(_measure(tests[0])),
        names=listed(names, "or"),
    )
    for test, name in zip(tests, names, strict=True):
        text = prose("{name}: {test}.", name=capital(name), test=_test_text(test, table))
        if isinstance(test, ModeratorTest):
            text = text + _range_text(test, "Its estimates")
        yield text + _few_df_text(test) + _residual_text(test) + _missing_text(test)


def _measure(test: Moderator) -> Measure:
    return test.fit.measure if isinstance(test, SlopeTest) else test.effects.measure


def _test_text(test: Moderator, table: ModeratorTable) -> Prose:
    """The test with R² and, among several moderators, the adjusted p-value."""
    what = _slope_phrase(test) if isinstance(test, SlopeTest) else omnibus_phrase(test.omnibus)
    return what + _share(test.R2) + _adjusted_text(test, table)


def _reason(test: ModeratorTest) -> str:
    tested = test.levels[test.levels["tested"].astype(bool)]
    fewest = test.options["min_studies"]
    if len(tested) < 2:
        some = "no level has" if tested.empty else "only one level has"
        return f"{some} at least {studies_text(fewest)}"
    return str(test.omnibus.get("reason") or "the test has no answer with these studies")


def _share(R2: float) -> Prose:
    if math.isnan(R2):
        return Prose()
    return prose(", *R*² = {R2}", R2=percent_text(R2))


def _range_text(test: ModeratorTest, whose: str) -> Prose:
    """Lowest and highest tested level with their intervals."""
    measure = test.effects.measure
    rows = test.levels[test.levels["tested"].astype(bool)].sort_values("estimate", kind="stable")
    low, high = rows.iloc[0], rows.iloc[-1]
    return prose(
        "{whose} ranged from {low} ({low_name}) to {high} ({high_name}).",
        whose=whose,
        low=effect(float(low["estimate"]), measure),
        low_name=_with_interval(low, test),
        high=effect(float(high["estimate"]), measure),
        high_name=_with_interval(high, test),
    )


def _few_df_text(test: Moderator) -> Prose:
    """Say where degrees of freedom are too few for the test, or for the mean of a level."""
    df2 = float(test.omnibus["df2"])
    if is_few(df2, mean_test(test)):
        return prose(
            "With {df}, fewer than four, this test is not trustworthy [@tipton2015].",
            df=degrees_text(df2, "" if isinstance(test, SlopeTest) else "denominator "),
        )
    if isinstance(test, SlopeTest):
        return Prose()
    few = [
        str(row["level"])
        for row in test.levels.to_dict("records")
        if is_few(row["df"], mean_test(test))
    ]
    if not few:
        return Prose()
    return prose(
        "The {interval} of {levels} {rests} on fewer than four degrees of freedom and {is_} not "
        "trustworthy [@tipton2015].",
        interval=agreeing(len(few), "interval"),
        levels=listed(few),
        rests=agreeing(len(few), "rests", "rest"),
        is_=agreeing(len(few), "is", "are"),
    )


def _residual_text(test: Moderator) -> Prose:
    """Heterogeneity that a moderator leaves."""
    fit = test.fit
    if not isinstance(fit, RegressionFit) or fit.QE_df < 1 or math.isnan(fit.QE):
        return Prose()
    return prose(
        "Residual heterogeneity: τ = {tau} (*Q*({df}) = {Q}, {p}; *I*² = {I2}).",
        tau=number(math.sqrt(fit.tau2), DIGITS),
        df=f"{fit.QE_df:,}",
        Q=number(fit.QE, 2),
        p=p_phrase(fit.QE_p_value),
        I2=percent_text(fit.I2),
    )


def _with_interval(row: Any, test: ModeratorTest) -> str:
    ends = interval(float(row["ci_low"]), float(row["ci_high"]), test.effects.measure)
    return f"{row['level']}, {level_text(test.options['level'])} CI {ends}"


def _contrast_text(test: ModeratorTest) -> Prose:
    close = test.contrasts[test.contrasts["p_adjusted"] < 1 - test.options["level"]]
    if not len(test.contrasts):
        return Prose()
    if close.empty:
        return prose("No single pair of levels differed after adjustment for their number.")
    scale = " on the scale of Fisher’s {z}" if test.effects.measure == "z" else ""
    first = close.sort_values("p_adjusted", kind="stable").head(_MOST_CONTRASTS)
    parts = [
        prose(
            "{a} versus {b}, {difference}, adjusted {p}",
            a=row["level_a"],
            b=row["level_b"],
            difference=number(row["estimate"], DIGITS),
            p=p_phrase(row["p_adjusted"]),
        )
        for row in first.to_dict("records")
    ]
    body = Prose()
    for index, part in enumerate(parts):
        body = Prose((*body.runs, *((Run("; "),) if index else ()), *part.runs), body.cited)
    more = f" and {len(close) - len(first)} more" if len(close) > len(first) else ""
    return prose(
        f"After adjustment these differences{scale} remained: {{body}}{{more}}.",
        body=body,
        more=more,
        z=prose("*z*"),
    )


def _slope_phrase(test: SlopeTest) -> Prose:
    """Return "b = 0.02 per decade, 95% CI [...], t(20.1) = 1.2, p = .24"."""
    fit = test.fit
    scale = " (Fisher’s *z*)" if fit.measure == "z" else ""
    return prose(
        f"*b* = {{slope}} {{unit}}{scale}, {{level}} CI {{ci}}, {{test}}",
        slope=number(float(fit.beta[1]), 3),
        unit=test.unit,
        level=level_text(fit.level),
        ci=f"[{number(float(fit.ci_low[1]), 3)}, {number(float(fit.ci_high[1]), 3)}]",
        test=test_phrase(float(fit.statistic[1]), float(fit.df[1]), test.p_value),
    )


def _adjusted_text(test: Moderator, table: ModeratorTable) -> Prose:
    """The p-value adjusted for the number of moderators, where there are several."""
    rows = table.multiplicity
    tested = rows[rows["p_value"].notna()]
    if len(tested) < 2 or math.isnan(test.p_value):
        return Prose()
    adjusted = float(tested.set_index("name")["p_holm"][test.name])
    return prose(", adjusted for the number of moderators {p}", p=p_phrase(adjusted))


def _missing_text(test: Moderator) -> Prose:
    n = int(test.missing.get("n_effects", 0))
    if not n:
        return Prose()
    return prose(
        "{n} without a value {was} left out of this test.",
        n=effects(n),
        was=agreeing(n, "was", "were"),
    )


def _tables_text(found: ModeratorTable) -> Prose:
    """Where the numbers stand."""
    text = prose("{table:moderators} has every level.")
    pairs = [
        f"{{table:contrasts-{slug(t.name)}}}"
        for t in found.moderators
        if isinstance(t, ModeratorTest) and len(t.contrasts)
    ]
    if pairs:
        text = text + prose(f"All pairwise comparisons stand in {listed(pairs)}.")
    return text


def _failed_text(found: ModeratorTable) -> Prose:
    parts = [f"{moderator_name(name)} ({reason.rstrip('.')})" for name, reason in
             found.failed.items()]  # fmt: skip
    return prose("Not tested: {parts}.", parts="; ".join(parts))
