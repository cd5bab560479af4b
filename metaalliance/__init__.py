"""Meta-analysis of therapeutic alliance-outcome correlations.

Everything public is a name of this module; it is imported when it is first used, so that
``import metaalliance`` and ``metaalliance --help`` cost next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metaalliance import plots
    from metaalliance.effects.aggregate import aggregate
    from metaalliance.effects.convert import effect_sizes
    from metaalliance.effects.effects import Effects
    from metaalliance.errors import (
        ConvergenceError,
        EstimationError,
        MetaAllianceError,
        MetaAllianceWarning,
        OptionError,
        StudyDataError,
        UnreadableFileError,
    )
    from metaalliance.models.fits import CommonEffectFit, MultilevelFit, TwoLevelFit
    from metaalliance.models.pool import pool
    from metaalliance.problems import Problem
    from metaalliance.sheet.studies import Studies, load_studies, read_studies

__version__ = "0.1.0"

_HOMES = {
    "CommonEffectFit": "metaalliance.models.fits",
    "ConvergenceError": "metaalliance.errors",
    "Effects": "metaalliance.effects.effects",
    "EstimationError": "metaalliance.errors",
    "MetaAllianceError": "metaalliance.errors",
    "MetaAllianceWarning": "metaalliance.errors",
    "MultilevelFit": "metaalliance.models.fits",
    "OptionError": "metaalliance.errors",
    "Problem": "metaalliance.problems",
    "StudyDataError": "metaalliance.errors",
    "TwoLevelFit": "metaalliance.models.fits",
    "UnreadableFileError": "metaalliance.errors",
    "Studies": "metaalliance.sheet.studies",
    "aggregate": "metaalliance.effects.aggregate",
    "effect_sizes": "metaalliance.effects.convert",
    "load_studies": "metaalliance.sheet.studies",
    "plots": "metaalliance.plots",
    "pool": "metaalliance.models.pool",
    "read_studies": "metaalliance.sheet.studies",
}

__all__ = [
    "CommonEffectFit",
    "ConvergenceError",
    "Effects",
    "EstimationError",
    "MetaAllianceError",
    "MetaAllianceWarning",
    "MultilevelFit",
    "OptionError",
    "Problem",
    "Studies",
    "StudyDataError",
    "TwoLevelFit",
    "UnreadableFileError",
    "aggregate",
    "effect_sizes",
    "load_studies",
    "plots",
    "pool",
    "read_studies",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'metaalliance' has no attribute {name!r}")
    module = import_module(_HOMES[name])
    value = module if name == "plots" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
