"""Effects of the golden data sets, and the silence of warnings that other tests look for."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

from golden_data import golden

from metaalliance.effects.effects import Effects
from metaalliance.errors import MetaAllianceWarning

INDEPENDENT = ("molloy2014", "mcdaniel1994", "bcg", "hackshaw1998", "bangertdrowns2004",
               "crede2010_aggregated")  # fmt: skip
DEPENDENT = ("crede2010", "assink2016")


@cache
def independent(name: str) -> Effects:
    """Effects of independent studies."""
    data = golden("bias")["independent"][name]["data"]
    return Effects.from_arrays(data["yi"], data["vi"], n=data.get("n"))


@cache
def dependent(name: str) -> Effects:
    """Effects nested in studies."""
    content = golden("bias")["dependent"][name]
    data = content["data"]
    moderators = {"x": content["moderator"]} if "moderator" in content else None
    return Effects.from_arrays(data["yi"], data["vi"], study=data["study"], moderators=moderators)


def theirs(name: str) -> dict[str, Any]:
    """Values from R of a data set of independent effects."""
    return golden("bias")["independent"][name]


def quiet(function: Any, *args: Any, **options: Any) -> Any:
    """Call without the warnings that small data sets give."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MetaAllianceWarning)
        return function(*args, **options)
