"""Within and between studies, location-scale models and sets of models on the command line."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path

import pytest
from openpyxl import load_workbook

import metaalliance as ma
from metaalliance.effects.aggregate import aggregate
from metaalliance.moderation.decomposition import within_between
from metaalliance.moderation.location_scale import location_scale
from metaalliance.moderation.model_set import model_set

DATA = Path(__file__).parent.parent.parent / "data" / "simulated_alliance_studies.xlsx"


@pytest.fixture(scope="module")
def effects():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ma.effect_sizes(ma.read_studies(DATA))


@pytest.fixture
def asked(call, tmp_path):
    """Run the command on the simulated workbook and return its document."""
    sheet = tmp_path / "sim.xlsx"
    sheet.write_bytes(DATA.read_bytes())

    def ask(*words):
        done = call("moderators", sheet, *words, "--no-figures", "--json", "-q")
        assert done.exit_code == 0, done.stderr
        return json.loads(done.stdout)

    return ask


@pytest.fixture
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.usefixtures("quiet")
def test_within_between_is_the_decomposition(asked, effects, tmp_path):
    content = asked("--within-between", "alliance_rater", "--reference", "alliance_rater=therapist")
    assert content["moderators"] == []  # modality is a default, for who asks nothing else
    (found,) = content["within_between"]
    expected = within_between(effects, "alliance_rater", reference="therapist", rho=0.6)
    assert found["reference"] == "therapist"
    assert found["counts"]["n_varying"] == expected.n_varying
    slopes = [row["estimate"] for row in found["slopes"]]
    assert slopes == pytest.approx(expected.slopes["estimate"].tolist(), rel=1e-12)
    assert found["tests"]["within"]["p_value"] == pytest.approx(
        expected.tests["within"]["p_value"], rel=1e-12
    )
    book = load_workbook(tmp_path / "sim_results" / "moderators.xlsx")
    assert book.sheetnames == ["Within and between", "Slopes"]
    cells = [row[2] for row in book["Slopes"].iter_rows(min_row=2, values_only=True)]
    assert cells == pytest.approx(slopes, rel=1e-15)


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("flag", ["--heterogeneity", "--scale-formula"])
def test_heterogeneity_is_a_location_scale_model(asked, effects, flag):
    content = asked(flag, "year", "--formula", "modality", "--scale", "year=1", "--rho", ".7")
    found = content["location_scale"]
    expected = location_scale(effects, "modality", "year", rho=0.7, units={"year": 1.0})
    assert found["settings"]["model"] == "che"
    assert found["settings"]["rho"] == 0.7
    assert found["settings"]["aggregation_rho"] is None
    assert found["counts"] == {"n_effects": effects.n_effects, "n_studies": 295}
    for key in ("estimate", "profile_low", "profile_high", "lr_p_value"):
        assert found["scale"][1][key] == pytest.approx(expected.scale[key][1], rel=1e-7)
    assert found["likelihood_ratio"]["p_value"] == pytest.approx(expected.lrt["p_value"], rel=1e-8)
    assert content["regression"]["formula"] == "modality"


@pytest.mark.usefixtures("quiet")
def test_a_location_scale_model_predicts_where_it_is_asked(asked, effects, tmp_path):
    words = ("--formula", "modality", "--heterogeneity", "year; effect = alliance_rater")
    at = ("year=2010", "year=2000", "modality=CBT", "alliance_rater=observer")
    content = asked(*words, *(word for one in at for word in ("--at", one)))
    fit = location_scale(effects, "modality", "year; effect = alliance_rater")
    where = {"year": [2010.0, 2000.0], "modality": "CBT", "alliance_rater": "observer"}
    expected = fit.predict(at=where)
    found = content["location_scale"]["predictions"]
    assert [row["year"] for row in found] == [2010.0, 2000.0]
    for name in ("estimate", "se", "ci_low", "ci_high", "pi_low", "pi_high", "tau2"):
        assert [row[name] for row in found] == pytest.approx(expected[name].tolist(), rel=1e-7)
    assert found[0]["r"]["pi_low"] == pytest.approx(math.tanh(found[0]["pi_low"]))
    (plain,) = content["regression"]["predictions"]  # the one of these columns that it has
    assert plain["modality"] == "CBT"
    assert "tau2" not in plain
    book = load_workbook(tmp_path / "sim_results" / "moderators.xlsx")
    head, *rows = book["Location-scale predictions"].iter_rows(values_only=True)
    column = head.index("pi_high")
    assert [r[column] for r in rows] == pytest.approx([r["pi_high"] for r in found], rel=1e-15)


def test_predictions_of_the_heterogeneity_alone_are_printed(call, nested):
    words = ("--formula", "1", "--heterogeneity", "effect = n", "--at", "n=9000", "--no-figures")
    done = call("moderators", nested, *words)
    assert done.exit_code == 0, done.stderr
    table = done.stdout.partition("Predictions of the location-scale model")[2]
    head, _, row = table.strip().splitlines()[:3]
    assert head.split()[:2] == ["n", "r"]
    assert "tau" in head
    assert row.split()[0] == "9000"
    assert "n is predicted outside the data" in done.stderr


@pytest.mark.usefixtures("quiet")
def test_a_two_level_model_of_the_heterogeneity_is_of_averages(asked, effects):
    content = asked(
        "--heterogeneity", "year", "--formula", "modality", "--scale", "year=1", "--rho", ".7",
        "--model", "two-level",
    )  # fmt: skip
    found = content["location_scale"]
    averaged = aggregate(effects, 0.7)
    expected = location_scale(
        averaged, "modality", "year", test="knapp-hartung", units={"year": 1.0}
    )
    assert found["settings"]["aggregation_rho"] == 0.7
    assert found["counts"]["n_effects"] == averaged.n_studies == 295
    assert found["scale"][1]["estimate"] == pytest.approx(expected.scale["estimate"][1], rel=1e-10)
    assert found["likelihood_ratio"]["p_value"] == pytest.approx(expected.lrt["p_value"], rel=1e-10)
    decades = location_scale(averaged, "modality", "year", test="knapp-hartung")
    assert decades.scale["estimate"][1] == pytest.approx(10 * expected.scale["estimate"][1])
    assert content["regression"]["formula"] == "modality"


def test_averaging_is_stated(call, tmp_path):
    sheet = tmp_path / "sim.xlsx"
    sheet.write_bytes(DATA.read_bytes())
    done = call(
        "moderators", sheet, "--heterogeneity", "year", "--no-figures", "--model", "two-level"
    )
    assert done.exit_code == 0, done.stderr
    assert "295 effects, one per study; REML, knapp-hartung." in done.stdout
    assert "averaged within studies (rho = 0.5)" in done.stdout
    assert "Heterogeneity differs: χ²(1) =" in done.stdout


def test_each_component_has_its_moderators(call, tmp_path):
    sheet = tmp_path / "sim.xlsx"
    sheet.write_bytes(DATA.read_bytes())
    words = ("--heterogeneity", "year; effect = alliance_rater", "--no-figures")
    done = call("moderators", sheet, *words)
    assert done.exit_code == 0, done.stderr
    assert "295 studies, che; REML, cr2." in done.stdout
    assert "log tau² between" in done.stdout
    assert "tau² within studies differs: χ²(2) =" in done.stdout
    assert "averaged" not in done.stdout


@pytest.mark.usefixtures("quiet")
def test_model_set_weighs_every_subset(asked, effects, tmp_path):
    content = asked("--model-set", "modality, year,alliance_rater", "--scale", "year=1")
    found = content["model_set"]
    expected = model_set(effects, ["modality", "year", "alliance_rater"], scale={"year": 1.0})
    assert len(found["models"]) == 8
    assert math.fsum(m["weight"] for m in found["models"]) == pytest.approx(1)
    assert [m["formula"] for m in found["models"]] == expected.models["formula"].tolist()
    assert [m["aicc"] for m in found["models"]] == pytest.approx(
        expected.models["aicc"].tolist(), rel=1e-10
    )
    book = load_workbook(tmp_path / "sim_results" / "moderators.xlsx")
    assert book.sheetnames == ["Models", "Importance", "Averaged"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--within-between", "modality"), 4, "varies within 0 studies"),
        (("--within-between", "mood"), 2, "no moderator 'mood'"),
        (("--within-between", "alliance_rater", "--scale", "year=1"), 2, "no model has it"),
        (("--heterogeneity", "modality", "--tau2", "DL"), 2, "'REML' or 'ML'"),
        (
            ("--heterogeneity", "modality", "--tau2", "DL", "--model", "two-level"),
            2,
            "'REML', 'ML'",
        ),
        (("--by", "modality", "--at", "modality=CBT"), 2, "--heterogeneity; there is neither"),
        (("--heterogeneity", "modality", "--at", "year=2000"), 2, "in no formula; they have modal"),
        (("--heterogeneity", "effect = n", "--at", "n=soon"), 2, "'soon' is no number"),
        (("--formula", "n", "--scale", "n=1", "--scale", "n=5"), 2, "1 or 5?"),
        (("--heterogeneity", "1 +"), 2, "formula"),
        (("--heterogeneity", "year", "--also", "wild-bootstrap"), 2, "neither"),
        (("--heterogeneity", "year; year"), 2, "two formulas"),
        (("--model-set", "modality*alliance_rater", "--min-studies", "1"), 2, "single"),
        (("--model-set", "mood"), 2, "mood"),
    ],
)
def test_wrong_requests(call, nested, words, code, says):
    done = call("moderators", nested, *words)
    assert done.exit_code == code, done.stderr
    assert says in done.stderr
