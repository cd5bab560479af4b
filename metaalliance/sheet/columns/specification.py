"""The column specification: the one source of the checks, the template and its documentation."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Literal

from metaalliance.sheet.columns.vocabularies import VOCABULARIES, Vocabulary, key_of

Kind = Literal["text", "number", "count", "choice"]
Group = Literal["identity", "statistic", "companion", "direction", "alliance", "outcome", "study"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of the extraction workbook.

    Attributes
    ----------
    name : str
        Canonical name.
    group : str
        What it belongs to.
    kind : {"text", "number", "count", "choice"}
        How its cells are read; "count" is a whole number.
    about : str
        What to enter, for the template and the documentation.
    aliases : tuple of str
        Other headers that are accepted, each use with a note.
    low, high : float, optional
        Bounds of a number; `open_ends` excludes them.
    percent : float, optional
        What "1%" is worth where a percentage is allowed.
    """

    name: str
    group: Group
    kind: Kind
    about: str
    aliases: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    open_ends: bool = False
    percent: float | None = None

    @property
    def vocabulary(self) -> Vocabulary | None:
        """The controlled vocabulary of a choice column."""
        return VOCABULARIES.get(self.name)


def _text(name: str, group: Group, about: str, *aliases: str) -> Column:
    return Column(name=name, group=group, kind="text", about=about, aliases=aliases)


def _choice(name: str, group: Group, about: str, *aliases: str) -> Column:
    return Column(name=name, group=group, kind="choice", about=about, aliases=aliases)


def _count(
    name: str, about: str, *aliases: str, low: float = 1, group: Group = "companion"
) -> Column:
    return Column(name=name, group=group, kind="count", about=about, aliases=aliases, low=low)


def _number(
    name: str,
    group: Group,
    about: str,
    *aliases: str,
    low: float | None = None,
    high: float | None = None,
    open_ends: bool = False,
    percent: float | None = None,
) -> Column:
    return Column(
        name=name, group=group, kind="number", about=about, aliases=aliases,
        low=low, high=high, open_ends=open_ends, percent=percent,
    )  # fmt: skip


def _correlation(name: str, about: str, *aliases: str) -> Column:
    return _number(name, "statistic", about, *aliases, low=-1, high=1, open_ends=True)


_IDENTITY = (
    _text("study", "identity", "Label of the study, the same in all its rows. Required.",
          "study_id", "studyid", "author", "authors", "citation", "study label", "study name",
          "reference", "publication"),
    Column(name="year", group="identity", kind="count", about="Year of publication.",
           aliases=("publication year", "pub_year", "yr"), low=1900, high=2100),
    _text("sample", "identity", "Independent sample within a report; blank means the study is one.",
          "sample_id", "sampleid", "subsample", "cohort"),
    _text("effect", "identity", "Identifier of the effect.", "effect_id", "es_id", "effectid", "esid"),
    _choice("source", "identity", "Kind of publication.", "publication type", "pub_type"),
    _text("doi", "identity", "DOI of the report."),
    _text("page", "identity", "Where in the report the number stands.", "pages", "location"),
    _text("quote", "identity", "Words of the report, for checking.", "verbatim"),
    _text("notes", "identity", "Remarks of the coder.", "note", "comment", "comments", "remarks"),
    _choice("include", "identity", "no excludes the row; blank means yes.", "included", "use"),
    _text("exclusion_reason", "identity", "Why the row is excluded.", "reason",
          "reason for exclusion", "exclusion"),
)  # fmt: skip

