"""What the pages of one forest plot share."""

from __future__ import annotations

from dataclasses import dataclass

from metaalliance.plots.canvas.axis import EffectAxis
from metaalliance.plots.canvas.style import Style
from metaalliance.plots.canvas.typeset import Line
from metaalliance.plots.forests.layout import Columns
from metaalliance.plots.forests.lines import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Everything that the pages of one forest plot share.

    Attributes
    ----------
    mean : float
        The overall mean, drawn as a line.
    reference : tuple of (float, str), optional
        Position on the analysis scale and label of a published value.
    heaviest : float
        Weight of the largest square.
    beside, foot, caption : tuple of Line
        Sentences on the left of the axis and under the last page, and all there are.
    directions : tuple of (str, str)
        What lies on either side of zero, from the longest wording to the shortest.
    """

    table: Table
    columns: Columns
    axis: EffectAxis
    style: Style
    width: float
    title: str
    mean: float
    reference: tuple[float, str] | None
    heaviest: float
    beside: tuple[Line, ...] = ()
    foot: tuple[Line, ...]
    caption: tuple[Line, ...]
    directions: tuple[tuple[str, str], ...]

    @property
    def unsaid(self) -> tuple[Line, ...]:
        """What the caption has beside the sentences of the figure."""
        return tuple(line for line in self.caption if line not in (*self.beside, *self.foot))

    def place(self, value: float) -> float:
        """Return the place of a value of the analysis scale on the page, in mm."""
        left, right = self.columns.panel
        return left + (value - self.axis.low) / (self.axis.high - self.axis.low) * (right - left)
