"""The commands and their options; the work is done in modules imported when needed.

Importing this package enters each into the register.
"""

from metaalliance.cli.commands import (
    bias,
    coding,
    components,
    figures,
    influence,
    local,
    mediation,
    moderators,
    multiverse,
    pool,
    reliability,
    report,
    sheets,
)

__all__ = [
    "bias",
    "coding",
    "components",
    "figures",
    "influence",
    "local",
    "mediation",
    "moderators",
    "multiverse",
    "pool",
    "reliability",
    "report",
    "sheets",
]
