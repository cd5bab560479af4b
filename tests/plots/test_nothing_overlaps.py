"""Nothing overlaps and nothing is clipped, whatever the sheet holds."""

from __future__ import annotations

import warnings

import pytest

from metaalliance import plots
from metaalliance.effects.effects import Effects
from metaalliance.errors import MetaAllianceWarning
from metaalliance.models.pool import pool

MODALITIES = ("CBT", "psychodynamic", "humanistic", "integrative", "third-wave")
LONG = ("Abdul-Rahman, Büchner-Maßmann, Castellanos-Ferreira, van der Westhuizen & Ó Súilleabháin",)
ODD = (
    "$x_1$ & $\\frac{a}{b}$",
    "Çelik, Ångström & Đurić",
    "A_b^c {d} #1 100% ~",
    "日本 太郎",
    "W" * 60,
    "line\nbreak\ttab",
    "\u202eevil",
    "Zoë",
)

CASES = {
    "one row": {"k": 1},
    "two rows": {"k": 2},
    "twelve rows": {"k": 12},
    "sixty rows": {"k": 60},
    "three hundred rows": {"k": 300},
    "one group": {"k": 5, "groups": ("CBT",)},
    "five groups": {"k": 30, "groups": MODALITIES},
    "groups of one": {"k": 5, "groups": MODALITIES},
    "many groups": {"k": 30, "groups": tuple(f"modality number {i}" for i in range(14))},
    "long groups": {"k": 9, "groups": ("a therapy with a name of a great many words " * 4, "b")},
    "long names": {"k": 8, "names": LONG},
    "odd names": {"k": 16, "names": ODD, "groups": ("$a$", "ü", "心理")},
    "short names": {"k": 4, "names": ("A",)},
    "tiny studies": {"k": 12, "smallest": 4, "seed": 3},
    "several effects": {"k": 14, "several": True, "groups": MODALITIES[:2]},
    "raw r": {"k": 8, "measure": "r"},
    "other metric": {"k": 8, "measure": "generic"},
    "common effect": {"k": 6, "model": "common-effect"},
}

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_forest(case, make_fit, assert_clear):
    assert_clear(plots.forest(make_fit(**case)))


@pytest.mark.parametrize("width", [60, 84])
@pytest.mark.parametrize("name", ["five groups", "long names", "tiny studies"])
def test_forest_at_other_widths(name, width, make_fit, assert_clear):
    assert_clear(plots.forest(make_fit(**CASES[name]), width_mm=width))


def test_forest_with_everything(make_fit, assert_clear):
    fit = make_fit(20, groups=MODALITIES, several=True)
    figure = plots.forest(
        fit,
        columns=("year", "n", "alliance_rater", "k"),
        title="Alliance and outcome, " * 12,
        reference=(0.278, "Flückiger et al. (2018), a label that is far too long for the plot"),
    )
    assert_clear(figure)


@pytest.mark.parametrize("reference", [-0.9, 0.0, 0.95])
def test_reference_anywhere(reference, make_fit, assert_clear):
    assert_clear(plots.forest(make_fit(6), reference=(reference, "Published")))


def test_pages(make_fit, assert_clear):
    for page in plots.forest_pages(make_fit(40, groups=MODALITIES), rows_per_page=15):
        assert_clear(page)


@pytest.mark.parametrize("name", ["many groups", "groups of one", "long groups"])
@pytest.mark.parametrize("width", [84, 174])
def test_summary(name, width, make_fit, assert_clear):
    assert_clear(plots.summary_forest(make_fit(**CASES[name]), "modality", width_mm=width))


@pytest.mark.parametrize("name", ["one row", "two rows", "sixty rows", "tiny studies", "raw r"])
@pytest.mark.parametrize("width", [60, 174])
def test_funnel(name, width, make_fit, assert_clear):
    fit = make_fit(**CASES[name])
    assert_clear(plots.funnel(fit, width_mm=width, title="Funnel of the alliance studies"))


def test_funnel_of_dependent_effects(make_fit, assert_clear):
    assert_clear(plots.funnel(make_fit(14, several=True), width_mm=84))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_other_metrics_at_any_scale(scale, assert_clear):
    yi = [(i - 2) * scale for i in range(8)]
    fit = pool(Effects.from_arrays(yi, [scale**2] * 8), tau2="HS")
    assert_clear(plots.forest(fit))
    assert_clear(plots.funnel(fit))


def test_correlations_near_one(assert_clear):
    effects = Effects.from_arrays([3.8, 0.2, -3.0], [0.01, 0.5, 0.3], measure="z", n=[103, 5, 6])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MetaAllianceWarning)
        fit = pool(effects, tau2="HS")
    assert_clear(plots.forest(fit))
    assert_clear(plots.funnel(fit))
