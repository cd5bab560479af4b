"""What a report is made of, gathered from an analysis; its document, and what is recorded of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from metaalliance.analysis.content import (
    Content,
    bias_results,
    default_moderators,
    moderator_results,
)
from metaalliance.analysis.documents import POOL_RESULTS, pool_document
from metaalliance.analysis.double_coding import read_agreement
from metaalliance.analysis.evidence import Evidence
from metaalliance.analysis.influence import without_each_study
from metaalliance.config import Config
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.models.comparison import NamedFit
from metaalliance.models.cross_check import witness
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import without_nan
from metaalliance.problems import Problem
from metaalliance.robustness.results import Multiverse
from metaalliance.sheet.studies import Studies

#: Parts of the document that the record covers.
REPORT_RESULTS = (*POOL_RESULTS, "moderators", "bias", "influence")


def gather(
    content: Content,
    *,
    studies: Studies,
    coded: Effects,
    fit: PooledFit,
    comparison: tuple[Sequence[NamedFit], Sequence[Problem]],
    recorded: Mapping[str, Any],
    config: Config,
    multiverse: Callable[[], Multiverse],
) -> Evidence:
    """Run the analyses of a report; the multiverse only where it is asked for."""
    models, notes = comparison
    return Evidence(
        studies=studies,
        coded=coded,
        fit=fit,
        models=models,
        problems=(*studies.problems, *fit.notices, *notes),
        recorded=recorded,
        flow=config.prisma,
        title=str(config.report.get("title", "")),
        authors=str(config.report.get("authors", "")),
        **_shown(config, coded),
        content=content,
        moderators=moderator_results(fit, content.moderators),
        bias=bias_results(fit) if content.bias else None,
        influence=without_each_study(fit) if content.influence else None,
        multiverse=multiverse() if content.multiverse else None,
        check=witness(models),
    )


def _shown(config: Config, coded: Effects) -> dict[str, Any]:
    """What a report shows beside its results, from the section ``[report]``."""
    written, found = config.report, dict[str, Any]()
    if "agreement" in written:
        folder = config.path.parent if config.path else Path()
        found["agreement"] = read_agreement(folder / written["agreement"])
    if "page" in written:
        found["page"] = written["page"]
    if "of_interest" in written:
        found["of_interest"] = float(written["of_interest"])
        if not -1 < found["of_interest"] < 1:
            raise OptionError("of_interest is a correlation: between −1 and 1.")
    for key in ("characteristics", "columns"):
        names = tuple(written.get(key, ()))
        unknown = [name for name in names if name not in coded.frame]
        if unknown:
            raise OptionError(
                f"[report] {key}: there is no column {unknown[0]!r}; "
                f"{coded.moderator_list(unknown[0])}.",
                code="MA681",
            )
        if names:
            found[key] = names
    return found


def content_for(
    written: Mapping[str, Any],
    effects: Effects,
    *,
    moderators: Sequence[str] | None = None,
    bias: bool | None = None,
    influence: bool = True,
    multiverse: bool = False,
) -> Content:
    """Return what a report contains: what is asked for, over the configuration, over the default.

    Parameters
    ----------
    written : mapping
        Section ``[report]`` of the configuration.
    effects : Effects
        What is pooled; it decides which moderators are tested by default.
    moderators, bias, influence, multiverse
        As in `Content`; None where nothing is said.
    """
    if moderators is None:
        moderators = written.get("moderators")
    return Content(
        moderators=default_moderators(effects) if moderators is None else tuple(moderators),
        bias=bool(written.get("bias", True)) if bias is None else bias,
        influence=influence,
        multiverse=multiverse,
    )


def report_document(evidence: Evidence, files: Sequence[str] = ()) -> dict[str, Any]:
    """Return the results document of a report: that of `pool`, then the further analyses."""
    settings = {**evidence.recorded, "content": evidence.content.to_dict()}
    document = pool_document(evidence.studies, evidence.models, evidence.problems, settings, files)
    document["command"] = "report"
    further = {"moderators": evidence.moderators, "bias": evidence.bias,
               "influence": evidence.influence}  # fmt: skip
    for name, result in further.items():
        document[name] = None if result is None else without_nan(result.to_dict())
    if evidence.multiverse is not None:
        document["multiverse"] = evidence.multiverse.to_dict()
    return document


def record_parts(document: dict[str, Any]) -> dict[str, Any]:
    """Return the results whose numbers the record holds: of each study left out, the ranges."""
    parts = {key: document[key] for key in REPORT_RESULTS}
    if "multiverse" in document:
        names = ("counts", "verdict", "decisions", "options")
        parts["multiverse"] = {name: document["multiverse"][name] for name in names}
    if parts["influence"]:
        parts["influence"] = parts["influence"]["ranges"]
    if parts["moderators"]:
        parts["moderators"] = parts["moderators"]["moderators"]
    return parts
