"""Rules about double coding: the rows of several coders are one effect, not several."""

from __future__ import annotations

import re
from collections import defaultdict

from metaalliance.problems import Problem
from metaalliance.sheet.columns.specification import COLUMNS
from metaalliance.sheet.columns.words import folded, names
from metaalliance.sheet.rows import Row, columns_of

_CODERS = names(
    "coder codername coderid codedby coded reviewer reviewername reviewerid reviewedby extractor "
    "extractedby dataextractor dataextractedby kodierer kodiererin kodiertvon codeur codepar "
    "codificador codificadopor codificatore codificatoda codeerder beoordeeldoor gecodeerddoor"
)
_CONSENSUS = re.compile(r"consens|konsens|agreed|adjudicat|final", re.IGNORECASE).search
_CODER = re.compile(
    r"(?:coder|reviewer|extractor|consensus|kodierer|codeur|codificador)[ _.]?\w{0,2}(?:_arm_\d+)?",
    re.IGNORECASE,
).fullmatch
#: What tells effects of a study apart.
_APART = tuple(
    c.name for c in COLUMNS.values()
    if c.group in {"alliance", "outcome"} or c.name in {"sample", "effect"}
)  # fmt: skip


def _names_coders(rows: list[Row], name: str) -> bool:
    """Whether a column says who coded, by its header or by every value: coder_1, reviewer B."""
    values = {str(row.get(name)) for row in rows if row.get(name) is not None}
    return bool(values) and (folded(name) in _CODERS or all(map(_CODER, values)))


def coder_problems(rows: list[Row]) -> list[Problem]:
    """Rows of several coders side by side; an error beside the consensus that they came to."""
    own = [n for n in columns_of(rows) if n not in COLUMNS]
    column = next((n for n in own if _names_coders(rows, n)), "")
    if not column:
        return []
    groups: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        if row.get(column) is not None:
            groups[row.study, *(row.get(c) for c in _APART)].append(row)
    several = [g for g in groups.values() if len({r.get(column) for r in g}) > 1]
    if 2 * len(several) <= len(groups):
        return []
    coders = list(dict.fromkeys(str(r.get(column)) for g in several for r in g))
    listed, odd = ", ".join(map(repr, coders[:5])), several[0][1]
    if any(map(_CONSENSUS, coders)):
        message = f"rows of {listed} are one effect each, not several"
        return [odd.problem("MA526", message, column)]
    message = f"rows of {listed} stand side by side: each effect is pooled once for every coder"
    return [odd.problem("MA525", message, column)]
