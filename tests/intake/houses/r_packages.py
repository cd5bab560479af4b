"""Sheets of metafor, meta, metapsyTools, dmetar, psymetadata and of R's own writers. Simulated."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from intake import truth
from intake.sheets import Row, Touch, Written, drawn, house, r_file, text_file, workbook
from intake.truth import Effect


def correlations(rows: list[Row]) -> list[Effect]:
    return [truth.from_r(row.r, row.n).of(row.study) for row in rows]


def z_and_variance(row: Row, digits: int = 4) -> tuple[float, float]:
    return round(math.atanh(row.r), digits), round(1 / (row.n - 3), digits)


@house()
def metafor_escalc_zcor(folder: Path) -> Written:
    rows = drawn(101, 12)
    head = ["study", "author", "year", "ri", "ni", "yi", "vi"]
    grid = [(r.number, r.author, r.year, r.r, r.n, *z_and_variance(r)) for r in rows]
    return r_file(folder / "dat.simulated2021.csv", head, grid), correlations(rows)


@house(Touch("yi_measure", '"z"'), asks="yi_measure")
def metafor_nested_without_n(folder: Path) -> Written:
    rows = drawn(102, 9, several=3)
    head = ["study", "esid", "id", "yi", "vi", "pubstatus", "year", "deltype"]
    grid = [
        (r.number, 1 + i % 3, r.effect, *z_and_variance(r), r.number % 2, r.year, r.outcome)
        for i, r in enumerate(rows)
    ]
    effects = [truth.from_z_and_variance(*z_and_variance(r)).of(str(r.number)) for r in rows]
    return text_file(folder / "dat.multilevel.csv", [head, *grid]), effects


@house()
def metafor_suffixed_columns(folder: Path) -> Written:
    rows = drawn(103, 10)
    head = ["Author", "Year", "Sample.size", "Mean.age", "es.z", "vi.z"]
    grid = [(r.author, r.year, r.n, r.age, *z_and_variance(r)) for r in rows]
    effects = [truth.from_z(z_and_variance(r)[0], r.n).of(r.study) for r in rows]
    return text_file(folder / "meta_data.csv", [head, *grid]), effects


def two_groups(row: Row) -> tuple[int, int, float]:
    """Sizes of two groups, and a d (two digits) between them."""
    n1 = row.n // 2 + row.number % 5
    return n1, row.n - n1, round(2 * row.r / math.sqrt(1 - row.r**2), 2)


def g_and_variance(row: Row) -> tuple[float, float, int, int]:
    n1, n2, d = two_groups(row)
    g = round(d * truth.exact_j(row.n - 2), 3)
    return g, round(1 / n1 + 1 / n2 + g * g / (2 * row.n), 4), n1, n2


@house(Touch("yi_measure", '"g"'), asks="yi_measure|scale")
def metafor_smd(folder: Path) -> Written:
    rows = drawn(104, 8)
    head = ["trial", "author", "year", "n1i", "n2i", "yi", "vi", "alloc"]
    grid = []
    effects = []
    for r in rows:
        g, vg, n1, n2 = g_and_variance(r)
        grid.append((r.number, r.author, r.year, n1, n2, g, vg, "random"))
        effects.append(truth.from_g_with_variance(g, vg, n1, n2).of(r.study))
    return r_file(folder / "dat.smd.csv", head, grid), effects


def groups_of(row: Row) -> tuple[float, float, int, float, float, int]:
    """Means, SDs and sizes of the groups of high and of low alliance, on a scale where more is
    better.
    """
    n1, n2, d = two_groups(row)
    sd1, sd2 = round(8 + row.number % 4 + 0.35, 2), round(8.9 + row.number % 3, 2)
    low = round(50 + row.number * 0.7, 1)
    return round(low + d * 9, 1), sd1, n1, low, sd2, n2


def from_groups(rows: list[Row]) -> list[Effect]:
    return [truth.from_means(*groups_of(r)).of(r.study) for r in rows]


@house()
def metafor_means(folder: Path) -> Written:
    rows = drawn(105, 9)
    head = ["author", "year", "m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i"]
    grid = [(r.author, r.year, *groups_of(r)) for r in rows]
    return r_file(folder / "dat.means.csv", head, grid), from_groups(rows)


@house()
def metafor_partial_t(folder: Path) -> Written:
    rows = drawn(106, 8)
    head = ["study", "n", "tval", "preds", "R2"]
    grid, effects = [], []
    for r in rows:
        predictors = 3 + r.number % 6
        df = r.n - predictors - 1
        t = round(r.r * math.sqrt(df / (1 - r.r**2)), 2)
        grid.append((r.study, r.n, t, predictors, round(min(0.9, r.r**2 + 0.21), 2)))
        effects.append(truth.from_t(t, df, r.n).of(r.study))
    return text_file(folder / "dat.partial.csv", [head, *grid]), effects


def counts(row: Row) -> tuple[int, int, int, int]:
    """Improved and not improved with high, then with low alliance."""
    n1 = row.n // 2
    n2 = row.n - n1
    a, c = round(n1 * (0.5 + row.r / 2)), round(n2 * (0.5 - row.r / 2))
    return a, n1 - a, c, n2 - c


def from_counts(rows: list[Row]) -> list[Effect]:
    return [truth.from_cells(*counts(r)).of(r.study) for r in rows]


@house()
def metafor_two_by_two(folder: Path) -> Written:
    rows = drawn(107, 9)
    head = ["trial", "author", "year", "ai", "bi", "ci", "di"]
    grid = [(r.number, r.author, r.year, *counts(r)) for r in rows]
    return text_file(folder / "dat.tables.csv", [head, *grid]), from_counts(rows)


@house(warns=r"\bz\b|Fisher")
def meta_te_with_n(folder: Path) -> Written:
    rows = drawn(108, 11)
    head = ["studlab", "TE", "seTE", "n", "subgroup"]
    grid, effects = [], []
    for r in rows:
        z = round(math.atanh(r.r), 4)
        grid.append((f"{r.author} {r.year}", z, round(1 / math.sqrt(r.n - 3), 5), r.n, r.modality))
        effects.append(
            truth.from_z_and_variance(z, round(1 / math.sqrt(r.n - 3), 5) ** 2).of(r.study)
        )
        effects[-1] = Effect(r.study, effects[-1].r, effects[-1].vi, n=r.n)
    return text_file(folder / "metagen_input.csv", [head, *grid]), effects


@house(Touch("yi_measure", '"log_or"'), asks="yi_measure|scale")
def meta_te_log_odds(folder: Path) -> Written:
    rows = drawn(109, 9)
    head = ["studlab", "year", "TE", "seTE", "n.e", "n.c"]
    grid, effects = [], []
    for r in rows:
        a, b, c, d = counts(r)
        te, se = (
            round(math.log(a * d / (b * c)), 4),
            round(math.sqrt(1 / a + 1 / b + 1 / c + 1 / d), 4),
        )
        grid.append((r.author, r.year, te, se, a + b, c + d))
        effects.append(truth.from_log_odds(te, se, r.n).of(r.study))
    return r_file(folder / "metabin_output.csv", head, grid), effects


@house()
def meta_events(folder: Path) -> Written:
    rows = drawn(110, 10)
    head = ["studlab", "year", "event.e", "n.e", "event.c", "n.c"]
    grid = []
    for r in rows:
        a, b, c, d = counts(r)
        grid.append((r.author, r.year, a, a + b, c, c + d))
    return text_file(folder / "metabin_input.csv", [head, *grid]), from_counts(rows)


METAPSY = [
    "study", "condition_arm1", "condition_arm2", "multi_arm1", "multi_arm2", "outcome_type",
    "instrument", "time",
    "time_weeks", "rating", "mean_arm1", "mean_arm2", "sd_arm1", "sd_arm2", "n_arm1", "n_arm2",
    "year", "country",
]  # fmt: skip


def metapsy_row(r: Row, kind: str) -> list[object]:
    return [
        r.study.replace("(", "").replace(")", ""), "high", "low", None, None, kind, "gaf", "post",
        12 + r.number,
        "clinician", None, None, None, None, None, None, r.year, r.country.lower(),
    ]  # fmt: skip


@house()
def metapsy_means(folder: Path) -> Written:
    rows = drawn(111, 10)
    grid = []
    for r in rows:
        m1, sd1, n1, m2, sd2, n2 = groups_of(r)
        line = metapsy_row(r, "msd")
        line[10:16] = [m1, m2, sd1, sd2, n1, n2]
        g = truth.d_of_means(m1, sd1, n1, m2, sd2, n2) * truth.exact_j(r.n - 2)
        se = math.sqrt(1 / n1 + 1 / n2 + g * g / (2 * r.n))
        grid.append([*line, round(g, 6), round(se, 6)])
    head = [*METAPSY, ".g", ".g_se"]
    return r_file(folder / "metapsy_data.csv", head, grid), from_groups(rows)


@house()
def metapsy_g_without_n(folder: Path) -> Written:
    rows = drawn(112, 12)
    head = ["study", "instrument", "rating", "time", ".g", ".g_se", "rob"]
    grid, effects = [], []
    for r in rows:
        g, vg, _, _ = g_and_variance(r)
        se = round(math.sqrt(vg), 4)
        grid.append((f"{r.author}, {r.year}", "whoqol", "self-report", "post", g, se, r.number % 5))
        effects.append(truth.from_d_with_variance(g, se**2).of(r.study))
    return workbook(folder / "metapsy_es.xlsx", {"data": [head, *grid]}), effects


@house()
def metapsy_events(folder: Path) -> Written:
    rows = drawn(113, 8)
    head = [
        "study", "condition_arm1", "condition_arm2", "outcome_type", "event_arm1", "event_arm2",
        "totaln_arm1",
        "totaln_arm2", "time_weeks",
    ]  # fmt: skip
    grid = []
    for r in rows:
        a, b, c, d = counts(r)
        grid.append((f"{r.author}, {r.year}", "high", "low", "response", a, c, a + b, c + d, 12))
    return text_file(folder / "metapsy_response.csv", [head, *grid]), from_counts(rows)


@house(Touch("yi_measure", '"g"'), asks="yi_measure|scale")
def dmetar_te(folder: Path) -> Written:
    rows = drawn(114, 10)
    head = ["Author", "TE", "seTE", "RiskOfBias", "TypeControlGroup", "InterventionDuration"]
    grid, effects = [], []
    for r in rows:
        g, vg, _, _ = g_and_variance(r)
        se = round(math.sqrt(vg), 5)
        grid.append((f"{r.author} et al.", g, se, ("high", "low")[r.number % 2], "WLC", "short"))
        effects.append(truth.from_d_with_variance(g, se**2).of(r.author))
    return r_file(folder / "ThirdGeneration.csv", head, grid), effects


@house()
def dmetar_correlations(folder: Path) -> Written:
    rows = drawn(115, 14)
    head = ["author", "cor", "n", "population", "country"]
    grid = [(f"{r.author} et al. ({r.year})", r.r, r.n, "general", r.country) for r in rows]
    return workbook(folder / "Wellbeing.xlsx", {"Sheet1": [head, *grid]}), correlations(rows)


@house()
def psymetadata_nested(folder: Path) -> Written:
    rows = drawn(116, 8, several=3)
    head = [
        "es_id",
        "study_id",
        "author",
        "pub_year",
        "r",
        "n",
        "vi",
        "yi",
        "pub_status",
        "mean_age",
    ]
    grid = []
    for r in rows:
        z, vi = z_and_variance(r, 7)
        grid.append((r.effect, r.number, r.author, r.year, r.r, r.n, vi, z, "published", r.age))
    return r_file(folder / "simulated2019.csv", head, grid), correlations(rows)


@house()
def several_papers_of_one_author(folder: Path) -> Written:
    rows = drawn(117, 9)
    random = np.random.default_rng(117)
    years = [*map(int, random.choice(np.arange(1995, 2022), 9, replace=False))]
    authors = [
        "Cardew",
        "Cardew",
        "Cardew",
        "Eckhoff",
        "Eckhoff",
        "Ilves",
        "Thorne",
        "Oduya",
        "Ilves",
    ]
    head = ["author", "year", "ni", "ri"]
    grid = [(a, y, r.n, r.r) for a, y, r in zip(authors, years, rows, strict=True)]
    effects = [
        truth.from_r(r.r, r.n).of(f"{a} {y}") for a, y, r in zip(authors, years, rows, strict=True)
    ]
    return text_file(folder / "dat.authors.csv", [head, *grid]), effects


@house()
def r_write_csv2(folder: Path) -> Written:
    rows = drawn(118, 10, several=2)
    head = ["study_id", "author", "year", "r", "n", "diagnosis", "dose"]
    grid = [
        (
            r.number,
            f"{r.author} et al.",
            r.year,
            r.r,
            r.n,
            "depression",
            None if r.number % 3 else 12,
        )
        for r in rows
    ]
    return r_file(folder / "export.csv", head, grid, second=True), correlations(rows)


@house()
def metafor_slab(folder: Path) -> Written:
    rows = drawn(119, 11)
    head = ["slab", "ri", "ni", "measure_used", "quality"]
    grid = [(f"{r.author}, {r.year}", r.r, r.n, r.outcome, 3 + r.number % 4) for r in rows]
    return r_file(folder / "dat_slab.csv", head, grid), correlations(rows)


@house()
def dmetar_treatment_and_control(folder: Path) -> Written:
    rows = drawn(120, 9)
    head = ["Author", "Year", "tMean", "tSD", "tN", "cMean", "cSD", "cN"]
    grid = [(r.author, r.year, *groups_of(r)) for r in rows]
    return workbook(folder / "esc_input.xlsx", {"Sheet1": [head, *grid]}), from_groups(rows)
