"""What to fit: one value, made once and carried whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, TypedDict

from metaalliance.errors import OptionError
from metaalliance.options import (
    CLUSTER_TESTS,
    DegreesOfFreedom,
    Kind,
    Prediction,
    Tau2Estimator,
    Test,
    check_level,
    check_rho,
    choice,
    listed,
)
from metaalliance.setting import Settings, setting, settings_in

#: Correlation of sampling errors within a sample that "che" assumes where nobody says otherwise.
RHO = 0.6
#: The same for the average of the effects of a study where nobody says otherwise.
AGGREGATION_RHO = 0.5
#: Models with a variance within studies beside the one between.
MULTILEVEL = frozenset({"three-level", "che"})
#: Estimators by a likelihood: those that several variance components can have.
LIKELIHOOD = ("REML", "ML")
#: Tests that a model has; the first is its default.
TESTS: dict[str, tuple[str, ...]] = {
    "common-effect": ("wald", "t", "cr0", "cr1", "cr1s", "cr2"),
    "two-level": ("knapp-hartung", "knapp-hartung-adhoc", "wald", "t", "cr0", "cr1", "cr1s", "cr2"),
    "three-level": ("cr2", "cr1s", "cr1", "cr0", "wald", "t"),
    "che": ("cr2", "cr1s", "cr1", "cr0", "wald", "t"),
}


class ModelSettings(TypedDict, total=False):
    """Keywords of functions that fit a model; see `Model` for what each means."""

    model: str | Model
    tau2: str
    test: str
    df: str
    rho: float | str | None
    level: float
    prediction: str
    within: Sequence[str]
    above: Sequence[str]
    crossed: str
    rho_same: float | None
    same: str


def _rho(name: str, given: Any) -> float | str | None:
    """Return a correlation, the name of the column that holds it, or None."""
    return given if given is None or (isinstance(given, str) and given) else check_rho(given, name)


def _number_or_name(text: str) -> float | str:
    """Read a correlation or the name of a column from the command line."""
    try:
        return float(text)
    except ValueError:
        return text


def _columns(name: str, given: Any) -> tuple[str, ...]:
    """Return names of columns; one text is one name."""
    listed = (given,) if isinstance(given, str) else tuple(given)
    if not all(isinstance(column, str) and column for column in listed):
        raise OptionError(f"{name}={given!r} is not a list of names of columns.")
    return listed


def _column(name: str, given: Any) -> str:
    if not isinstance(given, str):
        raise OptionError(f"{name}={given!r} is not the name of a column.")
    return given


@dataclass(frozen=True, slots=True, kw_only=True)
class Model(Settings):
    """A model of effects with its inference.

    Attributes
    ----------
    kind : {"auto", "common-effect", "two-level", "three-level", "che"}
        The random effects; "auto" is "che" when any study has several effects, else
        "two-level". The keyword, key and flag of this field is `model`.
    tau2 : str
        Estimator of the heterogeneity variance; the multilevel models have REML and ML.
    test : str
        Inference on coefficients; "auto" is Knapp and Hartung's for "two-level", CR2 with
        Satterthwaite degrees of freedom for the multilevel models ("t" beside a crossed
        factor), and the normal test for "common-effect".
    df : {"satterthwaite", "contain"}
        Degrees of freedom of the test "t" in a multilevel model: Satterthwaite's, from the
        information of the variance components, or the rule of containment.
    rho : float, str or None
        Assumed correlation of sampling errors within a sample, or the column that holds it by
        study; those of different samples of a study are independent. None is .6 in "che", and
        .5 where effects are averaged.
    level : float
        Coverage of the intervals.
    prediction : {"t", "normal", "riley", "simple"}
        Distribution of the prediction interval.
    within, above : tuple of str
        Columns of further nested levels: inside studies from the coarsest, and holding studies
        from the finest.
    crossed : str
        Column of a random factor that studies share; "" for none.
    rho_same, same : float or None, and str
        Correlation of errors that also share the column `same`; `rho` is then for the others.

    Raises
    ------
    OptionError
        For a value that a setting does not have, or a test that the model does not have.

    Examples
    --------
    >>> Model(tau2="ML").resolved(dependent=True).to_dict()["test"]
    'cr2'
    """

    kind: str = choice(
        "auto", Kind, "Model: auto, che, three-level, two-level or common-effect", name="model"
    )
    tau2: str = choice("REML", Tau2Estimator, f"Estimator of tau²: {listed(Tau2Estimator)}")
    test: str = choice(
        "auto",
        Test,
        "Test: auto, cr2, cr1s, cr1, cr0, knapp-hartung, knapp-hartung-adhoc, t or wald",
    )
    df: str = choice(
        "satterthwaite",
        DegreesOfFreedom,
        f"Degrees of freedom of --test t in a multilevel model: {listed(DegreesOfFreedom)}",
    )
    rho: float | str | None = setting(
        None,
        _rho,
        "Correlation of sampling errors within a sample, or the column that holds it by study "
        f"[default: {RHO:g} for che, {AGGREGATION_RHO:g} to aggregate]",
        toml=(int, float, str),
        words=_number_or_name,
    )
    level: float = setting(
        0.95, lambda _, value: check_level(value), "Coverage of the intervals", toml=(int, float)
    )
    prediction: str = choice("t", Prediction, f"Prediction interval: {listed(Prediction)}")
    within: tuple[str, ...] = setting(
        (),
        _columns,
        "Column of a further level inside studies, such as sample",
        toml=(list,),
        many=True,
    )
    above: tuple[str, ...] = setting(
        (),
        _columns,
        "Column of a level that holds studies, such as a team",
        toml=(list,),
        many=True,
    )
    crossed: str = setting("", _column, "Column of a factor that studies share, as an instrument")
    rho_same: float | None = setting(
        None,
        lambda name, value: None if value is None else check_rho(value, name),
        "Correlation of errors that also share --same",
        toml=(int, float),
    )
    same: str = setting("", _column, "Column of what is shared, such as an outcome")

    def __post_init__(self) -> None:
        """Check every field, and that the model has the test."""
        Settings.__post_init__(self)
        if "auto" not in {self.kind, self.test} and self.test not in TESTS[self.kind]:
            listed = ", ".join(repr(t) for t in TESTS[self.kind])
            raise OptionError(
                f"test={self.test!r} does not exist for model={self.kind!r}; it has {listed}."
            )

    @classmethod
    def of(cls, given: ModelSettings | Mapping[str, Any]) -> Self:
        """Return the model of the keywords of a function, or the one that `model` holds already.

        Raises
        ------
        OptionError
            For a keyword that does not exist, or one beside a whole model.
        """
        names = [s.name for s in settings_in(cls)]
        unknown = [name for name in given if name not in names]
        if unknown:
            raise OptionError(f"There is no setting {unknown[0]!r}; there are {', '.join(names)}.")
        whole = given.get("model")
        if not isinstance(whole, cls):
            said = dict(given)
            return cls(**{s.field: said[s.name] for s in settings_in(cls) if s.name in said})
        others = [name for name, value in given.items() if name != "model" and value is not None]
        if others:
            raise OptionError(f"A Model has its own settings; {', '.join(others)} cannot be given.")
        return whole

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that further levels and correlations use."""
        by_study = (self.rho,) if isinstance(self.rho, str) else ()
        named = (*self.within, *self.above, self.crossed, self.same, *by_study)
        return tuple(c for c in named if c)

    @property
    def multilevel(self) -> bool:
        """Whether there is a variance within studies beside the one between."""
        return self.kind in MULTILEVEL

    @property
    def robust(self) -> bool:
        """Whether the test is cluster-robust."""
        return self.test in CLUSTER_TESTS

    def resolved(self, *, dependent: bool) -> Specification:
        """Return the model with nothing left to choose.

        Parameters
        ----------
        dependent : bool
            Whether any study has several effects.

        Raises
        ------
        OptionError
            When the model has no such estimator, levels or correlations.
        """
        kind = self.kind
        if kind == "auto":
            kind = "che" if dependent else "two-level"
        test = self.test
        if test == "auto":
            test = "t" if self.crossed and kind in MULTILEVEL else TESTS[kind][0]
        rho: float | str | None = None
        if kind in MULTILEVEL:
            rho = (RHO if self.rho is None else self.rho) if kind == "che" else 0.0
        asked = self.asked if isinstance(self, Specification) else self
        own = {s.field: getattr(self, s.field) for s in settings_in(Model)}
        own |= {"kind": kind, "test": test, "rho": rho}
        chosen = Specification(**own, asked=asked)
        chosen._refuse_meaningless(self)
        return chosen

    def of_kind(self, kind: str) -> Model:
        """Return a model with other random effects and the settings that have a meaning for them.

        The others are left at their defaults; `not_taken` names them.
        """
        own = {s.field: getattr(self, s.field) for s in settings_in(Model)}
        changes: dict[str, Any] = {"kind": kind}
        if self.test not in {"auto", *TESTS[kind]}:
            changes["test"] = "auto"
        if kind in MULTILEVEL and self.tau2 not in LIKELIHOOD:
            changes["tau2"] = "REML"
        if kind not in MULTILEVEL:
            changes |= {"within": (), "above": (), "crossed": "", "df": Model().df}
        if kind != "che":
            changes |= {"rho": None, "rho_same": None, "same": ""}
        return Model(**{**own, **changes})

    def with_test(self, test: str) -> Self:
        """Return the model with another test, and with degrees of freedom that it has."""
        return replace(self, test=test, df=self.df if test == "t" else Model().df)

    def not_taken(self, other: Model) -> tuple[str, ...]:
        """Names of settings of `other`, not the defaults, that this model does not share."""
        plain = Model()
        names = []
        for s in settings_in(Model):
            given = getattr(other, s.field)
            unused = s.field in {"tau2", "prediction"} and self.kind == "common-effect"
            differs = given != getattr(self, s.field) or unused
            if s.field != "kind" and given != getattr(plain, s.field) and differs:
                names.append(s.name)
        return tuple(names)

    def _refuse_meaningless(self, asked: Model) -> None:
        """Refuse settings that the model has not."""
        if self.df != Model().df and not (self.multilevel and self.test == "t"):
            raise OptionError(
                f"df={self.df!r} is a rule for test='t' in a multilevel model; this is "
                f"test={self.test!r} in the {self.kind} model."
            )
        if not self.multilevel:
            if asked.columns:
                named = ", ".join(
                    n for n in ("within", "above", "crossed", "rho", "same") if _named(asked, n)
                )
                raise OptionError(
                    f"The {self.kind} model has no further levels or correlations, so that "
                    f"{named} cannot be given."
                )
            return
        if self.tau2 not in LIKELIHOOD:
            raise OptionError(
                f"tau2={self.tau2!r} does not exist for model={self.kind!r}: its variance "
                "components are estimated by 'REML' or 'ML'."
            )
        if self.kind != "che" and (isinstance(asked.rho, str) or self.same):
            raise OptionError(
                f"The {self.kind} model has no correlations of sampling errors; che has."
            )
        if bool(self.same) == (self.rho_same is None):
            raise OptionError("rho_same and same are given together: a correlation and its column.")
        if self.crossed and self.robust:
            raise OptionError(
                f"A crossed factor ({self.crossed}) leaves no independent clusters: use test='t' "
                "or 'wald'."
            )

    def without_structure(self) -> Self:
        """Return the model without further levels, crossed factor and second correlation."""
        rho = None if isinstance(self.rho, str) else self.rho
        return replace(self, within=(), above=(), crossed="", rho_same=None, same="", rho=rho)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings that have a meaning for this model, as JSON documents print them."""
        content = self.to_record()
        unused = set()
        if self.kind == "common-effect":
            unused |= {"tau2"}
        if not self.multilevel:
            unused |= {"rho"}
        if not (self.multilevel and self.test == "t"):
            unused |= {"df"}
        if not self.columns:
            unused |= {"within", "above", "crossed", "rho_same", "same"}
        return {name: value for name, value in content.items() if name not in unused}


def refuse(asked: Settings, method: str, reasons: Mapping[str, str]) -> None:
    """Refuse by name the settings that a method cannot obey.

    Parameters
    ----------
    asked : Model or Policy
        What was asked for; a setting at its default was not.
    method : str
        What cannot obey, as the subject of a sentence.
    reasons : mapping of str to str
        By setting, why not.

    Raises
    ------
    OptionError
        For the first of these settings that was asked for.

    Examples
    --------
    >>> refuse(Model(), "A funnel", {"rho": "it shows single effects"})
    """
    asked = asked.asked if isinstance(asked, Specification) else asked
    for s in settings_in(type(asked)):
        given = getattr(asked, s.field)
        if s.name in reasons and given != s.default:
            shown = list(given) if isinstance(given, tuple) else given
            raise OptionError(f"{method} cannot obey {s.name}={shown!r}: {reasons[s.name]}.")


def _named(model: Model, name: str) -> bool:
    """Whether a setting names columns."""
    value = getattr(model, name)
    return bool(value) and not isinstance(value, float)


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification(Model):
    """A model with nothing left to choose.

    Attributes
    ----------
    asked : Model
        What was asked for, where "auto" may still stand.
    """

    asked: Model
