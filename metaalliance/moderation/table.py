"""Several moderators tested one at a time, with control for their number."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict, Unpack

import numpy as np
import pandas as pd

from metaalliance.core.inference.multiplicity import benjamini_hochberg, holm
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError
from metaalliance.model import Model, ModelSettings
from metaalliance.models.scale import LIMITS, without_nan
from metaalliance.moderation.categorical import MIN_STUDIES, moderators
from metaalliance.moderation.confounding import Confounding, confounding
from metaalliance.moderation.frames import records
from metaalliance.moderation.grouping import column, is_number
from metaalliance.moderation.result import ModeratorTest
from metaalliance.moderation.slope import SlopeTest, slope
from metaalliance.notices import announce, quiet
from metaalliance.options import Components, Scale, check_option
from metaalliance.problems import Problem, notice
from metaalliance.wording.notebook import InNotebook


class TableOptions(TypedDict, total=False):
    """Keywords of `moderator_table` beside those of the model."""

    common_set: bool
    scale: dict[str, float] | None
    centre: dict[str, float] | None
    reference: dict[str, str] | None
    min_studies: int
    separate_tau2: bool
    compare: str
    sesoi: float | None
    tests: str | Sequence[str]
    components: Components
    replications: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModeratorTable(InNotebook):
    """Moderators tested one at a time.

    Attributes
    ----------
    moderators : tuple of ModeratorTest or SlopeTest
        The results, in the order asked for.
    failed : dict of str to str
        Moderators that could not be tested, with the reason.
    multiplicity : DataFrame
        name, p_value, p_holm, p_bh: adjusted for the number of moderators.
    confounding : tuple of Confounding
        Every pair of the moderators.
    common_set : bool
        Whether all were tested on the effects that have a value of each.
    left_out : dict
        Effects and studies that the common set leaves out.
    """

    moderators: tuple[ModeratorTest | SlopeTest, ...]
    failed: dict[str, str]
    multiplicity: pd.DataFrame = field(repr=False)
    confounding: tuple[Confounding, ...] = field(repr=False)
    common_set: bool
    left_out: dict[str, int]
    notices: tuple[Problem, ...] = field(default=(), repr=False)

    def __getitem__(self, name: str) -> ModeratorTest | SlopeTest:
        """Return the result of one moderator."""
        for found in self.moderators:
            if found.name == name:
                return found
        raise KeyError(name)

    def to_frame(self, scale: Scale = "analysis") -> pd.DataFrame:
        """Return the table that papers print: a row for each moderator, then one per level."""
        check_option("scale", scale, Scale)
        rows: list[dict[str, Any]] = []
        adjusted = self.multiplicity.set_index("name")
        for found in self.moderators:
            test = found.omnibus
            head = {
                "moderator": found.name,
                "level": "",
                "n_studies": found.n_studies,
                "n_effects": found.n_effects,
                **{key: test[key] for key in ("statistic", "df1", "df2", "p_value")},
                "p_holm": adjusted.loc[found.name, "p_holm"],
                "p_bh": adjusted.loc[found.name, "p_bh"],
                "R2": found.R2,
                "tau2": found.tau2,
            }
            rows += [head, *_parts(found, scale)]
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return every result, the adjusted p-values and the associations; missing is None."""
        return without_nan(
            {
                "moderators": [found.to_dict() for found in self.moderators],
                "failed": [{"name": k, "reason": v} for k, v in self.failed.items()],
                "multiplicity": records(self.multiplicity),
                "confounding": [found.to_dict() for found in self.confounding],
                "common_set": self.common_set,
                "left_out": self.left_out,
                "notices": [p.to_dict() for p in self.notices],
            }
        )

    def summary(self) -> str:
        """Return every result as text for a terminal."""
        return "\n\n".join(found.summary() for found in self.moderators)


