"""Levels of one moderator: closed forms, sparse levels, missing values, and what a user may ask."""

from __future__ import annotations

import json
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import metaalliance as ma
from metaalliance.core.inference.multiplicity import benjamini_hochberg, holm
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, MetaAllianceWarning, OptionError
from metaalliance.moderation.equivalence import with_equivalence
from metaalliance.moderation.result import LEVEL_COLUMNS


def three_arms(**extra):
    return Effects.from_arrays(
        [0.1, 0.2, 0.3, 0.4, 0.6, 0.5, 0.2, 0.9, 0.4],
        [0.01, 0.02, 0.03, 0.01, 0.02, 0.03, 0.02, 0.02, 0.01],
        moderators={"arm": list("aaabbbccc"), **extra},
    )


def test_common_effect_is_the_analysis_of_variance(quiet):
    """By hand: inverse-variance means, and Q between + Q within = Q."""
    effects = three_arms()
    got = quiet(ma.moderators, effects, "arm", model="common-effect")
    y, w = effects.yi, 1 / effects.vi
    means, Q_within = [], 0.0
    for level in "abc":
        mask = (effects.frame["arm"] == level).to_numpy()
        means.append(w[mask] @ y[mask] / w[mask].sum())
        Q_within += w[mask] @ (y[mask] - means[-1]) ** 2
    total = w @ (y - w @ y / w.sum()) ** 2
    frame = got.levels.set_index("level")
    assert_allclose(frame.loc[list("abc"), "estimate"], means, rtol=1e-12)
    assert_allclose(got.Q_between["Q"], total - Q_within, rtol=1e-10)
    assert_allclose(got.omnibus["statistic"], total - Q_within, rtol=1e-10)
    assert_allclose(frame["Q"].sum(), Q_within, rtol=1e-12)
    assert math.isnan(got.R2)


def test_two_levels_are_a_t_test(quiet):
    got = quiet(ma.moderators, three_arms().subset([1] * 6 + [0] * 3), "arm")
    assert_allclose(got.omnibus["statistic"], got.contrasts["statistic"].iloc[0] ** 2, rtol=1e-10)
    assert_allclose(got.omnibus["p_value"], got.contrasts["p_value"].iloc[0], rtol=1e-10)
    assert got.contrasts["p_adjusted"].iloc[0] == got.contrasts["p_value"].iloc[0]


def test_reference_is_subtracted(quiet):
    got = quiet(ma.moderators, three_arms(), "arm", reference="b", compare="reference")
    assert got.reference == "b"
    assert got.contrasts["level_b"].tolist() == ["b", "b"]
    pairs = quiet(ma.moderators, three_arms(), "arm", reference="b").contrasts
    assert pairs[["level_a", "level_b"]].to_numpy().tolist() == [["a", "b"], ["c", "b"], ["a", "c"]]


def test_default_reference_has_most_studies(nested, quiet):
    effects = nested.subset(~nested.frame["study"].isin(["S00", "S02"]).to_numpy())
    assert quiet(ma.moderators, effects, "modality").reference == "PDT"


def only_counted(row) -> bool:
    """Whether a level has its counts and no number beside them."""
    numbers = row[list(LEVEL_COLUMNS[4:-2])].astype(float)
    return bool(numbers.isna().all()) and not row["tested"]


