"""Tints of a colour, opaque so that EPS prints them."""

from __future__ import annotations

from matplotlib.colors import to_hex, to_rgb


def tint(color: str, share: float) -> str:
    """Return `share` of a colour on white.

    Examples
    --------
    >>> tint("#0072B2", 1.0), tint("#000000", 0.0)
    ('#0072b2', '#ffffff')
    """
    red, green, blue = (1 - share * (1 - part) for part in to_rgb(color))
    return to_hex((red, green, blue))
