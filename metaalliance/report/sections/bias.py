"""Publication bias: what each method assumes, found, and cannot say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import singledispatch
from typing import Any

from metaalliance.analysis.content import BiasEvidence
from metaalliance.models.checks import FEW_DF
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import back_transform
from metaalliance.publication_bias.applied import Applied
from metaalliance.publication_bias.egger import Egger
from metaalliance.publication_bias.pet_peese import PetPeese
from metaalliance.publication_bias.result import BiasResult, Term
from metaalliance.publication_bias.selection import SelectionModel
from metaalliance.publication_bias.selection_result import MILD
from metaalliance.publication_bias.trim_and_fill import TrimAndFill
from metaalliance.report.manuscript.document import Block, Section
from metaalliance.report.manuscript.phrases import (
    DIGITS,
    degrees_text,
    effect,
    in_words,
    interval,
    noun,
    p_phrase,
    test_phrase,
)
from metaalliance.report.manuscript.prose import Prose, joined, listed, prose
from metaalliance.report.tables.bias import models_table, tests_table
from metaalliance.report.tables.table import Field, Table, effect_field
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import agreeing, count_text, df_text, level_text, typographic

FEW_STUDIES = 10
_TESTS = "Tests for Publication Bias and Small-Study Effects"


def bias_section(fit: PooledFit, found: BiasEvidence | None) -> Section:
    """Return methods and results; empty when bias was not examined."""
    if found is None or not found.results:
        return Section(key="bias", title="Publication bias")
    results: list[Block] = [_few_studies(fit)] if fit.n_studies < FEW_STUDIES else []
    results += [joined(_told(a.result, a.title) for a in _computed(found) if a.result)]
    results += [_adjusted_text(fit, found), adjusted_table(fit, found), *_tests(found)]
    models = models_table(found.summary)
    if models is not None:
        text = "Selection models with and without a penalty stand in {table:selection-models}."
        results += [prose(text), models]
    return Section(
        key="bias",
        title="Publication bias",
        methods=(_methods(fit, found),),
        results=tuple(block for block in results if block),
    )


def _computed(found: BiasEvidence) -> list[Applied]:
    return [a for a in found.summary.applied if a.result is not None]


def _methods(fit: PooledFit, found: BiasEvidence) -> Prose:
    """What was done, method by method, with the settings that a method has no place for."""
    groups: dict[object, list[Applied]] = {}
    for a in _computed(found):
        groups.setdefault(a.method.function, []).append(a)
    parts = [
        prose(
            "Small-study effects, of which publication bias is one possible cause, were examined "
            "by {n}.",
            n="one method" if len(groups) == 1 else f"{in_words(len(groups))} methods",
        )
    ]
    parts += [_method(group, fit) for group in groups.values()]
    parts += [_on_fisher_z(fit, found), _averaged(found), _not_taken(found)]
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


def _method(group: Sequence[Applied], fit: PooledFit) -> Prose:
    """The sentence of a method from the register, with what its results add, and references."""
    method = group[0].method
    results = [a.result for a in group if a.result is not None]
    cited = "; ".join(f"@{key}" for key in method.references)
    template = f"{method.sentence}{{more}}{f' [{cited}]' if cited else ''}."
    return prose(template, name=method.title, more=_details(results[0], results, fit))


def _on_fisher_z(fit: PooledFit, found: BiasEvidence) -> Prose:
    """Which methods ran on Fisher z beside an analysis on the scale of r."""
    done = [a for a in _computed(found) if a.result and a.result.measure != fit.measure]
    if not done:
        return Prose()
    return prose(
        "Since the precision of a correlation depends on the correlation itself, {methods} ran on "
        "Fisher’s *z*, and their means were transformed back to *r*.",
        methods=listed(_lower(a.title) for a in done),
    )


def _averaged(found: BiasEvidence) -> Prose:
    """Which methods had one averaged effect per study."""
    done = [a for a in _computed(found) if a.result and a.result.aggregation_rho is not None]
    rho = found.summary.aggregation_rho
    if not done or rho is None:
        return Prose()
    nested = found.summary.fit.effects.overlap == "nested"
    return prose(
        "For {methods}, effects were first averaged within studies (ρ = {rho}{nested}), since "
        "these methods take independent effects.",
        nested=", times √(smaller n/larger n)" if nested else "",
        methods=listed(_lower(a.title) for a in done),
        rho=number(rho, 2, correlation=True),
    )


def _not_taken(found: BiasEvidence) -> Prose:
    """Settings of the main analysis that a method has no place for, with the reason."""
    groups = [
        f"{listed(settings)} for {listed(_lower(a.title) for a in methods)} ({reason})"
        for methods, settings, reason in found.summary.not_taken()
    ]
    if not groups:
        return Prose()
    return prose(
        "Settings of the main analysis that have no place in the definition of a method were not "
        "used there: {groups}.",
        groups="; ".join(groups),
    )


@singledispatch
def _details(_result: BiasResult, _all: Sequence[BiasResult], _fit: PooledFit) -> Prose:
    """How a method was applied, from its first result and all of them."""
    return Prose()


@_details.register
def _egger_details(result: Egger, _all: Sequence[BiasResult], fit: PooledFit) -> Prose:
    return _by_size(result) + _egger_model(result, fit)


def _by_size(result: Egger) -> Prose:
    """Say that variances which rest on the effects did not stand for the size of studies."""
    if not result.by_size:
        return Prose()
    return prose(
        ", with 1/√(effective *n*) and 1/(effective *n*) in place of standard error and variance, "
        "which depend on the effects here"
    )


def _egger_model(result: Egger, fit: PooledFit) -> Prose:
    if (result.model, result.test) != (fit.model, fit.test):
        return prose(", in a {model} model", model=result.model)
    if fit.effects.dependent() and result.test.startswith("cr"):
        return prose(
            ", in the model of the main analysis with its cluster-robust test, so that effects of "
            "one study are not taken as independent"
        )
    return prose(", in the model of the main analysis")


@_details.register
def _pet_details(result: PetPeese, _all: Sequence[BiasResult], fit: PooledFit) -> Prose:
    rule = number(result.switch_p, 2, correlation=True)
    if result.pet.model == "classical":
        where = "by classical weighted least squares, as its authors define it"
    else:
        same = (result.pet.model, result.pet.test) == (fit.model, fit.test)
        where = "in the model of the main analysis" if same else f"in a {result.pet.model} model"
    text = prose(f", by the rule of one-sided *p* < {{rule}}, {where}", rule=rule)
    return text + _by_size(result.pet)


@_details.register
def _selection_details(
    result: SelectionModel, results: Sequence[SelectionModel], _fit: PooledFit
) -> Prose:
    steps = [listed(number(s, 3, correlation=True) for s in r.steps) for r in results]
    robust = ""
    if result.errors == "cluster-robust":
        robust = "; since effects of one study depend on each other, its standard errors and the "
        robust += "test of selection are cluster-robust [@pustejovsky2025]"
    drawn = result.bootstrap
    if drawn is not None:
        robust += f", and its limits are {drawn.text()}"
    joint = "; in a second model at "
    return prose(
        f", with cut points at {{steps}}{robust}; estimated with {{penalty}}",
        steps=joint.join(steps),
        penalty="no penalty" if result.penalty == "none" else "a weak penalty",
    )


def _reading(result: BiasResult, title: str) -> Prose:
    return prose("{title}: {text}", title=title, text=typographic(result.reading()))


#: What a method found; those that have no words of their own for it are read out.
_told = singledispatch(_reading)


def _tests(found: BiasEvidence) -> list[Block]:
    """Every test in a table."""
    table = replace(tests_table(found.summary), title=_TESTS)
    return [prose("All tests stand in {table:bias-tests}."), table] if table.rows else []


def _few_studies(fit: PooledFit) -> Prose:
    return prose(
        "With {n} these methods can hardly tell bias from chance, and a result without a sign of "
        "bias is no reassurance.",
        n=f"only {in_words(fit.n_studies)} studies",
    )


@_told.register
def _egger_text(result: Egger, _title: str) -> Prose:
    shown = result.p_value < 1 - result.level
    size = "larger" if result.slope > 0 else "smaller"
    if shown:
        of = "Smaller studies" if result.by_size else "Studies with larger standard errors"
        lead = f"{of} reported {size} effects"
    else:
        lead = "The regression test did not show funnel asymmetry"
    text = prose(
        f"{lead}, {{b}} = {{slope}}, {{level}} CI {{ci}}, {{test}}.",
        b=prose("*b*"),
        slope=number(result.slope, DIGITS),
        level=level_text(result.level),
        ci=f"[{number(result.ci_low, DIGITS)}, {number(result.ci_high, DIGITS)}]",
        test=test_phrase(result.statistic, result.df, result.p_value),
    )
    if shown:
        text = text + prose("Asymmetry can have causes other than publication bias.")
    return text + _few_df(result.df)


def _few_df(df: float) -> Prose:
    if not df < FEW_DF:
        return Prose()
    return prose("With {df} this test is not trustworthy.", df=degrees_text(df))


@_told.register
def _pet_text(result: PetPeese, _title: str) -> Prose:
    term = result.adjusted()
    rule = "differed" if result.chosen == "PEESE" else "did not differ"
    return prose(
        f"The limit of PET {rule} from zero (one-sided {{p}}), so that {result.chosen} was taken; "
        "its estimate was {estimate}.",
        p=p_phrase(result.switch_p_value),
        estimate=_term_phrase(term, result),
    ) + _few_df(term.df)


@_told.register
def _selection_text(result: SelectionModel, title: str) -> Prose:
    if result.steps[1:]:
        return _reading(result, title)
    weight = float(result.weights[-1])
    text = prose(
        "In the selection model, results with one-sided *p* above {step} were estimated "
        "to be {weight} times as likely to be reported as those below, {level} CI {ci}{test}; "
        "its estimate was {estimate}.",
        step=number(result.steps[-1], 3, correlation=True),
        weight=number(weight, DIGITS),
        level=level_text(result.level),
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


@_told.register
def _fill_text(result: TrimAndFill, title: str) -> Prose:
    if result.k0 == 0:
        return prose("{name} added no study.", name=title)
    measure = result.measure
    less = back_transform(result.fit.estimate, measure) < back_transform(
        result.observed.estimate, measure
    )
    side = "lower" if result.side == "left" else "upper"
    before, after = (effect(fit.estimate, measure) for fit in (result.observed, result.fit))
    if before == after:
        change = "leaves the estimate at {after}"
    else:
        change = f"{'lowers' if less else 'raises'} the estimate from {{before}} to {{after}}"
    return prose(
        f"{{name}} added {{n}} on the {side} side, which {change}; {{what}} and no data.",
        name=title,
        what=agreeing(
            result.k0,
            "the added study is a mirror image",
            "the added studies are mirror images",
        ),
        n=count_text(result.k0, "study", "studies"),
        before=before,
        after=after,
    )


def _term_phrase(term: Term | None, result: BiasResult) -> Prose:
    if term is None:
        return Prose()
    lead = "*r* = " if result.measure != "generic" else ""
    return prose(
        f"{lead}{{mean}}, {{level}} CI {{ci}}",
        mean=effect(term.estimate, result.measure),
        level=level_text(result.level),
        ci=interval(term.ci_low, term.ci_high, result.measure),
    )


def _adjusted(found: BiasEvidence) -> list[tuple[str, Term, BiasResult]]:
    rows = []
    for a in _computed(found):
        term = found.summary.mean_of(a)
        if a.result and term is not None:
            rows.append((a.title, term, a.result))
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
    if found.summary.models:
        text = text + prose(f"{MILD} [@pustejovsky2025].")
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
    """Return a title as it stands inside a sentence."""
    if name.endswith("model") or name.startswith(("Regression", "Rank", "Test", "Step")):
        return f"the {name[:1].lower()}{name[1:]}"
    kept = name[:1] if name.startswith(("PET", "Henmi")) else name[:1].lower()
    return f"{kept}{name[1:]}"


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
            effect_field(digits=DIGITS, is_r=is_r),
            Field(key="ci", title=f"{level_text(fit.level)} CI", kind="interval"),
            Field(key="p_value", title="p", kind="p"),
        ),
        rows=tuple(rows),
    )  # fmt: skip
