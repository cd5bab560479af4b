"""Published pooled results of the alliance, as printed, with what each is about."""

from __future__ import annotations

import csv
import math
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

#: The file, a copy of data/published_pooled_results.csv.
FILE = "published_pooled_results.csv"

#: Confidence level of every interval of the file.
LEVEL = 0.95

#: Each topic of the file: its group, and what tells it apart within the group.
TOPICS: dict[str, tuple[str, str]] = {
    "adult individual therapy": ("Individual therapy of adults", ""),
    "adult therapy, face-to-face": ("Individual therapy of adults", "face-to-face"),
    "CBT for depression": ("One therapy or one diagnosis", "CBT for depression"),
    "PTSD": ("One therapy or one diagnosis", "PTSD"),
    "adult therapy, internet": ("Internet and teletherapy", "internet"),
    "internet interventions": ("Internet and teletherapy", "internet"),
    "teletherapy": ("Internet and teletherapy", "teletherapy"),
    "youth therapy": ("Youth", ""),
    "youth therapy, prospective studies": ("Youth", "prospective studies"),
    "youth therapy, child-therapist alliance": ("Youth", "child-therapist alliance"),
    "family-involved youth treatment": ("Youth with their families", ""),
    "family-involved youth treatment, split alliance": (
        "Youth with their families",
        "split alliance",
    ),
    "family-involved youth treatment, change of alliance": (
        "Youth with their families",
        "change of alliance",
    ),
    "couple and family therapy": ("Couples and families", ""),
    "group cohesion": ("Group therapy", "cohesion"),
    "dropout from therapy": ("Dropout", "dropout"),
    "repair of alliance ruptures": ("Other relations", "repair of ruptures"),
    "positive regard": ("Other relations", "positive regard"),
}

#: Topics whose review prints a negative correlation where alliance helps, as the outcome is
#: symptoms.
COUNTS_SYMPTOMS = frozenset({"PTSD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A pooled result of a review, as printed.

    Attributes
    ----------
    label : str
        Authors and year.
    year : int
        Of the review.
    group, about : str
        Of `TOPICS`.
    k : str
        Studies or samples, or nothing.
    effect : str
        What is printed: r, d or g.
    estimate, low, high : float
        As printed; NaN for limits that the file does not have.
    source : str
        DOI as an address, or the book.
    note : str
        What else the file says.
    turned : bool
        Whether its sign is to be turned so that positive is better outcome.
    """

    label: str
    year: int
    group: str
    about: str
    k: str
    effect: str
    estimate: float
    low: float
    high: float
    source: str
    note: str
    turned: bool

    def correlation(self) -> tuple[float, float, float]:
        """Return r with its limits, positive for better outcome; NaN for what is no correlation."""
        if self.effect != "r":
            return math.nan, math.nan, math.nan
        if self.turned:
            return -self.estimate, -self.high, -self.low
        return self.estimate, self.low, self.high


@lru_cache(maxsize=1)
def published_results() -> tuple[Published, ...]:
    """Return every result of the file, group by group, in each by year as the file is.

    Examples
    --------
    >>> first = published_results()[0]
    >>> first.label, first.group, first.correlation()[0]
    ('Horvath & Symonds (1991)', 'Individual therapy of adults', 0.26)
    """
    text = (files("metaalliance") / "examples" / FILE).read_text(encoding="utf-8")
    found = [_result(row) for row in csv.DictReader(text.splitlines())]
    order = list(dict.fromkeys(group for group, _ in TOPICS.values()))
    return tuple(sorted(found, key=lambda result: order.index(result.group)))


def _result(row: dict[str, str]) -> Published:
    group, about = TOPICS[row["topic"]]
    low, high = (float(row[name] or "nan") for name in ("ci_low", "ci_high"))
    return Published(
        label=f"{_authors(row['review'])} ({row['year']})",
        year=int(row["year"]),
        group=group,
        about=about,
        k=row["k"],
        effect=row["effect"],
        estimate=float(row["estimate"]),
        low=low,
        high=high,
        source=row["source"],
        note=row["note"],
        turned=row["topic"] in COUNTS_SYMPTOMS,
    )


def _authors(names: str) -> str:
    """Return the first of more than two authors with "et al.".

    Examples
    --------
    >>> _authors("Martin, Garske & Davis"), _authors("Horvath & Bedi"), _authors("Roest et al.")
    ('Martin et al.', 'Horvath & Bedi', 'Roest et al.')
    """
    single = re.split(r", | & ", names)
    return f"{single[0]} et al." if len(single) > 2 else names
