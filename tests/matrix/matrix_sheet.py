"""A simulated sheet on which every setting moves the pooled result.

The numbers are drawn from a seeded generator; no study is real. Effects lie in samples, samples in
studies, studies in teams; instruments are shared between studies; reliabilities are coded for
some rows; one row says only "n.s.", one reports a beta, one an effect with its variance, some a d
of unequal groups, and each study has its own correlation of errors. Of two effects of a sample the
second has fewer people.
"""

from __future__ import annotations

import csv
import io
import math
import random

INSTRUMENTS = ("WAI", "HAq", "CALPAS", "VTAS")
TOML = """moderators = ["team", "everyone", "shared"]
[pool]
nonsignificant = "drop"
"""


def sheet(*, estimands: bool = False) -> str:
    """Return the sheet as CSV, with rows of two estimands where they are asked for."""
    draw = random.Random(4)
    rows = []
    for s in range(14):
        mean = 0.28 + 0.14 * draw.gauss(0, 1) + 0.08 * (s // 3 - 2)
        of_sample = {mark: draw.gauss(0, 0.11) for mark in "ab"}
        for j in range(4 if s % 3 else 2):
            mark = "ab"[j // 2]
            tool = (s + j) % 4
            r = mean + of_sample[mark] + 0.07 * (tool - 1.5) + draw.gauss(0, 0.08)
            rows.append(
                {
                    "study": f"Study {s + 1:02d}",
                    "effect": j + 1,
                    "sample": mark,
                    "r": round(max(-0.3, min(0.85, r)), 2),
                    "n": (41, 56, 63, 78, 95, 120)[(s + 2 * (mark == "b")) % 6] + s - 12 * (j % 2),
                    "beta": "",
                    "d": "",
                    "n1": "",
                    "n2": "",
                    "yi": "",
                    "vi": "",
                    "team": f"team {s // 3}",
                    "alliance_measure": INSTRUMENTS[tool],
                    "outcome_measure": ("DERS", "OQ-45")[j % 2 if s % 2 else 0],
                    "modality": ("CBT", "psychodynamic")[s % 2],
                    "everyone": "all",
                    "outcome_direction": "higher_better",
                    "year": 1990 + 2 * s,
                    "shared": round(0.2 + 0.07 * (s % 8), 2),
                    "alliance_reliability": round(0.84 + 0.01 * (s % 9), 2) if j else "",
                    **(
                        {"estimand": "within_patient" if (j + s // 2) % 2 else ""}
                        if estimands
                        else {}
                    ),
                    "outcome_reliability": round(0.78 + 0.01 * (s % 7), 2) if s % 4 else "",
                }
            )
    rows[3]["r"] = "n.s."
    rows[5] |= {"beta": rows[5]["r"], "r": ""}
    rows[8] |= {"r": "", "yi": 0.6, "vi": round(1 / (int(str(rows[8]["n"])) - 3), 4)}
    for index in (12, 21, 33):
        n = int(str(rows[index]["n"]))
        n1, r = n // 9, float(str(rows[index]["r"]))
        h = (n - 2) * (1 / n1 + 1 / (n - n1))
        rows[index] |= {"r": "", "d": round(r * math.sqrt(h / (1 - r * r)), 3), "n1": n1,
                        "n2": n - n1}  # fmt: skip
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
