"""What is missing, what is a level, and what is asked about."""

from __future__ import annotations

import pytest

import metaalliance as ma
from metaalliance.config import parse_config
from metaalliance.errors import OptionError
from metaalliance.moderation.level_means import levels_of


def values(studies, column):
    return [row.get(column) for row in studies.rows]


def codes(studies, severity="warning"):
    return [p.code for p in studies.problems if p.severity == severity and p.code != "MA504"]


def hint(studies, code):
    return next(p.hint for p in studies.problems if p.code == code)


WORDS = ["NA", "N/A", "n/a", "NR", "nr", "not reported", "k.A.", "keine Angabe", "n.v.t.",
         "non rapporté", "no informado", "n.d.", "Not available"]  # fmt: skip


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize(
    "column", ["setting", "diagnosis", "risk_of_bias", "own", "mean_age", "design"]
)
def test_missing_word_is_missing_in_every_column(load, cells, word, column):
    studies = load(f"study,r,n,{column}\nA,.3,40,{word}\nB,.2,40,{word}\n")
    assert values(studies, column) == [None, None]
    assert cells(studies, "MA310") == ["D2"]
    assert not studies.errors


def test_numbers_stay_numbers_beside_missing_words(load):
    studies = load("study,r,n,own\nA,.3,40,6\nB,.2,40,NR\nC,.2,40,none\nD,.2,40,?\nE,.1,40,12\n")
    assert values(studies, "own") == [6, None, None, None, 12]


def test_none_is_a_level_beside_words(load):
    studies = load("study,r,n,own\nA,.3,40,none\nB,.2,40,some\n")
    assert values(studies, "own") == ["none", "some"]


def test_levels_of_missing_words_do_not_exist(load):
    text = (
        "study,r,n,manual\nA,.30,50,yes\nB,.35,55,yes\nC,.42,40,yes\nD,.20,45,no\nE,.15,60,no\n"
        "F,.25,70,no\nG,-.05,80,NA\nH,.02,75,NR\nI,.05,90,n/a\n"
    )
    test = ma.moderators(ma.effect_sizes(load(text)), "manual")
    assert set(test.levels["level"]) == {"yes", "no"}
    assert test.omnibus["statistic"] == pytest.approx(10.75485, abs=1e-5)
    assert test.omnibus["p_value"] == pytest.approx(0.03052, abs=1e-5)


@pytest.mark.parametrize("marks", [("+", "-", "?"), ("++", "-", "."), ("-", "?", "-")])
@pytest.mark.parametrize("column", ["risk_of_bias", "own"])
def test_marks_of_a_rating_are_levels(load, column, marks):
    rows = "".join(f"S{i},.3,40,{mark}\n" for i, mark in enumerate(marks))
    assert values(load(f"study,r,n,{column}\n{rows}"), column) == list(marks)


@pytest.mark.parametrize("mark", ["-", "?", ".", "–"])
@pytest.mark.parametrize("column", ["setting", "diagnosis", "own"])
def test_mark_beside_words_is_missing(load, column, mark):
    studies = load(f"study,r,n,{column}\nA,.3,40,clinic\nB,.2,40,{mark}\n")
    assert values(studies, column)[1] is None


def test_question_mark_beside_low_and_high_risk_is_a_rating(load):
    studies = load("study,r,n,risk_of_bias\nA,.3,40,low\nB,.2,40,?\nC,.2,40,-\n")
    assert values(studies, "risk_of_bias") == ["low", "?", None]


@pytest.mark.parametrize("mark", ["?", "."])
def test_mark_is_no_sign(load, errors, mark):
    assert errors(load(f"study,F,n,df1,sign\nA,4,40,1,{mark}\n")) == [("MA331", "E2")]


@pytest.mark.parametrize("column", ["study", "label", "sample", "country"])
def test_name_that_reads_like_a_missing_value_is_kept_and_asked_about(load, cells, column):
    row = {"study": "A", "r": ".3", "n": "40"} | {column: "NA"}
    studies = load(
        ",".join(row) + "\n" + ",".join(row.values()) + "\nB" + "," * (len(row) - 1) + "\n"
    )
    assert values(studies, column)[0] == "NA"
    assert len(cells(studies, "MA515")) == 1


def read(load, text, **config):
    return load(text, config=parse_config(config))


def test_declared_words_are_missing_everywhere_but_in_names(load):
    text = "study,r,n,setting,own,mean_age\n999,.3,40,999,999,999\nB,.2,40,clinic,4,30\n"
    studies = read(load, text, missing=["999", "k.A."])
    assert [values(studies, c)[0] for c in ("study", "setting", "own", "mean_age")] == [
        "999", None, None, None,
    ]  # fmt: skip
    assert values(studies, "own")[1] == 4


