"""The sheets `studies` and `codebook`, the configuration, and what they may not do."""

from __future__ import annotations

import zipfile

import pytest

import metaalliance as ma

EFFECTS = [["study", "r", "n", "country"], ["A", 0.3, 40, None], ["A", 0.2, 40, None],
           ["B", 0.1, 50, "Peru"]]  # fmt: skip


@pytest.fixture
def book(xlsx_file):
    """Load a workbook with the effects and further sheets."""

    def load(effects=EFFECTS, **sheets):
        def change(book):
            for title, rows in sheets.items():
                sheet = book.create_sheet(title)
                for row in rows:
                    sheet.append(row)

        return ma.load_studies(xlsx_file(effects, change=change))

    return load


def found(studies, code):
    return [p.place for p in studies.problems if p.code == code]


STUDIES = [["study", "modality", "year"], ["A", "CBT", 2001], ["B", "PDT", 2005]]


def test_columns_of_a_study_reach_its_effects(book):
    studies = book(studies=STUDIES)
    assert [row.get("modality") for row in studies.rows] == ["CBT", "CBT", "psychodynamic"]


def test_joining_loses_no_row(book):
    studies = book(studies=STUDIES)
    assert [row.number for row in studies.used] == [2, 3, 4]


def test_joining_keeps_the_values(book):
    assert [row.get("r") for row in book(studies=STUDIES).rows] == [0.3, 0.2, 0.1]


def test_ledger_names_the_sheet_of_a_joined_cell(book):
    studies = book([["study", "r"], ["A", 0.3]], studies=[["study", "n"], ["A", 40]])
    assert ma.effect_sizes(studies).ledger.inputs[0] == (
        "r = 0.3 [effects!B2]; n = 40 [studies!B2]"
    )


def test_cell_of_the_effects_wins_over_a_blank_one(book):
    studies = book(studies=[["study", "country"], ["A", "Chile"], ["B", None]])
    assert [row.get("country") for row in studies.rows] == ["Chile", "Chile", "Peru"]


def test_contradiction_is_an_error_at_the_effect(book):
    studies = book(studies=[["study", "country"], ["A", "Chile"], ["B", "Chile"]])
    assert found(studies, "MA510") == ["effects!D4"]


def test_study_twice_is_an_error(book):
    assert found(book(studies=[*STUDIES, ["A", "PDT", 1999]]), "MA511") == ["studies!A4"]


def test_study_without_effect_is_a_note(book):
    assert found(book(studies=[*STUDIES, ["C", "PDT", 1999]]), "MA512") == ["studies!A4"]


def test_effect_without_study_is_a_note(book):
    assert found(book(studies=STUDIES[:2]), "MA512") == ["effects!A4"]


def test_studies_sheet_without_header_is_a_warning(book):
    assert found(book(studies=[["x", "y"], ["A", 1]]), "MA214") == ["studies!A1"]


def test_fault_on_the_studies_sheet_has_its_cell(book):
    studies = book(studies=[["study", "modality"], ["A", "CBT"], ["B", "CBTT"]])
    assert found(studies, "MA334") == ["studies!B3"]


def test_same_author_n_and_country_may_overlap(book):
    rows = [["study", "r", "n", "country"], ["Adler 1988", 0.3, 40, "Peru"],
            ["Adler 1990", 0.2, 40, "Peru"]]  # fmt: skip
    assert found(book(rows), "MA513") == ["effects!A3"]


def test_other_n_does_not_overlap(book):
    rows = [["study", "r", "n", "country"], ["Adler 1988", 0.3, 40, "Peru"],
            ["Adler 1990", 0.2, 41, "Peru"]]  # fmt: skip
    assert found(book(rows), "MA513") == []


def test_direction_against_a_known_measure(book):
    rows = [["study", "r", "n", "outcome_measure", "outcome_direction"],
            ["A", 0.3, 40, "BDI", "higher_better"]]  # fmt: skip
    assert found(book(rows), "MA514") == ["effects!E2"]


def test_direction_of_a_known_measure(book):
    rows = [["study", "r", "n", "outcome_measure", "outcome_direction"],
            ["A", 0.3, 40, "BDI", "lower_better"]]  # fmt: skip
    assert found(book(rows), "MA514") == []


# Codebook -------------------------------------------------------------------------------

CODED = [["study", "r", "n", "modality", "Zufriedenheit"], ["A", 0.3, 40, "VT", 5]]


def test_codebook_adds_an_alias(book):
    codebook = [["column", "level", "aliases"], ["modality", "CBT", "VT; KVT"]]
    assert book(CODED, codebook=codebook).rows[0].get("modality") == "CBT"


def test_codebook_adds_a_level(book):
    codebook = [["column", "level"], ["modality", "VT"]]
    assert book(CODED, codebook=codebook).rows[0].get("modality") == "VT"


def test_codebook_moves_a_level_with_all_its_names(book):
    rows = [["study", "r", "n", "modality"], ["A", 0.3, 40, "CBT"], ["B", 0.3, 41, "REBT"]]
    codebook = [["column", "level", "aliases"], ["modality", "talking", "CBT; VT"]]
    read = book(rows, codebook=codebook).rows
    assert [row.get("modality") for row in read] == ["talking", "talking"]


