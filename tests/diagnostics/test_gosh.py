"""GOSH: R's values, which subsets are drawn, and that each is a fit of its own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from golden_data import assert_close, golden, quiet_pool

import metaalliance as ma
from metaalliance.core.inference.gosh import draw_subsets, membership


def subset_of(found, index):
    """The studies of one subset."""
    return [s for s in found.labels if found.contains(s)[index]]


@pytest.mark.parametrize("method", ["REML", "DL", "FE"])
def test_every_subset_of_eight_studies_is_metafors(effects, method):
    data, theirs = golden("molloy2014")["data"], golden("influence")["gosh"]
    rows = np.array(theirs["rows"]) - 1
    chosen = ma.Effects.from_arrays(np.array(data["yi"])[rows], np.array(data["vi"])[rows])
    options = {"model": "common-effect"} if method == "FE" else {"tau2": method}
    found = ma.gosh(chosen, **options)
    assert found.exhaustive
    assert found.n_subsets == 255
    several = (found.frame["n_effects"] > 1).to_numpy()
    ours, expected = found.frame[several], {k: np.array(v) for k, v in theirs[method].items()}
    assert found.frame["n_effects"].tolist() == expected["k"].tolist()
    assert_close(found.frame["estimate"], expected["estimate"].astype(float), 1e-9)
    assert_close(ours["Q"], expected["QE"][several].astype(float), 1e-9, 1e-4)
    assert_close(100 * ours["I2"], expected["I2"][several].astype(float), 1e-8, 1.0)
    if method != "FE":
        assert_close(ours["tau2"], expected["tau2"][several].astype(float), 1e-8, 1e-4)
        assert found.frame.loc[~several, "tau2"].isna().all()


@pytest.mark.parametrize("tau2", ["REML", "ML", "DL", "HE", "HS", "SJ", "PM", "EB"])
def test_subsets_are_fits_of_their_own(effects, tau2):
    found = ma.gosh(effects("bcg"), 40, seed=3, tau2=tau2)
    assert not found.exhaustive
    for index in range(0, 40, 4):
        labels = subset_of(found, index)
        row = found.frame.iloc[index]
        naive = quiet_pool(effects("bcg").subset(effects("bcg").frame["study"].isin(labels)),
                           tau2=tau2)  # fmt: skip
        assert row["n_studies"] == len(labels)
        ours = [row["estimate"], row["tau2"], row["I2"], row["Q"]]
        assert_close(ours, [naive.estimate, naive.tau2, naive.I2, naive.Q], 1e-8, 1e-4)


@pytest.mark.parametrize("name", ["konstantopoulos2011", "crede2010"])
def test_multilevel_subsets_are_fits_of_their_own(nested_fit, name):
    fit = nested_fit(name, "che")
    found = ma.gosh(fit, 30, seed=5)
    for index in range(0, 30, 3):
        labels = subset_of(found, index)
        rest = fit.effects.subset(fit.effects.frame["study"].isin(labels))
        naive = quiet_pool(rest, model="che")
        row = found.frame.iloc[index]
        ours = [row["estimate"], row["tau2"], row["I2"], row["Q"]]
        assert_close(ours, [naive.estimate, naive.tau2, naive.I2, naive.Q], 1e-8, 1e-4)


def test_subsets_without_a_multilevel_model_are_counted():
    effects = ma.Effects.from_arrays([0.1, 0.3, 0.2, 0.4], [0.01] * 4, study=["A", "A", "B", "C"])
    found = ma.gosh(quiet_pool(effects, model="che"))
    assert found.n_subsets == 7
    missing = found.frame["estimate"].isna()
    assert missing.sum() == 4  # A alone, and those without A
    assert "4 of 7 subsets could not be fitted" in found.notices[0].message
    assert found.notices[0].code == "MA662"


def test_the_seed_and_not_the_threads_decides():
    rng = np.random.default_rng(0)
    effects = ma.Effects.from_arrays(rng.normal(0.3, 0.2, 30), rng.uniform(0.01, 0.1, 30))
    first = ma.gosh(effects, 5000, seed=7)
    pd.testing.assert_frame_equal(first.frame, ma.gosh(effects, 5000, seed=7, jobs=2).frame)
    assert not first.frame.equals(ma.gosh(effects, 5000, seed=8).frame)


@pytest.mark.parametrize(("m", "count"), [(5, 20), (16, 300), (40, 500), (62, 500), (70, 500)])
def test_subsets_are_distinct_and_not_empty(m, count):
    bits, exhaustive = draw_subsets(m, count, seed=1)
    member = membership(bits, m)
    assert not exhaustive
    assert member.shape == (count, m)
    assert member.any(axis=1).all()
    assert len(np.unique(member, axis=0)) == count
    assert (np.unpackbits(bits, axis=1, bitorder="little")[:, m:] == 0).all()


def test_subsets_are_equally_likely():
    member = membership(draw_subsets(20, 20_000, seed=2)[0], 20)
    assert (np.abs(member.mean(axis=0) - 0.5) < 0.02).all()
    assert abs(member.sum(axis=1).var() - 5.0) < 0.25


def test_all_subsets_of_three():
    member = membership(draw_subsets(3, 7)[0], 3)
    assert sorted(map(tuple, member.astype(int).tolist())) == sorted(
        (a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1) if a + b + c
    )


def test_a_deviating_study_splits_the_cloud():
    effects = ma.Effects.from_arrays([0.2, 0.22, 0.18, 0.21, 1.5], [0.01] * 5)
    split = ma.gosh(effects).by_study().set_index("study")
    assert split["I2_difference"].idxmax() == 5
    assert split.loc[5, "estimate_with"] > 0.3 > split.loc[5, "estimate_without"]


def test_progress_is_told_until_the_end():
    seen = []
    effects = ma.Effects.from_arrays(np.linspace(0, 1, 14), [0.01] * 14)
    ma.gosh(effects, 10_000, tau2="DL", progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (10_000, 10_000)
    assert [d for d, _ in seen] == sorted(d for d, _ in seen)


def test_text_and_records():
    found = ma.gosh(ma.Effects.from_arrays([0.2, 0.3, 0.5], [0.01] * 3, measure="z"), tau2="DL")
    assert found.summary().startswith("GOSH: 7 all subsets of 3 studies")
    assert_close(found.to_frame("r")["estimate"], np.tanh(found.frame["estimate"]), 1e-14)
    assert found.to_dict()["n_subsets"] == 7
    assert len(found.to_dict()["studies"]) == 3


@pytest.mark.parametrize("options", [{"n_subsets": 0}, {"n_subsets": 1_000_001}, {"jobs": 0}])
def test_impossible_numbers_are_refused(options):
    with pytest.raises(ma.OptionError):
        ma.gosh(ma.Effects.from_arrays([0.2, 0.3], [0.01] * 2), **options)


def test_what_has_no_subsets_is_refused(regression_of):
    with pytest.raises(ma.EstimationError, match="no subsets"):
        ma.gosh(ma.Effects.from_arrays([0.2], [0.01]))
    effects = ma.Effects.from_arrays([0.2, 0.3, 0.1, 0.4], [0.01] * 4)
    with pytest.raises(ma.OptionError, match="of a mean"):
        ma.gosh(regression_of(effects, [0, 1, 0, 1], model="two-level"))
    with pytest.raises(ma.OptionError, match="no study 'X'"):
        ma.gosh(effects).contains("X")
