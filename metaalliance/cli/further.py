"""Results that `pool --also` prints beside the pooled mean."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from metaalliance.errors import MetaAllianceError, MetaAllianceWarning, OptionError
from metaalliance.model import AGGREGATION_RHO
from metaalliance.models.pooled_fit import PooledFit

#: What can be asked for, in the words of the option.
KINDS = ("bayes", "psychometric", "permutation", "henmi-copas", "rve", "i2-bootstrap")


@dataclass(frozen=True, slots=True, kw_only=True)
class Further:
    """One further result, or why there is none.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    text : str
        Summary, or the reason.
    content : dict
        The result as JSON; the reason under "error" where there is none.
    """

    kind: str
    text: str
    content: dict[str, Any]


def check_kinds(kinds: Sequence[str]) -> None:
    """Refuse a result that does not exist.

    Raises
    ------
    OptionError
        Naming those that do.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise OptionError(f"--also {kind!r} is not one of {', '.join(KINDS)}.")


def further_results(fit: PooledFit, kinds: Sequence[str], seed: int) -> list[Further]:
    """Compute the results that were asked for, each once, in the order asked for."""
    return [_one(fit, kind, seed) for kind in dict.fromkeys(kinds)]


def _one(fit: PooledFit, kind: str, seed: int) -> Further:
    try:
        with warnings.catch_warnings():  # notices are part of the summary
            warnings.simplefilter("ignore", MetaAllianceWarning)
            found = _WORK[kind](fit, seed)
    except MetaAllianceError as error:
        content = {"error": {"code": error.code, "message": str(error)}}
        return Further(kind=kind, text=f"{kind}: {error} ({error.code})", content=content)
    return Further(kind=kind, text=found.summary(), content=found.to_dict())


def _rho(fit: PooledFit) -> float | None:
    """Correlation with which effects of a study are averaged, where there are several."""
    return AGGREGATION_RHO if fit.effects.dependent() else None


def _bayes(fit: PooledFit, seed: int) -> Any:  # noqa: ARG001
    from metaalliance.models.further.bayes import bayes

    return bayes(fit.effects, level=fit.level, rho=_rho(fit))


def _psychometric(fit: PooledFit, seed: int) -> Any:  # noqa: ARG001
    from metaalliance.models.further.psychometric import psychometric

    return psychometric(fit.effects, level=fit.level, rho=_rho(fit))


def _permutation(fit: PooledFit, seed: int) -> Any:
    from metaalliance.models.further.permutation import permutation_test

    return permutation_test(fit.effects, seed=seed, rho=_rho(fit))


def _henmi_copas(fit: PooledFit, seed: int) -> Any:  # noqa: ARG001
    from metaalliance.models.further.henmi_copas import henmi_copas

    return henmi_copas(fit.effects, level=fit.level, rho=_rho(fit))


def _rve(fit: PooledFit, seed: int) -> Any:  # noqa: ARG001
    from metaalliance.models.further.rve import rve

    return rve(fit.effects, level=fit.level)


def _i2_bootstrap(fit: PooledFit, seed: int) -> Any:
    from metaalliance.models.further.bootstrap_i2 import bootstrap_i2

    return bootstrap_i2(fit, seed=seed)


_WORK: dict[str, Callable[[PooledFit, int], Any]] = {
    "bayes": _bayes,
    "psychometric": _psychometric,
    "permutation": _permutation,
    "henmi-copas": _henmi_copas,
    "rve": _rve,
    "i2-bootstrap": _i2_bootstrap,
}
