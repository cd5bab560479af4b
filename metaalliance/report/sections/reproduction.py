"""With what the analysis was done, and how a reader can do it again."""

from __future__ import annotations

import platform

from metaalliance.analysis.documents import versions
from metaalliance.analysis.evidence import Evidence
from metaalliance.report.manuscript.document import Section
from metaalliance.report.manuscript.prose import listed, prose
from metaalliance.wording.numbers import in_print

_NAMED = {"numpy": "NumPy", "scipy": "SciPy", "statsmodels": "statsmodels", "pymare": "PyMARE"}


def reproduction_section(evidence: Evidence) -> Section:
    """Return software, versions, the check by others, and what comes with the report."""
    found = versions()
    used = listed(f"{title} {found[name]}" for name, title in _NAMED.items() if name in found)
    text = prose(
        "The analysis was done with metaalliance {version} [@metaalliance2026] in Python {python}, "
        "with {used} [@harris2020; @virtanen2020; @pymare2022]. Models of these kinds "
        "can be fitted in R with metafor [@viechtbauer2010] and clubSandwich [@pustejovsky2022b]. "
        "Every "
        "coded row, its conversion, and all results stand in the supplementary workbook; a record "
        "of the run (run.json) allows others to check that the results follow from the data.",
        version=found["metaalliance"],
        python=platform.python_version(),
        used=used,
    )
    witnessed = (
        () if evidence.check is None else (prose("{check}", check=in_print(evidence.check.text())),)
    )
    title = "Software and reproducibility"
    return Section(key="software", title=title, methods=(text, *witnessed))


def record_facts(evidence: Evidence) -> tuple[tuple[str, str], ...]:
    """Return what was read, with which settings and versions."""
    studies, settings = evidence.studies, evidence.fit.settings()
    chosen = {**settings, **{k: v for k, v in evidence.recorded.items() if v is not None}}
    listed_versions = [f"{name} {version}" for name, version in versions().items()]
    return (
        ("File", studies.file),
        ("SHA-256 of the file", studies.sha256),
        ("Sheet", studies.sheet),
        ("Rows read, used, excluded", f"{len(studies.rows):,}, {len(studies.used):,}, "
                                      f"{len(studies.excluded):,}"),
        ("Settings", ", ".join(f"{key} = {value}" for key, value in chosen.items())),
        ("Versions", ", ".join([f"Python {platform.python_version()}", *listed_versions])),
        ("Check", "metaalliance verify run.json, with the workbook, in this folder"),
    )  # fmt: skip
