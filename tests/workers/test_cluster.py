"""Slow: a dask cluster gives the same results, also where one of its workers is killed.

The recipes of docs/power.md: the scheduler and the workers are processes of their own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

import metaalliance as ma

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
RECIPES = (ROOT / "docs" / "power.md").read_text(encoding="utf-8")


@contextmanager
def processes():
    """Start processes of dask, and end them."""
    started = []

    def start(module, *words, **options):
        line = [sys.executable, "-m", f"distributed.cli.{module}", *words]
        started.append(subprocess.Popen(line, stderr=subprocess.DEVNULL, **options))
        return started[-1]

    try:
        yield start
    finally:
        for process in started:
            process.kill()
            process.wait()


@contextmanager
def cluster(folder, workers, **options):
    """Return the address of a scheduler and the processes of its workers."""
    place = folder / "scheduler.json"
    with processes() as start:
        start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
              "--scheduler-file", str(place), **options)  # fmt: skip
        for _ in range(600):
            if place.exists():
                break
            time.sleep(0.1)
        address = json.loads(place.read_text(encoding="utf-8"))["address"]
        yield address, [
            start("dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard",
                  cwd=folder, **options)
            for _ in range(workers)
        ]  # fmt: skip


def metaalliance(*words, cwd):
    """Run a command; return its standard error."""
    line = [sys.executable, "-m", "metaalliance", *words]
    return subprocess.run(line, cwd=cwd, capture_output=True, text=True, check=True).stderr


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_recipe_gives_the_digest_of_one_process(tmp_path, workers):
    (line,) = re.findall(r"^\$ metaalliance (power .*) --backend dask .*$", RECIPES, re.M)
    words = line.replace("10000", "300").split()
    metaalliance(*words, "-o", "here", cwd=tmp_path)
    with cluster(tmp_path, workers) as (address, _):
        metaalliance(*words, "--backend", "dask", "--scheduler", address, "--resume",
                     "-o", "there", cwd=tmp_path)  # fmt: skip
    here, there = (
        json.loads((tmp_path / folder / "run_power.json").read_text(encoding="utf-8"))
        for folder in ("here", "there")
    )
    assert here["result_digest"] == there["result_digest"]
    assert not (tmp_path / "there_unfinished").exists()


def test_a_worker_that_is_killed_changes_nothing(tmp_path):
    plan = {"k": 8, "n": [30, 60], "tau": 0.15, "simulate": 600, "seed": 3}
    killed = []
    with cluster(tmp_path, 2) as (address, workers):

        def kill(done, total):
            if not killed:
                killed.append(workers[1])
                workers[1].kill()

        dask = ma.Workers(backend="dask", scheduler=address)
        there = ma.power_mean(0.1, **plan, jobs=dask, progress=kill)
        effects = ma.Effects.from_arrays([0.1, 0.3, 0.2], [0.01, 0.02, 0.01], measure="z")
        curve = ma.multiverse(effects, jobs=dask).curve()
    assert killed
    assert there.rows == ma.power_mean(0.1, **plan).rows
    assert curve.equals(ma.multiverse(effects).curve())


def test_workers_without_the_package_are_told(tmp_path):
    bare = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    blocked = tmp_path / "sitecustomize.py"
    blocked.write_text("import sys\nsys.modules['metaalliance'] = None\n", encoding="utf-8")
    with cluster(tmp_path, 1, env={**bare, "PYTHONPATH": str(tmp_path)}) as (address, _):
        workers = ma.Workers(backend="dask", scheduler=address)
        with pytest.raises(ma.EstimationError, match="need metaalliance") as found:
            ma.power_mean(0.1, k=5, n=30, tau=0.1, simulate=100, jobs=workers)
    assert found.value.code == "MA702"


def test_a_scheduler_that_does_not_answer_is_told(monkeypatch):
    monkeypatch.setattr("metaalliance.workers.workers.PATIENCE", 2)
    workers = ma.Workers(backend="dask", scheduler="tcp://127.0.0.1:9")
    with pytest.raises(ma.EstimationError, match="cannot be reached") as found:
        ma.power_mean(0.1, k=5, n=30, tau=0.1, simulate=100, jobs=workers)
    assert found.value.code == "MA702"


def test_the_python_recipe_runs(tmp_path):
    """A LocalCluster."""
    block = next(
        b for b in re.findall(r"```python\n(.*?)```", RECIPES, re.S) if "LocalCluster" in b
    )
    script = tmp_path / "recipe.py"
    script.write_text(block.replace("10_000", "200"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True, timeout=300
    )
    assert "Simulated(replications=200" in done.stdout
