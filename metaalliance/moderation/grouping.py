"""A column of the effects as levels: which effects have which, and which have none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array, BoolArray, IntArray
from metaalliance.effects.effects import Effects
from metaalliance.effects.levels import in_order, read_as
from metaalliance.errors import OptionError
from metaalliance.moderation.notices import missing_notice
from metaalliance.options import did_you_mean
from metaalliance.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grouping:
    """Effects by the levels of one moderator.

    Attributes
    ----------
    name : str
        The column.
    levels : tuple of str
        The reference first, the others in the order of their vocabulary, else of the alphabet.
    codes : ndarray of int, shape (k,)
        Index of the level of each effect; -1 where the moderator is missing.
    effects : Effects
        All effects.
    """

    name: str
    levels: tuple[str, ...]
    codes: IntArray = field(repr=False)
    effects: Effects = field(repr=False)

    @property
    def present(self) -> BoolArray:
        """Whether each effect has a level, shape (k,)."""
        return np.asarray(self.codes >= 0)

    def of(self, level: str) -> Effects:
        """Return the effects of one level."""
        return self.effects.subset(self.codes == self.levels.index(level))

    def studies(self) -> dict[str, int]:
        """Number of studies of each level."""
        return dict(zip(self.levels, self._groups(self._studies()), strict=True))

    def sizes(self) -> dict[str, dict[str, int | None]]:
        """Studies, effects and participants of each level, as `Effects` counts them."""
        effects = np.bincount(self.codes[self.present], minlength=len(self.levels)).tolist()
        people = zip(self.studies().values(), effects, self._participants(), strict=True)
        names = ("n_studies", "n_effects", "n_participants")
        return {
            level: dict(zip(names, own, strict=True))
            for level, own in zip(self.levels, people, strict=True)
        }

    def _studies(self) -> IntArray:
        return pd.factorize(self.effects.frame["study"])[0].astype(np.intp)

    def _groups(self, codes: IntArray) -> list[int]:
        """Number of groups (k,) that each level has effects of."""
        pairs = np.unique(np.column_stack([self.codes, codes])[self.present], axis=0)
        return [int(n) for n in np.bincount(pairs[:, 0], minlength=len(self.levels))]

    def _participants(self) -> list[int | None]:
        """Participants of each level; None where an effect has no n."""
        if "n" not in self.effects.frame:
            return [None] * len(self.levels)
        n = self.effects.frame["n"].to_numpy(dtype=float)[self.present]
        pairs = np.column_stack([self.codes, self.effects.sample_codes])[self.present]
        samples, place = np.unique(pairs, axis=0, return_inverse=True)
        largest, missing = np.full(len(samples), -np.inf), np.isnan(n)
        np.maximum.at(largest, place.ravel()[~missing], n[~missing])
        total = np.bincount(samples[:, 0], largest, len(self.levels))
        total[np.unique(pairs[missing, 0])] = np.nan
        return [None if np.isnan(one) else int(one) for one in total]

    def indicators(self, levels: tuple[str, ...]) -> tuple[BoolArray, Array]:
        """Return which effects have one of `levels`, and their indicator columns."""
        wanted = np.array([self.levels.index(level) for level in levels], dtype=int)
        keep = np.isin(self.codes, wanted)
        return keep, (self.codes[keep][:, None] == wanted[None, :]).astype(float)

    def varies_within(self) -> int:
        """Number of studies with effects of more than one level."""
        frame = pd.DataFrame({"study": self.effects.frame["study"], "code": self.codes})
        seen = frame[frame["code"] >= 0].groupby("study", sort=False)["code"].nunique()
        return int((seen > 1).sum())

    def missing(self) -> dict[str, int]:
        """Effects without a value, and studies that have no other."""
        lost = set(self.effects.frame["study"]) - set(self.effects.frame["study"][self.present])
        return {"n_effects": int((~self.present).sum()), "n_studies": len(lost)}

    def notices(self) -> tuple[Problem, ...]:
        """Say how many effects have no value."""
        return missing_notice(self.name, self.missing(), self.effects.n_effects)


def group_by(effects: Effects, name: str, reference: str | None = None) -> Grouping:
    """Sort effects by the levels of a text or true-false column.

    Parameters
    ----------
    effects : Effects
        What is grouped.
    name : str
        The column.
    reference : str, optional
        The level that comes first; by default the one with most studies.

    Raises
    ------
    OptionError
        For a column that does not exist, holds numbers or no value, or a level that it
        does not have.
    """
    values = column(effects, name)
    if is_number(values):
        raise OptionError(
            f"{name} holds numbers, and has no levels: use meta_regression(effects, {name!r}), or "
            f"make it text first.",
            code="MA646",
        )
    labels = values.astype(object).where(values.notna(), None)
    text = [None if v is None or not str(v).strip() else str(v).strip() for v in labels]
    found = in_order({t for t in text if t is not None}, effects.frame, name)
    if not found:
        raise OptionError(f"{name} has no value at all.", code="MA646")
    levels = _ordered(effects, name, found, text, reference)
    index = {level: i for i, level in enumerate(levels)}
    codes = np.array([-1 if t is None else index[t] for t in text], dtype=np.intp)
    return Grouping(name=name, levels=levels, codes=codes, effects=effects)


def column(effects: Effects, name: str) -> pd.Series[Any]:
    """Return a column that can moderate, or say which there are."""
    if name not in effects.moderators and name not in {"n", "sample"}:
        spelled = str(name).strip().casefold().replace(" ", "_")
        known = read_as(effects.frame, name)
        hint = "" if known else did_you_mean(spelled, effects.moderators, 0.7)
        raise OptionError(f"There is no moderator {name!r}; {effects.moderator_list(name)}.{hint}")
    if name not in effects.frame:
        raise OptionError(f"These effects have no column {name!r}.")
    return effects.frame[name]


def is_number(values: pd.Series[Any]) -> bool:
    """Whether a column holds numbers, all missing ones aside, and not true or false."""
    if pd.api.types.is_bool_dtype(values):
        return False
    if pd.api.types.is_numeric_dtype(values):
        return True
    known = values.dropna()
    return bool(
        known.size
        and pd.api.types.is_object_dtype(values)
        and known.map(lambda v: isinstance(v, int | float) and not isinstance(v, bool)).all()
    )


def _ordered(
    effects: Effects,
    name: str,
    found: list[str],
    text: list[str | None],
    reference: str | None,
) -> tuple[str, ...]:
    """Put the reference level first."""
    if reference is None:
        frame = pd.DataFrame({"study": effects.frame["study"].to_numpy(), "level": text})
        counts = frame.dropna().groupby("level")["study"].nunique()
        reference = max(found, key=lambda level: (int(counts[level]), -found.index(level)))
    if reference not in found:
        raise OptionError(f"{name} has no level {reference!r}; it has {', '.join(found)}.")
    return (reference, *(level for level in found if level != reference))
