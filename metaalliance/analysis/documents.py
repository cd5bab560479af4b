"""The JSON document of a pooled result, and the record of the run."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pandas as pd

from metaalliance import __version__
from metaalliance.models.comparison import NamedFit
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import without_nan
from metaalliance.moderation.level_means import drawn_levels
from metaalliance.options import Measure
from metaalliance.problems import SCHEMA_VERSION, Problem
from metaalliance.sheet.studies import Studies

_PACKAGES = ("numpy", "scipy", "pandas", "statsmodels", "pymare", "openpyxl", "matplotlib")


def input_record(studies: Studies) -> dict[str, Any]:
    """Return what was read and what became of its rows."""
    return {
        "file": studies.file,
        "sha256": studies.sha256,
        "sheet": studies.sheet,
        "rows_read": len(studies.rows),
        "rows_used": len(studies.used),
        "rows_excluded": [
            {"row": row.number, "study": row.label, "reason": reason}
            for row, reason in studies.excluded
        ],
    }


def pool_document(
    studies: Studies,
    rows: Sequence[NamedFit],
    problems: Sequence[Problem],
    settings: dict[str, Any],
    files: Sequence[str],
    **beside: Any,
) -> dict[str, Any]:
    """Return the document that `pool --json` prints and results.json holds.

    Parameters
    ----------
    **beside
        Results beside those of every run.
    """
    main = rows[0].fit.to_dict()
    content = {
        "schema_version": SCHEMA_VERSION,
        "command": "pool",
        "input": input_record(studies),
        "problems": [p.to_dict() for p in problems],
        "silenced": [{**p.to_dict(), "reason": reason} for p, reason in studies.silenced],
        "settings": {**main["settings"], **settings},
        "counts": main["counts"],
        "pooled": main["pooled"],
        "heterogeneity": main["heterogeneity"],
        "models": [row.to_dict() for row in rows],
        "files": list(files),
        **beside,
    }
    return without_nan(content)


def effects_document(
    studies: Studies, measure: Measure, rows: pd.DataFrame, files: Sequence[str]
) -> dict[str, Any]:
    """Return the document that `convert --json` prints, with a row for each effect."""
    content = {
        "schema_version": SCHEMA_VERSION,
        "command": "convert",
        "input": input_record(studies),
        "problems": [p.to_dict() for p in studies.problems],
        "settings": {"measure": measure, "nonsignificant": studies.nonsignificant},
        "effects": rows.astype(object).to_dict("records"),
        "files": list(files),
    }
    return without_nan(content)


def figure_document(
    command: str,
    studies: Studies,
    fit: PooledFit,
    figure: Mapping[str, Any],
    problems: Sequence[Problem],
    settings: Mapping[str, Any],
    files: Sequence[str],
) -> dict[str, Any]:
    """Return the document of a command that draws: what was drawn, the mean and levels it shows.

    Parameters
    ----------
    command : str
        "forest", "funnel" or "plot".
    figure : mapping
        The kind of figure, its style, width and options, and, where it shows means of levels,
        under "levels" of which columns and how they are pooled.
    """
    shown, levels = fit.to_dict(), figure.get("levels")
    content = {
        "schema_version": SCHEMA_VERSION,
        "command": command,
        "input": input_record(studies),
        "problems": [p.to_dict() for p in problems],
        "settings": dict(settings),
        "figure": dict(figure),
        **{name: shown[name] for name in ("counts", "pooled", "heterogeneity")},
        **({"levels": drawn_levels(fit, **levels)} if levels else {}),
        "files": list(files),
    }
    return without_nan(content)


def to_json(content: Any) -> str:
    """Return one JSON document; NaN is refused rather than written."""
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=2)


def digest(content: Any) -> str:
    """Return the SHA-256 of a canonical form of JSON content."""
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


#: Parts of the document of `pool` that the digest of its record covers.
POOL_RESULTS: tuple[str, ...] = ("counts", "pooled", "heterogeneity", "models")
#: Parts of the document of a figure that are results; only some figures have levels.
_FIGURE_RESULTS = ("figure", "counts", "pooled", "heterogeneity", "levels")
#: Commands that draw one figure.
FIGURE_COMMANDS = frozenset({"forest", "funnel", "plot"})


def figure_results(document: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return which parts of the document of a figure are results, and those with its numbers."""
    results = tuple(name for name in _FIGURE_RESULTS if name in document)
    return results, {name: document[name] for name in results if name != "figure"}


def run_record(
    document: dict[str, Any], files: dict[str, str], results: Sequence[str] = POOL_RESULTS
) -> dict[str, Any]:
    """Return what is needed to check that a result follows from its sheet.

    Parameters
    ----------
    document : dict
        The results document.
    files : dict of str to str
        SHA-256 of each file that was written beside this record.
    results : sequence of str
        Parts of the document that the digest covers.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": "metaalliance",
        "command": document["command"],
        "versions": {"python": platform.python_version(), **versions()},
        "input": document["input"],
        "settings": document["settings"],
        "seed": None,
        "problem_codes": sorted({p["code"] for p in document["problems"]}),
        "result_digest": digest({k: document[k] for k in results}),
        "files": files,
    }


def versions() -> dict[str, str]:
    """Return the version of this tool and of the packages behind its numbers."""
    found = {"metaalliance": __version__}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
