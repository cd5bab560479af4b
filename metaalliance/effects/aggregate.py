"""One effect per study, from several dependent ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.conversion.formulas import r_variance, unbiased_r, z_variance
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.marginal import MarginalCovariance
from metaalliance.core.variance.people import People
from metaalliance.effects.effects import Effects, study_names
from metaalliance.effects.fisher import (
    EFFECTIVE_N,
    FISHER_Z,
    TEST_DF,
    TEST_TAILS,
    VI_FISHER_Z,
    VI_OF_EFFECT,
    effective_n,
)
from metaalliance.effects.overlap import nested_sizes, people_of
from metaalliance.errors import EstimationError, OptionError
from metaalliance.model import AGGREGATION_RHO
from metaalliance.options import Measure, check_option, check_rho

AggregationMethod = Literal["mean", "composite"]


def aggregate(
    effects: Effects,
    rho: float = AGGREGATION_RHO,
    *,
    weighted: bool = False,
    method: AggregationMethod = "mean",
    covariance: Mapping[Any, Array] | None = None,
) -> Effects:
    """Combine the effects of each study into one, with a variance that knows of dependence.

    Effects of one sample have correlated errors; those of different samples of a study (column
    `sample`) come from different people, so that their errors are independent. Where the `overlap`
    of the effects is "nested", rho is multiplied by the root of the smaller n over the larger.

    Parameters
    ----------
    effects : Effects
        Several effects in some studies.
    rho : float
        With the mean, the assumed correlation of the sampling errors within a sample; with
        the composite, the assumed correlation between the measures that are put together.
        .5 is a default for both.
    weighted : bool
        Plain mean with variance ``1'V1 / n^2`` (default), or the generalised least squares
        mean, which can leave the range of its effects when their variances differ.
    method : {"mean", "composite"}
        The mean effect; or the correlation with the sum of the measures,
        ``sum(r) / sqrt(k + k (k - 1) rho)``, as Hunter and Schmidt define it and the R
        package MAc computes it. It answers another question than the mean and is larger
        whenever rho is below 1: a longer measure is more reliable. Its n is the mean n of
        the sample to the whole person, its variance that of one correlation. Composites of
        several samples of a study are averaged.
    covariance : mapping of study to ndarray, shape (k_j, k_j), optional
        Known sampling covariances of effects in the order of their rows (from
        `correlated_effects`), in place of those that `rho` gives. Studies that are not in
        it use `rho`.

    Returns
    -------
    Effects
        One row per study in order of first appearance. `n` is the largest of a sample (of a
        composite the mean), summed over the samples of the study; a text or true-false
        moderator keeps its value where it is constant in the study and is "mixed" elsewhere; a
        numeric one is averaged.

    Raises
    ------
    OptionError
        For an option that does not exist or does not go with another, covariances that do not
        fit the effects, a composite of effects whose overlap is "nested", or effects that are
        known only as not significant.
    EstimationError
        For a composite of effects without r and n, or one that reaches 1; for effects whose
        overlap is "nested" without n.

    References
    ----------
    Borenstein et al. (2009), with a common correlation; Hunter and Schmidt (2004): correlations of
    composites.

    Examples
    --------
    >>> two = Effects.from_arrays([0.2, 0.5], [0.04, 0.06], study=["A", "A"])
    >>> one = aggregate(two, rho=0.5)
    >>> round(float(one.yi[0]), 4), round(float(one.vi[0]), 4)
    (0.35, 0.0372)
    >>> two = Effects.from_arrays([0.3, 0.3], [0.01, 0.01], ["A", "A"], measure="r", n=[83, 83])
    >>> round(float(aggregate(two, method="composite").yi[0]), 4)
    0.3464
    """
    rho = check_rho(rho)
    check_option("method", method, AggregationMethod)
    effects.refuse_intervals("An average of the effects of a study", "it needs one value for each")
    effects.refuse_covariance("An average of the effects of a study")
    if method == "composite" and (weighted or covariance is not None):
        raise OptionError("A composite has no weights and no covariance: use method='mean'.")
    if method == "composite" and nested_sizes(effects) is not None:
        raise OptionError(
            "A composite is of measures that the same people filled in, so that overlap='nested' "
            "has no meaning: use method='mean'."
        )
    codes, _ = pd.factorize(effects.frame["study"])
    order = np.argsort(codes, kind="stable")
    frame = effects.frame.iloc[order]
    blocks = StudyBlocks.from_sorted(codes[order].astype(np.intp))
    people = _People.of(blocks, effects, order)
    yi, vi = effects.yi[order], effects.vi[order]
    out = frame.iloc[blocks.starts].reset_index(drop=True)
    if method == "composite":
        parts = _composite(frame.iloc[people.rows], people.samples, effects.measure, rho)
        mean, variance, n = people.averages(*parts)
    else:
        mean, variance = (_gls if weighted else _plain)(blocks, people, yi, vi, rho)
        if covariance is not None:
            known = known_blocks(frame["study"].to_numpy(), vi, blocks, covariance)
            _use_known(mean, variance, yi, blocks, known, weighted=weighted)
    shared = ("r", "r_observed", "attenuation", *effects.moderators)
    for name in (c for c in shared if c in frame):
        out[name] = pd.Series(_combine(frame[name], blocks))
    if "sample" in frame:
        out["sample"] = pd.Series(_combine(frame["sample"].astype(object), blocks))
    if "n" in frame:
        out["n"] = n if method == "composite" else people.participants(frame["n"])
    out["effect"] = np.arange(1, blocks.m + 1)
    out["yi"], out["vi"], out["n_effects"] = mean, variance, blocks.sizes
    if method == "composite":  # its n is that of one correlation
        out = out.drop(
            columns=[c for c in (FISHER_Z, VI_FISHER_Z, EFFECTIVE_N, TEST_DF) if c in out]
        )
    else:
        average = _gls if weighted else _plain
        out = _without_size(out, effects, order, lambda y, v: average(blocks, people, y, v, rho))
    if effects.measure != "generic":
        out["r"] = np.tanh(mean) if effects.measure == "z" else mean
    return replace(effects, frame=out, ledger=pd.DataFrame())


def _without_size(
    out: pd.DataFrame,
    effects: Effects,
    order: IntArray,
    average: Callable[..., tuple[Array, Array]],
) -> pd.DataFrame:
    """Average what does not rest on the size of the effects (see `effects.fisher`) like them."""
    frame, alone = effects.frame.iloc[order], out["n_effects"].to_numpy() == 1
    size = effective_n(effects)
    if size is not None and not alone.all():
        out[EFFECTIVE_N] = 1 / average(np.zeros(order.size), 1 / size[order])[1]
    if VI_OF_EFFECT in frame:
        out[VI_OF_EFFECT] = frame.groupby("study", sort=False)[VI_OF_EFFECT].any().to_numpy()
    for name in (c for c in (TEST_DF, TEST_TAILS) if c in frame):
        out[name] = out[name].where(alone)
    if FISHER_Z in frame:
        z, vi = (frame[c].to_numpy(dtype=float) for c in (FISHER_Z, VI_FISHER_Z))
        if not np.isfinite(vi).all():
            return out.drop(columns=[FISHER_Z, VI_FISHER_Z])
        out[FISHER_Z], out[VI_FISHER_Z] = average(z, vi)
    return out


def known_blocks(
    study: Any, vi: Array, blocks: StudyBlocks, covariance: Mapping[Any, Array]
) -> dict[int, Array]:
    """Return the known covariances by index of the study, each checked against its effects.

    Raises
    ------
    OptionError
        For a study that does not exist, a wrong shape, variances that are not those of the
        effects, or a matrix that is not symmetric and positive definite.
    """
    index = {label: j for j, label in enumerate(study[blocks.starts])}
    unknown = [str(label) for label in covariance if label not in index]
    if unknown:
        raise OptionError(f"covariance has studies without effects: {', '.join(unknown[:5])}.")
    known = {}
    for label, given in covariance.items():
        j = index[label]
        V, own = np.asarray(given, dtype=float), vi[blocks.starts[j] :][: blocks.sizes[j]]
        if V.shape != (own.size, own.size):
            raise OptionError(
                f"covariance of {label} has shape {V.shape}; its {own.size} effects need "
                f"({own.size}, {own.size})."
            )
        if not np.allclose(np.diag(V), own, rtol=1e-8, atol=0):
            raise OptionError(
                f"The diagonal of the covariance of {label} is not the vi of its effects, in the "
                "order of their rows."
            )
        scaled = V / np.sqrt(np.outer(own, own))
        symmetric = np.allclose(scaled, scaled.T, rtol=0, atol=1e-10)
        if not symmetric or np.linalg.eigvalsh(scaled)[0] <= 1e-12:
            raise OptionError(f"The covariance of {label} is not symmetric and positive definite.")
        known[j] = V
    return known


def _use_known(
    mean: Array,
    variance: Array,
    yi: Array,
    blocks: StudyBlocks,
    known: Mapping[int, Array],
    *,
    weighted: bool,
) -> None:
    """Put the means of studies with a known covariance in their places."""
    for j, V in known.items():
        own = yi[blocks.starts[j] :][: blocks.sizes[j]]
        ones = np.ones(own.size)
        if weighted:
            solved = np.linalg.solve(V, ones)
            variance[j] = 1 / solved.sum()
            mean[j] = solved @ own * variance[j]
        else:
            variance[j] = V.sum() / own.size**2


def _composite(
    frame: pd.DataFrame, blocks: StudyBlocks, measure: Measure, rho: float
) -> tuple[Array, Array, Array]:
    """Correlation with the sum of the measures, its variance and its n, by sample.

    A sample with one effect keeps it as it is.
    """
    if measure == "generic" or "n" not in frame or frame["n"].isna().any():
        raise EstimationError(
            "A composite needs correlations with their n. Use method='mean'.", code="MA627"
        )
    k = blocks.sizes.astype(float)
    r = blocks.sums(frame["r"].to_numpy(dtype=float)) / np.sqrt(k + k * (k - 1) * rho)
    n = np.round(blocks.sums(frame["n"].to_numpy(dtype=float)) / k)
    several = blocks.sizes > 1
    beyond = np.flatnonzero(several & (np.abs(r) >= 1))
    if beyond.size:
        label, value = study_names(frame).iloc[blocks.starts[beyond[0]]], r[beyond[0]]
        raise EstimationError(
            f"The composite correlation of {label} is {value:.3g}: rho = {rho:g} between its "
            "measures is too low for these correlations.",
            code="MA625",
        )
    small = np.flatnonzero(several & (n <= 3))
    if small.size:
        label = study_names(frame).iloc[blocks.starts[small[0]]]
        raise EstimationError(f"{label} has n = {n[small[0]]:g}; a composite needs n > 3.")
    yi, vi = (frame[c].to_numpy(dtype=float)[blocks.starts] for c in ("yi", "vi"))
    for j in np.flatnonzero(several):
        df = float(n[j]) - 2
        value = unbiased_r(float(r[j]), df) if measure == "r-unbiased" else float(r[j])
        yi[j] = np.arctanh(value) if measure == "z" else value
        vi[j] = z_variance(df) if measure == "z" else r_variance(value, df)
    return yi, vi, np.where(several, n, frame["n"].to_numpy(dtype=float)[blocks.starts])


@dataclass(frozen=True, slots=True, eq=False)
class _People:
    """The independent samples of sorted studies.

    Attributes
    ----------
    rows : ndarray of int, shape (k,)
        An order inside studies in which the effects of a sample are adjacent.
    people : People
        The samples in that order, and whose people are among those of others.
    first : ndarray of int, shape (m,)
        First sample of each study.
    """

    rows: IntArray
    people: People
    first: IntArray

    @classmethod
    def of(cls, blocks: StudyBlocks, effects: Effects, order: IntArray) -> _People:
        rows, people = people_of(effects, order, blocks.study)
        first = np.searchsorted(people.samples.starts, blocks.starts).astype(np.intp)
        return cls(rows, people, first)

    @property
    def samples(self) -> StudyBlocks:
        return self.people.samples

    def totals(self, per_sample: Array) -> Array:
        """Sum over the samples of each study: (s,) to (m,)."""
        return np.add.reduceat(per_sample, self.first)

    def averages(self, yi: Array, vi: Array, n: Array) -> tuple[Array, Array, Array]:
        """Mean, variance and n of each study from those of its samples."""
        several = np.diff(np.r_[self.first, yi.size]).astype(float)
        return self.totals(yi) / several, self.totals(vi) / several**2, self.totals(n)

    def participants(self, n: pd.Series) -> Array:
        """Largest n of each sample, summed by study."""
        largest = np.maximum.reduceat(n.to_numpy()[self.rows], self.samples.starts)
        return self.totals(largest)


def _plain(
    blocks: StudyBlocks, people: _People, yi: Array, vi: Array, rho: float
) -> tuple[Array, Array]:
    n, v, own = blocks.sizes.astype(float), vi[people.rows], people.people
    alike = own.steps.sums(np.sqrt(v) * own.loading)
    shared = own.of_steps(alike * own.covered(alike))
    total = people.totals((1 - rho) * own.samples.sums(v) + rho * shared)
    return blocks.sums(yi) / n, total / n**2


def _gls(
    blocks: StudyBlocks, people: _People, yi: Array, vi: Array, rho: float
) -> tuple[Array, Array]:
    V = MarginalCovariance.build(blocks, vi[people.rows], rho, 0.0, 0.0, people.people)
    weight = blocks.sums(V.solve(np.ones_like(yi)))
    return blocks.sums(V.solve(yi[people.rows])) / weight, 1 / weight


def _combine(column: pd.Series, blocks: StudyBlocks) -> list[object]:
    """One value per study: mean of numbers, the common value or "mixed"."""
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        numbers = column.to_numpy(dtype=float, na_value=np.nan)
        known = ~np.isnan(numbers)
        counts = blocks.sums(known.astype(float))
        total = blocks.sums(np.where(known, numbers, 0.0))
        return list(np.divide(total, counts, out=np.full(len(counts), np.nan), where=counts > 0))
    values = column.to_numpy()
    first = values[blocks.starts]
    same = np.asarray(values == blocks.spread(first), dtype=bool)
    for i in np.flatnonzero(~same):  # a missing value does not equal itself
        same[i] = values[i] is first[blocks.study[i]]
    found = list(first)
    for study in np.unique(blocks.study[~same]):
        found[study] = "mixed"
    return found
