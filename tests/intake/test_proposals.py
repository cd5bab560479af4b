"""Whatever stands in a sheet: what `init` writes loads, and is worth what `init` says."""

from __future__ import annotations

import re
import tempfile
import tomllib
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.cli.app import app
from metaalliance.sheet.columns.specification import STATISTICS
from metaalliance.sheet.columns.words import beside
from metaalliance.sheet.trial import OF_A_COLUMN

HEADERS = """study|Study ID|study_id|id|ID|author|Authors|Autor|First author (year)|citation|slab
year|Jahr|pub_year|n|N|N (final)|N_analyzed|ni|Fallzahl|sample size|n1|n2|n_exp|n_ctrl|N_high|N_low
r|ri|cor|r_total|Korrelation|corr with outcome|r_raw|r_corrected|r_sleep|r_mood|zr|es.z|yi.z|z|g|.g
d|cohen_d|yi|TE|vi|sei|seTE|se|SE.r|r_se|vi.z|var_g|.g_se|LL|UL|ci.lb|ci.ub|lowCI|highCI|pval|p
weight|wt|effectsizeID|es_id|ES|effect size|effect|estimate|t|t-value|df|F|OR|logOR|SElogOR|strength
m1i|sd1i|n1i|m2i|sd2i|n2i|a|b|c|d|ai|ci|X|...1||time|rater|Outcome|modality|R2|beta|outcome_direction
mean_arm1|sd_arm1|n_arm1|mean_arm2|sd_arm2|n_arm2|notes|country|label|sample|statistic|value|k"""
NAMES = sorted(set(HEADERS.replace("\n", "|").split("|")))
ROWS = 4
small = st.floats(-0.95, 0.95).map(lambda x: round(x, 3))
VALUES = st.one_of(
    st.lists(small, min_size=ROWS, max_size=ROWS),
    st.lists(st.integers(5, 300), min_size=ROWS, max_size=ROWS),
    st.lists(st.integers(1950, 2024), min_size=ROWS, max_size=ROWS),
    st.lists(st.sampled_from(["client", "T", "a", "Ames 2001", "n.s.", "NR"]),
             min_size=ROWS, max_size=ROWS),
    st.just(["Ames 2001", "Boll 2004", "Crane 2010", "Dorn 2012"]),
    st.just(["Ames 2001", "", "Boll 2004", ""]),
    st.just([1, 2, 3, 4]),
    st.just([""] * ROWS),
)  # fmt: skip
SHEETS = st.lists(st.tuples(st.sampled_from(NAMES), VALUES), min_size=2, max_size=9,
                  unique_by=lambda column: column[0])  # fmt: skip


@given(SHEETS)
@settings(max_examples=120)
def test_what_is_proposed_loads_and_is_worth_what_is_said(columns):
    rows = zip(*([name, *values] for name, values in columns), strict=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "own.csv"
        path.write_text("\n".join(",".join(map(str, row)) for row in rows), encoding="utf-8")
        result = CliRunner().invoke(app, ["init", str(path)])
        if result.exit_code == 3:  # no header at all
            assert "no sheet with a row of headers" in result.output
            return
        assert result.exit_code == 0, result.output
        config = path.parent / "metaalliance.toml"
        lines = tomllib.loads(config.read_text(encoding="utf-8"))
        said = int(re.search(r"(\d+) of \d+ rows? would be used", result.stdout)[1])
        assert not [c for c, h in lines.get("columns", {}).items()
                    if c in STATISTICS and beside(h)]  # fmt: skip
        try:
            studies = ma.load_studies(path, config=config)
        except ma.UnreadableFileError:
            assert said == 0
            return
    assert not {p.code for p in studies.errors} & {"MA213"}
    numbers = {row.number for row in studies.rows}
    of_sheet = [p for p in studies.errors if p.row not in numbers or p.code in OF_A_COLUMN]
    assert said == (0 if of_sheet else len(studies.used))
    for column in lines.get("columns", {}):
        cells = [row.cells[column] for row in studies.rows if column in row.cells]
        assert sum(cell.faulty for cell in cells) * 2 <= len(cells)
