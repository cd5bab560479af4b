"""The figures that `pool` writes beside its numbers."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from metaalliance import plots

if TYPE_CHECKING:
    from metaalliance.models.fits import PooledFit
    from metaalliance.report.folder import ResultsFolder

FUNNEL_WIDTH = 120


def write_figures(fit: PooledFit, folder: ResultsFolder, width_mm: float) -> None:
    """Write the forest and the funnel plot as PDF and PNG with their alternative text.

    A forest of several pages is one PDF; its PNG is then the one-page summary by modality, or
    the first page where there is no modality.
    """
    pages = plots.forest_pages(fit, width_mm=width_mm)
    single = pages[0]
    grouped = "modality" in fit.effects.frame and fit.effects.frame["modality"].nunique() > 1
    if len(pages) > 1 and grouped:
        single = plots.summary_forest(fit, "modality", width_mm=width_mm)
    funnel = plots.funnel(fit, width_mm=min(FUNNEL_WIDTH, width_mm))
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        plots.save(pages, directory / "forest.pdf", alt=plots.alt_text(fit, "forest"))
        plots.save(single, directory / "forest.png")
        plots.save(funnel, directory / "funnel.pdf", alt=plots.alt_text(fit, "funnel"))
        plots.save(funnel, directory / "funnel.png")
        for file in sorted(directory.iterdir()):
            folder.write(file.name, file.read_bytes())
