"""The register of methods applied, and the declared set of selection models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from metaalliance.errors import EstimationError, OptionError
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.options import option_values
from metaalliance.publication_bias.methods import METHODS, Method, Wanted, named
from metaalliance.publication_bias.result import BiasResult
from metaalliance.publication_bias.selection_result import Penalised, SelectionResult


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Applied:
    """A method of the register that was applied.

    Attributes
    ----------
    method : Method
        Its row.
    name, title : str
        Its names, with the cut points filled in.
    options : mapping
        With which it was called.
    result : BiasResult or None
        What it found; None where it was refused.
    reason : str
        Why it was refused.
    """

    method: Method
    name: str
    title: str
    options: Mapping[str, Any] = field(repr=False)
    result: BiasResult | None = field(repr=False)
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DeclaredModel:
    """A selection model of the declared set: those of the register, with each penalty.

    Attributes
    ----------
    name : str
        As in `Applied`.
    penalty : {"none", "weak"}
    result : SelectionResult or None
        What it found; None where it was refused. That of the penalty that was asked for is the
        one of the register; the others have the limits of their standard errors.
    reason : str
        Why it was refused.
    """

    name: str
    penalty: Penalised
    result: SelectionResult | None = field(repr=False)
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return mean, tau², the weight of p = .5 and the test, for JSON."""
        own: dict[str, Any] = {"name": self.name, "penalty": self.penalty}
        if self.result is None:
            return {**own, "refused": self.reason}
        mean, drawn = self.result.adjusted(), self.result.bootstrap
        return {
            **own,
            "mean": None if mean is None else mean.to_dict(self.result.measure),
            "tau2": self.result.tau2,
            "weight_half": self.result.weight_half(),
            "test_p_value": self.result.test_p_value,
            "log_likelihood": self.result.log_likelihood,
            "errors": self.result.errors,
            "test": self.result.test,
            "limits": "standard errors" if drawn is None else drawn.bootstrap,
            "replications": None if drawn is None else drawn.replications,
            "failed": None if drawn is None else drawn.failed,
        }


def apply_methods(fit: PooledFit, wanted: Wanted, rho: float | None) -> tuple[Applied, ...]:
    """Apply the register to the main model; what a method refuses is the reason."""
    done = []
    for method in METHODS:
        own = method.options(wanted)
        if own is None:
            continue
        names = {"name": named(method.name, own), "title": named(method.title, own)}
        made: dict[str, Any] = {"method": method, **names, "options": own}
        averaging = {"rho": rho} if method.averages and rho is not None else {}
        try:
            result = method.function(fit, **own, **averaging)
        except (EstimationError, OptionError) as error:
            done.append(Applied(**made, result=None, reason=str(error)))
        else:
            done.append(Applied(**made, result=result))
    return tuple(done)


def declared_models(fit: PooledFit, applied: Sequence[Applied]) -> tuple[DeclaredModel, ...]:
    """Return the selection models that were applied, and each with the other penalties."""
    return tuple(_declared(fit, applied))


def _declared(fit: PooledFit, applied: Sequence[Applied]) -> Iterator[DeclaredModel]:
    for a in applied:
        if not issubclass(a.method.result, SelectionResult):
            continue
        for penalty in option_values(Penalised):
            named_so: dict[str, Any] = {"name": a.name, "penalty": penalty}
            if penalty == a.options.get("penalty", "none"):
                found = a.result if isinstance(a.result, SelectionResult) else None
                yield DeclaredModel(**named_so, result=found, reason=a.reason)
                continue
            own = {k: v for k, v in a.options.items() if k not in _OF_A_BOOTSTRAP}
            try:
                other = a.method.function(fit, **{**own, "penalty": penalty, "bootstrap": "none"})
            except (EstimationError, OptionError) as error:
                yield DeclaredModel(**named_so, result=None, reason=str(error))
            else:
                assert isinstance(other, SelectionResult)
                yield DeclaredModel(**named_so, result=other)


_OF_A_BOOTSTRAP = ("interval", "replications", "seed")
