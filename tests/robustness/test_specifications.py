"""Which combinations of decisions are an analysis, and which are the same one."""

from __future__ import annotations

import itertools
import warnings

import pytest

import metaalliance as ma
from metaalliance.config import parse_config
from metaalliance.errors import EstimationError, OptionError
from metaalliance.model import TESTS
from metaalliance.options import DECISION_OPTIONS
from metaalliance.robustness.choices import model_choice, plan_models
from metaalliance.robustness.defaults import default_grid
from metaalliance.robustness.effect_sets import USUAL_FILTERS
from metaalliance.robustness.specifications import make_grid

NESTED = ma.Effects.from_arrays(
    [0.2, 0.4, 0.1, 0.3, 0.25], [0.01, 0.02, 0.03, 0.01, 0.02], study=list("aabcd"), measure="z"
)


def grid(**options):
    return make_grid(options, default_grid(NESTED))


def test_what_the_rules_allow_is_what_pool_accepts():
    """Every combination is tried: those that the rules leave out, and only those, are refused."""
    names = ("aggregation", "model", "tau2", "test")
    for values in itertools.product(
        ("none", "mean"),
        DECISION_OPTIONS["model"],
        ("REML", "DL"),
        sorted(set().union(*TESTS.values())),
    ):
        options = {
            **dict(zip(names, values, strict=True)),
            "rho": 0.6,
            "overlap": "full",
            "selection": "none",
        }
        found = model_choice(options, dependent=True)
        effects = ma.aggregate(NESTED, 0.6) if options["aggregation"] == "mean" else NESTED
        more = {} if options["model"] == "common-effect" else {"tau2": options["tau2"]}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ma.MetaAllianceWarning)
                ma.pool(effects, model=options["model"], test=options["test"], **more)
        except (OptionError, EstimationError):
            assert isinstance(found, str), options
        else:
            assert not isinstance(found, str), options


def test_a_decision_without_meaning_makes_no_specification():
    plan = plan_models(
        grid(aggregation="none", model=["three-level", "che"], rho=[0.2, 0.4, 0.6], tau2="REML",
             test="cr2"),
        dependent=True,
    )  # fmt: skip
    assert len(plan.choices) == 4  # one three-level model, three che
    assert plan.equivalent == 2
    assert [c.to_dict()["rho"] for c in plan.choices] == [None, 0.2, 0.4, 0.6]


def test_independent_effects_have_no_aggregation():
    plan = plan_models(grid(), dependent=False)
    assert {c.fitted.kind for c in plan.choices} == {"two-level", "common-effect"}
    assert {c.aggregation for c in plan.choices} == {"none"}
    assert {c.to_dict()["rho"] for c in plan.choices} == {None}
    assert all("no study has them" in rule or "has no" in rule or "aggregation" in rule
               for rule in plan.impossible)  # fmt: skip


def test_counts_add_up():
    found = ma.multiverse(NESTED, grid={"outliers": "keep"})
    counts = found.counts
    impossible = sum(counts.impossible.values())
    assert counts.combinations == impossible + counts.equivalent + counts.specifications
    assert counts.specifications == len(found.frame)


def test_usual_filters_are_offered_where_they_keep_some():
    n = 12
    columns = {
        "design": ["RCT"] * 6 + ["other"] * 6,
        "source": ["journal"] * n,  # keeps all: no decision
        "alliance_rater": ["client"] * 2 + ["therapist"] * 10,  # too few
    }
    effects = ma.Effects.from_arrays([0.2] * n, [0.01] * n, moderators=columns, measure="z")
    assert default_grid(effects).options["include"] == ("all", "RCT")
    assert set(USUAL_FILTERS) == {"RCT", "published", "client-rated", "early alliance"}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"modle": ["che"]}, "Did you mean 'model'"),
        ({"model": ["che", "threelevel"]}, "Did you mean 'three-level'"),
        ({"tau2": []}, "no option"),
        ({"tau2": ["DL", "DL"]}, "twice"),
        ({"rho": [1.5]}, "not a correlation"),
        ({"include": {"RCT": ["RCT"]}}, "must map columns"),
        ({"include": {"RCT": {"design": []}}}, "keeps no value"),
        ({"include": ["young"]}, "no option"),
        ({"rho": [i / 1000 for i in range(999)]}
         | {name: list(DECISION_OPTIONS[name])
            for name in ("tau2", "test", "aggregation", "outliers")}, "combinations"),
    ],
)  # fmt: skip
def test_a_wrong_grid_is_refused_with_a_suggestion(given, says):
    with pytest.raises(OptionError, match=says):
        grid(**given)


def test_converted_effects_have_no_decision_about_conversion():
    with pytest.raises(OptionError, match="converted already"):
        ma.multiverse(NESTED, grid={"measure": ["z", "r"]})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ({"modell": ["che"]}, "Did you mean 'model'"),
        ({"rho": 0.5}, "must be a list"),
        ({"include": {"RCT": "RCT"}}, "must map columns"),
        ({"include": {"RCT": {"design": "RCT"}}}, "lists of values"),
    ],
)
def test_a_wrong_section_of_the_configuration_is_refused(text, says):
    with pytest.raises(OptionError, match=says):
        parse_config({"multiverse": text})
