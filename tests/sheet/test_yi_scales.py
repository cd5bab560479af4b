"""Effects that were computed already: their scale, where it stands, what is asked."""

from __future__ import annotations

import json

import pytest
from golden_data import golden
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.cli.app import app
from metaalliance.config import parse_config

POOLED = golden("reported")["pooled_g"]
ROWS = ("A,.8,.04,52,55", "B,.5,.06,34,33", "C,1.1,.05,46,44", "D,.3,.02,101,99")
G = "study,yi,vi,n1,n2\n" + "\n".join(ROWS) + "\n"
WITH_COLUMN = "study,yi,vi,n1,n2,yi_measure\n" + "\n".join(f"{r},g" for r in ROWS) + "\n"
NO_N = "study,yi,sei\nA,.25,.10\nB,.2,.19\nC,.3,.16\n"


def pooled_r(studies):
    found = ma.pool(ma.effect_sizes(studies)).to_dict()["pooled"]["r"]
    return {key: found[key] for key in ("estimate", "ci_low", "ci_high")}


EXPECTED = {
    key: pytest.approx(POOLED[name], rel=1e-8)
    for key, name in (("estimate", "r"), ("ci_low", "ci_low"), ("ci_high", "ci_high"))
}


def test_scale_in_a_column(load):
    assert pooled_r(load(WITH_COLUMN)) == EXPECTED


def test_scale_as_a_keyword(load):
    assert pooled_r(load(G, yi_measure="g")) == EXPECTED


@pytest.mark.parametrize("content", [{"yi_measure": "g"}, {"pool": {"yi_measure": "g"}}])
def test_scale_in_the_configuration(load, content):
    assert pooled_r(load(G, config=parse_config(content))) == EXPECTED


def test_column_goes_before_the_configuration(load):
    config = parse_config({"yi_measure": "z"})
    assert pooled_r(load(WITH_COLUMN, config=config)) == EXPECTED


def test_two_scales_in_one_configuration_are_refused():
    with pytest.raises(ma.OptionError, match="says yi_measure twice: 'z' and 'g'"):
        parse_config({"yi_measure": "z", "pool": {"yi_measure": "g"}})


def test_unknown_scale_is_refused(load, errors):
    with pytest.raises(ma.OptionError, match="yi_measure='smd' is not one of"):
        load(G, yi_measure="smd")
    assert errors(load("study,yi,vi,yi_measure\nA,.3,.02,OR\n")) == [("MA331", "D2")]


@pytest.mark.parametrize(
    ("said", "level"),
    [("ZCOR", "z"), ("COR", "r"), ("SMD", "g"), ("Cohen's d", "d"), ("lnOR", "log_or"), ("Z", "z")],
)
def test_other_names_of_a_scale(load, said, level):
    (row,) = load(f"study,yi,vi,yi_measure\nA,.3,.02,{said}\n").used
    assert row.get("yi_measure") == level


def test_other_scale_than_fisher_z_has_to_be_said(load):
    (error,) = load(G).errors
    assert (error.code, error.cell) == ("MA417", "C2")
    assert error.message == (
        "vi · (n − 3) is about 4.1 in 4 rows; of Fisher z it is 1, as on the scale of d or g"
    )


def test_variance_of_r_is_not_taken_for_that_of_fisher_z(load):
    rows = [f"{s},{r},{(1 - r * r) ** 2 / (n - 1)!r},{n}" for s, r, n in
            (("A", 0.4, 60), ("B", 0.3, 90), ("C", 0.5, 45))]  # fmt: skip
    (error,) = load("study,yi,vi,n\n" + "\n".join(rows)).errors
    assert (error.code, error.cell) == ("MA417", "C2")
    assert error.message.endswith("as on the scale of r")


def test_rounding_does_not_hide_the_variance_of_r(load):
    text = "study,yi,vi,n\nA,.45,.0110,60\nB,.52,.0136,40\nC,.4,.0079,90\n"
    assert [p.code for p in load(text).errors] == ["MA417"]


@pytest.mark.parametrize("rows", ["A,.31,.02,60\nB,.2,.03,40", "A,.05,.02,60\nB,.12,.03,40"])
def test_rounding_of_a_fisher_z_is_no_other_scale(load, errors, rows):
    assert errors(load(f"study,yi,vi,n\n{rows}\n")) == []


