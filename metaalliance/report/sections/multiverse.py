"""Multiverse: what the mean would be under other defensible decisions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from metaalliance.models.pooled_fit import PooledFit
from metaalliance.moderation.frames import records
from metaalliance.report.manuscript.document import Figure, Section
from metaalliance.report.manuscript.phrases import DIGITS, in_words, noun
from metaalliance.report.manuscript.prose import Prose, listed, prose
from metaalliance.report.tables.table import Field, Kind, Table
from metaalliance.robustness.results import Multiverse
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import agreeing, capital, count_text, percent_text

FIGURE = "specification-curve"
#: Decisions in sentences.
NAMES: Mapping[str, str] = {
    "conversions": "conversions that are accepted",
    "measure": "effect measure",
    "variances": "sampling variances of group statistics",
    "attenuation": "correction for unreliability",
    "nonsignificant": "value of results reported as not significant",
    "include": "studies that are included",
    "outliers": "outliers",
    "aggregation": "aggregation within studies",
    "model": "model",
    "rho": "assumed correlation within studies",
    "overlap": "overlap of effects of one sample",
    "tau2": "estimator of τ²",
    "test": "test",
    "selection": "model of selective reporting",
}
REST = "(interactions)"


def multiverse_section(
    fit: PooledFit, found: Multiverse | None, figures: Sequence[Figure] = ()
) -> Section:
    """Return methods and results; empty when no multiverse was run or nothing had a result."""
    title = "Multiverse of analytic decisions"
    if found is None or found.counts.failed >= found.counts.specifications:
        return Section(key="multiverse", title=title)
    drawn = tuple(figure for figure in figures if figure.name == FIGURE)
    return Section(
        key="multiverse",
        title=title,
        methods=(_methods(found),),
        results=(_results(fit, found, drawn=bool(drawn)), *drawn),
        appendix=(decisions_table(found),),
    )


def _methods(found: Multiverse) -> Prose:
    names = [NAMES.get(name, name) for name in found.decisions]
    number_of = capital(in_words(len(names)))
    text = prose(
        "How far the result rests on analytic decisions was examined by repeating the analysis "
        "under every reasonable combination of them [@steegen2016; @simonsohn2020]. {decided} "
        "varied ({names}); combinations that make no sense were left out by rule, and "
        "combinations that amount to the same analysis were counted once.",
        decided=f"{number_of} {agreeing(len(names), 'decision was', 'decisions were')}",
        names=listed(names),
    )
    return text + prose(
        "The variance of the estimates over specifications was divided among the decisions by "
        "Shapley values. The specifications are not independent, so that no test is made of "
        "their distribution."
    )


def _results(fit: PooledFit, found: Multiverse, *, drawn: bool) -> Prose:
    verdict, counts = found.verdict(), found.counts
    where = "{figure:specification-curve}, {table:decisions}" if drawn else "{table:decisions}"
    text = prose(
        "Over {n} the pooled {noun} ranged from {low} to {high}, with a median of {median} ("
        + where
        + "). Of the specifications, {significant} gave a significant result with the sign of "
        "the median and {opposite} one with the other sign.",
        n=count_text(counts.specifications - counts.failed, "specification"),
        noun=noun(fit.measure),
        low=_value(verdict.low, found),
        high=_value(verdict.high, found),
        median=_value(verdict.median, found),
        significant=percent_text(verdict.significant, 1),
        opposite="none" if verdict.opposite == 0 else percent_text(verdict.opposite, 1),
    )
    return text + _place(found) + _matters(found) + _failures(found)


def _place(found: Multiverse) -> Prose:
    """Where the main analysis stands among the others."""
    main = found.reference
    if found.main.absent:
        return prose(
            "The main analysis is not among these specifications: {reason}.",
            reason=found.main.absent,
        )
    if main is None:
        return prose("The main analysis has no result.")
    estimates = found.curve()["estimate"]
    below = int((estimates < float(main["estimate"])).sum())
    above = int((estimates > float(main["estimate"])).sum())
    return prose(
        "Of {distinct}, {above} are larger than that of the main analysis ({estimate}) and {below} "
        "smaller.",
        distinct=count_text(len(estimates), "distinct result"),
        estimate=_value(float(main["estimate"]), found),
        above=f"{above:,}",
        below=f"{below:,}",
    )


def _matters(found: Multiverse) -> Prose:
    """Which decision moves the estimate most."""
    table = found.decision_table()
    own = table[(table["decision"] != REST) & table["share"].notna()]
    if own.empty:
        return Prose()
    first = own.iloc[0]
    return prose(
        "The decision that moved the estimate most was the {name}, with {share} of the variance; "
        "changing it alone moved the estimate by {move} on average and by {most} at most.",
        name=NAMES.get(str(first["decision"]), str(first["decision"])),
        share=percent_text(float(first["share"])),
        move=_value(float(first["mean_move"]), found, digits=3),
        most=_value(float(first["largest_move"]), found, digits=3),
    )


def _failures(found: Multiverse) -> Prose:
    if not found.counts.failed:
        return Prose()
    return prose(
        "{n} could not be estimated.", n=count_text(found.counts.failed, "further specification")
    )


def _value(value: float, found: Multiverse, digits: int = DIGITS) -> str:
    return number(value, digits, correlation=found.is_r)


def decisions_table(found: Multiverse) -> Table:
    """Which decision moves the estimate and the verdict."""
    kind: Kind = "r" if found.is_r else "number"
    rows: list[dict[str, Any]] = []
    for row in records(found.decision_table()):
        name = str(row["decision"])
        text = "decisions together" if name == REST else NAMES.get(name, name)
        rows.append({**row, "decision": capital(text)})
    notes = ["Shares are Shapley values; moves and flips are those when only the decision changes."]
    if all(math.isnan(row["verdict_share"]) for row in rows):
        notes.append("The verdict (significance and sign) is the same in every specification.")
    return Table(
        name="decisions",
        title="Analytic Decisions and What They Move",
        fields=(
            Field(key="decision", title="Decision"),
            Field(key="options", title="Options", kind="count"),
            Field(key="share", title="Share of variance %", kind="percent", digits=1),
            Field(key="mean_move", title="Mean move", kind=kind, digits=3),
            Field(key="largest_move", title="Largest move", kind=kind, digits=3),
            Field(key="flips", title="Verdict flips %", kind="percent", digits=1),
        ),
        rows=tuple(rows),
        notes=tuple(notes),
    )
