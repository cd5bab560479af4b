"""The figures that `moderators`, `influence` and `bias` leave beside their tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from metaalliance import plots
from metaalliance.cli.drawing.figure_files import write_figure
from metaalliance.cli.settings import Look
from metaalliance.errors import MetaAllianceError, OptionError
from metaalliance.notices import quiet
from metaalliance.problems import Problem, notice
from metaalliance.report.folder import ResultsFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from metaalliance.analysis.components import ComponentResults
    from metaalliance.analysis.influence import InfluenceResults
    from metaalliance.analysis.moderators import ModeratorModels
    from metaalliance.models.paths.result import Masem
    from metaalliance.models.pooled_fit import PooledFit
    from metaalliance.moderation.result import ModeratorTest
    from metaalliance.publication_bias.summary import BiasSummary
    from metaalliance.robustness.results import Multiverse

#: Levels of a moderator up to which its figures are drawn unasked: more fill over a metre.
MOST_LEVELS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A figure that is still to be drawn.

    Attributes
    ----------
    name : str
        Of its files, without an ending.
    draw : callable
        Returns the figure, or its pages, with the keywords `style` and `width_mm`.
    what : tuple
        What it draws.
    words : callable
        Returns the alternative text.
    """

    name: str
    draw: Callable[..., Figure | list[Figure]]
    what: tuple[Any, ...]
    words: Callable[[], str]


def slug(name: str) -> str:
    """Return the name of a column as part of the name of a file."""
    kept = "".join(c if c.isascii() and c.isalnum() else "_" for c in name.lower())
    return "_".join(part for part in kept.split("_") if part) or "moderator"


def draw_all(drawings: Sequence[Drawing], folder: ResultsFolder, look: Look) -> list[Problem]:
    """Draw and write figures.

    Returns
    -------
    list of Problem
        A note for each figure that these data do not allow.
    """
    notes = []
    for one in drawings:
        try:
            with quiet():
                figure, words = look.draw(one.draw, *one.what), one.words()
        except MetaAllianceError as error:
            text = f"The figure {one.name} was not drawn: {error}"
            notes.append(notice("MA684", text, severity="note"))
            continue
        write_figure(folder, one.name, figure, words)
    return notes


def moderator_drawings(found: ModeratorModels, fit: PooledFit | None) -> list[Drawing]:
    """Return the figures of moderators: levels, slopes and coefficients.

    Parameters
    ----------
    fit : PooledFit or None
        The overall mean, for the forests of levels.
    """
    from metaalliance.moderation.result import ModeratorTest
    from metaalliance.plots.charts.bubble import bubble_text
    from metaalliance.plots.charts.coefficients import coefficients_text
    from metaalliance.plots.charts.orchard import orchard_text

    drawings = []
    for one in () if found.table is None else found.table.moderators:
        name = slug(one.name)
        if not isinstance(one, ModeratorTest):
            drawings.append(_drawing(f"bubble_{name}", plots.bubble, bubble_text, one))
            continue
        if len(one.levels) > MOST_LEVELS:
            kinds = {"orchard": "orchard", "levels": "summary-forest"}
            drawings += [_unasked(f"{own}_{name}", kind, one) for own, kind in kinds.items()]
            continue
        drawings.append(_drawing(f"orchard_{name}", plots.orchard, orchard_text, one))
        if fit is not None:
            drawings.append(_summary(f"levels_{name}", fit, one))
    if found.regression is not None:
        drawings.append(
            _drawing("coefficients", plots.coefficients, coefficients_text, found.regression)
        )
    return drawings


def component_drawings(found: ComponentResults) -> list[Drawing]:
    """Return the clouds of the components, and the correlations of their true effects."""
    from metaalliance.plots.charts.components import (
        component_correlations_text,
        component_orchard_text,
    )

    one = found.model
    return [
        _drawing("component_orchard", plots.component_orchard, component_orchard_text, one),
        _drawing(
            "component_correlations", plots.component_correlations, component_correlations_text, one
        ),
    ]


