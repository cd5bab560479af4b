"""What the field asks about is in the template, the vocabulary and the simulated workbook."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pytest

import metaalliance as ma
from metaalliance.sheet.columns.specification import COLUMNS, MODERATORS
from metaalliance.sheet.columns.vocabularies import VOCABULARIES
from metaalliance.sheet.template.workbook import template_workbook

DATA = Path(__file__).resolve().parents[2] / "data"
#: Levels by column: components, outcomes beside symptoms, settings, culture, delivery.
LEVELS = {
    "alliance_subscale": {"bond", "task", "goal"},
    "outcome_domain": {
        "engagement", "retention", "homework", "adherence", "satisfaction", "dropout",
    },
    "setting": {
        "primary care", "outpatient", "inpatient", "specialised clinic", "counselling centre",
        "school", "workplace", "community", "research clinic",
    },
    "population": {"adult", "youth"},
    "delivery": {"face-to-face", "internet", "telephone", "video", "blended"},
}  # fmt: skip
#: Further columns: culture and therapists.
OTHERS = ("country", "percent_minority", "language_match", "n_therapists", "therapist_experience")

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")


@pytest.fixture(scope="module")
def frame():
    return ma.effect_sizes(ma.read_studies(DATA / "simulated_alliance_studies.xlsx")).frame


@pytest.fixture(scope="module")
def head():
    book = openpyxl.load_workbook(io.BytesIO(template_workbook()))
    return {cell.value for cell in book["effects"][1]}


@pytest.mark.parametrize("column", LEVELS)
def test_levels_are_in_the_vocabulary_and_occur(column, frame):
    assert LEVELS[column] <= set(VOCABULARIES[column].levels)
    counts = frame.drop_duplicates(["study", column])[column].value_counts()
    assert counts[sorted(LEVELS[column])].min() >= 3  # so that each has a mean


@pytest.mark.parametrize("column", OTHERS)
def test_other_moderators_vary(column, frame):
    assert frame[column].nunique() >= 3


@pytest.mark.parametrize("column", [*LEVELS, *OTHERS])
def test_the_template_asks_for_them(column, head):
    assert column in MODERATORS
    assert column in head
    assert COLUMNS[column].about
