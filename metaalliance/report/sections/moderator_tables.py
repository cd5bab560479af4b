"""The tables of moderators, and how moderators and their tests are called."""

from __future__ import annotations

import math
from typing import Any

from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import back_transform
from metaalliance.moderation.result import ModeratorTest
from metaalliance.moderation.slope import SlopeTest
from metaalliance.moderation.table import ModeratorTable
from metaalliance.report.manuscript.phrases import DIGITS, interval, p_phrase, title_case
from metaalliance.report.manuscript.prose import Prose, prose
from metaalliance.report.tables.few_df import few_df_notes, marked
from metaalliance.report.tables.moderators import mean_test
from metaalliance.report.tables.table import Field, Table, effect_field
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import capital, df_text, level_text, studies_text

Moderator = ModeratorTest | SlopeTest
_NAMES = {
    "modality": "treatment modality",
    "year": "year of publication",
    "delivery": "mode of delivery",
    "format": "treatment format",
    "source": "source of publication",
    "alliance_rater": "rater of the alliance",
    "alliance_time": "time of the alliance rating",
    "alliance_measure": "alliance measure",
    "outcome_rater": "rater of the outcome",
}


def moderator_name(column: str) -> str:
    """Return a moderator in words."""
    return _NAMES.get(column, column.replace("_", " ").strip())


def omnibus_phrase(omnibus: dict[str, Any]) -> Prose:
    """Return "F(6, 23.1) = 2.31, p = .068"."""
    df1, df2 = float(omnibus["df1"]), float(omnibus["df2"])
    symbol = prose("χ²") if math.isinf(df2) else prose("*F*")
    df = df_text(df1) if math.isinf(df2) else f"{df_text(df1)}, {number(df2, 1)}"
    return prose(
        "{symbol}({df}) = {value}, {p}",
        symbol=symbol,
        df=df,
        value=number(omnibus["statistic"], 2),
        p=p_phrase(omnibus["p_value"]),
    )


def moderators_table(found: ModeratorTable, fit: PooledFit) -> Table:
    """Return the table that papers print: moderators with their tests, levels below."""
    is_r = fit.measure != "generic"
    rows: list[dict[str, Any]] = []
    several = int(found.multiplicity["p_value"].notna().sum()) > 1
    adjusted = found.multiplicity.set_index("name")["p_holm"]
    for test in found.moderators:
        rows.append(
            {
                "name": marked(
                    capital(moderator_name(test.name)), float(test.omnibus["df2"]), mean_test(test)
                ),
                "n_studies": test.n_studies,
                "n_effects": test.n_effects,
                "test": "–" if math.isnan(test.p_value) else omnibus_phrase(test.omnibus).plain()
                .rpartition(", p ")[0],
                "p_value": test.p_value,
                "p_holm": float(adjusted[test.name]),
            }
        )  # fmt: skip
        rows += _slope_rows(test) if isinstance(test, SlopeTest) else _level_rows(test)
    fields = (
        Field(key="name", title="Moderator and level"),
        Field(key="n_studies", title="Studies", kind="count"),
        Field(key="n_effects", title="Effects", kind="count"),
        effect_field(digits=DIGITS, is_r=is_r),
        Field(key="ci", title=f"{level_text(fit.level)} CI", kind="interval"),
        Field(key="test", title="Test", kind="interval"),
        Field(key="p_value", title="p", kind="p"),
        *((Field(key="p_holm", title="Adjusted p", kind="p"),) if several else ()),
    )  # fmt: skip
    notes = "F or χ² compares the levels of a moderator."
    if any(isinstance(test, SlopeTest) for test in found.moderators):
        scale = " on the scale of Fisher’s z" if fit.measure == "z" else ""
        notes += f" Slopes are{scale or ' in the unit of the effects'}."
    few = [
        test.options["min_studies"]
        for test in found.moderators
        if isinstance(test, ModeratorTest) and not test.levels["tested"].astype(bool).all()
    ]
    if few:
        notes += f" Levels marked with † have fewer than {studies_text(max(few))}: counts only."
    return Table(
        name="moderators",
        title="Moderators of the Alliance–Outcome Association",
        fields=fields,
        rows=tuple({**_BLANK, **row} for row in rows),
        notes=(notes, *few_df_notes(str(row["name"]) for row in rows)),
    )


_BLANK: dict[str, Any] = {"test": "", "p_value": "", "p_holm": "", "estimate": "", "ci": ""}


def _level_rows(test: ModeratorTest) -> list[dict[str, Any]]:
    measure, kind = test.effects.measure, mean_test(test)
    rows = []
    for row in test.levels.to_dict("records"):
        rows.append(
            {
                "name": marked(f"{row['level']}{'' if row['tested'] else ' †'}", row["df"], kind),
                "indented": True,
                "n_studies": row["n_studies"],
                "n_effects": row["n_effects"],
                "estimate": back_transform(float(row["estimate"]), measure),
                "ci": interval(float(row["ci_low"]), float(row["ci_high"]), measure),
            }
        )
    return rows


def _slope_rows(test: SlopeTest) -> list[dict[str, Any]]:
    fit = test.fit
    ends = f"[{number(float(fit.ci_low[1]), 3)}, {number(float(fit.ci_high[1]), 3)}]"
    return [
        {
            "name": f"Slope {test.unit}: {number(float(fit.beta[1]), 3)}",
            "indented": True,
            "n_studies": "",
            "n_effects": "",
            "ci": ends,
        }
    ]


def contrast_table(test: ModeratorTest) -> Table:
    """Return every pairwise comparison of one moderator."""
    measure = test.effects.measure
    scale = " (Fisher’s z)" if measure == "z" else ""
    rows = tuple(
        {
            "pair": marked(f"{row['level_a']} − {row['level_b']}", row["df"], mean_test(test)),
            "estimate": row["estimate"],
            "ci": f"[{number(row['ci_low'], DIGITS)}, {number(row['ci_high'], DIGITS)}]",
            "df": row["df"],
            "p_value": row["p_value"],
            "p_adjusted": row["p_adjusted"],
        }
        for row in test.contrasts.to_dict("records")
    )
    level = level_text(test.options["level"])
    return Table(
        name=f"contrasts-{slug(test.name)}",
        title=f"Pairwise Comparisons by {title_case(moderator_name(test.name))}",
        fields=(
            Field(key="pair", title="Comparison"),
            Field(key="estimate", title=f"Difference{scale}", kind="number", digits=DIGITS),
            Field(key="ci", title=f"{level} CI", kind="interval"),
            Field(key="df", title="df", kind="number", digits=1),
            Field(key="p_value", title="p", kind="p"),
            Field(key="p_adjusted", title="Adjusted p", kind="p"),
        ),
        rows=rows,
        notes=(
            "Adjusted p-values after Holm. The confidence intervals are not adjusted.",
            *few_df_notes(str(row["pair"]) for row in rows),
        ),
    )


def slug(name: str) -> str:
    """Return a name as references and files may have it."""
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name.lower()).strip("-") or (
        "moderator"
    )
