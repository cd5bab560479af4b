"""Designs of a location-scale model: of the mean, and of each variance component."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.variance.multilevel import MultilevelData
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError
from metaalliance.models.design import conditioned
from metaalliance.moderation.design import Design, build_design
from metaalliance.moderation.formula import parse_formula
from metaalliance.moderation.variables import Variable
from metaalliance.problems import Problem

#: The component that a formula without a name moderates.
BETWEEN = "study"
_PART = re.compile(r"(?:`[^`]*`|[^;`])+")
_NAMED = re.compile(r"\s*([^=()`+*:/^-]+?)\s*=(.+)", re.DOTALL)

Given = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Designs:
    """Designs on the same effects.

    Attributes
    ----------
    used : Effects
        Effects with a value of every variable of every formula.
    mean : Design or None
        Moderators of the mean; None where all effects share one.
    scale : dict of str to Design
        Moderators of the variance components by name.
    notices : tuple of Problem
        What was left out, and why.
    """

    used: Effects
    mean: Design | None
    scale: dict[str, Design]
    notices: tuple[Problem, ...] = field(repr=False)

    @property
    def all(self) -> list[Design]:
        """Every design, that of the mean first."""
        return [*([] if self.mean is None else [self.mean]), *self.scale.values()]

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Variables of every formula, each once."""
        return tuple(dict.fromkeys(v for design in self.all for v in design.variables))

    @property
    def formula(self) -> str:
        """The formula of the mean."""
        return "1" if self.mean is None else self.mean.formula.text

    @property
    def scale_formula(self) -> str:
        """The formulas of the components as `read_scale` reads them."""
        texts = {name: design.formula.text for name, design in self.scale.items()}
        named = [t if n == BETWEEN else f"{n} = {t}" for n, t in texts.items()]
        return "; ".join(named)


def read_scale(scale: str | Mapping[str, str]) -> dict[str, str]:
    """Return formulas by component.

    Parameters
    ----------
    scale : str or mapping
        "year" moderates the variance between studies, "effect = outcome" that of effects within
        studies, "year; effect = outcome" both.

    Raises
    ------
    OptionError
        For a component that is named twice.

    Examples
    --------
    >>> read_scale("year; effect = rater + outcome")
    {'study': 'year', 'effect': 'rater + outcome'}
    """
    if isinstance(scale, Mapping):
        return dict(scale)
    found: dict[str, str] = {}
    for text in _PART.findall(scale) or [""]:
        named = _NAMED.fullmatch(text)
        name, formula = named.groups() if named else (BETWEEN, text)
        if name in found:
            raise OptionError(f"{scale!r} has two formulas of the component {name!r}: join them.")
        found[name] = formula.strip()
    return found


def build_designs(
    effects: Effects, formula: str, scale: Mapping[str, str], given: Given, min_studies: int
) -> Designs:
    """Make all designs: what one formula leaves out the others have to leave out.

    Raises
    ------
    OptionError
        For settings of variables that no formula has.
    """
    lone = formula.strip().lstrip("~").strip() == "1"
    texts = ([] if lone else [formula]) + list(scale.values())
    _check_variables(effects, texts, given)
    used, before = effects, -1
    notices: list[Problem] = []
    while used.n_effects != before:
        before, found = used.n_effects, []
        for text in texts:
            own = _of(given, text, effects)
            found.append(build_design(used, text, **own, min_studies=min_studies))
            used = found[-1].used
            notices += found[-1].notices
    mean = None if lone else found[0]
    spreads = dict(zip(scale, found[len(texts) - len(scale) :], strict=True))
    return Designs(used=used, mean=mean, scale=spreads, notices=tuple(dict.fromkeys(notices)))


def _variables(effects: Effects, formula: str) -> set[str]:
    """Variables of a formula, by column and by name."""
    factors = parse_formula(formula, [*effects.moderators, "n", "sample"], effects.frame).factors
    return {f.column for f in factors} | {f.name for f in factors}


def _check_variables(effects: Effects, texts: list[str], given: Given) -> None:
    known = set().union(*(_variables(effects, text) for text in texts))
    for one in given.values():
        for name in one:
            if name not in known:
                raise OptionError(f"{name} is in no formula; they have {', '.join(sorted(known))}.")


def _of(given: Given, formula: str, effects: Effects) -> dict[str, Mapping[str, Any]]:
    """Settings of the variables that stand in a formula."""
    names = _variables(effects, formula)
    return {key: {k: v for k, v in one.items() if k in names} for key, one in given.items()}


def component_design(design: Design, data: MultilevelData, level: int) -> tuple[Array, Array]:
    """Return the columns of the groups of a component (m, q), well conditioned, and their basis.

    Raises
    ------
    EstimationError
        Where a column differs within a group, or the groups are too few for the columns.
    """
    name, groups = data.names[level], data.structure.levels[level]
    rows, first = design.X[data.order], groups.first
    differs = rows != groups.spread(rows[first])
    if differs.any():
        column = design.names[int(np.flatnonzero(differs.any(axis=0))[0])]
        several = np.count_nonzero(groups.sums(differs.any(axis=1).astype(float)))
        where = "studies" if name == BETWEEN else f"groups of {name}"
        raise EstimationError(
            f"{column} differs within {several} {where}, so that it cannot moderate a variance "
            f"between them. Moderate that of effects: effect = {design.formula.text}.",
            code="MA641",
        )
    C, basis = conditioned(rows[first])
    m, q = C.shape
    if m <= q or np.linalg.matrix_rank(C) < q:
        raise EstimationError(
            f"{m} groups of the component {name!r} cannot estimate {q} coefficients of its "
            "variance.",
            code="MA641",
        )
    return C, basis
