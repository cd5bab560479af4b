"""Totals and rows that the team left out are not pooled silently."""

from __future__ import annotations

import pytest
from openpyxl import Workbook

import metaalliance as ma


@pytest.fixture
def load(tmp_path):
    """Read text as .csv."""

    def read(text):
        path = tmp_path / "studies.csv"
        path.write_text(text, encoding="utf-8")
        return ma.load_studies(path)

    return read


def labels(studies):
    return [row.study for row in studies.used]


def at(studies, *codes):
    return [(p.code, p.cell) for p in studies.problems if p.code in codes]


TOTALS = """Subtotal CBT
Total (95% CI)|Total CBT|CBT total|CBT subtotal|Mean CBT studies|Pooled (CBT)
Subtotal (95% CI)|Overall (I2 = 40%)|RE Model (Q = 12.3)|Summary estimate|Combined|Combined effect
All studies combined|Meta-analysis|Gesamt KVT|Summe KVT|Gesamtmittelwert|Gewichtetes Mittel
gewichteter Mittelwert|Gesamteffektstärke|Summen|Alle Studien|Effet global|Effet moyen|Tous
Efecto global|Efecto medio|Efecto combinado|Media global|Todos|Effetto complessivo|Effetto totale
Effetto medio|Tutti|Gewogen gemiddelde|Gemiddeld effect|Alle studies|Σ|∑|Ø|Total (N = 1996)
Méta-analyse|Sous-total TCC|Total adults|Total patients|k = 5 studies|Subgroup total|TOTAL CBT
Total général (modèle à effets aléatoires)|Total depressive disorders""".replace("\n", "|").split(
    "|"
)


@pytest.mark.parametrize("label", TOTALS)
def test_the_label_of_a_total_with_further_words(load, label):
    text = "study,n,r,diagnosis\nLee 2001,40,.10,depressive disorders\nAmes 2002,50,.20,\n"
    studies = load(text + f"{label},77,.15,\nBo 2003,60,.3,\n")
    assert at(studies, "MA410", "MA431", "MA432") == [("MA410", "A4")]
    assert labels(studies) == ["Lee 2001", "Ames 2002", "Bo 2003"]


STUDIES = """Sum 2003|Overall & Smith (2001)|Overall & Smith|Media 2012|M. Smith|ALL-002|Mean et al.
Mean, J.|Study 1|Sample 2|Effect 1|Max Planck|Ensemble trial|Global|Random House|All Saints|S1
Total (1999)|Social Media Group""".replace("\n", "|").split("|")


@pytest.mark.parametrize("label", STUDIES)
def test_a_study_is_never_refused_by_words(load, label):
    text = "study,n,r\nLee 2001,40,.10\nAmes 2002,50,.20\n"
    studies = load(f'{text}"{label}",77,.15\nBo 2003,60,.3\n')
    assert at(studies, "MA410", "MA431", "MA432") == []
    assert len(studies.used) == 4


@pytest.mark.parametrize("label", ["Total Recovery Study", "Study 2 total", "M"])
def test_a_name_that_may_be_that_of_a_total_is_asked_about(load, label):
    studies = load(f"study,n,r\nLee 2001,40,.10\nAmes 2002,50,.20\n{label},77,.15\n")
    assert at(studies, "MA410", "MA431", "MA432") == [("MA432", "A4")]
    assert len(studies.used) == 3


BLOCKS = (
    "study,n,r\nLee 2001,40,.10\nAmes 2002,50,.20\n{},90,.156\nBo 2003,60,.30\nCy 2004,70,.40\n"
    "{},130,.354\n{},220,.275\n"
)


