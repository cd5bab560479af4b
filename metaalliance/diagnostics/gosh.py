"""GOSH: the pooled result of very many subsets of the studies."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Unpack

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array, BoolArray
from metaalliance.core.inference.gosh import (
    Bits,
    SubsetMeans,
    draw_subsets,
    membership,
    subset_means,
)
from metaalliance.core.variance.batch_tau2 import CHUNK
from metaalliance.core.variance.many.covariances import joined
from metaalliance.core.variance.many.subset_likelihood import maximize_subsets, q_subsets
from metaalliance.core.variance.many.variant_ascent import CELLS
from metaalliance.diagnostics.refits import Refits
from metaalliance.diagnostics.subject import Subject, examine, fitted
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError
from metaalliance.model import ModelSettings
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import back_transform, on_scale, without_nan
from metaalliance.options import Scale
from metaalliance.problems import Problem, notice
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import studies_text

#: More would not fit into memory comfortably, nor show more.
MOST_SUBSETS = 1_000_000
#: Subsets that are fitted one by one between two signs of progress.
ALONE = 5
Progress = Callable[[int, int], None]
_QUANTILES = (0.0, 0.025, 0.25, 0.5, 0.75, 0.975, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gosh(InNotebook):
    """Pooled results of subsets of the studies.

    Attributes
    ----------
    fit : PooledFit
        The result of all studies.
    exhaustive : bool
        Whether all subsets were taken, in place of a random sample of them.
    seed : int or None
        Seed of the sample.
    frame : DataFrame
        One row per subset, on the analysis scale: n_studies, n_effects, estimate, tau2, tau, I2,
        Q. Heterogeneity is missing in subsets of one effect, everything in subsets to which the
        model cannot be fitted.
    bits : ndarray of uint8
        Which studies each subset holds (`contains`), eight to a byte.
    labels : tuple
        The studies.
    notices : tuple of Problem
        How many subsets could not be fitted, and why.
    """

    fit: PooledFit = field(repr=False)
    exhaustive: bool
    seed: int | None
    frame: pd.DataFrame = field(repr=False)
    bits: Bits = field(repr=False)
    labels: tuple[Any, ...] = field(repr=False)
    notices: tuple[Problem, ...] = field(default=(), repr=False)

    @property
    def n_subsets(self) -> int:
        """Number of subsets."""
        return len(self.frame)

    def contains(self, study: Any) -> BoolArray:
        """Return which subsets hold a study, shape (subsets,).

        Raises
        ------
        OptionError
            When there is no such study.
        """
        if study not in self.labels:
            raise OptionError(f"There is no study {study!r}.")
        index = self.labels.index(study)
        return np.asarray((self.bits[:, index // 8] >> (index % 8)) & 1, dtype=bool)

    def to_frame(self, scale: Scale = "analysis") -> pd.DataFrame:
        """Return one row per subset; with ``scale="r"`` estimates are correlations."""
        return on_scale(self.frame, scale, self.fit.measure, ("estimate",))

    def by_study(self) -> pd.DataFrame:
        """Compare the subsets with and without each study.

        Returns
        -------
        DataFrame
            `study`, medians of the estimate and of I² with and without it, and their
            differences; studies that split the cloud of subsets have large ones.
        """
        rows = []
        for label in self.labels:
            inside = self.contains(label)
            row: dict[str, Any] = {"study": label}
            for name in ("estimate", "I2"):
                values = self.frame[name].to_numpy()
                row[f"{name}_with"] = _median(values[inside])
                row[f"{name}_without"] = _median(values[~inside])
                row[f"{name}_difference"] = row[f"{name}_with"] - row[f"{name}_without"]
            rows.append(row)
        return pd.DataFrame(rows)

    def quantiles(self) -> pd.DataFrame:
        """Quantiles of estimate, tau and I² over the subsets, on the analysis scale."""
        columns = self.frame[["estimate", "tau", "I2"]]
        return columns.quantile(list(_QUANTILES)).rename_axis("quantile").reset_index()

    def summary(self) -> str:
        """Return the spread of the subsets and the studies that split them as text."""
        is_r, q = self.fit.measure != "generic", self.quantiles().set_index("quantile")
        kind = "all" if self.exhaustive else "random"
        mean = [back_transform(float(q["estimate"][p]), self.fit.measure) for p in (0.025, 0.975)]
        lines = [
            f"GOSH: {self.n_subsets:,} {kind} subsets of {studies_text(len(self.labels))}",
            f"{'Mean r' if is_r else 'Estimate'}: 95% of subsets between "
            f"{number(mean[0], correlation=is_r)} and {number(mean[1], correlation=is_r)}; I²: "
            f"between {number(100 * q['I2'][0.025], 1)}% and {number(100 * q['I2'][0.975], 1)}%",
        ]
        split = self.by_study()
        order = split["I2_difference"].abs().sort_values(ascending=False, kind="stable").index
        for _, row in split.loc[order].head(3).iterrows():
            lines.append(
                f"  {row['study']}: median I² {number(100 * row['I2_with'], 1)}% with it, "
                f"{number(100 * row['I2_without'], 1)}% without"
            )
        lines += [p.text for p in self.notices]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return settings, quantiles and the comparison by study; not every subset."""
        return without_nan(
            {
                "n_subsets": self.n_subsets,
                "exhaustive": self.exhaustive,
                "seed": self.seed,
                "quantiles": self.quantiles().to_dict("records"),
                "studies": self.by_study().to_dict("records"),
                "notices": [p.to_dict() for p in self.notices],
            }
        )


