"""Reliability generalization, through the public function and the command."""

from __future__ import annotations

import json
import math
import warnings

import numpy as np
import pandas as pd
import pytest
from command_line import call
from golden_data import ITERATED, golden

import metaalliance as ma

SHEET = """study,r,n,outcome_direction,alliance_measure,alliance_subscale,alliance_rater,\
alliance_reliability,reliability_source,alliance_items,outcome_measure,outcome_reliability,\
outcome_reliability_source,outcome_items
A,.3,60,higher_better,WAI,total,client,.93,this sample,36,OQ-45,.90,manual,45
A,.2,60,higher_better,WAI,,client,.93,this sample,36,RSES,.88,,21
B,.3,80,higher_better,WAI,,client,.91,,36,OQ-45,.92,,45
C,.25,120,higher_better,WAI,,client,.89,this sample,36,OQ-45,.93,,45
D,.25,120,higher_better,WAI,,client,.95,test manual,36,OQ-45,.93,this sample,45
E,.25,90,higher_better,WAI,,client,ω = .95,this sample,36,OQ-45,α = .91,,45
F,.25,70,higher_better,WAI,,client,.90,this sample,,OQ-45,.91,,
G,.25,70,higher_better,WAI,bond,client,.85,this sample,12,,,,
H,.25,70,higher_better,WAI,bond,client,.81,this sample,12,,,,
I,.25,70,higher_better,WAI,,therapist,1,this sample,36,,,,
"""


def pooled_quietly(*args, **settings) -> ma.ReliabilityGeneralization:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ma.MetaAllianceWarning)
        return ma.reliability(*args, **settings)


