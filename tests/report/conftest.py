"""Reports of small sheets, made once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metaalliance.analysis.content import Content
from metaalliance.analysis.evidence import Evidence
from metaalliance.cli.analysis import load, settings_of
from metaalliance.cli.report import run_report
from metaalliance.cli.request import Request
from metaalliance.diagnostics.removal import removals
from metaalliance.effects.effects import Effects
from metaalliance.models.comparison import compare_models
from metaalliance.models.pool import pool
from metaalliance.sheet.studies import Studies

#: Labels that harm whoever prints them without care.
HOSTILE = (
    '=HYPERLINK("http://x")',
    "=cmd|'/c calc'!A1",
    "+1 (2001)",
    "@x (2002)",
    "<script>alert(1)</script>",
    "Smith [/CBT]",
    r"100% & $x_1$ \input{passwd} ~^#{}",
    "vertical\x0btab",
    "\u202eright to left",
    '"><img src=x onerror=alert(1)>',
    "'; DROP TABLE studies; --",
    "](javascript:alert(1)) | *x* `y`",
)
CONFIG = """
[report]
title = "Alliance <b>and</b> outcome"
authors = "A. Author & B. Author"

[prisma]
databases = 120
duplicates = 20
screened = 100
screened_out = 60
sought = 40
not_retrieved = 4
assessed = 36
excluded = 24
studies = 12
reasons = { "no <i>correlation</i>" = 20, "same sample" = 4 }
"""


def sheet_text(labels: tuple[str, ...]) -> str:
    """A sheet with two effects in every other study, three modalities and risk of bias."""
    rows = ["study,r,n,outcome_direction,modality,alliance_rater,risk_of_bias,year,outcome_domain"]
    rng = np.random.default_rng(4)
    for i, label in enumerate(labels):
        quoted = '"' + label.replace('"', '""') + '"'
        for rater in ("client", "therapist")[: 1 + i % 2]:
            r = round(float(np.clip(0.25 + 0.15 * rng.normal(), -0.8, 0.8)), 2)
            parts = (
                quoted,
                r,
                30 + 7 * i,
                "higher_better",
                ("CBT", "PDT", "humanistic")[i % 3],
                rater,
                ("low", "high", "some concerns")[i % 3],
                1990 + i,
                "symptom",
            )
            rows.append(",".join(map(str, parts)))
    return "\n".join(rows) + "\n"


@dataclass(frozen=True)
class Made:
    """A report with its folder and its sheet."""

    sheet: Path
    folder: Path

    def text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8-sig")

    def json(self, name: str) -> Any:
        return json.loads(self.text(name))


@pytest.fixture(scope="session")
def hostile_labels() -> tuple[str, ...]:
    return HOSTILE


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A report of hostile labels with everything in it."""
    folder = tmp_path_factory.mktemp("report")
    sheet = folder / "studies.csv"
    sheet.write_text(sheet_text(HOSTILE), encoding="utf-8")
    (folder / "metaalliance.toml").write_text(CONFIG, encoding="utf-8")
    request = Request(workbook=sheet, settings={}, quiet=True)
    assert run_report(request, moderators=("modality", "alliance_rater", "year")) == 0
    return Made(sheet, folder / "studies_results")


@pytest.fixture(scope="session")
def evidence(made: Made) -> Evidence:
    """The results behind `made`."""
    request = Request(workbook=made.sheet, settings={}, quiet=True)
    config, settings = settings_of(request)
    loaded = load(request, config, settings)
    assert not isinstance(loaded, int)
    content = Content(moderators=("modality", "alliance_rater", "year"))
    return loaded.report(content)


@pytest.fixture
def evidence_of() -> Callable[..., Evidence]:
    """Evidence from numbers, without further analyses unless they are given."""

    def make(
        yi: Any,
        vi: Any,
        *,
        study: Any = None,
        moderators: Any = None,
        further: dict[str, Any] | None = None,
        **options: Any,
    ) -> Evidence:
        effects = Effects.from_arrays(
            yi, vi, study, moderators, measure="z", n=np.round(3 + 1 / np.array(vi))
        )
        fit = pool(effects, **options)
        models, notes = compare_models(fit, *removals(fit))
        studies = Studies(
            file="studies.csv",
            sha256="0" * 64,
            sheet="effects",
            rows=(),
            choices={},
            nonsignificant_rows=frozenset(),
            problems=(),
        )
        return Evidence(
            studies=studies,
            coded=effects,
            fit=fit,
            models=models,
            problems=(*fit.notices, *notes),
            **(further or {}),
        )

    return make
