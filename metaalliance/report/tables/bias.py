"""Publication bias as tables, a workbook and a JSON document."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from metaalliance.models.scale import back_transform
from metaalliance.publication_bias.beta_selection import BetaSelectionModel
from metaalliance.publication_bias.fail_safe import FailSafeN
from metaalliance.publication_bias.result import BiasResult, Term
from metaalliance.publication_bias.selection import SelectionModel
from metaalliance.publication_bias.selection_result import (
    MILD,
    MILD_SOURCE,
    SelectionResult,
    weight_text,
)
from metaalliance.publication_bias.summary import BiasSummary
from metaalliance.publication_bias.trim_and_fill import TrimAndFill
from metaalliance.report.tables.bias_average import average_sheets
from metaalliance.report.tables.pooling import problem_rows
from metaalliance.report.tables.table import Field, Table, effect_field, with_limits
from metaalliance.wording.phrases import typographic


def tests_table(found: BiasSummary) -> Table:
    """Every test for publication bias or small-study effects."""
    rows = [
        {
            "method": name,
            "what": typographic(term.name),
            "k": k,
            "estimate": term.estimate,
            "statistic": _statistic(term),
            "p_value": term.p_value,
        }
        for name, term, _, k in found.tests()
    ]
    return Table(
        title="Tests for publication bias and small-study effects",
        fields=(
            Field(key="method", title="Method"),
            Field(key="what", title="Tested", optional=True),
            Field(key="k", title="Effects", kind="count"),
            Field(key="estimate", title="Value", kind="number"),
            Field(key="statistic", title="Statistic", kind="interval"),
            Field(key="p_value", title="p", kind="p"),
        ),
        rows=tuple(rows),
        name="bias-tests",
    )


def adjusted_table(found: BiasSummary) -> Table:
    """Means adjusted for publication bias beside the one that is not."""
    is_r = found.measure != "generic"
    rows = [
        {
            **with_limits(term.on("r", found.measure), correlation=is_r),
            "method": name,
            "m": m,
            "k": k,
        }
        for name, term, m, k in found.adjusted()
    ]
    return Table(
        title="Means adjusted for publication bias, side by side",
        fields=(
            Field(key="method", title="Method"),
            Field(key="m", title="Studies", kind="count"),
            Field(key="k", title="Effects", kind="count"),
            effect_field("estimate", is_r=is_r),
            Field(key="ci", title=f"{found.level:.0%} CI", kind="interval"),
            Field(key="p_value", title="p", kind="p"),
        ),
        rows=tuple(rows),
        notes=(
            "No single one is right: what matters is how far they agree.",
            *((f"{MILD} ({MILD_SOURCE}).",) if found.models else ()),
        ),
        name="bias-adjusted",
    )


def weights_table(found: BiasSummary) -> Table | None:
    """The weight function of every selection model; None without one."""
    rows: list[dict[str, Any]] = []
    for name, result in found.results.items():
        if isinstance(result, SelectionModel):
            columns = (result.intervals(), result.counts, result.weights)
            for i, ((low, high), n, weight) in enumerate(zip(*columns, strict=True)):
                ends = (float(result.weights_low[i]), float(result.weights_high[i]))
                rows.append({"method": name, "p": f"{low:g} to {high:g}", "k": n,
                             **_weight(float(weight), *ends)})  # fmt: skip
        if isinstance(result, BetaSelectionModel):
            for row in result.weight_rows():
                if result.smallest_p <= row["p"] <= 1 - result.smallest_p:
                    rows.append({"method": name, "p": f"{row['p']:g}", "k": None,
                                 **_weight(row["weight"], row["ci_low"], row["ci_high"])}
                    )  # fmt: skip
    if not rows:
        return None
    return Table(
        title="Selection weights: how likely a result is to be seen, by its one-sided p",
        fields=(
            Field(key="method", title="Model"),
            Field(key="p", title="p"),
            Field(key="k", title="Effects", kind="count"),
            Field(key="weight", title="Weight", kind="interval"),
            Field(key="ci", title=f"{found.level:.0%} CI", kind="interval"),
        ),
        rows=tuple(rows),
        notes=("Beside results of the first interval; of the beta model beside p = .5.",),
        name="selection-weights",
    )


def _weight(weight: float, low: float, high: float) -> dict[str, str]:
    """A weight with its limits, as text."""
    ends = "–" if math.isnan(low) else f"[{weight_text(low)}, {weight_text(high)}]"
    return {"weight": weight_text(weight), "ci": ends}


def models_table(found: BiasSummary) -> Table | None:
    """The declared set of selection models, penalised or not; None without any."""
    is_r = found.measure != "generic"
    rows: list[dict[str, Any]] = []
    for model in found.models:
        result = model.result
        if result is None:
            rows.append({"method": model.name, "penalty": model.penalty, "ci": "refused"})
            continue
        mean, drawn = result.adjusted(), result.bootstrap
        values = {} if mean is None else mean.on("r", result.measure)
        lost = "–" if drawn is None else f"{drawn.failed:,} of {drawn.replications:,}"
        errors = "robust errors" if result.errors == "cluster-robust" else "errors"
        rows.append(
            {
                **(with_limits(values, correlation=is_r) if values else {"ci": "–"}),
                "method": model.name,
                "penalty": model.penalty,
                "tau": math.sqrt(result.tau2),
                "half": weight_text(result.weight_half()),
                "p_value": result.test_p_value,
                "limits": errors if drawn is None else "bootstrap",
                "test": _TESTS[result.test],
                "lost": lost,
            }
        )
    if not rows:
        return None
    return Table(
        title="Selection models, penalised or not",
        fields=(
            Field(key="method", title="Model"),
            Field(key="penalty", title="Penalty"),
            effect_field("estimate", is_r=is_r),
            Field(key="ci", title=f"{found.level:.0%} CI", kind="interval"),
            Field(key="tau", title="τ", kind="number"),
            Field(key="half", title="p .5 seen", kind="interval"),
            Field(key="limits", title="Limits"),
            Field(key="p_value", title="p of no selection", kind="p"),
            Field(key="test", title="Test"),
            Field(key="lost", title="Samples lost", kind="interval"),
        ),
        rows=tuple(rows),
        notes=(
            "“p .5 seen”: how likely a result with p = .5 is to be seen, beside one with p = .01. "
            "“Samples lost”: bootstrap samples without estimates.",
            "Limits of a bootstrap or of standard errors (of the likelihood, or cluster-robust), "
            "and p of a likelihood ratio (LR) or cluster-robust Wald test, are not alike: compare "
            "rows with the same.",
            *(
                f"{m.name}, penalty {m.penalty}: {m.reason}"
                for m in found.models
                if m.result is None
            ),
        ),
        name="selection-models",
    )


_TESTS = {"likelihood-ratio": "LR", "cluster-robust-wald": "Wald", "none": "–"}


def moderated_table(found: BiasSummary) -> Table | None:
    """Coefficients of selection models with moderators; None where none has any."""
    rows = []
    for name, result in found.results.items():
        if isinstance(result, SelectionResult) and (result.moderated or len(result.names) > 1):
            mean = result.coefficients() if len(result.names) > 1 else ()
            for term in (*mean, *result.moderated):
                what = f"mean: {term.name}" if term in mean else term.name
                rows.append({"method": name, **with_limits(asdict(term), correlation=False),
                             "what": what})  # fmt: skip
    if not rows:
        return None
    return Table(
        title="Moderators in selection models",
        fields=(
            Field(key="method", title="Model"),
            Field(key="what", title="Coefficient"),
            Field(key="estimate", title="b", kind="number"),
            Field(key="ci", title=f"{found.level:.0%} CI", kind="interval"),
            Field(key="p_value", title="p", kind="p"),
        ),
        rows=tuple(rows),
        notes=("On the scale of the analysis (mean) and of natural logarithms (tau², weights).",),
        name="selection-moderators",
    )


def fail_safe_table(found: BiasSummary) -> Table | None:
    """Fail-safe N in its three versions; None where it was refused."""
    result = next((r for r in found.results.values() if isinstance(r, FailSafeN)), None)
    if result is None:
        return None
    rows = tuple({"version": t.name, "n": t.estimate} for t in result.terms())
    return Table(
        title="Fail-safe N",
        fields=(
            Field(key="version", title="Version"),
            Field(key="n", title="Null results", kind="count"),
        ),
        rows=rows,
        name="fail-safe-n",
    )


def reading_lines(found: BiasSummary) -> list[str]:
    """Sentences under the tables: rules that were applied, what not to lean on, settings."""
    readings = []
    for a in found.applied:
        if a.result is not None and (a.method.told or isinstance(a.result, SelectionResult)):
            lead = "" if isinstance(a.result, FailSafeN) else f"{a.name}: "
            readings.append(f"{lead}{a.result.reading()}")
    for methods, settings, reason in found.not_taken():
        verb = "does" if len(methods) == 1 else "do"
        names = ", ".join(a.name for a in methods)
        readings.append(f"{names} {verb} not take {', '.join(settings)}: {reason}.")
    return readings


def bias_sheets(found: BiasSummary, settings: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return the sheets of bias.xlsx, at full precision."""
    terms = [
        r.to_frame().assign(method=name, r=_back(r), scale=r.measure)
        for name, r in found.results.items()
    ]
    frame = pd.concat(terms, ignore_index=True)
    first = ["method", "term", "estimate", "r"]
    tests = pd.DataFrame(
        [{"method": n, **t.on("analysis", found.measure)} for n, t, _, _ in found.tests()]
    ).rename(columns={"name": "tested"})
    sheets: dict[str, Any] = {
        "Adjusted": _adjusted_frame(found),
        "Tests": tests,
        "All results": frame[[*first, *(c for c in frame.columns if c not in first)]],
    }
    weights, filled = _weights_frame(found), _filled_frame(found)
    sheets |= {"Weights": weights} if len(weights) else {}
    if found.models:
        sheets["Selection models"] = pd.json_normalize([m.to_dict() for m in found.models])
    sheets |= {"Filled effects": filled} if len(filled) else {}
    sheets |= average_sheets(found)
    sheets["Readings"] = [("reading",), *((line,) for line in reading_lines(found))]
    sheets["Problems"] = pd.DataFrame(problem_rows(found.notices), columns=_PROBLEM_COLUMNS)
    sheets["Settings"] = [("setting", "value"), *settings]
    return sheets


