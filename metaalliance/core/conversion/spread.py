"""The standard error or the interval that a report gives, as a variance of Fisher z."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from scipy import special

from metaalliance.core.conversion import formulas as cv

Inputs = Mapping[str, float]


class Scale(NamedTuple):
    """Where confidence limits lie symmetrically: the function, its derivative, its name."""

    to: Callable[[float], float]
    slope: Callable[[float], float]
    name: str = ""


PLAIN = Scale(float, lambda _: 1.0)
FISHER = Scale(math.atanh, lambda r: 1 / (1 - r * r), " on the scale of Fisher z")
LOG = Scale(math.log, lambda x: 1 / x, " of the logarithm")


_SOURCES = {"se": "from the standard error", "sei": "sei² as coded"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How a statistic carries its own sampling error over to Fisher z: the delta method.

    Attributes
    ----------
    column : str
        The statistic.
    slope : callable
        From inputs to the derivative of Fisher z by the statistic.
    scale : Scale
        Where its confidence limits are symmetrical.
    takes_se : bool
        Whether a standard error has one meaning; beside a ratio it may be that of its logarithm.
    first : bool
        Whether it goes before the variance that n gives.
    steady : bool
        Whether the error of Fisher z that it leads to is that of n alone, whatever the effect.
    """

    column: str
    slope: Callable[[Inputs], float]
    scale: Scale = PLAIN
    takes_se: bool = True
    first: bool = False
    steady: bool = False

    def error_column(self, x: Inputs) -> str | None:
        """Return the column of the standard error or variance; vi and sei have one scale only."""
        plain = self.scale is PLAIN and self.column != "beta"
        names = ("se", "vi", "sei") if plain else ("se",)
        return next((c for c in names if self.takes_se and c in x), None)

    def has(self, x: Inputs) -> bool:
        """Whether a standard error or both limits are reported."""
        return self.error_column(x) is not None or {"ci_low", "ci_high"} <= x.keys()

    def reported(self, x: Inputs) -> tuple[float, str] | None:
        """Return the variance of the statistic on its own scale and its source, or None."""
        return self.of_limits(x) or self.of_se(x)

    def of_limits(self, x: Inputs) -> tuple[float, str] | None:
        """Return the variance that the confidence limits give."""
        if "ci_low" not in x or "ci_high" not in x:
            return None
        level = x.get("ci_level", 95.0)
        level = 100 * level if level < 1 else level
        half = float(special.ndtri(0.5 + level / 200))
        se = (self.scale.to(x["ci_high"]) - self.scale.to(x["ci_low"])) / (2 * half)
        source = f"from the {level:g}% interval{self.scale.name}"
        return (se / self.scale.slope(x[self.column])) ** 2, source

    def of_se(self, x: Inputs) -> tuple[float, str] | None:
        """Return the variance that the standard error gives."""
        column = self.error_column(x)
        if column is None:
            return None
        return (x["vi"], "vi as coded") if column == "vi" else (x[column] ** 2, _SOURCES[column])

    def to_z(self, x: Inputs, variance: float) -> float:
        """Return the variance of Fisher z for one of the statistic."""
        return variance * self.slope(x) ** 2


def groups(x: Inputs) -> float:
    """Return h of r = d / sqrt(d² + h): that of the group sizes, 4 where they are equal."""
    if "n1" not in x or "n2" not in x:
        return 4.0
    return (x["n1"] + x["n2"] - 2) * (1 / x["n1"] + 1 / x["n2"])


def group_df(x: Inputs) -> float:
    """Return n1 + n2 - 2, or n - 2; infinite where neither is known."""
    n = x["n1"] + x["n2"] if "n1" in x and "n2" in x else x.get("n", math.inf)
    return n - 2


def odds_from_risks(ratio: float, risk: float) -> float:
    """Return the odds ratio of a risk ratio where group 2 has `risk` [Zhang & Yu 1998].

    Examples
    --------
    >>> round(odds_from_risks(1.5, 0.4), 12)
    2.25
    """
    return ratio * (1 - risk) / (1 - ratio * risk)


def base_risk(x: Inputs) -> float:
    """Return the risk of group 2, as coded or of its events."""
    return x["base_risk"] if "base_risk" in x else x["events2"] / x["total2"]


_LOG_ODDS = math.sqrt(3) / math.pi


def _of_r(r: float) -> float:
    return 1 / (1 - r * r)


def _of_log_odds(log_or: float) -> float:
    return _LOG_ODDS / math.sqrt(cv.d_from_log_odds_ratio(log_or) ** 2 + 4)


def _of_d(d: float, x: Inputs) -> float:
    return 1 / math.sqrt(d * d + groups(x))


def _of_g(x: Inputs) -> float:
    """As d: the usual variance of g, 1/n1 + 1/n2 + g² / 2n, is not shrunk by J²."""
    return _of_d(cv.d_from_g(x["g"], group_df(x)), x)


def _of_spearman(x: Inputs) -> float:
    rs = x["spearman_rho"]
    return math.pi / 3 * math.cos(math.pi * rs / 6) * _of_r(cv.r_from_spearman(rs))


def _of_kendall(x: Inputs) -> float:
    tau = x["kendall_tau"]
    return math.pi / 2 * math.cos(math.pi * tau / 2) * _of_r(cv.r_from_kendall(tau))


def _of_beta(x: Inputs) -> float:
    return _of_r(x["beta"] if x.get("n_predictors") == 1 else cv.r_from_beta(x["beta"]))


def _of_risks(x: Inputs) -> float:
    """Through the log odds ratio, whose derivative by ln(RR) is 1 / (1 − RR p₂) at a given p₂."""
    ratio, risk = x["risk_ratio"], base_risk(x)
    return _of_log_odds(math.log(odds_from_risks(ratio, risk))) / (1 - ratio * risk) / ratio


#: By statistic.
SPREADS = {
    s.column: s
    for s in (
        *(
            Spread(column=c, slope=lambda x, c=c: _of_r(x[c]), scale=FISHER,  # type: ignore[misc]
                   steady=c != "semipartial_r")
            for c in ("r", "partial_r", "semipartial_r")
        ),
        Spread(column="fisher_z", slope=lambda _: 1.0, steady=True),
        Spread(column="spearman_rho", slope=_of_spearman, scale=FISHER),
        Spread(column="kendall_tau", slope=_of_kendall, scale=FISHER),
        Spread(column="d", slope=lambda x: _of_d(x["d"], x)),
        Spread(column="g", slope=_of_g),
        Spread(column="beta", slope=_of_beta),
        Spread(column="log_odds_ratio", slope=lambda x: _of_log_odds(x["log_odds_ratio"]),
               first=True),
        Spread(column="odds_ratio", scale=LOG, takes_se=False, first=True,
               slope=lambda x: _of_log_odds(math.log(x["odds_ratio"])) / x["odds_ratio"]),
        Spread(column="risk_ratio", scale=LOG, takes_se=False, first=True, slope=_of_risks),
    )
}  # fmt: skip
