"""What the text says of good and of awkward results, and what it must not say."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from metaalliance.analysis.content import (
    bias_results,
    default_moderators,
    moderator_results,
)
from metaalliance.analysis.influence import without_each_study
from metaalliance.report.manuscript.bibliography import BIBLIOGRAPHY, bibtex
from metaalliance.report.manuscript.compose import compose_report
from metaalliance.report.manuscript.prose import Prose, prose
from metaalliance.report.sections.bias import bias_section
from metaalliance.report.sections.influence import influence_section
from metaalliance.report.sections.moderators import moderators_section
from metaalliance.report.sections.pooling import heterogeneity_prose, mean_text, pooling_section
from metaalliance.report.sections.study_table import characteristics_table

RNG = np.random.default_rng(8)
V = np.full(12, 0.02)


pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")


def effects_around(mean, spread=0.15, k=12):
    return mean + spread * np.linspace(-1, 1, k)


def text_of(section):
    blocks = (*section.methods, *section.results)
    return " ".join(block.plain() for block in blocks if isinstance(block, Prose))


def test_positive_mean(evidence_of):
    text = mean_text(evidence_of(effects_around(0.3), V).fit).plain()
    assert "the pooled correlation was r = .29, 95% CI [" in text
    assert "a better alliance went with a better outcome" in text
    assert "includes zero" not in text


def test_null_mean_is_neither_presence_nor_absence(evidence_of):
    text = mean_text(evidence_of(effects_around(0.01), V).fit).plain()
    assert "The confidence interval includes zero" in text
    assert "neither that the alliance is associated with outcome nor that it is not" in text
    assert "better outcome" not in text


@pytest.mark.parametrize(
    ("estimand", "name", "reading"),
    [
        ("within_patient", "within patients", "better than usual for this patient"),
        ("between_patient", "between patients", "patients whose alliance was better"),
        ("between_therapist", "between therapists", "therapists whose patients"),
    ],
)
def test_mean_is_read_as_its_estimand(evidence_of, estimand, name, reading):
    evidence = evidence_of(effects_around(0.3), V, moderators={"estimand": [estimand] * 12})
    assert reading in mean_text(evidence.fit).plain()
    assert f"associations {name}" in text_of(pooling_section(evidence))
    assert f"Estimand: association {name}" in evidence.fit.summary()


def test_numbers_stand_in_their_order(evidence_of):
    years = [2015.0] * 6 + [1998.0] * 2 + [2020.0] * 3 + [np.nan]
    evidence = evidence_of(effects_around(0.3), V, moderators={"year": years})
    table = characteristics_table(replace(evidence, characteristics=("year",)))
    assert [row["level"] for row in table.rows] == ["1998", "2015", "2020", "not reported"]


def test_negative_mean_says_so_and_warns_the_authors(evidence_of):
    evidence = evidence_of(effects_around(-0.3), V)
    assert (
        "better alliance went, on average, with a worse outcome" in mean_text(evidence.fit).plain()
    )
    points = " ".join(p.plain() for p in compose_report(evidence).attention)
    assert "Check outcome_direction" in points


def test_zero_heterogeneity_is_no_homogeneity(evidence_of):
    text = heterogeneity_prose(evidence_of(effects_around(0.3, 0.01), V).fit).plain()
    assert "estimated as zero" in text
    assert "does not show that the true effects are equal" in text


def test_prediction_interval_that_includes_zero(evidence_of):
    text = heterogeneity_prose(evidence_of(effects_around(0.4, 0.6), V).fit).plain()
    assert "Although the mean differs from zero, the interval includes zero" in text


def test_one_study_has_no_heterogeneity(evidence_of):
    evidence = evidence_of([0.3], [0.02])
    text = heterogeneity_prose(evidence.fit).plain()
    assert text.startswith("Heterogeneity cannot be estimated from one study")
    assert "tau" not in text
    document = compose_report(evidence)
    assert not [s for s in document.sections if s.key in {"bias", "moderators", "influence"}]


def test_few_studies(evidence_of):
    evidence = evidence_of([0.3, 0.1, 0.4], [0.02, 0.03, 0.01])
    assert "With only three studies" in heterogeneity_prose(evidence.fit).plain()
    text = text_of(bias_section(evidence.fit, bias_results(evidence.fit)))
    assert "can hardly tell bias from chance" in text


def test_guard_of_knapp_and_hartung_is_reported(evidence_of):
    evidence = evidence_of(effects_around(0.3, 0.02), V, test="knapp-hartung-adhoc")
    assert evidence.fit.guard_acted
    assert "the modification acted" in mean_text(evidence.fit).plain()
    assert "Röver et al., 2015" in text_of(pooling_section(evidence))


def test_identical_effects(evidence_of):
    text = mean_text(evidence_of([0.3] * 5, [0.02] * 5).fit).plain()
    assert "The effects do not differ at all" in text


def test_few_degrees_of_freedom(evidence_of):
    study = np.repeat(["A", "B", "C"], 2)
    evidence = evidence_of(effects_around(0.3, k=6), np.full(6, 0.02), study=study)
    assert evidence.fit.df < 4
    assert "not trustworthy" in mean_text(evidence.fit).plain()


@pytest.mark.parametrize(
    ("options", "says", "not_says"),
    [
        ({"model": "common-effect"}, "assumes one true effect", "random effects for"),
        ({"tau2": "DL"}, "DerSimonian and Laird (1986)", "restricted"),
        ({"tau2": "PM", "test": "wald"}, "Paule and Mandel (1982)", "Knapp"),
        ({"prediction": "riley"}, "k − 2 degrees of freedom", "those of the test"),
        ({"test": "knapp-hartung"}, "Knapp and Hartung (2003)", "Röver"),
    ],
)
def test_methods_name_what_was_done(evidence_of, options, says, not_says):
    text = text_of(pooling_section(evidence_of(effects_around(0.3), V, **options)))
    assert says in text
    assert not_says not in text


def test_dependent_effects_name_model_and_rho(evidence_of):
    study = np.repeat([f"S{i}" for i in range(6)], 2)
    text = text_of(pooling_section(evidence_of(effects_around(0.3), V, study=study, rho=0.7)))
    assert "Because 6 of 6 studies contributed more than one effect" in text
    assert "ρ = .70" in text
    assert "CR2" in text


def test_nothing_is_claimed_that_was_not_computed(evidence_of):
    document = compose_report(evidence_of(effects_around(0.3), V))
    text = " ".join(block.plain() for block in document.blocks() if isinstance(block, Prose))
    for word in ("moderator", "bias", "Egger", "without each study", "risk of bias", "PRISMA"):
        assert word.lower() not in text.lower()
    cited = {work.key for work in document.works()}
    assert not cited & {"egger1997", "holm1979", "page2021", "duval2000"}


def test_moderators_that_differ_and_that_do_not(evidence):
    text = text_of(moderators_section(evidence.fit, evidence.moderators))
    for test in evidence.moderators.moderators:
        assert re.search(r"(differed by|no evidence that|was related|were not tested)", text)
        assert not np.isnan(test.p_value)
    assert "Holm" in text


def test_a_clear_difference_is_named_with_its_pair(evidence_of):
    from metaalliance.effects.effects import Effects

    yi = np.r_[effects_around(0.1, 0.05, 8), effects_around(0.6, 0.05, 8)]
    groups = {"modality": ["CBT"] * 8 + ["PDT"] * 8}
    effects = Effects.from_arrays(yi, np.full(16, 0.01), moderators=groups, measure="z")
    from metaalliance.models.pool import pool

    fit = pool(effects)
    assert default_moderators(effects) == ("modality",)
    section = moderators_section(fit, moderator_results(fit, ("modality",)))
    text = text_of(section)
    assert "The pooled correlation differed by treatment modality" in text
    assert "PDT versus CBT, 0.50" in text or "CBT versus PDT, −0.50" in text
    assert "no evidence that the levels are equal" not in text


def test_levels_with_few_studies_are_not_tested():
    from metaalliance.effects.effects import Effects
    from metaalliance.models.pool import pool

    groups = {"modality": ["CBT"] * 5 + ["PDT"]}
    effects = Effects.from_arrays(effects_around(0.3, k=6), [0.02] * 6, moderators=groups)
    fit = pool(effects)
    assert default_moderators(effects) == ()
    text = text_of(moderators_section(fit, moderator_results(fit, ("modality",))))
    assert "were not tested: only one level has at least 3 studies" in text
    assert "differed" not in text


def test_blanks_stand_where_one_writes_them(evidence):
    document = compose_report(evidence)
    text = " ".join([*(p.plain() for p in document.summary), *map(text_of, document.sections)])
    assert not re.findall(r".{20}(?: [,;:)]| \.(?!\d)|  ).{9}", text)


def test_bias_is_told_without_verdicts(evidence):
    text = text_of(bias_section(evidence.fit, evidence.bias))
    assert "none of them can prove or rule out publication bias" in text
    assert "no publication bias" not in text.lower()


def test_influence_names_the_range(evidence):
    found = without_each_study(evidence.fit)
    text = text_of(influence_section(evidence.fit, found))
    low, high = np.tanh(found.ranges()["estimate"])
    for value in (low, high):
        assert f"{value:.2f}".lstrip("0") in text


def test_every_reference_resolves_and_every_table_is_named(evidence):
    document = compose_report(evidence)
    numbers = document.numbers()
    texts = [block for block in document.blocks() if isinstance(block, Prose)]
    targets = {run.text for text in texts for run in text.runs if run.look == "reference"}
    assert targets <= set(numbers)
    assert {f"table:{table.name}" for table in document.tables()} == targets
    assert len(set(numbers.values())) == len(numbers)


def test_every_work_is_complete():
    for work in BIBLIOGRAPHY.values():
        assert work.authors
        assert work.title
        assert work.container
        assert 1900 < work.year < 2030
        chapter = work.container.startswith("In ")
        online = work.doi and work.year >= 2025  # not yet in a volume when it was seen
        assert work.kind == "book" or work.volume or work.pages or chapter or online
        assert not work.doi or re.match(r"10\.\d{4,}/|https://", work.doi)
    assert bibtex(BIBLIOGRAPHY.values()).count("\n@") == len(BIBLIOGRAPHY) - 1


def test_citations_that_a_reader_cannot_tell_apart_do_not_exist():
    texts = [work.parenthetical() for work in BIBLIOGRAPHY.values()]
    assert len(texts) == len(set(texts))


def test_a_part_that_begins_with_a_comma_follows_without_a_blank():
    assert (prose("one") + prose(", two") + prose("Three.")).plain() == "one, two Three."


def test_values_of_a_sentence_are_no_markup():
    text = prose("{a} and *b*", a="*x* {y} [@knapp2003] \x1b")
    assert text.plain() == "*x* {y} [@knapp2003] and b"
    assert text.cited == ()
    with pytest.raises(KeyError):
        prose("[@nobody1900]")
