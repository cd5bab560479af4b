"""Options of `pool` beyond the main model: levels, bootstrap, further results, attenuation."""

from __future__ import annotations

import json

import pytest
from numpy.testing import assert_allclose

import metaalliance as ma
from metaalliance.analysis.further import KINDS, further_results
from metaalliance.model import Model
from metaalliance.models.pool import fit_mean


def document(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")
def test_the_bootstrap_is_printed_and_recorded(call, nested):
    result = call(
        "pool",
        str(nested),
        "--no-figures",
        "--also",
        "wild-bootstrap",
        "--replications",
        "199",
        "--seed",
        "3",
    )
    assert "Cluster wild bootstrap of the mean: p = " in result.stdout
    found = document(
        call(
            "pool",
            str(nested),
            "--no-figures",
            "--also",
            "wild-bootstrap",
            "--replications",
            "199",
            "--json",
        )
    )
    fit = ma.pool(ma.effect_sizes(ma.read_studies(nested)))
    expected = fit.wild_bootstrap(replications=199)
    assert found["wild_bootstrap"]["p_value"] == expected.p_value
    record = json.loads((nested.parent / "nested_results" / "run.json").read_text())
    assert record["seed"] == 1


@pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")
@pytest.mark.parametrize("model", ["two-level", "common-effect"])
def test_the_bootstrap_of_independent_effects(call, good, model):
    args = [
        "--no-figures",
        "--model",
        model,
        "--also",
        "wild-bootstrap",
        "--replications",
        "199",
        "--json",
    ]
    found = document(call("pool", str(good), *args))["wild_bootstrap"]
    fit = ma.pool(ma.effect_sizes(ma.read_studies(good)), model=model)
    assert found["p_value"] == fit.wild_bootstrap(replications=199).p_value


@pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")
@pytest.mark.parametrize(
    ("components", "words"),
    [("re-estimated", "estimated anew in each"), ("held", "held at their estimates")],
)
def test_text_and_json_say_what_became_of_the_components(call, nested, components, words):
    args = [
        "--no-figures",
        "--also",
        "wild-bootstrap",
        "--replications",
        "199",
        "--also",
        "permutation",
    ]
    args += ["--components", components]
    text = " ".join(call("pool", str(nested), *args).stdout.split())
    assert text.count(f"variance components {words}") == 2
    found = document(call("pool", str(nested), *args, "--json"))
    assert found["wild_bootstrap"]["components"] == components
    assert found["further"]["permutation"]["settings"]["components"] == components
    fit = ma.pool(ma.effect_sizes(ma.read_studies(nested)))
    test = fit.wild_bootstrap(replications=199, components=components)
    assert found["wild_bootstrap"]["p_value_corrected"] == test.p_value_corrected
    record = json.loads((nested.parent / "nested_results" / "run.json").read_text())
    assert record["components"] == components


@pytest.mark.parametrize(
    "args",
    [("pool",), ("pool", "--also", "bayes"), ("moderators",), ("moderators", "--also", "htz")],
    ids=" ".join,
)
def test_components_are_refused_where_nothing_obeys_them(call, nested, args):
    command, *rest = args
    result = call(command, str(nested), "--no-figures", *rest, "--components", "held")
    assert result.exit_code == 2
    assert "--components held is for --" in result.stderr


@pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")
def test_a_formula_is_bootstrapped(call, nested):
    args = ["--no-figures", "--formula", "n", "--replications", "99"]
    args += ["--also", "wild-bootstrap", "--components", "held"]
    result = call("moderators", str(nested), *args)
    assert result.exit_code == 0, result.output
    assert "Wild bootstrap of n" in result.stdout
    assert "variance components held at their estimates" in " ".join(result.stdout.split())
    rows = document(call("moderators", str(nested), *args, "--json"))["regression"]["bootstrap"]
    assert [row["term"] for row in rows] == ["all terms", "n"]
    assert {row["components"] for row in rows} == {"held"}


def test_a_formula_refuses_the_other_tests(call, nested):
    args = ["--no-figures", "--formula", "modality", "--also", "htz", "--also", "wild-bootstrap"]
    result = call("moderators", str(nested), *args)
    assert result.exit_code == 2
    assert "--also htz: a --formula takes wild-bootstrap only" in result.stderr


@pytest.mark.parametrize("command", ["pool", "moderators"])
def test_other_components_are_refused(call, nested, command):
    result = call(command, str(nested), "--no-figures", "--components", "fixed")
    assert result.exit_code == 2
    assert "re-estimated" in result.stderr


@pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")
def test_further_results_are_those_of_the_library(call, nested):
    args = ["--also", "bayes", "--also", "permutation", "--also", "bayes", "--json"]
    found = document(call("pool", str(nested), "--no-figures", *args))["further"]
    assert list(found) == ["bayes", "permutation"]
    effects = ma.effect_sizes(ma.read_studies(nested))
    assert found["bayes"] == {**ma.bayes(effects, rho=0.5).to_dict(), "not_taken": []}
    test = ma.permutation_test(effects, rho=0.5).to_dict()
    assert found["permutation"] == {**test, "not_taken": []}


@pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")
def test_further_results_take_the_settings_that_have_a_meaning_and_name_the_others(call, nested):
    args = [
        "--rho",
        "0.3",
        "--tau2",
        "ML",
        "--level",
        "0.9",
        "--test",
        "wald",
        "--prediction",
        "riley",
    ]
    first, *rest = nested.read_text(encoding="utf-8").splitlines()
    with_therapists = [f"{first},n_therapists", *(f"{line},{4 + i}" for i, line in enumerate(rest))]
    nested.write_text("\n".join(with_therapists), encoding="utf-8")
    also = [w for kind in KINDS for w in ("--also", kind)]
    found = document(call("pool", str(nested), "--no-figures", "--json", *args, *also))["further"]
    effects = ma.effect_sizes(ma.read_studies(nested))
    asked = Model(rho=0.3, tau2="ML", level=0.9, test="wald", prediction="riley")
    fit = ma.pool(effects, model=asked)
    expected = {
        "bayes": (ma.bayes(effects, rho=0.3, level=0.9), ["tau2", "test", "prediction"]),
        "psychometric": (ma.psychometric(effects, rho=0.3, level=0.9, fisher_z=asked), []),
        "permutation": (
            ma.permutation_test(effects, rho=0.3, tau2="ML", test="wald"), ["level", "prediction"],
        ),
        "henmi-copas": (
            ma.henmi_copas(effects, rho=0.3, level=0.9), ["tau2", "test", "prediction"],
        ),
        "rve": (ma.rve(effects, rho=0.3, level=0.9), ["tau2", "test", "prediction"]),
        "i2-bootstrap": (ma.bootstrap_i2(fit), ["test", "prediction"]),
        "therapist-clustering": (
            ma.therapist_clustering(effects, model=asked), ["prediction"],
        ),
    }  # fmt: skip
    for kind, (result, lost) in expected.items():
        assert found[kind] == {**result.to_dict(), "not_taken": lost}, kind
    text = call("pool", str(nested), "--no-figures", *args, "--also", "henmi-copas").stdout
    assert "Settings of the main model without a meaning here: tau2, test, prediction" in text


@pytest.mark.parametrize(
    ("options", "tau2", "test", "lost"),
    [
        ({"model": "common-effect"}, "FE", "wald", []),
        ({"model": "common-effect", "tau2": "DL"}, "FE", "wald", ["tau2"]),
        ({"tau2": "DL", "test": "t"}, "DL", "wald", []),
        ({"test": "knapp-hartung-adhoc"}, "REML", "knapp-hartung", ["test"]),
    ],
)
def test_the_permutation_test_has_the_estimator_and_the_test_of_the_main_model(
    options, tau2, test, lost
):
    effects = ma.Effects.from_arrays([0.1, 0.4, 0.3, 0.6, 0.2], [0.01, 0.02, 0.01, 0.03, 0.02])
    (found,) = further_results(fit_mean(effects, Model.of(options)), ["permutation"], 1)
    expected = ma.permutation_test(effects, tau2=tau2, test=test).to_dict()
    assert found.content == {**expected, "not_taken": lost}


@pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")
def test_further_levels_are_taken_or_named(call, nested):
    args = ["--model", "three-level", "--also", "henmi-copas", "--also", "i2-bootstrap"]
    (nested.parent / "metaalliance.toml").write_text('[pool]\nwithin = ["sample"]\n')
    lines = nested.read_text("utf-8").splitlines()
    added = ["sample", *(f"s{i // 2}" for i in range(len(lines) - 1))]
    nested.write_text("\n".join(f"{a},{b}" for a, b in zip(lines, added, strict=True)), "utf-8")
    found = document(call("pool", str(nested), "--no-figures", "--json", *args))["further"]
    assert found["henmi-copas"]["not_taken"] == ["within"]
    assert found["i2-bootstrap"]["not_taken"] == []
    assert "sample" in [row["component"] for row in found["i2-bootstrap"]["I2"]]


def test_robust_variance_estimation_of_single_effects(call, good):
    result = call("pool", str(good), "--no-figures", "--also", "rve")
    assert result.exit_code == 0
    assert "Robust variance estimation, 4 studies" in result.stdout


def test_an_unknown_further_result_is_refused(call, good):
    result = call("pool", str(good), "--no-figures", "--also", "magic")
    assert result.exit_code == 2
    assert "bayes, psychometric" in result.stderr


def test_correction_for_unreliability_changes_effects_and_is_recorded(call, good):
    args = ["--no-figures", "--attenuation", "individual", "--alliance-reliability", "0.9"]
    missing = call("pool", str(good), *args)
    assert missing.exit_code != 0
    assert "outcome_reliability" in missing.stderr
    args += ["--outcome-reliability", "mean=0.8,*=0.8", "--json"]
    found = document(call("pool", str(good), *args))
    assert found["settings"]["attenuation"] == "individual"
    assert found["settings"]["alliance_reliability"] == 0.9
    effects = ma.effect_sizes(
        ma.read_studies(good),
        attenuation="individual",
        alliance_reliability=0.9,
        outcome_reliability=0.8,
    )
    assert_allclose(found["pooled"]["estimate"], ma.pool(effects).estimate, rtol=1e-12)


def test_further_levels_from_the_command_line(call, tmp_path):
    rows = ["study,r,n,outcome_direction,team,alliance_measure"]
    for i in range(12):
        rows += [
            f"S{i},{0.1 + 0.03 * i:.2f},{40 + i},higher_better,T{i // 3},WAI",
            f"S{i},{0.25 + 0.01 * (i % 5):.2f},{40 + i},higher_better,T{i // 3},HAq",
        ]
    path = tmp_path / "teams.csv"
    path.write_text("\n".join(rows))
    (tmp_path / "metaalliance.toml").write_text('moderators = ["team"]\n')
    found = document(call("pool", str(path), "--no-figures", "--above", "team", "--json"))
    assert set(found["heterogeneity"]["sigma2"]) == {"effect", "study", "team"}
    crossed = call("pool", str(path), "--no-figures", "--crossed", "alliance_measure")
    assert "between levels of alliance_measure" in crossed.stdout


@pytest.mark.parametrize("given", ["WAI", "WAI=x", "=.9", "1.5"])
def test_wrong_reliabilities_are_refused(call, good, given):
    result = call("pool", str(good), "--attenuation", "alliance", "--alliance-reliability", given)
    assert result.exit_code in {2, 4}
    assert "reliability" in result.stderr


@pytest.mark.parametrize("model", ["che", "two-level"])
@pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")
def test_psychometric_beside_corrected_or_averaged_effects(call, nested, model):
    """The observed correlations of the sheet, with the factors and the rho of the main model."""
    words = ["--attenuation", "individual", "--alliance-reliability", "0.9",
             "--outcome-reliability", "0.8", "--model", model, "--rho", "0.4"]  # fmt: skip
    also = ["--also", "psychometric", "--no-figures", "--json"]
    found = document(call("pool", str(nested), *words, *also))["further"]["psychometric"]
    given = {"alliance_reliability": 0.9, "outcome_reliability": 0.8}
    wanted = ma.psychometric(ma.read_studies(nested), rho=0.4, **given).to_dict()
    assert found["counts"] == wanted["counts"]
    for one, other in zip(found["fits"], wanted["fits"], strict=True):
        assert one.pop("correction") == other.pop("correction")
        assert_allclose(list(one.values()), list(other.values()), rtol=1e-12)
