"""Values from R (see golden/README.md), the effects they belong to, and how close we have to be."""

from __future__ import annotations

import json
import math
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from metaalliance.effects.effects import Effects
from metaalliance.errors import MetaAllianceWarning
from metaalliance.models.pool import pool
from metaalliance.models.pooled_fit import PooledFit

#: Closed forms: a handful of roundings in either program. Seen: 3e-14.
CLOSED = 1e-12
#: What follows from an iterated variance: its optimum is flat, and another BLAS moves the last
#: digits of both programs. Seen: 6e-13.
ITERATED = 1e-10

#: Estimators of tau² that are a formula.
CLOSED_FORMS = frozenset({"FE", "DL", "HE", "HS", "SJ"})
#: R's name of a test, and ours.
TESTS = {"z": "wald", "t": "t", "knha": "knapp-hartung", "adhoc": "knapp-hartung-adhoc"}

DIRECTORY = Path(__file__).with_name("golden")


@cache
def golden(name: str) -> dict[str, Any]:
    """Return a data set of the golden directory, or a case of edge.json."""
    for path in (DIRECTORY / "metadat" / f"{name}.json", DIRECTORY / f"{name}.json"):
        if path.exists():
            return json.loads(path.read_text(encoding="utf-8"))
    return golden("edge")["cases"][name]


@cache
def effects(name: str, *, dependent: bool = False) -> Effects:
    """Return the effects of a data set, as if independent or nested in studies."""
    data = golden(name)["data"]
    return Effects.from_arrays(data["yi"], data["vi"], study=data["study"] if dependent else None)


@cache
def fit(name: str, *, dependent: bool = False, **options: Any) -> PooledFit:
    """Pool a data set once; its notices are the business of other tests."""
    return quiet_pool(effects(name, dependent=dependent), **options)


def quiet_pool(chosen: Effects, **options: Any) -> Any:
    """Pool without the warnings that few studies or few degrees of freedom give."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MetaAllianceWarning)
        return pool(chosen, **options)


def assert_close(ours: Any, theirs: Any, rtol: float, scale: float = 0.0) -> None:
    """Compare relative to their value, or to `scale` where that is larger.

    A limit of an interval can be near zero by cancellation; its `scale` is the standard error.
    """
    ours, theirs = np.asarray(ours, float), np.asarray(theirs, float)
    assert ours.shape == theirs.shape
    bound = rtol * np.maximum(np.abs(theirs), scale)
    assert (np.abs(ours - theirs) <= bound).all(), (ours, theirs, np.abs(ours - theirs) / bound)


def assert_same_tail(ours: float, theirs: float, rtol: float) -> None:
    """Compare p-values by their logarithms: a statistic good to 1e-12 leaves p = 1e-57 to 1e-10.

    Below the smallest normal double both count as zero.
    """
    tiny = np.finfo(float).tiny
    if theirs < tiny:
        assert ours < tiny
    else:
        assert abs(math.log(ours) - math.log(theirs)) <= rtol * (1 + abs(math.log(theirs)))