_STATISTIC = (
    _text("statistic", "statistic", "Which statistic the row reports, by its column name; needed "
          "only where several are coded, or with value.", "statistic type", "stat_type", "es_type"),
    _number("value", "statistic", "Value of the statistic named in statistic.", "stat_value",
            "statistic value", "es_value"),
    _correlation("r", "Pearson correlation.", "correlation", "pearson r", "cor", "effect (r)",
                 "pearson", "es r", "effect size r"),
    _number("fisher_z", "statistic", "Fisher's z of a correlation.", "zr", "z_r", "fishers z",
            "fisher's z"),
    _number("t", "statistic", "t statistic of the association.", "t value", "tval", "t_stat",
            "t statistic"),
    _number("F", "statistic", "F with one numerator degree of freedom; needs a sign.", "f value",
            "f_stat", "f statistic", low=0),
    _number("chi2", "statistic", "Chi-squared with one degree of freedom; needs a sign.",
            "chisq", "chi squared", "chi-square", "χ2", "χ²", low=0),
    _number("z_stat", "statistic", "Standard normal test statistic.", "z statistic", "z value",
            "zval", "z test"),
    _number("p", "statistic", "Exact p-value; needs a sign when it is the only statistic.",
            "p value", "pval", "p-value", low=0, high=1),
    _number("d", "statistic", "Cohen's d, positive when the group higher in alliance is higher in "
            "the outcome variable.", "cohens d", "cohen's d", "smd"),
    _number("g", "statistic", "Hedges's g, signed like d.", "hedges g", "hedges' g"),
    _number("odds_ratio", "statistic", "Odds ratio.", "or", "odds ratio", low=0, open_ends=True),
    _number("log_odds_ratio", "statistic", "Natural logarithm of the odds ratio.", "log or", "lnor",
            "ln_or", "logor"),
    _number("beta", "statistic", "Standardised regression coefficient; converted approximately.",
            "standardized beta", "standardised beta", "std_beta", "β"),
    _correlation("partial_r", "Partial correlation; needs n_predictors or df.", "partial correlation",
                 "pr", "pcor"),
    _correlation("semipartial_r", "Semi-partial correlation; needs r2_model.", "part correlation",
                 "sr", "semipartial correlation"),
    _correlation("spearman_rho", "Spearman's rank correlation.", "spearman", "rho", "rs"),
    _correlation("kendall_tau", "Kendall's tau.", "kendall", "tau b"),
    _number("r_squared", "statistic", "Variance explained by the alliance alone, as a proportion or "
            "with %; needs a sign.", "r2", "r²", "variance explained", "percent variance explained",
            low=0, high=1, percent=0.01),
    _number("eta_squared", "statistic", "Eta squared with one degree of freedom; needs a sign.",
            "eta2", "η2", "η²", low=0, high=1, percent=0.01),
    _number("mean1", "statistic", "Mean of group 1: the group with the higher alliance or, when "
            "groups are formed by outcome, the group that is higher in the outcome variable.",
            "m1", "mean_1"),
    _number("sd1", "statistic", "Standard deviation of group 1.", "sd_1", low=0, open_ends=True),
    _number("mean2", "statistic", "Mean of group 2.", "m2", "mean_2"),
    _number("sd2", "statistic", "Standard deviation of group 2.", "sd_2", low=0, open_ends=True),
    _count("cell_a", "Count: high alliance, outcome present.", low=0, group="statistic"),
    _count("cell_b", "Count: high alliance, outcome absent.", low=0, group="statistic"),
    _count("cell_c", "Count: low alliance, outcome present.", low=0, group="statistic"),
    _count("cell_d", "Count: low alliance, outcome absent.", low=0, group="statistic"),
    _number("b", "statistic", "Unstandardised coefficient; needs sd_x and sd_y.", "unstandardized b",
            "unstandardised b", "coef"),
    _number("sd_x", "companion", "Standard deviation of the alliance scores.", low=0, open_ends=True),
    _number("sd_y", "companion", "Standard deviation of the outcome scores.", low=0, open_ends=True),
    _number("yi", "statistic", "Effect computed already, on the scale of Fisher z."),
    _number("vi", "companion", "Sampling variance of yi.", low=0, open_ends=True),
)  # fmt: skip

_COMPANION = (
    _count("n", "Number of participants behind the effect.", "sample size", "samplesize", "n_total",
           "total n", "ntotal", "sample n", "participants", "num"),
    _number("df", "companion", "Residual degrees of freedom of the test.", "degrees of freedom",
            low=0, open_ends=True),
    _number("df1", "companion", "Numerator degrees of freedom of F.", "df_1", low=1),
    _number("df2", "companion", "Denominator degrees of freedom of F.", "df_2", low=0, open_ends=True),
    _count("n1", "Size of group 1.", "n_1"),
    _count("n2", "Size of group 2.", "n_2"),
    _count("n_predictors", "Number of predictors in the regression, the alliance included.",
           "predictors", "preds", "number of predictors"),
    _count("tails", "Tails of the p-value: 1 or 2 (default 2).", "tailed"),
    _number("r2_model", "companion", "R² of the whole regression.", "model r2", low=0, high=1,
            percent=0.01),
    _number("ci_low", "companion", "Lower 95% confidence limit, on the scale of the statistic.",
            "ci lower", "lower ci", "ci_lb", "lcl"),
    _number("ci_high", "companion", "Upper 95% confidence limit.", "ci upper", "upper ci", "ci_ub",
            "ucl"),
)  # fmt: skip

