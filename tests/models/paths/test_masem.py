"""One-stage path models: values of R, an independent likelihood, and what has to hold."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pandas as pd
import pytest
from golden_data import golden

import metaalliance as ma
from metaalliance.errors import EstimationError, MetaAllianceWarning, OptionError

CRAFT = "perf ~ c*conf; conf ~ a*acog + d*asom; acog ~~ s*asom; indirect := a*c"
SIMPLE = "outcome ~ b*alliance + c*severity; alliance ~ a*severity; ab := a*b"


@pytest.fixture(scope="module")
def craft() -> ma.Masem:
    return ma.masem(pd.DataFrame(golden("craft2003_paths")["data"]), CRAFT)


def table(k: int = 12, seed: int = 3, spread: float = 0.12) -> pd.DataFrame:
    """Correlations of three variables, with what moves one of them."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(k):
        n, x = int(rng.integers(40, 200)), i % 2
        for a, b, rho in (
            ("severity", "alliance", -0.2),
            ("alliance", "outcome", 0.25 + 0.1 * x),
            ("severity", "outcome", -0.3),
        ):
            r = rho + spread * rng.normal() + (1 - rho**2) / math.sqrt(n) * rng.normal()
            rows.append((f"S{i:02}", a, b, round(float(r), 3), n, x, "IJ"[x]))
    return pd.DataFrame(rows, columns=["study", "var1", "var2", "r", "n", "late", "arm"])


def test_golden_path_model(craft):
    expected = golden("craft2003_paths")["path"]
    by_label = craft.paths.set_index("label")
    order = ["a", "d", "c", "s"]
    np.testing.assert_allclose(by_label.loc[order, "estimate"], expected["coef"], atol=1e-8)
    np.testing.assert_allclose(by_label.loc[order, "se"], expected["se"], atol=1e-7)
    assert craft.minus_two_log_likelihood == pytest.approx(expected["minus2ll"], abs=1e-10)
    indirect = craft.defined.iloc[0]
    assert indirect["estimate"] == pytest.approx(expected["indirect"], abs=1e-8)
    np.testing.assert_allclose(
        indirect[["ci_low", "ci_high"]].astype(float), expected["interval"], atol=1e-7
    )


def test_golden_saturated_and_independence_models(craft):
    expected = golden("craft2003_paths")
    fit, own = craft.fit, craft.minus_two_log_likelihood
    assert own - fit.chi2 == pytest.approx(expected["saturated"]["minus2ll"], abs=1e-8)
    assert own - fit.chi2 + fit.chi2_independence == pytest.approx(
        expected["independence"], abs=1e-8
    )
    assert (fit.df, fit.df_independence) == (2, 6)
    cells = {frozenset(c.split()): v for c, v in zip(
        expected["cells"], expected["saturated"]["coef"], strict=True)}  # fmt: skip
    for row in craft.tau2.to_dict("records"):
        assert row["r"] == pytest.approx(cells[frozenset((row["var1"], row["var2"]))], abs=1e-6)
    misfit = [row["r"] - row["implied"] for row in craft.tau2.to_dict("records")]
    assert fit.srmr == pytest.approx(math.sqrt(np.mean(np.square(misfit))), abs=1e-14)


def test_a_variance_at_zero_is_reached(craft):
    """As in R: the two anxieties correlate alike in every study."""
    at_zero = craft.tau2.query("tau2 == 0")
    assert at_zero[["var1", "var2"]].to_numpy().tolist() == [["acog", "asom"]]


