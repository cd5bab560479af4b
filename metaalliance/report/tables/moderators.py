"""Tables, document and workbook of moderator tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from metaalliance.moderation.confounding import Confounding
from metaalliance.moderation.frames import records
from metaalliance.moderation.result import ModeratorTest, wald_text
from metaalliance.moderation.slope import SlopeTest
from metaalliance.moderation.table import ModeratorTable
from metaalliance.report.tables.few_df import few_df_notes, marked
from metaalliance.report.tables.table import Field, Table, effect_field, with_limits
from metaalliance.wording.numbers import limits, number
from metaalliance.wording.phrases import effects_text, level_text, studies_text

NOT_TESTED = "ᵃ"


def combined_table(found: ModeratorTable) -> Table:
    """Every moderator in one table: its test, then its levels or its slope."""
    rows: list[dict[str, Any]] = []
    adjusted = found.multiplicity.set_index("name")["p_holm"]
    for one in found.moderators:
        rows.append({**_head(one), "p_holm": float(adjusted[one.name])})
        rows += _slope_row(one) if isinstance(one, SlopeTest) else _levels(one)
    first = found.moderators[0] if found.moderators else None
    is_r = first is None or _measure(first) != "generic"
    level = 0.95 if first is None else _coverage(first)
    return Table(
        title="Moderators",
        fields=(
            Field(key="name", title="Moderator"),
            Field(key="n_studies", title="Studies", kind="count"),
            Field(key="n_effects", title="Effects", kind="count", optional=True),
            effect_field("estimate", is_r=is_r),
            Field(key="ci", title=f"{level_text(level)} CI", kind="interval"),
            Field(key="pi", title=f"{level_text(level)} PI", kind="interval", optional=True),
            Field(key="test", title="Test"),
            Field(key="p_value", title="p", kind="p"),
            Field(key="p_holm", title="p (Holm)", kind="p", optional=True),
            Field(key="R2", title="R² %", kind="percent", digits=1, optional=True),
        ),
        rows=tuple(rows),
        notes=_notes(found, [str(row["name"]) for row in rows]),
        name="moderators",
        wide=True,
    )


def contrast_table(found: ModeratorTest) -> Table:
    """Differences between levels on the analysis scale, with p-values adjusted by Holm."""
    frame = found.contrasts
    rows = tuple(with_limits(row) for row in records(frame))
    scale = "Fisher z" if found.effects.measure == "z" else "the analysis scale"
    fields = [
        Field(key="level_a", title="Level"),
        Field(key="level_b", title="less"),
        Field(key="estimate", title="Difference", kind="number"),
        Field(key="ci", title=f"{level_text(found.options['level'])} CI", kind="interval"),
        Field(key="df", title="df", kind="number", digits=1, optional=True),
        Field(key="p_value", title="p", kind="p"),
        Field(key="p_adjusted", title="p (Holm)", kind="p"),
    ]
    if "p_bootstrap" in frame:
        fields.append(Field(key="p_bootstrap_adjusted", title="p bootstrap (Holm)", kind="p"))
    if "p_equivalence" in frame:
        fields.append(Field(key="p_equivalence_adjusted", title="p equivalence (Holm)", kind="p"))
    return Table(
        title=f"{found.name}: differences between levels",
        fields=tuple(fields),
        rows=rows,
        notes=(f"Differences of {scale}.",),
        name=f"contrasts-{_slug(found.name)}",
        wide=len(rows) > 20,
    )


def method_table(found: ModeratorTest) -> Table | None:
    """The test of the levels by several methods, None unless asked for."""
    if found.tests is None:
        return None
    rows = []
    for row in records(found.tests):
        missing = math.isnan(row["p_value"])
        random = not missing and math.isnan(row["df2"])
        if missing:
            text = row["reason"]
        elif random:
            text = f"{number(row['statistic'], 2)} in {row['replications']:,.0f} replications"
            if row["monte_carlo_se"] > 0:
                text += f", SE of p {number(row['monte_carlo_se'], 4, correlation=True)}"
        else:
            text = wald_text(row).split(", p ")[0]
        rows.append({**row, "text": text})
    return Table(
        title=f"{found.name}: the test by several methods",
        fields=(
            Field(key="method", title="Method"),
            Field(key="text", title="Statistic"),
            Field(key="p_value", title="p", kind="p"),
            Field(key="settings", title="Settings of its own", optional=True),
        ),
        rows=tuple(rows),
        name=f"tests-{_slug(found.name)}",
    )


def multiplicity_table(found: ModeratorTable) -> Table:
    """P-values of the moderators, adjusted for their number."""
    return Table(
        title="P-values of the set of moderators",
        fields=(
            Field(key="name", title="Moderator"),
            Field(key="p_value", title="p", kind="p"),
            Field(key="p_holm", title="p (Holm)", kind="p"),
            Field(key="p_bh", title="p (Benjamini-Hochberg)", kind="p"),
        ),
        rows=tuple(records(found.multiplicity)),
        name="multiplicity",
    )


def confounding_table(found: Confounding) -> Table:
    """Studies by the levels of two moderators."""
    frame = found.table.reset_index()
    frame.columns = [str(c) for c in frame.columns]
    counts = found.measure == "cramer_v"
    fields = [Field(key=str(frame.columns[0]), title=str(frame.columns[0]))]
    fields += [
        Field(key=c, title=c, kind="count" if counts else "number", digits=2)
        for c in frame.columns[1:]
    ]
    names = {"cramer_v": "Cramér's V", "eta": "eta", "pearson": "|r|"}
    note = f"{names[found.measure]} = {number(found.association, 2, correlation=True)}"
    return Table(
        title=f"{found.first} by {found.second} (studies)",
        fields=tuple(fields),
        rows=tuple(records(frame)),
        notes=(f"{note} over {studies_text(found.n_studies)}, corrected for small tables.",),
        name=f"cross-{_slug(found.first)}-{_slug(found.second)}",
        wide=len(fields) > 8,
    )


def moderator_sheets(found: ModeratorTable) -> dict[str, Any]:
    """Sheets of the workbook: printed tables, and every number at full precision."""
    sheets: dict[str, Any] = {
        "Moderators": combined_table(found),
        "Numbers": found.to_frame(),
        "Numbers as r": found.to_frame("r"),
        "Multiplicity": multiplicity_table(found),
    }
    contrasts = [
        one.contrasts.assign(moderator=one.name)
        for one in found.moderators
        if isinstance(one, ModeratorTest) and len(one.contrasts)
    ]
    if contrasts:
        sheets["Contrasts"] = pd.concat(contrasts, ignore_index=True)
    tests = [
        one.tests.assign(moderator=one.name)
        for one in found.moderators
        if isinstance(one, ModeratorTest) and one.tests is not None
    ]
    if tests:
        sheets["Tests"] = pd.concat(tests, ignore_index=True)
    for index, pair in enumerate(found.confounding[:20], start=1):
        sheets[f"Cross {index}"] = confounding_table(pair)
    return sheets


#: A row of which nothing is known.
_BLANK: dict[str, Any] = {
    "estimate": math.nan, "ci": "", "pi": "", "test": "", "p_value": math.nan, "p_holm": math.nan,
    "R2": math.nan,
}  # fmt: skip


def _head(one: ModeratorTest | SlopeTest) -> dict[str, Any]:
    """The row of a moderator: its counts and its test."""
    test = one.omnibus
    known = test["test"] is not None and not math.isnan(test["statistic"])
    return {
        **_BLANK,
        "name": marked(one.name, float(test["df2"]), mean_test(one)),
        "n_studies": one.n_studies,
        "n_effects": one.n_effects,
        "test": wald_text(test).split(", p ")[0] if known else "not tested",
        "p_value": float(test["p_value"]),
        "R2": one.R2,
    }


def _levels(one: ModeratorTest) -> list[dict[str, Any]]:
    """The rows of the levels."""
    rows = []
    for level in records(one.to_frame("r")):
        row = with_limits(level, correlation=one.effects.measure != "generic")
        kept = {key: row[key] for key in ("n_studies", "n_effects", "estimate", "ci", "pi")}
        mark = "" if row["tested"] else NOT_TESTED
        name = marked(f"· {row['level']}{mark}", level["df"], mean_test(one))
        rows.append({**_BLANK, **kept, "name": name})
    return rows


def _slope_row(one: SlopeTest) -> list[dict[str, Any]]:
    """The row of a slope, on the analysis scale."""
    b, ends = float(one.fit.beta[1]), limits(one.fit.ci_low[1], one.fit.ci_high[1])
    sizes = {"n_studies": one.n_studies, "n_effects": one.n_effects}
    return [{**_BLANK, **sizes, "name": f"· slope {one.unit}", "test": f"b = {number(b)} {ends}"}]


def _notes(found: ModeratorTable, names: Sequence[str]) -> tuple[str, ...]:
    notes: list[str] = []
    tests = [one for one in found.moderators if isinstance(one, ModeratorTest)]
    if any(not bool(one.levels["tested"].all()) for one in tests):
        least = max(one.options["min_studies"] for one in tests)
        notes.append(f"{NOT_TESTED} fewer than {studies_text(least)}: counts only.")
    notes += few_df_notes(names)
    for one in found.moderators:
        if one.missing["n_effects"]:
            notes.append(
                f"{one.name}: {effects_text(one.missing['n_effects'])} without a value "
                f"({studies_text(one.missing['n_studies'])} entirely) left out."
            )
    for one in tests:
        notes += [p.message for p in one.notices if p.code == "MA674"]
    if any(isinstance(one, SlopeTest) for one in found.moderators):
        notes.append("Slopes (b) are on the analysis scale.")
    if found.common_set and found.left_out["n_effects"]:
        notes.append(
            f"Common set: {effects_text(found.left_out['n_effects'])} without some value left out."
        )
    return tuple(notes)


def mean_test(one: ModeratorTest | SlopeTest) -> str:
    """Return the test of the means of levels, or of a slope."""
    return one.fit.test if isinstance(one, SlopeTest) else str(one.options["test"])


def _measure(one: ModeratorTest | SlopeTest) -> str:
    return one.effects.measure if isinstance(one, ModeratorTest) else one.fit.measure


def _coverage(one: ModeratorTest | SlopeTest) -> float:
    return float(one.options["level"]) if isinstance(one, ModeratorTest) else one.fit.level


def _slug(name: str) -> str:
    """Lower-case letters, digits and hyphens."""
    kept = "".join(c if c.isascii() and c.isalnum() else "-" for c in name.lower())
    return "-".join(part for part in kept.split("-") if part) or "moderator"
