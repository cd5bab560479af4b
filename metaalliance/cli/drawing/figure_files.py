"""Files of figures in a folder of results: of `pool`, and one of any command."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from metaalliance import plots
from metaalliance.report.folder import ResultsFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from metaalliance.cli.settings import Look
    from metaalliance.models.pooled_fit import PooledFit


ENDINGS = (".pdf", ".png", ".alt.txt", ".caption.txt")


def figure_files(names: Iterable[str]) -> tuple[str, ...]:
    """Return the files of figures, for the check that nothing foreign is replaced."""
    return tuple(f"{name}{end}" for name in names for end in ENDINGS)


def write_figures(fit: PooledFit, folder: ResultsFolder, look: Look) -> None:
    """Write the forest and the funnel plot as PDF and PNG with their alternative text.

    A forest of several pages is one PDF; its PNG is then the one-page summary by modality, or
    the first page where there is no modality.
    """
    from metaalliance.plots.forests.choice import grouping
    from metaalliance.plots.forests.forest import paged_forest

    pages, single = look.draw(paged_forest, fit), None
    if len(pages) > 1 and grouping(None, fit.effects) != "none":
        single = look.draw(plots.summary_forest, fit, "modality")
    elif len(pages) > 1:
        single = pages[0]
    write_figure(folder, "forest", pages, plots.alt_text(fit, "forest"), raster=single)
    write_figure(folder, "funnel", look.draw(plots.funnel, fit), plots.alt_text(fit, "funnel"))


def write_figure(
    folder: ResultsFolder,
    name: str,
    figure: Figure | Sequence[Figure],
    alt: str,
    *,
    raster: Figure | None = None,
) -> None:
    """Write ``name.pdf``, ``name.png`` and the texts beside them into a folder of results.

    Parameters
    ----------
    raster : Figure, optional
        What the PNG shows, where it is another figure.
    """
    from metaalliance.plots.canvas.save import contents, files_of  # brings matplotlib

    pdf, png = Path(f"{name}.pdf"), Path(f"{name}.png")
    if raster is None:
        files = dict(files_of(figure, [pdf, png], alt=alt))
    else:
        files = {**contents(figure, pdf, alt=alt), **contents(raster, png)}
    for path, content in sorted(files.items()):
        folder.write(path.name, content)
