"""Effects and fits of the golden data sets for the influence methods."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest
from golden_data import golden, quiet_pool

from metaalliance.effects.effects import Effects
from metaalliance.errors import MetaAllianceWarning
from metaalliance.models.regression import regress

TESTS = {"z": "wald", "knha": "knapp-hartung"}


@cache
def _effects(name: str, *, dependent: bool = False) -> Effects:
    data = golden(name)["data"]
    years = {"year": data["year"]} if "year" in data else None
    study = data["study"] if dependent else None
    return Effects.from_arrays(data["yi"], data["vi"], study=study, moderators=years)


@pytest.fixture(scope="session")
def effects():
    return _effects


@pytest.fixture(scope="session")
def fit_of():
    """Pool a data set as a case of the golden file is called: method and test."""

    @cache
    def make(name: str, case: str) -> Any:
        method, test = case.split(".")
        options = {"model": "common-effect"} if method == "FE" else {"tau2": method}
        return quiet_pool(_effects(name), test=TESTS[test], **options)

    return make


@pytest.fixture(scope="session")
def nested_fit():
    @cache
    def make(name: str, model: str, rho: float = 0.6, **options: Any) -> Any:
        return quiet_pool(_effects(name, dependent=True), model=model, rho=rho, **options)

    return make


@pytest.fixture(scope="session")
def regression_of():
    def make(chosen: Effects, x: Any, **options: Any) -> Any:
        X = np.column_stack([np.ones(chosen.n_effects), np.asarray(x, float)])
        names = ["intercept", *(f"x{i}" for i in range(1, X.shape[1]))]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MetaAllianceWarning)
            return regress(chosen, X, names, **options)

    return make
