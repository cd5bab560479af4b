"""Henmi and Copas's mean as a method for publication bias."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Unpack

from metaalliance.effects.effects import Effects
from metaalliance.model import ModelSettings
from metaalliance.models.further.henmi_copas import HenmiCopasFit, henmi_copas
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.notices import announced
from metaalliance.publication_bias.checks import begin_averaged, few_studies
from metaalliance.publication_bias.result import BiasResult, Term, mean_term

_METHOD = "Henmi and Copas's interval"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HenmiCopas(BiasResult):
    """Common-effect mean with an interval that allows for heterogeneity.

    Attributes
    ----------
    fit : HenmiCopasFit
        The mean and its interval.
    """

    method: ClassVar[str] = "henmi_copas"
    title: ClassVar[str] = "Interval of Henmi and Copas"
    takes: ClassVar[frozenset[str]] = frozenset({"rho", "level"})
    because: ClassVar[str] = (
        "its mean has common-effect weights, one effect per study, with DerSimonian and Laird's "
        "τ² in a distribution of its own"
    )

    fit: HenmiCopasFit = field(repr=False)

    def adjusted(self) -> Term:
        """Return the mean; its test has no degrees of freedom."""
        return mean_term("mean with common-effect weights", self.fit)

    def terms(self) -> Sequence[Term]:
        """Return the mean."""
        return (self.adjusted(),)

    def details(self) -> dict[str, Any]:
        """Return the critical value and the heterogeneity."""
        fit = self.fit
        return {"critical_value": fit.critical_value, "tau2": fit.tau2, "Q": fit.Q}

    def reading(self) -> str:
        """Return what the mean leans on."""
        return (
            "Large studies have the weight that sampling error alone would give them, so that "
            "missing small studies move this mean less."
        )


def henmi_copas_bias(effects: Effects | PooledFit, **settings: Unpack[ModelSettings]) -> HenmiCopas:
    """Estimate the mean as `henmi_copas` does, with the settings of the main model.

    Parameters
    ----------
    effects : Effects or PooledFit
        Effects; several of one study are averaged first.
    **settings
        The settings of `pool`, by default those of the fit. `rho`, where it is a number, is the
        correlation of sampling errors within a study for the averaging (else .5); `level` is
        taken; the others are named in `not_taken`.
    """
    start = begin_averaged(HenmiCopas, effects, settings, _METHOD)
    notices = (*start.notices, *few_studies(start.effects, _METHOD))
    fit = henmi_copas(start.effects, level=start.model.level)
    return announced(HenmiCopas(**start.fields(), fit=fit, notices=notices))
