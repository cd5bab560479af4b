"""What the command line says goes over the configuration, blank words and whole tables included."""

from __future__ import annotations

import json

import pytest

import metaalliance as ma
from metaalliance.config import POOL_KEYS
from metaalliance.options import DECISIONS

SHEET = """study,r,n,alliance_measure,outcome_measure,team
A,0.20,60,WAI,BDI,north
A,0.30,60,HAq,SCL,south
B,0.25,70,WAI,BDI,north
B,0.15,70,HAq,SCL,north
C,0.40,80,WAI,BDI,south
C,0.35,80,HAq,SCL,south
D,0.10,50,WAI,BDI,south
E,0.45,90,HAq,SCL,north
"""


@pytest.fixture
def sheet(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text(SHEET, encoding="utf-8")
    return path


def configured(sheet, text):
    (sheet.parent / "metaalliance.toml").write_text(f"[pool]\n{text}\n", encoding="utf-8")


def pooled(call, sheet, *words):
    result = call("pool", sheet, "--no-figures", "--json", "--force", *words)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


CORRECTION = """attenuation = "individual"
alliance_reliability = { WAI = 0.93, "*" = 0.9 }
outcome_reliability = 0.85"""


def test_a_correction_of_the_configuration_can_be_switched_off(call, sheet):
    plain = pooled(call, sheet)["pooled"]
    configured(sheet, CORRECTION)
    assert pooled(call, sheet)["pooled"]["estimate"] > plain["estimate"]
    assert pooled(call, sheet, "--attenuation", "none")["pooled"] == plain
    one = pooled(call, sheet, "--attenuation", "alliance")["pooled"]["estimate"]
    assert plain["estimate"] < one < pooled(call, sheet)["pooled"]["estimate"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('within = ["team"]', ("--within", "")),
        ("rho = 0.2", ("--rho", "")),
        ('crossed = "alliance_measure"', ("--crossed", "")),
    ],
)
def test_a_blank_word_asks_for_the_default(call, sheet, text, words):
    plain = pooled(call, sheet)["pooled"]
    configured(sheet, text)
    assert pooled(call, sheet, *words)["pooled"] == plain


@pytest.mark.parametrize("command", ["pool", "moderators", "bias", "influence", "multiverse"])
def test_levels_that_are_not_nested_are_refused_everywhere(call, sheet, command):
    configured(sheet, 'above = ["team"]')
    by = ("--by", "alliance_measure") if command == "moderators" else ()
    result = call(command, sheet, *by, "--json", "--force")
    assert result.exit_code == 4
    assert json.loads(result.stdout)["error"]["code"] == "MA604"


def test_a_misspelt_measure_is_refused_with_the_one_that_is_meant(call, sheet):
    configured(sheet, CORRECTION.replace("WAI", "WIA"))
    result = call("pool", sheet, "--no-figures")
    assert result.exit_code == 2
    assert "Did you mean 'WAI'?" in result.output


def test_a_common_effect_says_what_it_does_not_take(call, sheet):
    found = pooled(call, sheet, "--model", "common-effect", "--tau2", "DL", "--prediction", "riley")
    assert found["models"][0]["not_taken"] == ["tau2", "prediction"]
    assert "tau2" not in found["settings"]


def test_an_analysis_takes_whole_values(sheet):
    whole = ma.Analysis.read(sheet, model=ma.Model(level=0.8), policy=ma.Policy(measure="r"))
    parts = ma.Analysis.read(sheet, level=0.8, measure="r")
    assert whole.pool().to_dict() == parts.pool().to_dict()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model": ma.Model(), "tau2": "DL"}, "tau2 cannot be given"),
        ({"policy": ma.Policy(), "measure": "r"}, "measure cannot be given"),
        ({"policy": "z"}, "is not a Policy"),
    ],
)
def test_nothing_beside_a_whole_value_is_ignored(sheet, settings, said):
    with pytest.raises(ma.OptionError, match=said):
        ma.Analysis.read(sheet, **settings)


#: A value of each setting that it does not have.
BAD = {
    "measure": '"q"', "variances": '"q"', "nonsignificant": '"maybe"', "beta": '"q"',
    "yi_measure": '"q"', "attenuation": '"q"', "alliance_reliability": '{ WAI = "x" }',
    "outcome_reliability": '"x=y"', "estimand": '"q"', "overlap": '"q"',
    "model": '"cheese"', "tau2": '"DLL"',
    "test": '"q"', "df": '"q"', "rho": "1", "level": "1", "prediction": '"q"', "within": "[1]",
    "above": "[2]", "crossed": "1", "rho_same": "-0.1", "same": "1", "width": "20",
}  # fmt: skip


@pytest.mark.parametrize("key", POOL_KEYS)
def test_a_bad_value_is_told_by_its_file_and_its_key(call, sheet, key):
    configured(sheet, f"{key} = {BAD[key]}")
    result = call("pool", sheet, "--no-figures")
    assert result.exit_code == 2
    assert f"{sheet.parent / 'metaalliance.toml'} [pool]: {key} " in result.output
    assert "--" not in result.output


@pytest.mark.parametrize("key", DECISIONS)
def test_a_bad_option_of_a_multiverse_is_told_by_its_file_and_its_key(call, sheet, key):
    value = "[2]" if key == "rho" else '{ young = "x" }' if key == "include" else '["q"]'
    toml = sheet.parent / "metaalliance.toml"
    toml.write_text(f"[multiverse]\n{key} = {value}\n", encoding="utf-8")
    result = call("multiverse", sheet, "--no-figures")
    assert result.exit_code == 2
    section = ".include]: 'young' " if key == "include" else f"]: {key} "
    assert f"{toml} [multiverse{section}" in result.output
    assert "--" not in result.output


def test_what_does_not_go_together_is_told_by_where_each_was_said(call, sheet):
    configured(sheet, 'tau2 = "DL"')
    place = f"tau2 = 'DL' ([pool] of {sheet.parent / 'metaalliance.toml'})"
    result = call("pool", sheet, "--no-figures", "--model", "che")
    assert f"{place} does not exist for --model che" in result.output
    result = call("pool", sheet, "--no-figures", "--model", "che", "--tau2", "DL")
    assert "--tau2 DL does not exist for --model che" in result.output
    result = call("pool", sheet, "--no-figures", "--model", "che", "--tau2", "DL", "--json")
    assert place not in json.loads(result.stdout)["error"]["message"]


def test_the_scale_above_all_sections_is_told_by_its_key(call, sheet):
    toml = sheet.parent / "metaalliance.toml"
    toml.write_text('yi_measure = "q"\n', encoding="utf-8")
    assert f"{toml}: yi_measure = 'q' is not one of" in call("pool", sheet).output
