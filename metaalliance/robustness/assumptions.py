"""What is assumed of a planned review: its studies, and the model that will be fitted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.model import RHO, Model
from metaalliance.models.pool import fit_mean
from metaalliance.options import check_rho

#: Share of tau² between studies where nothing is said: a default, of no source.
BETWEEN = 0.7


class PlannedStudies(TypedDict, total=False):
    """Keywords that say what the studies of a plan are like; see `assume`."""

    n: float | Sequence[float] | None
    v: float | Sequence[float] | None
    tau: float | None
    effects_per_study: int | Sequence[int]
    pilot: Effects | None
    rho: float
    between: float | None
    model: str
    test: str
    level: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What is assumed of the studies and how they will be analysed.

    Attributes
    ----------
    sizes : tuple of (float, int)
        Sampling variance of an effect and number of effects of a typical study each; planned
        studies are spread evenly over them.
    tau2 : float
        Heterogeneity variance in total.
    between : float
        Its share between studies, where some have several effects.
    rho : float
        Correlation of sampling errors within a study.
    fitted : Model
        What will be fitted; its level is one less the size of the test.
    """

    sizes: tuple[tuple[float, int], ...] = field(repr=False)
    tau2: float
    between: float
    rho: float
    fitted: Model

    @property
    def model(self) -> str:
        """Random effects of what will be fitted."""
        return self.fitted.kind

    @property
    def test(self) -> str:
        """Its inference."""
        return self.fitted.test

    @property
    def level(self) -> float:
        """One less the size of the test."""
        return self.fitted.level

    @property
    def theta(self) -> Array:
        """Variances between studies and between effects of a study."""
        if self.fitted.multilevel:
            return np.array([self.tau2 * self.between, self.tau2 * (1 - self.between)])
        return np.array([0.0, self.tau2])

    def to_dict(self) -> dict[str, Any]:
        """Return the assumptions; sizes as their means."""
        v, m = np.array(self.sizes, dtype=float).T
        return {
            "tau": math.sqrt(self.tau2),
            "between": self.between,
            "rho": self.rho,
            "model": self.model,
            "test": self.test,
            "level": self.level,
            "mean_sampling_variance": float(v.mean()),
            "mean_effects_per_study": float(m.mean()),
        }


def assume(
    *,
    n: float | Sequence[float] | None = None,
    v: float | Sequence[float] | None = None,
    tau: float | None = None,
    effects_per_study: int | Sequence[int] = 1,
    pilot: Effects | None = None,
    rho: float = RHO,
    between: float | None = None,
    model: str = "auto",
    test: str = "auto",
    level: float = 0.95,
) -> Assumptions:
    """Check and complete what is assumed of a planned review.

    Parameters
    ----------
    n : float or sequence of float, optional
        Participants of a study (sampling variance of Fisher's z: 1 / (n - 3)).
    v : float or sequence of float, optional
        Sampling variances instead, on any scale.
    tau : float, optional
        Standard deviation of the true effects, in total; by default that of the pilot.
    effects_per_study : int or sequence of int
        Effects of a study; a sequence is paired with `n` or `v` where both have several values.
    pilot : Effects, optional
        Effects of a review that is like the planned one: its sampling variances and numbers of
        effects replace `n`, `v` and `effects_per_study`.
    rho : float
        Correlation of sampling errors within a study.
    between : float, optional
        Share of tau² between studies; by default that of the pilot where tau is, else .7.
    model, test, level
        Of what will be fitted; "auto" is the model and the test of `pool`.

    Raises
    ------
    OptionError
        For what cannot be: n <= 3, a negative tau, a test without a formula.
    """
    asked = Model(kind=model, test=test, level=level, rho=check_rho(rho))
    sizes = _pilot_sizes(pilot) if pilot is not None else _sizes(n, v, effects_per_study)
    several = any(m > 1 for _, m in sizes)
    chosen = asked.resolved(dependent=several)
    fitted = Model(kind=chosen.kind, test=chosen.test, level=level, rho=asked.rho)
    _refuse_other_sizes(fitted, several=several)
    if tau is None and pilot is not None:
        tau, split = _spread(pilot, fitted)
        between = split if between is None else between
    between = BETWEEN if between is None else between
    if not (_is_number(tau) and tau is not None and float(tau) >= 0):
        raise OptionError(
            f"tau={tau!r} is not a standard deviation, zero or above: that of the true effects "
            "(Fisher z, such as .15), or of a pilot."
        )
    if not (_is_number(between) and 0 <= float(between) <= 1):
        raise OptionError(f"between={between!r} is not a share between 0 and 1.")
    return Assumptions(
        sizes=sizes,
        tau2=0.0 if fitted.kind == "common-effect" else float(tau) ** 2,
        between=float(between) if several else 1.0,
        rho=float(rho) if several else 0.0,
        fitted=fitted,
    )


