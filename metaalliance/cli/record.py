"""Records of the commands beside `pool` and `report`: enough to run them again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from metaalliance.analysis.analysis import Analysis
from metaalliance.report.folder import ResultsFolder
from metaalliance.report.record import sealed
from metaalliance.report.results import run_record, to_json

#: Options that change no number.
_SILENT = frozenset({"request", "figures", "every", "jobs"})
#: Lists by study, effect, subset or specification.
_LONG = frozenset({"omitted", "effects", "studies", "units", "subsets", "specifications"})


def request_of(options: Any, loaded: Analysis) -> dict[str, Any]:
    """Return what has to be known to run a command again: its settings and its own options."""
    own = {f.name: getattr(options, f.name) for f in fields(options) if f.name not in _SILENT}
    return {"settings": loaded.settings(), "options": own}


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
    results: Sequence[str],
    request: dict[str, Any],
) -> None:
    """Write the record of a run, and remove files of an earlier one that are not of this.

    Parameters
    ----------
    results : sequence of str
        Parts of the document that are results.
    request : dict
        From `request_of`.
    """
    record = {**run_record(document, dict(folder.written), results), "request": _plain(request)}
    whole = sealed(record, loaded.studies, loaded.coded, recorded_parts(document, results))
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
