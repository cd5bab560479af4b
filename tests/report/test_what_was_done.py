"""What reports and results say of a correction for unreliability, and of the tests they used."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.cli.app import app
from metaalliance.errors import OptionError, UnreadableFileError

SHEET = """study,r,n,alliance_reliability,modality,outcome_direction
A,.30,60,.90,CBT,higher_better
A,.20,60,.90,CBT,higher_better
B,.25,80,,CBT,higher_better
C,.40,50,.85,CBT,higher_better
D,.10,90,.95,IPT,higher_better
E,.35,70,.90,IPT,higher_better
F,.15,65,.80,IPT,higher_better
"""
CORRECTED = ("--attenuation", "alliance", "--alliance-reliability", ".88")


def call(*words):
    done = CliRunner().invoke(app, [str(w) for w in words])
    assert done.exit_code == 0, done.output
    return " ".join((done.stdout + done.stderr).split())


@pytest.fixture
def sheet(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text(SHEET, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "words",
    [("pool", "--no-figures"), ("bias", "--no-figures"), ("influence", "--no-figures"),
     ("moderators", "--by", "modality", "--no-figures"), ("forest", "-v"), ("funnel", "-v")],
    ids=lambda words: words[0],
)  # fmt: skip
def test_a_corrected_result_says_so(sheet, words):
    command, *options = words
    corrected = "corrected for the unreliability"
    assert corrected in call(command, sheet, *options, *CORRECTED)
    assert corrected not in call(command, sheet, *options, "--force")


def test_the_factor_is_the_mean_of_the_roots(sheet):
    settings = {"attenuation": "alliance", "alliance_reliability": 0.88}
    analysis = ma.Analysis.read(sheet, **settings)
    roots = [r**0.5 for r in (0.90, 0.90, 0.88, 0.85, 0.95, 0.90, 0.80)]
    assert analysis.effects.correction == pytest.approx(sum(roots) / 7)
    assert ma.Analysis.read(sheet).effects.correction is None
    (said,) = [n for n in analysis.pool().notices if n.code == "MA606"]
    assert "by .939 on average" in said.message


def test_the_methods_name_the_variances_of_groups_and_counts(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text(
        "study,r,n,d,n1,n2,cell_a,cell_b,cell_c,cell_d\nA,.3,60,,,,,,,\nB,,,.8,20,40,,,,\n"
        "C,,,,,,18,12,9,25\nD,.2,80,,,,,,,\n"
    )
    call("report", path, "--no-figures")
    text = (tmp_path / "s_results" / "report.md").read_text(encoding="utf-8")
    said = " ".join(text.split())
    assert "For 2 effects from groups or counts the sampling variance was that of a" in said
    assert "by the delta method (Tate, 1954; Yule, 1912)" in said
    call("report", path, "--no-figures", "--variances", "fisher", "--force")
    text = (tmp_path / "s_results" / "report.md").read_text(encoding="utf-8")
    assert "cross-sectional" not in text and "Tate" not in text


@pytest.mark.parametrize("model", ["common-effect", "two-level", "three-level", "che"])
def test_every_model_says_it_once(sheet, model):
    fit = ma.Analysis.read(sheet, model=model, attenuation="alliance", alliance_reliability=0.9)
    assert [n.code for n in fit.pool().notices].count("MA606") == 1


def test_the_methods_name_the_correction_and_figures_do(sheet):
    call("report", sheet, *CORRECTED)
    folder = sheet.parent / "s_results"
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert "corrected for the unreliability of the alliance measure (Spearman, 1904)" in text
    assert "For 1 effect a reliability that was not reported was taken as stated" in text
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert "Correlations are corrected for unreliability." in html
    call("report", sheet, "--force")
    assert "unreliab" not in (folder / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("test", "named"), [("knapp-hartung", True), ("t", False)], ids=["knapp-hartung", "t"]
)
def test_the_test_of_levels_is_named_as_it_was_made(sheet, test, named):
    words = ("--model", "two-level", "--test", test, "--by", "modality")
    call("report", sheet, *words)
    text = (sheet.parent / "s_results" / "report.md").read_text(encoding="utf-8")
    (sentence,) = [s for s in text.replace("\n", " ").split(". ") if "were compared with" in s]
    assert "an *F* test" in sentence
    assert ("Knapp" in sentence) is named


def test_a_record_is_verified_as_it_is(sheet):
    record = ma.Analysis.read(sheet).record()
    assert ma.verify(record, sheet).follows
    sheet.write_text(SHEET.replace(".40,50", ".45,50"), encoding="utf-8")
    assert not ma.verify(record, sheet).follows
    with pytest.raises(UnreadableFileError, match="no record of metaalliance"):
        ma.verify({"tool": "other"}, sheet)


def test_a_keyword_beside_a_whole_model_is_refused_at_its_default_too(sheet):
    effects = ma.Analysis.read(sheet).effects
    whole = ma.Model(level=0.9)
    for function in (ma.egger, ma.leave_one_out):
        with pytest.raises(OptionError, match="level cannot be given"):
            function(effects, model=whole, level=0.95)
