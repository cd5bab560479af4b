"""The script of the calibration page: cells that can be taken up again, and what the page says."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "scripts"))
import calibrate
from calibration_bias_page import bias_page
from calibration_cells import ROWS, draw
from calibration_selection import draw_selected, reviews

ROW = next(row for row in ROWS if row.key == "knapp_hartung")


@pytest.fixture
def few(monkeypatch):
    """One row, in batches of four draws."""
    monkeypatch.setattr(calibrate, "ROWS", (ROW,))
    monkeypatch.setattr(calibrate, "STUDIES", (10, 15))
    monkeypatch.setattr(calibrate, "BATCH", 4)


def counts(folder: Path) -> dict[str, dict]:
    return {path.stem: json.loads(path.read_text())["counts"] for path in folder.glob("*.json")}


def test_a_run_that_is_taken_up_is_a_run_at_once(few, tmp_path):
    (tmp_path / "twice").mkdir()
    for replications in (8, 8, 16):
        calibrate.run(tmp_path / "twice", replications, 1, "")
    (tmp_path / "once").mkdir()
    calibrate.run(tmp_path / "once", 16, 1, "")
    assert counts(tmp_path / "twice") == counts(tmp_path / "once")
    (found,) = counts(tmp_path / "once")["knapp_hartung_10"].values()
    assert sum(found.values()) == 16


def test_a_cell_of_another_definition_is_computed_anew(few, tmp_path):
    calibrate.run(tmp_path, 4, 1, "")
    path = tmp_path / "knapp_hartung_10.json"
    other = json.loads(path.read_text())
    other["definition"]["seed"] = 1
    path.write_text(json.dumps(other))
    assert calibrate.stored(path, ROW, 10)["batches"] == 0


def test_the_page_names_what_deviates_and_what_is_missing(few, tmp_path):
    quantity = "mean (two-level, Knapp-Hartung)"
    content = calibrate.stored(tmp_path / "none", ROW, 10)
    content |= {"batches": 500, "counts": {quantity: {"hits": 1800, "misses": 195, "failed": 5}}}
    (tmp_path / "knapp_hartung_10.json").write_text(json.dumps(content))
    page = calibrate.page(tmp_path)
    assert f"| {quantity} | one effect per study | **0.902 (0.0066)** | – |" in page
    assert "10 studies: 0.902 for 0.95, 9.8 errors below (the interval is narrow)" in page
    assert "1 of 1 cells are more than two Monte-Carlo errors" in page
    assert "10 studies: 5 of 2,000." in page
    assert "Not computed for this page: knapp_hartung with 15 studies." in page


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_every_row_answers(row):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = row.compute(draw(row.review, max(row.least, 15), np.random.default_rng(1)))
    assert found
    assert all(hit in (True, False, None) for hit in found.values())


def test_a_cell_under_selective_reporting_has_errors_and_shares():
    n = {"n": 1000, "sum": 26.0, "squares": 3.25}
    shares = {"hits": 920, "misses": 77, "failed": 3}

    def content(row, studies):
        there = row.key == "bias-methods_mild_effects_0" and studies == 30
        own = {"step .025: error": n, "step .025: covers": shares, "step .025: rejects": shares}
        plain = {"unadjusted (CHE, CR2): error": n}
        return {"counts": {**own, **plain} if there else {}}

    page = "\n".join(bias_page(content))
    assert "| mild, effects | 0 | 30 | 0.026 / 0.057 | – | 0.026 / 0.057 | – |" in page
    assert "| mild, effects | 0 | 30 | – | – | 0.923 | – |" in page
    assert "step .025, mild selection of effects, mean z 0, 30 studies: 3." in page
    assert "left out: no selection, mean z 0, 15 studies;" in page


@pytest.mark.parametrize("review", [r for r in reviews() if r.mean == 0], ids=lambda r: r.text)
def test_results_that_are_not_significant_are_seen_as_rarely_as_it_says(review):
    drawn = draw_selected(review, 400, np.random.default_rng(4))
    assert np.array_equal(np.unique(drawn.study), np.arange(400))
    first = np.diff(drawn.study, prepend=-1) > 0
    z = (drawn.effects.yi / np.sqrt(drawn.effects.vi))[
        first if review.by == "studies" else slice(None)
    ]
    share = np.mean(z > 1.959964)
    p = 0.16  # about: mean zero, tau² .03, n 30 to 200
    expected = p / (p + (1 - p) * review.reported)
    assert abs(share - expected) < 0.06