def test_a_level_of_too_few_studies_is_counted_and_neither_estimated_nor_tested(quiet):
    y = [0.1, 0.2, 0.3, 0.4, 0.6, 0.5, 0.9, 0.8]
    effects = Effects.from_arrays(y, [0.02] * 8, moderators={"arm": list("aaabbbcc")})
    got = quiet(ma.moderators, effects, "arm")
    row = got.levels.set_index("level").loc["c"]
    assert only_counted(row)
    assert (row["n_studies"], row["n_effects"]) == (2, 2)
    assert row["note"] == "fewer than 3 studies"
    assert got.n_effects == 6
    assert got.omnibus["df1"] == 1
    assert [p.code for p in got.notices if p.code == "MA645"] == ["MA645"]
    without = quiet(ma.moderators, effects.subset([1] * 6 + [0] * 2), "arm")
    assert without.omnibus == got.omnibus
    with_it = quiet(ma.moderators, effects, "arm", min_studies=2)
    assert with_it.omnibus["df1"] == 2
    assert "c (2 studies, 2 effects): not estimated, fewer than 3 studies" in got.summary()
    level = next(one for one in got.to_dict()["levels"] if one["level"] == "c")
    kept = {"level", "n_studies", "n_effects", "n_participants", "tested", "note", "r"}
    assert {key for key, value in level.items() if value is not None} <= kept
    assert set(level) == set(got.to_dict()["levels"][0])
    assert set((level["r"] or {}).values()) <= {None}


def test_a_level_of_one_study_never_enters_a_robust_test(nested, quiet):
    label = np.where(nested.frame["study"] == "S05", "alone", nested.frame["modality"])
    effects = Effects(frame=nested.frame.assign(arm=label), measure="z")
    got = quiet(ma.moderators, effects, "arm", min_studies=1)
    row = got.levels.set_index("level").loc["alone"]
    assert only_counted(row)
    assert row["note"] == "fewer than 2 studies"
    assert not any(p.code == "MA642" for p in got.notices)


def test_missing_values_are_counted(nested, quiet):
    modality = nested.frame["modality"].astype(object).mask(nested.frame.index % 7 == 0)
    modality[nested.frame["study"] == "S01"] = None
    effects = Effects(frame=nested.frame.assign(modality=modality), measure="z")
    got = quiet(ma.moderators, effects, "modality")
    assert got.missing["n_effects"] == int(modality.isna().sum())
    assert got.missing["n_studies"] >= 1
    assert got.n_effects + got.missing["n_effects"] == effects.n_effects
    assert any(
        p.code == "MA644" and str(got.missing["n_effects"]) in p.message for p in got.notices
    )
    same = quiet(ma.moderators, effects.subset(modality.notna()), "modality")
    assert same.omnibus == got.omnibus


@pytest.mark.parametrize(
    ("labels", "tested"), [(list("aaaaaa"), 1), (list("abcdef"), 0), (list("aaaabc"), 1)]
)
def test_nothing_to_test(labels, tested, quiet):
    effects = Effects.from_arrays(
        [0.1, 0.3, 0.2, 0.5, 0.4, 0.2], [0.01] * 6, moderators={"arm": labels}
    )
    got = quiet(ma.moderators, effects, "arm")
    assert got.omnibus["test"] is None
    assert got.omnibus["reason"]
    assert int(got.levels["tested"].sum()) == tested
    assert got.contrasts.empty
    assert (got.levels["estimate"].notna() == got.levels["tested"]).all()
    json.dumps(got.to_dict(), allow_nan=False)
    assert "not tested" in got.summary()


def test_one_effect(quiet):
    effects = Effects.from_arrays([0.3], [0.02], moderators={"arm": ["a"]})
    got = quiet(ma.moderators, effects, "arm")
    assert only_counted(got.levels.iloc[0])
    assert math.isnan(got.p_value)
    json.dumps(got.to_dict(), allow_nan=False)


def test_identical_effects(quiet):
    effects = Effects.from_arrays([0.3] * 9, [0.02] * 9, moderators={"arm": list("aaabbbccc")})
    got = quiet(ma.moderators, effects, "arm")
    assert got.tau2 == 0
    assert_allclose(got.contrasts["estimate"], 0, atol=1e-12)
    assert math.isnan(got.R2)
    assert got.omnibus["statistic"] == pytest.approx(0, abs=1e-12)


