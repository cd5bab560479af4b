"""What a rule of conversion is, and how it is applied."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from metaalliance.core.conversion import refusals as no
from metaalliance.core.conversion.conversions import Converted
from metaalliance.core.conversion.quantities import Quantity
from metaalliance.core.conversion.spread import SPREADS, Inputs, Spread

#: What only the variance needs; a standard error or an interval stands for it.
_SIZES = frozenset({"n", "df", "n_predictors", "r2_model"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a statistic is, and how it becomes a correlation.

    Attributes
    ----------
    statistic : str
        Its name.
    words : tuple of str
        One and several of them in a sentence.
    rank : int
        Its place in the order of choice, the first for what is nearest to a correlation of
        the data; equals in the order of the table.
    columns : tuple of Quantity
        Columns that hold the statistic itself, in the order of the formula.
    inputs : tuple of str
        Their names.
    beside : tuple of Quantity
        Columns of what stands beside it; they follow its own in the workbook.
    needs : tuple of tuple of str
        Columns that have to be there: one of each tuple.
    function : callable
        From inputs by column name to `Converted`.
    formula, variance : str
        What is computed, for the documentation, and for the ledger where `function` does not
        say which of several ways it took.
    exact : bool or str
        Whether the conversion is exact, or when.
    source : str
        Reference of the formula.
    names : tuple of str
        What it is called in the column `statistic` beside the names of its columns.
    begun_by : tuple of str
        Which of several columns show that the statistic was meant; none for all.
    parts : tuple of str
        Columns whose sum is n.
    df : str
        Column of the degrees of freedom that go before n, where they do.
    least_n : int or None
        n has to be larger; None where the variance does not rest on n.
    signed : bool
        Whether the statistic carries a sign.
    tolerance : float or None
        Largest difference in r that rounding explains, where the statistic is compared with
        others of its row.
    refusals : tuple of callable
        From inputs to the reason for which they are not converted, or None.
    direct : bool
        Whether it is a correlation as it stands, on some scale.
    adjusted : bool
        Whether other variables of its model are held constant.
    coefficient : bool
        Whether it is a regression coefficient, for which teams have a policy. Its formula
        treats positive and negative values differently, so that the statistic has to be
        turned (better outcome, better alliance) before it is converted.
    test : {"t", "normal", ""}
        Test that reports give with it: t with the degrees of freedom of r, or a normal one, of
        r times the root of n; blank for a normal test by the sampling variance.
    spread : Spread or None
        How its own standard error or interval becomes a variance; by default that of
        `SPREADS`.
    """

    statistic: str
    words: tuple[str, str]
    rank: int
    columns: tuple[Quantity, ...]
    inputs: tuple[str, ...] = field(init=False)
    beside: tuple[Quantity, ...] = ()
    needs: tuple[tuple[str, ...], ...] = (("n",),)
    function: Callable[[Inputs], Converted] = field(repr=False)
    formula: str
    variance: str = "1 / (n − 3)"
    exact: bool | str = True
    source: str
    names: tuple[str, ...] = ()
    begun_by: tuple[str, ...] = ()
    parts: tuple[str, ...] = ("n1", "n2")
    df: str = ""
    least_n: int | None = 3
    signed: bool = True
    tolerance: float | None = None
    refusals: tuple[no.Refuse, ...] = ()
    direct: bool = False
    adjusted: bool = False
    coefficient: bool = False
    test: Literal["t", "normal", ""] = "t"
    spread: Spread | None = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", tuple(c.name for c in self.columns))
        object.__setattr__(self, "spread", SPREADS.get(self.statistic))

    def missing(self, inputs: Inputs) -> list[tuple[str, ...]]:
        """Return what a conversion with these inputs still needs, one column of each tuple.

        A standard error or an interval stands for n and for what else only the variance needs.
        """
        missing = [one_of for one_of in self.needs if not any(c in inputs for c in one_of)]
        own = self.spread is not None and self.spread.has(inputs)
        return [m for m in missing if not (own and _SIZES & {*m})]

    def own_variance(self, inputs: Inputs) -> tuple[float, str] | None:
        """Return the variance that is reported where it is the one to take, with its source."""
        spread = self.spread
        if spread is None:
            return None
        sized = all(any(c in inputs for c in one_of) for one_of in self.needs)
        return None if sized and not spread.first else spread.reported(inputs)

    def carry(self, inputs: Inputs, variance: float, source: str) -> Converted:
        """Convert with the variance of the statistic on its own scale."""
        assert self.spread is not None
        found = self.function({"n": math.inf, "df": math.inf, "r2_model": 1.0, **inputs})
        taken = tuple(t for t in found.assumptions if "confidence limits" not in t)
        how = source if self.statistic == "fisher_z" else f"{source}, delta method"
        return self._told(replace(
            found, z_variance=self.spread.to_z(inputs, variance), df=None, assumptions=taken,
            variance_rule=how, steady=self.spread.steady,
        ))  # fmt: skip

    def convert(self, inputs: Inputs) -> Converted:
        """Convert numbers by column name to a correlation with its variance."""
        own = self.own_variance(inputs)
        return self._told(self.function(inputs)) if own is None else self.carry(inputs, *own)

    def _told(self, found: Converted) -> Converted:
        """Complete what the ledger says by what the rule says."""
        return replace(
            found,
            formula=found.formula or self.formula,
            variance_rule=found.variance_rule or self.variance,
            approximate=found.approximate or self.exact is False,
        )
