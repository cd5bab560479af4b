"""Further results beside the pooled mean, with those of its settings that have a meaning there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from metaalliance import options
from metaalliance.effects.effects import Effects
from metaalliance.errors import MetaAllianceError, OptionError
from metaalliance.model import AGGREGATION_RHO, Model
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.notices import quiet
from metaalliance.options import Components, option_values
from metaalliance.setting import settings_in

#: What is made here of what can be asked for, in the words of the option.
KINDS = tuple(k for k in option_values(options.Further) if k != "wild-bootstrap")


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
        The result as JSON; the reason under "error" where there is none. "not_taken" names the
        settings of the main model that have no meaning for it.
    """

    kind: str
    text: str
    content: dict[str, Any]


class _Main(NamedTuple):
    """The main analysis: its model and what it was asked for, the effects before averaging."""

    fit: PooledFit
    asked: Model
    seed: int
    components: Components
    coded: Effects
    aggregation_rho: float | None
    replications: int | None

    @property
    def repeated(self) -> dict[str, Any]:
        """The number of patterns and samples, where it was asked for."""
        return {} if self.replications is None else {"replications": self.replications}


class _Made(NamedTuple):
    """A result, and the names of the settings that it took."""

    result: Any
    taken: tuple[str, ...]


def check_kinds(kinds: Sequence[str]) -> None:
    """Refuse a result that does not exist.

    Raises
    ------
    OptionError
        Naming those that do.
    """
    for kind in kinds:
        if kind not in option_values(options.Further):
            listed = ", ".join(option_values(options.Further))
            raise OptionError(f"--also {kind!r} is not one of {listed}.")


def further_results(
    fit: PooledFit,
    kinds: Sequence[str],
    seed: int,
    components: Components = "re-estimated",
    *,
    replications: int | None = None,
    coded: Effects | None = None,
    aggregation_rho: float | None = None,
) -> list[Further]:
    """Compute the results that were asked for, each once, in the order asked for.

    Each takes the settings of the main model that have a meaning for it, and names the others.

    Parameters
    ----------
    fit : PooledFit
        The main model.
    kinds : sequence of str
        Of `KINDS`.
    seed : int
        Of random patterns and samples.
    components : {"re-estimated", "held"}
        What the permutation test does with tau² in each pattern.
    replications : int, optional
        Random patterns and samples; by default as many as each has.
    coded : Effects, optional
        The effects before any averaging, where `fit` is of means of each study.
    aggregation_rho : float, optional
        The correlation with which they were averaged.
    """
    effects = fit.effects if coded is None else coded
    main = _Main(
        fit, fit.specification.asked, seed, components, effects, aggregation_rho, replications
    )
    return [_one(main, kind) for kind in dict.fromkeys(kinds)]


def _one(main: _Main, kind: str) -> Further:
    asked = main.asked
    try:
        with quiet():  # notices are part of the summary
            found, taken = _WORK[kind](main)
    except MetaAllianceError as error:
        content = {"error": {"code": error.code, "message": str(error)}}
        return Further(kind=kind, text=f"{kind}: {error} ({error.code})", content=content)
    lost = [
        s.name
        for s in settings_in(Model)
        if s.field != "kind" and getattr(asked, s.field) != s.default and s.name not in taken
    ]
    text = found.summary()
    if lost:
        text += f"\nSettings of the main model without a meaning here: {', '.join(lost)}"
    return Further(kind=kind, text=text, content={**found.to_dict(), "not_taken": lost})


def _averaging(main: _Main, effects: Effects) -> tuple[float | None, tuple[str, ...]]:
    """Correlation with which effects of a study are averaged, where there are several."""
    if not effects.dependent():
        return None, ()
    if main.aggregation_rho is not None:
        return main.aggregation_rho, ()
    rho = main.asked.rho
    return (rho, ("rho",)) if isinstance(rho, float) else (AGGREGATION_RHO, ())


def _bayes(main: _Main) -> _Made:
    from metaalliance.models.further.bayes import bayes

    effects, level = main.fit.effects, main.asked.level
    rho, taken = _averaging(main, effects)
    return _Made(bayes(effects, level=level, rho=rho), ("level", *taken))


def _psychometric(main: _Main) -> _Made:
    from metaalliance.models.further.psychometric import psychometric

    asked = main.asked
    (rho, taken), model = _averaging(main, main.coded), asked.of_kind("two-level")
    found = psychometric(main.coded, level=asked.level, rho=rho, fisher_z=asked)
    shared = {"level", "tau2", "test", "prediction"} - set(model.not_taken(asked))
    return _Made(found, (*shared, *taken))


def _permutation(main: _Main) -> _Made:
    from metaalliance.models.further.permutation import STATISTICS, permutation_test

    fit, asked = main.fit, main.asked
    rho, taken = _averaging(main, fit.effects)
    tau2: Any = "FE" if fit.model == "common-effect" else asked.tau2
    test: Any = STATISTICS.get(asked.test if fit.specification.multilevel else fit.test)
    how: dict[str, Any] = {"components": main.components, "seed": main.seed, **main.repeated}
    found = permutation_test(fit.effects, tau2=tau2, test=test, rho=rho, **how)
    taken += ("tau2",) if tau2 == asked.tau2 else ()
    return _Made(found, (*taken, *(("test",) if asked.test in STATISTICS else ())))


def _henmi_copas(main: _Main) -> _Made:
    from metaalliance.models.further.henmi_copas import henmi_copas

    effects, level = main.fit.effects, main.asked.level
    rho, taken = _averaging(main, effects)
    return _Made(henmi_copas(effects, level=level, rho=rho), ("level", *taken))


def _rve(main: _Main) -> _Made:
    from metaalliance.models.further.rve import rve

    asked = main.asked
    given: dict[str, Any] = {"rho": asked.rho} if isinstance(asked.rho, float) else {}
    return _Made(rve(main.fit.effects, level=asked.level, **given), ("level", *given))


def _i2_bootstrap(main: _Main) -> _Made:
    from metaalliance.models.further.bootstrap_i2 import bootstrap_i2

    without = {"test", "prediction"}
    taken = tuple(s.name for s in settings_in(Model) if s.name not in without)
    return _Made(bootstrap_i2(main.fit, seed=main.seed, **main.repeated), taken)


def _therapists(main: _Main) -> _Made:
    from metaalliance.models.further.therapists import therapist_clustering

    found = therapist_clustering(main.fit.effects, model=main.asked)
    return _Made(found, tuple(s.name for s in settings_in(Model) if s.name != "prediction"))


_WORK: dict[str, Callable[[_Main], _Made]] = {
    "bayes": _bayes,
    "psychometric": _psychometric,
    "permutation": _permutation,
    "henmi-copas": _henmi_copas,
    "rve": _rve,
    "i2-bootstrap": _i2_bootstrap,
    "therapist-clustering": _therapists,
}
