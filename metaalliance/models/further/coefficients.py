"""The reliabilities that a sheet reports, one row for each that a sample gives."""

from __future__ import annotations

import re

import pandas as pd

from metaalliance.models.further.reliabilities import SIDES
from metaalliance.sheet.studies import Studies

#: What says which reliabilities are pooled together.
GROUP = ("side", "instrument", "rater")
#: Columns that a table of coefficients has.
NEEDED = ("study", "reliability", "n", "items")
#: What a reliability without any word about its source is taken for.
_OWN = "this sample"
#: Words before a reliability that name no coefficient alpha (nor KR-20, which is one).
_OTHER = re.compile(r"ω|omega|mcdonald|icc|κ|kappa|r(tt|_tt)?(?![a-z-])|test-retest", re.IGNORECASE)


def coefficients_of(studies: Studies, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the reliabilities of the effects of a sheet.

    A sample that reports several effects of one scale repeats its reliability in each: equal
    values of one study, sample, instrument, rater and time are one, of the largest n.

    Parameters
    ----------
    studies : Studies
        The sheet, for the words beside a value.
    frame : DataFrame
        Its effects, as `Effects.frame` has them.

    Returns
    -------
    DataFrame
        `side`, `instrument`, `rater`, `time`, `reliability`, `items`, `source` and `coefficient`,
        then the columns of the effects.
    """
    rows = {row.number: row for row in studies.rows}
    parts = []
    for column in SIDES:
        if column not in frame:
            continue
        side = column.partition("_")[0]
        known = frame[frame[column].notna()]
        own = pd.DataFrame({"side": side}, index=known.index)
        own["instrument"] = _instrument(known, side)
        for name in ("rater", "time"):
            own[name] = _text(known, f"{side}_{name}")
        own["reliability"] = known[column].astype(float)
        own["items"] = _of(known, f"{side}_items").astype(float)
        source = _of(known, "reliability_source")
        if side == "outcome":
            source = _of(known, "outcome_reliability_source").where(lambda s: s.notna(), source)
        own["source"] = source.astype(object).where(source.notna(), "")
        seen = [rows[n].seen(column) for n in known["row"]]
        own["coefficient"] = ["other" if _OTHER.match(s.strip()) else "alpha" for s in seen]
        rest = known.drop(columns=[c for c in own if c in known])
        parts.append(_once(own.join(rest)))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*NEEDED])


def _of(frame: pd.DataFrame, name: str) -> pd.Series:
    return frame[name] if name in frame else pd.Series(None, index=frame.index, dtype=object)


def _text(frame: pd.DataFrame, name: str) -> pd.Series:
    found = _of(frame, name).astype(object)
    return found.where(found.notna(), "")


def _instrument(frame: pd.DataFrame, side: str) -> pd.Series:
    """Names of the instruments; a subscale is an instrument of its own, shorter than the whole."""
    names, parts = _text(frame, f"{side}_measure"), _text(frame, f"{side}_subscale")
    own = ~parts.isin(["", "total"])
    return names.where(~own, (names + ", " + parts).str.removeprefix(", "))


def _once(table: pd.DataFrame) -> pd.DataFrame:
    """Keep one of the rows that repeat a reliability, that of the largest n."""
    keys = [c for c in ("study", "sample", *GROUP, "time", "reliability", "items", "source",
                        "coefficient") if c in table]  # fmt: skip
    repeated = table.groupby(keys, dropna=False, sort=False)["n"].transform("size")
    kept = table.assign(rows=repeated).sort_values("n", ascending=False, kind="stable")
    return kept.drop_duplicates(keys).sort_index()


def why_apart(table: pd.DataFrame) -> pd.Series:
    """Say of each coefficient why it is kept apart; blank where it is pooled."""
    why = pd.Series("", index=table.index, dtype=object)
    source = table["source"].astype(str)
    n, items = table["n"], table["items"]
    for mark, reason in (
        (~source.isin(["", _OWN]), "quoted (" + source + ")"),
        (table["coefficient"] != "alpha", "no coefficient alpha, by its cell"),
        (items.isna(), "no number of items"),
        (items < 2, "one item"),
        (n.isna(), "no n"),
        (n <= 2, "n is not above 2"),
        (table["reliability"] >= 1, "alpha of 1 has no sampling variance"),
    ):
        why = why.mask((why == "") & mark, reason)
    return why
