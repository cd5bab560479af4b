"""Headers of wide sheets as teams write them: label first, in brackets, in several rows.

The numbers are invented. What the workbook is worth is computed by intake.truth from published
formulas; R gives the same for its effects (intake/r/truth.R).
"""

from __future__ import annotations

import csv
import io

import pytest
from imported_sheets import pooled
from intake.truth import Effect, pooled_r
from openpyxl import Workbook
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.cli.app import app

#: Study, then r and n of two effects.
ROWS = (("Ames 2001", 0.30, 50, 0.10, 48), ("Boll 2004", 0.20, 60, 0.25, 60),
        ("Crane 2010", 0.40, 70, 0.15, 70))  # fmt: skip
APART = [(r[0], *pair) for r in ROWS for pair in ((r[1], r[2]), (r[3], r[4]))]


def worth(effects):
    """The pooled r of effects, each a study, an r and an n."""
    return pooled_r([Effect(study, r, 1 / (n - 3), "", n) for study, r, n in effects])


def entered(imported, *columns):
    """The cells of each row in some columns."""
    return [tuple(e[c].value if c in e else None for c in columns) for e in imported.entries]


def said(path):
    """What init says of a file."""
    result = CliRunner().invoke(app, ["init", str(path), "--force"])
    assert result.exit_code == 0, result.output
    return " ".join(result.stdout.split())


def sheet(path, *headers, rows=ROWS, merged=()):
    """A workbook with header rows."""
    book = Workbook()
    page = book.active
    for values in (*headers, *rows):
        page.append([None if v == "" else v for v in values])
    for cells in merged:
        page.merge_cells(cells)
    book.save(path)
    return path


def text(headers):
    """A text file with one header row."""
    out = io.StringIO()
    csv.writer(out).writerows([["study", *headers], *ROWS])
    return out.getvalue()


@pytest.mark.parametrize(
    "headers",
    [
        ["BDI r", "BDI n", "GAF r", "GAF n"],
        ["BDI: r", "BDI: n", "GAF: r", "GAF: n"],
        ["r BDI", "n BDI", "r GAF", "n GAF"],
        ["r_BDI", "r_BDI_N", "r_GAF", "r_GAF_N"],
        ["BDI r", "BDI size", "GAF r", "GAF sample size"],
        ["r (BDI)", "n (BDI)", "r (GAF)", "n (GAF)"],
        ["BDI [r]", "BDI [n]", "GAF [r]", "GAF [n]"],
        ["correlation (BDI)", "N (BDI)", "correlation (GAF)", "N (GAF)"],
    ],
)
def test_a_label_stands_before_behind_or_in_brackets(made, tmp_path, headers):
    path = made("w.csv", text(headers))
    imported = ma.import_sheet(path)
    assert entered(imported, "study", "r", "n") == APART
    assert entered(imported, "outcome_measure") == [("BDI",), ("GAF",)] * 3
    assert pooled(imported, tmp_path).pooled()["r"]["estimate"] == pytest.approx(
        worth(APART), abs=1e-6
    )
    assert {q.code for q in imported.questions} == {"MA559", "MA551"}
    assert "The sheet is wide" in said(path)
    assert "metaalliance import w.csv -o studies.xlsx" in said(path)


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        (("WAI-total", "WAI-bond"),
         {"alliance_measure": "WAI WAI", "alliance_subscale": "total bond"}),
        (("WAI-X", "WAI-Y"), {"alliance_measure": "WAI-X WAI-Y"}),
        (("BDI_post", "GAF_fu"), {"outcome_measure": "BDI GAF", "outcome_time": "post fu"}),
        (("depression_post", "anxiety_post"),
         {"outcome_measure": "depression anxiety", "outcome_time": "post post"}),
        (("client_BDI", "therapist_BDI"),
         {"alliance_rater": "client therapist", "outcome_measure": "BDI BDI"}),
        (("self_esteem", "self_control"), {"outcome_measure": "self_esteem self_control"}),
        (("BDI_pre", "BDI_post"), {"outcome_measure": "BDI_pre BDI_post"}),
    ],
)  # fmt: skip
def test_each_part_of_a_label_enters_the_column_that_knows_it(made, labels, wanted):
    imported = ma.import_sheet(made("w.csv", text([f"{s}_{x}" for x in labels for s in "rn"])))
    for column, values in wanted.items():
        assert entered(imported, column)[:2] == [(v,) for v in values.split()]
    own = {"study", "n", "r", *wanted}
    assert {c for e in imported.entries for c in e} == own
    asked = [q.column for q in imported.questions if q.code == "MA559"]
    assert asked == list(wanted)
    origins = imported.origins
    assert set(origins[origins["column"].isin(wanted)]["what was done"]) == {"from its header"}


