"""Publication bias: what each method assumes, found, and cannot say."""

from __future__ import annotations

import math
from typing import Any

from metaalliance.analysis.content import BiasEvidence
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import back_transform
from metaalliance.publication_bias.egger import Egger
from metaalliance.publication_bias.pet_peese import PetPeese
from metaalliance.publication_bias.result import BiasResult, Term
from metaalliance.publication_bias.selection import SelectionModel
from metaalliance.publication_bias.trim_and_fill import TrimAndFill
from metaalliance.report.manuscript.document import Block, Section
from metaalliance.report.manuscript.phrases import (
    DIGITS,
    count,
    df_text,
    effect,
    in_words,
    interval,
    level_name,
    noun,
    p_phrase,
    test_phrase,
)
from metaalliance.report.manuscript.prose import Prose, joined, listed, prose
from metaalliance.report.tables.table import Field, Table
from metaalliance.wording.numbers import number

FEW_STUDIES = 10
_FEW_DF = 4.0


def bias_section(fit: PooledFit, found: BiasEvidence | None) -> Section:
    """Return methods and results; empty when bias was not examined."""
    if found is None or not found.results:
        return Section(key="bias", title="Publication bias")
    results: list[Block] = [_few_studies(fit)] if fit.n_studies < FEW_STUDIES else []
    texts = [_RESULTS[type(r)](r) for r in found.results.values() if type(r) in _RESULTS]
    results += [joined(texts), _adjusted_text(fit, found), adjusted_table(fit, found)]
    return Section(
        key="bias",
        title="Publication bias",
        methods=(_methods(fit, found),),
        results=tuple(block for block in results if block),
    )


def _methods(fit: PooledFit, found: BiasEvidence) -> Prose:
    """What was done, method by method."""
    parts = [
        prose(
            "Small-study effects, of which publication bias is one possible cause, were examined "
            "by {n}.",
            n="one method"
            if len(found.results) == 1
            else f"{in_words(len(found.results))} methods",
        )
    ]
    parts += [_METHODS[type(r)](r, fit) for r in found.results.values() if type(r) in _METHODS]
    parts.append(
        prose(
            "The methods rest on different assumptions about how results are selected, and none of "
            "them can prove or rule out publication bias [@sterne2011]; adjusted estimates are "
            "sensitivity analyses."
        )
    )
    for name, reason in found.failed.items():
        parts.append(prose("{name} could not be computed: {reason}.", name=name,
                           reason=reason.rstrip(".")))  # fmt: skip
    return joined(parts)


def _egger_methods(result: BiasResult, fit: PooledFit) -> Prose:
    assert isinstance(result, Egger)
    lead = "Effects were regressed on their standard errors [@egger1997]"
    if result.model != fit.model:
        return prose(f"{lead}.")
    if fit.effects.dependent() and result.test.startswith("cr"):
        return prose(
            f"{lead}, in the model of the main analysis with its cluster-robust test, so that "
            "effects of one study are not taken as independent [@rodgers2021]."
        )
    return prose(f"{lead}, in the model of the main analysis.")


def _pet_methods(result: BiasResult, _: PooledFit) -> Prose:
    assert isinstance(result, PetPeese)
    return prose(
        "PET-PEESE [@stanley2014] extrapolates to a study without sampling error from a regression "
        "on the standard error (PET) or, where the limit of PET differs from zero (one-sided *p* < "
        "{p}), on the sampling variance (PEESE).",
        p=number(result.switch_p, 2, correlation=True),
    )


def _selection_methods(result: BiasResult, _: PooledFit) -> Prose:
    assert isinstance(result, SelectionModel)
    steps = listed(number(step, 3, correlation=True) for step in result.steps)
    robust = ""
    if result.errors == "cluster-robust":
        robust = "; since effects of one study depend on each other, its standard errors and the "
        robust += "test of selection are cluster-robust"
    return prose(
        "A selection model with a step at one-sided *p* = {steps} [@vevea1995] estimates how "
        f"likely results on either side are to be reported{robust}.",
        steps=steps,
    )


