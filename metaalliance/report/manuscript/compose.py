"""The report of an analysis, put together from its sections."""

from __future__ import annotations

from collections.abc import Sequence

from metaalliance.analysis.evidence import Evidence
from metaalliance.report.manuscript.document import Document, Figure
from metaalliance.report.manuscript.prose import Prose, prose
from metaalliance.report.sections.agreement import agreement_section
from metaalliance.report.sections.attention import attention_points
from metaalliance.report.sections.bias import bias_section
from metaalliance.report.sections.certainty import certainty_section
from metaalliance.report.sections.data import data_section
from metaalliance.report.sections.flow import flow_section
from metaalliance.report.sections.influence import influence_section
from metaalliance.report.sections.moderators import moderators_section
from metaalliance.report.sections.multiverse import multiverse_section
from metaalliance.report.sections.pooling import (
    heterogeneity_prose,
    mean_text,
    pooling_section,
    prediction_text,
)
from metaalliance.report.sections.quality import quality_section
from metaalliance.report.sections.reproduction import record_facts, reproduction_section
from metaalliance.wording.phrases import studies_text


def compose_report(evidence: Evidence, figures: Sequence[Figure] = ()) -> Document:
    """Return the document of a report.

    Parameters
    ----------
    evidence : Evidence
        The sheet and every result.
    figures : sequence of Figure
        What was drawn; a figure is placed by its name.
    """
    sections = [
        flow_section(evidence, figures),
        data_section(evidence),
        agreement_section(evidence.agreement),
        quality_section(evidence, figures),
        pooling_section(evidence, figures),
        moderators_section(evidence.fit, evidence.moderators),
        bias_section(evidence.fit, evidence.bias),
        influence_section(evidence.fit, evidence.influence),
        certainty_section(evidence),
        multiverse_section(evidence.fit, evidence.multiverse, figures),
        reproduction_section(evidence),
    ]
    kept = [s for s in sections if s.methods or s.results or s.appendix]
    return Document(
        title=evidence.title or _title(evidence),
        authors=evidence.authors,
        summary=_summary(evidence),
        attention=attention_points(evidence),
        sections=tuple(kept),
        facts=record_facts(evidence),
        page=evidence.page,
    )


def _title(evidence: Evidence) -> str:
    return (
        "The Therapeutic Alliance and Treatment Outcome: A Meta-Analysis of "
        f"{studies_text(evidence.fit.n_studies).title()}"
    )


def _summary(evidence: Evidence) -> tuple[Prose, ...]:
    fit = evidence.fit
    spread = prediction_text(fit)
    if not spread:
        return (mean_text(fit), heterogeneity_prose(fit))
    return (mean_text(fit), prose("{spread}", spread=spread))
