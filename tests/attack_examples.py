"""What the attacks share."""

from __future__ import annotations

import sys

COMMAND = [sys.executable, "-m", "metaalliance.cli.main"]
GOOD = "study,r,n\nA,0.3,40\nB,0.2,50\nC,0.1,60\nD,0.4,45\n"


def errors(studies):
    return [(p.code, p.cell) for p in studies.errors]


def values(studies, column="r"):
    return [row.get(column) for row in studies.rows]
