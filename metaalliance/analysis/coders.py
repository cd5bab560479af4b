"""Double coding: how far coders agree, and what their conflicts do to the pooled mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from metaalliance.coding.agreement import agreement
from metaalliance.coding.conflicts import Conflict, conflicts
from metaalliance.coding.matching import Matching, match_rows
from metaalliance.coding.points import CoderPooled, pooled_by_coder
from metaalliance.coding.variables import AgreementTable
from metaalliance.errors import EstimationError
from metaalliance.model import Model
from metaalliance.policy import Policy
from metaalliance.sheet.studies import Studies


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coders:
    """Sheets of several coders, set against each other.

    Attributes
    ----------
    matching : Matching
        Rows that are the same effect.
    table : AgreementTable
        Agreement by column.
    pooled : tuple of CoderPooled
        The result of each coder.
    conflicts : list of Conflict
        Cells in which they differ.
    """

    matching: Matching
    table: AgreementTable
    pooled: tuple[CoderPooled, ...]
    conflicts: list[Conflict]


def compare_coders(
    sheets: Sequence[Studies], model: Model, policy: Policy, key: Sequence[str] | None = None
) -> Coders:
    """Match the rows of coders and compare what they coded.

    Parameters
    ----------
    sheets : sequence of Studies
        One for each coder, with errors or without.
    key : sequence of str, optional
        Columns that identify an effect within its study.

    Raises
    ------
    EstimationError
        When no row could be matched.
    """
    matching = match_rows(sheets, key=key)
    if not matching.matched:
        raise EstimationError(_nothing(matching), code="MA640")
    return Coders(
        matching=matching,
        table=agreement(matching, level=model.level),
        pooled=pooled_by_coder(matching, model, policy),
        conflicts=conflicts(matching, model, policy),
    )


def _nothing(matching: Matching) -> str:
    """Say why nothing was matched."""
    files = " and ".join(s.file for s in matching.sheets)
    hints = [u.suggestion for u in matching.unmatched if " has '" in u.suggestion]
    hint = f" {hints[0]}." if hints else ""
    return f"No row of {files} could be matched: no study label is in both.{hint}"