def test_a_moderator_that_varies_within_studies(nested, quiet):
    got = quiet(ma.moderators, nested, "rater")
    assert got.levels["n_studies"].sum() > nested.n_studies
    assert got.levels["n_effects"].sum() == nested.n_effects


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ({"by": "year"}, "holds numbers"),
        ({"by": "arm"}, "There is no moderator 'arm'"),
        ({"by": "modality", "reference": "ACT"}, "no level 'ACT'"),
        ({"by": "modality", "compare": "neither"}, "compare="),
        ({"by": "modality", "min_studies": 0}, "min_studies"),
        ({"by": "modality", "sesoi": -1}, "sesoi"),
        ({"by": "modality", "tests": "many"}, "tests='many'"),
        ({"by": "modality", "prediction": "x"}, "prediction"),
        ({"by": "modality", "model": "two"}, "model"),
    ],
)
def test_wrong_requests_say_what_is_allowed(call, says, nested):
    with pytest.raises(OptionError, match=says):
        ma.moderators(nested, **call)


def test_dependent_effects_are_not_taken_for_independent(nested, quiet):
    with pytest.raises(EstimationError, match="one effect per study"):
        ma.moderators(nested, "modality", model="two-level")
    with pytest.raises(OptionError, match="no tau²"):
        effects = three_arms()
        quiet(ma.moderators, effects, "arm", model="common-effect", separate_tau2=True)


def test_levels_that_share_studies_are_not_taken_for_independent(nested, quiet):
    with pytest.raises(EstimationError, match="not independent"):
        quiet(ma.moderators, nested, "rater", test="wald", separate_tau2=True)
    assert quiet(ma.moderators, nested, "modality", test="wald", separate_tau2=True).p_value <= 1


def test_warnings_reach_the_caller(nested):
    few = nested.subset(nested.frame["study"].isin([f"S{i:02d}" for i in range(9)]).to_numpy())
    with pytest.warns(MetaAllianceWarning, match="MA620"):
        ma.moderators(few, "modality")


def test_all_tests_side_by_side(quiet):
    effects = three_arms()
    got = quiet(ma.moderators, effects, "arm", tests="all", replications=199)
    frame = got.tests.set_index("method")
    assert frame["p_value"].notna().all()
    assert frame.loc["knapp-hartung", "statistic"] == pytest.approx(got.omnibus["statistic"])
    assert frame.loc["permutation", "statistic"] == pytest.approx(got.omnibus["statistic"])
    assert frame.loc["permutation", "replications"] == 1680  # 9! / 3!^3: every arrangement
    again = quiet(ma.moderators, effects, "arm", tests="all", replications=199)
    assert again.tests.equals(got.tests)


def test_tests_that_do_not_apply_say_why(nested, quiet):
    got = quiet(ma.moderators, nested, "rater", tests="all", replications=99)
    frame = got.tests.set_index("method")
    assert math.isnan(frame.loc["permutation", "p_value"])
    assert "varies within" in frame.loc["permutation", "reason"]
    assert "one effect per study" in frame.loc["knapp-hartung", "reason"]
    assert frame.loc["htz", "p_value"] == got.omnibus["p_value"]
    between = quiet(ma.moderators, nested, "modality", tests="all", replications=99)
    assert between.tests.set_index("method").loc["permutation", "p_value"] <= 1


