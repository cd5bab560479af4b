"""Every setting of the model acts in every analysis of moderators, or is refused by its name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from moderator_frames import levels_of, numbers, parts_of, regression_of, slope_of, table_of
from numpy.testing import assert_allclose
from scipy.stats import norm

import metaalliance as ma
from metaalliance.analysis.analysis import Analysis
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.model import Model
from metaalliance.models.regression import regress
from metaalliance.moderation.decomposition import within_between
from metaalliance.moderation.location_scale import location_scale
from metaalliance.moderation.model_set import model_set
from metaalliance.moderation.slope import slope
from metaalliance.moderation.table import moderator_table

DATA = Path(__file__).parent.parent.parent / "data" / "simulated_alliance_studies.xlsx"
#: A value beside the default of each setting that acts on coefficients of dependent effects.
OTHERS = [("tau2", "ML"), ("test", "cr1"), ("rho", 0.2), ("level", 0.8), ("model", "three-level")]


@pytest.fixture(scope="module")
def dependent() -> Effects:
    """Thirty-six effects of eighteen studies in three levels; `dose` varies within studies."""
    rng = np.random.default_rng(11)
    code = np.repeat(np.arange(18), [1, 2, 3] * 6)
    arm = np.array(list("abc"))[(code // 3) % 3]
    study = np.array([f"S{i:02d}" for i in range(18)])[code]
    y = 0.3 + 0.12 * (arm == "b") + rng.normal(0, 0.15, 18)[code] + rng.normal(0, 0.1, code.size)
    columns = {"arm": arm, "age": 30.0 + code, "dose": rng.normal(0, 1, code.size)}
    return Effects.from_arrays(
        y, rng.uniform(0.01, 0.04, code.size), study, moderators=columns, measure="z"
    )


@pytest.fixture(scope="module")
def independent(dependent) -> Effects:
    return dependent.subset(~dependent.frame["study"].duplicated())


ANALYSES = [levels_of, slope_of, regression_of, parts_of, table_of]


def moved(first, second) -> bool:
    return bool(np.nanmax(np.abs(numbers(first) - numbers(second))) > 1e-4)


@pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")
@pytest.mark.parametrize(("name", "value"), OTHERS)
@pytest.mark.parametrize("analysis", ANALYSES)
def test_a_setting_moves_the_numbers(analysis, name, value, dependent):
    plain, other = analysis(dependent), analysis(dependent, **{name: value})
    assert moved(plain, other)
    kind = "kind" if name == "model" else name
    assert numbers(analysis(dependent, model=Model(**{kind: value}))) == pytest.approx(
        numbers(other), rel=1e-15, nan_ok=True
    )


@pytest.mark.parametrize("tau2", ["DL", "HE", "HS", "SJ", "EB", "PM", "PMM", "ML"])
@pytest.mark.parametrize("analysis", [levels_of, slope_of, regression_of])
def test_every_estimator_of_the_heterogeneity_acts(analysis, tau2, independent, quiet):
    assert moved(quiet(analysis, independent), quiet(analysis, independent, tau2=tau2))


@pytest.mark.parametrize("test", ["wald", "t", "cr0", "cr1", "cr1s", "cr2"])
def test_every_test_acts(test, independent, quiet):
    assert moved(quiet(levels_of, independent), quiet(levels_of, independent, test=test))


def test_levels_are_the_coefficients_of_the_regression_on_their_indicators(dependent, quiet):
    settings = {"tau2": "ML", "test": "cr1", "rho": 0.3, "level": 0.9, "prediction": "riley"}
    got = quiet(ma.moderators, dependent, "arm", **settings)
    names = got.levels["level"].tolist()
    X = (dependent.frame["arm"].to_numpy()[:, None] == np.array(names)).astype(float)
    want = quiet(regress, dependent, X, names, **settings)
    for column in ("estimate", "se", "df", "p_value", "ci_low", "ci_high"):
        expected = want.beta if column == "estimate" else getattr(want, column)
        assert_allclose(got.levels[column], expected, rtol=1e-14)
    assert_allclose(got.levels["pi_low"], want.predict(np.eye(3))["pi_low"], rtol=1e-14)
    printed = got.settings()
    assert {key: printed[key] for key in settings} == settings


@pytest.mark.parametrize("prediction", ["normal", "riley", "simple"])
def test_prediction_acts_wherever_something_is_predicted(prediction, dependent, quiet):
    columns = ["pi_low", "pi_high"]
    plain = quiet(ma.moderators, dependent, "arm").levels
    other = quiet(ma.moderators, dependent, "arm", prediction=prediction).levels
    assert moved(plain[columns], other[columns])
    assert plain["ci_low"].equals(other["ci_low"])
    apart = [
        quiet(ma.moderators, dependent, "arm", separate_tau2=True, **given).levels[columns]
        for given in ({}, {"prediction": prediction})
    ]
    assert moved(*apart)
    plain, other = (
        quiet(ma.meta_regression, dependent, "arm", **given).predict(at={"arm": "a"})
        for given in ({}, {"prediction": prediction})
    )
    assert moved(plain[columns], other[columns])
    slopes = [
        quiet(slope, dependent, "age", **given).fit.predict([[1.0, 0.0]])[columns]
        for given in ({}, {"prediction": prediction})
    ]
    assert moved(*slopes)


@pytest.mark.parametrize(("name", "value"), OTHERS)
def test_settings_act_on_levels_fitted_apart(name, value, dependent, quiet):
    plain = quiet(levels_of, dependent, separate_tau2=True)
    assert moved(plain, quiet(levels_of, dependent, separate_tau2=True, **{name: value}))


def test_tests_side_by_side_say_what_is_their_own_and_obey_the_rest(dependent, quiet):
    asked = {"tests": "all", "replications": 99, "tau2": "ML"}
    got = quiet(ma.moderators, dependent, "arm", **asked).tests.set_index("method")
    assert got.loc["htz", "settings"] == "test=cr2"
    assert got.loc["wald", "settings"] == "test=wald"
    assert got.loc["likelihood-ratio", "settings"] == "tau2=ML, test=wald"
    assert got.loc["wild-bootstrap", "settings"] == "test=cr0, components=re-estimated"
    assert got.loc["knapp-hartung", "settings"] == ""
    other = quiet(ma.moderators, dependent, "arm", **asked, rho=0.2).tests.set_index("method")
    changed = got["statistic"].dropna() - other["statistic"].dropna()
    assert (changed.abs() > 1e-4).all()


@pytest.mark.parametrize("settings", [{"rho": 0.2}, {"model": "three-level"}, {"level": 0.8}])
def test_settings_of_a_likelihood_and_the_level_move_a_set_of_models(settings, dependent, quiet):
    plain, other = (
        quiet(model_set, dependent, ["arm", "age"], **given).coefficients.drop(columns="term")
        for given in ({}, settings)
    )
    assert moved(plain, other)
    half = norm.isf((1 - settings.get("level", 0.95)) / 2) * other["se"]
    assert_allclose(other["ci_high"], other["estimate"] + half, rtol=1e-12)
    assert_allclose(other["ci_low"], other["estimate"] - half, rtol=1e-12)


@pytest.mark.parametrize("settings", [{"test": "cr1"}, {"prediction": "riley"}, {"tau2": "DL"}])
def test_a_set_of_models_refuses_by_name_what_plays_no_part(settings, dependent):
    (name,) = settings
    with pytest.raises(OptionError, match=f"cannot obey {name}="):
        model_set(dependent, ["arm", "age"], **settings)
    plain = model_set(dependent, ["arm"], tau2="ML").models
    assert plain.equals(model_set(dependent, ["arm"]).models)


@pytest.mark.parametrize(
    "settings",
    [
        {"tau2": "ML"},
        {"test": "t"},
        {"test": "cr2"},
        {"test": "knapp-hartung-adhoc"},
        {"level": 0.8},
    ],
    ids=str,
)
def test_settings_that_a_location_scale_model_has_move_it(settings, independent, quiet):
    plain, other = (
        quiet(location_scale, independent, "age", "arm", **given).to_frame()
        for given in ({}, settings)
    )
    columns = ["estimate", "df", "ci_low", "ci_high"]
    ends = {np.inf: 1e6, -np.inf: -1e6}
    assert moved(plain[columns].replace(ends), other[columns].replace(ends))


@pytest.mark.parametrize(
    "settings",
    [
        {"tau2": "DL"},
        {"model": "common-effect"},
        {"rho": 0.3},
        {"rho": "age"},
        {"within": ["arm"]},
        {"above": ["arm"]},
        {"crossed": "arm"},
        {"same": "arm"},
        {"rho_same": 0.8},
    ],
    ids=str,
)
def test_a_location_scale_model_refuses_by_name_what_it_lacks(settings, independent):
    (name,) = settings
    with pytest.raises(OptionError, match=f"cannot obey {name}="):
        location_scale(independent, "1", "arm", **settings)
    whole = Model(**{"kind" if name == "model" else name: settings[name]})
    with pytest.raises(OptionError, match=f"cannot obey {name}="):
        location_scale(independent, "1", "arm", model=whole)


def test_an_automatic_test_of_a_location_scale_model_is_that_of_two_levels(independent, quiet):
    for given in ({"test": "auto"}, {"model": Model()}, {"test": "knapp-hartung"}):
        assert quiet(location_scale, independent, "1", "arm", **given).test == "knapp-hartung"
    assert quiet(location_scale, independent, "1", "arm").test == "wald"


@pytest.mark.parametrize("name", ["within", "above", "crossed"])
def test_levels_fitted_apart_refuse_further_levels_by_name(name, dependent):
    given = {name: "dose" if name == "crossed" else ["dose"]}
    with pytest.raises(OptionError, match=f"Separate tau² of levels cannot obey {name}="):
        ma.moderators(dependent, "arm", separate_tau2=True, **given)


@pytest.mark.parametrize(
    "call",
    [
        lambda effects, **other: ma.moderators(effects, "arm", **other),
        lambda effects, **other: moderator_table(effects, ["arm"], **other),
        lambda effects, **other: ma.meta_regression(effects, "arm", **other),
        lambda effects, **other: within_between(effects, "dose", **other),
        lambda effects, **other: model_set(effects, ["arm"], **other),
        lambda effects, **other: location_scale(effects, "1", "arm", **other),
        lambda effects, **other: slope(effects, "age", **other),
    ],
)
def test_a_setting_that_does_not_exist_is_refused(call, dependent):
    with pytest.raises(OptionError, match="no setting 'tau'"):
        call(dependent, tau="DL")


@pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")
def test_an_analysis_tests_moderators_with_its_model(quiet):
    found = Analysis.read(DATA, tau2="ML", rho=0.3, level=0.9, prediction="riley")
    table = found.moderators("modality")
    settings = {"tau2": "ML", "rho": 0.3, "level": 0.9, "prediction": "riley"}
    expected = quiet(ma.moderators, found.effects, "modality", **settings)
    assert table["modality"].to_dict() == expected.to_dict()
    both = found.moderators(["modality", "year"], min_studies=13)
    assert [one.name for one in both.moderators] == ["modality", "year"]
    assert both["modality"].settings()["min_studies"] == 13
    assert both["year"].fit.specification.tau2 == "ML"


@pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")
def test_an_analysis_refuses_a_correlation_that_its_model_lacks():
    found = Analysis.read(DATA, model="three-level", rho=0.3)
    with pytest.raises(OptionError, match="--rho has no meaning for the three-level model"):
        found.moderators("modality")
