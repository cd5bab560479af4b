"""The sheet `correlations`: read with its cells, and used by `components`."""

from __future__ import annotations

import json

import openpyxl
import pandas as pd
import pytest
from command_line import call

import metaalliance as ma
from metaalliance.sheet.studies import load_studies

EFFECTS = [
    ("study", "alliance_subscale", "outcome_measure", "r", "n", "outcome_direction"),
    *(
        (study, level, "WHO-5", r + 0.03 * i, 60 + 10 * i, "higher_better")
        for i, study in enumerate("ABCDE")
        for level, r in (("bond", 0.2), ("task", 0.3 - 0.04 * (i % 2)))
    ),
]
TABLE = [
    ("study", "var1", "var2", "r", "n"),
    *((study, "task", "bond", 0.6 + 0.02 * i, 60) for i, study in enumerate("ABCD")),
]


def book(path, table=TABLE, name="correlations", effects="effects"):
    wb = openpyxl.Workbook()
    wb.active.title = effects
    for row in EFFECTS:
        wb.active.append(row)
    other = wb.create_sheet(name)
    for row in table:
        other.append(row)
    wb.save(path)
    return path


@pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")
def test_it_gives_the_sampling_covariance(tmp_path):
    path = book(tmp_path / "studies.xlsx", name="Correlations", effects="Sheet1")
    studies = ma.read_studies(path)
    assert studies.correlations["row"].tolist() == [2, 3, 4, 5]
    done = call("components", path, "--structure", "CS", "--json", "-o", tmp_path / "out",
                "--no-figures")  # fmt: skip
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["sampling"] == {"source": "correlations", "pairs": 5, "assumed": 1}
    wanted = ma.multivariate(
        ma.effect_sizes(studies), "alliance_subscale", "CS", correlations=studies.correlations
    )
    assert document["log_likelihood"] == pytest.approx(wanted.log_likelihood, rel=1e-12)
    other = ma.multivariate(ma.effect_sizes(studies), "alliance_subscale", "CS")
    assert other.log_likelihood != pytest.approx(wanted.log_likelihood, abs=1e-4)


WRONG = {
    "r beyond one": (("A", "bond", "task", 1.2, 60), "D2"),
    "r is text": (("A", "bond", "task", "high", 60), "D2"),
    "n is missing": (("A", "bond", "task", 0.5, None), "E2"),
    "n too small": (("A", "bond", "task", 0.5, 3), "E2"),
    "no study": ((None, "bond", "task", 0.5, 60), "A2"),
    "no variable": (("A", "bond", None, 0.5, 60), "C2"),
    "with itself": (("A", "bond", "bond", 0.5, 60), "C2"),
}


@pytest.mark.parametrize(("row", "cell"), WRONG.values(), ids=WRONG)
def test_a_row_that_cannot_be_used_has_its_cell(tmp_path, row, cell):
    studies = load_studies(book(tmp_path / "s.xlsx", [TABLE[0], row]))
    found = [p for p in studies.errors if p.code == "MA228"]
    assert [p.place for p in found] == [f"correlations!{cell}"]


def test_a_pair_stands_once(tmp_path):
    twice = [*TABLE, ("A", "bond", "task", 0.5, 60)]
    (found,) = load_studies(book(tmp_path / "s.xlsx", twice)).errors
    assert (found.code, found.place) == ("MA228", "correlations!B6")
    assert "row 2" in found.message


def test_a_sheet_of_another_kind_is_said_and_left(tmp_path):
    studies = load_studies(book(tmp_path / "s.xlsx", [("our notes",), ("bond and task: high",)]))
    assert not studies.errors
    assert [p.code for p in studies.problems if p.sheet == "correlations"] == ["MA227"]


@pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")
def test_correlations_of_one_sample_are_of_that_sample(tmp_path):
    path = book(tmp_path / "s.xlsx")
    effects = ma.effect_sizes(ma.read_studies(path))
    effects = ma.Effects.from_arrays(
        effects.yi, effects.vi, effects.frame["study"], measure="z", n=effects.frame["n"],
        sample=["x", "x"] * 5,
        moderators=effects.frame[["alliance_subscale", "outcome_measure"]],
    )  # fmt: skip
    table = pd.DataFrame(TABLE[1:], columns=list(TABLE[0]))
    own, others = (
        ma.multivariate(effects, "alliance_subscale", "CS", correlations=table.assign(sample=s))
        for s in ("x", "y")
    )
    assert (own.sampling.assumed, others.sampling.assumed) == (1, 5)


def test_contradictions_name_the_study(tmp_path):
    rows = [("A", "bond", "task", -0.99, 60)]
    path = book(tmp_path / "s.xlsx", [TABLE[0], *rows])
    done = call("components", path, "--no-figures", "-o", tmp_path / "out")
    assert done.exit_code == 4
    assert "study A contradict each other" in done.stderr
