"""A header that was read as a column of the specification: every option names that column."""

from __future__ import annotations

import pytest

ROWS = [
    f"S{i},{40 + i},.{20 + i + j},{'low' if i % 2 else 'high'},{'client' if j else 'therapist'},"
    f"{'CBT' if i % 4 < 2 else 'psychodynamic'}"
    for i in range(12)
    for j in (0, 1)
]
SHEET = "\n".join(["study,n,r,Quality,Rater,Treatment", *ROWS, ""])
ASKED = {
    "moderators --by quality": "risk_of_bias",
    "moderators --by Quality --model two-level": "risk_of_bias",
    "moderators --by rater": "alliance_rater",
    "moderators --formula Quality+modality": "risk_of_bias",
    "moderators --formula modality*Treatment": "modality",
    "moderators --within-between quality": "risk_of_bias",
    "forest --columns quality,n": "risk_of_bias",
    "forest --by treatment": "modality",
    "plot orchard --by Treatment": "modality",
    "pool --crossed Rater": "alliance_rater",
    "influence --by quality": "risk_of_bias",
    "report --by quality": "risk_of_bias",
}


@pytest.mark.parametrize("words", ASKED)
def test_the_error_names_the_column_that_a_header_became(call, tmp_path, words):
    (tmp_path / "own.csv").write_text(SHEET)
    *command, option, value = words.split(" --")[0].split() + words.split(" --", 1)[1].split(" ", 1)
    done = call(*command, "own.csv", f"--{option}", *value.split())
    assert done.exit_code == 2
    assert f"is read as '{ASKED[words]}', which is its name" in " ".join(done.stderr.split())


def test_that_name_works(call, tmp_path):
    (tmp_path / "own.csv").write_text(SHEET)
    done = call("moderators", "own.csv", "--by", "risk_of_bias", "--by", "alliance_rater")
    assert done.exit_code == 0


def test_a_name_that_is_in_no_sheet_lists_what_there_is(call, tmp_path):
    (tmp_path / "own.csv").write_text(SHEET)
    done = call("moderators", "own.csv", "--by", "therapist")
    assert "there are alliance_rater, modality, risk_of_bias" in done.stderr
