"""The effects that models pool."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from metaalliance.core.arrays import Array, BoolArray, IntArray
from metaalliance.core.variance.given import GivenErrors
from metaalliance.effects.given import (
    column_of,
    errors_of,
    labels_of,
    limits_of,
    numbers,
    refuse_where,
    sizes,
)
from metaalliance.effects.levels import read_as
from metaalliance.errors import EstimationError, OptionError, StudyDataError
from metaalliance.interchange import FrameLike, pandas_frame
from metaalliance.model import refuse
from metaalliance.options import Measure, Overlap, check_option
from metaalliance.policy import Policy
from metaalliance.wording.notebook import card, frame_table
from metaalliance.wording.phrases import count_text, effects_text, studies_text

#: Columns of `Effects.frame` that are not moderators.
RESERVED = (
    "study", "label", "effect", "yi", "vi", "n", "r", "sample", "row", "n_effects", "r_observed",
    "attenuation", "lower", "upper", "fisher_z", "vi_fisher_z", "effective_n", "vi_of_effect",
    "test_df", "test_tails",
)  # fmt: skip


class _WhenAsked:
    """A field that may be given as a function without arguments, called when it is first asked for.

    A ledger says in words how each effect was made, and most analyses never look at it.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, effects: Any, owner: type | None = None) -> Any:
        if effects is None:
            return self
        found = effects.__dict__[self._name]
        if callable(found):
            found = effects.__dict__[self._name] = found()
        return found

    def __set__(self, effects: Any, given: Any) -> None:
        effects.__dict__[self._name] = pd.DataFrame if given is self else given


