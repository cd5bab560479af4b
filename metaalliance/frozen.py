"""A dictionary that results can hold: readable and picklable, not changeable."""

from __future__ import annotations

from typing import Any, NoReturn


class FrozenDict(dict[str, float]):
    """Numbers by name, fixed when made.

    Examples
    --------
    >>> FrozenDict(study=0.1)["study"]
    0.1
    """

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("A result cannot be changed.")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type[FrozenDict], tuple[dict[str, float]]]:
        return FrozenDict, (dict(self),)
