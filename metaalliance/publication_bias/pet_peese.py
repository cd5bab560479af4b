"""PET-PEESE: the mean of studies without sampling error, by two regressions and a rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Unpack

from metaalliance.core.distributions import t_sf
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.model import Model
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.notices import announced
from metaalliance.publication_bias.checks import (
    Direction,
    Start,
    Structure,
    begin,
    favoured_direction,
)
from metaalliance.publication_bias.egger import (
    Egger,
    EggerModel,
    fit_egger,
    measure_of_size,
    of_classical,
    refuse_classical_test,
)
from metaalliance.publication_bias.result import BiasResult, Term
from metaalliance.wording.numbers import p_text


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PetPeese(BiasResult):
    """PET, PEESE and the one that the rule takes.

    Attributes
    ----------
    pet, peese : Egger
        Regressions on the standard error and on the sampling variance, or on 1/√(effective n)
        and 1/(effective n) where some variance depends on its effect.
    chosen : {"PET", "PEESE"}
        PEESE when the limit of PET is significant in the direction of the pooled estimate.
    switch_p_value : float
        One-sided p-value of PET's limit.
    switch_p : float
        Level of that test.
    alternative : {"greater", "less"}
        Direction of the pooled estimate.
    """

    method: ClassVar[str] = "pet_peese"
    title: ClassVar[str] = "PET-PEESE (Stanley and Doucouliagos)"
    takes: ClassVar[frozenset[str]] = Egger.takes
    because: ClassVar[str] = Egger.because
    fisher: ClassVar[bool] = Egger.fisher

    pet: Egger = field(repr=False)
    peese: Egger = field(repr=False)
    chosen: Literal["PET", "PEESE"]
    switch_p_value: float
    switch_p: float
    alternative: Direction

    @property
    def estimate(self) -> float:
        """Limit of the regression that was chosen."""
        return self.pet.limit if self.chosen == "PET" else self.peese.limit

    def adjusted(self) -> Term:
        """Return the limit of the regression that was chosen."""
        fit = self.pet if self.chosen == "PET" else self.peese
        return fit.limit_term(f"mean of studies without sampling error ({self.chosen})")

    def terms(self) -> Sequence[Term]:
        """Return the chosen estimate, then both regressions."""
        pet = (self.pet.limit_term("PET"), self.pet.terms()[0])
        return self.adjusted(), *pet, self.peese.limit_term("PEESE"), self.peese.terms()[0]

    def settings(self) -> dict[str, Any]:
        """Return the options that made this result."""
        own = {"switch_p": self.switch_p, "alternative": self.alternative}
        return {
            **self.pet.settings(),
            **own,
            "predictor": [self.pet.predictor, self.peese.predictor],
        }

    def details(self) -> dict[str, Any]:
        """Return which regression was chosen and why."""
        return {"chosen": self.chosen, "switch_p_value": self.switch_p_value}

    def reason(self) -> str:
        """Return why the settings in `not_taken` have no place in the regressions."""
        return self.pet.reason()

    def reading(self) -> str:
        """Return the rule and its outcome."""
        sign = "above" if self.alternative == "greater" else "below"
        found = "significant" if self.chosen == "PEESE" else "not significant"
        return (
            f"Rule: PEESE if PET's mean is {sign} zero at one-sided p < {self.switch_p:g}, else "
            f"PET. It is {found} (p {p_text(self.switch_p_value)}), so {self.chosen} is taken "
            f"({self.pet.model} model)."
        )


def pet_peese(
    effects: Effects | PooledFit,
    model: EggerModel | Model | None = None,
    test: str | None = None,
    rho: float | str | None = None,
    level: float | None = None,
    *,
    tau2: str | None = None,
    switch_p: float = 0.05,
    **structure: Unpack[Structure],
) -> PetPeese:
    """Extrapolate to studies without sampling error, by PET or PEESE.

    PET regresses effects on their standard errors, PEESE on their variances; where the variance
    of some effect depends on the effect (on the scale of r; on Fisher z by the delta method), on
    1/√(effective n) and 1/(effective n). PEESE is less biased when there is a true effect, PET
    when there is none; the rule takes PEESE when the limit of PET differs from zero, one-sided, in
    the direction of the pooled estimate.

    Parameters
    ----------
    effects : Effects or PooledFit
        What was seen. A fit carries all of its settings into the regressions; what is stated
        beside it goes over them.
    model : str, optional
        "auto" takes the correlated-effects model where a study has several effects; for
        independent effects the "classical" weighted least squares of Stanley and Doucouliagos
        as long as nothing is said about random effects (model, tau2 and test at their defaults),
        else the two-level model. Others as in `egger`.
    test, rho, level, tau2, **structure
        As in `egger`.
    switch_p : float
        One-sided level of the rule.

    Raises
    ------
    OptionError, EstimationError
        As `egger`.

    References
    ----------
    Stanley and Doucouliagos (2014).

    Examples
    --------
    >>> yi = [0.1, 0.55, 0.3, 0.2, 0.5, 0.38, 0.05, 0.45, 0.4, 0.02, 0.6, 0.35]
    >>> vi = [0.01, 0.04, 0.02, 0.01, 0.05, 0.03, 0.01, 0.04, 0.02, 0.01, 0.06, 0.03]
    >>> found = pet_peese(Effects.from_arrays(yi, vi))
    >>> found.chosen, round(found.estimate, 3)
    ('PET', -0.274)
    """
    if not 0 < switch_p < 0.5:
        raise OptionError(f"switch_p={switch_p!r} is not a one-sided level between 0 and 0.5.")
    given = {"tau2": tau2, "rho": rho, "level": level, **structure}
    if model == "classical":
        refuse_classical_test(test)
        start, classical = begin(PetPeese, effects, given), True
    else:
        start = begin(PetPeese, effects, {**given, "model": model, "test": test})
        classical = nothing_said(start)
    if classical:
        start = of_classical(start, main=isinstance(effects, PooledFit))
    return announced(_chosen(start, switch_p, classical=classical))


def nothing_said(start: Start) -> bool:
    """Whether effects are independent and nothing was said about their random effects."""
    asked, plain = start.model, Model()
    same = (asked.kind, asked.tau2, asked.test) == (plain.kind, plain.tau2, plain.test)
    return same and not start.effects.dependent()


def settings_left_out(fit: PooledFit) -> tuple[str, ...]:
    """Names of the settings of a fit that PET-PEESE does not take."""
    start = begin(PetPeese, fit, {})
    return of_classical(start, main=True).not_taken if nothing_said(start) else start.not_taken


def _chosen(start: Start, switch_p: float, *, classical: bool) -> PetPeese:
    """Fit both regressions, and take the one that the rule says."""
    pet = fit_egger(start, measure_of_size(start.effects), classical=classical)
    peese = fit_egger(start, measure_of_size(start.effects, "vi"), classical=classical)
    way, _ = favoured_direction(start.effects)
    tail = _one_sided(pet, way)
    return PetPeese(
        **start.fields(),
        pet=pet,
        peese=peese,
        chosen="PEESE" if tail < switch_p else "PET",
        switch_p_value=tail,
        switch_p=switch_p,
        alternative=way,
        notices=tuple(dict.fromkeys((*pet.notices, *peese.notices))),
    )


def _one_sided(pet: Egger, way: Direction) -> float:
    """P-value of PET's limit in the direction of the pooled estimate."""
    t = pet.limit_statistic if way == "greater" else -pet.limit_statistic
    return float(t_sf(t, pet.limit_df))
