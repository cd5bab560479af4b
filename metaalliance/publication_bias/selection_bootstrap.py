"""Cluster bootstrap of a selection model: what is asked, and its intervals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, Self

import numpy as np

from metaalliance.core.arrays import Array, IntArray, read_only
from metaalliance.core.inference.bootstrap_intervals import BootstrapInterval, bootstrap_limits
from metaalliance.core.selection.bootstrap import Refit, bootstrap_selection, without_each_study
from metaalliance.core.selection.optimum import SelectionOptimum
from metaalliance.core.selection.resamples import Resamples
from metaalliance.errors import EstimationError, OptionError
from metaalliance.options import check_option, check_seed
from metaalliance.problems import Problem, notice
from metaalliance.workers.workers import Workers

Bootstrap = Literal["auto", "none", "two-stage", "multinomial", "exponential"]
Drawn = Literal["two-stage", "multinomial", "exponential"]
#: Replicates where their number is not stated; one of the beta model takes ten times as long.
REPLICATIONS, BETA_REPLICATIONS = 1999, 399
#: Fewer replicates give no limit of a 95% interval.
LEAST_REPLICATIONS = 99
#: Share of replicates without estimates from which on the intervals are not to be used.
_MANY_FAILED = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Resampled:
    """How intervals are made.

    Attributes
    ----------
    bootstrap : {"auto", "none", "two-stage", "multinomial", "exponential"}
        How studies are drawn; with "none" intervals are those of the standard errors; "auto" is
        "two-stage" where some study has several effects, or where another field asks for a
        bootstrap, else "none".
    interval : {"percentile", "basic", "studentised", "bca"}
        The interval.
    replications : int or None
        Number of replicates; None for 1,999, and 399 of the beta model.
    seed : int or None
        Of the generator.
    workers : Workers
        Where replicates are computed; it changes no number.
    """

    bootstrap: Bootstrap = "auto"
    interval: BootstrapInterval = "percentile"
    replications: int | None = None
    seed: int | None = 1
    workers: Workers = field(default_factory=Workers, compare=False)

    def checked(self) -> Self:
        """Return the same, after a check of every value.

        Raises
        ------
        OptionError
            For a value that cannot be.
        """
        check_option("bootstrap", self.bootstrap, Bootstrap)
        check_option("interval", self.interval, BootstrapInterval)
        check_seed(self.seed)
        if self.bootstrap == "none" and (asked := self.of_a_bootstrap()):
            raise OptionError(
                f"{', '.join(asked)}: only a bootstrap has that. Add one, such as two-stage."
            )
        if self.replications is not None and self.replications < LEAST_REPLICATIONS:
            raise OptionError(
                f"replications={self.replications!r} is too few for an interval; take "
                f"{REPLICATIONS}, or {LEAST_REPLICATIONS} to try it."
            )
        return self

    def of_a_bootstrap(self) -> list[str]:
        """Return the names of what is asked and only a bootstrap has."""
        plain = Resampled()
        names = ("interval", "replications", "seed")
        return [name for name in names if getattr(self, name) != getattr(plain, name)]

    def drawn(self, *, dependent: bool) -> Drawn | None:
        """Return how studies are drawn; None where intervals are those of the standard errors."""
        if self.bootstrap == "auto":
            return "two-stage" if dependent or self.of_a_bootstrap() else None
        return None if self.bootstrap == "none" else self.bootstrap


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SelectionBootstrap:
    """Intervals of a selection model from a cluster bootstrap.

    Attributes
    ----------
    bootstrap, interval, replications, seed
        As in `Resampled`.
    failed : int
        Replicates without finite estimates; they are in no interval.
    names : tuple of str, length n
        What the columns are.
    estimates : ndarray, shape (R, n)
        Estimates of the other replicates: of the mean on the analysis scale, tau², weights.
    low, high : ndarray, shape (n,)
        Limits.
    """

    bootstrap: Drawn
    interval: BootstrapInterval
    replications: int
    seed: int | None
    failed: int
    names: tuple[str, ...]
    estimates: Array = field(repr=False)
    low: Array
    high: Array

    def to_dict(self) -> dict[str, Any]:
        """Return what was done and the limits, without the replicates."""
        columns = zip(self.names, self.low, self.high, strict=True)
        return {
            "bootstrap": self.bootstrap,
            "interval": self.interval,
            "replications": self.replications,
            "failed": self.failed,
            "seed": self.seed,
            "limits": [
                {"name": name, "ci_low": float(low), "ci_high": float(high)}
                for name, low, high in columns
            ],
        }

    def text(self) -> str:
        """Return what the limits are."""
        left = f"; {self.failed:,} had no estimates" if self.failed else ""
        return (
            f"{self.interval} limits of {self.replications:,} {self.bootstrap} bootstrap samples "
            f"of studies{left}"
        )

    def notices(self) -> tuple[Problem, ...]:
        """Return what the reader has to know."""
        if not self.failed:
            return ()
        message = (
            f"The selection model has no estimates in {self.failed:,} of {self.replications:,} "
            "bootstrap samples, as where no effect of a sample lies in an interval of p."
        )
        hint = "They are left out of the intervals; a penalty keeps their estimates finite."
        few = self.failed <= _MANY_FAILED * self.replications
        return (notice("MA634", message, hint, severity="note" if few else "warning"),)


def bootstrapped(
    optimum: SelectionOptimum,
    codes: IntArray,
    drawn: Drawn,
    how: Resampled,
    usual: int,
    level: float,
    *,
    A: Array,
    logarithms: Array,
    names: tuple[str, ...],
) -> SelectionBootstrap:
    """Return intervals of linear functions of the parameters, some of them logarithms.

    Parameters
    ----------
    optimum : SelectionOptimum
        The fitted model.
    codes : ndarray, shape (k,)
        Study of each effect, 0 to m - 1.
    drawn : {"two-stage", "multinomial", "exponential"}
        How studies are drawn.
    how : Resampled
        What is asked about replicates and limits.
    usual : int
        Replicates where their number is not stated.
    level : float
        Coverage.
    A : ndarray, shape (n, q)
        The functions.
    logarithms : ndarray of bool, shape (n,)
        Those that are logarithms of what `names` says.
    names : tuple of str

    Raises
    ------
    EstimationError
        When most replicates have no maximum.
    """
    studentised = how.interval == "studentised"
    replications = usual if how.replications is None else how.replications
    found = bootstrap_selection(
        optimum,
        codes,
        drawn,
        replications,
        how.seed,
        errors=studentised,
        each=partial(_computed, how.workers, (drawn, replications, how.seed)),
    )
    if found.failed > replications / 2:
        raise EstimationError(
            f"The selection model has no estimates in {found.failed:,} of {replications:,} "
            "bootstrap samples, so that they give no interval. Use a penalty or fewer steps.",
            code="MA654",
        )
    values = found.theta @ A.T
    limits = bootstrap_limits(
        how.interval,
        A @ optimum.theta,
        values,
        level,
        errors=_errors(optimum.sandwich(codes, int(codes.max()) + 1), A) if studentised else None,
        replicate_errors=None if found.covariance is None else _errors(found.covariance, A),
        left_out=without_each_study(optimum, codes) @ A.T if how.interval == "bca" else None,
    )
    bounded = optimum.problem.bounded
    if bounded is not None:  # a reflected limit of tau² can be below zero
        limits[:, bounded] = np.maximum(limits[:, bounded], 0.0)
    with np.errstate(over="ignore"):
        values[:, logarithms], limits[:, logarithms] = (
            np.exp(values[:, logarithms]),
            np.exp(limits[:, logarithms]),
        )
    return SelectionBootstrap(
        bootstrap=drawn,
        interval=how.interval,
        replications=replications,
        seed=how.seed,
        failed=found.failed,
        names=names,
        estimates=read_only(values[~np.isnan(values).any(axis=1)]),
        low=read_only(limits[0]),
        high=read_only(limits[1]),
    )


def _computed(
    workers: Workers,
    asked: tuple[Drawn, int, int | None],
    refit: Refit,
    batches: Iterable[Resamples],
    count: int,
) -> Iterator[tuple[Array, Array | None]]:
    """Refit batches of replicates on the workers."""
    return workers.run(
        _refitted,
        refit,
        ((batch,) for batch in batches),
        count=count,
        key=(refit, *asked),
        restore=_restored,
    )


def _refitted(refit: Refit, batch: Resamples) -> tuple[Array, Array | None]:
    return refit(batch)


def _restored(kept: list[Any]) -> tuple[Array, Array | None]:
    theta, V = kept
    return np.array(theta, dtype=float), None if V is None else np.array(V, dtype=float)


def _errors(V: Array, A: Array) -> Array:
    """Errors (..., n) of linear functions (n, q) from covariances (..., q, q).

    NaN for those that rest on a parameter at its boundary.
    """
    gone = np.isnan(V)
    variances = np.einsum("ni,...ij,nj->...n", A, np.where(gone, 0.0, V), A)
    held = (gone & np.eye(V.shape[-1], dtype=bool)).any(axis=-1)
    lost = (held.astype(float) @ np.abs(A).T) > 0
    return np.asarray(np.where(lost, np.nan, np.sqrt(np.maximum(variances, 0.0))))