def test_words_may_be_declared_for_one_column(load):
    text = "study,r,n,own,country\nA,.3,40,9,9\nB,.2,9,4,NA\n"
    studies = read(load, text, missing={"own": [9], "country": ["NA"]})
    assert (values(studies, "own"), values(studies, "n")) == ([None, 4], [40, 9])
    assert values(studies, "country") == ["9", None]


def test_word_for_a_column_that_is_not_there_is_warned_of(load):
    assert "MA335" in codes(read(load, "study,r,n\nA,.3,40\n", missing={"owm": ["9"]}))


@pytest.mark.parametrize("value", ["999", [True], {"own": "9"}])
def test_missing_of_another_kind_is_refused(value):
    with pytest.raises(OptionError, match="missing"):
        parse_config({"missing": value})


# Levels ---------------------------------------------------------------------------------------

OPEN = ["design", "modality", "setting", "delivery", "format", "population", "alliance_rater",
        "alliance_time", "alliance_subscale", "outcome_rater", "outcome_domain", "outcome_time",
        "source", "reliability_source"]  # fmt: skip


@pytest.mark.parametrize("column", OPEN)
def test_unknown_level_is_kept_with_one_warning(load, cells, column):
    studies = load(f"study,r,n,{column}\nA,.3,40,zzz\nB,.2,40,yyy\nC,.2,40,zzz\n")
    assert values(studies, column) == ["zzz", "yyy", "zzz"]
    assert cells(studies, "MA334") == ["D2"]
    (message,) = (p.message for p in studies.problems if p.code == "MA334")
    assert "'zzz' (2)" in message
    assert "'yyy' (1)" in message


CLOSED = {"outcome_direction": "up", "alliance_direction": "up", "include": "perhaps",
          "estimand": "overall"}  # fmt: skip


@pytest.mark.parametrize(("column", "value"), CLOSED.items())
def test_unknown_value_that_decides_is_an_error(load, errors, column, value):
    assert errors(load(f"study,r,n,{column}\nA,.3,40,{value}\n")) == [("MA331", "D2")]


@pytest.mark.parametrize(
    ("column", "value", "asked"),
    [("modality", "psychodynamc", "psychodynamic"), ("alliance_rater", "clinet", "client"),
     ("outcome_domain", "remmission", "remission"), ("outcome_domain", "dropouts", "dropout"),
     ("outcome_domain", "retenton", "retention"), ("outcome_domain", "sympton", "symptom"),
     ("setting", "outpatiënt", "outpatient"), ("design", "cohrt", "cohort")],
)  # fmt: skip
def test_slip_of_one_letter_is_asked_about(load, column, value, asked):
    assert f"{asked!r} for {value!r}" in hint(
        load(f"study,r,n,{column}\nA,.3,40,{value}\n"), "MA334"
    )


KEPT = {
    "design": ["RCT", "quasi-experimental", "naturalistic", "cohort", "open trial", "non-RCT",
               "observational", "case-control"],
    "format": ["individual", "group", "day group", "individual and group"],
    "diagnosis": ["other", "mixed", "adjustment disorder"],
    "setting": ["prison", "home", "other", "military"],
    "delivery": ["internet", "chat", "by post", "other"],
    "source": ["journal", "conference", "registry", "other"],
}  # fmt: skip


@pytest.mark.parametrize("column", KEPT)
def test_no_level_is_merged_into_other(load, column):
    rows = "".join(f"S{i},.3,40,{level}\n" for i, level in enumerate(KEPT[column]))
    studies = load(f"study,r,n,{column}\n{rows}")
    assert values(studies, column) == KEPT[column]
    assert list(ma.effect_sizes(studies).frame[column]) == KEPT[column]


