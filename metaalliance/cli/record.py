"""Records of the commands beside `pool` and `report`: enough to run them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from metaalliance.analysis.analysis import Analysis
from metaalliance.analysis.rules import RULES_VERSION
from metaalliance.cli.settings import Settings
from metaalliance.model import Model
from metaalliance.policy import Policy
from metaalliance.report.folder import ResultsFolder
from metaalliance.report.record import sealed
from metaalliance.report.results import run_record, to_json

#: Options that change no number.
_SILENT = frozenset({"request", "figures", "every", "jobs", "width"})
#: Lists by study, effect, subset or specification.
_LONG = frozenset({"omitted", "effects", "studies", "units", "subsets", "specifications"})


def recorded_options(options: Any) -> dict[str, Any]:
    """Return the options of a command that change numbers."""
    return {f.name: getattr(options, f.name) for f in fields(options) if f.name not in _SILENT}


def asked_of(model: Model, policy: Policy) -> dict[str, Any]:
    """Return the whole analysis that was asked for, and the version of the rules it follows."""
    return {
        "analysis": {"model": model.to_record(), "policy": policy.to_record()},
        "rules": RULES_VERSION,
    }


def restored(kind: type[Any], record: dict[str, Any], **others: Any) -> Any:
    """Return the options of a command from its record.

    Parameters
    ----------
    kind : type
        Dataclass of the options.
    record : dict
        The record.
    **others
        Options that no record holds.
    """
    stored = record["request"]["options"]
    known = {f.name for f in fields(kind)}
    given = {k: tuple(v) if isinstance(v, list) else v for k, v in stored.items() if k in known}
    return kind(**given, **others)


def save_record(
    folder: ResultsFolder,
    document: dict[str, Any],
    loaded: Analysis,
    asked: Settings,
    results: Sequence[str],
    options: Mapping[str, Any],
    further: Mapping[str, Any] | None = None,
    parts: Mapping[str, Any] | None = None,
) -> None:
    """Write the record of a run, and remove files of an earlier one that are not of this.

    Parameters
    ----------
    asked : Settings
        What was asked for.
    results : sequence of str
        Parts of the document that are results.
    options : mapping
        Those of the command alone.
    further : mapping, optional
        What else the record of a command holds.
    parts : mapping, optional
        What its numbers are taken from, where these are not all of the results.
    """
    record = {
        **run_record(document, dict(folder.written), results),
        **asked_of(asked.model, asked.policy),
        "request": _plain({"settings": asked.to_record(), "options": dict(options)}),
        **(further or {}),
    }
    shown = recorded_parts(document, results) if parts is None else parts
    whole = sealed(record, loaded.studies, loaded.coded, shown)
    folder.write(folder.record_name, to_json(whole).encode())
    folder.remove_stale()


def recorded_parts(document: dict[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """Return the results whose numbers a record holds, without lists of every study or effect.

    Those lists stand in the document, and in the digest of the record.
    """
    short: dict[str, Any] = _shortened({key: document[key] for key in results})
    return short


def _shortened(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _shortened(v) for key, v in content.items() if key not in _LONG}
    return [_shortened(v) for v in content] if isinstance(content, list) else content


def _plain(content: Any) -> Any:
    """Tuples as lists, as JSON gives them back."""
    if isinstance(content, dict):
        return {str(key): _plain(value) for key, value in content.items()}
    return [_plain(v) for v in content] if isinstance(content, list | tuple) else content
