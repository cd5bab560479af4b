"""Robust Bayesian meta-analysis beside the numbers that the R package RoBMA printed."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import numpy as np
import openpyxl
import pytest
from bias_data import dependent, independent, quiet
from golden_data import golden
from numpy.testing import assert_allclose

import metaalliance as ma
from metaalliance.errors import EstimationError, OptionError

THEIRS = golden("robma")


@pytest.fixture(scope="module")
def sheet(tmp_path_factory):
    data, path = THEIRS["data"], tmp_path_factory.mktemp("lui") / "studies.csv"
    rows = (f"Study {i},{r},{n}" for i, (r, n) in enumerate(zip(data["r"], data["n"], strict=True)))
    path.write_text("\n".join(["study,r,n", *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def effects(sheet):
    return quiet(ma.effect_sizes, quiet(ma.load_studies, sheet))


@pytest.fixture(scope="module")
def found(effects):
    return quiet(ma.robma, effects)


def test_every_model_agrees(found):
    theirs = THEIRS["models"]
    ours = [m.log_marginal_likelihood for m in found.models]
    assert_allclose(ours, theirs["log_marginal_likelihood"], rtol=0, atol=0.025)
    posterior = [m.posterior for m in found.models]
    assert_allclose(posterior, theirs["posterior"], rtol=0, atol=0.003)
    assert_allclose(sum(posterior), 1, rtol=1e-12)


def test_the_components_agree(found):
    for component in found.components:
        theirs = THEIRS["components"][component.name]
        assert_allclose(component.posterior, theirs["posterior"], rtol=0, atol=0.0015)
        assert_allclose(component.inclusion_bf, theirs["inclusion_bf"], rtol=0.005)
        assert_allclose(component.prior, 0.5, rtol=1e-12)


def test_the_averages_agree(found):
    """On Cohen's d, which the package has at twice Fisher z, as τ; PEESE at half."""
    for unknown in found.unknowns:
        scale = {"mean": 2, "τ": 2, "PET": 1, "PEESE": 0.5}[unknown.name]
        theirs, p = THEIRS["averaged_d"][unknown.name], unknown.averaged
        assert_allclose(scale * p.mean, theirs[0], rtol=0.01)
        close = {"mean": 0.02, "τ": 0.002}.get(unknown.name, 0.015 * theirs[3])
        ours = [scale * x for x in (p.median, p.low, p.high)]
        assert_allclose(ours, theirs[1:], rtol=0, atol=close)
    for weight, theirs in zip(found.weights, THEIRS["weights"], strict=True):
        p = weight.averaged
        assert_allclose(p.mean, theirs[0], rtol=0, atol=0.0015)
        assert_allclose([p.median, p.low, p.high], theirs[1:], rtol=0, atol=0.02)


def test_half_of_the_models_have_no_effect(found):
    mean = found.unknowns[0]
    share = found.components[0].posterior
    assert_allclose(mean.averaged.mean, share * mean.conditional.mean, rtol=1e-9)
    tau = found.unknowns[1]
    share = found.components[1].posterior
    assert_allclose(tau.averaged.mean, share * tau.conditional.mean, rtol=1e-9)


def test_it_turns_around_with_the_effects(found, effects):
    turned = ma.Effects(
        frame=effects.frame.assign(yi=-effects.yi, r=-effects.frame["r"]), measure="z"
    )
    other = quiet(ma.robma, turned)
    assert (found.alternative, other.alternative) == ("greater", "less")
    ours, theirs = found.unknowns[0].averaged, other.unknowns[0].averaged
    assert_allclose(theirs.mean, -ours.mean, rtol=1e-9)
    assert_allclose([theirs.low, theirs.high], [-ours.high, -ours.low], rtol=1e-7)
    assert_allclose(other.mean_r, -found.mean_r, rtol=1e-9)
    assert_allclose(other.unknowns[2].averaged.mean, found.unknowns[2].averaged.mean, rtol=1e-9)


def test_a_correlation_is_taken_as_fisher_z(found, sheet):
    raw = quiet(ma.effect_sizes, quiet(ma.load_studies, sheet), measure="r")
    other = quiet(ma.robma, raw)
    assert_allclose(other.unknowns[0].averaged.mean, found.unknowns[0].averaged.mean, rtol=1e-9)
    assert "MA661" in {p.code for p in other.notices}


def test_effects_of_a_study_are_averaged_and_it_says_why():
    nested = dependent("assink2016")
    found = quiet(
        ma.robma, ma.Effects(frame=nested.frame.assign(r=np.tanh(nested.yi)), measure="z")
    )
    assert found.n_studies == found.n_effects == nested.n_studies
    assert {"MA623", "MA705"} <= {p.code for p in found.notices}
    assert "no Bayes factors" not in found.reading()
    assert found.aggregation_rho == 0.5
    assert math.isfinite(found.components[0].log_inclusion_bf)


def test_other_metrics_have_no_priors():
    with pytest.raises(EstimationError, match="generic") as refused:
        ma.robma(independent("bcg"))
    assert refused.value.code == "MA706"


def test_settings_are_named(effects, found):
    other = quiet(ma.robma, effects, tau2="ML", level=0.9)
    assert other.not_taken == ("tau2",)
    assert other.level == 0.9
    wide, narrow = found.unknowns[1].averaged, other.unknowns[1].averaged
    assert wide.low < narrow.low < narrow.high < wide.high


def test_it_is_there_when_it_is_asked_for(effects):
    with pytest.raises(OptionError, match="robma"):
        ma.bias_summary(effects, average="psma")
    plain = quiet(ma.bias_summary, effects)
    assert "RoBMA" not in plain.results
    whole = quiet(ma.bias_summary, effects, average="robma")
    assert whole.adjusted()[-1][0] == "RoBMA"


def test_the_command(sheet, found):
    words = ["bias", sheet.name, "--average", "robma", "--no-figures"]
    done = subprocess.run(
        [sys.executable, "-m", "metaalliance.cli.main", *words],
        cwd=sheet.parent, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    assert "effect 18/36 0.500 0.552 1.23" in text
    assert "Inclusion Bayes factors" in text
    folder = sheet.parent / "studies_results"
    document = json.loads((folder / "bias.json").read_text(encoding="utf-8"))
    ours = document["methods"]["RoBMA"]
    assert_allclose(ours["mean_r"], found.mean_r, rtol=1e-12)
    assert len(ours["models"]) == 36
    assert document["settings"]["average"] == "robma"
    rows = openpyxl.load_workbook(folder / "bias.xlsx")["Averaged models"]
    assert rows.max_row >= 37
    again = [sys.executable, "-m", "metaalliance.cli.main", "verify"]
    words = [str(folder / "run_bias.json"), sheet.name]
    checked = subprocess.run(
        [*again, *words], cwd=sheet.parent, capture_output=True, encoding="utf-8", check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
