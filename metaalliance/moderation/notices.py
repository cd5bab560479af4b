"""Notices that several tests of moderators give."""

from __future__ import annotations

from collections.abc import Mapping

from metaalliance.problems import Problem, notice
from metaalliance.wording.phrases import agreeing, effects_text, studies_text


def missing_notice(name: str, missing: Mapping[str, int], total: int) -> tuple[Problem, ...]:
    """Say how many of all effects have no value of a moderator.

    Parameters
    ----------
    missing : mapping of str to int
        Effects without a value (n_effects), and studies that have no other (n_studies).
    """
    k, m = missing["n_effects"], missing["n_studies"]
    if not k:
        return ()
    message = (
        f"{name} is missing for {k:,} of {effects_text(total)} "
        f"({studies_text(m)} entirely), which {agreeing(k, 'is', 'are')} left out of its test."
    )
    return (notice("MA644", message, "Complete the column, or say so.", severity="note"),)