@pytest.mark.parametrize(
    "names", [("Subtotal CBT", "Subtotal PDT", "Total (95% CI)"), ("M", "MW", "N"),
              ("Total Recovery", "Mean of them", "Ensemble")]
)  # fmt: skip
def test_subtotals_and_the_total_are_errors(load, names):
    studies = load(BLOCKS.format(*names))
    assert [(p.code, p.row) for p in studies.errors] == [("MA410", 4), ("MA410", 7), ("MA410", 8)]
    assert labels(studies) == ["Lee 2001", "Ames 2002", "Bo 2003", "Cy 2004"]


def test_numbers_alone_are_a_suspicion(load):
    studies = load(BLOCKS.format("those with CBT", "those with PDT", "everybody"))
    said = [p.message for p in studies.problems if p.code == "MA431"]
    assert not studies.errors
    assert [m.split(",")[0] for m in said] == [
        "n = 90 is the sum of the n of rows 2 to 3",
        "n = 130 is the sum of the n of rows 5 to 6",
        "n = 220 is the sum of the n of rows 2",
    ]


@pytest.mark.parametrize(
    "row", ["Di 2005,90,.15", "everybody,90,.21", "everybody,91,.15", "Ames 2002,90,.15"]
)
def test_what_does_not_repeat_the_rows_above_is_a_study(load, row):
    """A year; r outside; another n. A label of the rows above is a total that was filled down."""
    studies = load(f"study,n,r\nLee 2001,40,.10\nAmes 2002,50,.20\n{row}\n")
    assert at(studies, "MA431") == ([("MA431", "B4")] if row.startswith("Ames") else [])


def test_n_of_studies_with_several_effects_counts_once(load):
    studies = load(
        "study,n,r\nLee 2001,40,.10\nLee 2001,40,.15\nAmes 2002,50,.20\neverybody,90,.15\n"
    )
    assert at(studies, "MA431") == [("MA431", "B5")]


def test_a_total_may_hold_rows_that_were_excluded_since(load):
    text = "study,n,r,include\nLee 2001,40,.10,yes\nAmes 2002,50,.20,no\nBo 2003,60,.3,yes\n"
    assert at(load(f"{text}everybody,150,.2,yes\n"), "MA431") == [("MA431", "B5")]
    assert at(load(f"{text}everybody,100,.2,yes\n"), "MA431") == [("MA431", "B5")]


@pytest.mark.parametrize(("label", "formulas", "out"), [
    ("Overall result of all", ("=B2+B3+B4", "=(C2+C3+C4)/3"), True),
    ("Those with CBT", ("=SUM(B2:B3)", "=AVERAGE(C2:C3)"), True),
    ("Those with CBT", (150, "=AVERAGE(C2,C3)"), True),
    ("Boll and Crane", (150, "=(C2+C3)/2"), True),
    ("Boll & Crane 2011", (150, "=(C2+C3)/2"), False),
    ("Ames 2001", ("=B2+B3", "=(C2+C3)/2"), False),
])  # fmt: skip
def test_formulas_over_several_studies(tmp_path, label, formulas, out):
    book = Workbook()
    book.active.title = "effects"
    for row in (["study", "n", "r"], ["Ames 2001", 120, 0.05], ["Boll 2004", 95, 0.22],
                ["Crane 2010", 240, 0.31], [label, *formulas], ["Dean 2012", 80, 0.2]):  # fmt: skip
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    studies = ma.load_studies(tmp_path / "t.xlsx")
    assert at(studies, "MA418", "MA211") == ([("MA418", "A5")] if out else [])


def coded(header, *values):
    """A sheet of five studies with further columns."""
    rows = (f"S{i} 200{i},{40 + i},0.{i + 1},{value}" for i, value in enumerate(values))
    return "\n".join([f"study,n,r,{header}", *rows, ""])


EXCLUSIONS = ("MA331", "MA433", "MA434", "MA435", "MA538")


@pytest.mark.parametrize("mark", ["x", "yes", "1", "✓"])
def test_marks_of_one_kind_and_blanks_are_asked_about(load, mark):
    studies = load(coded("include", mark, "", mark, "", mark))
    assert at(studies, *EXCLUSIONS) == [("MA433", "D3")]
    assert len(studies.used) == 5