#: Names that were once taken for another level; None are read as no level, and nothing is proposed.
ONCE_WRONG = [
    ("modality", "MBT", "psychodynamic"), ("modality", "FFT", "systemic"),
    ("modality", "MST", "systemic"), ("modality", "PST", "CBT"),
    ("modality", "psychoeducation", "other"), ("modality", "12-step", None),
    ("modality", "compassion focused", "third-wave"),
    ("modality", "cognitive analytic therapy", "integrative"),
    ("modality", "metacognitive therapy", "third-wave"),
    ("modality", "brief relational therapy", None), ("modality", "narrative therapy", None),
    ("modality", "art therapy", None), ("modality", "hypnotherapy", None),
    ("modality", "solution-focused", None), ("alliance_rater", "coder", "observer"),
    ("alliance_rater", "supervisor", None), ("alliance_rater", "both", None),
    ("alliance_time", "last session", "late"), ("delivery", "telehealth", None),
    ("outcome_domain", "readmission", "readmission"), ("outcome_domain", "emission", None),
    ("outcome_domain", "re-admission", "readmission"), ("outcome_domain", "ill-being", None),
    ("outcome_domain", "incompletion", None), ("outcome_domain", "inattendance", None),
    ("outcome_domain", "intention", None), ("outcome_domain", "detention", None),
    ("outcome_domain", "unsatisfaction", None), ("design", "controlled", None),
    ("modality", "experimental", None), ("modality", "interactive", None),
    ("modality", "systematic", None), ("adjusted_for", "no baseline", None),
    ("alliance_time", "session 10", None), ("alliance_time", "session 2", "early"),
    ("alliance_time", "session 6", None), ("alliance_subscale", "relationship", None),
    ("modality", "TAU", "mixed"), ("setting", "hospital", None),
    ("modality", "ERP", "CBT"), ("modality", "CBT-I", "CBT"), ("modality", "DIT", "psychodynamic"),
    ("modality", "LTPP", "psychodynamic"), ("modality", "FAP", "third-wave"),
    ("modality", "SFBT", None), ("delivery", "officer", None), ("alliance_rater", "patent", None),
]  # fmt: skip


@pytest.mark.parametrize(("column", "value", "level"), ONCE_WRONG)
def test_a_name_is_read_as_its_own_level_or_proposed_as_none(load, column, value, level):
    studies = load(f"study,r,n,{column}\nA,.3,40,{value}\n")
    assert values(studies, column) == [level or value]
    assert ("MA334" in codes(studies)) == (level is None)
    if level is None:
        assert hint(studies, "MA334") == ""


#: A word of a closed column is proposed by its letters alone, too.
@pytest.mark.parametrize(
    ("column", "value", "proposed"),
    [("outcome_direction", "lower_beter", "did you mean 'lower_better'?"),
     ("estimand", "patient-level", "")],
)  # fmt: skip
def test_unknown_value_that_decides_is_proposed_by_its_letters(load, column, value, proposed):
    assert hint(load(f"study,r,n,{column}\nA,.3,40,{value}\n"), "MA331") == proposed


NAMES_OF_LEVELS = [
    ("modality", "CBT", ["REBT", "CPT", "TF-CBT", "BA", "problem-solving therapy"]),
    ("modality", "psychodynamic", ["TFP", "ISTDP", "PFPP", "psychodynamic psychotherapy"]),
    ("modality", "systemic", ["ABFT", "MDFT", "marital therapy", "emotionally focused therapy"]),
    ("modality", "third-wave", ["ACT", "MBSR", "MCT", "CBASP", "mindfulness-based therapy"]),
    ("modality", "other", ["EMDR"]),
    ("alliance_rater", "parent", ["parent", "caregiver", "Mother"]),
    ("alliance_rater", "observer", ["judge", "evaluator"]),
    ("outcome_rater", "client", ["client-rated", "adolescent"]),
    ("alliance_measure", "WAI-S", ["WAI-12", "WAI-S-T", "WAI-SF"]),
    ("alliance_measure", "TASC", ["TASC-r", "TASC-C"]),
    ("alliance_measure", "SOFTA", ["SOFTA-o", "SOFTA-s"]),
    ("alliance_measure", "STAR", ["Scale To Assess Therapeutic Relationships"]),
    ("alliance_measure", "CALTARS", ["CALTRAS"]),
    ("outcome_measure", "HRSD", ["HAM-D", "Hamilton Depression"]),
    ("outcome_measure", "SCL-90-R", ["SCL-90 GSI", "SCL-90-R (GSI)"]),
    ("outcome_measure", "BSI", ["BSI GSI"]),
    ("outcome_measure", "FNE", ["BFNE", "Fear of Negative Evaluation Scale"]),
]  # fmt: skip


@pytest.mark.parametrize(("column", "level", "names"), NAMES_OF_LEVELS)
def test_names_of_the_field_are_read_as_their_level(load, column, level, names):
    rows = "".join(f"S{i},.3,40,{name}\n" for i, name in enumerate(names))
    assert values(load(f"study,r,n,{column}\n{rows}"), column) == [level] * len(names)


