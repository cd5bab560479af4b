"""What analytic choices do to a result; planning and updating a review.

The package can be called like its main function, since both have one name:
``metaalliance.multiverse(effects)`` works whichever of the two was imported first.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _CallablePackage(ModuleType):
    """A package that passes a call on to `metaalliance.multiverse.run.multiverse`."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        from metaalliance.multiverse.run import multiverse

        return multiverse(*args, **options)


sys.modules[__name__].__class__ = _CallablePackage
