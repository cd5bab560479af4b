"""Pages of a forest plot: as few as there can be, drawn one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import overload

from matplotlib.figure import Figure

from metaalliance.plots.canvas.page import captioned
from metaalliance.plots.canvas.style import Style, drawing
from metaalliance.plots.forests.draw import divided, draw_page
from metaalliance.plots.forests.lines import TableLine
from metaalliance.plots.forests.plot import Plot


class Pages(Sequence[Figure]):
    """The pages of a forest plot, each drawn when it is asked for, and not kept."""

    def __init__(self, plot: Plot, pages: Sequence[Sequence[TableLine]]) -> None:
        self._plot, self._pages = plot, pages

    @property
    def unsaid(self) -> str:
        """What the caption has beside the sentences of the pages."""
        return captioned(self._plot.unsaid)

    def __len__(self) -> int:
        return len(self._pages)

    @overload
    def __getitem__(self, index: int) -> Figure: ...

    @overload
    def __getitem__(self, index: slice) -> list[Figure]: ...

    def __getitem__(self, index: int | slice) -> Figure | list[Figure]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        folio = f"Page {place + 1} of {len(self)}" if len(self) > 1 else ""
        with drawing(self._plot.style):
            foot = place == len(self) - 1
            return draw_page(self._plot, self._pages[place], foot=foot, folio=folio)


def fewest(plan: Callable[[Style], Plot], look: Style) -> tuple[Plot, list[tuple[TableLine, ...]]]:
    """Return the plan of a forest plot and its pages, denser where that saves a page.

    Rows become as low as type allows; type becomes small only where one page then holds all.
    """
    plot = plan(look)
    pages = divided(plot)
    tried = [(plot.columns.size, len(pages) - 1)] if len(pages) > 1 else []
    tried += [(look.small_size, 1)] if len(pages) == 2 else []
    for size, most in tried:
        denser = plan(look.denser(size))
        fewer = divided(denser)
        if len(fewer) <= most:
            return denser, fewer
    return plot, pages
