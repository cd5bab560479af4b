"""Option values, spelled once, and their checks."""

from __future__ import annotations

import difflib
import numbers
import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal, get_args

from metaalliance.errors import OptionError
from metaalliance.setting import setting

Measure = Literal["z", "r", "r-unbiased", "generic"]
SheetMeasure = Literal["z", "r", "r-unbiased"]
Kind = Literal["auto", "common-effect", "two-level", "three-level", "che"]
#: The one list of estimators of tau²; what each is stands in `core.variance.tau2.ESTIMATORS`.
Tau2Estimator = Literal["REML", "ML", "DL", "HE", "HS", "SJ", "EB", "PM", "PMM"]
Tau2OrFE = Literal[Tau2Estimator, "FE"]
Test = Literal[
    "auto", "wald", "t", "knapp-hartung", "knapp-hartung-adhoc", "cr0", "cr1", "cr1s", "cr2"
]
#: Rules for the degrees of freedom of t where several variance components are estimated.
DegreesOfFreedom = Literal["satterthwaite", "contain"]
Prediction = Literal["t", "normal", "riley", "simple"]
Nonsignificant = Literal["error", "zero", "drop", "half-p", "censored"]
BetaPolicy = Literal["peterson-brown", "refuse"]
Variances = Literal["delta", "fisher"]
#: Questions that a row may answer, the order being that in which their differences are read.
Estimand = Literal["total", "within_patient", "between_patient", "between_therapist"]
#: How rows of several estimands are read: those of one, or each for itself.
ReadEstimand = Literal[Estimand, "each"]
#: Scales of effects that were computed already.
Repeats = Literal["first", "all"]
YiMeasure = Literal["z", "r", "d", "g", "log_or"]
#: Whose people the effects of one sample are where their n differ.
Overlap = Literal["full", "nested"]
#: Paper of a report.
Paper = Literal["a4", "letter"]
Attenuation = Literal["none", "individual", "alliance", "outcome"]
Scale = Literal["analysis", "r"]
#: Further results of `pool`, beside the mean and its comparison.
Further = Literal[
    "wild-bootstrap",
    "bayes",
    "psychometric",
    "permutation",
    "henmi-copas",
    "rve",
    "i2-bootstrap",
    "therapist-clustering",
]
#: Further tests of moderators; "all" are those that the model has.
FurtherTest = Literal[
    "all", "htz", "knapp-hartung", "wald", "likelihood-ratio", "permutation", "wild-bootstrap"
]
#: What bootstrap and permutation do with the variance components in each replication.
Components = Literal["re-estimated", "held"]
#: The page that a figure fits, and how much is said under it.
Page = Literal["a4", "letter", "journal"]
Notes = Literal["full", "short", "none"]

#: Tests that are valid when effects of one study are dependent.
CLUSTER_TESTS = frozenset({"cr0", "cr1", "cr1s", "cr2"})


def option_values(option: Any) -> tuple[str, ...]:
    """Return the values of a ``Literal`` option in their declared order."""
    return tuple(get_args(option))


def listed(option: Any) -> str:
    """Return the values of a ``Literal`` option as a sentence lists them.

    Examples
    --------
    >>> listed(Prediction)
    't, normal, riley or simple'
    """
    *first, last = option_values(option)
    return f"{', '.join(first)} or {last}"


def did_you_mean(name: str, known: Iterable[str], cutoff: float = 0.6, otherwise: str = "") -> str:
    """Return a sentence with the nearest known name.

    Examples
    --------
    >>> did_you_mean("funel", ["forest", "funnel"])
    " Did you mean 'funnel'?"
    """
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return f" Did you mean {near[0]!r}?" if near else otherwise


def check_option(name: str, value: str, option: Any) -> str:
    """Return `value` if the option has it.

    Raises
    ------
    OptionError
        Otherwise, naming every allowed value and the nearest one.

    Examples
    --------
    >>> check_option("tau2", "REML", Tau2Estimator)
    'REML'
    """
    allowed = option_values(option)
    if value in allowed:
        return value
    same = [a for a in allowed if _spelled(a) == _spelled(str(value))]
    hint = did_you_mean(str(value), same or allowed, cutoff=0.0 if same else 0.5)
    listed = ", ".join(repr(a) for a in allowed)
    raise OptionError(f"{name}={value!r} is not one of {listed}.{hint}")