def test_fisher_z_by_its_variance_is_named(load, errors, cells):
    studies = load("study,yi,vi,n\nA,.3,.025,43\nB,.2,.0204,52\n")
    assert errors(studies) == []
    (warning,) = [p for p in studies.problems if p.code == "MA425"]
    assert "yi is taken as Fisher z in 2 rows" in warning.message
    assert cells(load("study,yi,vi,n\nA,.3,.025,43\n", yi_measure="z"), "MA425") == []


def test_partial_correlation_on_fisher_z_is_no_contradiction(load, errors):
    """Its variance, 1 / (n − m − 2), is somewhat more than 1 / (n − 3)."""
    assert errors(load("study,yi,vi,n\nA,.3,.025,58\nB,.2,.02,60\n")) == []


def test_without_n_the_scale_is_asked_for(load):
    (error,) = load(NO_N).errors
    assert (error.code, error.cell) == ("MA416", "B2")
    assert error.message == "yi has neither a scale nor n in 3 rows"
    assert 'yi_measure = "g" in metaalliance.toml' in error.hint


@pytest.mark.parametrize(("scale", "r"), [("z", 0.248), ("r", 0.253)])
def test_without_n_the_scale_decides(load, scale, r):
    studies = load(NO_N, yi_measure=scale)
    assert pooled_r(studies)["estimate"] == pytest.approx(r, abs=0.0005)
    assert ma.effect_sizes(studies).n_participants is None


def test_r_of_one_is_no_correlation(load, errors):
    assert errors(load("study,yi,vi,yi_measure\nA,1.1,.02,r\n")) == [("MA312", "B2")]


def test_a_standard_error_and_an_interval_serve_too(load):
    text = "study,yi,{},yi_measure\nA,.3,{},z\n"
    found = [
        ma.effect_sizes(load(text.format(*pair))).vi[0]
        for pair in (("vi", ".01"), ("sei", ".1"), ("se", ".1"))
    ]
    assert found == pytest.approx([0.01] * 3, rel=1e-12)
    limits = ma.effect_sizes(load(text.format("ci_low,ci_high", ".104,.496")))
    assert limits.vi[0] == pytest.approx(0.01, rel=1e-3)


def test_variance_is_compared_with_n_on_the_stated_scale(load, cells):
    (found,) = [p for p in load(G, yi_measure="z").problems if p.code == "MA424"]
    assert found.cell == "C2"
    assert found.message.startswith("4 rows (C2, C3, C4, C5), the first: the variance of yi is ")
    assert cells(load(G, yi_measure="g"), "MA424") == []
    odds = "study,yi,vi,n,yi_measure\nA,.9,.02,60,log_or\nB,.9,.4,60,log_or\n"
    assert cells(load(odds), "MA424") == ["C2"]


def test_ledger_names_scale_and_variance(load):
    line = ma.effect_sizes(load(WITH_COLUMN)).ledger.iloc[0]
    assert line["formula"].startswith("yi as g: d = g / J")
    assert line["variance_rule"] == "vi as coded, delta method"
    assert "vi = 0.04" in line["inputs"]


def test_direction_turns_yi_on_every_scale(load):
    rows = [f"{s},.4,.05,60,{s},{d}" for s in ("z", "r", "d", "g", "log_or")
            for d in ("higher_better", "lower_better")]  # fmt: skip
    effects = ma.effect_sizes(
        load("study,yi,vi,n,yi_measure,outcome_direction\n" + "\n".join(rows))
    )
    assert effects.yi[::2] == pytest.approx(-effects.yi[1::2], rel=1e-15)
    assert effects.vi[::2] == pytest.approx(effects.vi[1::2], rel=1e-15)


def test_commands_and_record_obey_the_configuration(tmp_path):
    sheet, out = tmp_path / "s.csv", tmp_path / "out"
    sheet.write_text(G, encoding="utf-8")
    config = tmp_path / "metaalliance.toml"
    config.write_text('yi_measure = "g"\n', encoding="utf-8")
    words = ["pool", str(sheet), "--json", "--no-figures", "-o", str(out)]
    found = json.loads(CliRunner().invoke(app, words).stdout)
    assert found["pooled"]["r"]["estimate"] == EXPECTED["estimate"]
    config.unlink()  # the record says it
    result = CliRunner().invoke(app, ["verify", str(out / "run.json"), str(sheet)])
    assert result.exit_code == 0, result.output
    flagged = CliRunner().invoke(app, ["validate", str(sheet), "--yi-measure", "g"])
    assert (CliRunner().invoke(app, ["validate", str(sheet)]).exit_code, flagged.exit_code) == (
        1,
        0,
    )
