"""Two versions of a sheet: rows, cells with addresses, and steps that sum to the difference."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pytest
from golden_data import quiet_pool
from hypothesis import given, settings
from hypothesis import strategies as st

import metaalliance as ma
from metaalliance.errors import OptionError
from metaalliance.robustness.sheet_changes import sheet_changes

HEAD = "study,effect,r,n,outcome_direction,alliance_rater,modality,include,exclusion_reason"
ROWS = (
    "Adler 1988,,0.30,40,higher_better,client,CBT,,",
    "Adler 1988,,0.20,40,higher_better,therapist,CBT,,",
    "Berg 1991,,0.25,50,higher_better,client,PDT,,",
    "Berg 1991,,0.10,50,higher_better,observer,PDT,,",
    "Cohn 1999,,0.10,60,higher_better,client,CBT,,",
    "Dorn 2004,,0.40,45,higher_better,client,CBT,,",
    "Dorn 2004,,0.50,45,higher_better,observer,CBT,,",
    "Gone 2001,,0.05,80,higher_better,client,CBT,,",
)


@pytest.fixture
def write(tmp_path: Path):
    def writer(name: str, rows) -> Path:
        path = tmp_path / name
        path.write_text("\n".join([HEAD, *rows]) + "\n", encoding="utf-8")
        return path

    return writer


@pytest.fixture
def versions(write):
    """One row changed (r and n), one removed, two added; three cells written in another way."""
    new = list(ROWS[:-1])
    new[0] = "ADLER 1988,,0.33,42,higher_better,client,CBT,,"
    new[1] = "ADLER 1988,,.20,40,higher_better,therapist,cbt,,"
    new += ["New 2020,,0.31,120,higher_better,client,CBT,,",
            "New 2020,,0.28,120,higher_better,therapist,CBT,,"]  # fmt: skip
    return write("old.csv", ROWS), write("new.csv", new)


def pooled(rows, write, **options):
    """r of the rows by `pool`."""
    effects = ma.effect_sizes(ma.read_studies(write("state.csv", rows)))
    return math.tanh(quiet_pool(effects, **options).estimate)


def test_rows_and_cells_with_their_addresses(versions):
    found = ma.compare(*versions)
    assert found.counts() == {
        "rows_old": 8, "rows_new": 9, "removed": 1, "changed": 1, "added": 2, "unchanged": 6,
        "cells": 2, "respelled": 4,
    }  # fmt: skip
    cells = {c.column: c for c in found.changes.cells if c.kind == "value"}
    assert (cells["r"].old, cells["r"].new) == (0.3, 0.33)
    assert (cells["r"].old_cell, cells["r"].new_cell) == ("old.csv!C2", "new.csv!C2")
    assert (cells["n"].old, cells["n"].new) == (40, 42)
    assert all(c.makes_effect for c in cells.values())
    spelled = {c.column: (c.old_seen, c.new_seen) for c in found.changes.cells if c.kind != "value"}
    assert spelled["r"] == ("0.20", ".20")
    assert spelled["study"] == ("Adler 1988", "ADLER 1988")
    kinds = [(r.kind, r.study, r.old_row, r.new_row) for r in found.rows]
    assert kinds == [("removed", "Gone 2001", 9, None), ("changed", "ADLER 1988", 2, 2),
                     ("added", "New 2020", None, 9), ("added", "New 2020", None, 10)]  # fmt: skip
    assert found.rows[1].old_r == pytest.approx(0.3)
    assert found.rows[1].new_r == pytest.approx(0.33)


def test_each_step_is_what_pool_gives_for_that_state(versions, write):
    found = ma.compare(*versions)
    new = versions[1].read_text(encoding="utf-8").splitlines()[1:]
    states = [ROWS, ROWS[:-1], new[:7], new]
    expected = [pooled(rows, write) for rows in states]
    removed, changed, added = found.steps
    assert [s.kind for s in found.steps] == ["removed", "changed", "added"]
    for step, before, after in zip(found.steps, expected[:-1], expected[1:], strict=True):
        assert step.before == pytest.approx(before, rel=1e-12)
        assert step.after == pytest.approx(after, rel=1e-12)
        assert step.change == step.after - step.before
    assert removed.after == changed.before and changed.after == added.before
    assert math.fsum(s.change for s in found.steps) == pytest.approx(found.total, abs=1e-15)
    assert math.fsum(s.average for s in found.steps) == pytest.approx(found.total, abs=1e-15)
    assert found.rows[0].alone == pytest.approx(expected[1] - expected[0], abs=1e-14)
    assert (removed.effects, changed.effects, added.effects) == (1, 1, 2)


def test_the_average_over_orders_by_hand(versions, write):
    """The changed row enters alone, after the removal, after the additions, or after both."""
    found = ma.compare(*versions)
    new = versions[1].read_text(encoding="utf-8").splitlines()[1:]

    def state(*, removed, changed, added):
        rows = (new[:7] if changed else list(ROWS[:7])) + ([] if removed else [ROWS[7]])
        return pooled(rows + (new[7:] if added else []), write)

    gain = sum(
        weight
        * (
            state(removed=removed, changed=True, added=added)
            - state(removed=removed, changed=False, added=added)
        )
        for removed, added, weight in (
            (False, False, 2 / 6),
            (True, False, 1 / 6),
            (False, True, 1 / 6),
            (True, True, 2 / 6),
        )
    )
    assert found.steps[1].average == pytest.approx(gain, abs=1e-13)


def test_the_same_sheet_has_no_difference(write):
    found = ma.compare(write("a.csv", ROWS), write("b.csv", ROWS))
    assert found.total == 0.0
    assert all(step.change == 0.0 == step.average for step in found.steps)
    assert found.rows == () == found.changes.cells


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_rows_is_no_change(seed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("order")
    rows = list(ROWS)
    random.Random(seed).shuffle(rows)
    for name, content in (("a.csv", ROWS), ("b.csv", rows)):
        (folder / name).write_text("\n".join([HEAD, *content]) + "\n", encoding="utf-8")
    found = ma.compare(folder / "a.csv", folder / "b.csv")
    assert found.rows == ()
    assert abs(found.total) < 1e-13


def test_a_third_effect_described_alike_is_one_addition(write):
    """Coders' matching alone would leave all of them open."""
    old = ["Adler 1988,,0.30,40,higher_better,client,CBT,,",
           "Adler 1988,,0.20,40,higher_better,client,CBT,,", *ROWS[2:]]  # fmt: skip
    new = [old[1], "Adler 1988,,0.44,40,higher_better,client,CBT,,", *old[:1], *old[2:]]
    changes = sheet_changes(
        ma.load_studies(write("o.csv", old)), ma.load_studies(write("n.csv", new))
    )
    assert [lone.row.get("r") for lone in changes.added] == [0.44]
    assert changes.removed == () == changes.changed


