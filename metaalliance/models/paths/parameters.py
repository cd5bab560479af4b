"""A path model as matrices, with the names of its parameters and the columns that move them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.paths.implied import PathModel
from metaalliance.core.paths.profile import Function
from metaalliance.errors import EstimationError, OptionError
from metaalliance.models.paths.expressions import Jet
from metaalliance.models.paths.syntax import PathSyntax
from metaalliance.options import did_you_mean

#: Paths by label, or by `lhs~rhs`, with the columns that moderate them; columns alone are for
#: every directed path.
Moderators = Mapping[str, Sequence[str] | str] | Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slope:
    """A moderator of a path.

    Attributes
    ----------
    parameter : str
        The path, as `Path.parameter`.
    column : str
        The moderator, or ``column.level`` of one that is text.
    values : ndarray, shape (k,)
        Its value in each study, less the centre.
    centre : float
        The mean over studies; 0 for levels, and for numbers that are 0 or 1.
    """

    parameter: str
    column: str
    values: Array = field(repr=False)
    centre: float = 0.0

    @property
    def name(self) -> str:
        """What it is estimated under, and called in defined parameters."""
        return f"{self.parameter}_{self.column}"


def path_model(syntax: PathSyntax, variables: Sequence[str], pairs: IntArray) -> PathModel:
    """Return a model as matrices, its parameters in the order of `PathSyntax.parameters`."""
    place = {v: i for i, v in enumerate(variables)}
    index = {name: a for a, name in enumerate(syntax.parameters)}
    v, q = len(variables), len(index)
    A0, S0, path_places, covariance_places = (
        np.zeros((v, v)),
        np.zeros((v, v)),
        np.zeros((q, v, v)),
        np.zeros((q, v, v)),
    )
    for path in syntax.paths:
        i, j = place[path.lhs], place[path.rhs]
        fixed, moved = (A0, path_places) if path.op == "~" else (S0, covariance_places)
        where = moved[index[path.parameter]] if path.fixed is None else fixed
        value = 1.0 if path.fixed is None else path.fixed
        where[i, j] = value
        if path.op == "~~":
            where[j, i] = value
    return PathModel(
        A0=A0, S0=S0, path_places=path_places, covariance_places=covariance_places, pairs=pairs
    )


def saturated_model(v: int, pairs: IntArray) -> PathModel:
    """Return the model whose every correlation is a parameter."""
    covariance_places = np.zeros((len(pairs), v, v))
    for a, (i, j) in enumerate(pairs):
        covariance_places[a, i, j] = covariance_places[a, j, i] = 1
    return PathModel(
        A0=np.zeros((v, v)),
        S0=np.zeros((v, v)),
        path_places=0 * covariance_places,
        covariance_places=covariance_places,
        pairs=pairs,
    )


def independence_model(v: int, pairs: IntArray) -> PathModel:
    """Return the model without a correlation."""
    none = np.zeros((0, v, v))
    return PathModel(
        A0=np.zeros((v, v)),
        S0=np.zeros((v, v)),
        path_places=none,
        covariance_places=none,
        pairs=pairs,
    )


def slopes_of(
    syntax: PathSyntax, moderators: Moderators, frame: pd.DataFrame, studies: Sequence[Any]
) -> tuple[Slope, ...]:
    """Return the moderators of paths, one for a number and one for each level but the first.

    Raises
    ------
    OptionError
        For a path or a column that does not exist.
    EstimationError
        For a column that is blank or varies within a study, or does not vary at all.
    """
    directed = list(
        dict.fromkeys(p.parameter for p in syntax.paths if p.op == "~" and p.fixed is None)
    )
    if not isinstance(moderators, Mapping):
        columns = [moderators] if isinstance(moderators, str) else list(moderators)
        moderators = dict.fromkeys(directed, columns)
    found = []
    for parameter, given in moderators.items():
        if parameter not in directed:
            raise OptionError(
                f"{parameter} is no directed path that is estimated; there are "
                f"{', '.join(directed)}.{did_you_mean(parameter, directed)}",
                code="MA726",
            )
        for column in [given] if isinstance(given, str) else given:
            found += [
                Slope(parameter=parameter, column=name, values=values - centre, centre=centre)
                for name, values, centre in _columns(column, frame, studies)
            ]
    return tuple(found)


def _columns(
    column: str, frame: pd.DataFrame, studies: Sequence[Any]
) -> list[tuple[str, Array, float]]:
    """Values of a column in each study, with their centre: its numbers, or one for each level."""
    if column not in frame:
        raise OptionError(
            f"There is no column {column!r}.{did_you_mean(column, frame.columns)}", code="MA726"
        )
    given = frame.groupby("study", sort=False)[column].agg(["first", "nunique"]).loc[list(studies)]
    blank, varying = given[given["nunique"] == 0], given[given["nunique"] > 1]
    if len(blank) or len(varying):
        what = "is blank" if len(blank) else "varies"
        listed = ", ".join(str(s) for s in (blank if len(blank) else varying).index[:8])
        raise EstimationError(
            f"{column} {what} in {listed}; a moderator of paths is one value per study. Complete "
            "it, or take the studies out of the table.",
            code="MA726",
        )
    values = given["first"]
    if values.nunique() < 2:
        raise EstimationError(f"{column} is the same in every study.", code="MA726")
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        x = values.to_numpy(dtype=float)
        return [(column, x, 0.0 if np.isin(x, (0.0, 1.0)).all() else float(x.mean()))]
    levels = sorted(set(values.astype(str)))
    named = values.astype(str).to_numpy()
    return [(f"{column}.{x}", np.where(named == x, 1.0, 0.0), 0.0) for x in levels[1:]]


def design_of(syntax: PathSyntax, slopes: Sequence[Slope]) -> Array | None:
    """Return L of each study, shape (k, q, Q); nothing without moderators."""
    if not slopes:
        return None
    q, k = len(syntax.parameters), slopes[0].values.size
    index = {name: a for a, name in enumerate(syntax.parameters)}
    L = np.zeros((k, q, q + len(slopes)))
    L[:, :, :q] = np.eye(q)
    for s, slope in enumerate(slopes):
        L[:, index[slope.parameter], q + s] = slope.values
    return L


def coordinate(j: int) -> Function:
    """Return parameter j as a function of all."""

    def at(x: Array) -> tuple[Array, Array, Array]:
        jet = Jet.variable(x, j)
        return jet.value, jet.gradient, jet.bend

    return at


def defined_functions(
    syntax: PathSyntax, slopes: Sequence[Slope]
) -> dict[str, tuple[Function, frozenset[int]]]:
    """Return defined parameters as functions of all parameters, each with those in it.

    Raises
    ------
    OptionError
        For a name that is neither a label nor a defined parameter above.
    """
    names = (*syntax.parameters, *(s.name for s in slopes))
    index = {name: j for j, name in enumerate(names)}
    found: dict[str, tuple[Function, frozenset[int]]] = {}
    within: dict[str, frozenset[int]] = {name: frozenset({j}) for name, j in index.items()}
    for d, (name, expression) in enumerate(syntax.defined):
        unknown = sorted(n for n in expression.names if n not in within)
        if unknown:
            raise OptionError(
                f"The model line '{name} := {expression.text}' is not taken: {unknown[0]} is "
                f"neither a label nor defined above.{did_you_mean(unknown[0], within)}",
                code="MA720",
            )
        within[name] = frozenset().union(*(within[n] for n in expression.names))
        found[name] = (_defined(syntax, index, d), within[name])
    return found


def _defined(syntax: PathSyntax, index: Mapping[str, int], last: int) -> Function:
    def at(x: Array) -> tuple[Array, Array, Array]:
        known = {name: Jet.variable(x, j) for name, j in index.items()}
        for name, expression in syntax.defined[: last + 1]:
            known[name] = expression.at(x, known)
        jet = known[syntax.defined[last][0]]
        return jet.value, jet.gradient, jet.bend

    return at
