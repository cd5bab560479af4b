"""Refusals on the command line name its flags, and what a configuration has to say."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.cli.app import app
from metaalliance.publication_bias.methods import METHODS

ROWS = [f"S{i // 2},{i % 2},{0.1 + 0.03 * i:.2f},{40 + 5 * i}" for i in range(24)]


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "studies.csv"
    file.write_text("\n".join(["study,sample,r,n", *ROWS]) + "\n", encoding="utf-8")
    return file


def refused(*words):
    done = CliRunner().invoke(app, [str(w) for w in words])
    assert done.exit_code in {2, 4}, done.output
    return done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--test", "knapp-hartung", "--model", "che"),
         "--test knapp-hartung does not exist for --model che"),
        (("--tau2", "DL", "--model", "che"), "--tau2 DL does not exist for --model che"),
        (("--level", "95"), "--level 95.0 is not a proportion"),
        (("--crossed", "sample", "--test", "cr2"), "use --test t or wald."),
        (("--rho", "1.5"), "--rho 1.5 is not a correlation"),
        (("--model", "cheese"), "--model cheese is not one of"),
    ],
)  # fmt: skip
def test_settings_are_named_as_flags(path, words, said):
    assert said in refused("pool", path, *words)
    document = CliRunner().invoke(app, ["pool", str(path), *words, "--json"]).stdout
    assert said in json.loads(document)["error"]["message"]


def test_python_has_its_own_words(path):
    with pytest.raises(
        ma.OptionError, match=r"test='knapp-hartung' does not exist for model='che'"
    ):
        ma.Analysis.read(path, test="knapp-hartung", model="che")


@pytest.mark.parametrize("name", ["within", "above"])
def test_a_column_in_place_of_a_list_of_columns(path, name):
    toml = path.with_name("metaalliance.toml")
    toml.write_text(f'[pool]\n{name} = "sample"\n', encoding="utf-8")
    assert f'{name} must be a list, as in {name} = ["sample"]' in refused("pool", path)


@pytest.mark.parametrize("setting", [{"within": ["sample"]}, {"above": ["study"]},
                                     {"prediction": "riley"}, {"crossed": "sample"}])  # fmt: skip
def test_excess_significance_says_what_it_does_not_take(path, setting):
    effects = ma.effect_sizes(ma.read_studies(path))
    plain = ma.excess_significance(effects)
    found = ma.excess_significance(effects, **setting)
    assert found.not_taken == tuple(setting)
    assert found.p_value == plain.p_value


def test_methods_of_one_function_bear_one_name_each():
    """What a report calls them is what the JSON does, where both have the same words."""
    for method in METHODS:
        if method.name.split(" (")[0].replace("-", "–") == method.title.split(" (")[0].replace(
            "-", "–"
        ):
            assert method.name == method.title
