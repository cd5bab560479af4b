"""Sheets in the manner of other houses, from `init` to `pool`, with the lines that are touched.

What is right is written beside each in the columns of the specification.
"""

from __future__ import annotations

from collections import Counter

import pytest

R = """study|n|r
Ames 2001|120|.25
Boll 2004|90|.20
Crane 2010|140|.30
Dorn 2012|70|.10
Esch 2015|77|.15"""
#: The same studies as Fisher's z.
Z = """study|n|fisher_z
Ames 2001|120|.2554
Boll 2004|90|.2027
Crane 2010|140|.3095
Dorn 2012|70|.1003
Esch 2015|77|.1511"""
MEANS = """study|mean1|sd1|n1|mean2|sd2|n2
Ames 2001|10.2|3.1|60|8.9|3.0|62
Boll 2004|11.5|2.8|45|10.6|2.9|44
Crane 2010|9.9|3.3|70|8.8|3.2|71"""
G = """study|g|n1|n2
Ames 2001|.42|60|62
Boll 2004|.31|45|44
Crane 2010|.33|70|71"""
COUNTS = """study|cell_a|cell_b|cell_c|cell_d
Ames 2001|40|20|28|34
Boll 2004|25|20|18|26
Crane 2010|45|25|36|35"""

EVENTS = """study|events1|total1|events2|total2
Ames 2001|40|60|28|62
Boll 2004|25|45|18|44
Crane 2010|45|70|36|71"""
#: Effects with their standard errors, without n.
Z_SE = """study|yi|sei|yi_measure
Ames 2001|.2554|.0925|z
Boll 2004|.2027|.1072|z
Crane 2010|.3095|.0854|z"""
G_SE = Z_SE.replace("|z", "|g")
G_VI = """study|yi|vi|yi_measure
Ames 2001|.42|.0324|g
Boll 2004|.31|.0441|g
Crane 2010|.33|.0289|g"""
OR_SE = """study|log_odds_ratio|se
Ames 2001|1.41|.39
Boll 2004|.22|.43
Crane 2010|.65|.24"""


def scaled(headers: str, body: str) -> str:
    """A table without its last column, under other headers."""
    rows = [row.rsplit("|", 1)[0] for row in body.splitlines()[1:]]
    return "\n".join([headers, *rows])


def headed(headers: str, body: str = R, *, more: str = "") -> str:
    """The rows of a table under other headers, with further cells before each."""
    rows = body.splitlines()[1:]
    return "\n".join([headers, *(f"{more.format(i)}{row}" for i, row in enumerate(rows, start=1))])


