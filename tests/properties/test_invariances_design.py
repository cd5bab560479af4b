"""Where a moderator is centred must not change what its interaction says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import metaalliance as ma

SIZES = (20, 1, 1, 2, 3, 1, 1, 4, 2, 1, 1, 6)


def extreme_effects(seed: int, spread: float) -> ma.Effects:
    """One large study, variances from 1e-5 to 10, and a moderator far from zero."""
    rng = np.random.default_rng(seed)
    study = np.repeat(np.arange(len(SIZES)), SIZES)
    vi = 10 ** rng.uniform(-5.0, 1.0, study.size)
    yi = -2 + 0.3 * rng.normal(size=len(SIZES))[study] + rng.normal(size=study.size) * np.sqrt(vi)
    return ma.Effects.from_arrays(
        yi, vi, study=[f"S{i:02d}" for i in study],
        moderators={
            "x": rng.normal(1e4, spread, study.size),
            "g": rng.choice(["a", "b"], study.size, p=[0.6, 0.4]),
        },
    )  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("model", ["three-level", "che"])
@settings(max_examples=3, derandomize=True, phases=[Phase.generate])
@given(seed=st.integers(0, 1000), spread=st.sampled_from([3.0, 30.0]))
def test_the_centre_does_not_change_slopes(model: str, seed: int, spread: float):
    """An uncentred moderator had cost standard errors of interactions every digit."""
    effects = extreme_effects(seed, spread)
    options = {"model": model, "scale": {"x": 1.0}, "reference": {"g": "a"}, "min_studies": 1}
    near = ma.meta_regression(effects, "x * g", centre={"x": 1e4}, **options)
    far = ma.meta_regression(effects, "x * g", centre={"x": 0.0}, **options)
    assert near.names == far.names
    slopes = [1, 3]
    for name in ("beta", "se", "df", "p_value"):
        left, right = getattr(near.fit, name)[slopes], getattr(far.fit, name)[slopes]
        np.testing.assert_allclose(left, right, rtol=1e-5, err_msg=name)
    joint = [m.anova.set_index("term").loc["x:g", ["statistic", "df2"]] for m in (near, far)]
    np.testing.assert_allclose(*(j.to_numpy(dtype=float) for j in joint), rtol=1e-5)
    np.testing.assert_allclose(near.fit.log_likelihood, far.fit.log_likelihood, rtol=1e-6)


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=3, derandomize=True, phases=[Phase.generate])
@given(seed=st.integers(0, 1000))
def test_predictions_do_not_depend_on_the_centre(seed: int):
    effects = extreme_effects(seed, 30.0)
    options = {"model": "three-level", "scale": {"x": 1.0}, "min_studies": 1}
    at = {"x": [9_990.0, 10_020.0], "g": ["a", "b"]}
    near = ma.meta_regression(effects, "x * g", centre={"x": 1e4}, **options).predict(at=at)
    far = ma.meta_regression(effects, "x * g", centre={"x": 0.0}, **options).predict(at=at)
    for name in ("estimate", "se", "df"):
        np.testing.assert_allclose(near[name], far[name], rtol=1e-5, err_msg=name)
