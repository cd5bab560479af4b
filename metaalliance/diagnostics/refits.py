"""A model fitted again to many subsets of its effects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from metaalliance.core.arrays import Array, BoolArray, IntArray, read_only
from metaalliance.core.variance.ascent import MANY_STUDIES, start_values
from metaalliance.core.variance.batch_tau2 import CHUNK, Rows
from metaalliance.core.variance.many.subset_likelihood import maximize_subsets
from metaalliance.core.variance.multilevel import MultilevelData, MultilevelPoint, evaluate
from metaalliance.core.variance.tau2 import estimate_tau2, many_tau2
from metaalliance.diagnostics.subject import Subject
from metaalliance.errors import EstimationError
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.regression_fit import RegressionFit
from metaalliance.models.structure import refuse_unidentified_levels
from metaalliance.models.working import WorkingFit, infer_working


@dataclass(frozen=True, slots=True)
class Refused:
    """A subset to which the model cannot be fitted.

    Attributes
    ----------
    code, reason : str
        Why.
    """

    code: str
    reason: str


Refit = WorkingFit | PooledFit | RegressionFit | Refused


def point_of(subject: Subject, refit: Refit) -> MultilevelPoint | None:
    """The model of a subset in the coordinates of `subject`; None where nothing is estimated."""
    if isinstance(refit, WorkingFit):
        return refit.point
    if isinstance(refit, RegressionFit):  # its design was conditioned on its own
        turn = np.linalg.solve(subject.basis, refit.basis)
        beta, bread = turn @ refit.point.beta, turn @ refit.point.bread @ turn.T
        return refit.point.with_coefficients(beta, bread)
    return getattr(refit, "point", None)


@dataclass(frozen=True)
class Refits:
    """The fits of subsets, one after the other.

    The variance components of all subsets are estimated together, from the optimum of all
    effects on; inference then takes one pass over each subset.

    Attributes
    ----------
    subject : Subject
        The model.
    present : ndarray of bool, shape (subsets, k)
        The rows of ``subject.data`` in each subset.
    test : str
        Test of the coefficients, "" for that of the fit.
    """

    subject: Subject
    present: BoolArray
    test: str = ""

    def __iter__(self) -> Iterator[Refit]:
        """Yield the fit of each subset.

        Subsets so small that a model changes its nature (a single effect) are fitted from the
        start, and so are those whose variances did not converge or are not identified.
        """
        theta = self.theta
        for keep, own in zip(self.present, theta, strict=True):
            yield self._from_start(keep) if np.isnan(own).any() else self._at(keep, own)

    @cached_property
    def theta(self) -> Array:
        """Variance components of each subset (subsets, c); NaN where they need a fit of its own."""
        found = np.full((self.present.shape[0], self.subject.point.theta.size), np.nan)
        usable = np.flatnonzero(self.usable())
        if usable.size:
            found[usable] = self._estimate(self.present[usable])
        return read_only(found)

    def usable(self) -> BoolArray:
        """Whether each subset is large enough for the model, its design of full rank."""
        subject, present = self.subject, self.present
        p = subject.data.X.shape[1]
        several = (self._per_study > 1).any(axis=1)
        usable = (present.sum(axis=1) > p) & (self.studies > 1)
        if subject.multilevel:
            usable &= several
        if p > 1:
            usable &= np.array([_full_rank(subject.data.X[keep]) for keep in present])
        if subject.structured:
            usable[usable] = [_identified(subject.data.subset(keep)) for keep in present[usable]]
        return np.asarray(usable)

    @cached_property
    def _per_study(self) -> IntArray:
        """Effects of each study in each subset, shape (subsets, studies)."""
        study = self.subject.study
        starts = np.r_[0, np.flatnonzero(np.diff(study)) + 1]
        return np.add.reduceat(self.present, starts, axis=1, dtype=np.intp)

    @property
    def studies(self) -> IntArray:
        """Studies of each subset."""
        return np.asarray((self._per_study > 0).sum(axis=1))

    def _estimate(self, present: BoolArray) -> Array:
        """Variance components of usable subsets."""
        subject, data = self.subject, self.subject.data
        if subject.fit.model == "common-effect":
            return np.zeros((present.shape[0], 2))
        if subject.multilevel:
            restricted = subject.tau2_method == "REML"
            return maximize_subsets(data, present, self.starts(), restricted=restricted).theta
        if data.X.shape[1] == 1:
            tau2 = batch_tau2(data.yi, data.vi, present, subject.tau2_method)
        else:
            method = subject.tau2_method
            tau2 = np.array(
                [estimate_tau2(data.yi[s], data.vi[s], data.X[s], method) for s in present]
            )
        return np.column_stack([np.where(np.isnan(tau2), np.nan, 0.0), tau2])

    def starts(self) -> list[Array]:
        """The optimum of all effects; with few studies also the starts of a fit of its own."""
        data, starts = self.subject.data, [self.subject.point.theta]
        return starts + (start_values(data) if data.blocks.m <= MANY_STUDIES else [])

    def _at(self, keep: BoolArray, theta: Array) -> WorkingFit:
        """The model of one subset at its variance components."""
        subject = self.subject
        data = subject.data.subset(keep)
        point = evaluate(data, theta, restricted=subject.tau2_method == "REML")
        model = subject.fit.specification
        chosen = model.with_test(self.test) if self.test else model
        return infer_working(data, point, chosen, subject.basis)

    def _from_start(self, keep: BoolArray) -> Refit:
        """Fit one subset from the start."""
        X = self.subject.data.X[keep]
        if X.shape[0] > X.shape[1] > 1 and not _full_rank(X):
            return Refused("MA662", _lost(self.subject, keep))
        try:
            return self.subject.refit(keep, self.test)
        except EstimationError as error:
            return Refused(error.code, str(error))


def batch_tau2(yi: Array, vi: Array, present: BoolArray, method: str) -> Array:
    """tau² of subsets of independent effects, shape (subsets,); NaN where not converged."""
    scale = float(vi.size / np.sum(1 / vi))
    y, v = (yi - float(yi @ (1 / vi) / np.sum(1 / vi))) / np.sqrt(scale), vi / scale
    width, found = max(1, CHUNK // yi.size), []
    for first in range(0, present.shape[0], width):
        rows = Rows.of_subsets(y, v, present[first : first + width].astype(np.float64))
        found.append(many_tau2(rows, method) * scale)
    return np.concatenate(found) if found else np.empty(0)


def _identified(data: MultilevelData) -> bool:
    """Whether the levels of a subset can be told apart."""
    try:
        refuse_unidentified_levels(data)
    except EstimationError:
        return False
    return True


def _full_rank(X: Array) -> bool:
    """Whether no column follows from the others, as `regress` judges it."""
    length = np.linalg.norm(X, axis=0)
    return bool(length.all()) and int(np.linalg.matrix_rank(X / length)) == X.shape[1]


def _lost(subject: Subject, keep: BoolArray) -> str:
    """Name the coefficients that are lost with the rank of the design."""
    fit = subject.fit
    assert isinstance(fit, RegressionFit)
    X = fit.X[subject.order[keep]]
    constant = [n for n, x in zip(subject.names, X.T, strict=True) if not (x != x[0]).any()]
    gone = [n for n in constant if not (fit.X[:, subject.names.index(n)] == 1).all()]
    named = ", ".join(gone) if gone else ", ".join(subject.names)
    return f"Without it the coefficients of {named} cannot be told apart from the others."
