"""What results say of the effects and of the model behind them."""

from __future__ import annotations

from metaalliance.effects.effects import Effects
from metaalliance.model import Specification
from metaalliance.options import Measure


class OfEffects:
    """A result that holds the effects it is of."""

    __slots__ = ()
    effects: Effects

    @property
    def measure(self) -> Measure:
        """Analysis scale of the effects."""
        return self.effects.measure

    @property
    def n_effects(self) -> int:
        """Number of effects."""
        return self.effects.n_effects

    @property
    def n_studies(self) -> int:
        """Number of studies."""
        return self.effects.n_studies


class OfModel(OfEffects):
    """A result that holds the model, too, with nothing left to choose."""

    __slots__ = ()
    specification: Specification

    @property
    def model(self) -> str:
        """The random effects."""
        return self.specification.kind

    @property
    def test(self) -> str:
        """Inference on the mean or on the coefficients."""
        return self.specification.test

    @property
    def level(self) -> float:
        """Coverage of the intervals."""
        return self.specification.level
