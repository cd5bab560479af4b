"""The figures of a report: drawn once, as SVG for the page and PNG for the document."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaalliance import plots
from metaalliance.analysis.evidence import Evidence
from metaalliance.cli.settings import Look
from metaalliance.plots.canvas.save import files_of
from metaalliance.plots.canvas.sentences import spoken
from metaalliance.plots.charts.evidence.flow import flow_diagram
from metaalliance.plots.charts.evidence.risk_of_bias import ratings_text, risk_of_bias
from metaalliance.plots.charts.evidence.traffic_lights import traffic_lights, traffic_text
from metaalliance.plots.charts.specification_curve import specification_text
from metaalliance.plots.forests.forest import paged_forest
from metaalliance.plots.forests.summary import pooling_note
from metaalliance.report.manuscript.document import Figure
from metaalliance.report.manuscript.prose import Prose, prose
from metaalliance.report.sections.data import MOST_IN_TEXT
from metaalliance.report.sections.flow import STEPS
from metaalliance.report.sections.multiverse import FIGURE
from metaalliance.report.sections.quality import rated_studies
from metaalliance.wording.phrases import level_text, studies_text

if TYPE_CHECKING:
    from metaalliance.models.pooled_fit import PooledFit
    from metaalliance.robustness.results import Multiverse

DPI = 300


def report_figures(evidence: Evidence, look: Look) -> list[Figure]:
    """Return flow, risk of bias, forest and funnel, as far as there is something to draw."""
    fit = evidence.fit
    found = [] if evidence.multiverse is None else [_curve(evidence.multiverse, look)]
    if any(step in evidence.flow for step in STEPS):
        found.append(_flow(evidence, look))
    found += _quality(evidence, look)
    found += forests(evidence, look)
    if fit.n_effects > 1:
        found.append(
            Figure(
                name="funnel",
                title="Contour-Enhanced Funnel Plot",
                alt=plots.alt_text(fit, "funnel"),
                width_mm=look.width_of(plots.funnel),
                pages=pages_of([look.draw(plots.funnel, fit)]),
                note=prose(
                    "Each point is one effect. Shading marks the *p*-value of an effect on its "
                    "own; the dashed lines enclose {level} of effects if there were no "
                    "heterogeneity.",
                    level=level_text(fit.level),
                ),
            )
        )
    return found


def _curve(found: Multiverse, look: Look) -> Figure:
    """Return the specification curve."""
    return Figure(
        name=FIGURE,
        title="Specification Curve of the Pooled Effect",
        alt=specification_text(found),
        width_mm=look.width_of(plots.specification_curve),
        pages=pages_of([look.draw(plots.specification_curve, found)]),
        note=prose(
            "Above: the estimate of every specification with its confidence interval, in order. "
            "Below: the options that made it."
        ),
    )


def forests(evidence: Evidence, look: Look) -> list[Figure]:
    """Return the forest, or the forest of modalities with every study for the supplement."""
    fit = evidence.fit
    drawn = look.draw(paged_forest, fit)
    title = f"Forest Plot of {studies_text(fit.n_studies).title()}"
    long = fit.n_studies > MOST_IN_TEXT
    every = Figure(
        name="all-studies" if long else "forest",
        title=title,
        alt=plots.alt_text(fit, "forest"),
        width_mm=look.width_of(plots.forest_pages),
        pages=pages_of(drawn),
        note=_forest_note(fit, drawn.unsaid),
        folded=len(drawn) > 1,
    )
    frame = fit.effects.frame
    if not (long and "modality" in frame and frame["modality"].nunique() > 1):
        return [every]
    summary = Figure(
        name="modality",
        title="Pooled Results by Treatment Modality",
        alt=plots.alt_text(fit, "summary-forest"),
        width_mm=look.width_of(plots.summary_forest),
        pages=pages_of([look.draw(plots.summary_forest, fit, "modality")]),
        note=_modality_note(fit),
    )  # fmt: skip
    return [summary, every]


def _modality_note(fit: PooledFit) -> Prose:
    text = pooling_note(fit, "modality", "Modalities")
    return prose("{pooling}", pooling=spoken(text))


def _forest_note(fit: PooledFit, unsaid: str) -> Prose:
    """Return what the marks are, and what the figure leaves to its caption."""
    text = prose(
        "Squares show the studies with {level} confidence intervals, their area the weight in the "
        "overall mean; the diamond is the mean with its confidence interval.",
        level=level_text(fit.level),
    )
    return text + prose("{rest}", rest=" ".join(unsaid.split("\n"))) if unsaid else text


def _flow(evidence: Evidence, look: Look) -> Figure:
    flow: dict[str, Any] = {"studies": evidence.fit.n_studies, **evidence.flow}
    parts = [f"{flow[step]:,} {words}" for step, words in STEPS.items() if step in flow]
    return Figure(
        name="flow",
        title="PRISMA Flow Diagram of the Selection of Studies",
        alt=f"Flow diagram: {'; '.join(parts)}.",
        width_mm=look.width_of(flow_diagram),
        pages=pages_of([look.draw(flow_diagram, flow)]),
        note=prose("After the PRISMA 2020 statement [@page2021]."),
    )


def _quality(evidence: Evidence, look: Look) -> list[Figure]:
    """Return the bars of the ratings; with the lights of few studies that have several domains."""
    table = rated_studies(evidence)
    if table is None:
        return []
    bars = Figure(
        name="risk-of-bias",
        title="Risk of Bias in the Studies",
        alt=spoken(f"Bars of the share of studies with each rating. {ratings_text(table)}."),
        width_mm=look.width_of(risk_of_bias),
        pages=pages_of([look.draw(risk_of_bias, table)]),
        note=prose("Ratings of the review team, {n}.", n=studies_text(len(table))),
    )
    if len(table) > MOST_IN_TEXT or len(table.columns) < 2:
        return [bars]
    lights = Figure(
        name="traffic-lights",
        title="Risk of Bias of Each Study by Domain",
        alt=traffic_text(table),
        width_mm=look.width_of(traffic_lights),
        pages=pages_of(look.draw(traffic_lights, table)),
    )
    return [bars, lights]


def pages_of(figures: Sequence[Any]) -> tuple[tuple[bytes, bytes], ...]:
    """Return the SVG and the PNG of each page."""
    found = []
    for figure in figures:
        (_, svg), (_, png) = files_of(figure, [Path("page.svg"), Path("page.png")], DPI)
        found.append((svg, png))
    return tuple(found)
