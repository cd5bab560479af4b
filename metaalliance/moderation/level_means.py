"""Means of the levels of a moderator as figures show them: from one model, or pooled apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from metaalliance.effects.effects import Effects
from metaalliance.effects.levels import MISSING, in_order, level_labels
from metaalliance.errors import EstimationError, MetaAllianceError, OptionError
from metaalliance.models.part import pool_part
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import without_nan
from metaalliance.moderation.categorical import moderators
from metaalliance.moderation.frames import records
from metaalliance.moderation.grouping import is_number
from metaalliance.moderation.result import ModeratorTest
from metaalliance.notices import quiet
from metaalliance.options import check_option

#: One model of all levels, or one of each.
Pooling = Literal["joint", "apart"]

_COUNTS = ("n_studies", "n_effects", "n_participants")
_NUMBERS = (
    "estimate", "statistic", "df", "p_value", "ci_low", "ci_high", "pi_low", "pi_high",
    "tau2", "I2", "Q", "Q_df", "Q_p_value",
)  # fmt: skip


def labels_of(effects: Effects, by: str) -> np.ndarray:
    """Return the level of each effect as text; what has none is "not reported".

    Raises
    ------
    OptionError
        When the effects have no such column.
    """
    if by not in effects.frame:
        raise OptionError(f"by={by!r}: there is no such moderator; {effects.moderator_list(by)}.")
    return level_labels(effects.frame[by])


def levels_of(effects: Effects, by: str) -> list[str]:
    """Return levels in their order, "not reported" last."""
    return in_order(set(labels_of(effects, by)), effects.frame, by)


def subgroup_fits(fit: PooledFit, by: str) -> dict[str, PooledFit]:
    """Pool the effects of each level of `by` on their own, with the settings of `fit`.

    Parameters
    ----------
    fit : PooledFit
        The overall result, whose model, test and other settings are taken over. A level
        in which no study has several effects falls back from a multilevel to the
        two-level model, and the effects of a level that is one study are aggregated; each
        fit says which model it is.
    by : str
        A moderator column of the effects.

    Returns
    -------
    dict of str to PooledFit
        Levels in the order of their vocabulary, else of the alphabet; effects without a value
        come last as "not reported".

    Raises
    ------
    OptionError
        When the effects have no such column.
    """
    labels = labels_of(fit.effects, by)
    return {
        level: pool_part(fit, fit.effects.subset(labels == level))
        for level in levels_of(fit.effects, by)
    }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LevelMean:
    """One level: its effects, and its mean on the analysis scale where it was pooled.

    Attributes
    ----------
    name : str
        As the sheet has it.
    effects : Effects
        Its effects.
    model, test : str
        What pooled it; empty where nothing did.
    estimate, statistic, df, p_value, ci_low, ci_high, pi_low, pi_high : float
        NaN where it was not pooled.
    tau2 : float
        Heterogeneity of its own; NaN where all levels share one.
    I2, Q, Q_df, Q_p_value : float
        Heterogeneity of its effects.
    """

    name: str
    effects: Effects = field(repr=False)
    n_studies: int
    n_effects: int
    n_participants: int | None
    model: str = ""
    test: str = ""
    estimate: float = math.nan
    statistic: float = math.nan
    df: float = math.nan
    p_value: float = math.nan
    ci_low: float = math.nan
    ci_high: float = math.nan
    pi_low: float = math.nan
    pi_high: float = math.nan
    tau2: float = math.nan
    I2: float = math.nan
    Q: float = math.nan
    Q_df: int = 0
    Q_p_value: float = math.nan

    @classmethod
    def of(cls, fit: PooledFit, name: str) -> Self:
        """Return the mean of a fit of its own."""
        numbers = {key: getattr(fit, key) for key in (*_COUNTS, *_NUMBERS)}
        return cls(name=name, effects=fit.effects, model=fit.model, test=fit.test, **numbers)

    @classmethod
    def only_counted(cls, effects: Effects, name: str) -> Self:
        """Return a level that was not pooled."""
        counts = {key: getattr(effects, key) for key in _COUNTS}
        return cls(name=name, effects=effects, **counts)

    @property
    def pooled(self) -> bool:
        """Whether it has a mean."""
        return math.isfinite(self.estimate)

    @property
    def tau(self) -> float:
        """Standard deviation of its own true effects."""
        return math.sqrt(self.tau2)

    def to_dict(self) -> dict[str, Any]:
        """Return counts and numbers for JSON; missing is None."""
        numbers = {key: getattr(self, key) for key in (*_COUNTS, *_NUMBERS)}
        return without_nan({"level": self.name, **numbers})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LevelMeans:
    """The levels of one moderator.

    Attributes
    ----------
    levels : tuple of LevelMean
        In the order of the vocabulary, else of the alphabet; effects without a value last.
    test : ModeratorTest or None
        The model of all levels; None where the effects allow none.
    pool : {"joint", "apart"}
        Whether the means are those of `test`, or each of a model of its own.
    reason : str
        Why there is no `test`.
    """

    by: str
    levels: tuple[LevelMean, ...]
    test: ModeratorTest | None
    pool: Pooling
    reason: str = ""

    @property
    def least(self) -> int:
        """Studies that a level needs."""
        return 0 if self.test is None else int(self.test.options["min_studies"])


@lru_cache(maxsize=8)  # a figure, its alternative text and its summary show the same levels
def level_means(fit: PooledFit, by: str | ModeratorTest, pool: Pooling = "joint") -> LevelMeans:
    """Return the mean of each level of `by`, with the settings of `fit`.

    Parameters
    ----------
    fit : PooledFit
        The overall result, whose model as it was asked for is taken over.
    by : str or ModeratorTest
        A column of the effects, or a test whose levels are shown as they were tested.
    pool : {"joint", "apart"}
        The means of `moderators`, where a level of too few studies has none, or each level
        pooled on its own by the settings of `fit`.

    Raises
    ------
    OptionError
        When the effects have no such column.
    EstimationError
        When a level cannot be pooled apart.
    """
    check_option("pool", pool, Pooling)
    if isinstance(by, ModeratorTest):
        return means_of_test(by)
    labels = labels_of(fit.effects, by)
    test, reason = _tested(fit, by)
    if pool == "apart":
        found = [LevelMean.of(part, name) for name, part in subgroup_fits(fit, by).items()]
    else:
        found = _joint(fit.effects, labels, levels_of(fit.effects, by), test)
    return LevelMeans(by=by, levels=tuple(found), test=test, pool=pool, reason=reason)


def pair_means(
    fit: PooledFit, by: str, x: str, pool: Pooling = "joint"
) -> tuple[LevelMeans, dict[tuple[str, str], LevelMean]]:
    """Return the mean of each pair of levels of two moderators, and the same by pair.

    A pair of which one is not reported is no level of the joint model.

    Parameters
    ----------
    fit, pool
        As for `level_means`.
    by, x : str
        Columns of the effects.
    """
    down, along = labels_of(fit.effects, by), labels_of(fit.effects, x)
    codes, unique = pd.factorize(pd.MultiIndex.from_arrays([down, along]))
    names = pd.Series(codes.astype(str), dtype=object)  # text: pairs are levels
    if pool == "joint":
        names[(down == MISSING) | (along == MISSING)] = None
    frame = fit.effects.frame.assign(_pair=names.to_numpy())
    means = level_means(replace(fit, effects=replace(fit.effects, frame=frame)), "_pair", pool)
    found = {level.name: level for level in means.levels}
    pairs = {}
    for code, pair in enumerate(unique):
        name = " × ".join(pair)
        level = found.get(str(code))
        if level is None:
            level = LevelMean.only_counted(fit.effects.subset(codes == code), name)
        pairs[pair] = replace(level, name=name)
    return means, pairs


def drawn_levels(
    fit: PooledFit, by: str, x: str | None = None, pool: Pooling = "joint"
) -> list[dict[str, Any]]:
    """Return the numbers of each level of `by`, or of its pairs with those of `x`, for JSON."""
    if x is None:
        return [level.to_dict() for level in level_means(fit, by, pool).levels]
    return [pair.to_dict() for pair in pair_means(fit, by, x, pool)[1].values()]


@lru_cache(maxsize=8)
def means_of_test(test: ModeratorTest) -> LevelMeans:
    """Return the levels of a test in its own order, as they were tested."""
    labels = labels_of(test.effects, test.name)
    found = _joint(test.effects, labels, [str(name) for name in test.levels["level"]], test)
    return LevelMeans(by=test.name, levels=tuple(found), test=test, pool="joint")


def _joint(
    effects: Effects, labels: Any, names: Sequence[str], test: ModeratorTest | None
) -> list[LevelMean]:
    """Return levels, each with its row of the test if it takes part in it."""
    rows = {} if test is None else {str(row["level"]): row for row in records(test.levels)}
    found = []
    for name in names:
        part, row = effects.subset(labels == name), rows.get(name)
        if row is None or test is None:
            found.append(LevelMean.only_counted(part, name))
            continue
        counts = {key: row[key] for key in _COUNTS}
        level = LevelMean(name=name, effects=part, **counts)
        found.append(_with_numbers(level, row, test) if row["tested"] else level)
    return found


def _with_numbers(level: LevelMean, row: dict[str, Any], test: ModeratorTest) -> LevelMean:
    """Return a level with its numbers in a test."""
    numbers = {key: row[key] for key in _NUMBERS} | {"Q_df": int(row["Q_df"])}
    if not test.options["separate_tau2"]:
        numbers["tau2"] = math.nan
    return replace(level, **numbers, model=test.options["model"], test=test.options["test"])


def _tested(fit: PooledFit, by: str) -> tuple[ModeratorTest | None, str]:
    """Return the model of all levels, or why the effects allow none."""
    asked: Any = fit.specification.asked
    with quiet():  # what is left out is said in the figure
        try:
            effects = _as_text(fit.effects, by)  # nobody asks for all their differences
            return moderators(effects, by, compare="reference", model=asked), ""
        except (EstimationError, OptionError) as error:
            return None, _plain(error)


def _plain(error: MetaAllianceError) -> str:
    return str(error).strip().rstrip(".")


def _as_text(effects: Effects, by: str) -> Effects:
    """Return effects whose column of numbers is one of levels, as the figure shows it."""
    if not is_number(effects.frame[by]):
        return effects
    labels = labels_of(effects, by)
    frame = effects.frame.copy()
    frame[by] = [None if label == MISSING else label for label in labels]
    return replace(effects, frame=frame)
