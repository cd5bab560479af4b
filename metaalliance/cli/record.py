"""Records on the command line: written beside the results, and read back into options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from metaalliance.analysis.analysis import Analysis
from metaalliance.analysis.documents import to_json
from metaalliance.analysis.record import asked_of, record_of
from metaalliance.cli.settings import Settings
from metaalliance.report.folder import ResultsFolder

#: Options that change no number.
_SILENT = frozenset({"request", "figures", "every", "jobs", "width"})


def recorded_options(options: Any) -> dict[str, Any]:
    """Return the options of a command that change numbers."""
    return {f.name: getattr(options, f.name) for f in fields(options) if f.name not in _SILENT}


def restored(kind: type[Any], stored: Mapping[str, Any], **others: Any) -> Any:
    """Return the options of a command from its record.

    Parameters
    ----------
    kind : type
        Dataclass of the options.
    stored : mapping
        Options of the record.
    **others
        Options that no record holds.
    """
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
    **further: Any,
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
    **further
        See `record_of`.
    """
    record = record_of(
        document,
        results,
        asked_of(asked.model, asked.policy),
        loaded.studies,
        loaded.coded,
        files=folder.written,
        options=options,
        **further,
    )
    folder.write(folder.record_name, to_json(record).encode())
    folder.remove_stale()
