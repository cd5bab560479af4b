"""The numbers that a report gives: what each is, its other names and its range."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

Kind = Literal["text", "number", "count", "choice"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """What stands in a column.

    Attributes
    ----------
    name : str
        Canonical name of its column.
    about : str
        What to enter, for the template and the documentation.
    aliases : tuple of str
        Other headers that are accepted, each use with a note.
    kind : {"text", "number", "count", "choice"}
        How its cells are read; "count" is a whole number.
    low, high : float, optional
        Bounds of a number; `open_ends` excludes them.
    percent : float, optional
        What "1%" is worth where a percentage is allowed.
    labels : tuple of str
        What may stand before the number in its cells (``α = .78``), beside its own names.
    shared : bool
        Whether a half, third or quarter of a person is accepted: a group that was split between
        comparisons, or a number of people with such a group among them.
    """

    name: str
    about: str
    aliases: tuple[str, ...] = ()
    kind: Kind = "number"
    low: float | None = None
    high: float | None = None
    open_ends: bool = False
    percent: float | None = None
    labels: tuple[str, ...] = ()
    shared: bool = False

    @property
    def is_correlation(self) -> bool:
        """Whether its range is that of a correlation."""
        return (self.low, self.high) == (-1, 1)

    def holds(self, value: float) -> bool:
        """Whether a number lies in its range."""
        low, high = self.low, self.high
        if self.open_ends:
            return (low is None or value > low) and (high is None or value < high)
        return (low is None or value >= low) and (high is None or value <= high)


def number(name: str, about: str, *aliases: str, kind: Kind = "number",
           low: float | None = None, high: float | None = None, open_ends: bool = False,
           percent: float | None = None, labels: tuple[str, ...] = (),
           shared: bool = False) -> Quantity:  # fmt: skip
    """Return a quantity, its aliases as further arguments."""
    return Quantity(name=name, about=about, aliases=aliases, kind=kind, low=low, high=high,
                    open_ends=open_ends, percent=percent, labels=labels, shared=shared)  # fmt: skip


count = partial(number, kind="count", low=1)
people = partial(count, shared=True)
positive = partial(number, low=0, open_ends=True)
share = partial(number, low=0, high=1, percent=0.01)
correlation = partial(number, low=-1, high=1, open_ends=True)

N = people("n", "Number of participants behind the effect.", "sample size", "samplesize", "n_total",
           "total n", "ntotal", "sample n", "participants", "num")  # fmt: skip
DF = positive("df", "Residual degrees of freedom of the test.", "degrees of freedom")
DF1 = number("df1", "Numerator degrees of freedom of F.", "df_1", low=1)
DF2 = positive("df2", "Denominator degrees of freedom of F.", "df_2")
N1 = people("n1", "Size of group 1.", "n_1")
N2 = people("n2", "Size of group 2.", "n_2")
N_PREDICTORS = count("n_predictors",
                     "Number of predictors in the regression, the alliance included.",
                     "predictors", "preds", "number of predictors")  # fmt: skip
TAILS = count("tails", "Tails of the p-value: 1 or 2 (default 2).", "tailed", high=2)
R2_MODEL = share("r2_model", "R² of the whole regression.", "model r2")
SE = positive("se", "Standard error of the statistic; serves where n is not known.",
              "standard error", "std error", "stderr")  # fmt: skip
CI_LOW = number("ci_low", "Lower confidence limit, on the scale of the statistic.",
                "ci lower", "lower ci", "ci_lb", "lcl")  # fmt: skip
CI_HIGH = number("ci_high", "Upper confidence limit.", "ci upper", "upper ci", "ci_ub", "ucl")
CI_LEVEL = number("ci_level", "Level of the limits, 95 or .95; blank means 95.",
                  "ci level", "confidence level", "conf_level", low=0.5, high=100,
                  open_ends=True, percent=1)  # fmt: skip
SD_X = positive("sd_x", "Standard deviation of the alliance scores.")
SD_Y = positive("sd_y", "Standard deviation of the outcome scores.")
SE_B = positive("se_b", "Standard error of b; with df, or n and n_predictors, b is a partial r.",
                "b_se", "se of b", "std error of b")  # fmt: skip
BASE_RISK = number("base_risk", "Share of group 2 with the event, as a proportion or with %, for "
                   "a risk ratio; events2 and total2 say the same.", "baseline risk",
                   "control risk", "acr", low=0, high=1, open_ends=True, percent=0.01)  # fmt: skip
VI = positive("vi", "Sampling variance of yi, on its scale.")
SEI = positive("sei", "Standard error of yi, on its scale.")

#: What may stand beside a statistic, in the order in which the ledger lists it.
BESIDE = (N, DF, DF1, DF2, N1, N2, N_PREDICTORS, TAILS, R2_MODEL, SE, CI_LOW, CI_HIGH, CI_LEVEL,
          SE_B, SD_X, SD_Y, BASE_RISK, VI, SEI)  # fmt: skip
