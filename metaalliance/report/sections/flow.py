"""How studies were selected: the numbers of the PRISMA flow diagram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from metaalliance.analysis.evidence import Evidence
from metaalliance.report.manuscript.document import Block, Figure, Section
from metaalliance.report.manuscript.prose import Prose, joined, listed, prose
from metaalliance.wording.phrases import agreeing, count_text, studies_text

#: Steps of the flow, with what the diagram says beside the number.
STEPS = {
    "databases": "records from databases",
    "registers": "records from registers",
    "other_sources": "records from other sources",
    "duplicates": "duplicates removed",
    "removed_otherwise": "records removed for other reasons",
    "screened": "records screened",
    "screened_out": "records excluded",
    "sought": "reports sought",
    "not_retrieved": "reports not retrieved",
    "assessed": "reports assessed",
    "excluded": "reports excluded",
    "reports": "reports included",
    "studies": "studies included",
}
_TITLE = "Search and selection of studies"
#: What no sheet knows; the brackets wait for the authors.
_PLACEHOLDERS = (
    prose(
        "**[Search: databases, registers and other sources, with the date of each search; where "
        "the search strings stand; limits.]** **[Eligibility: studies, participants, treatments, "
        "measures of alliance and outcome; languages and years.]** **[Selection: how many people "
        "screened titles, abstracts and reports, whether independently, and how disagreements "
        "were settled.]** **[Registration of the review, and deviations from it.]**"
    ),
)
_SOURCES = ("databases", "registers", "other_sources")


def flow_section(evidence: Evidence, figures: Sequence[Figure] = ()) -> Section:
    """Return the selection of studies in words and as a diagram; empty without numbers."""
    flow = evidence.flow
    if not flow:
        return Section(key="flow", title=_TITLE, methods=_PLACEHOLDERS)
    text = joined([_found(flow), _screened(flow), _assessed(flow), _included(flow, evidence)])
    drawn = [figure for figure in figures if figure.name == "flow"]
    open_points = [
        prose("**[Flow of studies, to be mended:]** {gap} (MA682).", gap=gap)
        for gap in flow_gaps(flow, evidence.fit.n_studies)
    ]
    blocks: list[Block] = [text, *open_points, *drawn]
    return Section(key="flow", title=_TITLE, methods=_PLACEHOLDERS, results=tuple(blocks))


def flow_gaps(flow: Mapping[str, Any], n_studies: int) -> list[str]:
    """Return where the numbers do not add up, for the authors.

    Examples
    --------
    >>> flow_gaps({"screened": 100, "screened_out": 80, "sought": 25, "studies": 9}, 9)
    ['100 records screened less 80 excluded are 20, not the 25 reports sought']
    >>> flow_gaps({"excluded": 9, "reasons": {"no outcome": 5, "no alliance": 3}}, 9)
    ['the reasons add up to 8, not the 9 reports excluded']
    """
    gaps = []
    checks = (
        (("screened",), ("screened_out",), "sought", "records screened less {1} excluded",
         "reports sought"),
        (("sought",), ("not_retrieved",), "assessed", "reports sought less {1} not retrieved",
         "reports assessed"),
        (_SOURCES, ("duplicates", "removed_otherwise"), "screened",
         "records found less {1} removed", "records screened"),
        (("assessed",), ("excluded",), "reports", "reports assessed less {1} excluded",
         "reports included"),
    )  # fmt: skip
    for plus, minus, target, words, name in checks:
        known = [step for step in plus if step in flow]
        if not known or target not in flow or not any(step in flow for step in minus):
            continue
        start, less = sum(flow[s] for s in known), sum(flow.get(s, 0) for s in minus)
        if start - less != flow[target]:
            sentence = words.replace("{1}", f"{less:,}")
            gaps.append(
                f"{start:,} {sentence} are {start - less:,}, not the {flow[target]:,} {name}"
            )
    told = sum(flow.get("reasons", {}).values())
    if told and "excluded" in flow and told != flow["excluded"]:
        gaps.append(
            f"the reasons add up to {told:,}, not the {flow['excluded']:,} reports excluded"
        )
    if "studies" in flow and flow["studies"] != n_studies:
        gaps.append(
            f"the flow ends with {studies_text(flow['studies'])}, but {n_studies:,} are pooled"
        )
    return gaps


def _found(flow: Mapping[str, Any]) -> Prose:
    names = {"databases": "databases", "registers": "registers", "other_sources": "other sources"}
    parts = [f"{count_text(flow[k], 'record')} from {names[k]}" for k in _SOURCES if k in flow]
    if not parts:
        return Prose()
    removed = [
        f"{count_text(flow[key], noun)}"
        for key, noun in (
            ("duplicates", "duplicate"),
            ("removed_otherwise", "record"),
        )
        if flow.get(key)
    ]
    return prose(
        "The search found {parts}{removed}.",
        parts=listed(parts),
        removed=f", of which {_were(removed, flow)} removed before screening" if removed else "",
    )


def _were(removed: list[str], flow: Mapping[str, Any]) -> str:
    total = flow.get("duplicates", 0) + flow.get("removed_otherwise", 0)
    return f"{listed(removed)} {agreeing(total, 'was', 'were')}"


def _screened(flow: Mapping[str, Any]) -> Prose:
    if "screened" not in flow:
        return Prose()
    screened = count_text(flow["screened"], "record")
    if "screened_out" not in flow:
        return prose("Titles and abstracts of {n} were screened.", n=screened)
    return prose(
        "Of {n} that were screened, {out} excluded.",
        n=screened,
        out=_number_were(flow["screened_out"]),
    )


def _assessed(flow: Mapping[str, Any]) -> Prose:
    parts = []
    if "sought" in flow and "not_retrieved" in flow:
        parts.append(
            prose(
                "Of {n} that were sought, {lost} not be retrieved.",
                n=count_text(flow["sought"], "report"),
                lost=f"{flow['not_retrieved']:,} could",
            )
        )
    reasons = flow.get("reasons", {})
    out = flow.get("excluded", sum(reasons.values()) if reasons else None)
    why = listed(f"{reason} ({n:,})" for reason, n in reasons.items())
    if "assessed" in flow and out is not None:
        parts.append(
            prose(
                "Of {n} assessed for eligibility, {out} excluded{why}.",
                n=count_text(flow["assessed"], "report"),
                out=_number_were(out),
                why=f": {why}" if why else "",
            )
        )
    elif "assessed" in flow:
        parts.append(
            prose("Eligibility was assessed of {n}.", n=count_text(flow["assessed"], "report"))
        )
    return joined(parts)


def _included(flow: Mapping[str, Any], evidence: Evidence) -> Prose:
    reports = f" in {count_text(flow['reports'], 'report')}" if "reports" in flow else ""
    return prose(
        "The meta-analysis comprises {n}{reports}.",
        n=studies_text(evidence.fit.n_studies),
        reports=reports,
    )


def _number_were(n: int) -> str:
    return count_text(n, "was", "were")
