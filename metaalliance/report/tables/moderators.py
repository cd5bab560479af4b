"""Tables, document and workbook of moderator tests."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from metaalliance.moderation.confounding import Confounding
from metaalliance.moderation.frames import records
from metaalliance.moderation.result import ModeratorTest, wald_text
from metaalliance.moderation.slope import SlopeTest
from metaalliance.moderation.table import ModeratorTable
from metaalliance.report.tables.table import Field, Table, interval_text
from metaalliance.wording.numbers import number

NOT_TESTED = "ᵃ"


def combined_table(found: ModeratorTable, *, digits: int = 3) -> Table:
    """Every moderator in one table: its test, then its levels or its slope."""
    rows: list[dict[str, Any]] = []
    adjusted = found.multiplicity.set_index("name")["p_holm"]
    for one in found.moderators:
        rows.append({**_head(one), "p_holm": float(adjusted[one.name])})
        rows += _slope_row(one, digits) if isinstance(one, SlopeTest) else _levels(one, digits)
    first = found.moderators[0] if found.moderators else None
    is_r = first is None or _measure(first) != "generic"
    level = 0.95 if first is None else _coverage(first)
    notes = _notes(found)
    return Table(
        title="Moderators",
        fields=(
            Field(key="name", title="Moderator"),
            Field(key="n_studies", title="Studies", kind="count"),
            Field(key="n_effects", title="Effects", kind="count"),
            Field(
                key="estimate", title="r" if is_r else "estimate",
                kind="r" if is_r else "number", digits=digits,
            ),
            Field(key="ci", title=f"{100 * level:.10g}% CI", kind="interval"),
            Field(key="pi", title=f"{100 * level:.10g}% PI", kind="interval", optional=True),
            Field(key="test", title="Test"),
            Field(key="p_value", title="p", kind="p"),
            Field(key="p_holm", title="p (Holm)", kind="p", optional=True),
            Field(key="R2", title="R² %", kind="percent", digits=1, optional=True),
        ),
        rows=tuple(rows),
        notes=notes,
        name="moderators",
        wide=True,
    )  # fmt: skip


def contrast_table(found: ModeratorTest, *, digits: int = 3) -> Table:
    """Differences between levels on the analysis scale, with p-values adjusted by Holm."""
    frame = found.contrasts
    rows = [
        {
            **row,
            "ci": interval_text(row["ci_low"], row["ci_high"], correlation=False, digits=digits),
        }
        for row in records(frame)
    ]
    scale = "Fisher z" if found.effects.measure == "z" else "the analysis scale"
    fields = [
        Field(key="level_a", title="Level"),
        Field(key="level_b", title="less"),
        Field(key="estimate", title="Difference", kind="number", digits=digits),
        Field(key="ci", title=f"{100 * found.options['level']:.10g}% CI", kind="interval"),
        Field(key="df", title="df", kind="number", digits=1, optional=True),
        Field(key="p_value", title="p", kind="p"),
        Field(key="p_adjusted", title="p (Holm)", kind="p"),
    ]
    if "p_equivalence" in frame:
        fields.append(Field(key="p_equivalence_adjusted", title="p equivalence (Holm)", kind="p"))
    return Table(
        title=f"{found.name}: differences between levels",
        fields=tuple(fields),
        rows=tuple(rows),
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
        notes=(f"{note} over {found.n_studies} studies, corrected for small tables.",),
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


def _head(one: ModeratorTest | SlopeTest) -> dict[str, Any]:
    """The row of a moderator: its counts and its test."""
    test = one.omnibus
    known = test["test"] is not None and not math.isnan(test["statistic"])
    return {
        "name": one.name,
        "n_studies": one.n_studies,
        "n_effects": one.n_effects,
        "estimate": math.nan,
        "ci": "",
        "pi": "",
        "test": wald_text(test).split(", p ")[0] if known else "not tested",
        "p_value": float(test["p_value"]),
        "R2": one.R2,
    }


def _levels(one: ModeratorTest, digits: int) -> list[dict[str, Any]]:
    """The rows of the levels."""
    is_r = one.effects.measure != "generic"
    rows = []
    for row in records(one.to_frame("r")):
        mark = "" if row["tested"] else NOT_TESTED
        rows.append(
            {
                "name": f"· {row['level']}{mark}",
                "n_studies": row["n_studies"],
                "n_effects": row["n_effects"],
                "estimate": row["estimate"],
                "ci": interval_text(row["ci_low"], row["ci_high"], correlation=is_r, digits=digits),
                "pi": interval_text(row["pi_low"], row["pi_high"], correlation=is_r, digits=digits),
                "test": "",
                "p_value": math.nan,
                "p_holm": math.nan,
                "R2": math.nan,
            }
        )
    return rows


def _slope_row(one: SlopeTest, digits: int) -> list[dict[str, Any]]:
    """The row of a slope, on the analysis scale."""
    fit = one.fit
    low, high = float(fit.ci_low[1]), float(fit.ci_high[1])
    return [
        {
            "name": f"· slope {one.unit}",
            "n_studies": one.n_studies,
            "n_effects": one.n_effects,
            "estimate": math.nan,
            "ci": "",
            "pi": "",
            "test": f"b = {number(float(fit.beta[1]), digits)} "
            f"{interval_text(low, high, correlation=False, digits=digits)}",
            "p_value": math.nan,
            "p_holm": math.nan,
            "R2": math.nan,
        }
    ]


def _notes(found: ModeratorTable) -> tuple[str, ...]:
    notes = []
    tests = [one for one in found.moderators if isinstance(one, ModeratorTest)]
    if any(not bool(one.levels["tested"].all()) for one in tests):
        least = max(one.options["min_studies"] for one in tests)
        notes.append(f"{NOT_TESTED} fewer than {least} studies: counts only.")
    for one in found.moderators:
        if one.missing["n_effects"]:
            notes.append(
                f"{one.name}: {one.missing['n_effects']:,} effects without a value "
                f"({one.missing['n_studies']:,} studies entirely) left out."
            )
    if any(isinstance(one, SlopeTest) for one in found.moderators):
        notes.append("Slopes (b) are on the analysis scale.")
    if found.common_set and found.left_out["n_effects"]:
        notes.append(
            f"Common set: {found.left_out['n_effects']:,} effects without some value left out."
        )
    return tuple(notes)


def _measure(one: ModeratorTest | SlopeTest) -> str:
    return one.effects.measure if isinstance(one, ModeratorTest) else one.fit.measure


def _coverage(one: ModeratorTest | SlopeTest) -> float:
    return float(one.options["level"]) if isinstance(one, ModeratorTest) else one.fit.level


def _slug(name: str) -> str:
    """Lower-case letters, digits and hyphens."""
    kept = "".join(c if c.isascii() and c.isalnum() else "-" for c in name.lower())
    return "-".join(part for part in kept.split("-") if part) or "moderator"
