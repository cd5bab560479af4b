"""`metaalliance explain`."""

from __future__ import annotations

import difflib
import textwrap

from metaalliance.cli.run import OK, print_result, terminal_width
from metaalliance.errors import OptionError
from metaalliance.messages import MESSAGES


def run_explain(code: str | None) -> int:
    """Print one message, or the list of all."""
    if code is None:
        lines = [f"{c}  {m.severity:<7}  {m.title}" for c, m in sorted(MESSAGES.items())]
        print_result(lines)
        return OK
    wanted = code.strip().upper()
    if wanted not in MESSAGES:
        near = difflib.get_close_matches(wanted, MESSAGES, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise OptionError(f"There is no code {wanted!r}.{hint} `metaalliance explain` lists all.")
    message = MESSAGES[wanted]
    width = terminal_width()
    lines = [f"{wanted} ({message.severity}): {message.title}", ""]
    lines += textwrap.wrap(message.explanation, width)
    if message.remedy:
        lines += ["", *textwrap.wrap(f"What to do: {message.remedy}", width)]
    print_result(lines)
    return OK
