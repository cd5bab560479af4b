"""The recipe of docs/moderators.md keeps what the page says, within Monte-Carlo error."""

from __future__ import annotations

import importlib.util
import math
import warnings
from pathlib import Path

import pytest

from metaalliance.errors import MetaAllianceWarning

SCRIPT = Path(__file__).resolve().parent.parent.parent / "scripts" / "simulate_moderators.py"
REPLICATIONS = 300


def rates(studies: int, difference: float):
    spec = importlib.util.spec_from_file_location("simulate_moderators", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MetaAllianceWarning)
        return module.rates(studies, difference, REPLICATIONS, seed=21)


@pytest.mark.slow
def test_htz_keeps_its_level_and_chi_squared_does_not():
    htz, chi2, _ = rates(20, 0.0)
    assert htz < 0.05 + 3 * math.sqrt(0.05 * 0.95 / REPLICATIONS)
    assert chi2 > 0.05 + 3 * math.sqrt(0.05 * 0.95 / REPLICATIONS)


@pytest.mark.slow
def test_power_of_the_page():
    htz, _, kh = rates(40, 0.10)
    for found, page in ((htz, 0.235), (kh, 0.274)):
        assert abs(found - page) < 3.5 * math.sqrt(page * (1 - page) / REPLICATIONS)
