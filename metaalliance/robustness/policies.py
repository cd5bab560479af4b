"""A sheet that was read already, under another policy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from metaalliance.effects.convert import effect_sizes
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError
from metaalliance.model import refuse
from metaalliance.policy import Policy
from metaalliance.sheet.rules.row import nonsignificant_column, nonsignificant_problems
from metaalliance.sheet.studies import Studies


def as_read(studies: Studies) -> Policy:
    """Return the policy with which a sheet was read, with the defaults of conversion."""
    reading = studies.reading
    return Policy(
        nonsignificant=reading.nonsignificant,
        beta=reading.beta,
        yi_measure=reading.yi_measure,
        estimand=reading.estimand,
    )


def refuse_intervals(studies: Studies, policy: Policy, method: str) -> None:
    """Refuse by name a policy under which some rows of a sheet have no value.

    Raises
    ------
    OptionError
        When "n.s." rows are to be intervals, and there are any.
    """
    silent = any(r.included and r.number in studies.nonsignificant_rows for r in studies.rows)
    if silent and policy.nonsignificant == "censored":
        reason = "it needs a value for each effect; use zero, drop or half-p"
        refuse(policy, method, {"nonsignificant": reason})


def with_policy(studies: Studies, policy: Policy) -> Studies:
    """Return a sheet under another policy for results reported as "n.s.".

    Raises
    ------
    OptionError
        For another policy about betas, the scale of yi or the estimand: which statistic a row
        has, and whether it is used, is settled when it is read.
    """
    for name in ("beta", "yi_measure", "estimand"):
        now, read = getattr(policy, name), getattr(studies.reading, name)
        if now is not None and now != read:
            raise OptionError(
                f"{name}={now!r}, but {studies.file} was read with {name}={read!r}: read it with "
                "the same."
            )
    if policy.nonsignificant == studies.nonsignificant:
        return studies
    new: Any = policy.nonsignificant
    problems = list(studies.problems)
    for row in studies.rows:
        column = nonsignificant_column(row) if row.number in studies.nonsignificant_rows else None
        if column is not None:
            old = nonsignificant_problems(row, column, studies.nonsignificant)
            problems = [p for p in problems if p not in old]
            problems += nonsignificant_problems(row, column, new)
    return replace(
        studies,
        reading=replace(studies.reading, nonsignificant=new),
        problems=tuple(problems),
    )


def converted(studies: Studies, policy: Policy) -> Effects:
    """Convert a sheet under a policy.

    Raises
    ------
    StudyDataError
        When the sheet has errors under it.
    EstimationError
        When no row is left, or one cannot be corrected for unreliability.
    """
    sheet = with_policy(studies, policy)
    if not sheet.used and not sheet.errors:
        raise EstimationError("No effect is left to pool.", code="MA602")
    return effect_sizes(sheet, **policy.conversion)


def uncorrected(policy: Policy, **changes: Any) -> Policy:
    """Return a policy without the correction for unreliability."""
    plain = {"attenuation": "none", "alliance_reliability": None, "outcome_reliability": None}
    return replace(policy, **{**plain, **changes})


def corrected(policy: Policy, attenuation: str) -> Policy:
    """Return a policy with another correction for unreliability.

    Where the policy has nothing that stands for a missing reliability, the mean of the reported
    ones does.
    """
    if attenuation == policy.attenuation:
        return policy
    stand_in: dict[str, Any] = {}
    for side in ("alliance", "outcome"):
        name = f"{side}_reliability"
        own = getattr(policy, name)
        used = attenuation in {side, "individual"}
        stand_in[name] = ("mean" if own is None else own) if used else None
    return replace(policy, attenuation=attenuation, **stand_in)