def _fill_methods(result: BiasResult, fit: PooledFit) -> Prose:
    assert isinstance(result, TrimAndFill)
    averaged = " to one averaged effect per study" if fit.effects.dependent() else ""
    return prose(
        f"Trim and fill ({{estimator}}) [@duval2000] was applied{averaged}.",
        estimator=result.estimator,
    )


def _few_studies(fit: PooledFit) -> Prose:
    return prose(
        "With {n} these methods can hardly tell bias from chance, and a result without a sign of "
        "bias is no reassurance.",
        n=f"only {in_words(fit.n_studies)} studies",
    )


def _egger_text(result: BiasResult) -> Prose:
    assert isinstance(result, Egger)
    shown = result.p_value < 1 - result.level
    size = "larger" if result.slope > 0 else "smaller"
    if shown:
        lead = f"Studies with larger standard errors reported {size} effects"
    else:
        lead = "The regression test did not show funnel asymmetry"
    text = prose(
        f"{lead}, {{b}} = {{slope}}, {{level}} CI {{ci}}, {{test}}.",
        b=prose("*b*"),
        slope=number(result.slope, DIGITS),
        level=level_name(result.level),
        ci=f"[{number(result.ci_low, DIGITS)}, {number(result.ci_high, DIGITS)}]",
        test=test_phrase(result.statistic, result.df, result.p_value),
    )
    if shown:
        text = text + prose("Asymmetry can have causes other than publication bias.")
    return text + _few_df(result.df)


def _few_df(df: float) -> Prose:
    if not df < _FEW_DF:
        return Prose()
    return prose("With {df} degrees of freedom this test is not trustworthy.", df=df_text(df))


def _pet_text(result: BiasResult) -> Prose:
    assert isinstance(result, PetPeese)
    term = result.adjusted()
    rule = "differed" if result.chosen == "PEESE" else "did not differ"
    return prose(
        f"The limit of PET {rule} from zero (one-sided {{p}}), so that {result.chosen} was taken; "
        "its estimate was {estimate}.",
        p=p_phrase(result.switch_p_value),
        estimate=_term_phrase(term, result),
    ) + _few_df(term.df)


def _selection_text(result: BiasResult) -> Prose:
    assert isinstance(result, SelectionModel)
    weight = float(result.weights[-1])
    text = prose(
        "In the selection model, results with one-sided *p* above {step} were estimated "
        "to be {weight} times as likely to be reported as those below, {level} CI {ci}{test}; "
        "its estimate was {estimate}.",
        step=number(result.steps[-1], 3, correlation=True),
        weight=number(weight, DIGITS),
        level=level_name(result.level),
        ci=f"[{number(float(result.weights_low[-1]), DIGITS)}, "
        f"{number(float(result.weights_high[-1]), DIGITS)}]",
        test=_selection_test(result),
        estimate=_term_phrase(result.adjusted(), result),
    )
    few = min(result.counts)
    if few < 4:
        text = text + prose(
            "Only {n} on one side of the step, so that this estimate is fragile.",
            n="one effect lay" if few == 1 else f"{in_words(few)} effects lay",
        )
    return text


def _selection_test(result: SelectionModel) -> Prose:
    if math.isnan(result.test_p_value):
        return Prose()
    if result.test == "likelihood-ratio":
        shape = prose("χ²({df})", df=f"{result.test_df}")
    else:
        shape = prose("*F*({a}, {b})", a=f"{result.test_df}", b=df_text(result.df))
    return prose(
        ", test of no selection {shape} = {value}, {p}",
        shape=shape,
        value=number(result.test_statistic, 2),
        p=p_phrase(result.test_p_value),
    )


def _fill_text(result: BiasResult) -> Prose:
    assert isinstance(result, TrimAndFill)
    if result.k0 == 0:
        return prose("Trim and fill added no study.")
    measure = result.measure
    less = back_transform(result.fit.estimate, measure) < back_transform(
        result.observed.estimate, measure
    )
    side = "lower" if result.side == "left" else "upper"
    return prose(
        f"Trim and fill added {{n}} on the {side} side, which {'lowers' if less else 'raises'} the "
        "estimate from {before} to {after}; the added studies are mirror images and no data.",
        n=count(result.k0, "study", "studies"),
        before=effect(result.observed.estimate, measure),
        after=effect(result.fit.estimate, measure),
    )


