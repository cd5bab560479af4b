"""The array types of the numeric core."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]


def read_only(values: Array) -> Array:
    """Return the array with writing switched off (a copy when it is not ours to lock)."""
    locked = np.array(values, dtype=np.float64, copy=True)
    locked.setflags(write=False)
    return locked
