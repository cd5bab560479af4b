"""Power of the mean, of a contrast between groups and of Egger's test in a planned review."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from metaalliance.errors import OptionError
from metaalliance.robustness.power_plans import (
    Planned,
    assumed_and_search,
    evaluate_plans,
    true_effect,
    whole,
)
from metaalliance.robustness.power_results import Power


def power_mean(
    r: float | None = None,
    *,
    mu: float | None = None,
    k: int | Sequence[int],
    **planned: Unpack[Planned],
) -> Power:
    """Power of the test that the mean effect is zero.

    Parameters
    ----------
    r : float, optional
        True mean correlation (its Fisher z is the mean of the model).
    mu : float, optional
        True mean on the analysis scale instead, for other metrics (with `v`).
    k : int or sequence of int
        Studies; several give a curve.
    n : float or sequence of float, optional
        Participants of a study; with several, studies are spread evenly over them.
    v : float or sequence of float, optional
        Sampling variances instead of `n`.
    tau : float
        Standard deviation of the true effects, on the analysis scale; by default that of a pilot.
    effects_per_study : int or sequence of int
        Effects of a study; a sequence is paired with `n` or `v`.
    pilot : Effects, optional
        Effects of a similar review, whose variances and numbers of effects take the place of `n`
        and `effects_per_study`.
    rho : float
        Correlation of sampling errors within a study, .6 where nothing is said.
    between : float
        Share of tau² between studies (.7, or that of a pilot with its tau); the rest lies
        between effects of a study.
    model, test : str
        As in `pool`. Formulas exist for knapp-hartung, cr2, t and wald.
    level : float
        One less the size of the test.
    target : float, optional
        Power for which the smallest number of studies is searched.
    simulate : int
        Reviews to draw and fit beside the formula.
    seed, jobs, progress : int, {int, None, Workers}, callable
        Of the simulation. The result depends on the seed, and not on jobs: a number of processes,
        None for what ``joblib.parallel_config`` says, or `Workers`, which may be a cluster.
        `progress` is called with the numbers of reviews done and in all.

    Returns
    -------
    Power

    Raises
    ------
    OptionError
        For what cannot be.

    Notes
    -----
    One effect per study: noncentral t with k - 1 degrees of freedom (Knapp-Hartung; exact for
    equal n), or the power of the wald test with tau² estimated (Jackson & Turner 2017); `known`
    is that of Hedges & Pigott (2001) with tau² known. Several effects per study: the working
    model CHE with CR2 and Satterthwaite degrees of freedom (Vembye et al. 2023); the test "t" of a
    multilevel model has those of the information of its variance components, as in `pool`.

    References
    ----------
    Hedges and Pigott (2001); Jackson and Turner (2017); Vembye et al. (2023).

    Examples
    --------
    >>> found = power_mean(0.2, k=[10, 20], n=40, tau=0.15)
    >>> [round(row.power, 3) for row in found.rows]
    [0.727, 0.971]
    """
    assumed, search = assumed_and_search(planned)
    beta = np.array([true_effect(r, mu)])
    plans = [(whole(value),) for value in (k if isinstance(k, Sequence) else [k])]
    return evaluate_plans("mean", assumed, plans, beta, search)


def power_contrast(
    r: Sequence[float] | None = None,
    *,
    mu: Sequence[float] | None = None,
    k: Sequence[int] | Sequence[Sequence[int]],
    **planned: Unpack[Planned],
) -> Power:
    """Power of the test that groups of studies, such as modalities, have the same mean.

    Parameters
    ----------
    r : sequence of float, optional
        True mean correlation of each group.
    mu : sequence of float, optional
        True means on the analysis scale instead.
    k : sequence of int, or of sequences
        Studies of each group; several such plans give a curve.
    target : float, optional
        Power for which the number of studies is searched, in the proportions of the first plan.
    n, v, tau, effects_per_study, pilot, rho, between, model, test, level, simulate, seed, jobs
        As in `power_mean`; tau is that within groups.

    Returns
    -------
    Power
        Of the t test of a difference, or the joint test of more groups (F, HTZ or chi-squared).

    References
    ----------
    Hedges and Pigott (2004); Tipton and Pustejovsky (2015).

    Examples
    --------
    >>> found = power_contrast([0.3, 0.2], k=[60, 20], n=60, tau=0.12)
    >>> round(found.rows[0].power, 3)
    0.628
    """
    assumed, search = assumed_and_search(planned)
    means = r if mu is None else mu
    if means is None or (r is not None and mu is not None) or len(means) < 2:
        raise OptionError("Give r (or mu) of two or more groups.")
    beta = np.array(
        [true_effect(x if mu is None else None, None if mu is None else x) for x in means]
    )
    several = [list(p) if isinstance(p, Sequence) else p for p in k]
    nested = [p for p in several if isinstance(p, list)]
    listed: list[list[Any]] = nested or [list(several)]
    if (nested and len(nested) != len(several)) or any(len(p) != beta.size for p in listed):
        raise OptionError(f"k={k!r}: give the number of studies of each of the {beta.size} groups.")
    plans = [tuple(whole(value) for value in plan) for plan in listed]
    return evaluate_plans("contrast", assumed, plans, beta, search)


def power_egger(
    excess: float | None = None,
    *,
    slope: float | None = None,
    r: float = 0.28,
    k: int | Sequence[int],
    **planned: Unpack[Planned],
) -> Power:
    """Power of Egger's regression test for funnel asymmetry.

    Parameters
    ----------
    excess : float, optional
        By how much the expected r of the smallest study exceeds that of the largest.
    slope : float, optional
        Slope of the effect on its standard error instead.
    r : float
        Expected r of the largest study.
    k : int or sequence of int
        Studies; several give a curve.
    n : sequence of float
        Participants; they have to differ, since size is the predictor.
    v, tau, effects_per_study, pilot, rho, between, model, test, level, target, simulate, seed, jobs
        As in `power_mean`.

    Returns
    -------
    Power

    Notes
    -----
    The alternative is a linear trend, as the test assumes. Selection of significant results gives
    another form of asymmetry, for which the power is lower or higher.

    References
    ----------
    Sterne et al. (2000); Rodgers and Pustejovsky (2021).

    Examples
    --------
    >>> found = power_egger(0.15, k=40, n=[20, 40, 80, 160, 320], tau=0.1)
    >>> round(found.rows[0].power, 3)
    0.496
    """
    assumed, search = assumed_and_search(planned)
    se = np.sqrt([size for size, _ in assumed.sizes])
    spread = float(se.max() - se.min())
    if not spread > 0:
        raise OptionError("Egger's test needs studies of different size: give several n.")
    if (excess is None) == (slope is None):
        raise OptionError("Give excess or slope, not both.")
    if slope is None:
        slope = (true_effect(r + (excess or 0.0), None) - true_effect(r, None)) / spread
    beta = np.array([true_effect(r, None) - slope * float(se.min()), slope])
    plans = [(whole(value),) for value in (k if isinstance(k, Sequence) else [k])]
    return evaluate_plans("egger", assumed, plans, beta, search)
