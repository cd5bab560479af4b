"""Estimates against the roots of their equations with 40 digits (scripts/arbitrate.py)."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import mpmath
import pytest

ROOT = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location("arbitrate", ROOT / "scripts" / "arbitrate.py")
arbitrate = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(arbitrate)
CASES = json.loads((ROOT / "tests/golden/metafor_defaults.json").read_text())["cases"]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['data']}-{c['model']}-{c['method']}")
def test_variances_are_the_roots_of_their_equations(case):
    with mpmath.workdps(arbitrate.DIGITS):
        mine = arbitrate.ours(case)
        for value, root in zip(mine, arbitrate.solve(case, mine), strict=True):
            assert abs(value - root) <= mpmath.mpf("1e-13") * root
