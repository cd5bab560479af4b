"""The analyses beside the pooled mean that a report contains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.moderation.categorical import MIN_STUDIES
from metaalliance.moderation.table import ModeratorTable, moderator_table
from metaalliance.notices import quiet
from metaalliance.publication_bias.result import BiasResult
from metaalliance.publication_bias.summary import BiasSummary, bias_summary

#: What is tested when nobody says otherwise, as far as it is coded.
DEFAULT_MODERATORS = ("modality",)
FEWEST_STUDIES = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BiasEvidence:
    """Methods for publication bias, by their titles.

    Attributes
    ----------
    summary : BiasSummary
        Every method of the register, with the reason where one was refused.
    """

    summary: BiasSummary

    @property
    def results(self) -> Mapping[str, BiasResult]:
        """Results by title, those that could be computed."""
        return {a.title: a.result for a in self.summary.applied if a.result is not None}

    @property
    def failed(self) -> Mapping[str, str]:
        """The others, with the reason."""
        return {a.title: a.reason for a in self.summary.applied if a.result is None}

    def to_dict(self) -> dict[str, Any]:
        """Return every result for JSON."""
        return {
            "methods": {title: result.to_dict() for title, result in self.results.items()},
            "selection_models": [model.to_dict() for model in self.summary.models],
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
    """Test moderators with the model of the mean; None without any.

    Raises
    ------
    OptionError
        For a column that the effects do not have.
    """
    unknown = [name for name in names if name not in fit.effects.frame]
    if unknown:
        raise OptionError(
            f"There is no moderator {unknown[0]!r}; {fit.effects.moderator_list(unknown[0])}.",
            code="MA681",
        )
    if not names or fit.n_studies < FEWEST_STUDIES:
        return None
    with quiet():
        return moderator_table(fit.effects, list(names), model=fit.specification.asked)


def bias_results(fit: PooledFit) -> BiasEvidence | None:
    """Apply the methods for publication bias; None for fewer than three studies."""
    if fit.n_studies < FEWEST_STUDIES:
        return None
    return BiasEvidence(summary=bias_summary(fit))
