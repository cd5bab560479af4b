"""Which effects are of which component, and the design of their means and moderators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from metaalliance.core.arrays import Array, IntArray
from metaalliance.effects.effects import Effects
from metaalliance.effects.levels import in_order
from metaalliance.errors import EstimationError, OptionError
from metaalliance.moderation.design import build_design
from metaalliance.moderation.grouping import Grouping, group_by
from metaalliance.moderation.variables import Variable
from metaalliance.options import did_you_mean
from metaalliance.problems import Problem, notice
from metaalliance.wording.phrases import count_text, studies_text

#: Levels of a column that are made of its other levels.
TOTALS = frozenset({"total", "overall", "composite"})
#: Columns of the alliance, and of the outcome, whose levels are variables that are correlated.
_ALLIANCE, _OUTCOME = "alliance_", "outcome_"
#: Estimands in the order in which their differences are read: within less between.
_ESTIMANDS = ("total", "within_patient", "between_patient", "between_therapist")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ComponentDesign:
    """Effects by component, with the columns of their means and slopes.

    Attributes
    ----------
    by : str
        The column of the components.
    levels : tuple of str
        The components.
    effects : Effects
        Those of the components, with every moderator.
    codes : ndarray of int, shape (k,)
        Component of each effect.
    X : ndarray, shape (k, p * c)
        For each component its intercept and its moderators.
    terms : tuple of str
        Intercept and moderators, (c,).
    variables : tuple of Variable
        The moderators, with what they are centred at.
    notices : tuple of Problem
        What was left out.
    """

    by: str
    levels: tuple[str, ...]
    effects: Effects = field(repr=False)
    codes: IntArray = field(repr=False)
    X: Array = field(repr=False)
    terms: tuple[str, ...]
    variables: tuple[Variable, ...]
    notices: tuple[Problem, ...] = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coefficients: those of a component stand together."""
        if len(self.terms) == 1:
            return self.levels
        return tuple(f"{level}: {term}" for level in self.levels for term in self.terms)

    def column(self, level: int, term: int = 0) -> int:
        """Return the column of a term of a component."""
        return level * len(self.terms) + term

    def counts(self, level: int) -> tuple[int, int]:
        """Return the studies and effects of a component."""
        own = self.codes == level
        return int(self.effects.frame.loc[own, "study"].nunique()), int(own.sum())


def component_design(
    effects: Effects,
    by: str,
    *,
    only: Sequence[str] = (),
    with_total: bool = False,
    formula: str | None = None,
) -> ComponentDesign:
    """Sort effects by the levels of a column, and make the design of their means.

    Parameters
    ----------
    effects : Effects
        All effects.
    by : str
        The column; a blank `estimand` is "total".
    only : sequence of str
        Levels to take, in this order; by default all.
    with_total : bool
        Whether a total may stand beside the parts it is made of.
    formula : str, optional
        Moderators, with coefficients of their own in each component.

    Raises
    ------
    OptionError
        For a column or level that does not exist, or a total beside its parts.
    EstimationError
        When fewer than two levels are left, or one has fewer than two studies.
    """
    used = _with_estimands(effects) if by == "estimand" else effects
    notices: tuple[Problem, ...] = ()
    design = None
    if formula is not None:
        design = build_design(used, formula)
        _refuse_dropped(design.dropped, formula)
        used, notices = design.used, (*notices, *design.notices)
    grouping = group_by(used, by)
    levels = _levels(grouping, only)
    _refuse_total(by, levels, with_total=with_total)
    notices += grouping.notices() + _left_out(grouping, levels)
    keep, Z = grouping.indicators(levels)
    inner = np.ones((int(keep.sum()), 1)) if design is None else design.X[keep]
    _refuse_few(grouping, levels)
    return ComponentDesign(
        by=by,
        levels=levels,
        effects=used.subset(keep),
        codes=Z.argmax(axis=1).astype(np.intp),
        X=(Z[:, :, None] * inner[:, None, :]).reshape(len(inner), -1),
        terms=("intercept",) if design is None else design.names,
        variables=() if design is None else design.variables,
        notices=notices,
    )


