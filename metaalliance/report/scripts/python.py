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

analysis = ma.Analysis.read(
    path,
    sheet={sheet},
    config={config},
{settings}
)
if analysis.studies.sha256 != {sha256}:
    print("The workbook is not the one that was analysed: results will differ.", file=sys.stderr)
fit = analysis.pool()
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
        Every setting of model and policy by its name.
    source : mapping
        `file`, `sheet`, `sha256` of the workbook, and the `config` that says how it is read.
    moderators : sequence of str
        Columns that are tested.
    expected : sequence of float
        Estimate, standard error and tau2.
    version : str
        Of this package.
    """
    tested = "".join(
        f"\nprint()\nprint(analysis.moderators([{name!r}]).summary())" for name in moderators
    )
    return _SCRIPT.format(
        version=version,
        file=repr(source["file"]),
        sheet=repr(source["sheet"]),
        config=repr(source["config"]),
        sha256=repr(source["sha256"]),
        settings="\n".join(f"    {name}={value!r}," for name, value in settings.items()),
        moderators=tested,
        expected=repr(tuple(float(v) for v in expected)),
    )
