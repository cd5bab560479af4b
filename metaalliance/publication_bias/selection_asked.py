"""How selection models are to be estimated, where several are asked for together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from metaalliance.core.inference.bootstrap_intervals import BootstrapInterval
from metaalliance.core.selection.optimum import Estimator
from metaalliance.options import check_option
from metaalliance.publication_bias.selection_bootstrap import Bootstrap, Resampled
from metaalliance.publication_bias.selection_result import Penalised
from metaalliance.workers.workers import Jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionAsked:
    """Options of `selection_model` and `beta_selection_model`, with the same meaning.

    Attributes
    ----------
    estimator, penalty, bootstrap, interval, replications, seed
        How they are estimated, and where limits come from.
    jobs : int, None or Workers
        Where the bootstrap is computed.
    moderators, variance_moderators, selection_moderators : tuple of str
        Columns that mean, log tau² and log weights depend on.
    """

    estimator: Estimator = "cml"
    penalty: Penalised = "none"
    bootstrap: Bootstrap = "none"
    interval: BootstrapInterval = "percentile"
    replications: int = 1999
    seed: int | None = 1
    jobs: Jobs = 1
    moderators: tuple[str, ...] = ()
    variance_moderators: tuple[str, ...] = ()
    selection_moderators: tuple[str, ...] = ()

    def checked(self) -> SelectionAsked:
        """Return the same, after a check of every value that is no column.

        Raises
        ------
        OptionError
            For a value that cannot be.
        """
        check_option("estimator", self.estimator, Estimator)
        check_option("penalty", self.penalty, Penalised)
        Resampled(
            bootstrap=self.bootstrap,
            interval=self.interval,
            replications=self.replications,
            seed=self.seed,
        ).checked()
        return self

    def columns(self) -> tuple[str, ...]:
        """Return every moderator."""
        return (*self.moderators, *self.variance_moderators, *self.selection_moderators)

    def options(self) -> dict[str, Any]:
        """Return the options that are not the defaults."""
        plain = SelectionAsked()
        return {
            name: getattr(self, name)
            for name in self.__slots__
            if getattr(self, name) != getattr(plain, name)
        }
