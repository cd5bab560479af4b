"""Rules about estimands: total, within patients, between patients, between therapists."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from metaalliance.problems import Problem
from metaalliance.sheet.rows import Row
from metaalliance.sheet.rules.repeats import grouped
from metaalliance.sheet.texts import Coded
from metaalliance.wording.phrases import count_text

TOTAL, WITHIN = "total", "within_patient"
_WAYS = (
    "pool the rows of one with --estimand total, or compare them in one model with metaalliance "
    "components --by estimand"
)
#: Columns in which coders write what a report says of its analysis.
_SAID = ("notes", "quote")
_CENTRED = re.compile(
    r"(person|patient|group)[- ]?means?\b|mean[- ]cent(er|re)|within[- ]person[- ]cent(er|re)", re.I
)
_LAGGED = re.compile(
    r"lag|autoregress|previous session|prior session|preceding session|session t|outcome at t", re.I
)
#: Times of an outcome that is measured once.
_ONCE = frozenset({"post", "follow-up", "dropout"})


def estimand_of(row: Row) -> str:
    """Return the question that a row answers; a blank one is the total association."""
    return str(row.get("estimand") or TOTAL)


def leave_out_estimands(rows: Iterable[Row], wanted: str) -> None:
    """Mark rows that answer another question as excluded, with the reason."""
    for row in rows:
        own = estimand_of(row)
        if not row.included or own == wanted:
            continue
        reason = f"estimand is {own} (policy: {wanted})"
        for column, value in (("include", "no"), ("exclusion_reason", reason)):
            row.cells[column] = Coded(value, "", row.place(column))


def estimand_problems(rows: list[Row]) -> list[Problem]:
    """Rows that answer several questions: their mean would answer none."""
    counts = Counter(estimand_of(row) for row in rows)
    if len(counts) < 2:
        return []
    listed = ", ".join(
        f"{kind} ({count_text(counts[kind], 'row')})"
        for kind in sorted(counts, key=lambda k: (k != TOTAL, k))
    )
    first = estimand_of(rows[0])
    odd = next(row for row in rows if estimand_of(row) != first)
    odd = odd if odd.has("estimand") else next(row for row in rows if row.has("estimand"))
    message = f"rows answer different questions: {listed}"
    return [odd.problem("MA509", message, "estimand", _WAYS)]


def within_problems(rows: list[Row]) -> list[Problem]:
    """Effects within patients that look as if they were something else."""
    found = []
    for group in grouped(rows, "study", "sample").values():
        inside = [row for row in group if row.get("estimand") == WITHIN]
        if inside:
            found += [*_sessions(group, inside), *_total(inside), *_lagged(inside)]
    return found


def _sessions(group: list[Row], inside: list[Row]) -> Iterable[Problem]:
    """An n that counts sessions: several times that of the patients of the sample."""
    others = [row for row in group if row.get("estimand") != WITHIN]
    patients = max((n for row in others if isinstance(n := row.get("n"), float)), default=None)
    if patients is None:
        return
    for row in inside:
        n = row.get("n")
        if isinstance(n, float) and n >= 2 * patients:
            times = "" if n % patients else f" = {patients:g} × {n / patients:g}"
            message = (
                f"n = {n:g}{times} within patients, and the sample has {patients:g} patients: n "
                "may count sessions"
            )
            hint = "enter the number of patients, or the standard error of the report as sei or vi"
            yield row.problem("MA542", message, "n", hint)


def _total(inside: list[Row]) -> Iterable[Problem]:
    """An outcome that each patient has once cannot vary within patients."""
    for row in inside:
        time = row.get("outcome_time")
        if time in _ONCE:
            message = f"within patients, and the outcome is measured once ({time})"
            hint = (
                "an association within patients has alliance and outcome at several sessions; a "
                "correlation across patients is total"
            )
            yield row.problem("MA543", message, "estimand", hint)


def _lagged(inside: list[Row]) -> Iterable[Problem]:
    """A predictor centred on the mean of its person beside the outcome of the session before."""
    for row in inside:
        said = " ".join(str(row.get(c) or "") for c in _SAID)
        earlier = row.get("adjusted_for") == "early change" or _LAGGED.search(said)
        if earlier and _CENTRED.search(said):
            message = "centred on the mean of each patient, with an earlier outcome in the model"
            hint = (
                "with few sessions the coefficient of the earlier outcome is biased, and with it "
                "that of the alliance: prefer an estimate of a latent or dynamic panel model"
            )
            yield row.problem("MA544", message, "estimand", hint)
