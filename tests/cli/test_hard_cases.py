"""What a fresh user gets wrong: the input as output, seeds below zero, sheets without spread."""

from __future__ import annotations

import json

import pytest

from metaalliance.cli.run import IMPOSSIBLE, OK, USAGE
from metaalliance.errors import OptionError
from metaalliance.options import check_seed

HEAD = "study,r,n,outcome_direction\n"


@pytest.fixture
def write(tmp_path):
    def _write(name, text):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return _write


@pytest.fixture
def nested_pair(write):
    """Two studies, one of them with several effects: no model fits without either."""
    rows = [f"Adler 1988,{r},60,higher_better\n" for r in (0.1, 0.3, 0.2, 0.4)]
    return write("pair.csv", HEAD + "".join(rows) + "Berg 1991,0.3,50,higher_better\n")


@pytest.mark.parametrize(
    "options",
    [("convert", "-o", "effects.csv"), ("convert", "-o", "link.csv"),
     ("init", "-o", "effects.csv"), ("export-r", "-o", ".")],
)  # fmt: skip
def test_input_is_never_the_output_even_by_force(call, write, tmp_path, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    sheet = write("effects.csv", HEAD + "Adler,0.3,40,higher_better\nBerg,0.2,50,higher_better\n")
    (tmp_path / "link.csv").symlink_to(sheet)
    before = sheet.read_bytes()
    command, *rest = options
    result = call(command, sheet, *rest, "--force")
    assert result.exit_code == USAGE
    assert "is the input" in result.stderr
    assert sheet.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["effects.csv", "link.csv"]


def test_export_writes_all_files_or_none(call, nested, tmp_path):
    folder = tmp_path / "script"
    folder.mkdir()
    (folder / "expected.csv").write_text("mine", encoding="utf-8")
    assert call("export-r", nested, "-o", folder).exit_code == USAGE
    assert [p.name for p in folder.iterdir()] == ["expected.csv"]


@pytest.mark.parametrize(
    "options",
    [("pool", "--also", "wild-bootstrap", "--replications", "99"),
     ("pool", "--also", "permutation"), ("influence", "--gosh", "9"),
     ("moderators", "--also", "all", "--replications", "99")],
)  # fmt: skip
def test_seed_below_zero_is_a_usage_error(call, nested, options):
    result = call(options[0], nested, *options[1:], "--seed", "-1", "--json")
    assert result.exit_code == USAGE
    assert json.loads(result.stdout)["error"]["code"] == "MA690"


@pytest.mark.parametrize("seed", [-1, 1.5, "1"])
def test_seed_is_checked_in_python(seed):
    with pytest.raises(OptionError, match="whole number"):
        check_seed(seed)


def test_influence_draws_what_no_refit_could_fill(call, nested_pair, tmp_path):
    folder = tmp_path / "out"
    result = call("influence", nested_pair, "-o", folder)
    assert result.exit_code == OK, result.stderr
    text = (folder / "leave_one_out.alt.txt").read_text(encoding="utf-8")
    assert "cannot be fitted without any of them" in text
    assert (folder / "leave_one_out.pdf").stat().st_size > 0
    assert "nor without 1 other:" in " ".join(result.stderr.split() + result.stdout.split())


def test_column_that_holds_no_correlations_is_named_with_its_value(call, nested):
    result = call("pool", nested, "--rho", "modality", "--no-figures")
    assert result.exit_code == USAGE
    assert "--rho modality needs a column of correlations" in result.stderr
    assert "could not convert" not in result.stderr
    result = call("pool", nested, "--rho", "n", "--no-figures")
    assert result.exit_code == IMPOSSIBLE
    assert "Adler 1988 has 40" in result.stderr


def test_less_spread_than_chance_is_said(call, write):
    rows = [f"S{i},{r},4,higher_better\n" for i, r in enumerate((0.1, 0.3, 0.5, 0.2, 0.4, 0.3))]
    result = call("pool", write("small.csv", HEAD + "".join(rows)), "--no-figures")
    assert result.exit_code == OK
    assert "(MA616)" in result.stdout
    assert "(MA617)" in result.stdout


def test_slope_through_two_studies_is_refused(call, write, tmp_path):
    rows = [f"Adler,{r},60,higher_better,2001\n" for r in (0.1, 0.3, 0.2, 0.4)]
    text = HEAD.replace("\n", ",year\n") + "".join(rows) + "Berg,0.3,50,higher_better,2002\n"
    sheet = write("two.csv", text)
    figure = tmp_path / "bubble.png"
    for command in (("moderators", sheet, "--formula", "year", "--no-figures"),
                    ("plot", "bubble", sheet, "-o", figure)):  # fmt: skip
        result = call(*command, "--json")
        assert result.exit_code == IMPOSSIBLE
        assert json.loads(result.stdout)["error"]["code"] == "MA610"


def test_power_funnel_of_effects_that_are_all_zero(call, write, tmp_path):
    text = HEAD + "".join(f"S{i},0,50,higher_better\n" for i in range(6))
    figure = tmp_path / "power.png"
    result = call("plot", "power-funnel", write("zero.csv", text), "-o", figure)
    assert result.exit_code == OK, result.stderr
    assert figure.stat().st_size > 0
