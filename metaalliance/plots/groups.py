"""Levels of a moderator in a figure: their order, their names, and how they are told apart."""

from __future__ import annotations

from dataclasses import dataclass

from metaalliance.core.arrays import BoolArray
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.moderation.level_means import labels_of, levels_of
from metaalliance.plots.canvas.frame import COLOURS, MARKERS
from metaalliance.wording.estimands import estimand_name

#: More levels cannot be told apart by shape and colour.
MOST = len(MARKERS)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """One level: its name, its effects, its marker and its colour."""

    level: str
    members: BoolArray
    marker: str
    color: str

    @property
    def name(self) -> str:
        """Name with a capital."""
        return level_name(self.level)


def level_name(level: str) -> str:
    """Return the name of a level in words with a capital, unless it has capitals of its own.

    Examples
    --------
    >>> level_name("third-wave"), level_name("iCBT")
    ('Third-wave', 'iCBT')
    >>> level_name("within_patient")
    'Within patients'
    """
    level = estimand_name([level]) or level
    return level[:1].upper() + level[1:] if level.islower() else level


def groups_of(effects: Effects, by: str) -> list[Group]:
    """Divide effects by a moderator, each level with a marker and a colour of its own.

    Raises
    ------
    OptionError
        When there is no such moderator, or it has too many levels to tell apart.
    """
    labels = labels_of(effects, by)
    levels = levels_of(effects, by)
    if len(levels) > MOST:
        raise OptionError(
            f"by={by!r} has {len(levels)} levels; a figure tells at most {MOST} apart. Group "
            "them in the sheet, or leave some out."
        )
    return [
        Group(
            level=level,
            members=labels == level,
            marker=MARKERS[i],
            color=COLOURS[i % len(COLOURS)],
        )
        for i, level in enumerate(levels)
    ]