def test_what_stands_in_brackets_is_parted_at_its_comma(made):
    imported = ma.import_sheet(
        made("w.csv", text(["r [WAI-C, session 3]", "n [WAI-C, session 3]",
                            "r [WAI-T, session 3]", "n [WAI-T, session 3]"]))
    )  # fmt: skip
    assert entered(imported, "alliance_measure", "alliance_time")[:2] == [
        ("WAI-C", "session 3"),
        ("WAI-T", "session 3"),
    ]
    assert entered(imported, "study", "r", "n") == APART


def test_limits_belong_to_the_effect_that_they_name(made):
    head = "study,BDI (r),BDI (N),BDI (95% CI lower),BDI (95% CI upper),GAF (r),GAF (N)"
    imported = ma.import_sheet(made("w.csv", f"{head}\nAmes 2001,.30,50,.02,.53,.10,48\n"))
    assert entered(imported, "r", "n", "ci_low", "ci_high") == [
        (0.3, 50, 0.02, 0.53),
        (0.1, 48, None, None),
    ]


THREE = (
    ("Study", "Country", "Depression", "", "", "", "", "Functioning", ""),
    ("", "", "BDI", "", "HRSD", "", "", "GAF", ""),
    ("", "", "r", "n", "r", "n", "p", "r", "n"),
)
NINE = (("Ames 2001", "US", 0.3, 50, 0.1, 48, 0.5, 0.2, 50),
        ("Boll 2004", "NL", 0.2, 60, 0.25, 60, 0.06, 0.1, 55),
        ("Crane 2010", "US", 0.4, 70, "", "", "", 0.3, 70))  # fmt: skip
MERGED = ("A1:A3", "B1:B3", "C1:G1", "H1:I1", "C2:D2", "E2:G2", "H2:I2")


@pytest.mark.parametrize("merged", [MERGED, ()])
def test_three_header_rows_of_construct_measure_and_statistic(tmp_path, merged):
    path = sheet(tmp_path / "w.xlsx", *THREE, rows=NINE, merged=merged)
    imported = ma.import_sheet(path)
    assert entered(imported, "outcome_domain", "outcome_measure", "p")[:3] == [
        ("Depression", "BDI", None),
        ("Depression", "HRSD", 0.5),
        ("Functioning", "GAF", None),
    ]
    effects = [(r[0], r[i], r[i + 1]) for r in NINE for i in (2, 4, 7) if r[i] != ""]
    assert entered(imported, "study", "r", "n") == effects
    assert pooled(imported, tmp_path).pooled()["r"]["estimate"] == pytest.approx(
        worth(effects), abs=1e-6
    )
    (left,) = imported.left_out
    assert (left.place, left.study) == ("E6 (Depression HRSD r)", "Crane 2010")
    assert [q.column for q in imported.questions if q.code == "MA559"] == [
        "outcome_domain",
        "outcome_measure",
    ]
    source = imported.origins.set_index("column").loc["outcome_domain", "source"].iloc[0]
    assert source == "C3 (Depression BDI r)"
    assert "header in row 3" in said(path)
    assert "The sheet is wide: 3 effects" in said(path)
    with pytest.raises(ma.MetaAllianceError):
        ma.read_studies(path)  # not one column of it is read as the effect


def test_a_merged_title_ends_where_its_cells_end(tmp_path):
    titles = ("Study", "BDI", "", "", "GAF", "")
    names = ("", "r", "n", "Country", "r", "n")
    rows = [(*row[:3], "US", *row[3:]) for row in ROWS]
    path = sheet(tmp_path / "w.xlsx", titles, names, rows=rows, merged=("B1:C1", "E1:F1"))
    imported = ma.import_sheet(path)
    assert entered(imported, "study", "r", "n") == APART
    assert entered(imported, "country") == [("US",)] * 6


@pytest.mark.parametrize(
    ("headers", "measures"),
    [
        ((("Study", "r", "", "", "n", "", ""), ("", "BDI", "GAF", "SCL", "BDI", "GAF", "SCL")),
         ("BDI", "GAF", "SCL")),
        ((("Study", "Alliance with", "", "", "", "", ""), ("", "BDI", "", "GAF", "", "SCL", ""),
          ("", "r", "n", "r", "n", "r", "n")), ("BDI", "GAF", "SCL")),
    ],
)  # fmt: skip
def test_titles_are_the_statistic_or_say_nothing(tmp_path, headers, measures):
    side = headers[0][1] == "r"
    values = [("Ames", 0.3, 0.1, 0.2, 50, 48, 51), ("Boll", 0.2, 0.25, 0.12, 60, 61, 55)]
    order = (0, 1, 2, 3, 4, 5, 6) if side else (0, 1, 4, 2, 5, 3, 6)
    rows = [tuple(v[i] for i in order) for v in values]
    imported = ma.import_sheet(sheet(tmp_path / "w.xlsx", *headers, rows=rows))
    wanted = [(m, v[1 + i], v[4 + i]) for v in values for i, m in enumerate(measures)]
    assert entered(imported, "outcome_measure", "r", "n") == wanted