def choice(default: Any, option: Any, help: str, *, name: str = "") -> Any:
    """Return the field of a setting whose values are those of a ``Literal`` option.

    A default of None stands for nothing said.
    """

    def check(key: str, value: Any) -> Any:
        return value if value is default else check_option(key, value, option)

    return setting(default, check, help, name=name, values=option_values(option))


def _spelled(value: str) -> str:
    """Return letters only, the numbers two and three in words: "3-Level" is "threelevel"."""
    plain = re.sub("[^a-z0-9]", "", value.lower())
    return plain.replace("2", "two").replace("3", "three")


def check_level(level: Any) -> float:
    """Return a confidence level inside (0, 1)."""
    if not (isinstance(level, numbers.Real) and 0 < float(level) < 1):
        raise OptionError(
            f"level={level!r} is not a proportion between 0 and 1, such as 0.95 for 95%."
        )
    return float(level)


def check_seed(seed: Any) -> int | None:
    """Return the seed of a generator of random numbers, None for another one each time.

    Examples
    --------
    >>> check_seed(7)
    7
    """
    if seed is None:
        return None
    if not (isinstance(seed, numbers.Integral) and int(seed) >= 0):
        raise OptionError(f"seed={seed!r} is not a whole number, zero or above, such as 1.")
    return int(seed)


def check_rho(rho: Any, name: str = "rho") -> float:
    """Return an assumed within-study correlation in [0, 1)."""
    if not (isinstance(rho, numbers.Real) and 0 <= float(rho) < 1):
        raise OptionError(
            f"{name}={rho!r} is not a correlation in [0, 1): it is the assumed correlation between "
            "the sampling errors of effects from one study."
        )
    return float(rho)


def check_truncation(p: Any, name: str) -> float:
    """Return a p-value in [0, .5) nearer to 0 or 1 than which none counts."""
    if not (isinstance(p, numbers.Real) and 0 <= float(p) < 0.5):
        raise OptionError(f"{name}={p!r} is not a p-value from 0 to below 0.5.")
    return float(p)


#: Decisions about the effects, then decisions about the model, in the order of the grid.
EFFECT_DECISIONS = (
    "conversions", "measure", "variances", "attenuation", "nonsignificant", "include", "outliers",
)  # fmt: skip
MODEL_DECISIONS = ("aggregation", "model", "rho", "overlap", "tau2", "test", "selection")
DECISIONS = (*EFFECT_DECISIONS, *MODEL_DECISIONS)

#: Options of each decision that has a fixed list; `include` and `rho` are the team's own.
DECISION_OPTIONS: dict[str, tuple[str, ...]] = {
    "conversions": ("all", "exact"),
    "measure": option_values(SheetMeasure),
    "variances": option_values(Variances),
    "attenuation": option_values(Attenuation),
    "nonsignificant": tuple(
        v for v in option_values(Nonsignificant) if v not in {"error", "censored"}
    ),
    "outliers": ("keep", "remove", "remove-low", "remove-high"),
    "aggregation": ("none", "mean", "lowest", "highest"),
    "model": tuple(v for v in option_values(Kind) if v != "auto"),
    "overlap": option_values(Overlap),
    "tau2": option_values(Tau2Estimator),
    "test": tuple(v for v in option_values(Test) if v != "auto"),
    "selection": ("none", "step", "two-step", "beta"),
}


def check_decision(name: str, option: Any, own: Sequence[str] = ()) -> Any:
    """Return an option of a decision of the multiverse; `own` are those of the team.

    Raises
    ------
    OptionError
        For one that the decision does not have.
    """
    if name == "rho":
        return check_rho(option)
    allowed = DECISION_OPTIONS.get(name, own)
    if option not in allowed:
        raise OptionError(unknown(f"{name}={option!r} is no option", str(option), allowed))
    return option


def unknown(what: str, seen: str, allowed: Sequence[str]) -> str:
    """Return a sentence with what there is and the nearest of it."""
    hint = did_you_mean(seen, allowed, 0.5)
    return f"{what}; there are {', '.join(repr(a) for a in allowed)}.{hint}"