def variables_of(design: ComponentDesign, against: str | None) -> tuple[list[str], list[str]]:
    """Return the two variables that each effect correlates: its level, and one of `against`.

    Parameters
    ----------
    against : str, optional
        The column that names the other variable; by default the measure of the other side, where
        the effects have it, else all effects of a study share one.

    Raises
    ------
    OptionError
        For a column that does not exist, or where nothing says which side is the other.
    """
    column, frame = against, design.effects.frame
    if column is None:
        column = other_side(design.by)
        if column is None:
            raise OptionError(
                f"against: the levels of {design.by} correlate with other variables; name the "
                "column that holds them, such as outcome_measure."
            )
        if column not in frame:
            return _component_names(design), ["(other)"] * len(frame)
    if column not in frame:
        raise OptionError(
            f"There is no column {column!r}; {design.effects.moderator_list(column)}."
        )
    other = frame[column].astype(object).where(frame[column].notna(), "(not reported)")
    return _component_names(design), [str(name) for name in other]


def other_side(by: str) -> str | None:
    """Return the column of the variable that levels of `by` correlate with, where it is known."""
    sides = {_ALLIANCE: "outcome_measure", _OUTCOME: "alliance_measure"}
    return next((c for side, c in sides.items() if by.startswith(side)), None)


def _component_names(design: ComponentDesign) -> list[str]:
    return [design.levels[code] for code in design.codes]


def _with_estimands(effects: Effects) -> Effects:
    """Write "total" where nothing says the estimand."""
    if "estimand" not in effects.frame:
        return effects
    values = effects.frame["estimand"]
    filled = values.astype(object).where(values.notna() & (values.astype(str) != ""), "total")
    frame = effects.frame.assign(estimand=filled)
    frame.attrs = dict(effects.frame.attrs)
    lines: Any = lambda: effects.ledger  # noqa: E731
    return replace(effects, frame=frame, ledger=lines)


def _levels(grouping: Grouping, only: Sequence[str]) -> tuple[str, ...]:
    """The levels to take, in their order."""
    known = in_order(grouping.levels, grouping.effects.frame, grouping.name)
    for level in only:
        if level not in known:
            hint = did_you_mean(level, known)
            raise OptionError(
                f"{grouping.name} has no level {level!r}; it has {', '.join(known)}.{hint}"
            )
    if grouping.name == "estimand" and not only:
        return tuple(level for level in _ESTIMANDS if level in known)
    return tuple(dict.fromkeys(only)) or tuple(known)


def _refuse_total(by: str, levels: Sequence[str], *, with_total: bool) -> None:
    """Refuse a total beside its parts: it is a sum of them, and no component of its own."""
    totals = [level for level in levels if level.casefold() in TOTALS]
    parts = [level for level in levels if level not in totals]
    if by == "estimand" or with_total or not totals or not parts:
        return
    flags = " ".join(f"--only {p}" for p in parts)
    raise OptionError(
        f"{by} has {totals[0]!r} beside {', '.join(parts)}, which it is made of: their true "
        f"effects and sampling errors are not those of separate components. Take the parts "
        f"({flags}), or say that you want both (--with-total).",
        code="MA694",
    )


def _refuse_few(grouping: Grouping, levels: Sequence[str]) -> None:
    if len(levels) < 2:
        raise EstimationError(
            f"{grouping.name} has only the level {', '.join(levels)}: a multivariate model "
            "compares two or more. Use pool.",
            code="MA695",
        )
    studies = grouping.studies()
    few = [level for level in levels if studies[level] < 2]
    if few:
        rest = " ".join(f"--only {level}" for level in levels if level not in few)
        raise EstimationError(
            f"{grouping.name} = {', '.join(few)}: one study, in which nothing varies between "
            f"studies. Merge the level with another, or leave it out ({rest}).",
            code="MA695",
        )


def _left_out(grouping: Grouping, levels: Sequence[str]) -> tuple[Problem, ...]:
    """Say which levels were not asked for."""
    sizes = grouping.sizes()
    lost = [level for level in grouping.levels if level not in levels]
    if not lost:
        return ()
    listed = "; ".join(
        f"{level} ({studies_text(sizes[level]['n_studies'] or 0)}, "
        f"{count_text(sizes[level]['n_effects'] or 0, 'effect')})"
        for level in lost
    )
    message = f"Levels of {grouping.name} that were not asked for are left out: {listed}."
    return (notice("MA698", message, severity="note"),)


def _refuse_dropped(dropped: Sequence[str], formula: str) -> None:
    if dropped:
        raise EstimationError(
            f"{formula}: no effects tell {', '.join(dropped)}. Merge levels, or leave the "
            "interaction out.",
            code="MA641",
        )
