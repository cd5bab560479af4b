"""Agreement about one variable, and the table of all."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from metaalliance.coding.values import VariableKind
from metaalliance.core.agreement.categories import Coefficient
from metaalliance.core.agreement.intraclass import Intraclass
from metaalliance.core.agreement.krippendorff import Alpha
from metaalliance.models.scale import without_nan


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableAgreement:
    """Agreement about one variable.

    Attributes
    ----------
    name : str
        The column, or "r (converted)".
    kind : {"nominal", "ordinal", "number", "count", "text"}
        How it is compared.
    unit : {"row", "study"}
        What is counted: a variable of the study counts once for each study.
    n : int
        Units in which at least one of two or more coders has a value.
    exact : float
        Share of them in which all coders say the same; NaN when `n` is 0.
    one_blank : int
        Units in which some coder has a value and another none; they count as disagreement.
    keyed : bool
        Whether rows were matched by this variable, so that agreement is partly a matter of
        course.
    """

    name: str
    kind: VariableKind
    unit: str
    n: int
    exact: float
    one_blank: int
    keyed: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the record for JSON; missing is None."""
        return without_nan(asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryAgreement(VariableAgreement):
    """Agreement about categories, with or without an order.

    Attributes
    ----------
    coefficients : tuple of Coefficient
        Two coders: kappa, weighted for an order, and AC1. More: Fleiss's kappa and AC1.
    alpha : Alpha
        Krippendorff's alpha with the nominal or the ordinal metric.
    """

    coefficients: tuple[Coefficient, ...]
    alpha: Alpha


@dataclass(frozen=True, slots=True, kw_only=True)
class Largest:
    """The largest difference between coders.

    Attributes
    ----------
    difference : float
        Its size.
    study : str
        Where.
    cells : tuple of str
        Cells of the coders.
    values : tuple of float
        What they hold.
    """

    difference: float
    study: str
    cells: tuple[str, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberAgreement(VariableAgreement):
    """Agreement about numbers.

    Attributes
    ----------
    within : float
        Share of units in which all coders agree within the tolerance.
    tolerance : str
        The tolerance in words.
    icc : Intraclass
        ICC(A,1), from units in which every coder has a number.
    largest : Largest or None
        The largest difference; None when nobody differs.
    """

    within: float
    tolerance: str
    icc: Intraclass
    largest: Largest | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementTable:
    """Agreement of coders about every variable that they have coded.

    Attributes
    ----------
    coders : tuple of str
        Letters of the coders.
    level : float
        Coverage of the intervals.
    variables : tuple of VariableAgreement
        One entry per variable, in the order of the column specification.
    """

    coders: tuple[str, ...]
    level: float
    variables: tuple[VariableAgreement, ...] = field(repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per variable: counts, shares, the main coefficient with its interval."""
        return pd.DataFrame([_record(v) for v in self.variables])

    def to_dict(self) -> dict[str, Any]:
        """Return coders, level and variables for JSON."""
        return {
            "coders": list(self.coders),
            "level": self.level,
            "variables": [v.to_dict() for v in self.variables],
        }


def _record(variable: VariableAgreement) -> dict[str, Any]:
    """One variable as a row of a table."""
    row: dict[str, Any] = {
        "variable": variable.name,
        "kind": variable.kind,
        "unit": variable.unit,
        "n": variable.n,
        "exact": variable.exact,
        "within": None,
        "tolerance": None,
        "one_blank": variable.one_blank,
        "keyed": variable.keyed,
        "coefficient": None,
        "estimate": None,
        "se": None,
        "ci_low": None,
        "ci_high": None,
        "AC1": None,
        "alpha": None,
        "largest_difference": None,
        "reason": "",
    }
    if isinstance(variable, CategoryAgreement):
        main, ac1 = variable.coefficients
        row |= {"coefficient": main.name, "estimate": main.estimate, "se": main.se,
                "ci_low": main.ci_low, "ci_high": main.ci_high, "AC1": ac1.estimate,
                "alpha": variable.alpha.estimate, "reason": main.reason}  # fmt: skip
    elif isinstance(variable, NumberAgreement):
        icc = variable.icc
        row |= {"within": variable.within, "tolerance": variable.tolerance,
                "coefficient": icc.name, "estimate": icc.estimate, "ci_low": icc.ci_low,
                "ci_high": icc.ci_high, "reason": icc.reason,
                "largest_difference": variable.largest.difference if variable.largest else 0.0,
                }  # fmt: skip
    return row