def moderator_table(
    effects: Effects,
    by: Sequence[str],
    *,
    common_set: bool = False,
    scale: dict[str, float] | None = None,
    centre: dict[str, float] | None = None,
    reference: dict[str, str] | None = None,
    min_studies: int = MIN_STUDIES,
    separate_tau2: bool = False,
    compare: str = "pairwise",
    sesoi: float | None = None,
    tests: str | Sequence[str] = (),
    components: Components = "re-estimated",
    replications: int = 1000,
    seed: int = 1,
    progress: Callable[[int, int], None] | None = None,
    **settings: Unpack[ModelSettings],
) -> ModeratorTable:
    """Test several moderators, one at a time.

    Parameters
    ----------
    effects : Effects
        What is explained.
    by : sequence of str
        Columns: text gives levels, numbers give slopes.
    common_set : bool
        Test each on the effects that have a value of all; by default each on those that have
        its own.
    scale, centre : dict, optional
        Of numeric moderators, see `slope`.
    reference : dict, optional
        First level by moderator.
    min_studies, separate_tau2, compare, sesoi, tests, components, replications, seed, progress
        Of moderators with levels, see `moderators`.
    **settings
        The settings of `pool`, or a whole `Model` as `model`.

    Returns
    -------
    ModeratorTable
        With p-values adjusted by Holm (family-wise error) and by Benjamini and Hochberg (false
        discovery rate) for the number of moderators tested.

    Examples
    --------
    >>> effects = Effects.from_arrays(
    ...     [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0.01] * 6,
    ...     moderators={"arm": list("aaabbb"), "age": [30, 41, 35, 42, 38, 40]},
    ... )
    >>> found = moderator_table(effects, ["arm", "age"], test="wald")
    >>> found.multiplicity["name"].tolist(), len(found.confounding)
    (['arm', 'age'], 1)
    """
    names = list(dict.fromkeys(by))
    if not names:
        raise OptionError("No moderator was named.")
    kinds = {name: is_number(column(effects, name)) for name in names}
    for given in (scale, centre, reference):
        _known(given, names)
    used = _common(effects, names) if common_set else effects
    model = Model.of(settings)

    def one(name: str) -> ModeratorTest | SlopeTest:
        if kinds[name]:
            unit, zero = (scale or {}).get(name), (centre or {}).get(name)
            return slope(used, name, scale=unit, centre=zero, model=model)
        return moderators(
            used, name, reference=(reference or {}).get(name), min_studies=min_studies,
            separate_tau2=separate_tau2, compare=compare, sesoi=sesoi, tests=tests,
            components=components, replications=replications, seed=seed, progress=progress,
            model=model,
        )  # fmt: skip

    found, failed = _each(names, one)
    pairs = _pairs(used, names)
    notices = [notice("MA637", f"{k} could not be tested: {v}") for k, v in failed.items()]
    for pair in pairs:
        notices += pair.notices()
    announce(notices)
    return ModeratorTable(
        moderators=tuple(found),
        failed=failed,
        multiplicity=_multiplicity(found),
        confounding=pairs,
        common_set=common_set,
        left_out={
            "n_effects": effects.n_effects - used.n_effects,
            "n_studies": effects.n_studies - used.n_studies,
        },
        notices=tuple(notices),
    )


def _each(
    names: Sequence[str], one: Callable[[str], ModeratorTest | SlopeTest]
) -> tuple[list[ModeratorTest | SlopeTest], dict[str, str]]:
    """Test each moderator; return the results, and why there is none of the others."""
    found: list[ModeratorTest | SlopeTest] = []
    failed: dict[str, str] = {}
    with quiet():  # their notices stand in each result
        for name in names:
            try:
                found.append(one(name))
            except (EstimationError, OptionError) as error:
                if isinstance(error, OptionError) and error.code != "MA646":
                    raise
                failed[name] = str(error)
    return found, failed


def _known(given: dict[str, Any] | None, names: list[str]) -> None:
    unknown = [name for name in given or {} if name not in names]
    if unknown:
        raise OptionError(f"{unknown[0]} is not one of the moderators {', '.join(names)}.")


def _common(effects: Effects, names: list[str]) -> Effects:
    """Effects with a value of every moderator."""
    known = effects.frame[names].notna().all(axis=1).to_numpy()
    if not known.any():
        raise EstimationError(f"No effect has a value of all of {', '.join(names)}.", code="MA602")
    return effects.subset(known)


def _pairs(effects: Effects, names: list[str]) -> tuple[Confounding, ...]:
    found = []
    for first, second in itertools.combinations(names, 2):
        try:
            found.append(confounding(effects, first, second))
        except OptionError:  # no effect has both
            continue
    return tuple(found)


def _multiplicity(found: Sequence[ModeratorTest | SlopeTest]) -> pd.DataFrame:
    p = np.array([result.p_value for result in found], dtype=float)
    return pd.DataFrame(
        {
            "name": [result.name for result in found],
            "p_value": p,
            "p_holm": holm(p),
            "p_bh": benjamini_hochberg(p),
        }
    )


def _parts(found: ModeratorTest | SlopeTest, scale: Scale) -> list[dict[str, Any]]:
    """Levels of a categorical moderator, the slope of a numeric one."""
    if isinstance(found, SlopeTest):
        row = found.fit.to_frame().iloc[1]
        values = {key: float(row[key]) for key in ("estimate", "ci_low", "ci_high")}
        counts = {"n_studies": found.n_studies, "n_effects": found.n_effects}
        return [{"moderator": found.name, "level": f"slope {found.unit}", **counts, **values}]
    rows = []
    kept = ("level", "n_studies", "n_effects", "n_participants", "tested", "note", *LIMITS)
    for one in records(found.to_frame(scale)):
        rows.append({"moderator": found.name, **{key: one[key] for key in kept}})
    return rows