def minus_two_in_mpmath(frame: pd.DataFrame, measures_r: float):
    """The likelihood, written again: 40 digits, whole covariances, a model in closed form."""
    mpmath.mp.dps = 40
    names = ["severity", "outcome", "alliance"]
    pairs = [("severity", "outcome"), ("severity", "alliance"), ("outcome", "alliance")]
    keys = [frozenset(p) for p in pairs]
    frame = frame.assign(cell=[keys.index(frozenset(p)) for p in zip(
        frame.var1, frame.var2, strict=True)])  # fmt: skip
    mean = {}
    for c, key in enumerate(keys):
        top = bottom = mpmath.mpf(0)
        for _, rows in frame[frame.cell == c].groupby("study"):
            weight = sum(map(mpmath.mpf, rows.n.tolist())) / len(rows)
            share = [mpmath.mpf(n) / len(rows) for n in rows.n.tolist()]
            top += sum(w * mpmath.mpf(r) for w, r in zip(share, rows.r.tolist(), strict=True))
            bottom += weight
        mean[key] = top / bottom

    def of(x, y):
        if x == y:
            return mpmath.mpf(1)
        return mpmath.mpf(measures_r) if x[0] == y[0] else mean[frozenset((x[0], y[0]))]

    def covariance(i, j, k, m):
        r = of
        return (
            r(i, j) * r(k, m) * (r(i, k)**2 + r(i, m)**2 + r(j, k)**2 + r(j, m)**2) / 2
            + r(i, k) * r(j, m) + r(i, m) * r(j, k)
            - r(i, j) * r(i, k) * r(i, m) - r(i, j) * r(j, k) * r(j, m)
            - r(k, m) * r(i, k) * r(j, k) - r(k, m) * r(i, m) * r(j, m)
        )  # fmt: skip

    studies = []
    for _, rows in frame.groupby("study", sort=False):
        seen: dict[tuple, int] = {}
        ends = []
        for a, b in zip(rows.var1, rows.var2, strict=True):
            count = seen[a, b] = seen.get((a, b), -1) + 1
            ends.append(((a, 0), (b, count)))
        V = mpmath.matrix(len(ends))
        for p, one in enumerate(ends):
            for q, two in enumerate(ends):
                n = max(rows.n.iloc[p], rows.n.iloc[q])
                V[p, q] = covariance(*one, *two) / mpmath.mpf(int(n))
        studies.append((V, [mpmath.mpf(r) for r in rows.r.tolist()], rows.cell.tolist()))

    def value(b, c, a, *tau2):
        rho = [c + a * b, a, b + a * c]
        total = mpmath.mpf(0)
        for V, r, cell in studies:
            m = len(r)
            S = V.copy()
            for p in range(m):
                for q in range(m):
                    S[p, q] += tau2[cell[p]] if cell[p] == cell[q] else 0
            e = mpmath.matrix([r[p] - rho[cell[p]] for p in range(m)])
            total += mpmath.log(mpmath.det(S)) + (e.T * mpmath.lu_solve(S, e))[0]
            total += m * mpmath.log(2 * mpmath.pi)
        return total

    del names
    return value


def test_an_independent_likelihood_has_its_optimum_there():
    """With missing and repeated correlations, and n that differ within a study."""
    frame = table(5)
    frame = frame.drop(index=[4]).reset_index(drop=True)
    frame.loc[3, "n"] -= 10
    more = frame.iloc[[1, 1, 9]].assign(r=[0.31, 0.22, -0.12])
    frame = pd.concat([frame, more], ignore_index=True)
    found = ma.masem(frame, SIMPLE, measures_r=0.5)
    value = minus_two_in_mpmath(frame, 0.5)
    best = [mpmath.mpf(x) for x in [
        *found.paths.set_index("label").loc[["b", "c", "a"], "estimate"], *found.tau2["tau2"]
    ]]  # fmt: skip
    assert float(value(*best)) == pytest.approx(found.minus_two_log_likelihood, abs=1e-10)
    for j in range(6):
        if best[j]:
            order = tuple(int(i == j) for i in range(6))
            step = float(mpmath.diff(value, tuple(best), order)) / float(
                mpmath.diff(value, tuple(best), tuple(2 * o for o in order))
            )
            assert abs(step) < 1e-8


