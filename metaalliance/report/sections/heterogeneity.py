"""Heterogeneity in a report: by level, relative to the mean, and under other assumptions."""

from __future__ import annotations

from typing import Any

from metaalliance.models.multilevel_fit import MultilevelFit
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import back_transform
from metaalliance.report.manuscript.document import Block
from metaalliance.report.manuscript.phrases import DIGITS
from metaalliance.report.manuscript.prose import prose
from metaalliance.report.tables.table import Field, Table
from metaalliance.wording.numbers import limits, number
from metaalliance.wording.phrases import assumed_text, capital, level_text, share_text

_MEASURES = ("CVH1", "CVH2", "M1", "M2")
_LEVELS = {"total": "Total", "study": "Between studies", "effect": "Within studies"}


def heterogeneity_blocks(fit: PooledFit) -> list[Block]:
    """Return tables of the heterogeneity, each with its sentence; none where there is no tau²."""
    if fit.Q_df < 1 or fit.model == "common-effect":
        return []
    content = fit.heterogeneity()
    blocks: list[Block] = [
        prose("{table:heterogeneity} gives the heterogeneity by level and relative to the mean."),
        _by_level(fit, content),
    ]
    if isinstance(fit, MultilevelFit) and fit.model == "che":
        blocks += [
            prose(
                "*Q*, τ, *I*², the prediction interval and the share of positive effects rest on "
                "the assumed correlation of the sampling errors, which {table:assumed} changes."
            ),
            _assumed(fit, content["sensitivity"]),
        ]
    return blocks


def _by_level(fit: PooledFit, content: dict[str, Any]) -> Table:
    """One row for the total and each level: variance, I², CVH and M."""
    variances = {"total": fit.tau2, **(content["sigma2"] if len(content["sigma2"]) > 1 else {})}
    shares = {**content["I2_levels"], "total": fit.I2}
    rows = []
    for name, variance in variances.items():
        found = content["relative"][name]
        row: dict[str, Any] = {"level": _LEVELS.get(name, capital(name)), "variance": variance}
        row |= {"I2": shares[name], "indented": name != "total"}
        for measure in _MEASURES:
            ends = limits(found[f"{measure}_ci_low"], found[f"{measure}_ci_high"], DIGITS)
            shown = number(found[measure], DIGITS)
            row[measure] = shown if ends == "–" else f"{shown} {ends}"
        rows.append(row)
    return Table(
        name="heterogeneity",
        title="Heterogeneity of the Main Analysis",
        fields=(
            Field(key="level", title="Level"),
            Field(key="variance", title="Variance", kind="number", digits=4),
            Field(key="I2", title="I² %", kind="percent", digits=0),
            *(Field(key=measure, title=measure, kind="interval") for measure in _MEASURES),
        ),
        rows=tuple(rows),
        notes=(
            "CVH1 = τ over the size of the mean, M1 = τ over their sum; CVH2 and M2 the same of "
            f"the squares. {level_text(fit.level)} intervals are those of the variance, the mean "
            "at its estimate.",
        ),
    )


def _assumed(fit: PooledFit, found: list[dict[str, Any]]) -> Table:
    """One row for each correlation of the sampling errors."""
    is_r = fit.measure != "generic"
    rows = []
    for one in found:
        shown = assumed_text(fit.settings() if one["as_set"] else one)
        low, high = (back_transform(one[end], fit.measure) for end in ("pi_low", "pi_high"))
        rows.append(
            {
                **one,
                "rho": f"{shown} (as set)" if one["as_set"] else shown,
                "estimate": back_transform(one["estimate"], fit.measure),
                "pi": limits(low, high, DIGITS, correlation=is_r),
                "above": share_text(one["above_zero"]),
            }
        )
    return Table(
        name="assumed",
        title="What Rests on the Assumed Correlation of Sampling Errors",
        fields=(
            Field(key="rho", title="ρ"),
            Field(key="estimate", title="Mean", kind="r" if is_r else "number", digits=DIGITS),
            Field(key="Q", title="Q", kind="number", digits=2),
            Field(key="Q_p_value", title="p", kind="p"),
            Field(key="tau", title="τ", kind="number", digits=DIGITS),
            Field(key="I2", title="I² %", kind="percent", digits=0),
            Field(key="pi", title=f"{level_text(fit.level)} PI", kind="interval"),
            Field(key="above", title="Above zero"),
        ),
        rows=tuple(rows),
        notes=("PI = prediction interval; above zero = share of true effects above zero.",),
    )
