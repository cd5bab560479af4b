"""Results by the names that fields of a template call them, each as the report prints it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from metaalliance.analysis.evidence import Evidence
from metaalliance.report.manuscript.document import Document
from metaalliance.report.manuscript.phrases import DIGITS, effect, interval, test_phrase
from metaalliance.wording.numbers import limits, number, p_text
from metaalliance.wording.phrases import percent_text, share_text

#: What each name holds; documentation and the example are made of it.
NAMES = {
    "title": "Title of the review",
    "authors": "Authors",
    "k": "Number of studies",
    "effects": "Number of effects",
    "participants": "Number of participants",
    "years": "First and last year of publication",
    "r": "Pooled correlation (or effect)",
    "ci": "Its confidence interval",
    "test": "Its test with degrees of freedom and p",
    "p": "Its p-value with = or <",
    "pi": "Prediction interval",
    "above_zero": "Share of true effects above zero",
    "tau": "Standard deviation of the true effects",
    "tau_ci": "Its confidence interval",
    "I2": "I² with the sign of percent",
    "Q": "Cochran’s Q with degrees of freedom and p",
}


def template_values(
    evidence: Evidence, document: Document, results: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the values of `NAMES`, and `results`, the document of results.json.

    Parameters
    ----------
    results : mapping
        Numbers at full precision, for fields such as ``{{ results.pooled.r.estimate|r(3) }}``.
    """
    fit = evidence.fit
    low, high = (math.sqrt(max(end, 0.0)) for end in fit.tau2_ci())
    people = fit.n_participants
    years = evidence.coded.frame["year"].dropna() if "year" in evidence.coded.frame else ()
    span = f"{int(min(years))}–{int(max(years))}" if len(years) else "–"
    return {
        "title": document.title,
        "authors": document.authors,
        "k": f"{fit.n_studies:,}",
        "effects": f"{fit.n_effects:,}",
        "participants": f"{people:,}" if people else "–",
        "years": span,
        "r": effect(fit.estimate, fit.measure),
        "ci": interval(fit.ci_low, fit.ci_high, fit.measure),
        "test": _test(evidence),
        "p": p_text(fit.p_value),
        "pi": interval(fit.pi_low, fit.pi_high, fit.measure),
        "above_zero": share_text(fit.share_above_zero().estimate),
        "tau": number(fit.tau, DIGITS),
        "tau_ci": limits(low, high, DIGITS),
        "I2": percent_text(fit.I2),
        "Q": f"Q({fit.Q_df:,}) = {number(fit.Q, 2)}, p {p_text(fit.Q_p_value)}",
        "results": results,
    }


def _test(evidence: Evidence) -> str:
    fit = evidence.fit
    if math.isnan(fit.statistic):
        return "–"
    return test_phrase(fit.statistic, fit.df, fit.p_value).plain()
