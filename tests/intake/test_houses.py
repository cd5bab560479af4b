"""From `init` to `pool`, sheets as houses keep them: the right r, few lines to touch."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from intake.ends import End, apart, here, pooled, proposed, taken
from intake.sheets import HOUSES
from intake.truth import Effect, pooled_r

import metaalliance as ma

POOLED = {name: h for name, h in HOUSES.items() if not h.refused and not h.either}
ASKED = {name: h for name, h in HOUSES.items() if h.asks or h.refused}


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


@pytest.fixture(scope="module")
def end(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], End]:
    """Take a house's sheet to its end, once for all tests."""
    return cache(lambda name: taken(HOUSES[name], tmp_path_factory.mktemp(name)))


@pytest.mark.parametrize("name", POOLED)
def test_right_numbers_after_the_declared_lines(name, end):
    found, touches = end(name), HOUSES[name].touches
    assert_right(found.document, found.effects)
    seen, meant = correlations(found.path, found.config), [e.r for e in found.effects]
    assert sorted(seen) == pytest.approx(sorted(meant), abs=1e-9)
    if all(e.n for e in found.effects):
        assert found.document["counts"]["n_participants"] == participants(found.effects)
    assert found.lines <= min(3, len(touches) + len({t.table for t in touches if t.table}))


@pytest.mark.parametrize("name", ASKED)
def test_nothing_is_pooled_before_a_person_decides(name, end):
    """The untouched sheet ends in an error that names what to decide, never in a number."""
    house, document = HOUSES[name], end(name).untouched
    assert "pooled" not in document, document["pooled"]
    errors = [document["error"]["message"], *said(document, "error")]
    assert any(re.search(house.asks or house.refused, text) for text in errors), errors


@pytest.mark.parametrize("name", [n for n, h in HOUSES.items() if h.warns])
def test_what_was_assumed_is_warned_of(name, end):
    warned = said(end(name).untouched, "warning")
    assert any(re.search(HOUSES[name].warns, text) for text in warned), warned


@pytest.mark.parametrize("name", [n for n, h in HOUSES.items() if h.either])
def test_refused_or_right_with_a_warning(name, end):
    document = end(name).untouched
    severity = "warning" if "pooled" in document else "error"
    problems = said(document, severity)
    assert any(re.search(HOUSES[name].either, text) for text in problems), problems
    if severity == "warning":
        assert_right(document, end(name).effects)


@pytest.mark.parametrize("name", [n for n, h in HOUSES.items() if h.flow == "import"])
def test_an_export_read_as_a_sheet_is_refused_or_right(name, tmp_path):
    """Without `import` there is no wrong number: not the first of three outcomes, nor both
    coders.
    """
    path, effects = HOUSES[name].write(tmp_path)
    here("init", path, "-o", tmp_path / "metaalliance.toml")
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
    """`truth_r.csv` was printed by `r/truth.R`, with metafor 3.8-1."""
    held = Path(__file__).parent / "r" / "truth_r.csv"
    lines = held.read_text(encoding="utf-8").splitlines()[1:]
    in_r = {name: float(r) for name, r in (line.split(",") for line in lines)}
    assert set(in_r) == set(HOUSES)
    for name, house in HOUSES.items():
        folder = tmp_path / name
        folder.mkdir()
        assert pooled_r(house.write(folder)[1]) == pytest.approx(in_r[name], abs=1e-8), name
