"""From `init` to `pool`, sheets as houses keep them: the right r, and few lines for a
person to touch.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import intake.houses  # noqa: F401
import pytest
from intake.sheets import HOUSES, House, touched
from intake.truth import Effect, pooled_r
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.cli.app import app

POOLED = {name: h for name, h in HOUSES.items() if not h.refused and not h.either}
ASKED = {name: h for name, h in HOUSES.items() if h.asks or h.refused}
Run = Callable[..., tuple[int, str]]


def here(*words: object) -> tuple[int, str]:
    """Run a command in this process."""
    done = CliRunner().invoke(app, [str(w) for w in words])
    return done.exit_code, done.stdout


def apart(*words: object) -> tuple[int, str]:
    """Run a command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "metaalliance.cli.main", *map(str, words)],
        capture_output=True, encoding="utf-8", check=False, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout


def proposed(house: House, folder: Path, run: Run = here) -> tuple[Path, list[Effect], Path]:
    """Write the sheet and let `init` (after `import`, where the house exports) propose a
    configuration.
    """
    path, effects = house.write(folder)
    if house.flow == "import":
        source, path = path, folder / "imported.xlsx"
        assert run("import", source, "-o", path)[0] == 0, "import fails"
    config = folder / "metaalliance.toml"
    assert run("init", path, "-o", config, "--force")[0] == 0, "init fails"
    return path, effects, config


def pooled(path: Path, run: Run = here) -> tuple[int, dict[str, Any]]:
    code, printed = run("pool", path, "--json", "--no-figures", "-o", path.parent / "out")
    return code, json.loads(printed)


def said(document: dict[str, Any], *severities: str) -> list[str]:
    """What the problems of these severities say, with their codes."""
    return [
        f"{p['code']} {p['cell']} {p['message']} {p['hint']} {p['seen']}"
        for p in document.get("problems", [])
        if p["severity"] in severities
    ]


def assert_right(document: dict[str, Any], effects: list[Effect]) -> None:
    errors = said(document, "error")
    assert "pooled" in document, (document["error"], errors[:4])
    assert document["input"]["rows_used"] == len(effects)
    assert document["counts"]["n_studies"] == len({e.study for e in effects})
    assert document["pooled"]["r"]["estimate"] == pytest.approx(pooled_r(effects), abs=1e-6)


def participants(effects: list[Effect]) -> int:
    """Of each sample the largest n; samples are different people."""
    largest: dict[tuple[str, str], float] = {}
    for e in effects:
        largest[e.study, e.sample] = max(largest.get((e.study, e.sample), 0), e.n or 0)
    return round(sum(largest.values()))


def correlations(path: Path, config: Path) -> list[float]:
    """The r of each row that is used, in the order of the sheet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = ma.effect_sizes(ma.load_studies(path, config=config)).frame
    return [math.tanh(z) for z in frame["yi"]]


def decided(house: House, config: Path) -> int:
    """Touch the lines of the configuration that a person has to; return how many they are."""
    text, lines = touched(config.read_text(encoding="utf-8"), house.touches)
    config.write_text(text, encoding="utf-8")
    return lines


@pytest.mark.parametrize("name", POOLED)
def test_right_numbers_after_the_declared_lines(name, tmp_path):
    house = HOUSES[name]
    path, effects, config = proposed(house, tmp_path)
    lines = decided(house, config)
    _, document = pooled(path)
    assert_right(document, effects)
    assert sorted(correlations(path, config)) == pytest.approx(
        sorted(e.r for e in effects), abs=1e-9
    )
    if all(e.n for e in effects):
        assert document["counts"]["n_participants"] == participants(effects)
    assert lines <= min(3, len(house.touches) + len({t.table for t in house.touches if t.table}))


@pytest.mark.parametrize("name", ASKED)
def test_nothing_is_pooled_before_a_person_decides(name, tmp_path):
    """The untouched sheet ends in an error that names what to decide, never in a number."""
    house = HOUSES[name]
    path, _, _ = proposed(house, tmp_path)
    code, document = pooled(path)
    assert code == 1, document.get("pooled")
    assert "pooled" not in document
    pattern = house.asks or house.refused
    assert any(re.search(pattern, text) for text in said(document, "error")), said(
        document, "error"
    )


@pytest.mark.parametrize("name", [n for n, h in HOUSES.items() if h.warns])
def test_what_was_assumed_is_warned_of(name, tmp_path):
    house = HOUSES[name]
    path, _, _ = proposed(house, tmp_path)
    _, document = pooled(path)
    assert any(re.search(house.warns, t) for t in said(document, "warning")), said(
        document, "warning"
    )


@pytest.mark.parametrize("name", [n for n, h in HOUSES.items() if h.either])
def test_refused_or_right_with_a_warning(name, tmp_path):
    house = HOUSES[name]
    path, effects, _ = proposed(house, tmp_path)
    _, document = pooled(path)
    severity = "warning" if "pooled" in document else "error"
    assert any(re.search(house.either, t) for t in said(document, severity)), said(
        document, severity
    )
    if severity == "warning":
        assert_right(document, effects)


@pytest.mark.parametrize("name", [n for n, h in HOUSES.items() if h.flow == "import"])
def test_an_export_read_as_a_sheet_is_refused_or_right(name, tmp_path):
    """Who does not know of `import` gets no wrong number: not the first of three outcomes, nor
    both reviewers.
    """
    path, effects, config = *HOUSES[name].write(tmp_path), tmp_path / "metaalliance.toml"
    here("init", path, "-o", config)
    code, document = pooled(path)
    if "pooled" in document:
        assert_right(document, effects)
    else:
        assert code in {1, 3}


@pytest.mark.parametrize("name", ["german_semicolons", "several_sheets", "metafor_escalc_zcor"])
def test_as_processes_of_their_own(name, tmp_path):
    path, effects, _ = proposed(HOUSES[name], tmp_path, apart)
    code, document = pooled(path, apart)
    assert code == 0, document
    assert_right(document, effects)


def test_two_thirds_need_no_touch():
    untouched = [name for name, h in POOLED.items() if not h.touches]
    assert len(POOLED) >= 36
    assert len(untouched) >= 2 / 3 * len(POOLED)
    assert max(len(h.touches) for h in POOLED.values()) <= 3


def test_the_truth_agrees_with_r(tmp_path):
    """`truth_r.csv` was printed by `truth.R`, with metafor 3.8-1."""
    lines = Path(__file__).with_name("truth_r.csv").read_text(encoding="utf-8").splitlines()[1:]
    in_r = {name: float(r) for name, r in (line.split(",") for line in lines)}
    assert set(in_r) == set(HOUSES)
    for name, house in HOUSES.items():
        folder = tmp_path / name
        folder.mkdir()
        assert pooled_r(house.write(folder)[1]) == pytest.approx(in_r[name], abs=1e-8), name