def test_a_row_that_is_excluded_counts_as_changed(write):
    new = [*ROWS[:4], ROWS[4][:-2] + ",no,outcome is an alliance scale", *ROWS[5:]]
    new[4] = "Cohn 1999,,0.10,60,higher_better,client,CBT,no,outcome is an alliance scale"
    found = ma.compare(write("old.csv", ROWS), write("new.csv", new))
    (row,) = found.rows
    assert (row.kind, set(row.columns)) == ("changed", {"include", "exclusion_reason"})
    assert row.old_r == pytest.approx(0.1)
    assert math.isnan(row.new_r)
    assert found.steps[1].change == pytest.approx(found.total)
    assert found.steps[1].effects == 1
    assert pooled([*ROWS[:4], *ROWS[5:]], write) - pooled(ROWS, write) == pytest.approx(found.total)


def test_a_renamed_study_is_a_change_of_its_label(write):
    new = [*ROWS[:-1], ROWS[-1].replace("Gone 2001", "Gone 2002")]
    found = ma.compare(write("old.csv", ROWS), write("new.csv", new))
    assert [(r.kind, *r.columns) for r in found.rows] == [("changed", "study")]
    assert found.total == pytest.approx(0, abs=1e-13)


def test_a_moderator_that_changes_touches_no_effect(write):
    new = [ROWS[0].replace("CBT", "IPT"), *ROWS[1:]]
    found = ma.compare(write("old.csv", ROWS), write("new.csv", new))
    assert found.counts()["cells"] == 1
    assert found.total == 0.0
    assert found.steps[1].effects == 0
    assert found.rows[0].alone == 0.0