def influence_drawings(found: InfluenceResults) -> list[Drawing]:
    """Return the figures of influence; GOSH where subsets were pooled."""
    from metaalliance.plots.charts.baujat import baujat_text
    from metaalliance.plots.charts.cumulative import cumulative_text
    from metaalliance.plots.charts.gosh import gosh_text
    from metaalliance.plots.charts.influence_panel import influence_text
    from metaalliance.plots.charts.leave_one_out import leave_one_out_text

    drawings = [
        _drawing("leave_one_out", plots.leave_one_out, leave_one_out_text, found.left_out),
        _drawing("influence", plots.influence_panel, influence_text, found.diagnostics),
        _drawing("baujat", plots.baujat, baujat_text, found.baujat),
    ]
    if found.cumulative is not None:
        drawings.append(_drawing("cumulative", plots.cumulative, cumulative_text, found.cumulative))
    if found.gosh is not None:
        drawings.append(_drawing("gosh", plots.gosh, gosh_text, found.gosh))
    return drawings


def bias_drawings(found: BiasSummary) -> list[Drawing]:
    """Return the funnels and the weights of the selection model, as far as they were computed."""
    from metaalliance.plots.canvas.alt_text import funnel_text
    from metaalliance.plots.charts.funnel_variants import egger_text, pet_peese_text, trim_fill_text
    from metaalliance.plots.charts.selection_weights import selection_weights_text
    from metaalliance.publication_bias.egger import Egger
    from metaalliance.publication_bias.pet_peese import PetPeese
    from metaalliance.publication_bias.selection import SelectionModel

    fit, results = found.fit, found.results
    drawings = [_drawing("funnel_contours", plots.funnel, funnel_text, fit)]
    filled = results.get("Trim and fill (L0)")
    if filled is not None:
        drawings.append(
            _drawing("funnel_trim_fill", plots.trim_fill_funnel, trim_fill_text, filled)
        )
    line = results.get("Egger")
    if isinstance(line, Egger):
        drawings.append(_drawing("funnel_egger", plots.egger_funnel, egger_text, fit, line))
    lines = results.get("PET-PEESE")
    if isinstance(lines, PetPeese):
        drawings.append(
            _drawing("funnel_pet_peese", plots.pet_peese_funnel, pet_peese_text, fit, lines)
        )
    draw, words = plots.selection_weights, selection_weights_text
    selections = [r for r in results.values() if isinstance(r, SelectionModel)]
    if selections:  # the one with most steps says most about the weights
        drawings.append(_drawing("selection_weights", draw, words, selections[-1]))
    bends = results.get("Beta selection")
    if bends is not None:
        drawings.append(_drawing("selection_weights_beta", draw, words, bends))
    return drawings


def multiverse_drawings(found: Multiverse) -> list[Drawing]:
    """Return the specification curve."""
    from metaalliance.plots.charts.specification_curve import specification_text

    name, draw = "specification_curve", plots.specification_curve
    return [_drawing(name, draw, specification_text, found)]


def path_drawings(found: Masem) -> list[Drawing]:
    """Return the path diagram."""
    from metaalliance.plots.charts.path_diagram import path_diagram_text

    return [_drawing("path_diagram", plots.path_diagram, path_diagram_text, found)]


def _drawing(
    name: str, draw: Callable[..., Figure | list[Figure]], words: Callable[..., str], *what: object
) -> Drawing:
    return Drawing(name=name, draw=draw, what=what, words=lambda: words(*what))


def _unasked(name: str, kind: str, by: ModeratorTest) -> Drawing:
    """A figure of so many levels that it is drawn only when it is asked for."""

    def refuse(**_: Any) -> NoReturn:
        raise OptionError(
            f"it has {len(by.levels):,} levels, and {MOST_LEVELS} are the most that are drawn "
            f"unasked: metaalliance plot {kind} --by {by.name}."
        )

    return Drawing(name=name, draw=refuse, what=(), words=lambda: "")


def _summary(name: str, fit: PooledFit, by: ModeratorTest) -> Drawing:
    from metaalliance.plots.canvas.alt_text import summary_text

    return Drawing(
        name=name,
        draw=plots.summary_forest,
        what=(fit, by),
        words=lambda: summary_text(fit, by=by),
    )
