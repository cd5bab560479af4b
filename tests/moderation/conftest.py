"""Golden values of moderator tests, and fits without their warnings."""

from __future__ import annotations

import json
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metaalliance.effects.effects import Effects
from metaalliance.errors import MetaAllianceWarning

GOLDEN = Path(__file__).parent.parent / "golden" / "moderators.json"


@cache
def _content() -> dict[str, Any]:
    return json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.fixture
def golden() -> dict[str, Any]:
    return _content()


@pytest.fixture
def quiet():
    """Call a function; its notices are the business of other tests."""

    def call(function, *args, **options):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MetaAllianceWarning)
            return function(*args, **options)

    return call


@pytest.fixture
def case():
    """Effects of a golden data set with their moderator `g`."""

    def build(data: dict[str, Any], *, dependent: bool = False) -> Effects:
        study = [str(s) for s in data["study"]] if dependent else None
        return Effects.from_arrays(
            data["yi"], data["vi"], study=study, moderators={"g": data["g"]}, measure="generic"
        )

    return build


@pytest.fixture
def nested() -> Effects:
    """Sixty effects of 24 studies with levels, numbers and gaps."""
    rng = np.random.default_rng(5)
    study = np.repeat([f"S{i:02d}" for i in range(24)], rng.permutation([1, 2, 3, 4] * 6))
    k = study.size
    _, codes = np.unique(study, return_inverse=True)
    modality = np.array(["CBT", "PDT", "humanistic"])[codes % 3]
    rater = np.array(["client", "therapist"])[rng.integers(0, 2, k)]
    year = 1985.0 + 1.5 * codes
    y = 0.3 + 0.1 * (modality == "PDT") - 0.08 * (rater == "therapist") + rng.normal(0, 0.15, k)
    return Effects.from_arrays(
        y,
        rng.uniform(0.008, 0.05, k),
        study=study,
        moderators={"modality": modality, "rater": rater, "year": year, "size n": codes + 20.0},
        measure="z",
        n=np.full(k, 60),
    )
