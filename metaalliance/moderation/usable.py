"""Which effects a formula can use: those with every value, in levels of enough studies."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.arrays import BoolArray
from metaalliance.effects.effects import Effects
from metaalliance.effects.levels import level_text
from metaalliance.errors import EstimationError
from metaalliance.moderation.formula import Factor, ParsedFormula, first_line, refused
from metaalliance.moderation.grouping import group_by, is_number
from metaalliance.problems import Problem, notice


def complete(
    effects: Effects, parsed: ParsedFormula
) -> tuple[Effects, dict[str, dict[str, int]], tuple[Problem, ...]]:
    """Effects with a value of every variable, and what each variable is missing."""
    keep, missing, notices = np.ones(effects.n_effects, dtype=bool), {}, []
    study = effects.frame["study"]
    for name in dict.fromkeys(f.column for f in parsed.factors):
        values = effects.frame[name]
        known = values.notna().to_numpy() & (values.astype(str).str.strip() != "").to_numpy()
        gone = set(study) - set(study[known])
        missing[name] = {"n_effects": int((~known).sum()), "n_studies": len(gone)}
        if not known.all():
            message = (
                f"{name} is missing for {missing[name]['n_effects']:,} of {effects.n_effects:,} "
                f"effects ({len(gone):,} {'study' if len(gone) == 1 else 'studies'} entirely), "
                "which are left out."
            )
            notices.append(notice("MA644", message, "Complete the column.", severity="note"))
        keep &= known
    if not keep.any():
        raise EstimationError(
            f"No effect has a value of all of {', '.join(missing)}.", code="MA602"
        )
    return effects.subset(keep), missing, tuple(notices)


def is_factor(effects: Effects, factor: Factor) -> bool:
    """Whether a variable has levels."""
    return factor.function == "C" or not is_number(effects.frame[factor.column])


def dense(
    effects: Effects, parsed: ParsedFormula, min_studies: int
) -> tuple[Effects, tuple[Problem, ...]]:
    """Leave levels, and cells of interactions, with too few studies out, until none is left.

    A cell of one study would be fitted exactly, and its robust standard error be far too small.
    """
    groups: list[tuple[Factor, ...]] = [(f,) for f in parsed.factors if is_factor(effects, f)]
    groups += _interacting(effects, parsed)
    left: dict[str, list[str]] = {}
    again = True
    while again:
        again = False
        for group in groups:
            least = min_studies if len(group) == 1 else min(2, min_studies)
            few, keep = _sparse(effects, group, least)
            if not few:
                continue
            name = " and ".join(f.column for f in group)
            if not keep.any():
                raise EstimationError(
                    f"No level of {name} has {min_studies} studies.", code="MA602"
                )
            left.setdefault(name, []).extend(few)
            effects, again = effects.subset(keep), True
    return effects, tuple(_sparse_notice(name, few, min_studies) for name, few in left.items())


def _interacting(effects: Effects, parsed: ParsedFormula) -> list[tuple[Factor, ...]]:
    """Sets of categorical variables that interact."""
    from formulaic import Formula
    from formulaic.errors import FormulaicError

    try:
        terms = [str(term) for term in Formula(parsed.safe)]
    except (FormulaicError, ValueError, SyntaxError, TypeError, AttributeError) as error:
        raise refused(parsed.text, first_line(error)) from None
    left = {int(i) for term in terms for i in re.findall(r"v(\d+)x", term)}
    for number, factor in enumerate(parsed.factors):
        if number not in left:
            raise refused(parsed.text, f"it takes {factor.column} out again")
    found = []
    for term in terms:
        inside = [parsed.factors[int(i)] for i in re.findall(r"v(\d+)x", term)]
        levels = tuple(f for f in inside if is_factor(effects, f))
        if len(levels) > 1:
            found.append(levels)
    return found


def _sparse(effects: Effects, group: tuple[Factor, ...], least: int) -> tuple[list[str], BoolArray]:
    """Levels or cells with fewer studies than `least`, and which effects to keep."""
    labels = pd.Series(
        list(zip(*(_labels(effects, f) for f in group), strict=True)), index=effects.frame.index
    )
    counts = effects.frame["study"].groupby(labels).nunique()
    few: list[Any] = [cell for cell, m in counts.items() if m < least]
    return [" x ".join(str(v) for v in cell) for cell in few], ~labels.isin(few).to_numpy()


def _labels(effects: Effects, factor: Factor) -> list[str]:
    """Level of each effect."""
    grouping = group_by(as_text(effects, factor), factor.column)
    return [grouping.levels[code] for code in grouping.codes]


def _sparse_notice(name: str, few: list[str], min_studies: int) -> Problem:
    least = 2 if " and " in name else min_studies
    message = (
        f"{name}: {', '.join(few)} {'has' if len(few) == 1 else 'have'} fewer than {least} "
        "studies; their effects are left out of the regression."
    )
    hint = "Merge levels, or set min_studies."
    return notice("MA645", message, hint, severity="note")


def as_text(effects: Effects, factor: Factor) -> Effects:
    """Turn a column of numbers that stands for levels into text."""
    values = effects.frame[factor.column]
    if factor.function != "C" or not is_number(values):
        return effects
    text = [level_text(v) for v in values.astype(float)]
    return replace(effects, frame=effects.frame.assign(**{factor.column: text}))
