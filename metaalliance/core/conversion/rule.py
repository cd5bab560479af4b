"""What a rule of conversion is, and how it is applied."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from metaalliance.core.conversion import refusals as no
from metaalliance.core.conversion.conversions import Converted
from metaalliance.core.conversion.quantities import Quantity
from metaalliance.core.conversion.sampling import BySize
from metaalliance.core.conversion.spread import SPREADS, Inputs, Spread
from metaalliance.options import Variances

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
        Whether the conversion is exact, or when; the variance says so itself.
    by_size : callable or None
        From r and inputs to the variance that group sizes or counts give by the delta method, or
        None where they are not there; without it the variance is that of `function`.
    vi_of_effect : bool
        Whether the variance of Fisher z depends on the effect itself wherever it is not the
        standard one, 1 / (df - 1).
    source : str
        Reference of the formula.
    names : tuple of str
        What it is called in the column `statistic` beside the names of its columns.
    begun_by : tuple of str
        Which of several columns show that the statistic was meant; none for all.
    parts : tuple of str
        Columns whose sum is n.
    counts : tuple of str
        Columns that only the variance may take up.
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
    by_size: BySize | None = field(default=None, repr=False)
    vi_of_effect: bool = False
    source: str
    names: tuple[str, ...] = ()
    begun_by: tuple[str, ...] = ()
    parts: tuple[str, ...] = ("n1", "n2")
    counts: tuple[str, ...] = ()
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

    @property
    def grouped(self) -> bool:
        """Whether it may stand for two groups, one of whose sizes follows from the other and n."""
        ours = self.by_size is not None and not self.counts
        return ours and self.parts == ("n1", "n2") and "n1" not in self.inputs

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
            variance_rule=how, standard=False,
        ))  # fmt: skip

    def has_sizes(self, inputs: Inputs) -> bool:
        """Whether group sizes or counts give the variance."""
        known = self.by_size is not None and self.by_size(0.0, inputs) is not None
        return known and self.own_variance(inputs) is None

    def convert(self, inputs: Inputs, variances: Variances = "delta") -> Converted:
        """Convert numbers by column name to a correlation with its variance."""
        own = self.own_variance(inputs)
        return self.sized(inputs, variances) if own is None else self.carry(inputs, *own)

    def sized(self, inputs: Inputs, variances: Variances = "delta") -> Converted:
        """Convert with the variance that sizes give, whatever variance is reported."""
        found = self.function(inputs)
        if self.by_size is None:
            return self._told(found)
        known = self.by_size(found.r, inputs) if variances == "delta" else None
        if known is None:
            rule = found.variance_rule or "1 / (n − 3)"
            unsized = self._unsized(inputs) if variances == "delta" else ""
            return self._told(found, rule + unsized)
        taken = tuple(t for t in found.assumptions if "confidence limits" not in t)
        return self._told(replace(
            found, z_variance=known.variance, variance_rule=known.rule, assumptions=taken,
            standard=False,
        ))  # fmt: skip

    def _unsized(self, inputs: Inputs) -> str:
        """Say in the ledger that group sizes would have given the variance of a test."""
        coded = {"n1", "n2"} <= inputs.keys() or inputs.get("n_predictors", 1) > 1
        return "" if coded or self.counts else "; n1 and n2 are not coded"

    def _told(self, found: Converted, variance_rule: str = "") -> Converted:
        """Complete what the ledger says by what the rule says."""
        return Converted(  # each row comes here: `replace` takes four times as long
            r=found.r,
            z_variance=found.z_variance,
            df=found.df,
            formula=found.formula or self.formula,
            variance_rule=variance_rule or found.variance_rule or self.variance,
            approximate=found.approximate or self.exact is False,
            assumptions=found.assumptions,
            z=found.z,
            standard=found.standard,
            of_effect=self.vi_of_effect and (found.df is None or not found.standard),
        )
