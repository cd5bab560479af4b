"""What a row is worth: one value, made once and carried whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from metaalliance.errors import OptionError
from metaalliance.frozen import FrozenDict
from metaalliance.options import (
    Attenuation,
    BetaPolicy,
    Nonsignificant,
    Overlap,
    ReadEstimand,
    SheetMeasure,
    Variances,
    YiMeasure,
    choice,
)
from metaalliance.setting import Settings, setting

#: What stands for a reliability that is not coded: one number, one by measure, or the mean
#: of those that are coded.
Assumed = float | Mapping[str, float] | Literal["mean"]
#: Settings that decide how a sheet is read; the others say what is made of its rows.
READING = ("measure", "nonsignificant", "beta", "yi_measure", "estimand")


def _reliability(name: str, given: Any) -> float | FrozenDict | str | None:
    """Return what stands for a missing reliability: a number, numbers by measure, or the mean."""
    if given is None or given == "mean":
        return given  # type: ignore[no-any-return]
    if isinstance(given, int | float) and not isinstance(given, bool):
        return float(given)
    pairs = given.items() if isinstance(given, Mapping) else _pairs(name, str(given))
    try:
        by_measure = {str(key): float(value) for key, value in pairs}
    except (TypeError, ValueError):
        raise OptionError(
            f"{name}={given!r} is not a number, 'mean', or numbers by measure (WAI=.93,*=.9)."
        ) from None
    return by_measure[""] if set(by_measure) == {""} else FrozenDict(by_measure)


def _pairs(name: str, text: str) -> list[tuple[str, str]]:
    """Split "WAI=.93,*=.9"; a number alone has no measure."""
    parts = [part.partition("=") for part in text.split(",")]
    if len(parts) == 1 and not parts[0][1]:
        return [("", text)]
    if not all(key.strip() and equals for key, equals, _ in parts):
        raise OptionError(f"{name}={text!r}: write each measure as NAME=number.")
    return [(key.strip(), value) for key, _, value in parts]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(Settings):
    """What the statistics of a sheet are converted to, and what stands for missing ones.

    Attributes
    ----------
    measure : {"z", "r", "r-unbiased"}
        Scale of the analysis: Fisher z, r, or r corrected for bias (Olkin and Pratt).
    variances : {"delta", "fisher"}
        Sampling variance of r from groups and counts: the delta method for a cross-sectional
        sample, or 1 / (n - 3) as for a correlation of two continuous variables.
    nonsignificant : {"error", "zero", "drop", "half-p", "censored"}
        What a row that says only "n.s." is worth: nothing yet, zero, nothing, the value of
        p = .50, or the interval between the critical values of its test.
    beta : {"peterson-brown", "refuse"}
        Whether standardised regression coefficients are converted.
    yi_measure : {"z", "r", "d", "g", "log_or"} or None
        Scale of the effects in column `yi` where the sheet has no column `yi_measure`.
    attenuation : {"none", "individual", "alliance", "outcome"}
        Which measures r is corrected for.
    alliance_reliability, outcome_reliability : float, mapping of str to float, "mean" or None
        What stands for a reliability that a row does not report.
    estimand : {"total", "within_patient", "between_patient", "between_therapist", "each"} or None
        The question whose rows are used, a blank `estimand` being "total"; None refuses a sheet
        whose rows answer several. "each" keeps them all for what tells them apart; a mean of them
        is refused.
    overlap : {"full", "nested"}
        Whether the effects of one sample are of the same people, whatever their n, or the smaller
        group is among the larger: rho times the root of the smaller n over the larger.

    Raises
    ------
    OptionError
        For a value that a setting does not have.
    """

    measure: str = choice("z", SheetMeasure, "Scale of the analysis: z, r or r-unbiased")
    variances: str = choice(
        "delta",
        Variances,
        "Variance of r from groups and counts: delta (their sizes) or fisher, 1/(n − 3)",
    )
    nonsignificant: str = choice(
        "error",
        Nonsignificant,
        "'n.s.' without a value: error, zero, drop, half-p or censored",
    )
    beta: str = choice("peterson-brown", BetaPolicy, "Betas: peterson-brown or refuse")
    yi_measure: str | None = choice(
        None, YiMeasure, "Scale of yi where no column yi_measure says it: z, r, d, g or log_or"
    )
    attenuation: str = choice(
        "none",
        Attenuation,
        "Correct r for unreliability: none, individual (both measures), alliance or outcome",
    )
    alliance_reliability: Assumed | None = setting(
        None,
        _reliability,
        "Where a row reports none: a number, mean, or by measure such as WAI=.93,*=.9",
        toml=(int, float, str, dict),
    )
    outcome_reliability: Assumed | None = setting(
        None, _reliability, "The same for the outcome", toml=(int, float, str, dict)
    )
    estimand: str | None = choice(
        None,
        ReadEstimand,
        "Use the rows of one estimand (blank is total): total, within_patient, between_patient, "
        "between_therapist; each keeps all, for components",
    )
    overlap: str = choice(
        "full",
        Overlap,
        "Effects of one sample with other n: full (the same people) or nested (the fewer among "
        "the more: rho times the root of the smaller n over the larger)",
    )

    def for_multiverse(self) -> Policy:
        """Return the policy with which a sheet is read whose "n.s." is a decision still open."""
        return self if self.nonsignificant != "error" else replace(self, nonsignificant="drop")

    @property
    def reading(self) -> dict[str, Any]:
        """What decides how a sheet is read, as `load_studies` takes it."""
        return {name: getattr(self, name) for name in READING}

    @classmethod
    def read(cls, *given: Mapping[str, Any]) -> Self:
        """Return the value that mappings by name ask for, the first of them over the next.

        Where the first says which measures are corrected, reliabilities of others that only the
        next ones give stand for nothing.
        """
        first, *rest = given or ({},)
        said = first.get("attenuation")
        if said is not None:
            idle = {f"{side}_reliability" for side in ("alliance", "outcome")
                    if said not in {side, "individual"}}  # fmt: skip
            rest = [{k: v for k, v in one.items() if k not in idle} for one in rest]
        found: Self = super(Policy, cls).read(first, *rest)
        return found

    @property
    def conversion(self) -> dict[str, Any]:
        """Keywords of `effect_sizes`."""
        names = ("measure", "variances", "overlap")
        return {**self.correction, **{name: getattr(self, name) for name in names}}

    @property
    def correction(self) -> dict[str, Any]:
        """Correction for unreliability, as `effect_sizes` takes it."""
        names = ("attenuation", "alliance_reliability", "outcome_reliability")
        return {name: getattr(self, name) for name in names}
