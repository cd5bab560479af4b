"""A pooled result in words and columns; the only place of this layer that rounds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metaalliance.models.fits import PooledFit

MINUS = "\N{MINUS SIGN}"


def number(value: float, digits: int = 3, *, correlation: bool = False) -> str:
    """Return APA number text: real minus, no leading zero for correlations, no "−.00".

    Examples
    --------
    >>> number(0.2784, 3, correlation=True), number(-0.0001, 2), number(float("nan"))
    ('.278', '0.00', '–')
    """
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    text = f"{abs(value):.{digits}f}"
    negative = value < 0 and float(text) != 0
    if correlation and text.startswith("0."):
        text = text[1:]
    return (MINUS if negative else "") + text


def p_text(p: float) -> str:
    """Return "= .032" or "< .001"."""
    if math.isnan(p):
        return "= –"
    return "< .001" if p < 0.001 else f"= {number(p, 3, correlation=True)}"


def limits(low: float, high: float, digits: int = 3, *, correlation: bool = False) -> str:
    """Return "[.256, .299]"."""
    if math.isnan(low) or math.isnan(high):
        return "–"
    ends = (number(x, digits, correlation=correlation) for x in (low, high))
    return f"[{', '.join(ends)}]"


def summary_text(fit: PooledFit) -> str:
    """Return the fit as a block of lines below 80 columns."""
    lines = [_heading(fit), "", _mean_line(fit), *_scale_lines(fit), *_prediction_lines(fit)]
    lines += ["", *_heterogeneity_lines(fit)]
    for found in fit.notices:
        lines += ["", f"{found.severity}: {found.message} ({found.code})"]
    return "\n".join(lines)


def _heading(fit: PooledFit) -> str:
    people = f", {fit.n_participants:,} participants" if fit.n_participants else ""
    parts = [fit.model, str(fit.settings().get("tau2", "")), fit.test]
    if "rho" in fit.settings() and fit.model == "che":
        parts.insert(1, f"rho {number(fit.settings()['rho'], 2, correlation=True)}")
    effects = "effect" if fit.n_effects == 1 else "effects"
    studies = "study" if fit.n_studies == 1 else "studies"
    size = f"{fit.n_studies:,} {studies}, {fit.n_effects:,} {effects}{people}"
    return f"{size}\nModel: {', '.join(p for p in parts if p)}"


def _back(fit: PooledFit, value: float) -> float:
    return math.tanh(value) if fit.measure == "z" else value


def _mean_line(fit: PooledFit) -> str:
    is_r = fit.measure != "generic"
    name = "r" if is_r else "estimate"
    ends = limits(_back(fit, fit.ci_low), _back(fit, fit.ci_high), correlation=is_r)
    shape = "z" if math.isinf(fit.df) else f"t({number(fit.df, 1)})"
    test = f"{shape} = {number(fit.statistic, 2)}, p {p_text(fit.p_value)}"
    mean = number(_back(fit, fit.estimate), correlation=is_r)
    return f"Mean {name} = {mean}, {100 * fit.level:g}% CI {ends}, {test}"


def _scale_lines(fit: PooledFit) -> list[str]:
    if fit.measure != "z":
        return [f"(scale: {fit.measure}; se = {number(fit.se, 4)})"]
    return [
        f"(tanh of the mean Fisher z = {number(fit.estimate, 4)}, se = {number(fit.se, 4)};"
        f" mean of the true r = {number(fit.mean_r(), 3, correlation=True)})"
    ]


def _prediction_lines(fit: PooledFit) -> list[str]:
    if math.isnan(fit.pi_low):
        return []
    is_r = fit.measure != "generic"
    ends = limits(_back(fit, fit.pi_low), _back(fit, fit.pi_high), correlation=is_r)
    chance = number(100 * fit.probability_above(0.0), 0)
    return [f"{100 * fit.level:g}% prediction interval {ends}; {chance}% of true effects above 0"]


def _heterogeneity_lines(fit: PooledFit) -> list[str]:
    lines = [f"Heterogeneity: Q({fit.Q_df}) = {number(fit.Q, 2)}, p {p_text(fit.Q_p_value)}"]
    if math.isnan(fit.tau2):
        return lines
    content = fit.heterogeneity()
    spread = ""
    if not math.isnan(content["tau2_ci_low"]):
        spread = f" {limits(content['tau2_ci_low'], content['tau2_ci_high'], 4)}"
    lines.append(
        f"tau² = {number(fit.tau2, 4)}{spread}, tau = {number(fit.tau)},"
        f" I² = {number(100 * fit.I2, 1)}%, H² = {number(fit.H2, 2)}"
    )
    cis = content.get("sigma2_ci", {})
    components = content["sigma2"] if len(content["sigma2"]) > 1 else {}
    for name, value in components.items():
        ends = f" {limits(cis[name][0], cis[name][1], 4)}" if name in cis else ""
        where = _LEVELS.get(name, f"between levels of {name}")
        share = number(100 * content["I2_levels"][name], 1)
        lines.append(f"  {where}: {number(value, 4)}{ends}, I² = {share}%")
    return lines


_LEVELS = {"study": "between studies", "effect": "within studies"}