def gosh(
    subject: Effects | PooledFit,
    n_subsets: int = 10_000,
    *,
    seed: int | None = 1,
    progress: Progress | None = None,
    jobs: int = 1,
    **settings: Unpack[ModelSettings],
) -> Gosh:
    """Pool many subsets of the studies (graphical display of study heterogeneity).

    Parameters
    ----------
    subject : Effects or PooledFit
        Effects (pooled first, with `settings`), or a fit whose model and estimator are taken.
        A multilevel model takes whole studies in or out. With a crossed factor, or samples that
        cross a level, every subset is fitted on its own, which takes ten times as long.
    n_subsets : int
        Subsets, up to a million. All of them are taken when there are no more.
    seed : int or None
        Seed of the random subsets; with None they differ between runs.
    progress : callable, optional
        Called with the number of subsets done and the number in all.
    jobs : int
        Threads.
    **settings
        Settings of `pool`, beside effects only.

    Returns
    -------
    Gosh
        One row per subset; the same for every number of jobs.

    Raises
    ------
    OptionError
        For a number of subsets that is not from 1 to a million, or a meta-regression.

    References
    ----------
    Olkin et al. (2012).

    Examples
    --------
    >>> effects = Effects.from_arrays([0.2, 0.3, 0.25, 0.9], [0.01, 0.02, 0.01, 0.02])
    >>> clouds = gosh(effects, tau2="DL")
    >>> clouds.n_subsets, clouds.exhaustive
    (15, True)
    """
    if not 1 <= n_subsets <= MOST_SUBSETS:
        raise OptionError(f"n_subsets={n_subsets!r} is not between 1 and {MOST_SUBSETS:,}.")
    if jobs < 1:
        raise OptionError(f"jobs={jobs!r} is not a number of threads.")
    fit = fitted(subject, settings)
    if not isinstance(fit, PooledFit):
        raise OptionError("GOSH shows subsets of a mean; give effects or what pool returns.")
    if fit.n_studies < 2:
        raise EstimationError("One study: it has no subsets.", code="MA660")
    examined = examine(fit)
    bits, exhaustive = draw_subsets(fit.n_studies, n_subsets, seed)
    frame = _pooled(examined, bits, progress, jobs)
    return Gosh(
        fit=fit,
        exhaustive=exhaustive,
        seed=None if exhaustive else seed,
        frame=frame,
        bits=bits,
        labels=examined.labels,
        notices=_failures(examined, frame),
    )


def _pooled(subject: Subject, bits: Bits, progress: Progress | None, jobs: int) -> pd.DataFrame:
    """Pool the subsets in batches."""
    k = subject.data.yi.size
    alone = not joined(subject.data.structure)
    width = ALONE if alone else (CELLS if subject.multilevel else CHUNK) // k
    width = max(1, width)
    firsts = range(0, bits.shape[0], width)

    def batch(first: int) -> list[Array]:
        return _batch(subject, bits[first : first + width])

    parts: list[list[Array]] = []
    with ThreadPoolExecutor(jobs) as pool_of_threads:
        done = map(batch, firsts) if jobs == 1 else pool_of_threads.map(batch, firsts)
        for part in done:
            parts.append(part)
            if progress is not None:
                progress(min(len(parts) * width, bits.shape[0]), bits.shape[0])
    names = ("n_studies", "n_effects", "estimate", "tau2", "I2", "Q")
    columns = {n: np.concatenate(c) for n, c in zip(names, zip(*parts, strict=True), strict=True)}
    frame = pd.DataFrame(columns).astype({"n_studies": int, "n_effects": int})
    frame.insert(4, "tau", np.sqrt(frame["tau2"]))
    return frame


def _batch(subject: Subject, bits: Bits) -> list[Array]:
    """Sizes and pooled results of some subsets."""
    studies = membership(bits, len(subject.labels))
    present = studies[:, subject.study]
    means = _multilevel(subject, present) if subject.multilevel else _two_level(subject, present)
    sizes = [studies.sum(axis=1), present.sum(axis=1)]
    return [*sizes, means.estimate, means.tau2, means.I2, means.Q]


def _two_level(subject: Subject, present: BoolArray) -> SubsetMeans:
    common = subject.fit.model == "common-effect"
    method: Any = "FE" if common else subject.tau2_method
    return subset_means(subject.data.yi, subject.data.vi, present, method)


def _multilevel(subject: Subject, present: BoolArray) -> SubsetMeans:
    """Multilevel means of the subsets in which both variances are identified."""
    refits = Refits(subject, present)
    usable = np.flatnonzero(refits.usable())
    found = SubsetMeans(*(np.full(present.shape[0], math.nan) for _ in range(4)))
    if usable.size:
        restricted = subject.tau2_method == "REML"
        chosen = present[usable]
        data = subject.data
        optima = maximize_subsets(data, chosen, refits.starts(), restricted=restricted)
        q, tau2 = q_subsets(data, chosen), optima.theta.sum(axis=1)
        found.estimate[usable], found.tau2[usable] = optima.beta[:, 0], tau2
        found.I2[usable], found.Q[usable] = tau2 / (tau2 + q.typical_variance), q.Q
    return found


def _failures(subject: Subject, frame: pd.DataFrame) -> tuple[Problem, ...]:
    """Say how many subsets could not be fitted."""
    failed = frame["estimate"].isna() | (frame["tau2"].isna() & (frame["n_effects"] > 1))
    count = int(failed.sum())
    if not count:
        return ()
    why = "their variance did not converge"
    if subject.structured:
        why = "the levels cannot be told apart in them"
    elif subject.multilevel:
        why = "variances between and within studies need two studies, one with several effects"
    message = f"{count:,} of {len(frame):,} subsets could not be fitted: {why}."
    hint = "They stay in the table, without numbers."
    return (notice("MA662", message, hint, severity="note"),)


def _median(values: Array) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size else math.nan
