"""A small sheet of which everything about a multiverse can be asked."""

from __future__ import annotations

import numpy as np

HEAD = (
    "study,r,t,beta,n,outcome_direction,alliance_rater,design,source,alliance_reliability,"
    "outcome_reliability"
)


def sheet_text(*, silent: bool = False, seed: int = 4) -> str:
    """A sheet of 14 studies with 1 to 3 effects: r, a few t and beta."""
    random = np.random.default_rng(seed)
    lines = [HEAD]
    for study in range(14):
        n = int(random.integers(25, 160))
        design, source = random.choice(["RCT", "other"]), random.choice(["journal", "dissertation"])
        for effect in range(1 + study % 3):
            r = float(np.tanh(0.3 + 0.15 * random.standard_normal()))
            rater = ("client", "therapist", "observer")[effect]
            cells = [f"{r:.3f}", "", ""]
            if study == 3:
                cells = ["", f"{r * np.sqrt((n - 2) / (1 - r * r)):.3f}", ""]
            if study == 5:
                cells = ["", "", f"{r - 0.05:.3f}"]
            if silent and study == 8:
                cells = ["n.s.", "", ""]
            lines.append(f"Study {study},{','.join(cells)},{n},higher_better,{rater},{design},"
                         f"{source},0.9,0.8")  # fmt: skip
    return "\n".join(lines) + "\n"
