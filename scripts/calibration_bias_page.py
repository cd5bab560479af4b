"""The tables of methods under selective reporting, from the cells of `calibration_selection.py`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from calibration_cells import BOOTSTRAP, STUDIES
from calibration_selection import (
    BOOTSTRAPS,
    INTERVALS,
    PENALISED,
    PET_PEESE,
    UNADJUSTED,
    Selected,
    cell_row,
    reviews,
)

STEP, BETA = "step .025", "beta"
#: Draws below which a cell is not printed: of methods, and of a bootstrap.
LEAST, LEAST_BOOTSTRAP = 1000, 200
Content = Callable[[object, int], dict]


@dataclass(frozen=True)
class Condition:
    """A kind of review with a number of studies, and the counts of its cells by quantity."""

    review: Selected
    studies: int
    methods: dict
    bootstrap: dict
    beta: dict
    kinds: dict

    @property
    def name(self) -> str:
        """What is selected, and the mean, as cells of a table."""
        by = f", {self.review.by}" if self.review.by else ""
        return f"{self.review.strength}{by} | {self.review.mean:g} | {self.studies}"

    @property
    def text(self) -> str:
        """The same in words."""
        return f"{self.review.text}, {self.studies} studies"


def _counts(content: dict, least: int) -> dict:
    """The counts of a cell by quantity; none where it has too few draws."""
    found = content["counts"]
    draws = [n["hits"] + n["misses"] + n["failed"] for n in found.values() if "hits" in n]
    return found if draws and max(draws) >= least else {}


def conditions(content: Content) -> Iterator[Condition]:
    """Yield every condition, with what there is of it."""
    for review in reviews():
        for studies in STUDIES[1:]:
            parts = {
                what: _counts(content(cell_row(f"bias-{what}", review), studies), least)
                for what, least in (
                    ("methods", LEAST),
                    ("bootstrap", LEAST_BOOTSTRAP),
                    ("beta", LEAST_BOOTSTRAP),
                    ("kinds", LEAST_BOOTSTRAP),
                )
            }
            yield Condition(review, studies, **parts)


def _error(counts: dict, name: str) -> str:
    """Bias and root mean squared error."""
    n = counts.get(f"{name}: error")
    if not n:
        return "–"
    return f"{n['sum'] / n['n']:.3f} / {math.sqrt(n['squares'] / n['n']):.3f}"


def _share(counts: dict, quantity: str) -> str:
    n = counts.get(quantity)
    done = n["hits"] + n["misses"] if n else 0
    return f"{n['hits'] / done:.3f}" if done else "–"


def _table(first: str, columns: tuple[str, ...], lines: list[list[str]]) -> list[str]:
    head = [f"| {first} | {' | '.join(columns)} |", "|---|---:|---:|" + "---:|" * len(columns)]
    return head + [f"| {' | '.join(line)} |" for line in lines]


SELECTION = "selection | mean z | studies"
METHODS = (UNADJUSTED, PET_PEESE, STEP, BETA)


def bias_page(content: Content) -> list[str]:
    """Return the section of the page."""
    every = list(conditions(content))
    done = [c for c in every if c.methods]
    if not done:
        return []
    lines = ["", "## Under selective reporting", "", _introduction(done)]
    lines += ["", "### Bias and root mean squared error of the mean", ""]
    lines += _table(SELECTION, METHODS,
                    [[c.name, *(_error(c.methods, m) for m in METHODS)] for c in done])  # fmt: skip
    drawn = any(c.bootstrap for c in done)
    ways = (*METHODS, *((f"{STEP}, bootstrap",) if drawn else ()))
    for title, what in (
        ("Coverage of 95% intervals of the mean", "covers"),
        ("Means that are told from zero at .05 (where the mean is zero: the size)", "rejects"),
    ):
        lines += ["", f"### {title}", ""]
        lines += _table(SELECTION, ways, [_shares(c, what)[: 1 + len(ways)] for c in done])
    tests = tuple(f"test of no selection, {m}" for m in (STEP, BETA))
    lines += ["", "### Selection that is found at .05 (without selection: the size)", ""]
    lines += _table(
        SELECTION,
        tests,
        [
            [c.name, *(_share(c.methods, f"{m}: finds selection") for m in (STEP, BETA))]
            for c in done
        ],
    )
    lines += [*_penalties(done), *_resampled_beta(every), *_kinds(every), *_lost(done)]
    missing = [c.text for c in every if not c.methods]
    if missing:
        lines += ["", f"Without {LEAST:,} draws yet, and left out: {'; '.join(missing)}."]
    return lines


def _shares(c: Condition, what: str) -> list[str]:
    own = [_share(c.methods, f"{m}: {what}") for m in METHODS]
    drawn = _share(c.bootstrap, f"{STEP}, bootstrap: {what}")
    return [c.name, *own, drawn]


def _introduction(done: list[Condition]) -> str:
    n = min(c.methods[f"{UNADJUSTED}: error"]["n"] for c in done)
    return INTRODUCTION.format(
        n=n, error=math.sqrt(0.0475 / n), bootstrap=BOOTSTRAP, least=LEAST_BOOTSTRAP
    )


INTRODUCTION = """Reviews as above, of which a part is not seen. Selection of effects: each effect
whose one-sided p is above .025 is seen with a chance of .5 (mild) or .1 (strong). Selection of
studies: the same for whole studies, by their first effect, the main result. A cell has at least
{n:,} draws: the Monte-Carlo error of a coverage of .95 is {error:.3f}. Errors of selection models
are cluster-robust unless "bootstrap" is said: two-stage samples with percentile limits, here
{bootstrap} samples in at least {least} draws. Models have no penalty unless it is said."""


def _penalties(done: list[Condition]) -> list[str]:
    """Step and beta with and without a penalty."""
    some = [c for c in done if c.review.mean == 0 and (c.review.strength, c.review.by) in PENALISED]
    names = [f"{m}{p}" for m in (STEP, BETA) for p in ("", ", penalised")]
    errors = [[c.name, *(_error(c.methods, m) for m in names)] for c in some]
    covers = [
        [c.name, *(f"{_share(c.methods, f'{m}: covers')} ({_failed(c.methods, m)})" for m in names)]
        for c in some
    ]
    return [
        "", "### With and without the weak penalty: bias and root mean squared error", "",
        *_table(SELECTION, tuple(names), errors),
        "", "### The same: coverage (draws without an answer)", "",
        *_table(SELECTION, tuple(names), covers),
    ]  # fmt: skip


def _failed(counts: dict, name: str) -> int:
    return counts.get(f"{name}: covers", {}).get("failed", 0)


def _resampled_beta(every: list[Condition]) -> list[str]:
    names = [f"beta{p}, bootstrap" for p in ("", ", penalised")]
    rows = [
        [c.name, *(f"{_share(c.beta, f'{m}: covers')} ({_failed(c.beta, m)})" for m in names)]
        for c in every
        if c.beta
    ]
    if not rows:
        return []
    title = "### The beta model by the bootstrap: coverage (draws without an answer)"
    return ["", title, "", *_table(SELECTION, tuple(names), rows)]


def _kinds(every: list[Condition]) -> list[str]:
    """Kinds of bootstrap and of limits."""
    rows = []
    for c in every:
        for bootstrap in BOOTSTRAPS if c.kinds else ():
            shares = [_share(c.kinds, f"{bootstrap}, {i}: covers") for i in INTERVALS]
            rows.append([f"{c.name} | {bootstrap}", *shares])
    if not rows:
        return []
    n = min(v["hits"] + v["misses"] for c in every for v in c.kinds.values())
    head = [
        f"| {SELECTION} | bootstrap | {' | '.join(INTERVALS)} |",
        "|---|---:|---:|---|" + "---:|" * len(INTERVALS),
    ]
    return ["", f"### Kinds of bootstrap and limits, step .025: coverage ({n:,} draws or more)", "",
            *head, *(f"| {' | '.join(row)} |" for row in rows)]  # fmt: skip


def _lost(done: list[Condition]) -> list[str]:
    found = [
        f"{m}, {c.text}: {_failed(c.methods, m):,}"
        for c in done
        for m in METHODS
        if _failed(c.methods, m)
    ]
    if not found:
        return []
    return ["", f"Draws without an answer, which count neither way: {'; '.join(found)}."]
