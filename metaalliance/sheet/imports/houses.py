"""The register of houses: adding one is a module and a row of `HOUSES`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from metaalliance.sheet.imports import cma, covidence, metapsy, revman, wide
from metaalliance.sheet.imports.entries import Asked, Found
from metaalliance.sheet.imports.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A program whose files are known.

    Attributes
    ----------
    name : str
        What --from calls it.
    words : str
        What its files are.
    needs : str
        What tells them.
    fits, read : callable
        Whether a file is one of them, and what it holds.
    """

    name: str
    words: str
    needs: str
    fits: Callable[[Source, str | None], bool]
    read: Callable[[Source, Asked], Found]


#: In the order in which a file is compared with them.
HOUSES = (
    House(name="revman", words="RevMan (.rm5, data rows, export of RevMan 5)",
          needs="Analysis group, Analysis number, Study, or Comparison Number, Outcome Number, "
          "Subgroup Number, Name", fits=revman.fits, read=revman.read),
    House(name="covidence", words="Covidence's data extraction",
          needs="Reviewer Name with Study ID or Covidence #",
          fits=covidence.fits, read=covidence.read),
    House(name="metapsy", words="a metapsy database", needs="study, condition_arm1, condition_arm2",
          fits=metapsy.fits, read=metapsy.read),
    House(name="cma", words="Comprehensive Meta-Analysis", needs="Study name with Std Err, Effect "
          "direction, Std diff in means and the like", fits=cma.fits, read=cma.read),
    House(name="wide", words="a wide sheet", needs="several effects side by side, such as r_sleep "
          "and r_mood", fits=wide.fits, read=wide.read),
)  # fmt: skip
