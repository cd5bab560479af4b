"""What every result of this package can do, and the lines it prints."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar, Literal

import pandas as pd

from metaalliance.effects.effects import Effects
from metaalliance.models.of_effects import OfEffects
from metaalliance.models.scale import back_transform, without_nan
from metaalliance.options import Measure, Scale, check_option
from metaalliance.problems import Problem
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import limits, number, p_text
from metaalliance.wording.phrases import effects_text, studies_text

_NAN = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One estimated quantity with its test.

    Attributes
    ----------
    name : str
        What it is.
    kind : {"effect", "other", "count"}
        Effects are on the analysis scale and have a back-transformation; others have none.
    shape : str
        Distribution of a statistic that is neither z nor t, as text prints it.
    estimate, se, statistic, df, p_value, ci_low, ci_high : float
        Missing is NaN; `df` is infinite for a normal test.
    """

    name: str
    kind: Literal["effect", "other", "count"] = "other"
    shape: str = ""
    estimate: float = _NAN
    se: float = _NAN
    statistic: float = _NAN
    df: float = _NAN
    p_value: float = _NAN
    ci_low: float = _NAN
    ci_high: float = _NAN

    def as_r(self, measure: Measure) -> Term:
        """Return an effect on Fisher z as a correlation; other terms as they are."""
        return replace(self, **{k: v for k, v in self.on("r", measure).items() if k != "name"})

    def on(self, scale: Scale, measure: Measure) -> dict[str, Any]:
        """Return the values, effects back-transformed for the scale "r"."""
        values = asdict(self)
        del values["kind"], values["shape"]
        if scale == "r" and self.kind == "effect" and measure == "z":
            for key in ("estimate", "ci_low", "ci_high"):
                values[key] = back_transform(values[key], measure)
            values["se"] = _NAN
        return values

    def to_dict(self, measure: Measure) -> dict[str, Any]:
        """Return the values and, for an effect that is a correlation, `r`."""
        content = asdict(self)
        del content["shape"]
        if self.kind == "effect" and measure != "generic":
            back = self.on("r", measure)
            content["r"] = {key: back[key] for key in ("estimate", "ci_low", "ci_high")}
        return content

    def statistic_text(self) -> str:
        """Return "t(14.0) = 0.96"."""
        return f"{self.shape or _shape(self.df)} = {number(self.statistic, 2)}"

    def text(self, measure: Measure, level: float) -> str:
        """Return one line: estimate, interval, test."""
        back = self.on("r", measure)
        is_r = self.kind == "effect" and measure != "generic"
        parts = []
        if not math.isnan(self.estimate):
            whole = self.kind == "count"
            parts.append(number(back["estimate"], 0 if whole else 3, correlation=is_r))
        if not math.isnan(self.ci_low):
            ends = limits(back["ci_low"], back["ci_high"], correlation=is_r)
            parts.append(f"{100 * level:g}% CI {ends}")
        if not math.isnan(self.statistic):
            parts.append(self.statistic_text())
        if not math.isnan(self.p_value):
            parts.append(f"p {p_text(self.p_value)}")
        return f"{self.name}: {', '.join(parts)}"


def mean_term(name: str, found: object, **own: Any) -> Term:
    """Return the mean of a result as a term, with what the result has by the same names."""
    numbers = ("estimate", "se", "statistic", "df", "p_value", "ci_low", "ci_high")
    values = {n: getattr(found, n, _NAN) for n in numbers}
    return Term(name=name, kind="effect", **{**values, **own})


def _shape(df: float) -> str:
    if math.isnan(df):
        return "statistic"
    return "z" if math.isinf(df) else f"t({number(df, 1)})"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BiasResult(OfEffects, InNotebook, ABC):
    """A method's result on some effects; each method adds its own fields.

    Attributes
    ----------
    effects : Effects
        What the method ran on: one row per study where it takes independent effects.
    level : float
        Coverage of the intervals.
    aggregation_rho : float or None
        Correlation with which the effects of a study were averaged; None where none were.
    not_taken : tuple of str
        Settings that were asked for, or that the main model has, and for which the definition
        of the method has no place.
    notices : tuple of Problem
        What the reader has to know.

    A method declares what it takes: `takes` are names of settings of a `Model`, `kinds` the
    random effects that it has itself, and `because` says why there is no place for others.
    `fisher` says that correlations are taken as Fisher z, whatever the measure of the analysis;
    `measure` and `effects` of the result are then those of Fisher z.
    """

    method: ClassVar[str] = ""
    title: ClassVar[str] = ""
    takes: ClassVar[frozenset[str]] = frozenset()
    kinds: ClassVar[frozenset[str]] = frozenset()
    because: ClassVar[str] = ""
    fisher: ClassVar[bool] = True

    effects: Effects = field(repr=False)
    level: float
    aggregation_rho: float | None = None
    not_taken: tuple[str, ...] = ()
    notices: tuple[Problem, ...] = field(default=(), repr=False)

    @abstractmethod
    def terms(self) -> Sequence[Term]:
        """Return the estimated quantities, the most important first."""

    def settings(self) -> dict[str, Any]:
        """Return the options that made this result; None for a level that no interval has."""
        content = {
            "measure": self.measure,
            "level": self.level if "level" in self.takes else None,
        }
        if self.aggregation_rho is not None:
            content["aggregation_rho"] = self.aggregation_rho
        return content

    def reason(self) -> str:
        """Return why the settings in `not_taken` have no place in the method."""
        if "rho" not in self.takes or "rho" not in self.not_taken:
            return self.because
        column = f"effects are averaged with one number, here {self.aggregation_rho:g}, as rho"
        return column if self.not_taken == ("rho",) else f"{column}, and {self.because}"

    def details(self) -> dict[str, Any]:
        """Return what `to_dict` holds beside the terms."""
        return {}

    def adjusted(self) -> Term | None:
        """Return the mean adjusted for bias, where the method has one."""
        return None

    def reading(self) -> str:
        """Return what the numbers say, and what they do not."""
        return ""

    def to_frame(self, scale: Scale = "analysis") -> pd.DataFrame:
        """Return one row per term; `scale="r"` back-transforms effects, not coefficients."""
        check_option("scale", scale, Scale)
        rows = [term.on(scale, self.measure) for term in self.terms()]
        frame = pd.DataFrame(rows).rename(columns={"name": "term"})
        return frame.assign(n_studies=self.n_studies, n_effects=self.n_effects)

    def to_dict(self) -> dict[str, Any]:
        """Return the result for JSON; missing and infinite are None."""
        content = {
            "method": self.method,
            "settings": self.settings(),
            "not_taken": list(self.not_taken),
            "n_studies": self.n_studies,
            "n_effects": self.n_effects,
            "terms": [term.to_dict(self.measure) for term in self.terms()],
            **self.details(),
            "reading": self.reading(),
            "notices": [p.to_dict() for p in self.notices],
        }
        return without_nan(content)

    def summary(self) -> str:
        """Return the result as text for a terminal."""
        lines = [f"{self.title} ({studies_text(self.n_studies)}, {effects_text(self.n_effects)})"]
        lines += [f"  {term.text(self.measure, self.level)}" for term in self.terms()]
        if self.reading():
            lines.append(self.reading())
        if self.not_taken:
            lines.append(f"It does not take {', '.join(self.not_taken)}: {self.reason()}.")
        lines += [p.text for p in self.notices]
        return "\n".join(lines)

    def _shown(self) -> tuple[pd.DataFrame, tuple[str, ...]]:
        return self.to_frame(scale="r"), ()  # coefficients are no correlations
