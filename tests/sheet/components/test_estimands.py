"""Estimands: several are an error with ways out, one is chosen, and known traps are seen."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from command_line import call

import metaalliance as ma
from metaalliance.sheet.studies import load_studies

HEAD = "study,r,n,estimand,outcome_time,adjusted_for,notes,outcome_direction"
ROWS = [
    ("A", 0.30, 40, "total", "post"),
    ("A", 0.12, 40, "within_patient", ""),
    ("B", 0.25, 60, "", "post"),
    ("B", 0.10, 60, "within_patient", ""),
    ("C", 0.35, 55, "", "post"),
    ("C", 0.15, 55, "within_patient", ""),
    ("D", 0.20, 80, "total", "post"),
]


def write(path, rows=ROWS):
    lines = [f"{s},{r},{n},{e},{t},,,higher_better" for s, r, n, e, t in rows]
    path.write_text("\n".join([HEAD, *lines]), encoding="utf-8")
    return path


@pytest.fixture
def mixed(tmp_path):
    return write(tmp_path / "studies.csv")


def test_several_are_an_error_with_counts_and_ways_out(mixed):
    found = [p for p in load_studies(mixed).errors if p.code == "MA509"]
    assert [p.cell for p in found] == ["D3"]
    assert "total (4 rows), within_patient (3 rows)" in found[0].message
    assert "--estimand total" in found[0].hint
    assert "components --by estimand" in found[0].hint
    done = call("pool", mixed, "--no-figures")
    assert done.exit_code == 1
    assert "MA509" in done.stderr


@pytest.mark.parametrize(
    ("wanted", "studies", "effects"),
    [("total", 4, 4), ("within_patient", 3, 3)],
)
def test_one_is_chosen_and_the_others_are_excluded_with_the_reason(mixed, wanted, studies, effects):
    read = ma.read_studies(mixed, estimand=wanted)
    found = ma.effect_sizes(read)
    assert (found.n_studies, found.n_effects) == (studies, effects)
    other = {"total": "within_patient", "within_patient": "total"}[wanted]
    assert {reason for _, reason in read.excluded} == {f"estimand is {other} (policy: {wanted})"}
    assert len(read.excluded) == 7 - effects


def test_one_that_nobody_has_leaves_nothing(mixed):
    studies = load_studies(mixed, estimand="between_therapist")
    assert [p.code for p in studies.errors] == ["MA505"]


def test_no_mean_is_made_of_several(mixed):
    effects = ma.effect_sizes(ma.read_studies(mixed, estimand="each"))
    assert effects.n_effects == 7
    for refused in (lambda: ma.pool(effects), lambda: ma.moderators(effects, "estimand")):
        with pytest.raises(ma.EstimationError, match="never pooled into one mean") as error:
            refused()
        assert error.value.code == "MA509"


def test_no_mean_is_made_of_several_pairs():
    pairs = {"var1": ["bond", "outcome", "bond"], "var2": ["outcome", "bond", "severity"]}
    effects = ma.Effects.from_arrays([0.3, 0.2, 0.4], [0.02] * 3, list("ABC"), pairs)
    with pytest.raises(ma.EstimationError, match=r"bond with outcome \(2 effects\)") as error:
        ma.pool(effects)
    assert error.value.code == "MA564"
    assert ma.pool(effects.subset(np.array([True, True, False]))).n_effects == 2


def test_components_stand_side_by_side_with_their_difference(mixed, tmp_path):
    done = call("components", mixed, "--by", "estimand", "--structure", "CS", "--json",
                "--no-figures", "-o", tmp_path / "out")  # fmt: skip
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert [c["level"] for c in document["components"]] == ["total", "within_patient"]
    assert [c["n_studies"] for c in document["components"]] == [4, 3]
    pair = document["contrasts"][0]
    assert (pair["level_a"], pair["level_b"]) == ("total", "within_patient")
    record = tmp_path / "out" / "run_components.json"
    checked = call("verify", record, mixed)
    assert checked.exit_code == 0, checked.output
    changed = write(tmp_path / "later.csv", [*ROWS[:-1], ("D", 0.45, 80, "total", "post")])
    assert call("verify", record, changed).exit_code == 1


def test_other_components_do_not_mix_them(mixed):
    done = call("components", mixed, "--by", "outcome_time", "--no-figures")
    assert done.exit_code == 1
    assert "MA509" in done.stderr


END = ",higher_better\n"
TRAPS = {
    "sessions": ("MA542", "C3", "A,.3,40,,post,,,higher_better\nA,.1,400,within_patient,,,,"),
    "not whole": ("MA542", "C3", "A,.3,40,,,,,higher_better\nA,.1,410,within_patient,,,,"),
    "measured once": ("MA543", "D2", f"A,.3,40,within_patient,post,,{END}"),
    "lagged": ("MA544", "D2", f"A,.3,40,within_patient,,early change,person-mean centred{END}"),
    "lagged in words": ("MA544", "D2", f"A,.3,40,within_patient,,,lagged; mean-centered{END}"),
}
SOUND = {
    "the same patients": ("MA542", "A,.3,40,,post,,,higher_better\nA,.1,40,within_patient,,,,"),
    "other samples": ("MA542", "A,.3,40,,post,,,higher_better\nB,.1,400,within_patient,,,,"),
    "a total, once": ("MA543", f"A,.3,40,total,post,,{END}"),
    "within, by session": ("MA543", f"A,.3,40,within_patient,,,{END}"),
    "centred, not lagged": ("MA544", f"A,.3,40,within_patient,,,person-mean centred{END}"),
    "lagged, not centred": ("MA544", f"A,.3,40,within_patient,,early change,{END}"),
    "a centre": ("MA544", f"A,.3,40,within_patient,,early change,a treatment centre{END}"),
}


@pytest.mark.parametrize(("code", "cell", "text"), TRAPS.values(), ids=TRAPS)
def test_known_traps_have_their_cell(load, cells, code, cell, text):
    assert cells(load(f"{HEAD}\n{text}"), code) == [cell]


@pytest.mark.parametrize(("code", "text"), SOUND.values(), ids=SOUND)
def test_what_is_sound_is_left_alone(load, cells, code, text):
    assert cells(load(f"{HEAD}\n{text}"), code) == []


def test_patients_per_therapist(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text(
        "study,r,n,n_therapists,outcome_direction\nA,.3,60,6,higher_better\n"
        "B,.2,40,4,higher_better\nC,.1,90,,higher_better\nD,.25,50,50,higher_better\n",
        encoding="utf-8",
    )
    effects = ma.effect_sizes(ma.read_studies(path))
    ratio = effects.frame["log_patients_per_therapist"]
    assert ratio[:2].tolist() == pytest.approx([2.302585092994046] * 2)
    assert ratio.isna().tolist() == [False, False, True, False]
    curve = ma.therapist_clustering(effects, [0, 0.1])
    assert curve.assumed == 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = ma.pool(effects)
        frame = effects.frame
        factor = [1.9, 1.9, 1.9, 1.0]
        wider = ma.pool(ma.Effects.from_arrays(frame["yi"], frame["vi"] * factor))
    assert curve.frame["estimate"].tolist() == pytest.approx([plain.estimate, wider.estimate])
    assert curve.frame["se"].tolist() == pytest.approx([plain.se, wider.se])
    assert any(p.code == "MA686" for p in curve.notices)
    with pytest.raises(ma.OptionError, match="from 0 to below 1"):
        ma.therapist_clustering(effects, [1.0])
    with pytest.raises(ma.EstimationError, match="n_therapists"):
        ma.therapist_clustering(ma.Effects.from_arrays([0.1, 0.2], [0.1, 0.1]))
