from __future__ import annotations

import math

import numpy as np
import pytest

import metaalliance as ma
from metaalliance.models.cross_check import cross_check

YI = np.array([0.1, 0.3, 0.35, 0.02, 0.5])
VI = np.array([0.01, 0.02, 0.015, 0.03, 0.02])
EFFECTS = ma.Effects.from_arrays(YI, VI)


@pytest.mark.parametrize("tau2", ["DL", "HE", "ML", "REML", "PM"])
@pytest.mark.parametrize("test", ["wald", "knapp-hartung", "knapp-hartung-adhoc", "t"])
def test_independent_implementations_agree(tau2, test):
    check = cross_check(ma.pool(EFFECTS, tau2=tau2, test=test))
    assert abs(check.estimate) < 1e-14
    assert abs(check.se) < 1e-14
    assert math.isnan(check.tau2) if tau2 == "PM" else abs(check.tau2) < 1e-7
    assert check.largest < 1e-7


@pytest.mark.filterwarnings("ignore:MA620")
def test_a_cluster_robust_fit_has_no_counterpart():
    with pytest.raises(ma.EstimationError, match="no independent implementation"):
        cross_check(ma.pool(EFFECTS, model="two-level", test="cr2"))