@pytest.fixture
def coded(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text(SHEET, encoding="utf-8")
    return path


@pytest.mark.parametrize("transformation", ["bonett", "hakstian-whalen"])
def test_metafor(transformation):
    """escalc, rma and, with samples of one author dependent, rma.mv with clubSandwich's CR2."""
    table = pd.DataFrame(golden("bonett2010")["data"])
    wanted = golden("bonett2010")[transformation]
    settings = {"model": "two-level", "test": "wald", "prediction": "normal"}
    found = ma.reliability(table, transformation, **settings)
    assert found.coefficients["yi"].to_list() == pytest.approx(wanted["yi"], rel=1e-13)
    assert found.coefficients["vi"].to_list() == pytest.approx(wanted["vi"], rel=1e-13)
    row = found.pooled.iloc[0]
    for name in ("estimate", "se", "tau2", "I2", "reliability"):
        assert row[name] == pytest.approx(wanted[name], rel=1e-8), name
    assert [row["ci_low"], row["ci_high"]] == pytest.approx(wanted["ci"], rel=1e-8)
    assert [row["pi_low"], row["pi_high"]] == pytest.approx(wanted["pi"], rel=1e-8)
    nested = ma.reliability(table.assign(study=table["author"]), transformation, rho=0.6)
    row, che = nested.pooled.iloc[0], wanted["che"]
    assert (row["model"], row["n_studies"], row["n_coefficients"]) == ("che", 6, 9)
    assert row["estimate"] == pytest.approx(che["estimate"], rel=1e-6)
    assert row["se"] == pytest.approx(che["robust_se"], rel=1e-5)
    assert row["df"] == pytest.approx(che["df"], rel=1e-4)
    assert row["tau2"] == pytest.approx(che["tau2"], rel=1e-4)


def test_the_published_value():
    """Bonett's data as metafor pools them: .9052 [.8886, .9193]."""
    table = pd.DataFrame(golden("bonett2010")["data"])
    row = ma.reliability(table, model="two-level", test="wald").pooled.iloc[0]
    assert (row["estimate"], row["se"], row["tau2"]) == pytest.approx(
        (2.35606967, 0.08235553, 0.04610461), abs=6e-9
    )
    assert row[["reliability", "ci_low", "ci_high"]].round(4).to_list() == [0.9052, 0.8886, 0.9193]


def test_what_is_not_of_this_sample_stays_apart(coded):
    found = pooled_quietly(ma.read_studies(coded), level=0.9)
    pooled = found.pooled.set_index(["side", "instrument", "rater"])
    assert pooled["n_coefficients"].to_dict() == {
        ("alliance", "WAI", "client"): 3,  # that of A stands in two rows
        ("alliance", "WAI, bond", "client"): 2,
        ("outcome", "RSES", ""): 1,
        ("outcome", "OQ-45", ""): 4,
    }
    apart = found.apart[["study", "side", "reason"]].to_numpy().tolist()
    assert apart == [
        ["D", "alliance", "quoted (manual)"],
        ["E", "alliance", "no coefficient alpha, by its cell"],
        ["F", "alliance", "no number of items"],
        ["I", "alliance", "alpha of 1 has no sampling variance"],
        ["A", "outcome", "quoted (manual)"],
        ["F", "outcome", "no number of items"],
    ]
    assert found.level == 0.9
    notices = [(p.code, p.severity) for p in found.notices]
    assert notices[:3] == [("MA707", "warning"), ("MA708", "note"), ("MA708", "note")]
    assert "1 row repeats" in found.notices[2].message
    own = ma.Effects.from_arrays(
        -np.log(1 - np.array([0.93, 0.91, 0.89])),
        2 * 36 / (35 * (np.array([60, 80, 120]) - 2)),
    )
    fit = found.fits["alliance", "WAI", "client"]
    assert fit.estimate == pytest.approx(ma.pool(own).estimate, rel=ITERATED)
    assert "outcome, OQ-45" in found.summary()


def test_outcome_takes_the_source_of_the_row_where_it_has_none(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text(SHEET.replace(".93,this sample,45", ".93,,45"), encoding="utf-8")
    apart = pooled_quietly(ma.read_studies(path)).apart
    assert ["D", "outcome"] in apart[["study", "side"]].to_numpy().tolist()


def test_no_reliability_and_an_impossible_one_are_refused():
    table = pd.DataFrame({"study": ["A", "B"], "reliability": [0.9, 1.2], "n": 50, "items": 12})
    with pytest.raises(ma.EstimationError, match=r"1\.2 of B is not a reliability"):
        ma.reliability(table)
    with pytest.raises(ma.EstimationError, match="No row reports a reliability"):
        ma.reliability(table[:0])
    with pytest.raises(ma.StudyDataError, match="no column 'items'"):
        ma.reliability(table.drop(columns="items"))
    with pytest.raises(ma.StudyDataError, match="n holds a value that is no number"):
        ma.reliability(table.assign(n="many"))
    with pytest.raises(ma.OptionError, match="transformation"):
        ma.reliability(table, "fisher")


def test_a_coefficient_without_items_or_people_is_said():
    table = pd.DataFrame({"study": list("ABCDE"), "reliability": 0.9, "n": [50, 60, 2, None, 40],
                          "items": [12, 12, 12, 12, 1]})  # fmt: skip
    found = pooled_quietly(table)
    assert found.apart["reason"].to_list() == ["n is not above 2", "no n", "one item"]
    assert len(found.coefficients) == 2
    assert found.pooled["n_participants"].item() == 110


def test_command_and_record(coded, tmp_path):
    done = call("reliability", coded, "--json", "-o", tmp_path / "out", "--level", "0.9")
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    found = pooled_quietly(ma.read_studies(coded), level=0.9)
    for row, own in zip(document["pooled"], found.pooled.to_dict("records"), strict=True):
        for name, value in own.items():
            missing = isinstance(value, float) and not math.isfinite(value)
            assert row[name] == (None if missing else value), name
    assert document["counts"] == {"n_coefficients": 10, "n_studies": 7, "n_apart": 6}
    assert len(document["apart"]) == 6
    verified = call("verify", tmp_path / "out" / "run_reliability.json", coded)
    assert verified.exit_code == 0
    text = call("reliability", coded, "-o", tmp_path / "text").stdout
    assert "Kept apart" in text
    assert "quoted (manual)" in text


def test_a_correction_for_unreliability_is_refused(coded):
    coded.with_name("metaalliance.toml").write_text(
        '[pool]\nattenuation = "individual"\nalliance_reliability = 0.9\n'
        "outcome_reliability = 0.9\n", encoding="utf-8",
    )  # fmt: skip
    done = call("reliability", coded)
    assert done.exit_code == 2
    assert "cannot obey" in done.output