@pytest.mark.parametrize("values", [("", "no", "", "", ""), ("yes", "no", "yes", "", "yes"),
                                    ("yes",) * 5])  # fmt: skip
def test_marks_of_both_kinds_are_not(load, values):
    assert at(load(coded("include", *values)), *EXCLUSIONS) == []


@pytest.mark.parametrize("mark", ["NR", "nicht berichtet", "2", "maybe"])
def test_what_says_neither_in_nor_out_is_an_error(load, mark):
    studies = load(coded("include", "yes", mark, "no", "yes", "yes"))
    assert at(studies, *EXCLUSIONS) == [("MA331", "D3")]


def test_what_a_program_writes_into_a_blank_cell_is_blank(load):
    assert at(load(coded("include", "yes", "NA", "no", "yes", "yes")), *EXCLUSIONS) == []


@pytest.mark.parametrize(("header", "values", "cell"), [
    ("exclusion_reason", ("", "", "no alliance measure", "none", ""), "D4"),
    ("include,exclusion_reason", ("yes,", "yes,", "yes,single case", "no,other", "yes,"), "E4"),
    ("Ausschlussgrund", ("", "", "Einzelfall", "keiner", ""), "D4"),
])  # fmt: skip
def test_a_reason_for_exclusion_in_a_row_that_is_used(load, header, values, cell):
    studies = load(coded(header, *values))
    assert at(studies, *EXCLUSIONS) == [("MA434", cell)]
    assert cell in next(p.message for p in studies.problems if p.code == "MA434")
    assert "S2 2002" in labels(studies)


HEADERS = {
    "eligible": "yes no", "eligibility": "eligible ineligible", "inclusion": "yes no",
    "Einschluss": "ja nein", "eingeschlossen": "x nein", "Entscheidung": "Einschluss Ausschluss",
    "decision": "include exclude", "décision": "inclus exclu", "incluido": "sí no",
    "incluso": "sì no", "geïncludeerd": "ja nee", "use in MA": "yes no", "Included?": "y n",
    "Include in meta-analysis": "1 0", "in/out": "in out", "Exclude": "no yes", "Excluded": "0 1",
    "Excluded?": "n y", "exclusion": "no yes", "Ausgeschlossen": "nein ja", "excluido": "no sí",
    "uitgesloten": "nee ja", "exclu": "non oui", "escluso": "no sì",
}  # fmt: skip


@pytest.mark.parametrize(("header", "words"), HEADERS.items(), ids=HEADERS)
def test_columns_that_say_in_or_out(load, header, words):
    kept, out = words.split()
    studies = load(coded(header, kept, out, kept, kept, kept))
    assert [row.number for row, _ in studies.excluded] == [3]
    assert not studies.errors
    turned = header.lower().startswith(("excl", "aus", "uit", "escl"))
    assert at(studies, "MA206", "MA538") == [("MA538" if turned else "MA206", "D1")]


def test_blank_under_excluded_is_in(load):
    studies = load(coded("excluded", "", "x", "", "", ""))
    assert [row.number for row, _ in studies.excluded] == [3]
    assert at(studies, "MA433") == []


@pytest.mark.parametrize(("header", "values", "cells"), [
    ("include,excluded", ("yes,0", "yes,1", "yes,0", "yes,0", "yes,0"), ["E3"]),
    ("Exclude", ("", "no data", "", "", ""), ["D3"]),
    ("excluded", (3, 1, 0, 0, 0), []),
    ("eligibility", ("adults", "adults", "youth", "adults with MDD", "adults"), []),
])  # fmt: skip
def test_a_column_that_is_not_read_as_include_is_not_passed_over(load, header, values, cells):
    studies = load(coded(header, *values))
    assert at(studies, *EXCLUSIONS) == [("MA435", cell) for cell in cells]
    assert len(studies.used) == 5
