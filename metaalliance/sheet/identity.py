"""Author and year as a study, or as its label."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import MutableMapping, Sequence

from metaalliance.sheet.texts import Coded
from metaalliance.sheet.years import year_text

Cells = MutableMapping[str, Coded]
_DATE = re.compile(r"\d{4}-\d\d-\d\d").match


def identify(
    cells: Sequence[Cells],
    authors: Sequence[Coded | None],
    *,
    composed: bool,
    labelled: bool = True,
) -> list[tuple[str, str, str]]:
    """Enter author and year as the study (or its label) of each row.

    Parameters
    ----------
    cells : list of mapping
        Cells of each row, which are completed.
    authors : list of Coded or None
        Author of each row.
    composed : bool
        Whether author and year are the study rather than its label.
    labelled : bool
        Whether author and year are the label of a study that has none.

    Returns
    -------
    list of (str, str, str)
        Author and year of each row, with code and message where its year is blank beside an
        author with reports of known years.
    """
    years = [_year(row.get("year")) for row in cells]
    known: dict[str, set[str]] = defaultdict(set)
    for author, year in zip(authors, years, strict=True):
        if author is not None and author.value and year:
            known[author.value.casefold()].add(year)
    found = []
    for row, author, year in zip(cells, authors, years, strict=True):
        if author is None or not author.value:
            found.append(("", "", ""))
            continue
        reports = sorted(known[author.value.casefold()])
        code = message = ""
        if composed and not year and reports:
            code = "MA337" if len(reports) > 1 else "MA524"
            listed = ", ".join(reports)
            message = f"the year of {author.value!r} is blank; other rows have {listed}"
        text = year or (reports[0] if len(reports) == 1 else "")
        name = Coded(_with_year(author.value, text), author.seen, author.cell, note=author.note)
        if composed:
            row["study"] = name
        elif labelled and "label" not in row:
            row["label"] = name
        found.append((str(name.value), code, message))
    return found


def _year(coded: Coded | None) -> str:
    """Year of a row as text; letters and words such as "in press" tell reports apart."""
    if coded is None:
        return ""
    if isinstance(coded.value, float) and (len(coded.seen) > 12 or _DATE(coded.seen)):
        return f"{coded.value:.0f}"
    return year_text(coded.seen)


def _with_year(author: str, year: str) -> str:
    return f"{author} ({year})" if year and year not in author else author
