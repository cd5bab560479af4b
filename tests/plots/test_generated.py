"""Generated cases: no two texts overlap, no text leaves the page or covers the plot."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metaalliance import plots
from metaalliance.errors import OptionError
from metaalliance.plots.canvas.style import STYLES

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")

LABELS = st.one_of(
    st.text(min_size=1, max_size=90),
    st.sampled_from(
        [
            "Horvath & Symonds",
            "Müller-Núñez, Ångström, Đurić & Ó Súilleabháin",
            "W" * 80,
            "i",
            "日本 太郎 治療同盟 研究",
            "Мария Иванова",
            "(no study)",
            "a b c d e f g h i j k l m n o p q r s t u v w x y z " * 2,
        ]
    ),
)
GROUP = st.text(alphabet="abc éß治-", min_size=1, max_size=40).filter(str.strip)

CASES = st.fixed_dictionaries(
    {
        "k": st.integers(1, 14),
        "names": st.lists(LABELS, min_size=1, max_size=5),
        "groups": st.lists(GROUP, max_size=20, unique=True),
        "several": st.booleans(),
        "smallest": st.sampled_from([4, 12, 60]),
        "seed": st.integers(0, 50),
        "measure": st.sampled_from(["z", "z", "r", "generic"]),
    }
)
LOOKS = st.fixed_dictionaries(
    {
        "style": st.sampled_from(list(STYLES)),
        "width_mm": st.sampled_from([84.0, 120.0, 174.0, 210.0]),
        "columns": st.sampled_from([(), ("n",), ("year", "n"), ("alliance_rater", "n", "year")]),
        "right_columns": st.sampled_from([(), ("k",), ("blank",)]),
        "sort": st.sampled_from(["sheet", "r", "year", "weight"]),
        "effects": st.sampled_from(["behind", "rows", "average"]),
        "prediction": st.sampled_from([None, "bar", "line", "density", "none"]),
        "title": st.sampled_from([None, "Alliance and outcome in psychotherapy, " * 6]),
        "reference": st.sampled_from([None, 0.28, (0.278, "Flückiger et al. (2018)"), -0.9]),
        "directions": st.sampled_from([None, ("worse", "better"), ("w" * 60, "b" * 60)]),
    }
)


def check(case, look, make_fit, assert_clear):
    several = case["several"] and case["k"] > 2  # one study has no second level
    smallest = 60 if case["measure"] == "r" else case["smallest"]  # r stays below 1
    case = {**case, "several": several, "smallest": smallest}
    fit = make_fit(**{**case, "names": tuple(case["names"]), "groups": tuple(case["groups"])})
    try:
        figure = plots.forest(fit, **look)
    except OptionError as error:  # too many columns for the width: said, not drawn wrongly
        assert error.code == "MA678"
        return
    assert_clear(figure)
    assert figure.get_figwidth() * 25.4 == pytest.approx(look["width_mm"], abs=0.05)


@settings(
    max_examples=8,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(case=CASES, look=LOOKS)
def test_forest(case, look, make_fit, assert_clear):
    check(case, look, make_fit, assert_clear)


@pytest.mark.slow
@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(case=CASES, look=LOOKS)
def test_many_forests(case, look, make_fit, assert_clear):
    check(case, look, make_fit, assert_clear)


MODALITIES = tuple(f"modality {i}" for i in range(20))


@pytest.mark.parametrize("style", STYLES)
def test_twenty_groups_of_dependent_effects(style, make_fit, assert_clear):
    fit = make_fit(44, groups=MODALITIES, several=True)
    for page in plots.forest_pages(fit, style=style, columns=("year", "n"), rows_per_page=50):
        assert_clear(page)


@pytest.mark.parametrize("style", ["revman", "jama", "bmj"])
@pytest.mark.parametrize("width", [84, 174])
def test_summaries(style, width, make_fit, assert_clear):
    fit = make_fit(24, groups=("CBT", "a modality with a name of many words", "IPT"))
    assert_clear(plots.summary_forest(fit, "modality", style=style, width_mm=width))


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES)
def test_a_thousand_rows(style, make_fit, assert_clear):
    fit = make_fit(1000, groups=MODALITIES)
    assert_clear(plots.forest(fit, style=style))
    for page in plots.forest_pages(fit, style=style):
        assert_clear(page)
