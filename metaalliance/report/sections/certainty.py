"""What is known for each domain of GRADE about a prognostic factor; the judgement is left blank.

The domains are those of Foroutan et al. (2020): a body of observational evidence about prognosis
begins as high certainty and is rated down for risk of bias, inconsistency, indirectness,
imprecision and publication bias, or rated up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from metaalliance.analysis.evidence import Evidence
from metaalliance.effects.levels import MISSING
from metaalliance.effects.ratings import rating_columns, rating_levels, study_ratings
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import back_transform, without_nan
from metaalliance.publication_bias.egger import Egger
from metaalliance.report.manuscript.document import Section
from metaalliance.report.manuscript.phrases import effect, interval, noun
from metaalliance.report.manuscript.prose import listed, prose
from metaalliance.report.tables.table import Field, Table
from metaalliance.wording.numbers import number, p_text
from metaalliance.wording.phrases import (
    count_text,
    df_text,
    level_text,
    percent_text,
    share_text,
    studies_text,
)

#: Ratings that GRADE counts as high risk of bias.
_HIGH = frozenset({"high", "serious", "critical"})
#: Columns that say who and what was studied.
_INDIRECT = ("population", "setting", "modality", "outcome_domain")
_MOST_LEVELS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """What the results say about one domain.

    Attributes
    ----------
    key, title : str
        As JSON and the table call it.
    evidence : str
        In words.
    numbers : dict
        The same at full precision.
    """

    key: str
    title: str
    evidence: str
    numbers: dict[str, Any]


def certainty(evidence: Evidence) -> tuple[Domain, ...]:
    """Return the evidence of every domain of GRADE."""
    return (
        _risk_of_bias(evidence),
        _inconsistency(evidence),
        _indirectness(evidence),
        _imprecision(evidence),
        _publication_bias(evidence),
        Domain(
            key="rating_up",
            title="Rating up",
            evidence=_size(evidence.fit),
            numbers={"estimate": back_transform(evidence.fit.estimate, evidence.fit.measure)},
        ),
    )


def certainty_document(evidence: Evidence) -> dict[str, Any]:
    """Return the summary of findings for JSON; judgement and reason are null, for people."""
    fit = evidence.fit
    blank = {"judgement": None, "reason": None}
    return without_nan(
        {
            "counts": fit.counts(),
            "of_interest": evidence.of_interest,
            "start": "high",
            "domains": [
                {"domain": d.key, "evidence": d.evidence, "numbers": d.numbers, **blank}
                for d in certainty(evidence)
            ],
            "certainty": None,
        }
    )


def certainty_section(evidence: Evidence) -> Section:
    """Return the summary of findings; empty for a single study."""
    title = "Certainty of the evidence"
    if evidence.fit.n_studies < 2:
        return Section(key="certainty", title=title)
    method = prose(
        "The certainty of the evidence is to be judged with GRADE for prognostic factors "
        "[@foroutan2020], after which such evidence begins as high; @huguet2013 propose further "
        "criteria. The value of interest is {what} = {value}. **[Who judged, whether "
        "independently, "
        "and how disagreements were settled.]**",
        what=prose("*r*") if evidence.fit.measure != "generic" else "an effect",
        value=_value(evidence),
    )
    result = prose(
        "{table:grade} holds what is known for each domain; the judgements are those of the "
        "authors. **[Certainty: high, moderate, low, or very low.]**"
    )
    return Section(
        key="certainty", title=title, methods=(method,), results=(result, grade_table(evidence))
    )


def grade_table(evidence: Evidence) -> Table:
    """Return the domains with their evidence and room for judgement and reason."""
    fit = evidence.fit
    people = fit.n_participants
    rows = [{"domain": d.title, "evidence": d.evidence} for d in certainty(evidence)]
    rows.append({"domain": "Certainty", "evidence": "Begins as high (observational prognosis)"})
    size = f"{studies_text(fit.n_studies)}"
    size += f" with {count_text(people, 'participant')}" if people else ""
    mean = f"{effect(fit.estimate, fit.measure)}, {level_text(fit.level)} CI "
    mean += interval(fit.ci_low, fit.ci_high, fit.measure)
    return Table(
        name="grade",
        title="GRADE Summary of Findings for a Prognostic Factor",
        fields=(
            Field(key="domain", title="Domain"),
            Field(key="evidence", title="Evidence"),
            Field(key="judgement", title="Judgement"),
            Field(key="reason", title="Reason"),
        ),
        rows=tuple({**row, "judgement": "", "reason": ""} for row in rows),
        notes=(
            f"{size}; pooled {noun(fit.measure)} {mean}. Judgement: not serious, serious, or very "
            "serious; the last two rate down by one or two levels. The blank cells wait for the "
            "authors.",
        ),
    )


def _value(evidence: Evidence) -> str:
    return number(evidence.of_interest, 2, correlation=evidence.fit.measure != "generic")


def _scaled(evidence: Evidence) -> float:
    """The value of interest on the scale of the analysis."""
    value = evidence.of_interest
    return math.atanh(value) if evidence.fit.measure == "z" else value


def _across(low: float, high: float, value: float) -> bool:
    return low < value < high


def _risk_of_bias(evidence: Evidence) -> Domain:
    """The share of the weight of studies by their overall rating."""
    frame, fit = evidence.coded.frame, evidence.fit
    shares: dict[str, float] = {}
    if rating_columns(frame):
        table = study_ratings(frame)
        main = "Overall" if "Overall" in table else str(table.columns[-1])
        by_key = dict(zip(frame.groupby("study", sort=False).groups, table[main], strict=True))
        rated = fit.effects.frame["study"].map(by_key).fillna(MISSING).to_numpy()
        shares = {
            level: float(fit.weights[rated == level].sum() / fit.weights.sum())
            for level in rating_levels(table[[main]])
        }
    high = sum(share for level, share in shares.items() if level.lower() in _HIGH)
    parts = [f"{percent_text(share)} “{level}”" for level, share in shares.items()]
    text = f"Share of the weight by rating: {listed(parts)}."
    return Domain(
        key="risk_of_bias",
        title="Risk of bias",
        evidence=text if shares else "The sheet has no ratings (column risk_of_bias).",
        numbers={"weight_by_rating": shares, "weight_high": high if shares else None},
    )


def _inconsistency(evidence: Evidence) -> Domain:
    """The prediction interval across the value of interest, and the share of effects above it."""
    fit = evidence.fit
    if math.isnan(fit.pi_low):
        text, above, across = "There is no prediction interval.", math.nan, None
    else:
        across = _across(fit.pi_low, fit.pi_high, _scaled(evidence))
        pi = interval(fit.pi_low, fit.pi_high, fit.measure)
        says = "includes" if across else "does not include"
        above = fit.proportion_above(evidence.of_interest).estimate if fit.tau2 > 0 else math.nan
        text = f"{level_text(fit.level)} prediction interval {pi}, which {says} {_value(evidence)}"
        if not math.isnan(above):
            text += f"; {share_text(above)} of true effects are above it"
        text += f"; τ = {number(fit.tau, 2)}, I² = {percent_text(fit.I2)}."
    names = ("pi_low", "pi_high")
    ends = {name: back_transform(getattr(fit, name), fit.measure) for name in names}
    numbers = {**ends, "includes_value": across, "share_above": above}
    return Domain(
        key="inconsistency",
        title="Inconsistency",
        evidence=text,
        numbers={**numbers, "tau": fit.tau, "I2": fit.I2},
    )


def _indirectness(evidence: Evidence) -> Domain:
    """Who and what was studied, by number of studies."""
    frame, counts = evidence.coded.frame, dict[str, dict[str, int]]()
    for name in _INDIRECT:
        if name in frame and frame[name].notna().any():
            sizes = frame.groupby(name)["study"].nunique().sort_values(ascending=False)
            counts[name] = {str(level): int(n) for level, n in sizes.items()}
    parts = []
    for name, levels in counts.items():
        shown = [f"{level} {n:,}" for level, n in list(levels.items())[:_MOST_LEVELS]]
        more = len(levels) - len(shown)
        shown += [f"{more} more"] if more else []
        parts.append(f"{name.replace('_', ' ')}: {', '.join(shown)}")
    text = f"Studies by {'; by '.join(parts)}." if parts else "The sheet does not say."
    return Domain(
        key="indirectness", title="Indirectness", evidence=text, numbers={"studies": counts}
    )


def _imprecision(evidence: Evidence) -> Domain:
    """Width of the confidence interval, and whether it includes zero or the value of interest."""
    fit = evidence.fit
    ends = [back_transform(end, fit.measure) for end in (fit.ci_low, fit.ci_high)]
    known = {"0": _across(fit.ci_low, fit.ci_high, 0.0),
             _value(evidence): _across(fit.ci_low, fit.ci_high, _scaled(evidence))}  # fmt: skip
    inside = [name for name, is_in in known.items() if is_in]
    says = f"includes {listed(inside)}" if inside else f"includes neither {listed(known, 'nor')}"
    is_r = fit.measure != "generic"
    text = (
        f"{level_text(fit.level)} CI {interval(fit.ci_low, fit.ci_high, fit.measure)}, "
        f"{number(ends[1] - ends[0], 2, correlation=is_r)} wide, {says}"
    )
    people = fit.n_participants
    text += f"; {count_text(people, 'participant')}." if people else "."
    return Domain(
        key="imprecision",
        title="Imprecision",
        evidence=text,
        numbers={"ci_low": ends[0], "ci_high": ends[1], "width": ends[1] - ends[0],
                 "includes_zero": known["0"], "includes_value": list(known.values())[-1],
                 "n_participants": people or None},
    )  # fmt: skip


def _publication_bias(evidence: Evidence) -> Domain:
    """Asymmetry, the range of adjusted means, and how many effects were not published."""
    parts, numbers = [], dict[str, Any]()
    found = evidence.bias
    egger = (
        next((r for r in found.results.values() if isinstance(r, Egger)), None) if found else None
    )
    if egger is not None:
        numbers["egger_p"] = egger.p_value
        parts.append(
            f"Egger’s test: t({df_text(egger.df)}) = {number(egger.statistic, 2)}, "
            f"p {p_text(egger.p_value)}"
        )
    means = [m for _, m in _adjusted_means(evidence)]
    if means:
        low, high = min(means), max(means)
        is_r = evidence.fit.measure != "generic"
        ends = [number(v, 2, correlation=is_r) for v in (low, high)]
        parts.append(f"means adjusted for bias from {ends[0]} to {ends[1]}")
        numbers |= {"adjusted_low": low, "adjusted_high": high}
    frame = evidence.coded.frame
    if "source" in frame and frame["source"].notna().any():
        grey = frame.loc[frame["source"].isin(["unpublished", "dissertation"]), "study"].nunique()
        numbers["n_unpublished"] = int(grey)
        parts.append(f"{count_text(grey, 'study is', 'studies are')} unpublished or a dissertation")
    return Domain(
        key="publication_bias",
        title="Publication bias",
        evidence=f"{'; '.join(parts)}." if parts else "It was not examined.",
        numbers=numbers,
    )


def _adjusted_means(evidence: Evidence) -> list[tuple[str, float]]:
    """Means adjusted for bias with their methods."""
    if evidence.bias is None:
        return []
    found = []
    for applied in evidence.bias.summary.applied:
        term = None if applied.result is None else evidence.bias.summary.mean_of(applied)
        if term is not None and np.isfinite(term.estimate):
            found.append((applied.title, back_transform(term.estimate, evidence.fit.measure)))
    return found


def _size(fit: PooledFit) -> str:
    """What speaks for rating up: the size of the mean; gradients are for people."""
    mean = f"{noun(fit.measure)} {effect(fit.estimate, fit.measure)}"
    return f"Pooled {mean}; a gradient is for people to judge."
