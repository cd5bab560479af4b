"""What the authors should look at before they use the text; not part of the manuscript."""

from __future__ import annotations

from collections import Counter

from metaalliance.analysis.evidence import Evidence
from metaalliance.messages import MESSAGES
from metaalliance.report.manuscript.prose import Prose, prose
from metaalliance.report.sections.flow import flow_gaps
from metaalliance.wording.phrases import count_text


def attention_points(evidence: Evidence) -> tuple[Prose, ...]:
    """Return warnings of the sheet by kind, notices of the analysis, and what was silenced."""
    points: list[Prose] = []
    in_sheet = [p for p in evidence.problems if p.severity == "warning" and p.sheet]
    for code, n in Counter(p.code for p in in_sheet).most_common():
        first = next(p for p in in_sheet if p.code == code)
        title = MESSAGES[code].title if code in MESSAGES else first.message
        points.append(
            prose(
                "Sheet: {title} ({n}; {code}), first at {place}.",
                title=title,
                n=count_text(n, "cell"),
                code=code,
                place=first.place,
            )
        )
    for found in evidence.problems:
        if not found.sheet and found.severity != "error":
            points.append(prose("{text} ({code})", text=found.message, code=found.code))
    for (code, reason), n in Counter(
        (p.code, reason) for p, reason in evidence.studies.silenced
    ).items():
        points.append(
            prose(
                "Silenced by the configuration: {code} ({n}): {reason}",
                code=code,
                n=f"{n:,}",
                reason=reason,
            )
        )
    for gap in flow_gaps(evidence.flow, evidence.fit.n_studies) if evidence.flow else ():
        points.append(prose("Flow of studies: {gap} (MA682).", gap=gap))
    points.append(
        prose(
            "The text in bold brackets (search, eligibility, selection, registration) waits for "
            "you: no sheet knows it."
        )
    )
    if evidence.fit.ci_high < 0 and evidence.fit.measure != "generic":
        points.append(
            prose(
                "The mean correlation is negative. Check outcome_direction and "
                "alliance_direction before you report it."
            )
        )
    return tuple(points)
