"""Finished tasks are taken up by the same run alone, and never in silence where they are not."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest

import metaalliance as ma
from metaalliance.robustness import simulation

PLAN = {"k": [4, 5], "n": 40, "tau": 0.1, "simulate": 104, "seed": 4}


class StopError(Exception):
    """What stops a run."""


def stop_after(batches):
    """A callback that stops a run, of which so many batches were finished."""
    calls = []

    def progress(done, total):
        calls.append(done)
        if len(calls) > batches:
            raise StopError

    return progress


@pytest.fixture
def drawn(monkeypatch):
    """Count the reviews that are drawn."""
    count, draw = [], simulation.draw
    monkeypatch.setattr(simulation, "draw", lambda *a: (count.append(1), draw(*a))[1])
    return count


@cache
def unstopped():
    return ma.power_mean(0.2, **PLAN)


def stopped(folder, batches=3, **changed):
    """Run until some batches are finished and kept."""
    with pytest.raises(StopError):
        ma.power_mean(
            0.2,
            **{**PLAN, **changed},
            jobs=ma.Workers(kept=ma.Kept(folder)),
            progress=stop_after(batches),
        )


def resumed(folder, **changed):
    told = []
    kept = ma.Kept(folder, tell=told.append)
    found = ma.power_mean(0.2, **{**PLAN, **changed}, jobs=ma.Workers(kept=kept))
    return found, told, kept


def test_a_stopped_run_is_taken_up(tmp_path, drawn):
    whole = unstopped()
    stopped(tmp_path / "kept", 3)
    drawn.clear()
    found, told, kept = resumed(tmp_path / "kept")
    assert found.rows == whole.rows
    assert len(drawn) == 104 - 50  # the first plan and a batch of the second are kept
    assert [p.code for p in told] == ["MA703"]
    assert told[0].message.startswith("4 of 6 tasks")
    assert kept.remove() and not (tmp_path / "kept").exists()
    assert not kept.remove()


def test_a_task_that_was_half_written_is_computed_again(tmp_path, drawn):
    stopped(tmp_path, 3)
    (file,) = tmp_path.glob("*.jsonl")
    text = file.read_bytes()
    file.write_bytes(text[:-20])
    drawn.clear()
    found, told, _ = resumed(tmp_path)
    assert found.rows == unstopped().rows
    assert told[0].message.startswith("3 of 6 tasks")


@pytest.mark.parametrize("changed", [{"seed": 5}, {"test": "wald"}, {"k": [4, 6]}])
def test_tasks_of_another_run_are_not_used(tmp_path, changed):
    stopped(tmp_path, 1)
    found, told, _ = resumed(tmp_path, **changed)
    assert found.rows == ma.power_mean(0.2, **{**PLAN, **changed}).rows
    assert [p.code for p in told] == ["MA701"]
    assert "another run" in told[0].message


def test_tasks_of_other_rules_are_not_used(tmp_path):
    stopped(tmp_path, 1)
    told = []
    kept = ma.Kept(tmp_path, rules=99, tell=told.append)
    ma.power_mean(0.2, **PLAN, jobs=ma.Workers(kept=kept))
    assert [p.code for p in told] == ["MA701"]


@pytest.mark.parametrize("line", [0, 1])
def test_a_file_that_was_changed_is_not_used(tmp_path, line):
    stopped(tmp_path, 2)
    (file,) = tmp_path.glob("*.jsonl")
    lines = file.read_text(encoding="utf-8").splitlines()
    lines[line] = lines[line].replace("1", "2")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.warns(ma.MetaAllianceWarning, match="MA701 .* is damaged"):
        found = ma.power_mean(0.2, **PLAN, jobs=ma.Workers(kept=ma.Kept(tmp_path)))
    assert found.rows == unstopped().rows
    again, told, _ = resumed(tmp_path)  # what was damaged was replaced
    assert again.rows == found.rows
    assert [p.code for p in told] == ["MA703"]


def test_other_files_of_the_folder_stay(tmp_path):
    stopped(tmp_path, 1)
    (tmp_path / "mine.jsonl").write_text("{}", encoding="utf-8")
    _, told, kept = resumed(tmp_path)
    assert [p.code for p in told] == ["MA703"]
    kept.remove()
    assert [p.name for p in tmp_path.iterdir()] == ["mine.jsonl"]


def test_a_multiverse_is_taken_up(tmp_path):
    rng = np.random.default_rng(3)
    effects = ma.Effects.from_arrays(rng.normal(0.3, 0.2, 9), np.full(9, 0.01), measure="z")
    grid = {"tau2": ["DL", "REML"], "outliers": ["keep", "remove-low", "remove-high"]}
    whole = ma.multiverse(effects, grid=grid)

    def progress(done, total):
        if done == 2:
            raise StopError

    with pytest.raises(StopError):
        kept = ma.Kept(tmp_path)
        ma.multiverse(effects, grid=grid, jobs=ma.Workers(kept=kept), progress=progress)
    told = []
    kept = ma.Kept(tmp_path, tell=told.append)
    found = ma.multiverse(effects, grid=grid, jobs=ma.Workers(kept=kept))
    assert found.frame.equals(whole.frame)
    assert [p.code for p in told] == ["MA703"]


@pytest.mark.parametrize("interval", ["percentile", "studentised"])
def test_a_bootstrap_is_taken_up(tmp_path, interval):
    rng = np.random.default_rng(3)
    effects = ma.Effects.from_arrays(
        rng.normal(0.3, 0.2, 200), rng.uniform(0.005, 0.05, 200), study=np.repeat(range(100), 2)
    )
    options = {"bootstrap": "two-stage", "interval": interval, "replications": 300, "seed": 2}
    whole = ma.selection_model(effects, **options)

    def progress(done, total):
        if done == 2:
            raise StopError

    with pytest.raises(StopError):
        workers = ma.Workers(kept=ma.Kept(tmp_path), progress=progress)
        ma.selection_model(effects, **options, jobs=workers)
    (file,) = tmp_path.glob("*.jsonl")
    assert json.loads(file.read_text(encoding="utf-8").splitlines()[0])["tasks"] == 6
    told = []
    workers = ma.Workers(kept=ma.Kept(tmp_path, tell=told.append))
    found = ma.selection_model(effects, **options, jobs=workers)
    assert [p.code for p in told] == ["MA703"]
    assert np.array_equal(found.bootstrap.estimates, whole.bootstrap.estimates)
    assert np.array_equal(found.bootstrap.low, whole.bootstrap.low)
