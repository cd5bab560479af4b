"""Influence of single studies, outliers, subsets, cumulative results.

The package can be called like its main function, since both have one name:
``metaalliance.influence(fit)`` works whichever of the two was imported first.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _CallablePackage(ModuleType):
    """A package that passes a call on to `metaalliance.influence.diagnostics.influence`."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        from metaalliance.influence.diagnostics import influence

        return influence(*args, **options)


sys.modules[__name__].__class__ = _CallablePackage
