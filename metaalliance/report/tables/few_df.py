"""The mark of robust tests with fewer than four degrees of freedom, one for all tables."""

from __future__ import annotations

from collections.abc import Iterable

from metaalliance.models.checks import FEW_DF
from metaalliance.options import CLUSTER_TESTS

#: Behind the name of a row.
MARK = "‡"
NOTE = f"{MARK} fewer than {FEW_DF:.0f} degrees of freedom: interval and p are not trustworthy."


def is_few(df: float, test: str) -> bool:
    """Whether the degrees of freedom of a cluster-robust test are too few; unknown ones are not.

    Examples
    --------
    >>> is_few(1.9, "cr2"), is_few(float("nan"), "cr2"), is_few(2, "knapp-hartung")
    (True, False, False)
    """
    return test in CLUSTER_TESTS and df < FEW_DF


def marked(name: str, df: float, test: str) -> str:
    """Return the name of a row, with the mark where its degrees of freedom are too few.

    Examples
    --------
    >>> marked("humanistic", 1.9, "cr2"), marked("CBT", 11.2, "cr2")
    ('humanistic ‡', 'CBT')
    """
    return f"{name} {MARK}" if is_few(df, test) else name


def few_df_notes(names: Iterable[str]) -> tuple[str, ...]:
    """Return the note below a table in which some row has the mark; nothing below others."""
    return (NOTE,) if any(name.endswith(MARK) for name in names) else ()
