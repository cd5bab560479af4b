"""Moderators: levels compared, meta-regression, contrasts, moderators of heterogeneity.

The package can be called like its main function, since both have one name:
``metaalliance.moderators(effects, by)`` works whichever of the two was imported first.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _CallablePackage(ModuleType):
    """A package that passes a call on to `metaalliance.moderators.categorical.moderators`."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        from metaalliance.moderators.categorical import moderators

        return moderators(*args, **options)


sys.modules[__name__].__class__ = _CallablePackage
