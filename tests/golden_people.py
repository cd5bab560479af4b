"""Effects of several samples in a study, and what R makes of them under every structure.

"samples" are independent of each other; in "overlap" smaller groups lie within larger ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from golden_data import golden

import metaalliance as ma
from metaalliance.model import Model
from metaalliance.models.regression import fit_regression

CASES: dict[str, dict[str, Any]] = {
    "mean": {},
    "mean_ml": {"tau2": "ML"},
    "regression": {},
    "within_sample": {"within": ("sample",)},
    "within_crossing": {"within": ("deltype",)},
    "above": {"above": ("team",)},
    "crossed": {"crossed": "deltype"},
    "rho_by_study": {"rho": "rho"},
    "rho_same": {"rho": 0.5, "rho_same": 0.8, "same": "deltype"},
}
cases = pytest.mark.parametrize("case", CASES)


def people(name: str, **changes: Any) -> ma.Effects:
    """Return the effects of a golden file, "samples" or "overlap"."""
    data = golden(name)["data"]
    own = {"yi", "vi", "study", "sample", "n"}
    nested = {"overlap": "nested", "n": data["n"]} if name == "overlap" else {}
    return ma.Effects.from_arrays(
        data["yi"], data["vi"], data["study"], {n: v for n, v in data.items() if n not in own},
        sample=data["sample"], **{**nested, **changes},
    )  # fmt: skip


def fitted(name: str, case: str, **settings: Any) -> tuple[Any, dict[str, Any]]:
    """Return a fit under a structure, and that of R."""
    found, names = people(name), ["x", "pubstatus"] if not case.startswith("mean") else []
    X = np.column_stack([np.ones(found.n_effects), *(found.frame[n].astype(float) for n in names)])
    model = Model(**{"kind": "che", **CASES[case], **settings})
    return fit_regression(found, X, ["mean", *names], model), golden(name)[case]
