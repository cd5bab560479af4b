"""Columns of a team that say the direction in their own words: warned of, never read by guess."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.cli.app import app
from metaalliance.config import parse_config

ROWS = (("Ames 2001", "-.30", 80), ("Boll 2004", ".25", 90), ("Crane 2010", ".10", 70))


@pytest.fixture
def sheet(tmp_path):
    def write(header, values, *, more=""):
        path = tmp_path / "own.csv"
        lines = [f"study;r;n;{header}{';' + more if more else ''}"]
        for (study, r, n), value in zip(ROWS, values, strict=True):
            lines.append(f"{study};{r};{n};{value}{';higher_better' if more else ''}")
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


DIRECTIONS = [
    ("Outcome-Richtung", ["niedriger = besser", "höher = besser", "höher = besser"]),
    ("Sens du résultat", ["bas = mieux", "haut = mieux", "bas = mieux"]),
    ("lower is better", ["yes", "no", "no"]),
    ("Higher = better?", ["no", "yes", ""]),
    ("higher_better", [0, 1, 1]),
    ("Reverse-scored", ["yes", "no", "no"]),
    ("sign reversed?", ["y", "n", "n"]),
    ("desired direction", ["-", "+", "+"]),
    ("desired direction", ["−", "+", "+"]),
    ("Better score", ["lower", "higher", "higher"]),
    ("scoring", ["lower_better", "higher_better", "higher_better"]),
    ("Richting", ["lager = beter", "hoger = beter", "hoger = beter"]),
]


@pytest.mark.parametrize(("header", "values"), DIRECTIONS)
def test_column_that_says_a_direction_is_warned_of_and_not_read(sheet, header, values):
    studies = ma.load_studies(sheet(header, values))
    (warning,) = (p for p in studies.problems if p.code == "MA226")
    assert (warning.cell, warning.severity, warning.seen) == ("D1", "warning", header)
    assert f'[columns] outcome_direction = "{header}"' in warning.hint
    assert ma.effect_sizes(studies).yi[0] < 0  # the sign stays as it was coded
    (blank,) = (p for p in studies.problems if p.code == "MA504")
    assert header in blank.hint


@pytest.mark.parametrize(("header", "values"), DIRECTIONS)
def test_init_leaves_the_direction_to_a_person(sheet, header, values):
    path = sheet(header, values)
    result = CliRunner().invoke(app, ["init", str(path)])
    assert result.exit_code == 0, result.output
    text = (path.parent / "metaalliance.toml").read_text(encoding="utf-8")
    assert f'\n# outcome_direction = "{header}"' in text
    assert "as there is no outcome_direction" not in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("Therapie-Richtung", ["CBT", "PDT", "CBT"]),
        ("reverse causality", ["yes", "no", "no"]),
        ("blinded", ["yes", "no", "no"]),
        ("result", ["positive", "negative", "positive"]),
        ("severity", ["high", "low", "low"]),
        ("reversed items", [3, 7, 4]),
        ("trend", ["worse", "better", "better"]),
    ],
)
def test_other_columns_stay_possible_moderators(sheet, header, values):
    codes = {p.code for p in ma.load_studies(sheet(header, values)).problems}
    assert "MA226" not in codes


def test_beside_a_direction_nothing_is_asked(sheet):
    path = sheet("Reverse-scored", ["yes", "no", "no"], more="outcome_direction")
    assert "MA226" not in {p.code for p in ma.load_studies(path).problems}


@pytest.mark.parametrize(
    ("header", "values", "words"),
    [
        ("Reverse-scored", ["yes", "no", "no"],
         {"lower_better": ["yes"], "higher_better": ["no"]}),
        ("Outcome-Richtung", ["niedriger = besser", "höher = besser", "höher = besser"],
         {"lower_better": ["niedriger = besser"], "higher_better": ["höher = besser"]}),
        ("higher_better", [0, 1, 1], {"lower_better": ["0"], "higher_better": ["1"]}),
    ],
)  # fmt: skip
def test_mapped_with_its_words_it_turns_the_sign(sheet, header, values, words):
    config = parse_config(
        {"columns": {"outcome_direction": header}, "vocabulary": {"outcome_direction": words}}
    )
    studies = ma.load_studies(sheet(header, values), config=config)
    assert not studies.errors
    assert ma.effect_sizes(studies).yi[0] == pytest.approx(0.3095196)  # atanh(.30)


def test_words_that_are_clear_are_written_out(sheet):
    path = sheet("Higher = better?", ["no", "yes", "yes"])
    (warning,) = (p for p in ma.load_studies(path).problems if p.code == "MA226")
    assert '[vocabulary.outcome_direction] higher_better = ["yes"], lower_better = ["no"]' in (
        warning.hint
    )


def test_alliance_reversed_is_a_direction_of_the_alliance(sheet):
    path = sheet("alliance reversed", ["yes", "no", "no"])
    (warning,) = (p for p in ma.load_studies(path).problems if p.code == "MA226")
    assert "alliance_direction =" in warning.hint


# Alliances of which more is worse -------------------------------------------------------------

WORSE = [
    ("ruptures", ""),
    ("3RS rupture", ""),
    ("3RS", "confrontation ruptures"),
    ("VTAS hostility", ""),
    ("VTAS", "hostility"),
    ("SOFTA", "unbalanced alliance"),
    ("split alliance", ""),
]


def _allied(tmp_path, measure, subscale, direction):
    path = tmp_path / "a.csv"
    head = "study,r,n,outcome_direction,alliance_measure,alliance_subscale,alliance_direction\n"
    row = f"Ames 2001,-.3,80,higher_better,{measure},{subscale},{direction}\n"
    path.write_text(head + row + "Boll 2004,.2,70,higher_better,WAI,bond,\n", encoding="utf-8")
    return [p for p in ma.load_studies(path).problems if p.code == "MA541"]


@pytest.mark.parametrize(("measure", "subscale"), WORSE)
def test_worse_alliance_that_counts_as_better_is_suspect(tmp_path, measure, subscale):
    cell = "F2" if subscale else "E2"
    assert [p.cell for p in _allied(tmp_path, measure, subscale, "")] == [cell]
    assert [p.cell for p in _allied(tmp_path, measure, subscale, "higher_better")] == ["G2"]
    assert _allied(tmp_path, measure, subscale, "lower_better") == []


@pytest.mark.parametrize(
    ("measure", "subscale"),
    [("rupture repair", ""), ("RRS", "rupture resolution"), ("VTAS hostility (reversed)", ""),
     ("WAI", "bond"), ("3RS", "absence of ruptures")],
)  # fmt: skip
def test_what_is_turned_is_no_suspect(tmp_path, measure, subscale):
    assert _allied(tmp_path, measure, subscale, "") == []