@dataclass(frozen=True, kw_only=True, eq=False)
class Effects:
    """Effect sizes with their sampling variances, studies and moderators.

    Attributes
    ----------
    frame : DataFrame
        One row per effect: `study`, `effect`, `yi`, `vi` on the analysis scale, `n` where
        known, `r` for correlations (better alliance, better outcome is positive), `label`
        where studies are printed under another name, then the moderators. Where some effects are
        known only as not significant, `yi` and `r` are missing for them, and `lower` and `upper`
        are the critical values between which they lie.
    measure : {"z", "r", "r-unbiased", "generic"}
        The analysis scale: Fisher z, r, Olkin and Pratt's unbiased r, or any other metric.
    ledger : DataFrame
        How each effect was made: rule, formula, inputs with their cells, source of the
        sign, variance rule, approximation. Empty for precomputed effects.
    overlap : {"full", "nested"}
        Whose people the effects of one sample are: the same, so that the sampling errors of any
        two have the correlation rho that a model assumes; or, where their n differ, the smaller
        group among the larger, with rho times the root of the smaller n over the larger.
    errors : GivenErrors or None
        The whole covariance of the sampling errors, where it is known; `multivariate` takes it.
    """

    frame: pd.DataFrame
    measure: Measure
    ledger: pd.DataFrame = field(default=_WhenAsked(), repr=False)  # type: ignore[assignment]
    overlap: Overlap = "full"
    errors: GivenErrors | None = field(default=None, repr=False)

    @classmethod
    def from_arrays(
        cls,
        yi: ArrayLike,
        vi: ArrayLike | None = None,
        study: Sequence[Any] | ArrayLike | None = None,
        moderators: Mapping[str, Any] | FrameLike | None = None,
        measure: Measure = "generic",
        *,
        V: ArrayLike | Sequence[ArrayLike] | None = None,
        n: ArrayLike | None = None,
        sample: Sequence[Any] | ArrayLike | None = None,
        overlap: Overlap = "full",
        lower: ArrayLike | None = None,
        upper: ArrayLike | None = None,
    ) -> Effects:
        """Make effects from numbers that are computed already.

        Parameters
        ----------
        yi, vi : array_like, shape (k,)
            Effects and their sampling variances, on the scale that `measure` names.
        V : array_like, shape (k, k), or sequence of them, optional
            In place of `vi` the whole covariance of the sampling errors, in the order of the
            effects; or one matrix for each study, in the order in which studies first appear.
            Errors of different studies are independent.
        study : array_like, shape (k,), optional
            Label of the study of each effect; by default each effect is its own study.
        moderators : mapping or data frame, optional
            Columns of length k, or a table of pandas, polars or pyarrow; the names of `RESERVED`
            are taken.
        measure : {"generic", "z", "r", "r-unbiased"}
            The metric of `yi`.
        n : array_like, shape (k,), optional
            Sample sizes.
        sample : array_like, shape (k,), optional
            Label of the independent sample of each effect, within its study: different people,
            whose sampling errors are independent. Effects without one are those of the study.
        overlap : {"full", "nested"}
            Whether effects of one sample are of the same people, or, where `n` differs, the
            smaller group is among the larger: rho times the root of the smaller n over the larger.
        lower, upper : array_like, shape (k,), optional
            Limits, on the scale of `yi`, of effects that are known only as not significant, such as
            the critical values of their tests; `yi` is NaN for them, and they are NaN for the
            others. `vi` is then the sampling variance of Fisher z or of any generic metric.

        Raises
        ------
        StudyDataError
            When lengths differ, a value is missing, masked or infinite, a variance or n is not
            positive, a correlation is beyond 1, or an effect has both a value and limits, or
            neither; positions are counted from 0. When V is not symmetric, not positive definite,
            or says that studies depend on each other.

        Examples
        --------
        >>> effects = Effects.from_arrays([0.2, 0.4], [0.01, 0.02], study=["A", "B"])
        >>> effects.n_effects, effects.n_studies
        (2, 2)
        >>> nan = float("nan")
        >>> Effects.from_arrays(
        ...     [0.2, nan], [0.01, 0.02], lower=[nan, -0.28], upper=[nan, 0.28]
        ... ).n_censored
        1
        """
        check_option("measure", measure, Measure)
        check_option("overlap", overlap, Overlap)
        y = numbers("yi", yi, missing=lower is not None or upper is not None)
        labels, errors = labels_of(study, y.size), None
        if V is not None:
            if vi is not None or lower is not None or upper is not None:
                raise StudyDataError("V stands in place of vi, beside values: give one of them.")
            errors = errors_of(V, labels)
        elif vi is None:
            raise StudyDataError("Effects need vi, or their whole covariance V.")
        v = numbers("vi", vi if vi is not None else errors.variances())  # type: ignore[union-attr]
        if y.size != v.size:
            raise StudyDataError(f"yi has {y.size} values and vi has {v.size}.")
        if y.size == 0:
            raise StudyDataError("There are no effects.")
        refuse_where("vi", v, v <= 0, "a sampling variance must be positive")
        if measure in {"r", "r-unbiased"}:
            refuse_where("yi", y, np.abs(y) > 1, "a correlation lies between -1 and 1")
        columns: dict[str, Any] = {
            "study": labels,
            "effect": np.arange(1, y.size + 1),
            "yi": y,
            "vi": v,
            **limits_of(lower, upper, y, measure),
        }
        if n is not None:
            columns["n"] = sizes(n, y.size)
        if sample is not None:
            columns["sample"] = column_of("sample", sample, y.size)
        if measure != "generic":
            columns["r"] = np.tanh(y) if measure == "z" else y
        if not isinstance(moderators, Mapping | None):
            moderators = pandas_frame(moderators, "moderators")
        for name, values in dict(moderators if moderators is not None else {}).items():
            if str(name) in RESERVED or str(name) in columns:
                raise StudyDataError(f"A moderator cannot be called {name!r}.")
            columns[str(name)] = column_of(str(name), values, y.size)
        return cls(frame=pd.DataFrame(columns), measure=measure, overlap=overlap, errors=errors)

    @property
    def correction(self) -> float | None:
        """Mean factor by which observed correlations were divided; None where none was."""
        if "attenuation" not in self.frame or not (self.frame["attenuation"] < 1).any():
            return None
        return float(self.frame["attenuation"].mean())

    @property
    def yi(self) -> Array:
        """Effects on the analysis scale, shape (k,).

        Raises
        ------
        OptionError
            When some are known only as not significant: nothing that takes values has them.
        """
        self.refuse_intervals("A method that takes values", "it needs one for each effect")
        return _fixed(self.frame["yi"])

    @property
    def censored(self) -> BoolArray:
        """Which effects are known only as lying between `lower` and `upper`, shape (k,)."""
        if "lower" not in self.frame:
            return np.zeros(len(self.frame), dtype=bool)
        return self.frame["lower"].notna().to_numpy(dtype=bool)

    @property
    def n_censored(self) -> int:
        """Number of effects that are known only as intervals."""
        return int(self.censored.sum()) if "lower" in self.frame else 0

    def limits(self) -> tuple[Array, Array]:
        """Return the lower and upper limit of each effect, both its value where it has one."""
        if not self.n_censored:
            return self.yi, self.yi
        low, high = (self.frame[side].fillna(self.frame["yi"]) for side in ("lower", "upper"))
        return _fixed(low), _fixed(high)

    def refuse_intervals(self, method: str, reason: str) -> None:
        """Refuse by name effects that are known only as intervals.

        Parameters
        ----------
        method : str
            What cannot take them, as the subject of a sentence.
        reason : str
            Why not.

        Raises
        ------
        OptionError
            When there are any.
        """
        count = self.n_censored
        if count:
            known = "1 effect is" if count == 1 else f"{count:,} effects are"
            why = f"{known} known only as not significant, and {reason}"
            refuse(Policy(nonsignificant="censored"), method, {"nonsignificant": why})

    def refuse_covariance(self, method: str) -> None:
        """Refuse a whole covariance of the sampling errors, of which a method takes variances only.

        Parameters
        ----------
        method : str
            What cannot take it, as the subject of a sentence.

        Raises
        ------
        OptionError
            When there is one.
        """
        if self.errors is not None:
            raise OptionError(
                f"{method} cannot obey V, the whole covariance of the sampling errors: "
                "multivariate does. Give vi in its place; rho then says how errors go together."
            )

    @property
    def vi(self) -> Array:
        """Sampling variances, shape (k,)."""
        return _fixed(self.frame["vi"])

    @property
    def n_effects(self) -> int:
        """Number of effects."""
        return len(self.frame)

    @property
    def n_studies(self) -> int:
        """Number of studies."""
        return int(self.frame["study"].nunique())

    @property
    def n_participants(self) -> int | None:
        """Participants: the largest n of each independent sample, summed; None if unknown."""
        if "n" not in self.frame or self.frame["n"].isna().any():
            return None
        return int(self.participants().sum())

    def participants(self) -> pd.Series:
        """Return the participants of each study: the largest n of each of its samples, summed."""
        codes = self.sample_codes
        largest = self.frame["n"].groupby(codes).max()
        study = self.frame["study"].to_numpy()[np.unique(codes, return_index=True)[1]]
        return largest.groupby(study, sort=False).sum(min_count=1)

    @property
    def sample_codes(self) -> IntArray:
        """Index of the independent sample of each effect, shape (k,).

        Samples count within their study; effects without one are those of the study itself.
        """
        study = pd.factorize(self.frame["study"])[0].astype(np.intp)
        if "sample" not in self.frame or self.frame["sample"].isna().all():
            return study
        sample = pd.factorize(self.frame["sample"])[0].astype(np.intp)  # -1 where it is blank
        pairs = study * (int(sample.max()) + 2) + sample + 1
        return pd.factorize(pairs)[0].astype(np.intp)

    @property
    def studies_with_samples(self) -> int:
        """Number of studies whose effects come from several independent samples."""
        if "sample" not in self.frame:
            return 0
        samples = pd.Series(self.sample_codes).groupby(self.frame["study"].to_numpy()).nunique()
        return int((samples > 1).sum())

    @property
    def moderators(self) -> tuple[str, ...]:
        """Names of the moderator columns."""
        return tuple(str(c) for c in self.frame.columns if c not in RESERVED)

    def moderator_list(self, name: str = "") -> str:
        """Return "there are a, b", or what a header `name` is called here, for messages."""
        column = read_as(self.frame, name)
        if column is not None:
            return f"the sheet's {name!r} is read as {column!r}, which is its name"
        return f"there are {', '.join(self.moderators)}" if self.moderators else "there is none"

    @property
    def sharing(self) -> dict[str, str]:
        """The setting `overlap` as results print it, where it is not the default."""
        return {} if self.overlap == "full" else {"overlap": self.overlap}

    def dependent(self) -> bool:
        """Whether some study has more than one effect."""
        return self.n_effects > self.n_studies

    def _repr_html_(self) -> str:
        people = (
            f", {count_text(self.n_participants, 'participant')}" if self.n_participants else ""
        )
        title = f"{studies_text(self.n_studies)}, {effects_text(self.n_effects)}{people}"
        censored = f"; {self.n_censored:,} known as not significant only" if self.n_censored else ""
        said = f"Scale of the analysis: {self.measure}{censored}"
        correlations = ("r",) if self.measure != "generic" else ()
        return card(title, [said], [frame_table("Effects", self.frame, correlations)])

    def to_pymare(self) -> Any:
        """Hand the effects over to PyMARE.

        Returns
        -------
        pymare.Dataset
            Effects and variances on the analysis scale, an intercept, participants where every
            effect has them, and studies as groups where one has several effects. PyMARE then takes
            cluster-robust errors; beside independent effects its default is Knapp and Hartung's.

        Examples
        --------
        >>> effects = Effects.from_arrays([0.1, 0.3, 0.5], [0.02, 0.02, 0.02])
        >>> effects.to_pymare().v.ravel().tolist()
        [0.02, 0.02, 0.02]
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # PyMARE leaves a file open
            from pymare import Dataset

        n = self.frame.get("n")
        return Dataset(
            y=self.yi,
            v=self.vi,
            n=None if n is None or n.isna().any() else n.to_numpy(dtype=np.float64),
            g=self.frame["study"].to_numpy() if self.dependent() else None,
        )

    def subset(self, keep: ArrayLike) -> Effects:
        """Return the effects where `keep` (k,) is true.

        Raises
        ------
        EstimationError
            When none is left.
        """
        mask = np.asarray(keep, dtype=bool)
        if not mask.any():
            raise EstimationError("No effect is left to pool.", code="MA602")
        frame = self.frame[mask].reset_index(drop=True)
        lines: Any = partial(_lines, self, mask)
        rows = np.flatnonzero(mask).astype(np.intp)
        errors = None if self.errors is None else self.errors.take(rows)
        return replace(self, frame=frame, ledger=lines, errors=errors)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "ledger": self.ledger}


def _lines(effects: Effects, mask: BoolArray) -> pd.DataFrame:
    """The ledger of some of the effects."""
    ledger = effects.ledger
    return ledger[mask].reset_index(drop=True) if len(ledger) else ledger


def study_names(frame: pd.DataFrame) -> pd.Series[Any]:
    """Return the study of each effect as figures and tables print it: its label, if it has one."""
    return frame["label" if "label" in frame else "study"]


def _fixed(column: pd.Series[Any]) -> Array:
    """A column as numbers that cannot be changed, whatever pandas lends."""
    array: Array = column.to_numpy(dtype=float).view()
    array.flags.writeable = False
    return array
