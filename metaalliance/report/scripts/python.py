"""The analysis as a script of Python with the public functions of this package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_SCRIPT = '''"""The analysis again, with the public functions of metaalliance {version}.

    python analysis.py studies.xlsx
"""

import sys
import warnings

import metaalliance as ma

path = sys.argv[1] if len(sys.argv) > 1 else {file}
warnings.simplefilter("ignore", ma.MetaAllianceWarning)  # notices stand in the results

studies = ma.read_studies(
    path,
    sheet={sheet},
    nonsignificant={nonsignificant},
    beta={beta},
    config={config},
)
if studies.sha256 != {sha256}:
    print("The workbook is not the one that was analysed: results will differ.", file=sys.stderr)
effects = ma.effect_sizes(studies, measure={measure})
{aggregate}
fit = ma.pool(
    effects,
{options}
)
print(fit.summary())
{moderators}
EXPECTED = {expected}
found = (fit.estimate, fit.se, fit.tau2)
if any(abs(a - b) > 1e-8 for a, b in zip(found, EXPECTED, strict=True)):
    sys.exit(f"The result differs from the one that was exported: {{found}} and {{EXPECTED}}.")
print("\\nThe pooled result is the one that was exported.")
'''


def python_script(
    settings: Mapping[str, Any],
    source: Mapping[str, Any],
    moderators: Sequence[str],
    expected: Sequence[float],
    version: str,
) -> str:
    """Return a script that does the main analysis again and compares its result.

    Parameters
    ----------
    settings : mapping
        Of the main fit and of the sheet, as the record of a run has them.
    source : mapping
        `file`, `sheet`, `sha256` of the workbook.
    moderators : sequence of str
        Columns that are tested.
    expected : sequence of float
        Estimate, standard error and tau2.
    version : str
        Of this package.
    """
    names = ("model", "tau2", "test", "rho", "level", "prediction")
    kept = {name: settings[name] for name in names if settings.get(name) is not None}
    if kept.get("model") != "che":
        kept.pop("rho", None)
    averaged = settings.get("aggregation_rho")
    options = "\n".join(f"    {name}={value!r}," for name, value in kept.items())
    tested = "".join(
        f"\nprint()\nprint(ma.moderator_table(effects, [{name!r}], "
        f"{_passed(kept)}).summary())" for name in moderators
    )  # fmt: skip
    return _SCRIPT.format(
        version=version,
        file=repr(source["file"]),
        sheet=repr(source["sheet"]),
        sha256=repr(source["sha256"]),
        nonsignificant=repr(settings["nonsignificant"]),
        beta=repr(settings["beta"]),
        config=repr(settings.get("config")),
        measure=repr(settings["measure"]),
        aggregate="" if averaged is None else f"effects = ma.aggregate(effects, rho={averaged!r})",
        options=options,
        moderators=tested,
        expected=repr(tuple(float(v) for v in expected)),
    )


def _passed(options: Mapping[str, Any]) -> str:
    shared = ("model", "tau2", "test", "rho", "level")
    return ", ".join(f"{name}={options[name]!r}" for name in shared if name in options)
