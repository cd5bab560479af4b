"""Labels of studies: one for each study, and none for two."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from metaalliance.problems import Problem
from metaalliance.sheet.rows import Row
from metaalliance.sheet.texts import Coded


def with_labels(rows: Sequence[Row]) -> list[Problem]:
    """Give every row the first label of its study, told apart where two studies share it.

    Returns
    -------
    list of Problem
        Notes on labels that were told apart by the study.
    """
    labels: dict[str, Coded] = {}
    problems = []
    for row in rows:
        if row.study and row.get("label") is not None:
            first = labels.setdefault(row.study, row.cells["label"])
            if first.value != row.get("label"):
                message = (
                    f"the label differs from {first.value!r} in {first.cell}, which is printed"
                )
                problems.append(row.problem("MA506", message, "label"))
    if not labels:
        return problems
    shared: dict[str, list[str]] = defaultdict(list)
    for study in dict.fromkeys(row.study for row in rows if row.study):
        shared[labels[study].value if study in labels else study].append(study)
    for row in rows:
        coded = labels.get(row.study)
        if coded is None:
            continue
        alike = shared[coded.value]
        text = f"{coded.value} [{row.study}]" if len(alike) > 1 else coded.value
        row.cells["label"] = replace(coded, value=text)
        if len(alike) > 1 and row.study == alike[0]:
            message = f"{coded.value!r} is the label of {len(alike)} studies; printed as {text!r}"
            problems.append(row.problem("MA336", message, "label"))
            alike[0] = ""  # said once
    return problems