def test_correlations_under_one_title_share_their_n(tmp_path):
    titles = ("Study", "Correlations", "", "n")
    rows = [(study, a, b, n) for study, a, n, b, _ in ROWS]
    path = sheet(tmp_path / "w.xlsx", ("Sheet of 2024",), titles, ("", "BDI", "GAF", ""),
                 rows=rows, merged=("A2:A3", "B2:C2", "D2:D3"))  # fmt: skip
    imported = ma.import_sheet(path)
    assert entered(imported, "outcome_measure", "r", "n")[:2] == [
        ("BDI", 0.3, 50),
        ("GAF", 0.1, 50),
    ]


def test_rows_of_words_are_data_where_a_study_is_named(tmp_path):
    rows = [("Ames 2001", "NR", "n.s."), *((r[0], r[1], r[3]) for r in ROWS[1:])]
    imported = ma.import_sheet(sheet(tmp_path / "w.xlsx", ("study", "r_BDI", "r_GAF"), rows=rows))
    assert len(imported.entries) + len(imported.left_out) == 6


def test_names_of_rows_are_the_studies(made, tmp_path):
    rows = "\n".join(f'"{s}",{r},{n},{q},{m}' for s, r, n, q, m in ROWS)
    path = made("w.csv", f'"","r_BDI","n_BDI","r_GAF","n_GAF"\n{rows}\n')
    imported = ma.import_sheet(path)
    assert entered(imported, "study", "r", "n") == APART
    assert pooled(imported, tmp_path).pooled()["r"]["estimate"] == pytest.approx(
        worth(APART), abs=1e-6
    )
    assert "study (the column without header)" in said(path)


def test_author_and_year_of_any_language_are_the_study(made):
    imported = ma.import_sheet(
        made(
            "w.csv",
            "Erstautor;Jahr;n;r_Schlaf;r_Stimmung\nAmes;2001;50;,3;,1\nAmes;2004;60;,2;,2\n",
        )
    )
    assert entered(imported, "study", "year")[::2] == [("Ames 2001", 2001), ("Ames 2004", 2004)]


# Intervals in one cell ------------------------------------------------------------------------


def test_the_interval_of_each_effect_becomes_its_own_limits(made):
    text = (
        "study,BDI r,BDI 90% CI,GAF r,GAF r CI\n"
        'Ames 2001,.3,"[.10, .48]",.2,"[-.05, .43]"\n'
        'Boll 2004,.2,".01-.38",.1,NR\n'
        'Crane 2010,-.2,"-.38-.01",.1,\n'
    )
    imported = ma.import_sheet(made("w.csv", text))
    assert entered(imported, "outcome_measure", "r", "ci_low", "ci_high", "ci_level") == [
        ("BDI", 0.3, 0.1, 0.48, 90), ("GAF", 0.2, -0.05, 0.43, None),
        ("BDI", 0.2, 0.01, 0.38, 90), ("GAF", 0.1, None, None, None),
        ("BDI", -0.2, -0.38, 0.01, 90),
        ("GAF", 0.1, None, None, None),
    ]  # fmt: skip
    assert not [c for c in imported.frame.columns if "CI" in c]


def test_an_interval_that_cannot_be_split_is_to_decide(made, tmp_path):
    text = 'study,BDI r,BDI CI,GAF r,GAF CI\nAmes 2001,.3,".1 to",.2,"[-.05, .43]"\n'
    imported = ma.import_sheet(made("w.csv", text))
    (asked,) = (p for p in imported.questions if p.code == "MA563")
    assert "C2 (BDI CI)" in asked.message and "'.1 to'" in asked.message
    assert entered(imported, "ci_low", "ci_high") == [(".1 to", None), (-0.05, 0.43)]
    studies = ma.load_studies(imported.save(tmp_path / "w.xlsx"))
    assert [p.column for p in studies.errors] == ["ci_low"]  # not a number of the other effect


# Titles over several columns ------------------------------------------------------------------

BELOW = (["", "", "Client WAI", "", "Therapist WAI", ""], ["Author", "Year", "r", "n", "r", "n"])
BELOW_ROWS = (("Lee", 2001, 0.3, 50, 0.2, 48), ("Kim", 2002, 0.1, 60, 0.25, 60))