def test_one_study_reproduces_its_regression():
    """Without heterogeneity a saturated model is the regression of the mean correlations."""
    frame = pd.DataFrame(
        [("A", "severity", "alliance", -0.3, 200), ("A", "alliance", "outcome", 0.4, 200),
         ("A", "severity", "outcome", -0.5, 200)],
        columns=["study", "var1", "var2", "r", "n"],
    )  # fmt: skip
    with pytest.warns(MetaAllianceWarning, match="MA729"):
        found = ma.masem(frame, SIMPLE)
    b = (0.4 - 0.3 * 0.5) / (1 - 0.09)
    assert found.paths.set_index("label").loc["b", "estimate"] == pytest.approx(b, abs=1e-9)
    assert (found.tau2["tau2"] == 0).all()
    interval = found.paths.set_index("label").loc["a"]
    assert interval["ci_high"] + interval["ci_low"] == pytest.approx(-0.6, abs=1e-7)
    study = found.per_study.query("name == 'ab'").iloc[0]
    assert study["estimate"] == pytest.approx(-0.3 * b, abs=1e-9)


def test_moderators_move_paths():
    found = ma.masem(table(24), SIMPLE, moderators={"b": "late"})
    row = found.paths.set_index("label").loc["b_late"]
    assert (row["lhs"], row["op"], row["rhs"]) == ("outcome", "~", "alliance:late")
    apart = [ma.masem(g, SIMPLE).paths.set_index("label").loc["b", "estimate"]
             for _, g in table(24).groupby("late")]  # fmt: skip
    assert row["estimate"] == pytest.approx(apart[1] - apart[0], abs=0.05)
    assert found.moderation["df"] == 1
    assert found.moderation["chi2"] == pytest.approx(
        found.minus_two_without_moderators - found.minus_two_log_likelihood, abs=1e-12
    )
    text = ma.masem(table(24), SIMPLE, moderators={"b": "arm"})
    assert text.minus_two_log_likelihood == pytest.approx(found.minus_two_log_likelihood, abs=1e-9)
    assert "b_arm.J" in set(text.paths["label"])


def test_moderated_paths_stand_in_defined_parameters():
    model = SIMPLE + "; late := a*(b + b_late)"
    found = ma.masem(table(24), model, moderators={"b": "late"})
    of = found.paths.set_index("label")["estimate"]
    late = found.defined.set_index("label").loc["late", "estimate"]
    assert late == pytest.approx(of["a"] * (of["b"] + of["b_late"]), abs=1e-12)


def test_intervals_and_p_values_agree():
    """A likelihood interval holds zero exactly when the likelihood ratio does not reject it."""
    found = ma.masem(table(9, seed=5, spread=0.3), SIMPLE)
    rows = found.to_frame()
    assert ((rows.ci_low < rows.estimate) & (rows.estimate < rows.ci_high)).all()
    held = (rows.ci_low < 0) & (rows.ci_high > 0)
    assert (held == (rows.p_value > 0.05)).all()
    assert held.any()
    assert not held.all()
    wald = ma.masem(table(9, seed=5, spread=0.3), SIMPLE, interval="wald").to_frame()
    np.testing.assert_allclose(
        wald.ci_high - wald.estimate, 1.959963984540054 * wald.se, rtol=1e-12
    )


def test_levels_of_intervals_are_nested():
    narrow, wide = (ma.masem(table(), SIMPLE, level=x).defined.iloc[0] for x in (0.8, 0.99))
    assert wide.ci_low < narrow.ci_low < narrow.ci_high < wide.ci_high


def test_indirect_effects_are_those_defined(craft):
    row = craft.indirect.query("source == 'acog' and target == 'perf'").iloc[0]
    named = craft.defined.iloc[0]
    assert row["indirect"] == pytest.approx(named["estimate"], abs=1e-14)
    for key in ("se", "ci_low", "ci_high"):
        assert row[key] == pytest.approx(named[key], abs=1e-7)
    assert row["total"] == row["direct"] + row["indirect"]
    assert row["direct"] == 0


def test_fixed_paths_are_as_given():
    found = ma.masem(table(), "outcome ~ 0.2*alliance + severity; alliance ~ severity")
    row = found.paths.query("rhs == 'alliance'").iloc[0]
    assert row["estimate"] == 0.2
    assert math.isnan(row["se"])
    assert found.fit.df == 1