#: Name: the sheet, what is right, the changes of a person.
SHEETS = {
    "metafor ri ni": (headed("slab|ni|ri"), R, ()),
    "metafor ZCOR with n": ("""study|yi|vi|ni
Ames 2001|.2554|.008547|120
Boll 2004|.2027|.011494|90
Crane 2010|.3095|.007299|140
Dorn 2012|.1003|.014925|70""", headed("study|n|fisher_z", Z).rsplit("\n", 1)[0], ()),
    "metafor m1i": (headed("study|m1i|sd1i|n1i|m2i|sd2i|n2i", MEANS), MEANS, ()),
    "metafor ai bi ci di": (headed("study|ai|bi|ci|di", COUNTS), COUNTS, ()),
    "meta metacor": (headed("studlab|n|cor"), R, ()),
    "meta metacont": (headed("study|mean.e|sd.e|n.e|mean.c|sd.c|n.c", MEANS), MEANS, ()),
    "meta short names": (headed("study|Me|Se|Ne|Mc|Sc|Nc", MEANS), MEANS, ()),
    "meta TE seTE with n": ("""studlab|TE|seTE|n
Ames 2001|.2554|.09245|120
Boll 2004|.2027|.10721|90
Crane 2010|.3095|.08544|140
Dorn 2012|.1003|.12217|70""", headed("study|n|fisher_z", Z).rsplit("\n", 1)[0], ()),
    "metapsyTools .g": (headed("study|.g|n_arm1|n_arm2", G), G, ()),
    "metapsyTools raw": (
        headed("study|mean_arm1|sd_arm1|n_arm1|mean_arm2|sd_arm2|n_arm2", MEANS), MEANS, ()),
    "dmetar tMean": (headed("Author|tMean|tSD|tN|cMean|cSD|cN", MEANS), MEANS, ()),
    "psymetadata z": (headed("Author|Sample.size|es.z", Z), Z, ()),
    "psymetadata effectsizeID": (headed("effectsizeID|study|n|r", more="{}|"), R, ()),
    "REDCap": (headed("record_id|study_author|sample_n|r_total", more="{}|"), R, ()),
    "Covidence": (headed("Covidence #|Study ID|Sample size|Correlation (r)", more="#{}|"), R, ()),
    "SPSS": (headed("STUDYNAME|NTOTAL|RXY"), R, ()),
    "R row names": (headed("|author|n|r", more="{}|"), R, ()),
    "R X": (headed("X|author|n|r", more="{}|"), R, ()),
    "tibble ...1": (headed("...1|study|N_analyzed|r", more="{}|"), R, ()),
    "pandas": (headed("Unnamed: 0|study|n|r", more="{}|"), R, ()),
    "CMA": (headed("Study name|Sample size|Correlation"), R, ()),
    "N (final) beside N (enrolled)": (
        headed("N (enrolled)|study|N (final)|r", more="20{}|"), R, ()),
    "errors, limits, p and weight beside r": ("""study|n|r_se|var_r|r_lower|r_upper|pval|weight|r
Ames 2001|120|.09|.0081|.07|.41|.006|12.1|.25
Boll 2004|90|.10|.0102|-.01|.39|.058|9.8|.20
Crane 2010|140|.08|.0066|.14|.44|.001|14.0|.30
Dorn 2012|70|.12|.0140|-.14|.33|.41|7.0|.10
Esch 2015|77|.11|.0128|-.08|.36|.19|7.7|.15""", R, ()),
    "limits of g": ("""study|g|g_LL|g_UL|n1|n2
Ames 2001|.42|.06|.78|60|62
Boll 2004|.31|-.11|.73|45|44
Crane 2010|.33|.00|.66|70|71""", G, ()),
    "sentences as headers": (
        headed("First author (year)|Total N analysed|Pearson's r between alliance and outcome"),
        R, ()),
    "German": (headed("Studie|Stichprobengröße|Korrelation"), R, ()),
    "German authors": (headed("Autoren|Fallzahl|Korrelationskoeffizient"), R, ()),
    "German groups": (headed("Studie|MW_EG|SD_EG|n_EG|MW_KG|SD_KG|n_KG", MEANS), MEANS, ()),
    "Dutch": (headed("Auteurs|Steekproefgrootte|Correlatie"), R, ()),
    "French": (headed("Étude|Taille de l'échantillon|Corrélation"), R, ()),
    "French groups": (
        headed("Étude|moyenne_exp|ET_exp|n_exp|moyenne_ctrl|ET_ctrl|n_ctrl", MEANS), MEANS, ()),
    "Spanish": (headed("Autores|Tamaño de la muestra|Correlación"), R, ()),
    "Italian": (headed("Autori|Numerosità campione|Correlazione"), R, ()),
    "Italian groups": (
        headed("Studio|Media_sperimentale|DS_sperimentale|N_sperimentale|Media_controllo|"
               "DS_controllo|N_controllo", MEANS), MEANS, ()),
    "metapsyTools events": (
        headed("study|event_arm1|totaln_arm1|event_arm2|totaln_arm2", EVENTS), EVENTS, ()),
    "meta metabin": (headed("studlab|event.e|n.e|event.c|n.c", EVENTS), EVENTS, ()),
    "metafor ai n1i ci n2i": (headed("study|ai|n1i|ci|n2i", EVENTS), EVENTS, ()),
    "metadat tpos tneg": (headed("trial|tpos|tneg|cpos|cneg", COUNTS), COUNTS, ()),
    "z and its error without n": (scaled("study|es.z|se.z", Z_SE), Z_SE, ()),
    "g and its variance without n": (scaled("study|g|var_g", G_VI), G_VI, ()),
    "log odds ratio and its error": (headed("author|logOR|SElogOR", OR_SE), OR_SE, ()),
    "dmetar TE seTE without n": (
        scaled("Author|TE|seTE", G_SE), G_SE, (('# yi_measure = "z"', 'yi_measure = "g"'),)),
    "JASP": (scaled("Study|Effect size|Standard error", Z_SE), Z_SE, (
        ("# yi =", "yi ="), ("# sei =", "sei ="), ("# yi_measure =", "yi_measure ="))),
    "yi beside g": ("""study|g_i|yi|vi
Ames 2001|.42|.42|.0324
Boll 2004|.31|.31|.0441
Crane 2010|.33|.33|.0289""", G_VI, ()),
    "author, year and a number of the study": ("""study_id|author|year|n|r
1|Ames|2001|120|.25
2|Ames|2004|90|.20
3|Crane|2010|140|.30
4|Dorn|2012|70|.10
5|Esch|2015|77|.15""", R, ()),
    "kind of publication beside author": ("""study_id|author|pub_type|publication|year|n|r
1|Ames|journal|published|2001|120|.25
2|Boll|book|published|2004|90|.20
3|Crane|journal|unpublished|2010|140|.30
4|Dorn|journal|published|2012|70|.10
5|Esch|journal|published|2015|77|.15""", R, ()),
    "German authors and years": ("""Autoren|Jahr|Stichprobe (N)|Effektstärke r|p-Wert
Ames|2001|120|.25|.006
Ames|2004|90|.20|.058
Crane|2010|140|.30|.001
Dorn|2012|70|.10|.41
Esch|2015|77|.15|.19""", R, ()),
    "deviations of years": ("""study|year|n|r
Ames 2001|-8.2|120|.25
Boll 2004|-5.2|90|.20
Crane 2010|.8|140|.30
Dorn 2012|2.8|70|.10
Esch 2015|5.8|77|.15""", R, ()),
    "a bare identifier": (headed("ID|n|r"), R, ()),
    "r of letters": ("""study|r|n|cor
Ames 2001|client|120|.25
Boll 2004|therapist|90|.20
Crane 2010|client|140|.30
Dorn 2012|client|70|.10
Esch 2015|observer|77|.15""", R, ()),
    "z with its variance": ("""study|n|z|vz
Ames 2001|120|.2554|.008547
Boll 2004|90|.2027|.011494
Crane 2010|140|.3095|.007299
Dorn 2012|70|.1003|.014925
Esch 2015|77|.1511|.013514""", Z, ()),
    "a bare z": (headed("study|n|z", Z), Z, (("# fisher_z =", "fisher_z ="),)),
    "a column that only its values speak for": (
        headed("study|n|strength"), R, (("# r =", "r ="),)),
}  # fmt: skip


@pytest.mark.parametrize(("text", "right", "changes"), SHEETS.values(), ids=SHEETS)
def test_a_sheet_comes_from_init_to_pool(sheet, take, truth, text, right, changes):
    taken = take(sheet(text), changes)
    assert taken.r == pytest.approx(truth(right), abs=1e-5)  # variances are rounded to six decimals


@pytest.mark.parametrize("name", ["German", "Dutch", "French", "Spanish", "Italian"])
def test_a_sheet_with_decimal_commas(sheet, take, truth, name):
    text, right, changes = SHEETS[name]
    taken = take(sheet(text, comma=True), changes)
    assert taken.r == pytest.approx(truth(right), abs=1e-5)  # variances are rounded to six decimals


def test_most_sheets_need_no_hand():
    touched = Counter(len(changes) for _, _, changes in SHEETS.values())
    assert touched[0] >= 2 * len(SHEETS) / 3
    assert max(touched) <= 3
