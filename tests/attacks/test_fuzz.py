"""Any sheet is converted or has its errors."""

from __future__ import annotations

import csv
import math

from hypothesis import given, settings
from hypothesis import strategies as st

import metaalliance as ma

COLUMNS = ["study", "r", "t", "n", "df", "n1", "n2", "modality", "include", "ci_low", "ci_high",
           "statistic", "value", "sign", "p", "tails", "odds_ratio", "d", "F", "outcome_direction",
           "beta", "n_predictors", "r_squared", "semipartial_r", "r2_model", "yi",
           "vi"]  # fmt: skip
JUNK = ["", ".35", "−.21", "0,35", ".35*", "35%", "<.001", "n.s.", "NR", "see text", "1.07", "-1",
        "1,234", "45 (38)", "#REF!", "0", "1", "2", "3", "4", "-0.2", "100", "1E-3", "no", "yes",
        "CBT", "+", "-", "-1", "Study A", "lower_better", "t", "r", "d", "p", "20"]  # fmt: skip


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from(COLUMNS), st.sampled_from(JUNK)), max_size=10
    )
)
@settings(max_examples=400, derandomize=True)
def test_any_sheet_is_converted_or_has_its_errors(tmp_path_factory, edits):
    rows = [["" for _ in COLUMNS] for _ in range(4)]
    for i, row in enumerate(rows):
        row[0], row[1], row[3] = f"Study {i}", f"{0.1 * i:.1f}", str(30 + i)
    for row, column, text in edits:
        rows[row][COLUMNS.index(column)] = text
    path = tmp_path_factory.getbasetemp() / "fuzz.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, *rows])
    studies = ma.load_studies(path, nonsignificant="zero")
    if not studies.errors:
        effects = ma.effect_sizes(studies)
        assert all(math.isfinite(x) for x in [*effects.yi, *effects.vi])
        assert len(effects.frame) == len(studies.used)
