"""The column specification: the one source of the checks, the template and its documentation."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from metaalliance.core.conversion.quantities import N, Quantity, number
from metaalliance.core.conversion.rule import Rule
from metaalliance.core.conversion.rules import COMPANIONS, RECORDS
from metaalliance.sheet.columns.names import other_name
from metaalliance.sheet.columns.vocabularies import VOCABULARIES, Vocabulary, key_of

Group = Literal["identity", "statistic", "companion", "direction", "alliance", "outcome", "study"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Quantity):
    """One column of the extraction workbook.

    Attributes
    ----------
    group : str
        What it belongs to.
    """

    group: Group

    @property
    def vocabulary(self) -> Vocabulary | None:
        """The controlled vocabulary of a choice column."""
        return VOCABULARIES.get(self.name)


def _placed(quantity: Quantity, group: Group) -> Column:
    return Column(group=group, **{f.name: getattr(quantity, f.name) for f in fields(quantity)})


def _text(name: str, group: Group, about: str, *aliases: str) -> Column:
    return Column(name=name, group=group, kind="text", about=about, aliases=aliases)


def _choice(name: str, group: Group, about: str, *aliases: str) -> Column:
    return Column(name=name, group=group, kind="choice", about=about, aliases=aliases)


def _count(name: str, about: str, *aliases: str, low: float = 1) -> Column:
    return _placed(number(name, about, *aliases, kind="count", low=low), "study")


def _number(name: str, group: Group, about: str, *aliases: str, **range_: Any) -> Column:
    return _placed(number(name, about, *aliases, **range_), group)


def _columns_of(rules: Iterable[Rule]) -> tuple[Column, ...]:
    """Columns of statistics, each with what stands beside it."""
    found = {c.name: c for rule in rules for c in (*rule.columns, *rule.beside)}
    return tuple(
        _placed(c, "companion" if c.name in COMPANIONS else "statistic") for c in found.values()
    )


#: What stands before a reliability in its cell.
_RELIABILITIES = ("α", "alpha", "cronbach's alpha", "cronbachs alpha", "cronbach alpha",
                  "cronbach's α", "cronbach α", "coefficient alpha", "ω", "omega",
                  "mcdonald's omega", "mcdonald omega", "mcdonald's ω", "icc", "κ", "kappa",
                  "kr-20", "kr20", "kr 20", "r", "rtt", "r_tt", "test-retest r", "reliability")  # fmt: skip
#: In the order of the workbook: what the effect is, its number, the study, the bookkeeping.
_FIRST = (
    _text("study", "identity", "Label of the study, the same in all its rows. Required.",
          "study_id", "studyid", "author", "authors", "citation", "study label", "study name",
          "reference", "publication"),
    _text("label", "identity", "What figures and tables print; blank prints the study.", "short label",
          "slab", "figure label"),
    Column(name="year", group="identity", kind="count", about="Year of publication.",
           aliases=("publication year", "pub_year", "yr"), low=1900, high=2100),
    _text("sample", "identity", "Independent sample within a report; blank means the study is one.",
          "sample_id", "sampleid", "subsample", "cohort"),
    _text("effect", "identity", "Identifier of the effect.", "effect_id", "es_id", "effectid", "esid"),
    _choice("alliance_measure", "alliance", "Instrument.", "alliance instrument", "measure",
            "alliance scale", "iv_measure"),
    _choice("alliance_subscale", "alliance", "total, bond, task or goal.", "subscale"),
    _choice("alliance_rater", "alliance", "Who rated the alliance.", "rater", "alliance perspective",
            "perspective", "iv_perspective"),
    _choice("alliance_time", "alliance", "When: early, mid, late, averaged.", "time",
            "alliance session", "timing"),
    _number("alliance_reliability", "alliance", "Reliability of the alliance scores.", "rxx",
            low=0, high=1, percent=0.01, labels=_RELIABILITIES),
    _choice("reliability_source", "alliance", "Where the reliability comes from: this sample, "
            "manual or other."),
    _number("alliance_items", "alliance", "Number of items of the alliance scale.", "items",
            "n_items", low=1, kind="count"),
    _choice("alliance_direction", "direction", "lower_better for ruptures or unbalanced alliance; "
            "blank means higher_better.", "alliance dir"),
    _choice("outcome_measure", "outcome", "Instrument or event.", "outcome", "outcome instrument",
          "dv", "dv_measure", "outcome scale"),
    _choice("outcome_domain", "outcome", "What it measures.", "domain", "outcome type"),
    _choice("outcome_rater", "outcome", "Who rated the outcome.", "dv_perspective",
            "outcome source", "outcome perspective"),
    _choice("outcome_time", "outcome", "post, follow-up or dropout.", "outcome timing"),
    _number("outcome_reliability", "outcome", "Reliability of the outcome scores.", "ryy",
            low=0, high=1, percent=0.01, labels=_RELIABILITIES),
    _choice("outcome_reliability_source", "outcome", "Where the reliability of the outcome comes "
            "from; blank means that of reliability_source."),
    _number("outcome_items", "outcome", "Number of items of the outcome scale.", low=1,
            kind="count"),
    _choice("outcome_direction", "direction", "lower_better for symptoms and dropout; blank means "
            "that the coder has aligned the sign already.", "outcome dir", "direction"),
    _placed(N, "companion"),
)  # fmt: skip

#: It follows r and its limits; the other statistics follow it.
_SIGN = (
    _choice("sign", "direction", "Sign of the reported association, for statistics that carry none.",
            "direction of effect", "effect sign"),
)  # fmt: skip

_LAST = (
    _text("statistic", "statistic", "Which statistic the row reports, by its column name; needed "
          "only where several are coded, or with value.", "statistic type", "stat_type", "es_type"),
    _number("value", "statistic", "Value of the statistic named in statistic.", "stat_value",
            "statistic value", "es_value"),
    _choice("yi_measure", "companion", "Scale of yi: z, r, d, g or log_or; one key of the configuration "
            "says it for all rows.", "yi scale"),
    _choice("modality", "study", "Treatment modality.", "treatment", "therapy", "treatment type",
            "therapy type", "orientation", "treatment modality"),
    _choice("delivery", "study", "How it was delivered.", "mode of delivery"),
    _choice("format", "study", "Individual, group, couple or family.", "treatment format"),
    _choice("design", "study", "RCT, naturalistic, cohort and the like.", "research design", "study design"),
    _text("diagnosis", "study", "Main diagnosis.", "disorder", "problem", "condition"),
    _choice("population", "study", "adult or youth.", "age group"),
    _choice("setting", "study", "Setting of the treatment."),
    _text("country", "study", "Country."),
    _text("language_match", "study", "Whether clients and therapists speak the same first language: "
          "yes, no or mixed.", "language matching", "same language"),
    _count("n_therapists", "Number of therapists.", "therapist n", "therapists"),
    _number("therapist_experience", "study", "Mean years of experience of the therapists.",
            "years of experience", "therapist years of experience", low=0, high=60),
    _number("percent_female", "study", "Percent women, 0 to 100.", "% female", "female",
            "female percent", low=0, high=100, percent=1),
    _number("percent_minority", "study", "Percent of minorities, 0 to 100.", "% minority",
            low=0, high=100, percent=1),
    _number("mean_age", "study", "Mean age in years.", "age", low=0, high=120),
    _text("risk_of_bias", "study", "Rating of the risk of bias.", "rob", "quality"),
    _choice("adjusted_for", "study", "What the effect is adjusted for; blank or none for a zero-order "
            "correlation.", "covariates", "adjustment", "controlled for"),
    _choice("estimand", "study", "The question. total: patients with better alliances fare better "
            "(blank is total). within_patient: after a better session the same patient fares better. "
            "between_patient: the patients' means in such a model. between_therapist: therapists' "
            "means.",
            "level of analysis"),
    _choice("source", "identity", "Kind of publication.", "publication type", "pub_type"),
    _text("doi", "identity", "DOI of the report."),
    _text("page", "identity", "Where in the report the number stands.", "pages", "location"),
    _text("quote", "identity", "Words of the report, for checking.", "verbatim"),
    _text("notes", "identity", "Remarks of the coder.", "note", "comment", "comments", "remarks"),
    _choice("include", "identity", "no excludes the row; blank means yes.", "included", "use"),
    _text("exclusion_reason", "identity", "Why the row is excluded.", "reason",
          "reason for exclusion", "exclusion"),
)  # fmt: skip

IN_WORKBOOK = (*_FIRST, *_columns_of(RECORDS[:1]), *_SIGN, *_columns_of(RECORDS[1:]), *_LAST)

#: Group by group.
COLUMNS: dict[str, Column] = {
    c.name: c for group in get_args(Group) for c in IN_WORKBOOK if c.group == group
}

#: Columns whose presence makes a header row: a study label and something to convert.
STATISTICS = tuple(
    c.name for c in COLUMNS.values() if c.group == "statistic" and c.name != "statistic"
)

#: Columns that can become moderators of the effects.
MODERATORS = (
    "year",
    "source",
    *(c.name for c in COLUMNS.values() if c.group in {"alliance", "outcome", "study"}),
)

#: Own columns of rows that name both of their variables, in tables of correlations.
PAIRED = ("var1", "var2", "measure1", "measure2", "time1", "time2", "measures_r")

_EXACT = {name.strip(): name for name in COLUMNS}
_ALIASES: dict[str, str] = {}
for _column in COLUMNS.values():
    for _name in (_column.name, *_column.aliases):
        _ALIASES.setdefault(key_of(_name), _column.name)


_NUMBERED = re.compile(r".*[_. ]\d+").fullmatch
_SPELLED = {name.lower() for c in COLUMNS.values() for name in (c.name, *c.aliases)}


def find_column(header: str) -> str | None:
    """Return the column that a header names, by its name or an alias.

    Case is kept where it matters (`F` and `f`, `d` and `D` fold together, `n` and `N` too).

    Examples
    --------
    >>> find_column("Sample size"), find_column(" N "), find_column("colour")
    ('n', 'n', None)
    """
    text = header.strip()
    if text in _EXACT:
        return text
    if _NUMBERED(text) and text.lower() not in _SPELLED:
        return None  # a second column of a name, such as r.1, is no other statistic
    found = _ALIASES.get(key_of(text))
    return found or ("study" if other_name(text) == "study" else None)


def suggest_column(header: str) -> str | None:
    """Return the column whose name is nearest to an unknown header, or None."""
    near = difflib.get_close_matches(key_of(header), _ALIASES, n=1, cutoff=0.82)
    return _ALIASES[near[0]] if near else None