def test_a_fit_is_as_its_likelihoods_say():
    found = ma.masem(table(40), "outcome ~ b*alliance; alliance ~ a*severity; ab := a*b")
    fit, n = found.fit, found.fit.n_participants
    assert n == table(40).groupby("study")["n"].max().sum()
    assert fit.rmsea == pytest.approx(math.sqrt(max(fit.chi2 - 1, 0) / n), abs=1e-14)
    assert fit.rmsea_low <= fit.rmsea <= fit.rmsea_high
    assert fit.cfi == pytest.approx(
        1 - max(fit.chi2 - 1, 0) / (fit.chi2_independence - 3), abs=1e-14
    )
    assert fit.p_value < 0.01  # severity has a path of its own


def test_text_names_what_was_measured_when_and_no_mediation():
    frame = table().assign(time1="early", time2="post")
    said = ma.masem(frame, SIMPLE).summary() + ma.masem(table(), SIMPLE).summary()
    assert "severity was measured: early in 12 studies." in said
    assert "taken as cross-sectional" in said
    assert "mediat" not in said.lower()


def test_document_has_no_nan():
    content = ma.masem(table(), SIMPLE + "; severity ~~ 1*severity").to_dict()
    assert {"counts", "paths", "defined", "indirect", "tau2", "fit", "studies"} <= set(content)
    assert not [
        x
        for x in content["paths"]
        if any(isinstance(v, float) and math.isnan(v) for v in x.values())
    ]


def test_a_model_with_too_many_paths_is_refused():
    model = "outcome ~ alliance + severity; alliance ~ severity + outcome"
    with pytest.raises(EstimationError, match="do not determine") as caught:
        ma.masem(table(), model)
    assert caught.value.code == "MA727"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"moderators": {"d": "late"}}, "d is no directed path"),
        ({"moderators": "lat"}, "Did you mean 'late'"),
        ({"interval": "bootstrap"}, "interval"),
        ({"level": 95}, "level"),
        ({"measures_r": 1.0}, "measures_r"),
    ],
)
def test_options_are_checked(options, words):
    with pytest.raises(OptionError, match=words):
        ma.masem(table(), SIMPLE, **options)


def test_a_moderator_that_varies_within_a_study_is_refused():
    frame = table()
    frame.loc[0, "late"] = 1
    with pytest.raises(EstimationError, match="late varies in S00"):
        ma.masem(frame, SIMPLE, moderators="late")


def test_unknown_names_in_defined_parameters_are_refused():
    with pytest.raises(OptionError, match="bb is neither"):
        ma.masem(table(), SIMPLE + "; more := a*bb")


def test_a_negative_residual_variance_is_warned_of():
    frame = table(6, spread=0.0)
    more = [(s, v, "x", 0.1, 99) for s in frame["study"].unique() for v in
            ("severity", "alliance", "outcome")]  # fmt: skip
    frame = pd.concat([frame, pd.DataFrame(more, columns=frame.columns[:5])])
    with pytest.warns(MetaAllianceWarning, match="residual variance"):
        ma.masem(frame, "outcome ~ 0.9*alliance + -0.9*severity + x; alliance ~ -0.2*severity")


def test_a_moderator_is_centred_at_its_mean_and_the_text_says_it():
    """A year as it is written; the same model as that of years from any other year."""
    frame = table(24)
    frame["year"] = 1990 + frame["study"].str[1:].astype(int) % 7
    found, other = (
        ma.masem(frame.assign(year=frame["year"] - x), SIMPLE, moderators="year") for x in (0, 1990)
    )
    np.testing.assert_allclose(found.paths["estimate"], other.paths["estimate"], atol=1e-9)
    mean = frame.groupby("study")["year"].first().mean()
    assert found.moderators_at == {"year": mean}
    assert f"paths are those at year = {mean:.2f}" in found.summary()
    assert found.to_dict()["moderators_at"] == {"year": mean}
    binary = ma.masem(frame, SIMPLE, moderators="late")
    assert binary.moderators_at == {"late": 0.0}


def test_one_pair_is_one_pair():
    with pytest.raises(EstimationError, match="there is 1 pair of variables"):
        ma.masem(table()[1:2], "outcome ~ a*alliance; alliance ~ b*outcome")