SEVERAL = [
    ("modality", "EFT", "emotion-focused therapy (humanistic)"),
    ("modality", "PE", "process-experiential therapy (humanistic)"),
    ("modality", "cft", "couple and family therapy (systemic)"),
    ("delivery", "Teletherapy", "telephone"),
    ("alliance_measure", "PHA", "HAcs"),
    ("outcome_measure", "Hamilton", "Hamilton Anxiety (higher is worse)"),
    *(("outcome_measure", name, part)
      for name, part in {"DAS": "Dyadic Adjustment Scale (higher is better)", "SDS": "Sheehan",
                         "GAS": "Goal Attainment", "SAS": "Zung", "ASI": "Anxiety Sensitivity",
                         "PSS": "Perceived Social Support",
                         "BES": "Body Esteem Scale (higher is better)",
                         "IES": "Intuitive Eating Scale (higher is better)",
                         "EQ-5D sum": "EQ-5D level sum score (higher is worse)",
                         "CBCL": "competence (higher is better)",
                         "SDQ": "prosocial (higher is better)", "GSI": "BSI",
                         "YSR": "competence (higher is better)",
                         "Teacher's Report Form": "TRF adaptive functioning",
                         "ACQ": "Anxiety Control Questionnaire (higher is better)",
                         "BSQ": "Body Shape Questionnaire (higher is worse)",
                         "CSQ": "Cognitive Style Questionnaire (higher is worse)",
                         "SPS": "Social Provisions Scale (higher is better)"}.items()),
]  # fmt: skip


@pytest.mark.parametrize(("column", "value", "meaning"), SEVERAL)
def test_name_with_several_meanings_is_kept_and_asked_about(load, column, value, meaning):
    studies = load(f"study,r,n,{column}\nA,.3,40,{value}\nB,.2,40,{value}\n")
    assert values(studies, column) == [value, value]
    assert codes(studies) == ["MA355"]
    assert meaning in hint(studies, "MA355")


def test_the_team_says_what_a_name_means(load):
    text = "study,r,n,modality\nA,.3,40,EFT\nB,.2,40,BA\n"
    own = {"humanistic": ["EFT"], "third-wave": ["BA"]}
    studies = read(load, text, vocabulary={"modality": own})
    assert values(studies, "modality") == ["humanistic", "third-wave"]
    assert "MA355" not in codes(studies)


@pytest.mark.parametrize(("name", "asked"), [("CBCL total", "CBCL"), ("SDQ total score", "SDQ")])
def test_total_is_asked_about_like_the_instrument(load, name, asked):
    studies = load(f"study,r,n,outcome_measure\nA,.3,40,{name}\n")
    assert values(studies, "outcome_measure") == [name]
    assert hint(studies, "MA355").startswith(f"{asked} may be ")


def test_a_level_that_the_team_puts_under_another_moves_with_all_its_names(load):
    text = "study,r,n,modality\nA,.3,40,CBT\nB,.2,40,REBT\nC,.2,40,interpersonal\nD,.1,40,DBT\n"
    names = {"talking": ["CBT", "IPT", "cognitive therapy"]}
    studies = read(load, text, vocabulary={"modality": names})
    assert values(studies, "modality") == ["talking", "talking", "talking", "third-wave"]
    assert not {"CBT", "IPT"} & set(studies.level_orders["modality"])


def test_the_team_may_take_some_names_of_a_level_that_it_moves(load):
    text = "study,r,n,modality\nA,.3,40,CBT\nB,.2,40,REBT\n"
    own = {"talking": ["CBT"], "rational": ["REBT"]}
    assert values(read(load, text, vocabulary={"modality": own}), "modality") == [
        "talking", "rational",
    ]  # fmt: skip


TWICE = [
    ("modality", {"talking": ["CBT"], "CBT": ["KVT"]}),
    ("modality", {"talking": ["KVT"], "other": ["KVT"]}),
    ("own", {"high": ["3"], "low": ["3"]}),
]


@pytest.mark.parametrize(("column", "own"), TWICE)
def test_a_name_under_two_levels_is_refused(load, column, own):
    text = f"study,r,n,{column}\nA,.3,40,CBT\n"
    with pytest.raises(OptionError, match="a name stands for one level"):
        read(load, text, vocabulary={column: own}, moderators=["own"])


@pytest.mark.parametrize(
    ("column", "own"),
    [("outcome_direction", {"lower_better": ["higher_better"]}), ("include", {"yes": ["no"]}),
     ("sign", {"+": ["-"]})],
)  # fmt: skip
def test_a_level_that_decides_is_moved_under_no_other(load, column, own):
    with pytest.raises(OptionError, match="keeps its name"):
        read(load, "study,r,n\nA,.3,40\n", vocabulary={column: own})


