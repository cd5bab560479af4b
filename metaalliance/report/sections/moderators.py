"""Moderators: how levels were compared, and what can be said about their difference."""

from __future__ import annotations

import math
from typing import Any

from metaalliance.models.pooled_fit import PooledFit
from metaalliance.moderation.result import ModeratorTest
from metaalliance.moderation.slope import SlopeTest
from metaalliance.moderation.table import ModeratorTable
from metaalliance.report.manuscript.document import Block, Section
from metaalliance.report.manuscript.phrases import (
    DIGITS,
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
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import capital, level_text, percent_text

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
    results: list[Block] = [moderator_text(test, found) for test in found.moderators]
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
            was="was" if len(found.moderators) == 1 else "were",
            what="a moderator" if len(found.moderators) == 1 else "moderators, one at a time,",
            it="it" if len(found.moderators) == 1 else "each",
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
                "Levels with fewer than {n} studies are counted; they were neither estimated nor "
                "tested.",
                n=f"{max(fewest)}",
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


def moderator_text(test: Moderator, table: ModeratorTable) -> Prose:
    """Return what came out for one moderator."""
    text = _slope_text(test) if isinstance(test, SlopeTest) else _levels_text(test)
    return text + _adjusted_text(test, table) + _missing_text(test)


def _levels_text(test: ModeratorTest) -> Prose:
    name = moderator_name(test.name)
    if math.isnan(test.p_value):
        return prose(
            "Differences by {name} were not tested: {reason}.",
            name=name,
            reason=_reason(test),
        )
    level = test.options["level"]
    differ = test.p_value < 1 - level
    measure = test.effects.measure
    lead = (
        "The {what} differed by {name}, {test}{R2}."
        if differ
        else "Differences in the {what} by {name} could not be shown, {test}{R2}."
    )
    text = prose(
        lead,
        what=f"pooled {noun(measure)}",
        name=name,
        test=omnibus_phrase(test.omnibus),
        R2=_share(test.R2),
    )
    return text + _range_text(test, differ=differ) + _contrast_text(test, differ=differ)


def _reason(test: ModeratorTest) -> str:
    tested = test.levels[test.levels["tested"].astype(bool)]
    fewest = test.options["min_studies"]
    if len(tested) < 2:
        some = "no level has" if tested.empty else "only one level has"
        return f"{some} at least {fewest} studies"
    return str(test.omnibus.get("reason") or "the test has no answer with these studies")


def _share(R2: float) -> Prose:
    if math.isnan(R2):
        return Prose()
    return prose(", *R*² = {R2}", R2=percent_text(R2))


def _range_text(test: ModeratorTest, *, differ: bool) -> Prose:
    """Lowest and highest tested level with their intervals."""
    measure = test.effects.measure
    rows = test.levels[test.levels["tested"].astype(bool)].sort_values("estimate", kind="stable")
    low, high = rows.iloc[0], rows.iloc[-1]
    text = prose(
        "Estimates ranged from {low} ({low_name}) to {high} ({high_name}).",
        low=effect(float(low["estimate"]), measure),
        low_name=_with_interval(low, test),
        high=effect(float(high["estimate"]), measure),
        high_name=_with_interval(high, test),
    )
    if not differ:
        text = text + prose("This is no evidence that the levels are equal.")
    df2 = float(test.omnibus["df2"])
    if df2 < 4:
        text = text + prose(
            "With {df} denominator degrees of freedom the test is not trustworthy.",
            df=number(df2, 1),
        )
    return text


def _with_interval(row: Any, test: ModeratorTest) -> str:
    ends = interval(float(row["ci_low"]), float(row["ci_high"]), test.effects.measure)
    return f"{row['level']}, {level_text(test.options['level'])} CI {ends}"


def _contrast_text(test: ModeratorTest, *, differ: bool) -> Prose:
    close = test.contrasts[test.contrasts["p_adjusted"] < 1 - test.options["level"]]
    if not len(test.contrasts):
        return Prose()
    if close.empty:
        if not differ:
            return Prose()
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


def _slope_text(test: SlopeTest) -> Prose:
    fit = test.fit
    related = test.p_value < 1 - fit.level
    lead = (
        "The {what} was related to {name}"
        if related
        else "A relation of the {what} with {name} could not be shown"
    )
    return prose(
        f"{lead}: {{b}} = {{slope}} {{unit}}{{scale}}, {{level}} CI {{ci}}, {{test}}{{R2}}.",
        what=noun(fit.measure),
        name=moderator_name(test.name),
        b=prose("*b*"),
        slope=number(float(fit.beta[1]), 3),
        unit=test.unit,
        scale=" (Fisher’s z)" if fit.measure == "z" else "",
        level=level_text(fit.level),
        ci=f"[{number(float(fit.ci_low[1]), 3)}, {number(float(fit.ci_high[1]), 3)}]",
        test=test_phrase(float(fit.statistic[1]), float(fit.df[1]), test.p_value),
        R2=_share(test.R2),
    )


def _adjusted_text(test: Moderator, table: ModeratorTable) -> Prose:
    """The p-value adjusted for the number of moderators, where that changes the reading."""
    rows = table.multiplicity
    tested = rows[rows["p_value"].notna()]
    if len(tested) < 2 or math.isnan(test.p_value):
        return Prose()
    adjusted = float(tested.set_index("name")["p_holm"][test.name])
    return prose("Adjusted for the number of moderators, {p}.", p=p_phrase(adjusted))


def _missing_text(test: Moderator) -> Prose:
    n = int(test.missing.get("n_effects", 0))
    if not n:
        return Prose()
    return prose(
        "{n} without a value {was} left out of this test.",
        n=capital(effects(n)),
        was="was" if n == 1 else "were",
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