def _refuse_other_sizes(fitted: Model, *, several: bool) -> None:
    """Refuse a model that has no use for the numbers of effects."""
    if several and not fitted.multilevel:
        raise OptionError(
            f"model={fitted.kind!r} takes one effect per study; with several use 'che', or plan "
            "their aggregated effects (effects_per_study=1)."
        )
    if fitted.multilevel and not several:
        raise OptionError(f"model={fitted.kind!r} needs several effects in some studies.")


def _spread(pilot: Effects, fitted: Model) -> tuple[float, float | None]:
    """Standard deviation of the true effects of a pilot, and its share between studies."""
    fit = fit_mean(pilot, fitted)
    if not fitted.multilevel or not fit.tau2 > 0:
        return fit.tau, None
    return fit.tau, float(fit.heterogeneity()["sigma2"]["study"]) / fit.tau2


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and math.isfinite(float(value))


def _sizes(
    n: float | Sequence[float] | None,
    v: float | Sequence[float] | None,
    effects_per_study: int | Sequence[int],
) -> tuple[tuple[float, int], ...]:
    """Pair sampling variances with numbers of effects."""
    if (n is None) == (v is None):
        raise OptionError("Give n (participants of a study) or v (sampling variances), not both.")
    many = _listed(n if v is None else v)
    if v is None and any(not _is_number(x) or x <= 3 for x in many):
        raise OptionError(f"n={n!r}: Fisher's z needs more than 3 participants.")
    if v is not None and any(not _is_number(x) or x <= 0 for x in many):
        raise OptionError(f"v={v!r}: a sampling variance is positive.")
    variances = [1 / (x - 3) for x in many] if v is None else [float(x) for x in many]
    counts = _listed(effects_per_study)
    if any(not _is_number(m) or m < 1 or int(m) != m for m in counts):
        raise OptionError(f"effects_per_study={effects_per_study!r}: whole numbers from 1 on.")
    if len(variances) > 1 and len(counts) > 1 and len(variances) != len(counts):
        raise OptionError(
            f"{len(variances)} study sizes and {len(counts)} numbers of effects cannot be paired."
        )
    size = max(len(variances), len(counts))
    pairs = zip(variances * (size // len(variances)), counts * (size // len(counts)), strict=True)
    return tuple((float(x), int(m)) for x, m in pairs)


def _listed(value: Any) -> list[Any]:
    found = list(value) if isinstance(value, Sequence | np.ndarray) else [value]
    if not found:
        raise OptionError("An empty list of sizes was given.")
    return found


def _pilot_sizes(pilot: Effects) -> tuple[tuple[float, int], ...]:
    """Mean sampling variance and number of effects of each study, by precision."""
    grouped = pilot.frame.groupby("study", sort=False)["vi"].agg(["mean", "size"])
    pairs = [(float(v), int(m)) for v, m in grouped.itertuples(index=False)]
    return tuple(sorted(pairs))
