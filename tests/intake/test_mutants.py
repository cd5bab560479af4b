"""Sheets that mean the same give the same numbers in every format; those that do not, the
right others.
"""

from __future__ import annotations

import itertools
from importlib.util import find_spec
from typing import Any

import pytest
from intake import fuzz, mutants
from intake.mutants import ALL, CHANGES, LAYOUTS, Mutant, fault_of

WITHOUT_XLWT = pytest.mark.skipif(find_spec("xlwt") is None, reason="xlwt writes .xls")
BASES = itertools.cycle(b for b in ALL if b != "computed")
SINGLES = [
    Mutant(next(BASES), "", (name,), form) for name, (_, forms) in LAYOUTS.items() for form in forms
]
ONE_OF_EACH = [
    Mutant(bases[i % len(bases)], name, (), form)
    for name, (_, bases, forms) in CHANGES.items()
    for i, form in enumerate(forms)
]


def timed(found: list[Mutant]) -> list[Any]:
    """Mark as slow most of those whose format is read by a process of its own."""
    apart = [m for m in found if form_of(m) not in {"xlsx", "csv"}]
    slow = {m for i, m in enumerate(apart) if i % 12}
    return [
        pytest.param(
            m, marks=[pytest.mark.slow] * (m in slow) + [WITHOUT_XLWT] * (form_of(m) == "xls")
        )
        for m in found
    ]


def form_of(mutant: Any) -> str:
    return str(getattr(mutant, "mutant", mutant).form)


@pytest.mark.parametrize("mutant", timed(SINGLES), ids=str)
def test_a_layout_means_nothing(mutant, tmp_path):
    assert fault_of(mutant, tmp_path) == ""


@pytest.mark.parametrize("mutant", timed(ONE_OF_EACH), ids=str)
def test_a_change_has_its_meaning(mutant, tmp_path):
    assert fault_of(mutant, tmp_path) == ""


@pytest.mark.parametrize("mutant", timed(list(fuzz.each())), ids=str)
def test_a_damage_is_refused_or_of_no_harm(mutant, tmp_path):
    assert fuzz.came_of_damage(mutant, tmp_path)[0] == ""


def test_twenty_four_layouts_and_every_format():
    assert len(LAYOUTS) >= 24
    assert {form for _, forms in LAYOUTS.values() for form in forms} == set(mutants.FORMATS)


def every() -> list[Any]:
    return [*mutants.singles(), *mutants.changes(seeds=2), *mutants.mutants(1500, seed=7),
            *fuzz.damaged(1500, seed=7)]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("part", range(40))
def test_every_mutant(part, tmp_path):
    """To draw more of them: `python -m intake.fuzz 10000 3` in the folder of the tests."""
    pytest.importorskip("xlwt")
    faults = {}
    for i, mutant in enumerate(every()[part::40]):
        folder = tmp_path / str(i)
        folder.mkdir()
        if isinstance(mutant, Mutant):
            fault = fault_of(mutant, folder)
        else:
            fault = fuzz.came_of_damage(mutant, folder)[0]
        if fault:
            faults[str(mutant)] = fault
    assert faults == {}
