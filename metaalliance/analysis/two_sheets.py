"""The record of a comparison of two sheets, and whether it still follows from them."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from metaalliance.analysis.analysis import config_for, read
from metaalliance.analysis.checks import (
    Check,
    digest_check,
    files_check,
    input_check,
    numbers_check,
    rules_check,
    seal_check,
    settings_check,
    versions_check,
)
from metaalliance.analysis.documents import digest, run_record, versions
from metaalliance.analysis.further_documents import compare_document
from metaalliance.analysis.record import (
    asked_in,
    asked_of,
    intact,
    moved_numbers,
    numbers_of,
    plain,
)
from metaalliance.analysis.rules import (
    RULES_VERSION,
    Where,
    explained,
    has_ruled_t,
    rules_of,
    takes_levels,
)
from metaalliance.model import Model
from metaalliance.policy import Policy
from metaalliance.robustness.compare import compare
from metaalliance.robustness.comparison import Comparison

#: Parts of the document that are results.
_RESULTS = ("counts", "result", "cells")


def compare_files(
    old: Path,
    new: Path,
    model: Model,
    policy: Policy,
    *,
    key: str | None,
    sheets: Sequence[str | None],
    config: Path | None,
) -> Comparison:
    """Read two versions of a sheet by one policy and compare them.

    Parameters
    ----------
    key : str, optional
        Columns that identify an effect, with commas between them.
    sheets : sequence of str or None
        Names of both sheets.
    config : Path, optional
        The configuration of both; by default the nearest beside or above each.
    """
    return compare(
        *(read(path, policy, config_for(path, config), sheet)
          for path, sheet in zip((old, new), sheets, strict=True)),
        model=model,
        policy=policy,
        key=[k.strip() for k in key.split(",") if k.strip()] if key else None,
    )  # fmt: skip


def compare_record(
    found: Comparison, document: dict[str, Any], key: str | None, files: Mapping[str, str]
) -> dict[str, Any]:
    """Return the sealed record of a comparison, which `verify` takes.

    Parameters
    ----------
    found, document : Comparison and dict
        The comparison and its document.
    key : str, optional
        Columns that identify an effect, as they were asked for.
    files : mapping of str to str
        SHA-256 of each file beside the record.
    """
    whole = {
        **run_record(document, dict(files), _RESULTS),
        **asked_of(found.model, found.policy),
        "request": {"options": {"key": key}},
        "rows": {},  # the cells that differ are results
        "numbers": _numbers(document),
    }
    return {**whole, "seal": digest(plain(whole))}


def compare_checks(
    record: dict[str, Any],
    old: Path,
    new: Path,
    folder: Path,
    *,
    sheet: str | None,
    config: Path | None,
) -> list[Check]:
    """Compare two sheets again and return every check of the record."""
    model, policy = asked_in(record)
    found = compare_files(
        old,
        new,
        model,
        policy,
        key=record["request"]["options"]["key"],
        sheets=[
            sheet or sheet_of(record["input"][which], path)
            for which, path in (("old", old), ("new", new))
        ],
        config=config,
    )
    document = compare_document(found, ())
    numbers, older = _numbers(document), rules_of(record) < RULES_VERSION
    if older:  # results that a later version added are no change of those it had
        numbers = {path: numbers.get(path) for path in record["numbers"]}
    moved = moved_numbers(record["numbers"], numbers)
    inputs = _inputs(record["input"], document["input"])
    sheets: list[Where] = ["sizes"] if found.old.sized or found.new.sized else []
    sheets += ["degrees"] if older and has_ruled_t(model) else []
    sheets += ["structure"] if inputs.same and takes_levels(model.columns) else []
    by_rule, left = explained(rules_of(record), record["command"], moved, sheets)
    return [
        seal_check(intact(record)),
        inputs,
        settings_check(record["settings"], plain(document["settings"]), shared=older),
        versions_check(record["versions"], {"python": platform.python_version(), **versions()}),
        rules_check(rules_of(record), by_rule),
        numbers_check(
            left, len({**record["numbers"], **numbers}), explained=len(moved) - len(left)
        ),
        digest_check(record["result_digest"], digest({k: document[k] for k in _RESULTS})),
        files_check(record["files"], folder),
    ]


def sheet_of(source: Mapping[str, Any], now: Path) -> str | None:
    """Return the sheet that was read; a text file, then or now, has none but itself."""
    sheet: str = source["sheet"]
    text = now.suffix.lower() in {".csv", ".tsv", ".txt"}
    return None if text or sheet == Path(source["file"]).name else sheet


def _numbers(document: dict[str, Any]) -> dict[str, float | None]:
    return dict(numbers_of({key: document[key] for key in _RESULTS}))


def _inputs(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> Check:
    """Compare the checksums of both files."""
    each = {w: input_check(recorded[w]["sha256"], now[w]["sha256"]) for w in ("old", "new")}
    same = all(check.same for check in each.values())
    text = "; ".join(f"{which}: {check.text}" for which, check in each.items())
    return Check(name="input", same=same, text="the same bytes in both" if same else text)