def test_study_columns_below_titles_are_read(tmp_path):
    path = sheet(tmp_path / "t.xlsx", *BELOW, rows=BELOW_ROWS, merged=["C1:D1", "E1:F1"])
    imported = ma.import_sheet(path)
    assert entered(imported, "study", "alliance_rater", "alliance_measure", "r", "n") == [
        ("Lee 2001", "Client", "WAI", 0.3, 50), ("Lee 2001", "Therapist", "WAI", 0.2, 48),
        ("Kim 2002", "Client", "WAI", 0.1, 60), ("Kim 2002", "Therapist", "WAI", 0.25, 60),
    ]  # fmt: skip
    assert "The sheet is wide" in said(path)


def test_columns_that_stand_twice_below_titles_are_not_to_be_deleted(tmp_path):
    path = sheet(tmp_path / "t.xlsx", *BELOW, rows=BELOW_ROWS)
    twice = [p for p in ma.load_studies(path).problems if p.code == "MA204"]
    assert [p.cell for p in twice] == ["E2", "F2"]
    assert all("wide" in p.hint and "metaalliance import" in p.hint for p in twice)


@pytest.mark.parametrize(
    ("above", "below", "first"),
    [
        (["Author", "Year", "N", "Correlation with outcome", ""],
         ["", "", "", "BDI", "GAF"], "D1:E1"),
        (["", "", "", "Outcome r", ""], ["Author", "Year", "N", "BDI", "GAF"], "D1:E1"),
        (["Author", "Year", "N", "Correlation with their mood", ""],
         ["", "", "", "BDI", "GAF"], "D1:E1"),
    ],
)  # fmt: skip
def test_a_title_over_several_outcomes_is_no_line_for_the_first(tmp_path, above, below, first):
    rows = (("Lee", 2001, 50, 0.3, 0.2), ("Kim", 2002, 60, 0.1, 0.25), ("Poe", 2003, 70, 0.2, 0.1))
    path = sheet(tmp_path / "m.xlsx", above, below, rows=rows, merged=[first])
    said(path)
    lines = (tmp_path / "metaalliance.toml").read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if line.startswith("r =")]


FOUR = (("Lee", 50, 0.3, 0.2, 0.1, 0.15), ("Kim", 60, 0.1, 0.2, 0.3, 0.25))


@pytest.mark.parametrize(
    ("headers", "alliance_above"),
    [
        ([["", "", "WAI total", "", "WAI bond", ""], ["study", "n", "BDI", "GAF", "BDI", "GAF"],
          ["", "", "r", "r", "r", "r"]], True),
        ([["study", "n", "WAI total", "", "WAI bond", ""],
          ["", "", "r BDI", "r GAF", "r BDI", "r GAF"]], True),
        ([["", "", "BDI", "", "GAF", ""],
          ["study", "n", *["r WAI total", "r WAI bond"] * 2]], False),
        ([["", "", "BDI", "", "GAF", ""], ["study", "n", *["WAI total", "WAI bond"] * 2],
          ["", "", "r", "r", "r", "r"]], False),
    ],
)  # fmt: skip
def test_an_instrument_and_its_subscale_are_those_of_the_alliance(
    tmp_path, headers, alliance_above
):
    path = sheet(tmp_path / "l.xlsx", *headers, rows=FOUR, merged=["C1:D1", "E1:F1"])
    imported = ma.import_sheet(path)
    scales, outcomes = ["total", "total", "bond", "bond"], ["BDI", "GAF", "BDI", "GAF"]
    if not alliance_above:
        scales, outcomes = ["total", "bond"] * 2, ["BDI", "BDI", "GAF", "GAF"]
    found = entered(imported, "alliance_measure", "alliance_subscale", "outcome_measure", "r", "n")
    assert found[:4] == [
        ("WAI", scale, outcome, r, 50)
        for scale, outcome, r in zip(scales, outcomes, FOUR[0][2:], strict=True)
    ]
    assert len(found) == 8 and not entered(imported, "outcome_domain")[0][0]


@pytest.mark.parametrize(
    "raters",
    [("Patient", "Therapeut"), ("Klientin", "Therapeutin"), ("cliënt", "therapeut"),
     ("patient", "thérapeute"), ("paciente", "terapeuta")],
)  # fmt: skip
def test_raters_in_other_languages_are_raters(made, raters):
    headers = [f"r ({raters[0]})", "n1", f"r ({raters[1]})", "n2"]
    imported = ma.import_sheet(made("w.csv", text(headers)))
    assert entered(imported, "alliance_rater")[:2] == [(raters[0],), (raters[1],)]