_PROBLEM_COLUMNS = ["code", "severity", "message", "hint"]


def _statistic(term: Term) -> str:
    if math.isnan(term.statistic):
        return "–"
    return term.statistic_text()


def _back(result: BiasResult) -> list[float]:
    """Correlations of the effects of a result, missing for other quantities."""
    is_r = result.measure != "generic"
    return [
        back_transform(t.estimate, result.measure) if is_r and t.kind == "effect" else math.nan
        for t in result.terms()
    ]


def _adjusted_frame(found: BiasSummary) -> pd.DataFrame:
    """Adjusted means on the analysis scale, with r beside them."""
    frame = found.to_frame()
    if found.measure == "generic":
        return frame
    back = found.to_frame(scale="r")[["estimate", "ci_low", "ci_high"]].add_prefix("r_")
    return pd.concat([frame, back], axis=1)


def _weights_frame(found: BiasSummary) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for name, result in found.results.items():
        if isinstance(result, SelectionModel):
            rows += [{"method": name, **row} for row in result.details()["weights"]]
        if isinstance(result, BetaSelectionModel):
            named = zip("ab", result.weights.tolist(), result.weights_se.tolist(), strict=True)
            rows += [{"method": name, "parameter": n, "weight": w, "se": s} for n, w, s in named]
            rows += [{"method": name, **row} for row in result.weight_rows()]
    return pd.DataFrame(rows)


def _filled_frame(found: BiasSummary) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"method": name, "side": r.side, "yi": r.filled_yi, "vi": r.filled_vi})
        for name, r in found.results.items()
        if isinstance(r, TrimAndFill) and r.k0 > 0
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
