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
    """

    name: str
    about: str
    aliases: tuple[str, ...] = ()
    kind: Kind = "number"
    low: float | None = None
    high: float | None = None
    open_ends: bool = False
    percent: float | None = None

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
           percent: float | None = None) -> Quantity:  # fmt: skip
    """Return a quantity, its aliases as further arguments."""
    return Quantity(name=name, about=about, aliases=aliases, kind=kind, low=low, high=high,
                    open_ends=open_ends, percent=percent)  # fmt: skip


count = partial(number, kind="count", low=1)
positive = partial(number, low=0, open_ends=True)
share = partial(number, low=0, high=1, percent=0.01)
correlation = partial(number, low=-1, high=1, open_ends=True)

N = count("n", "Number of participants behind the effect.", "sample size", "samplesize", "n_total",
          "total n", "ntotal", "sample n", "participants", "num")  # fmt: skip
DF = positive("df", "Residual degrees of freedom of the test.", "degrees of freedom")
DF1 = number("df1", "Numerator degrees of freedom of F.", "df_1", low=1)
DF2 = positive("df2", "Denominator degrees of freedom of F.", "df_2")
N1 = count("n1", "Size of group 1.", "n_1")
N2 = count("n2", "Size of group 2.", "n_2")
N_PREDICTORS = count("n_predictors",
                     "Number of predictors in the regression, the alliance included.",
                     "predictors", "preds", "number of predictors")  # fmt: skip
TAILS = count("tails", "Tails of the p-value: 1 or 2 (default 2).", "tailed", high=2)
R2_MODEL = share("r2_model", "R² of the whole regression.", "model r2")
CI_LOW = number("ci_low", "Lower 95% confidence limit, on the scale of the statistic.",
                "ci lower", "lower ci", "ci_lb", "lcl")  # fmt: skip
CI_HIGH = number("ci_high", "Upper 95% confidence limit.", "ci upper", "upper ci", "ci_ub", "ucl")
SD_X = positive("sd_x", "Standard deviation of the alliance scores.")
SD_Y = positive("sd_y", "Standard deviation of the outcome scores.")
VI = positive("vi", "Sampling variance of yi.")

#: What may stand beside a statistic, in the order in which the ledger lists it.
BESIDE = (N, DF, DF1, DF2, N1, N2, N_PREDICTORS, TAILS, R2_MODEL, CI_LOW, CI_HIGH, SD_X, SD_Y, VI)
