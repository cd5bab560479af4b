"""A sheet whose studies have several independent samples, from its cells to every result."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import warnings

import pytest
from command_line import call
from golden_data import quiet_pool
from matplotlib.text import Text

import metaalliance as ma
from metaalliance.analysis.documents import digest
from metaalliance.coding.impact import Change, impacts

HEAD = "study,sample,alliance_rater,r,n,modality,outcome_direction"
ROWS = """
Ash 2001,clinic A,client,.41,44,CBT,higher_better
Ash 2001,clinic A,therapist,.28,44,CBT,higher_better
Ash 2001,clinic B,client,.09,150,CBT,higher_better
Ash 2001,clinic B,therapist,.12,146,psychodynamic,higher_better
Bay 2003,,client,.15,61,CBT,higher_better
Bay 2003,replication,client,.36,90,psychodynamic,higher_better
Bay 2003,replication,therapist,.30,90,psychodynamic,higher_better
Cork 2005,,client,.24,120,CBT,higher_better
Dale 2006,,client,.05,70,psychodynamic,higher_better
Dale 2006,,therapist,.18,70,psychodynamic,higher_better
Eve 2010,1,client,.33,38,CBT,higher_better
Eve 2010,2,client,.02,160,psychodynamic,higher_better
Fern 2012,,client,.29,52,CBT,higher_better
""".strip().splitlines()
PEOPLE = {"Ash 2001": 194, "Bay 2003": 151, "Cork 2005": 120, "Dale 2006": 70, "Eve 2010": 198,
          "Fern 2012": 52}  # fmt: skip


def write(path, rows=ROWS):
    path.write_text("\n".join([HEAD, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def sheet(tmp_path):
    return write(tmp_path / "studies.csv")


@pytest.fixture
def one_sample(tmp_path):
    """The same sheet, its samples not coded."""
    rows = [re.sub(r",[^,]*", ",", row, count=1) for row in ROWS]
    return write(tmp_path / "blank.csv", rows)


def effects(path):
    return ma.effect_sizes(ma.read_studies(path))


def document(command, path, *more):
    done = call(command, path, "--json", "--no-figures", *more)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_pool_says_what_is_independent_and_counts_everybody(sheet):
    found = document("pool", sheet)
    assert found["counts"]["n_participants"] == sum(PEOPLE.values())
    (note,) = [p for p in found["problems"] if p["code"] == "MA605"]
    assert note["severity"] == "note"
    assert note["message"].startswith("3 studies have several independent samples")
    named = {m["name"]: m for m in found["models"]}
    one = ma.aggregate(effects(sheet), 0.5)
    assert named["aggregated"]["pooled"]["estimate"] == pytest.approx(ma.pool(one).estimate)
    assert named["aggregated"]["counts"]["n_participants"] == sum(PEOPLE.values())


def test_effects_averaged_first_have_the_note_too(sheet):
    found = document("pool", sheet, "--model", "two-level")
    assert "MA605" in {p["code"] for p in found["problems"]}
    assert found["counts"]["n_participants"] == sum(PEOPLE.values())
    assert found["pooled"]["estimate"] == pytest.approx(
        ma.pool(ma.aggregate(effects(sheet), 0.5)).estimate
    )


def test_a_sheet_without_samples_has_no_note_and_other_numbers(sheet, one_sample):
    with_samples, without = document("pool", sheet), document("pool", one_sample)
    assert "MA605" not in {p["code"] for p in without["problems"]}
    assert with_samples["heterogeneity"]["Q"] < without["heterogeneity"]["Q"]
    assert without["counts"]["n_participants"] == 150 + 90 + 120 + 70 + 160 + 52


@pytest.mark.parametrize("command", ["bias", "influence", "moderators"])
def test_other_commands_start_from_the_same_mean(command, sheet, one_sample):
    found, other = document(command, sheet), document(command, one_sample)
    assert "MA605" in {p["code"] for p in found["problems"]}
    assert found != other


def test_each_method_that_averages_takes_the_same_averages(sheet):
    fit = quiet_pool(effects(sheet))
    once = quiet_pool(ma.aggregate(effects(sheet), 0.5), model="two-level")
    warnings.simplefilter("ignore", ma.MetaAllianceWarning)  # few studies
    for method in (ma.trim_and_fill, ma.limit_meta, ma.p_uniform):
        ours, theirs = method(fit, rho=0.5).to_dict(), method(once).to_dict()
        assert numbers(ours) == pytest.approx(numbers(theirs), nan_ok=True)


def numbers(content):
    """The estimates that a result has."""
    wanted = ("estimate", "se", "ci_low", "ci_high", "tau2", "filled")
    return [float(v) for k, v in sorted(content.items()) if k in wanted and v is not None]


def test_multiverse_has_the_main_result_among_its_specifications(sheet):
    analysis = ma.Analysis.read(sheet)
    found = analysis.multiverse({"model": ["che", "three-level"], "rho": [0.6]}).to_frame()
    r = ma.pool(effects(sheet)).to_frame(scale="r")["estimate"].iloc[0]
    assert (found["estimate"] - r).abs().min() < 1e-8


def test_compare_sees_that_a_sample_changed(sheet, one_sample):
    found = ma.compare(one_sample, sheet)
    old, new = (ma.pool(effects(p)).to_frame(scale="r")["estimate"].iloc[0]
                for p in (one_sample, sheet))  # fmt: skip
    assert found.total == pytest.approx(new - old)
    assert found.total != 0


def test_a_disagreement_about_a_sample_has_the_impact_of_a_refit(sheet, tmp_path):
    studies = ma.read_studies(sheet)
    (row,) = [r for r in studies.rows if r.get("r") == 0.12]
    (other,) = [r for r in studies.rows if r.get("r") == 0.28]
    (impact,) = impacts(studies, [Change((row,), {"sample": other.cells["sample"]})])
    changed = [r.replace("clinic B,therapist", "clinic A,therapist") for r in ROWS]
    moved = ma.pool(effects(write(tmp_path / "b.csv", changed)))
    r_of = [f.to_frame(scale="r")["estimate"].iloc[0] for f in (moved, ma.pool(effects(sheet)))]
    assert impact.value == pytest.approx(r_of[0] - r_of[1], abs=1e-9)
    assert impact.value != 0


def test_participants_of_a_forest_add_up(sheet):
    fit = ma.pool(effects(sheet))
    assert effects(sheet).participants().to_dict() == PEOPLE
    drawn = ma.plots.forest(fit, by="none", effects="rows")
    shown = [t.get_text() for t in getattr(drawn, "figure", drawn).findobj(Text)]
    assert {str(n) for n in (*PEOPLE.values(), sum(PEOPLE.values()))} <= set(shown)
    assert "Clinic A, client" in shown
    assert "Client" in shown  # Dale 2006 is one sample


def test_report_tables_count_everybody(sheet, tmp_path):
    done = call("report", sheet, "-o", tmp_path / "out", "-q")
    assert done.exit_code == 0, done.stderr
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "In the 3 studies with several independent samples" in text
    assert re.search(r"Ash 2001 *\| *194 ", text)


# Records of older rules --------------------------------------------------------------------------


def older(path, change):
    """Turn a record into one of version 2, with another number."""
    record = path.parent / f"{path.stem}_results" / "run.json"
    content = json.loads(record.read_text(encoding="utf-8"))
    content["rules"] = 2
    change(content)
    content["seal"] = digest({k: v for k, v in content.items() if k != "seal"})
    record.write_text(json.dumps(content), encoding="utf-8")
    return ma.verify(record, path)


def move(content):
    content["numbers"]["heterogeneity.Q"] += 1


def test_an_older_record_of_samples_names_the_rule(sheet):
    document("pool", sheet)
    found = older(sheet, move)
    assert found.follows
    assert "sampling errors of different samples of a study are independent" in found.verdict


def test_the_rule_explains_nothing_where_no_study_has_samples(one_sample):
    document("pool", one_sample)
    assert not older(one_sample, move).follows


# R -----------------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="needs R")
@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--model", "two-level"),
        ("--within", "sample"),
        ("--within", "alliance_rater", "--rho", ".4"),
        ("--rho", ".4", "--rho-same", ".8", "--same", "modality"),
        ("--crossed", "alliance_rater"),
    ],
    ids=" ".join,
)
def test_r_reproduces_it(sheet, tmp_path, options):
    done = call("export-r", sheet, "-o", tmp_path / "R", *options, "--by", "modality")
    assert done.exit_code == 0, done.stderr
    ran = subprocess.run(
        ["Rscript", "analysis.R"], cwd=tmp_path / "R", capture_output=True, encoding="utf-8",
        check=False, timeout=300,
    )  # fmt: skip
    if "there is no package" in ran.stderr:
        pytest.skip("needs metafor and clubSandwich")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "R reproduces the results." in ran.stdout