def test_instruments_are_not_asked_about(load):
    text = "study,r,n,outcome_measure,alliance_measure\nA,.3,40,BSI-53,WAI-X\n"
    assert codes(load(text)) == []


@pytest.mark.parametrize("name", ["design", "Design", "Study design"])
def test_own_moderator_keeps_its_name(load, name):
    text = f"study,r,n,{name}\nA,.3,40,cross-sectional\nB,.2,50,longitudinal\nC,.2,50,experiment\n"
    studies = read(load, text, moderators=[name])
    assert ma.effect_sizes(studies).moderators == (name,)
    assert values(studies, name) == ["cross-sectional", "longitudinal", "experiment"]


@pytest.mark.parametrize("pair", [("Yes", "yes"), ("two words", "twowords"), ("ﬁve", "five")])
@pytest.mark.parametrize("column", ["own", "diagnosis", "outcome_measure"])
def test_levels_that_look_alike_are_reported_and_kept(load, column, pair):
    studies = load(f"study,r,n,{column}\nA,.3,40,{pair[0]}\nB,.2,50,{pair[1]}\n")
    assert values(studies, column) == list(pair)
    assert "MA518" in codes(studies)


def test_vocabulary_of_the_team_merges_levels_of_its_own_column(load):
    text = "study,r,n,own\nA,.3,40,Yes\nB,.2,50,yes\nC,.2,50,no\n"
    studies = read(load, text, moderators=["own"], vocabulary={"own": {"yes": ["Yes"], "no": []}})
    assert values(studies, "own") == ["yes", "yes", "no"]
    assert codes(studies) == []


def test_clinician_who_rates_the_outcome_is_asked_about(load, cells):
    text = (
        "study,r,n,outcome_rater,alliance_rater\nA,.3,40,clinician,clinician\n"
        "B,.2,50,clinician-rated,client\n"
    )
    studies = load(text)
    assert values(studies, "outcome_rater") == ["clinician", "clinician"]
    assert values(studies, "alliance_rater") == ["therapist", "client"]
    assert cells(studies, "MA516") == ["D2"]


# Order ----------------------------------------------------------------------------------------


def levels_in(studies, name):
    fit = ma.moderators(ma.effect_sizes(studies), name, min_studies=1)
    return list(fit.levels["level"])


def sheet_of(name, levels):
    rows = [f"S{i}{k},.{i + 1}{k},40,{level}\n" for i, level in enumerate(levels) for k in (1, 2)]
    return f"study,r,n,{name}\n{''.join(rows)}S99,.2,50,{levels[0]}\n"


def test_levels_come_in_the_order_of_the_vocabulary(load):
    text = sheet_of("alliance_time", ["late", "averaged", "mid", "early"])
    assert levels_in(load(text), "alliance_time") == ["early", "mid", "late", "averaged"]


def test_numbered_levels_come_by_number(load):
    text = sheet_of("own", ["3 high", "10 unclear", "1 low"])
    assert levels_in(load(text), "own") == ["1 low", "3 high", "10 unclear"]


def test_levels_come_in_the_order_of_the_configuration(load):
    vocabulary = {"own": {"weak": [], "strong": [], "medium": []}}
    text = sheet_of("own", ["medium", "strong", "weak"])
    studies = read(load, text, moderators=["own"], vocabulary=vocabulary)
    assert levels_in(studies, "own") == ["weak", "strong", "medium"]


def test_numbers_as_groups_of_a_figure(load):
    text = sheet_of("own", ["100", "8", "12", "6"])
    assert levels_of(ma.effect_sizes(load(text)), "own") == ["6", "8", "12", "100"]


@pytest.mark.parametrize("column", ["outcome_direction", "alliance_direction"])
@pytest.mark.parametrize(
    ("said", "level"), [("higher", "higher_better"), ("Lower", "lower_better")]
)
def test_half_a_direction_is_asked_about_and_never_guessed(load, column, said, level):
    studies = load(f"study,r,n,{column}\nA,.3,40,{said}\nB,.2,40,{level}\n")
    assert values(studies, column) == [None, level]
    assert codes(studies, "error") == ["MA331"]
    assert hint(studies, "MA331") == f"did you mean '{level}'?"


def test_a_study_called_by_a_question_mark_is_kept_and_asked_about(load, cells):
    studies = load("study,r,n\n?,.3,40\nB,.2,40\n")
    assert values(studies, "study") == ["?", "B"]
    assert cells(studies, "MA515") == ["A2"]
    assert not studies.errors
