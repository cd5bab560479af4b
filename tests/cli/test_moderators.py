"""`metaalliance moderators` as its users run it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

DATA = Path(__file__).parent.parent.parent / "data" / "simulated_alliance_studies.xlsx"


@pytest.fixture
def simulated(tmp_path):
    target = tmp_path / "simulated.xlsx"
    target.write_bytes(DATA.read_bytes())
    return target


def test_the_default_compares_modalities(run, nested):
    done = run("moderators", nested)
    assert done.returncode == 0, done.stderr
    assert "CBT" in done.stdout
    assert "modality" in done.stdout
    folder = nested.parent / "nested_results"
    assert {p.name for p in folder.iterdir()} == {
        "moderators.json", "moderators.xlsx", "run_moderators.json",
        "orchard_modality.pdf", "orchard_modality.png", "orchard_modality.alt.txt",
        "orchard_modality.caption.txt", "levels_modality.caption.txt",
        "levels_modality.pdf", "levels_modality.png", "levels_modality.alt.txt",
    }  # fmt: skip


def test_json_is_one_document(call, simulated):
    done = call(
        "moderators", simulated, "--by", "modality", "--by", "alliance_rater", "--by", "year",
        "--formula", "modality + year", "--at", "year=2020", "--sesoi", ".1", "--json", "-q",
    )  # fmt: skip
    assert done.exit_code == 0
    content = json.loads(done.stdout)
    assert content["schema_version"] == 1
    assert content["command"] == "moderators"
    assert [m["name"] for m in content["moderators"]] == ["modality", "alliance_rater", "year"]
    first = content["moderators"][0]
    assert first["omnibus"]["test"] == "htz"
    assert len(first["levels"]) == 13
    assert len(first["contrasts"]) == 78
    assert {"p_equivalence"} <= set(first["contrasts"][0])
    assert content["regression"]["formula"] == "modality + year"
    assert len(content["regression"]["predictions"]) == 13
    assert content["regression"]["predictions"][0]["r"]["estimate"] < 1
    saved = simulated.parent / "simulated_results" / "moderators.json"
    assert json.loads(saved.read_text(encoding="utf-8")) == content
    assert {"input", "problems", "settings", "counts", "files"} <= set(content)


def test_a_second_run_replaces_its_files_and_repeats_their_bytes(call, nested):
    assert call("moderators", nested, "-q").exit_code == 0
    folder = nested.parent / "nested_results"
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    assert call("moderators", nested, "-q").exit_code == 0
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--by", "mood"), 2, "no moderator 'mood'"),
        (("--formula", "__import__('os')"), 2, "not accepted"),
        (
            ("--formula", "modality", "--min-studies", "1", "--at", "year=2020"),
            2,
            "is in no formula",
        ),
        (("--at", "year=2020"), 2, "--formula"),
        (("--scale", "year=ten"), 2, "no number"),
        (("--reference", "modality"), 2, "column=value"),
        (("--contrasts", "neither"), 2, "compare="),
        (("--also", "every"), 2, "is not one of"),
        (("--min-studies", "0"), 2, "min-studies"),
        (("--by", "modality", "--model", "two"), 2, "--model two"),
    ],
)
def test_wrong_requests(call, nested, words, code, says):
    done = call("moderators", nested, *words)
    assert done.exit_code == code
    assert says in done.stderr
    assert not (nested.parent / "nested_results").exists()


def test_a_sheet_with_errors_compares_nothing(call, bad):
    done = call("moderators", bad, "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["error"]["code"] == "MA400"


def test_one_effect_per_study_is_aggregated_first(call, nested):
    done = call("moderators", nested, "--model", "two-level", "--min-studies", "1", "--json")
    assert done.exit_code == 0
    content = json.loads(done.stdout)
    assert content["counts"]["n_effects"] == content["counts"]["n_studies"] == 4
    assert content["settings"]["aggregation_rho"] == 0.5


def test_text_in_cells_stays_text(call, tmp_path):
    sheet = tmp_path / "s.csv"
    rows = ["study,r,n,outcome_direction,modality"]
    rows += [f"S{i},0.{i + 1},{40 + i},higher_better,=1+1" for i in range(4)]
    rows += [f"T{i},0.{i + 2},{40 + i},higher_better,\x1b[31mred" for i in range(4)]
    sheet.write_text("\n".join(rows), encoding="utf-8")
    done = call("moderators", sheet)
    assert "\x1b" not in done.stdout + done.stderr
