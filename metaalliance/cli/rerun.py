"""Recorded analyses run again, each by the code of its command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from metaalliance.analysis.analysis import Analysis
from metaalliance.analysis.record import asked_in
from metaalliance.cli import bias as bias_command
from metaalliance.cli import influence as influence_command
from metaalliance.cli import moderators as moderators_command
from metaalliance.cli import multiverse as multiverse_command
from metaalliance.cli.frame import restored
from metaalliance.cli.moderator_models import ModeratorOptions, fit_models
from metaalliance.cli.request import Request

_Again = tuple[dict[str, Any], tuple[str, ...]]
_QUIET = Request(quiet=True)


def moderators(record: Mapping[str, Any], loaded: Analysis) -> _Again:
    """Test the moderators of a record."""
    options = restored(ModeratorOptions, record["request"]["options"], request=_QUIET)
    found = fit_models(loaded, options)
    document = moderators_command.moderator_document(loaded, options, found)
    return document, moderators_command.RESULTS


def influence(record: Mapping[str, Any], loaded: Analysis) -> _Again:
    """Repeat the analyses of influence of a record."""
    options = restored(
        influence_command.InfluenceOptions,
        record["request"]["options"],
        request=_QUIET,
        jobs=1,
        every=False,
    )
    found = influence_command.influence_results(loaded, options)
    return influence_command.document_of(found, loaded, options), influence_command.RESULTS


def bias(record: Mapping[str, Any], loaded: Analysis) -> _Again:
    """Apply the methods for publication bias of a record."""
    stored = record["request"]["options"]
    options = restored(bias_command.BiasOptions, stored, request=_QUIET)
    found = bias_command.summarise(loaded, options)
    return bias_command.document_of(found, loaded, options), bias_command.RESULTS


def multiverse(record: Mapping[str, Any], loaded: Analysis) -> _Again:
    """Pool under the decisions of a record."""
    _, policy = asked_in(record)
    asked = replace(loaded, policy=policy)
    found = asked.multiverse(record["request"]["options"]["grid"])
    return multiverse_command.document_of(found, loaded.studies, ()), multiverse_command.RESULTS
