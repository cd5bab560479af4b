"""What each estimand is called in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

TOTAL = "total"
#: Name of an estimand, and what a better alliance is in it.
_WORDS = {
    "within_patient": (
        "within patients",
        "In sessions or weeks in which a patient's alliance was better than usual for this "
        "patient, the outcome was, on average, {word}.",
    ),
    "between_patient": (
        "between patients",
        "On average, patients whose alliance was better across their sessions had a {word} "
        "outcome than other patients.",
    ),
    "between_therapist": (
        "between therapists",
        "On average, therapists whose patients had a better alliance had patients with a {word} "
        "outcome.",
    ),
}


def estimand_counts(kinds: Iterable[object]) -> Counter[str]:
    """Return the number of effects of each estimand; a blank one is total."""
    return Counter(kind if isinstance(kind, str) and kind else TOTAL for kind in kinds)


def estimand_name(kinds: Iterable[object]) -> str:
    """Return "within patients" where every effect is that; "" for total or several.

    Examples
    --------
    >>> estimand_name(["within_patient"] * 2), estimand_name(["within_patient", None])
    ('within patients', '')
    """
    return _only(kinds)[0]


def direction_sentence(kinds: Iterable[object], *, better: bool) -> str:
    """Return what a mean that is not zero says of the question that the effects answer."""
    sentence = _only(kinds)[1]
    if sentence:
        return sentence.format(word="better" if better else "worse")
    if better:
        return "On average, a better alliance went with a better outcome."
    return (
        "The mean is negative: in these studies a better alliance went, on average, with a worse "
        "outcome."
    )


def _only(kinds: Iterable[object]) -> tuple[str, str]:
    counts = estimand_counts(kinds)
    return _WORDS.get(next(iter(counts)), ("", "")) if len(counts) == 1 else ("", "")
