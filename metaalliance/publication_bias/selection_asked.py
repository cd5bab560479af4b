"""How selection models are to be estimated, where several are asked for together."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

from metaalliance.core.selection.optimum import Estimator
from metaalliance.options import check_option
from metaalliance.publication_bias.selection_bootstrap import Resampled
from metaalliance.publication_bias.selection_result import Penalised
from metaalliance.workers.workers import Jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionAsked(Resampled):
    """Options of `selection_model` and `beta_selection_model`, with the same meaning.

    Attributes
    ----------
    bootstrap, interval, replications, seed
        Where limits come from.
    jobs : int, None or Workers
        Where the bootstrap is computed.
    estimator, penalty
        How models are estimated.
    moderators, variance_moderators, selection_moderators : tuple of str
        Columns that mean, log tau² and log weights depend on.
    """

    estimator: Estimator = "cml"
    penalty: Penalised = "none"
    jobs: Jobs = 1
    moderators: tuple[str, ...] = ()
    variance_moderators: tuple[str, ...] = ()
    selection_moderators: tuple[str, ...] = ()

    def checked(self) -> Self:
        """Return the same, after a check of every value that is no column.

        Raises
        ------
        OptionError
            For a value that cannot be.
        """
        check_option("estimator", self.estimator, Estimator)
        check_option("penalty", self.penalty, Penalised)
        # as slotted dataclasses break zero-argument super()
        return Resampled.checked(self)

    def columns(self) -> tuple[str, ...]:
        """Return every moderator."""
        return (*self.moderators, *self.variance_moderators, *self.selection_moderators)

    def options(self) -> dict[str, Any]:
        """Return the options that are not the defaults."""
        plain = SelectionAsked()
        return {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if f.compare and getattr(self, f.name) != getattr(plain, f.name)
        }
