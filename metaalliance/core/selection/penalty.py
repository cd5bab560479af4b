"""Penalties of selection models: log-densities that keep estimates finite."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Penalty:
    """Log-densities that are added to the log-likelihood.

    Of each coefficient of the mean ``-(b / unit)^4 / 16``; of tau, through its logarithm,
    ``log(tau) - tau / (mode unit)``; of the logarithm x of a selection parameter
    ``-(x - log(weight))^4 / 54``. The last two are those of intercepts; other coefficients of log
    tau² and of selection have ``-x^4 / 54``.

    Attributes
    ----------
    unit : float
        What a standardised mean difference of one is on the scale of the effects.
    mode : float
        Mode of tau in that unit.
    weight : float
        Mode of a selection parameter.
    """

    unit: float = 1.0
    mode: float = 0.2
    weight: float = 0.5

    def at(self, theta: Array, places: tuple[slice, ...]) -> tuple[Array, Array, Array]:
        """Value (B,), gradient (B, q) and the diagonal of the Hessian (B, q) at theta (B, q)."""
        value = np.zeros(theta.shape[0])
        slope, bend = np.zeros_like(theta), np.zeros_like(theta)
        mean, *others = places
        b = theta[:, mean] / self.unit
        value -= (b**4).sum(axis=1) / 16
        slope[:, mean], bend[:, mean] = -(b**3) / (4 * self.unit), -0.75 * (b / self.unit) ** 2
        for place in others:
            x = theta[:, place].copy()
            x[:, 0] -= np.log(self.weight)
            if place is others[0]:  # tau has a density of its own
                x[:, 0] = 0.0
            value -= (x**4).sum(axis=1) / 54
            slope[:, place], bend[:, place] = -(x**3) * (4 / 54), -(x**2) * (12 / 54)
        first = others[0].start
        tau = np.exp(theta[:, first] / 2) / (self.mode * self.unit)
        value += 0.5 * theta[:, first] - tau
        slope[:, first], bend[:, first] = 0.5 * (1 - tau), -0.25 * tau
        return value, slope, bend