def test_codebook_with_a_name_under_two_levels_is_an_error(book):
    codebook = [["column", "level", "aliases"], ["modality", "CBT", "VT"],
                ["modality", "talking", "CBT"]]  # fmt: skip
    studies = book(CODED, codebook=codebook)
    assert found(studies, "MA223") == ["codebook!B2"]
    assert [p.code for p in studies.errors] == ["MA223"]


def test_rows_of_one_level_in_the_codebook_add_up(book):
    rows = [["study", "r", "n", "modality"], ["A", 0.3, 40, "VT"], ["B", 0.3, 41, "KVT"]]
    codebook = [
        ["column", "level", "aliases"],
        ["modality", "CBT", "VT"],
        ["modality", "CBT", "KVT"],
    ]
    read = book(rows, codebook=codebook).rows
    assert [row.get("modality") for row in read] == ["CBT", "CBT"]


def test_codebook_declares_a_moderator(book):
    codebook = [["column", "level"], ["modality", "VT"], ["Zufriedenheit", None]]
    assert found(book(CODED, codebook=codebook), "MA205") == []


def test_codebook_names_a_header(book):
    rows = [["Autor", "Korrelation", "n"], ["A", 0.3, 40]]
    codebook = [["column", "header"], ["study", "Autor"], ["r", "Korrelation"]]
    assert book(rows, codebook=codebook).rows[0].get("r") == 0.3


def test_codebook_level_of_a_number(book):
    codebook = [["column", "level"], ["modality", "VT"], ["mean_age", "old"]]
    assert found(book(CODED, codebook=codebook), "MA215") == ["codebook!B3"]


# Configuration --------------------------------------------------------------------------


@pytest.fixture
def configured(tmp_path, csv_file):
    """Load a table with the text of a configuration file."""

    def load(text, table):
        path = tmp_path / "metaalliance.toml"
        path.write_text(text, encoding="utf-8")
        return ma.load_studies(csv_file(table), config=path)

    return load


GERMAN = "Autor,Korrelation,Stichprobe\nAdler,.3,40\n"
MAPPING = '[columns]\nstudy = "Autor"\nr = "Korrelation"\nn = "Stichprobe"\n'


def test_mapped_headers_are_read(configured):
    row = configured(MAPPING, GERMAN).rows[0]
    assert (row.study, row.get("r"), row.get("n")) == ("Adler", 0.3, 40)


def test_mapped_header_that_is_missing(configured):
    studies = configured(MAPPING + 'year = "Jahr"\n', GERMAN)
    assert found(studies, "MA213") == ["studies.csv!A1"]


WRONG = {
    "unknown section": "colums = 1\n",
    "unknown column": '[columns]\nstudi = "Autor"\n',
    "unknown setting": "[pool]\nmodell = 'che'\n",
    "no vocabulary": "[vocabulary.year]\nold = ['1990']\n",
    "unknown code": "[[ignore]]\ncode = 'MA999'\nreason = 'x'\n",
    "silenced error": "[[ignore]]\ncode = 'MA312'\nreason = 'x'\n",
    "silenced without reason": "[[ignore]]\ncode = 'MA504'\n",
    "no toml": "this is no toml",
    "wrong type": "[pool]\nlevel = 'high'\n",
    "truth for a number": "[pool]\nrho = true\n",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_wrong_configuration_is_an_option_error(configured, text):
    with pytest.raises(ma.OptionError):
        configured(text, GERMAN)


def test_missing_configuration_is_an_option_error(csv_file, tmp_path):
    with pytest.raises(ma.OptionError):
        ma.load_studies(csv_file(GERMAN), config=tmp_path / "nothing.toml")


SILENT = "[[ignore]]\ncode = 'MA504'\nreason = 'signs were aligned when coding'\n"


def test_silenced_warning_is_no_problem(configured):
    assert found(configured(SILENT, "study,r,n\nA,0.3,40\n"), "MA504") == []


def test_silenced_warning_is_kept_with_its_reason(configured):
    ((problem, reason),) = configured(SILENT, "study,r,n\nA,0.3,40\n").silenced
    assert (problem.code, reason) == ("MA504", "signs were aligned when coding")


# Formats of other programs --------------------------------------------------------------


NAMES = "urn:oasis:names:tc:opendocument:xmlns"
OPEN_DOCUMENT = (
    f'<office:document-content xmlns:office="{NAMES}:office:1.0" '
    f'xmlns:table="{NAMES}:table:1.0" xmlns:text="{NAMES}:text:1.0">'
    '<office:body><office:spreadsheet><table:table table:name="effects">{}</table:table>'
    "</office:spreadsheet></office:body></office:document-content>"
)


def open_row(*values):
    cells = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{v}</text:p></table:table-cell>'
        if isinstance(v, str)
        else f'<table:table-cell office:value-type="float" office:value="{v}"/>'
        for v in values
    )
    return f"<table:table-row>{cells}</table:table-row>"


@pytest.fixture
def open_document(tmp_path):
    path = tmp_path / "t.ods"
    rows = open_row("study", "r", "n") + open_row("A", 0.3, 40) + open_row("B", -0.2, 50)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", OPEN_DOCUMENT.replace("{}", rows))
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
    return ma.load_studies(path)


def test_open_document_keeps_its_values(open_document):
    assert [row.get("r") for row in open_document.rows] == [0.3, -0.2]


def test_open_document_shows_all(open_document):
    assert "MA112" not in [p.code for p in open_document.problems]
