"""The analyses beside the pooled mean that a report contains."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from metaalliance.diagnostics.leave_one_out import LeaveOneOut, leave_one_out
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, MetaAllianceWarning, OptionError
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.moderation.categorical import MIN_STUDIES
from metaalliance.moderation.table import ModeratorTable, moderator_table
from metaalliance.publication_bias.egger import egger
from metaalliance.publication_bias.pet_peese import pet_peese
from metaalliance.publication_bias.result import BiasResult
from metaalliance.publication_bias.selection import selection_model
from metaalliance.publication_bias.trim_and_fill import trim_and_fill

#: What is tested when nobody says otherwise, as far as it is coded.
DEFAULT_MODERATORS = ("modality",)
FEWEST_STUDIES = 3

_BIAS: tuple[tuple[str, Callable[[PooledFit], BiasResult]], ...] = (
    ("Regression test (Egger)", egger),
    ("PET-PEESE", pet_peese),
    ("Step-function selection model", selection_model),
    ("Trim and fill", trim_and_fill),
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BiasEvidence:
    """Methods for publication bias.

    Attributes
    ----------
    results : mapping of str to BiasResult
        By name, those that could be computed.
    failed : mapping of str to str
        The others, with the reason.
    """

    results: Mapping[str, BiasResult]
    failed: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return every result for JSON."""
        return {
            "methods": {name: result.to_dict() for name, result in self.results.items()},
            "failed": [{"name": k, "reason": v} for k, v in self.failed.items()],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a report contains beside the pooled mean.

    Attributes
    ----------
    moderators : tuple of str
        Columns to test.
    bias, influence : bool
        Whether publication bias is examined, and each study left out in turn.
    multiverse : bool
        Whether the analysis is repeated under other decisions.
    """

    moderators: tuple[str, ...] = ()
    bias: bool = True
    influence: bool = True
    multiverse: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the content as the record of a report has it."""
        return {
            "moderators": list(self.moderators),
            "bias": self.bias,
            "influence": self.influence,
            **({"multiverse": True} if self.multiverse else {}),
        }


def default_moderators(effects: Effects) -> tuple[str, ...]:
    """Return the moderators that are tested by default: coded, with two levels that count."""
    found = []
    for name in DEFAULT_MODERATORS:
        if name in effects.frame:
            counts = effects.frame.groupby(name)["study"].nunique()
            if (counts >= MIN_STUDIES).sum() > 1:
                found.append(name)
    return tuple(found)


def moderator_results(fit: PooledFit, names: Sequence[str]) -> ModeratorTable | None:
    """Test moderators with the model and the options of the mean; None without any.

    Raises
    ------
    OptionError
        For a column that the effects do not have.
    """
    unknown = [name for name in names if name not in fit.effects.frame]
    if unknown:
        raise OptionError(
            f"There is no moderator {unknown[0]!r}; {fit.effects.moderator_list()}.", code="MA681"
        )
    if not names or fit.n_studies < FEWEST_STUDIES:
        return None
    settings = fit.settings()
    options = {k: settings[k] for k in ("model", "tau2", "test", "rho", "level") if k in settings}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MetaAllianceWarning)
        return moderator_table(fit.effects, list(names), **options)


def bias_results(fit: PooledFit) -> BiasEvidence | None:
    """Apply the methods for publication bias; None for fewer than three studies."""
    if fit.n_studies < FEWEST_STUDIES:
        return None
    results, failed = {}, {}
    for name, method in _BIAS:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", MetaAllianceWarning)
                results[name] = method(fit)
        except (EstimationError, OptionError) as error:
            failed[name] = str(error)
    return BiasEvidence(results=results, failed=failed)


def influence_results(fit: PooledFit) -> LeaveOneOut | None:
    """Leave out each study in turn; None where that leaves nothing to compare."""
    if fit.n_studies < FEWEST_STUDIES:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MetaAllianceWarning)
            found = leave_one_out(fit)
    except EstimationError:
        return None
    return found if isinstance(found, LeaveOneOut) else None
