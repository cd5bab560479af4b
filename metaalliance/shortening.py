"""Messages of a readable length, whatever stands in the cell that they quote."""

from __future__ import annotations

import re

#: What a message quotes, and a word, that are too long for it.
_LONG = re.compile(r"""(?<!\w)'[^']{200,}'|(?<!\w)"[^"]{200,}"|\S{500,}""")


def shortened(message: str) -> str:
    """Return a message in which long texts of a cell or a file are cut.

    Examples
    --------
    >>> len(shortened(f"'{'x' * 32_767}' is no number"))
    112
    """
    if len(message) < 200:
        return message
    return _LONG.sub(lambda found: f"{found[0][:80]} … {found[0][-16:]}", message)
