"""Settings of a run: command line over configuration file over default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from metaalliance.config import Config
from metaalliance.errors import OptionError
from metaalliance.model import Model
from metaalliance.policy import Policy

WIDTHS = (60.0, 500.0)
WIDTH = 174.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What was asked for: what to fit, and what a row is worth."""

    model: Model
    policy: Policy

    def to_record(self) -> dict[str, Any]:
        """Return every setting by its name; `resolve` takes it back."""
        return {**self.policy.to_record(), **self.model.to_record()}


def resolve(given: Mapping[str, Any], config: Config) -> Settings:
    """Merge the command line, the configuration and the defaults, and check every value.

    Raises
    ------
    OptionError
        For a value that an option does not have.
    """
    return Settings(model=Model.read(given, config.pool), policy=Policy.read(given, config.pool))


def figure_width(given: float | None, config: Config) -> float:
    """Return the width of figures in mm.

    Raises
    ------
    OptionError
        When no page has it.
    """
    width = next((w for w in (given, config.pool.get("width")) if w is not None), WIDTH)
    low, high = WIDTHS
    if not low <= width <= high:
        raise OptionError(f"width={width:g} is not between {low:g} and {high:g} mm.")
    return float(width)
