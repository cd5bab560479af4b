"""The structure of effects that a model asks for: levels, a crossed factor, correlations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array, IntArray, read_only
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.designs.disjoint import columns_of_rows, is_indicators
from metaalliance.core.variance.levels import Crossed, Rows, Term
from metaalliance.core.variance.multilevel import MultilevelData
from metaalliance.core.variance.own import SamplingErrors, overlap
from metaalliance.core.variance.people import People
from metaalliance.core.variance.structure import Levels, Nested
from metaalliance.effects.aggregate import aggregate
from metaalliance.effects.effects import Effects, study_names
from metaalliance.effects.overlap import nested_sizes, people_of
from metaalliance.errors import EstimationError, OptionError
from metaalliance.model import Specification
from metaalliance.models.checks import refuse_mixed_estimands, refuse_mixed_pairs, samples_notice
from metaalliance.models.sampling import both, correlations, is_nested, sampling_terms
from metaalliance.problems import Problem, notice


def working_data(effects: Effects, X: Array, model: Specification) -> MultilevelData:
    """Sort effects so that every group of every nested level is adjacent.

    Parameters
    ----------
    effects : Effects
        What is fitted.
    X : ndarray, shape (k, p)
        Design matrix, rows in the order of the effects.
    model : Specification
        The random effects and correlations. Without any, and without a cluster-robust test,
        every row is a study of its own.

    Raises
    ------
    OptionError
        When a column does not exist.
    EstimationError
        When a level is missing for an effect, or the levels are not nested.
    """
    effects.refuse_covariance(f"The {model.kind} model")
    refuse_mixed_estimands(effects)
    refuse_mixed_pairs(effects)
    structure, order = (_levels if model.columns else nested_structure)(effects, model)
    return MultilevelData(read_only(effects.yi[order]), read_only(X[order]), structure, order)


def nested_structure(effects: Effects, model: Specification) -> tuple[Nested, IntArray]:
    """Return effects in studies with one correlation of errors in a sample, and their order."""
    labels = order = np.arange(effects.n_effects, dtype=np.intp)
    rho = float(model.rho) if model.rho is not None else 0.0
    people = None
    if model.multilevel or model.robust:
        codes = pd.factorize(effects.frame["study"])[0].astype(np.intp)
        order = np.argsort(codes, kind="stable").astype(np.intp)
        labels = codes[order]
        if rho and (effects.overlap != "full" or "sample" in effects.frame):
            rows, people = people_of(effects, order, labels)
            order = order[rows]
    studies = StudyBlocks.from_sorted(labels)
    people = People.same(studies) if people is None else people
    return Nested(read_only(effects.vi[order]), studies, people, rho), order


def _levels(effects: Effects, model: Specification) -> tuple[Levels, IntArray]:
    """Effects in further levels, and the order that makes the groups of all adjacent."""
    _check(effects, model)
    frame = effects.frame
    coarse_first = [*reversed(model.above), "study", *model.within]
    keys = _nested_keys(frame, coarse_first)
    people = effects.sample_codes if model.kind == "che" else keys[-1]
    same = both(people, keys[-1], *([_codes(frame, [model.same])] if model.same else []))
    sizes = nested_sizes(effects) if model.kind == "che" else None
    inmost = np.max(people) >= max(np.max(key) for key in keys) and model.rho_same is None
    nested = is_nested(people, keys) and (sizes is None or inmost)
    chain = sorted([*keys, people], key=np.max) if nested else keys  # the coarsest first
    inner = (same,) if sizes is None or not nested else (sizes,)
    order = np.lexsort((*inner, *reversed(chain))).astype(np.intp)
    vi = read_only(effects.vi[order])
    groups = [StudyBlocks.from_sorted(_runs(key[order])) for key in keys]
    random = tuple(zip(coarse_first, groups, strict=True))[::-1]
    own: Array = vi
    sampling: tuple[Term, ...] = ()
    errors = walk = None
    if model.kind == "che":
        rho, inside = correlations(effects, model)[order], (people[order], same[order])
        n = None if sizes is None else sizes[order]
        if nested and n is not None:
            samples = StudyBlocks.from_sorted(_runs(inside[0]))
            own, walk = (1 - rho) * vi, (People.nested(samples, n), rho[samples.starts])
        elif nested:
            alike = (StudyBlocks.from_sorted(_runs(codes)) for codes in inside)
            own, sampling = sampling_terms(vi, rho, model.rho_same, *alike)
        else:
            errors = SamplingErrors(vi, rho, *inside, model.rho_same, n)
    factor = None
    if model.crossed:
        labels = frame[model.crossed].astype(object).where(frame[model.crossed].notna(), "")
        factor = (model.crossed, Crossed(pd.factorize(labels)[0][order].astype(np.intp)))
    return Levels(vi, own, sampling, random, factor, errors, walk), order


def refuse_unidentified_levels(data: MultilevelData) -> None:
    """Refuse levels whose groups are those of another level, or one group only."""
    structure = data.structure
    if not isinstance(structure, Levels):
        return
    found = {data.yi.size: "effect"}
    for name, blocks in structure.random:  # nested, so that equal numbers are equal groups
        if blocks.m == 1:
            raise EstimationError(f"All effects lie in one group of {name!r}.", code="MA611")
        if blocks.m in found:
            raise EstimationError(
                f"The levels {found[blocks.m]!r} and {name!r} have the same groups, so that their "
                "variances cannot be told apart.",
                code="MA610",
            )
        found[blocks.m] = name
    if structure.factor is not None:
        _refuse_same_groups(structure, *structure.factor, found)


def _refuse_same_groups(
    structure: Levels, name: str, factor: Crossed, found: dict[int, str]
) -> None:
    """Refuse a crossed factor of one value, or whose values are the groups of a level."""
    if factor.m == 1:
        raise EstimationError(f"All effects have one value of {name!r}.", code="MA611")
    rows = np.arange(factor.codes.size)
    for codes in (rows, *(blocks.study for _, blocks in structure.random)):
        pairs = np.unique(np.column_stack([codes, factor.codes]), axis=0).shape[0]
        if pairs == factor.m == int(codes.max()) + 1:
            raise EstimationError(
                f"The values of {name!r} are the groups of the level {found[factor.m]!r}, so that "
                "their variances cannot be told apart.",
                code="MA610",
            )


def study_averages(effects: Effects, model: Specification, otherwise: float) -> Effects:
    """Return one effect per study, with the correlations of errors that a model assumes.

    Parameters
    ----------
    otherwise : float
        The correlation within samples where the model has none.
    """
    if model.kind != "che":
        return aggregate(effects, otherwise)
    if not isinstance(model.rho, str) and model.rho_same is None:
        return aggregate(effects, float(model.rho or 0.0))
    frame, root = effects.frame, np.sqrt(effects.vi)
    rho, people = correlations(effects, model), effects.sample_codes
    inner = _nested_keys(frame, [*reversed(model.above), "study", *model.within])[-1]
    same = both(people, inner, *([_codes(frame, [model.same])] if model.same else []))
    covariance, sizes = {}, nested_sizes(effects)
    for study, rows in frame.groupby("study", sort=False).indices.items():
        V = np.where(people[rows, None] == people[rows], rho[rows], 0.0)
        if model.rho_same is not None:
            V = np.where(same[rows, None] == same[rows], model.rho_same, V)
        if sizes is not None:
            V = V * overlap(sizes[None, rows])[0]
        np.fill_diagonal(V, 1.0)
        covariance[study] = V * np.outer(root[rows], root[rows])
    return aggregate(effects, covariance=covariance)


def refuse_saturated_levels(data: MultilevelData, kind: str) -> None:
    """Refuse a design that fits the mean of every group of a level: no residual is left there."""
    coefficients = data.X.shape[1]
    for name, groups in zip(data.names, data.structure.levels, strict=True):
        if isinstance(groups, Rows) or groups.m > coefficients:
            continue
        if _adds_rank(data.X, groups):
            continue
        each, between = f"{groups.m} studies", "studies"
        if name != "study":
            each, between = f"{groups.m} groups of {name!r}", "them"
        raise EstimationError(
            f"The {kind} model was refused: its {coefficients} coefficients fit the mean of each "
            f"of the {each}, so that no variance between {between} can be estimated. "
            "Use fewer moderators.",
            code="MA610",
        )


def _adds_rank(X: Array, groups: StudyBlocks | Crossed) -> bool:
    """Whether the means of groups are not all combinations of the columns of `X` (k, p)."""
    codes = columns_of_rows(X)
    if codes is not None and is_indicators(X):  # so they are where no column has two groups
        group = groups.study if isinstance(groups, StudyBlocks) else groups.codes
        return bool(both(codes, group).max() >= X.shape[1])
    wider = np.hstack([X, groups.spread(np.eye(groups.m))])
    return bool(np.linalg.matrix_rank(wider) > np.linalg.matrix_rank(X))


def _check(effects: Effects, model: Specification) -> None:
    for column in model.columns:
        if column not in effects.frame:
            raise OptionError(f"There is no column {column!r}; {effects.moderator_list(column)}.")
        optional = {model.crossed, "sample"}  # a blank sample is the study itself
        if column not in optional and effects.frame[column].isna().any():
            row = int(np.flatnonzero(effects.frame[column].isna())[0])
            study = study_names(effects.frame).iloc[row]
            raise EstimationError(f"{column} is missing for {study}.", code="MA604")


def structure_notices(effects: Effects, model: Specification) -> tuple[Problem, ...]:
    """Say what a reader has to know about samples and levels."""
    correlated = model.kind == "che" and bool(model.rho)
    people = samples_notice(effects) if correlated else ()
    return people + _missing_notice(effects, model)


def _missing_notice(effects: Effects, model: Specification) -> tuple[Problem, ...]:
    """Say that effects without a value of the crossed factor are one level of it."""
    if not model.crossed:
        return ()
    missing = int(effects.frame[model.crossed].isna().sum())
    if not missing:
        return ()
    message = (
        f"{missing} {'effect has' if missing == 1 else 'effects have'} no {model.crossed}: "
        "together they are one level of this factor, 'not reported'."
    )
    return (notice("MA615", message, "Complete the column if they are of several kinds."),)


def _nested_keys(frame: pd.DataFrame, coarse_first: Sequence[str]) -> list[IntArray]:
    """Group codes of each level; inner labels count within their outer group."""
    keys = [_codes(frame, coarse_first[: i + 1]) for i in range(len(coarse_first))]
    plain = _codes(frame, ["study"])
    above = coarse_first.index("study")
    if above and np.unique(keys[above]).size != np.unique(plain).size:
        raise EstimationError(
            f"A study lies in several groups of {coarse_first[above - 1]!r}: the levels are not "
            "nested.",
            code="MA604",
        )
    return keys


def _codes(frame: pd.DataFrame, columns: Sequence[str]) -> IntArray:
    codes = frame.groupby(list(columns), sort=False, dropna=False).ngroup()
    return np.asarray(codes, dtype=np.intp)


def _runs(codes: IntArray) -> IntArray:
    """Number runs of equal codes from 0, so that they are sorted."""
    starts: IntArray = np.r_[0, codes[1:] != codes[:-1]].astype(np.intp)
    return np.cumsum(starts, dtype=np.intp)