def test_permutation_of_studies_uses_the_generalised_least_squares_means(nested, quiet):
    """With the null model's variances the study means reproduce the fit of all effects."""
    got = quiet(
        ma.moderators, nested, "modality", tests=["permutation"], replications=99,
        components="held",
    )  # fmt: skip
    null = quiet(ma.pool, nested)
    codes, levels = np.unique(nested.frame["modality"]), nested.frame["modality"].to_numpy()
    X = (levels[:, None] == codes[None, :]).astype(float)
    study = nested.frame["study"].to_numpy()
    S = np.zeros((nested.n_effects, nested.n_effects))
    for label in np.unique(study):
        at = np.flatnonzero(study == label)
        root = np.sqrt(nested.vi[at])
        block = 0.6 * np.outer(root, root) + null.sigma2["study"]
        block[np.arange(at.size), np.arange(at.size)] += 0.4 * root**2 + null.sigma2["effect"]
        S[np.ix_(at, at)] = block
    W = np.linalg.inv(S)
    M = np.linalg.inv(X.T @ W @ X)
    b = M @ X.T @ W @ nested.yi
    C = np.array([[1.0, -1, 0], [1, 0, -1]])
    Q = (C @ b) @ np.linalg.solve(C @ M @ C.T, C @ b)
    assert_allclose(got.tests["statistic"].iloc[0], Q, rtol=1e-8)


def test_permutation_of_studies_has_the_wald_statistic_of_the_model(nested, quiet):
    tests = ["wald", "permutation"]
    got = quiet(ma.moderators, nested, "modality", tests=tests, replications=99).tests
    assert_allclose(got["statistic"].iloc[1], got["statistic"].iloc[0], rtol=1e-7)
    assert "components=re-estimated" in got["settings"].iloc[1]
    assert got["monte_carlo_se"].iloc[1] > 0


@pytest.mark.parametrize("components", ["re-estimated", "held"])
def test_contrasts_are_bootstrapped_beside_the_levels(nested, quiet, components):
    chance = {"replications": 99, "seed": 3, "components": components}
    got = quiet(ma.moderators, nested, "modality", tests=["wild-bootstrap"], **chance)
    fit = got.fit
    for row in got.contrasts.to_dict("records"):
        C = [(n == row["level_a"]) * 1.0 - (n == row["level_b"]) for n in fit.names]
        found = quiet(fit.wild_bootstrap, [C], **chance)
        assert row["p_bootstrap"] == found.p_value_corrected
    assert (got.contrasts["p_bootstrap_adjusted"] >= got.contrasts["p_bootstrap"]).all()
    assert "p_bootstrap" not in quiet(ma.moderators, nested, "modality").contrasts
    separate = quiet(
        ma.moderators, nested, "modality", tests=["wild-bootstrap"], separate_tau2=True, **chance
    )
    assert "p_bootstrap" not in separate.contrasts


