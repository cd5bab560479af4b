"""How effect sizes were made, and which studies they come from."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from metaalliance.analysis.evidence import Evidence
from metaalliance.core.conversion.rules import RULES
from metaalliance.report.manuscript.bibliography import cited
from metaalliance.report.manuscript.document import Block, Section
from metaalliance.report.manuscript.phrases import effects
from metaalliance.report.manuscript.prose import Prose, joined, listed, prose
from metaalliance.report.sections.study_table import (
    characteristics_table,
    coded_columns,
    study_table,
)
from metaalliance.report.tables.table import Field, Table
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import agreeing, count_text, studies_text

#: More studies than this have their table in the supplement.
MOST_IN_TEXT = 60

_NO_VALUE = "“not significant” without a value"
_DIRECT = tuple(rule.statistic for rule in RULES.values() if rule.direct)
_NONSIGNIFICANT = {
    "zero": "entered as *r* = 0",
    "half-p": "entered with the correlation that belongs to a two-tailed *p* of .50",
}


def data_section(evidence: Evidence) -> Section:
    """Return methods and results of data collection, with the tables of studies."""
    methods = [
        _scale(evidence)
        + _sized_variances(evidence)
        + _own_variances(evidence)
        + _correction(evidence),
        _conversions(evidence),
        _signs(evidence),
        _policies(evidence),
    ]
    results: list[Block] = [_included(evidence)]
    characteristics, table = characteristics_table(evidence), study_table(evidence)
    appendix: list[Block] = []
    if characteristics is not None:
        results.append(characteristics)
    (results if evidence.fit.n_studies <= MOST_IN_TEXT else appendix).append(table)
    converted = conversion_table(evidence)
    if converted is not None:
        appendix.append(converted)
    excluded = excluded_table(evidence)
    if excluded is not None:
        appendix.append(excluded)
    return Section(
        key="data",
        title="Effect sizes and studies",
        methods=tuple(text for text in methods if text),
        results=tuple(results),
        appendix=tuple(appendix),
    )


def _scale(evidence: Evidence) -> Prose:
    """The measure and its variance."""
    opening = prose(
        "The effect size was the correlation between the therapeutic alliance and treatment "
        "outcome. Signs were aligned so that a positive correlation means that a better alliance "
        "goes with a better outcome."
    )
    measure = evidence.fit.measure
    if measure == "z":
        return opening + prose(
            "Correlations were transformed to Fisher's *z*, with sampling variance 1/(*n* − 3), "
            "for analysis [@fisher1921]; results were transformed back to *r*."
        )
    if measure == "r-unbiased":
        return opening + prose(
            "Correlations were corrected for their small-sample bias [@olkin1958], with sampling "
            "variance (1 − *r*²)²/(*n* − 1) at the corrected value, and analysed on the scale of "
            "*r*."
        )
    return opening + prose(
        "Correlations were analysed on their own scale, with sampling variance "
        "(1 − *r*²)²/(*n* − 1)."
    )


def _sized_variances(evidence: Evidence) -> Prose:
    """Which sampling variances follow from group sizes and counts."""
    ledger = evidence.coded.ledger
    rules = ledger["variance_rule"].astype(str) if len(ledger) else pd.Series(dtype=str)
    drawn = rules.str.contains("cross-sectional", regex=False)
    if not drawn.any():
        return Prose()
    of_counts = bool(rules[drawn].str.contains("φ", regex=False).any())
    of_groups = bool((~rules[drawn].str.contains("φ", regex=False)).any())
    keys = [key for key, has in (("@tate1954", of_groups), ("@yule1912", of_counts)) if has]
    return prose(
        "For {some} from groups or counts the sampling variance was that of a cross-sectional "
        f"sample, by the delta method [{'; '.join(keys)}].",
        some=effects(int(drawn.sum())),
    )


def _own_variances(evidence: Evidence) -> Prose:
    """How many sampling variances were reported and do not rest on n."""
    ledger = evidence.coded.ledger
    rules = ledger["variance_rule"].astype(str) if len(ledger) else pd.Series(dtype=str)
    own = int(rules.str.startswith(("from the ", "vi as", "sei² as")).sum())
    if not own:
        return Prose()
    return prose(
        "For {some} the sampling variance was that of the report (its variance, standard error or "
        "confidence interval), carried over to the correlation by the delta method.",
        some=effects(own),
    )


def _correction(evidence: Evidence) -> Prose:
    """The correction for unreliability, and how many of the reliabilities were reported."""
    factor, ledger = evidence.coded.correction, evidence.coded.ledger
    if factor is None:
        return Prose()
    made = ledger["attenuation"].astype(str)
    sides = [side for side in ("alliance", "outcome") if made.str.contains(f"{side} [0-9]").any()]
    assumed = int(made.str.contains(r"\[(?:assumed|mean of)").sum())
    text = prose(
        "Correlations were corrected for the unreliability of the {sides} {measures} "
        "[@spearman1904], each divided by the root of its {reliabilities} ({factor} on average), "
        "and their sampling variances were carried over.",
        sides=listed(sides),
        measures=agreeing(len(sides), "measure"),
        reliabilities=agreeing(len(sides), "reliability", "reliabilities"),
        factor=number(factor, correlation=True),
    )
    if not assumed:
        return text
    return text + prose(
        "For {some} a reliability that was not reported was taken as stated in the settings.",
        some=effects(assumed),
    )


def _statistics(ledger: pd.DataFrame) -> pd.Series[str]:
    """The statistic of each row; that of an effect computed already by the scale it is on."""
    names, formulas = ledger["statistic"].astype(str), ledger["formula"].astype(str)
    scales = formulas.str.extract("^yi as ([a-z_]+):", expand=False)
    return scales.where(names == "yi").fillna(names)


def _conversions(evidence: Evidence) -> Prose:
    """Which statistics were converted, by whose formulas."""
    ledger = evidence.coded.ledger
    if not len(ledger):
        return Prose()
    counts = Counter(_statistics(ledger))
    total = sum(counts.values())
    direct = sum(counts[name] for name in _DIRECT)
    others = [(name, n) for name, n in counts.most_common() if name not in _DIRECT]
    others = [pair for pair in others if pair[0] != "n.s."]
    if not others:
        return prose("All effects were reported as correlations.")
    text = prose(
        "Of {total}, {direct} reported as correlations; {computed} computed from {others} "
        "({table:conversions}).",
        total=effects(total),
        computed=agreeing(total - direct, "the other one was", "the others were"),
        direct=count_text(direct, "was", "were"),
        others=listed(f"{n:,} {_name(name, n)}" for name, n in others),
    )
    keys = sorted({key for name, _ in others for key in _sources(name)})
    if keys:
        text = text + prose(f"Conversions follow {listed(f'@{key}' for key in keys)}.")
    return text + _approximate(evidence)


def _name(statistic: str, n: int = 1) -> str:
    """Return a statistic in words."""
    if statistic not in RULES:
        return _NO_VALUE
    return RULES[statistic].words[0 if n == 1 else 1]


def _sources(statistic: str) -> set[str]:
    """Return the references of a conversion that the bibliography has."""
    return set(cited(RULES[statistic].source))


def _approximate(evidence: Evidence) -> Prose:
    ledger = evidence.coded.ledger
    approximate = int(ledger["approximate"].astype(bool).sum())
    if not approximate:
        return prose("All conversions are exact.")
    return prose(
        "For {some} the conversion is approximate.",
        some=effects(approximate),
    )


def _signs(evidence: Evidence) -> Prose:
    """How often the sign was turned, and where the direction was not coded."""
    ledger = evidence.coded.ledger
    if not len(ledger):
        return Prose()
    directions = ledger["direction"].astype(str)
    turned = int(directions.str.contains("sign reversed").sum())
    blank = int(directions.str.contains("direction blank").sum())
    parts = []
    if turned:
        parts.append(
            prose(
                "The sign of {n} was reversed because lower scores are better on the measure of "
                "outcome or alliance.",
                n=effects(turned),
            )
        )
    if blank:
        parts.append(
            prose(
                "For {n} the direction of the outcome was not coded; {pronoun} taken as aligned "
                "by the coders.",
                n=effects(blank),
                pronoun=agreeing(blank, "its sign was", "their signs were"),
            )
        )
    return joined(parts)


def _policies(evidence: Evidence) -> Prose:
    """Results without a value, and rows that were set aside."""
    found = evidence.studies
    parts = []
    waiting = len(found.nonsignificant_rows)
    if waiting and found.nonsignificant in _NONSIGNIFICANT:
        parts.append(
            prose(
                f"{{n}} reported only as not significant and "
                f"{_NONSIGNIFICANT[found.nonsignificant]}.",
                n=count_text(waiting, "effect was", "effects were"),
            )
        )
    excluded = len(found.excluded)
    if excluded:
        reasons = len({reason for _, reason in found.excluded})
        parts.append(
            prose(
                "Of {read} coded effects, {n} not used, for {reasons} stated in {table:excluded}.",
                read=f"{len(found.rows):,}",
                n=count_text(excluded, "was", "were"),
                reasons=agreeing(reasons, "the reason"),
            )
        )
    return joined(parts)


def _included(evidence: Evidence) -> Prose:
    """Size of the body of evidence."""
    coded, sizes = evidence.coded, evidence.sizes()
    people = coded.n_participants
    text = prose(
        "The analysis rests on {effects} from {studies}{people}{years}.",
        effects=effects(coded.n_effects),
        studies=studies_text(coded.n_studies),
        people=f" with {count_text(people, 'participant')}" if people else "",
        years=_years(evidence),
    )
    if coded.dependent():
        several, middle = int((sizes > 1).sum()), float(sizes.median())
        text = text + prose(
            "More than one effect came from {several}; the number of effects of a study ranged "
            "from {low} to {high} (median {median}).",
            several=studies_text(several),
            median=number(middle, 0 if middle.is_integer() else 1),
            low=f"{sizes.min():,}",
            high=f"{sizes.max():,}",
        )
    return text + _sample_sizes(evidence) + _references_to_tables(evidence)


def _years(evidence: Evidence) -> str:
    frame = evidence.coded.frame
    if "year" not in frame or frame["year"].isna().all():
        return ""
    years = frame["year"].dropna().astype(int)
    if years.min() == years.max():
        return f", published in {years.min()}"
    return f", published between {years.min()} and {years.max()}"


def _sample_sizes(evidence: Evidence) -> Prose:
    frame = evidence.coded.frame
    if "n" not in frame or frame["n"].isna().any() or evidence.coded.n_studies < 2:
        return Prose()
    n = evidence.coded.participants()
    return prose(
        "The median sample size of a study was {median} (range {low} to {high}).",
        median=number(float(n.median()), 0 if float(n.median()).is_integer() else 1),
        low=f"{n.min():,.0f}",
        high=f"{n.max():,.0f}",
    )


def _references_to_tables(evidence: Evidence) -> Prose:
    if coded_columns(evidence):
        return prose(
            "{table:characteristics} describes the studies and {table:studies} lists them."
        )
    return prose("{table:studies} lists the studies.")


def conversion_table(evidence: Evidence) -> Table | None:
    """Return which statistics were converted how; None where none was."""
    ledger = evidence.coded.ledger
    if not len(ledger) or set(_statistics(ledger)) <= set(_DIRECT):
        return None
    groups = ledger.groupby(_statistics(ledger), sort=False)
    rows = [
        {
            "statistic": _name(str(name)),
            "effects": len(part),
            "approximate": int(part["approximate"].astype(bool).sum()),
            "formula": "; ".join(sorted(set(part["formula"].astype(str)))[:3]),
            "source": "; ".join(sorted(set(part["source"].astype(str)))),
        }
        for name, part in sorted(groups, key=lambda pair: -len(pair[1]))
    ]
    return Table(
        name="conversions",
        title="Statistics That Were Reported and Their Conversion to a Correlation",
        fields=(
            Field(key="statistic", title="Statistic"),
            Field(key="effects", title="Effects", kind="count"),
            Field(key="approximate", title="Approximate", kind="count"),
            Field(key="formula", title="Conversion"),
            Field(key="source", title="Source"),
        ),
        rows=tuple(rows),
        notes=("Every conversion stands with its cells in the ledger of the supplement.",),
    )


def excluded_table(evidence: Evidence) -> Table | None:
    """Return the rows that were set aside with their reasons; None if there are none."""
    if not evidence.studies.excluded:
        return None
    reasons = Counter(reason for _, reason in evidence.studies.excluded)
    labels: dict[str, set[str]] = {}
    for row, reason in evidence.studies.excluded:
        labels.setdefault(reason, set()).add(row.label)
    rows = tuple(
        {"reason": reason, "rows": n, "studies": "; ".join(sorted(labels[reason]))}
        for reason, n in reasons.most_common()
    )
    return Table(
        name="excluded",
        title="Coded Effects That Were Not Used, by Reason",
        fields=(
            Field(key="reason", title="Reason"),
            Field(key="rows", title="Effects", kind="count"),
            Field(key="studies", title="Studies"),
        ),
        rows=rows,
        notes=(f"{count_text(len(evidence.studies.rows), 'coded effect')} in all.",),
    )