_DIRECTION = (
    _choice("outcome_direction", "direction", "lower_better for symptoms and dropout; blank means "
            "that the coder has aligned the sign already.", "outcome dir", "direction"),
    _choice("alliance_direction", "direction", "lower_better for ruptures or unbalanced alliance; "
            "blank means higher_better.", "alliance dir"),
    _choice("sign", "direction", "Sign of the reported association, for statistics that carry none.",
            "direction of effect", "effect sign"),
)  # fmt: skip

_ALLIANCE = (
    _choice("alliance_measure", "alliance", "Instrument.", "alliance instrument", "measure",
            "alliance scale", "iv_measure"),
    _choice("alliance_subscale", "alliance", "total, bond, task or goal.", "subscale"),
    _choice("alliance_rater", "alliance", "Who rated the alliance.", "rater", "alliance perspective",
            "perspective", "iv_perspective"),
    _choice("alliance_time", "alliance", "When: early, mid, late, averaged.", "time",
            "alliance session", "timing"),
    _number("alliance_reliability", "alliance", "Reliability of the alliance scores.", "rxx",
            low=0, high=1),
)  # fmt: skip

_OUTCOME = (
    _choice("outcome_measure", "outcome", "Instrument or event.", "outcome", "outcome instrument",
          "dv", "dv_measure", "outcome scale"),
    _choice("outcome_domain", "outcome", "What it measures.", "domain", "outcome type"),
    _choice("outcome_rater", "outcome", "Who rated the outcome.", "dv_perspective",
            "outcome source", "outcome perspective"),
    _choice("outcome_time", "outcome", "post, follow-up or dropout.", "outcome timing"),
    _number("outcome_reliability", "outcome", "Reliability of the outcome scores.", "ryy",
            low=0, high=1),
)  # fmt: skip

_STUDY = (
    _choice("modality", "study", "Treatment modality.", "treatment", "therapy", "treatment type",
            "therapy type", "orientation", "treatment modality"),
    _choice("delivery", "study", "How it was delivered.", "mode of delivery"),
    _choice("format", "study", "Individual, group, couple or family.", "treatment format"),
    _choice("design", "study", "RCT or other.", "research design", "study design"),
    _text("diagnosis", "study", "Main diagnosis.", "disorder", "problem", "condition"),
    _choice("population", "study", "adult or youth.", "age group"),
    _choice("setting", "study", "Setting of the treatment."),
    _text("country", "study", "Country."),
    _count("n_therapists", "Number of therapists.", "therapist n", "therapists", group="study"),
    _number("percent_female", "study", "Percent women, 0 to 100.", "% female", "female",
            "female percent", low=0, high=100, percent=1),
    _number("percent_minority", "study", "Percent of minorities, 0 to 100.", "% minority",
            low=0, high=100, percent=1),
    _number("mean_age", "study", "Mean age in years.", "age", low=0, high=120),
    _text("risk_of_bias", "study", "Rating of the risk of bias.", "rob", "quality"),
    _choice("estimand", "study", "total, between_patient, within_patient or between_therapist.",
            "level of analysis"),
)  # fmt: skip

COLUMNS: dict[str, Column] = {
    c.name: c
    for c in (*_IDENTITY, *_STATISTIC, *_COMPANION, *_DIRECTION, *_ALLIANCE, *_OUTCOME, *_STUDY)
}

#: Columns whose presence makes a header row: a study label and something to convert.
STATISTICS = tuple(c.name for c in _STATISTIC if c.group == "statistic" and c.name != "statistic")

#: Columns that can become moderators of the effects.
MODERATORS = ("year", "source", *(c.name for c in (*_ALLIANCE, *_OUTCOME, *_STUDY)))

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
    return _ALIASES.get(key_of(text))


def suggest_column(header: str) -> str | None:
    """Return the column whose name is nearest to an unknown header, or None."""
    near = difflib.get_close_matches(key_of(header), _ALIASES, n=1, cutoff=0.82)
    return _ALIASES[near[0]] if near else None