def test_models_and_options_are_those_of_pool(versions):
    old, new = (ma.effect_sizes(ma.read_studies(path)) for path in versions)
    found = ma.compare(*versions, model="two-level", tau2="DL", rho=0.3, test="wald")
    for fit, effects in ((found.old_fit, old), (found.new_fit, new)):
        theirs = quiet_pool(ma.aggregate(effects, 0.3), tau2="DL", test="wald")
        assert fit.estimate == pytest.approx(theirs.estimate, rel=1e-12)
        assert fit.se == pytest.approx(theirs.se, rel=1e-12)
    found = ma.compare(*versions, measure="r", model="three-level")
    theirs = quiet_pool(
        ma.effect_sizes(ma.read_studies(versions[1]), measure="r"), model="three-level"
    )
    assert found.new_fit.estimate == pytest.approx(theirs.estimate, rel=1e-12)
    with pytest.raises(OptionError, match="not one of"):
        ma.compare(*versions, model="threelevel")


def test_labels_that_look_alike_in_one_sheet_stay_two_studies(write):
    rows = ["Smith (2000),,0.3,40,higher_better,client,CBT,,",
            "Smith 2000,,0.1,50,higher_better,client,CBT,,", *ROWS]  # fmt: skip
    path = write("old.csv", rows)
    found = ma.compare(path, write("new.csv", [*rows, ROWS[0].replace("Adler 1988", "Zorn 2009")]))
    fit = quiet_pool(ma.effect_sizes(ma.load_studies(path)))
    assert found.old_fit.n_studies == fit.n_studies
    assert found.old_fit.estimate == pytest.approx(fit.estimate, rel=1e-12)


def test_a_label_that_parts_a_study_is_a_change(write):
    """Two ways to write a label in one sheet are two studies to the model."""
    new = [ROWS[0], ROWS[1].replace("Adler 1988", "ADLER 1988"), *ROWS[2:]]
    found = ma.compare(write("old.csv", ROWS), write("new.csv", new))
    (row,) = found.rows
    assert (row.kind, row.columns) == ("changed", ("study",))
    assert found.steps[1].effects == 1
    assert found.steps[1].change == pytest.approx(pooled(new, write) - pooled(ROWS, write))
    assert found.total != 0


def test_a_sheet_with_errors_shows_its_changes_and_no_result(write):
    new = [ROWS[0].replace("0.30", "1.30"), *ROWS[1:]]
    found = ma.compare(write("old.csv", ROWS), write("new.csv", new))
    assert found.counts()["cells"] == 1
    assert (found.old_fit, found.new_fit, found.steps) == (None, None, ())
    assert found.reason == "new.csv has errors"
    assert math.isnan(found.total)
    assert "No result" in found.summary()


def test_a_step_without_a_result_says_why(write):
    found = ma.compare(write("old.csv", ROWS[-1:]), write("new.csv", ROWS[:1]))
    assert found.steps == ()
    assert "No effect is left" in found.reason
    assert found.old_fit is not None and found.new_fit is not None


def test_results_are_written_out(versions):
    found = ma.compare(*versions)
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert content["order"] == ["removed", "changed", "added"]
    assert content["result"]["total"] == found.total
    assert content["rows"][0]["new_r"] is None
    assert list(found.to_frame()["kind"]) == ["removed", "changed", "added"]
    assert "1 removed, 1 changed (cells: 2), 2 added, 6 the same" in found.summary()
