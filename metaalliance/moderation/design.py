"""From a formula and effects to a design matrix, and from new values to its rows."""

from __future__ import annotations

import itertools
import math
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError
from metaalliance.interchange import FrameLike, pandas_frame
from metaalliance.moderation.formula import ParsedFormula, first_line, parse_formula, refused
from metaalliance.moderation.usable import complete, dense
from metaalliance.moderation.variables import Variable, encoded, grid_values, settle
from metaalliance.notices import announce
from metaalliance.problems import Problem, notice

MOST_COLUMNS = 200
#: Part of a column that is not explained by those before it, below which it is dropped.
COLLINEAR = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Design:
    """A design matrix with what made it.

    Attributes
    ----------
    formula : ParsedFormula
        The formula.
    variables : tuple of Variable
        In the order of the formula.
    used : Effects
        Effects with a value of every variable, sparse levels left out.
    X : ndarray, shape (k, p)
        The matrix.
    names : tuple of str
        Names of its columns.
    terms : dict of str to tuple of int
        Columns of each term but the intercept.
    dropped : tuple of str
        Columns of interactions that cannot be estimated.
    missing : dict of str to dict
        By variable: effects without a value and studies that have no other.
    """

    formula: ParsedFormula
    variables: tuple[Variable, ...]
    used: Effects = field(repr=False)
    X: Array = field(repr=False)
    names: tuple[str, ...]
    terms: dict[str, tuple[int, ...]]
    dropped: tuple[str, ...]
    missing: dict[str, dict[str, int]]
    notices: tuple[Problem, ...] = field(repr=False)
    kept: tuple[int, ...] = field(repr=False)
    spec: Any = field(repr=False)

    def rows(self, frame: pd.DataFrame) -> Array:
        """Return rows of the design for new values; NaN where a dropped column is needed.

        Parameters
        ----------
        frame : DataFrame
            A column for each column of the formula.
        """
        data = encoded(self.variables, frame, strict=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            full = np.asarray(self.spec.get_model_matrix(data, context={}), dtype=float)
        found: Array = full[:, list(self.kept)]
        lost = np.setdiff1d(np.arange(full.shape[1]), self.kept)
        found[(full[:, lost] != 0).any(axis=1)] = np.nan
        return found

    def grid(self, at: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Return all combinations of levels, numbers at their centre or as `at` says.

        Parameters
        ----------
        at : mapping, optional
            Values by column: one, or a list.
        """
        return grid_of(self.variables, at, f"the formula {self.formula.text!r}")


def values_to_predict(
    variables: Sequence[Variable],
    where: str,
    frame: FrameLike | None,
    at: Mapping[str, Any] | None,
) -> pd.DataFrame:
    """Return the values to predict at, as given or on a grid; warn of numbers outside the data.

    Parameters
    ----------
    where : str
        What has the variables, for messages.
    frame, at : DataFrame and mapping, optional
        As in `MetaRegression.predict`.

    Raises
    ------
    OptionError
        For both, no rows, an unknown column, or too many combinations.
    """
    if frame is not None and at is not None:
        raise OptionError("Give a frame or at, not both.")
    values = grid_of(variables, at, where) if frame is None else pandas_frame(frame)
    if values.empty:
        raise OptionError("The frame to predict has no rows.")
    announce(warn_beyond(variables, values), stacklevel=4)
    return values


def beside_values(
    values: pd.DataFrame, variables: Sequence[Variable], found: pd.DataFrame
) -> pd.DataFrame:
    """Return predictions beside the values of the variables."""
    columns = list(dict.fromkeys(v.column for v in variables))
    return pd.concat([values[columns].reset_index(drop=True), found], axis=1)


def grid_of(
    variables: Sequence[Variable], at: Mapping[str, Any] | None, where: str
) -> pd.DataFrame:
    """Return all combinations of levels, numbers at their centre or as `at` says.

    Raises
    ------
    OptionError
        For a column that none of the variables of `where` has, or too many combinations.
    """
    given = dict(at or {})
    columns = {v.column: v for v in variables}
    unknown = [name for name in given if name not in columns]
    if unknown:
        raise OptionError(f"{unknown[0]} is not in {where}; it has {', '.join(columns)}.")
    values = {name: grid_values(v, given.get(name)) for name, v in columns.items()}
    size = math.prod(len(v) for v in values.values())
    if size > 5000:
        raise OptionError(f"{size:,} combinations are too many: fix more values with at.")
    return pd.DataFrame(list(itertools.product(*values.values())), columns=list(values))


def warn_beyond(variables: Sequence[Variable], frame: pd.DataFrame) -> tuple[Problem, ...]:
    """Return a warning for each straight line that is predicted outside its data."""
    found = []
    for v in variables:
        if v.levels or v.function or v.curved or v.column not in frame:
            continue
        x = pd.to_numeric(frame[v.column], errors="coerce")
        if bool(((x < v.low) | (x > v.high)).any()):
            message = (
                f"{v.name} is predicted outside the data, which end at {v.low:g} and {v.high:g}."
            )
            found.append(notice("MA638", message))
    return tuple(dict.fromkeys(found))


def build_design(
    effects: Effects,
    formula: str,
    *,
    reference: Mapping[str, str] | None = None,
    centre: Mapping[str, float] | None = None,
    scale: Mapping[str, float] | None = None,
    min_studies: int = 3,
) -> Design:
    """Make the design matrix of a formula.

    Effects with a missing value, and effects of levels with too few studies, are left out with
    a notice each. Numbers are centred and scaled; columns of interactions that cannot be
    estimated are dropped with a notice.

    Raises
    ------
    OptionError
        For a formula that is not accepted, or settings of variables that it does not have.
    EstimationError
        When no effect is left, or main terms are collinear.
    """
    columns = [*effects.moderators, *(c for c in ("n", "sample") if c in effects.frame)]
    parsed = parse_formula(formula, columns, effects.frame)
    for given in (reference, centre, scale):
        _check_names(parsed, given)
    used, missing, notices = complete(effects, parsed)
    used, sparse = dense(used, parsed, min_studies)
    variables = tuple(
        settle(used, f, i in parsed.curved, reference or {}, centre or {}, scale or {})
        for i, f in enumerate(parsed.factors)
    )
    full, spec = _matrix(parsed, variables, used)
    terms, names = _terms(spec, variables)
    kept, dropped = _independent(full, terms, names)
    place = {old: new for new, old in enumerate(kept)}
    found = {t: tuple(place[c] for c in cols if c in place) for t, cols in terms.items()}
    if dropped:
        message = f"No effects tell {', '.join(dropped)}: left out of the interaction."
        notices = (*notices, notice("MA648", message, "Merge levels."))
    return Design(
        formula=parsed,
        variables=variables,
        used=used,
        X=full[:, kept],
        names=tuple(names[c] for c in kept),
        terms={t: cols for t, cols in found.items() if cols},
        dropped=tuple(dropped),
        missing=missing,
        notices=(*notices, *sparse),
        kept=tuple(kept),
        spec=spec,
    )


def _check_names(parsed: ParsedFormula, given: Mapping[str, Any] | None) -> None:
    names = {f.name for f in parsed.factors} | {f.column for f in parsed.factors}
    for name in given or {}:
        if name not in names:
            raise OptionError(
                f"{name} is not in the formula {parsed.text!r}; it has {', '.join(sorted(names))}."
            )


def _matrix(
    parsed: ParsedFormula, variables: tuple[Variable, ...], effects: Effects
) -> tuple[Array, Any]:
    """Evaluate the safe formula."""
    from formulaic import Formula
    from formulaic.errors import FormulaicError

    data = encoded(variables, effects.frame)
    try:
        formula = Formula(parsed.safe)
        if len(formula) > MOST_COLUMNS:
            raise refused(parsed.text, f"it has more than {MOST_COLUMNS} terms")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = formula.get_model_matrix(data, context={})
    except OptionError:
        raise
    except (FormulaicError, ValueError, SyntaxError, TypeError, AttributeError) as error:
        raise refused(parsed.text, first_line(error)) from None
    if found.shape[1] > MOST_COLUMNS:
        raise refused(parsed.text, f"it makes more than {MOST_COLUMNS} columns")
    return np.asarray(found, dtype=float), found.model_spec


def _terms(
    spec: Any, variables: tuple[Variable, ...]
) -> tuple[dict[str, tuple[int, ...]], list[str]]:
    """Columns of each term, and all names as readers know them."""
    names = [_readable(str(name), variables) for name in spec.column_names]
    terms = {
        _readable(str(term), variables): tuple(int(i) for i in columns)
        for term, columns in spec.term_indices.items()
        if str(term) != "1"
    }
    return terms, names


def _readable(name: str, variables: tuple[Variable, ...]) -> str:
    """Replace our placeholders: "v0x[T.2]:v1x" is "modality[CBT]:year"."""

    def words(match: re.Match[str]) -> str:
        variable = variables[int(match.group(1))]
        level = match.group(2)
        return variable.name if level is None else f"{variable.name}[{variable.levels[int(level)]}]"

    if name == "Intercept":
        return "intercept"
    return re.sub(r"v(\d+)x(?:\[(?:T\.)?(\d+)\])?", words, name)


def _independent(
    X: Array, terms: Mapping[str, tuple[int, ...]], names: list[str]
) -> tuple[list[int], list[str]]:
    """Columns that are not explained by those before them; the others must be interactions."""
    inside = {c: term for term, columns in terms.items() for c in columns}
    kept: list[int] = []
    dropped: list[str] = []
    basis = np.zeros((X.shape[0], 0))
    for c in range(X.shape[1]):
        column = X[:, c]
        rest = column - basis @ (basis.T @ column)
        rest = rest - basis @ (basis.T @ rest)
        length, before = float(np.linalg.norm(rest)), float(np.linalg.norm(column))
        if before > 0 and length > COLLINEAR * before:
            basis = np.column_stack([basis, rest / length])
            kept.append(c)
        elif ":" in inside.get(c, ""):
            dropped.append(names[c])
        else:
            raise EstimationError(
                f"{names[c]} follows from the other terms of the formula: leave out a moderator, "
                "or merge levels.",
                code="MA641",
            )
    return kept, dropped