def test_progress_of_the_bootstrap_is_told(nested, quiet):
    seen = []
    got = quiet(
        ma.moderators, nested, "modality", tests=["wild-bootstrap"], replications=99,
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    count = len(got.contrasts)
    assert seen == [(row, count) for row in range(1, count + 1)]


@pytest.mark.parametrize("components", ["re-estimated", "held"])
def test_terms_of_a_formula_are_bootstrapped(nested, quiet, components):
    chance = {"seed": 3, "components": components}
    got = quiet(ma.meta_regression, nested, "modality + year", bootstrap=99, **chance)
    frame, fit = got.bootstrap.set_index("term"), got.fit
    assert list(frame.index) == ["all terms", *got.design.terms]
    rows = {"all terms": range(1, len(fit.names)), **got.design.terms}
    for term, columns in rows.items():
        C = np.eye(len(fit.names))[list(columns)]
        found = quiet(fit.wild_bootstrap, C, replications=99, **chance)
        assert frame.loc[term, "p_value"] == found.p_value_corrected
        assert frame.loc[term, "components"] == components
    assert got.to_dict()["bootstrap"][0]["term"] == "all terms"
    word = {"re-estimated": "estimated anew", "held": "held at"}[components]
    assert got.summary().count(f"variance components {word}") == len(rows)
    assert quiet(ma.meta_regression, nested, "modality").to_dict()["bootstrap"] is None


def test_equivalence_by_hand(quiet):
    got = quiet(ma.moderators, three_arms(), "arm", test="wald", sesoi=0.5)
    row = got.contrasts.iloc[0]
    from scipy.stats import norm

    upper = norm.cdf((row["estimate"] - 0.5) / row["se"])
    lower = norm.sf((row["estimate"] + 0.5) / row["se"])
    assert_allclose(row["p_equivalence"], max(upper, lower), rtol=1e-12)
    assert (got.contrasts["p_equivalence_adjusted"] >= got.contrasts["p_equivalence"]).all()


def test_contrasts_by_weights(quiet):
    got = quiet(ma.moderators, three_arms(), "arm")
    mine = ma.contrasts(got, {"c against others": {"c": 1, "a": -0.5, "b": -0.5}})
    means = got.levels.set_index("level")["estimate"]
    assert_allclose(mine["estimate"], means["c"] - (means["a"] + means["b"]) / 2, rtol=1e-12)
    with pytest.raises(OptionError, match="names 'z'"):
        ma.contrasts(got, {"x": {"z": 1}})
    assert ma.contrasts(got).shape[0] == 3


def test_json_follows_the_contract(nested, quiet):
    content = quiet(ma.moderators, nested, "modality").to_dict()
    text = json.dumps(content, allow_nan=False)
    again = json.loads(text)
    assert {"name", "levels", "omnibus", "contrasts", "tau2", "R2", "residual_heterogeneity"} <= (
        set(again)
    )
    level = again["levels"][0]
    assert {"level", "n_studies", "n_effects", "estimate", "se", "ci_low", "ci_high", "pi_low",
            "pi_high", "df", "p_value", "r"} <= set(level)  # fmt: skip
    assert level["r"]["estimate"] == pytest.approx(math.tanh(level["estimate"]))
    assert {"test", "statistic", "df1", "df2", "p_value"} <= set(again["omnibus"])
    assert {"level_a", "level_b", "estimate", "se", "statistic", "df", "p_value",
            "p_adjusted"} <= set(again["contrasts"][0])  # fmt: skip


def test_unknown_n_is_missing_not_zero(quiet):
    content = quiet(ma.moderators, three_arms(), "arm").to_dict()
    assert content["levels"][0]["n_participants"] is None


def test_package_and_function_have_one_name():
    import importlib

    importlib.import_module("metaalliance.moderation.table")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert ma.moderators(three_arms(), "arm").name == "arm"


@settings(max_examples=10)
@given(st.permutations(range(9)), st.floats(0.2, 20))
def test_order_of_rows_and_unit_do_not_matter(order, unit):
    effects = three_arms()
    moved = Effects(frame=effects.frame.iloc[list(order)].reset_index(drop=True), measure="generic")
    scaled = Effects.from_arrays(
        moved.yi * unit, moved.vi * unit**2, moderators={"arm": moved.frame["arm"]}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MetaAllianceWarning)
        first, second = ma.moderators(effects, "arm"), ma.moderators(scaled, "arm")
    assert_allclose(second.omnibus["statistic"], first.omnibus["statistic"], rtol=1e-6, atol=1e-9)
    assert_allclose(second.levels["estimate"], first.levels["estimate"] * unit, rtol=1e-7)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_adjusted_p_values(p):
    values = np.array(p)
    for adjusted in (holm(values), benjamini_hochberg(values)):
        assert (adjusted >= values - 1e-15).all()
        assert (adjusted <= 1).all()
        order = np.argsort(values, kind="stable")
        assert (np.diff(adjusted[order]) >= -1e-15).all()
    assert (benjamini_hochberg(values) <= holm(values) + 1e-12).all()


def test_adjustment_leaves_missing_values_out():
    assert_allclose(holm([0.01, np.nan, 0.04]), [0.02, np.nan, 0.04])


def test_equivalence_of_an_unknown_difference_is_missing():
    import pandas as pd

    frame = pd.DataFrame({"estimate": [0.0], "se": [np.nan], "df": [np.nan]})
    assert math.isnan(with_equivalence(frame, 0.1)["p_equivalence"].iloc[0])
