"""Recorded analyses run again, each by the code of its command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from metaalliance.analysis.analysis import Analysis
from metaalliance.cli.record import recorded_parts, restored
from metaalliance.cli.request import Request
from metaalliance.cli.settings import Settings, resolve
from metaalliance.config import Config
from metaalliance.errors import OptionError
from metaalliance.model import Model
from metaalliance.policy import Policy
from metaalliance.report.results import POOL_RESULTS, digest, pool_document
from metaalliance.setting import settings_in


def recorded_settings(record: dict[str, Any]) -> Settings:
    """Return the settings with which a record was made.

    Raises
    ------
    OptionError
        When one of them does not exist in this version.
    """
    if "request" in record:
        return resolve(record["request"]["settings"], Config())
    stored = record["settings"]
    names = [s.name for kind in (Policy, Model) for s in settings_in(kind)]
    given = {key: stored[key] for key in names if stored.get(key) is not None}
    if stored.get("aggregation_rho") is not None:
        given["rho"] = stored["aggregation_rho"]
    elif stored.get("model") != "che":
        given.pop("rho", None)
    return resolve(given, Config())


def loading_settings(record: dict[str, Any]) -> Settings:
    """Return the settings with which the sheet of a record is read."""
    settings = recorded_settings(record)
    if record["command"] == "multiverse":  # what "n.s." is worth is a decision there
        from metaalliance.cli.multiverse import loading

        return loading(settings)
    return settings


def recomputed(record: dict[str, Any], loaded: Analysis, request: Request) -> dict[str, Any]:
    """Run the analyses of a record again.

    Returns
    -------
    dict
        settings, parts (whose numbers are compared) and digest (of all results).

    Raises
    ------
    OptionError
        For a command whose records cannot be verified.
    """
    command = record["command"]
    if command == "pool":
        models, notes = loaded.comparison
        document = pool_document(loaded.studies, models, notes, loaded.recorded, ())
        parts = {key: document[key] for key in POOL_RESULTS}
        return {"settings": document["settings"], "parts": parts, "digest": digest(parts)}
    if command == "report":
        return _report(record, loaded)
    if command not in _AGAIN or "request" not in record:
        raise OptionError(f"A record of {command} cannot be verified.", code="MA680")
    document, results = _AGAIN[command](record, loaded, request)
    return {
        "settings": document["settings"],
        "parts": recorded_parts(document, results),
        "digest": digest({key: document[key] for key in results}),
    }


def _report(record: dict[str, Any], loaded: Analysis) -> dict[str, Any]:
    from metaalliance.cli.report import REPORT_RESULTS, gather, record_parts, report_document
    from metaalliance.report.manuscript.analyses import Content

    stored = record["settings"]["content"]
    content = Content(**{**stored, "moderators": tuple(stored["moderators"])})
    document = report_document(gather(loaded, content))
    return {
        "settings": document["settings"],
        "parts": record_parts(document),
        "digest": digest({key: document[key] for key in REPORT_RESULTS}),
    }


_Again = tuple[dict[str, Any], tuple[str, ...]]


def _moderators(record: dict[str, Any], loaded: Analysis, request: Request) -> _Again:
    from metaalliance.cli.moderator_models import ModeratorOptions, fit_models
    from metaalliance.cli.moderators import RESULTS, moderator_document

    options = restored(ModeratorOptions, record, request=request)
    return moderator_document(loaded, options, fit_models(loaded, options)), RESULTS


def _influence(record: dict[str, Any], loaded: Analysis, request: Request) -> _Again:
    from metaalliance.cli.influence import (
        RESULTS,
        InfluenceOptions,
        document_of,
        influence_results,
    )

    quiet = replace(request, quiet=True)
    options = restored(InfluenceOptions, record, request=quiet, jobs=1, every=False)
    return document_of(influence_results(loaded, options), loaded, options), RESULTS


def _bias(record: dict[str, Any], loaded: Analysis, request: Request) -> _Again:
    from metaalliance.cli.bias import RESULTS, BiasOptions, document_of, summarise

    options = restored(BiasOptions, record, request=request)
    return document_of(summarise(loaded, options), loaded, options), RESULTS


def _multiverse(record: dict[str, Any], loaded: Analysis, request: Request) -> _Again:
    from metaalliance.cli.multiverse import RESULTS, analyse, document_of

    del request
    grid = record["request"]["options"]["grid"]
    settings = recorded_settings(record)
    found = analyse(loaded.studies, settings.model, settings.policy, grid, jobs=1)
    return document_of(found, loaded.studies, ()), RESULTS


_AGAIN: dict[str, Callable[[dict[str, Any], Analysis, Request], _Again]] = {
    "moderators": _moderators,
    "influence": _influence,
    "bias": _bias,
    "multiverse": _multiverse,
}
