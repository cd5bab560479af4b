"""Scenes that faults are set in, one of each for a session."""

from __future__ import annotations

import sys

import pytest
from fault_runs import Scene

#: They need a device that is full, forks and closed streams.
collect_ignore_glob = [] if sys.platform == "linux" else ["test_*.py"]

WORDS = {
    "pool": ["pool", "studies.csv", "--no-figures", "-o", "out"],
    "report": ["report", "studies.csv", "--no-figures", "-o", "out"],
}


@pytest.fixture
def told(record_property):
    """Note a fault and what it left, for the page that `scripts/promises.py` writes."""

    def note(fault, left):
        record_property("fault", fault)
        record_property("left", left)

    return note


@pytest.fixture(scope="session")
def scenes(tmp_path_factory):
    made = {}

    def scene(name):
        if name not in made:
            made[name] = Scene(tmp_path_factory.mktemp(name) / "scene", WORDS[name])
        return made[name]

    yield scene
    for one in made.values():
        one.warm.close()