_METHODS = {
    Egger: _egger_methods,
    PetPeese: _pet_methods,
    SelectionModel: _selection_methods,
    TrimAndFill: _fill_methods,
}
_RESULTS = {
    Egger: _egger_text,
    PetPeese: _pet_text,
    SelectionModel: _selection_text,
    TrimAndFill: _fill_text,
}


def _term_phrase(term: Term | None, result: BiasResult) -> Prose:
    assert term is not None
    lead = "*r* = " if result.measure != "generic" else ""
    return prose(
        f"{lead}{{mean}}, {{level}} CI {{ci}}",
        mean=effect(term.estimate, result.measure),
        level=level_name(result.level),
        ci=interval(term.ci_low, term.ci_high, result.measure),
    )


def _adjusted(found: BiasEvidence) -> list[tuple[str, Term, BiasResult]]:
    rows = []
    for name, result in found.results.items():
        term = result.adjusted()
        if term is not None:
            rows.append((name, term, result))
    return rows


def _adjusted_text(fit: PooledFit, found: BiasEvidence) -> Prose:
    """How far the adjusted means lie from the mean, and whether they agree on its reading."""
    rows = _adjusted(found)
    if not rows:
        return Prose()
    measure = fit.measure
    low = min(rows, key=lambda row: row[1].estimate)
    high = max(rows, key=lambda row: row[1].estimate)
    text = prose(
        "Beside the unadjusted {noun} of {mean}, adjusted estimates ranged from {low} ({low_name}) "
        "to {high} ({high_name}; {table:bias}).",
        noun=noun(measure),
        mean=effect(fit.estimate, measure),
        low=effect(low[1].estimate, measure),
        low_name=_lower(low[0]),
        high=effect(high[1].estimate, measure),
        high_name=_lower(high[0]),
    )
    zero = [name for name, term, _ in rows if term.ci_low <= 0 <= term.ci_high]
    if not zero:
        return text + prose("The confidence interval of none of them includes zero.")
    if len(zero) == len(rows):
        return text + prose("The confidence interval of every one of them includes zero.")
    return text + prose(
        "The confidence {interval} of {some} {includes} zero.",
        interval="interval" if len(zero) == 1 else "intervals",
        some=listed(_lower(name) for name in zero),
        includes="includes" if len(zero) == 1 else "include",
    )


def _lower(name: str) -> str:
    if name.startswith("PET") or name == "Trim and fill":
        return name if name.startswith("PET") else "trim and fill"
    return f"the {name[:1].lower()}{name[1:]}"


def adjusted_table(fit: PooledFit, found: BiasEvidence) -> Table:
    """Return the mean beside its adjusted values."""
    is_r = fit.measure != "generic"
    rows: list[dict[str, Any]] = [
        {
            "name": "Not adjusted",
            "n_studies": fit.n_studies,
            "n_effects": fit.n_effects,
            "estimate": back_transform(fit.estimate, fit.measure),
            "ci": interval(fit.ci_low, fit.ci_high, fit.measure),
            "p_value": fit.p_value,
        }
    ]
    for name, term, result in _adjusted(found):
        chosen = f" ({result.chosen})" if isinstance(result, PetPeese) else ""
        rows.append(
            {
                "name": f"{name}{chosen}",
                "n_studies": result.n_studies,
                "n_effects": result.n_effects,
                "estimate": back_transform(term.estimate, fit.measure),
                "ci": interval(term.ci_low, term.ci_high, fit.measure),
                "p_value": term.p_value,
            }
        )
    return Table(
        name="bias",
        title=f"{noun(fit.measure).title()} Before and After Adjustment for Publication Bias",
        fields=(
            Field(key="name", title="Method"),
            Field(key="n_studies", title="Studies", kind="count"),
            Field(key="n_effects", title="Effects", kind="count"),
            Field(key="estimate", title="r" if is_r else "Estimate",
                  kind="r" if is_r else "number", digits=DIGITS),
            Field(key="ci", title=f"{level_name(fit.level)} CI", kind="interval"),
            Field(key="p_value", title="p", kind="p"),
        ),
        rows=tuple(rows),
    )  # fmt: skip
