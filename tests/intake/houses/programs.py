"""Exports of REDCap, Covidence, RevMan, SPSS, Stata, CMA, JASP and Google's forms. Simulated."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import pandas as pd
from intake import truth
from intake.houses.r_packages import correlations, from_counts, from_groups, groups_of
from intake.sheets import Touch, Written, drawn, house, text_file, workbook


@house()
def redcap_one_row_per_record(folder: Path) -> Written:
    rows = drawn(201, 11)
    head = [
        "record_id", "redcap_event_name", "first_author", "pub_year", "sample_size", "pearson_r",
        "population___1",
        "population___2", "population___99", "mean_age", "coder_notes", "extraction_complete",
    ]  # fmt: skip
    grid = [
        (
            r.number, "extraction_arm_1", r.author, r.year, r.n, r.r, r.number % 2,
            1 - r.number % 2, 0, r.age,
            "" if r.number % 4 else "checked, see table 3", 2,
        )
        for r in rows
    ]  # fmt: skip
    return text_file(folder / "AllianceMA_DATA_2024-03-11_1142.csv", [head, *grid]), correlations(
        rows
    )


@house()
def redcap_repeated_effects(folder: Path) -> Written:
    rows = drawn(202, 7, several=3)
    head = [
        "record_id", "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance",
        "es_r", "es_n",
        "alliance_rater", "outcome_measure", "outcome_type___symptom", "outcome_type___function",
        "effect_size_complete",
    ]  # fmt: skip
    grid, seen = [], dict.fromkeys((r.number for r in rows), 0)
    for r in rows:
        seen[r.number] += 1
        grid.append(
            (
                f"ALL-{r.number:03}", "coding_arm_1", "effect_size", seen[r.number], r.r, r.n,
                r.rater, r.outcome, 0, 1, 2,
            )
        )  # fmt: skip
    return text_file(folder / "AllianceMA_DATA.csv", [head, *grid]), correlations(rows)


@house(flow="import")
def covidence_two_reviewers(folder: Path) -> Written:
    rows = drawn(203, 8)
    head = [
        "Covidence #", "Study ID", "Title", "Reviewer Name",
        "Country in which the study conducted", "Sample size (N)",
        "Correlation (r)", "Alliance measure", "Notes",
    ]  # fmt: skip
    grid = []
    for r in rows:
        for reviewer, shift in (
            ("Reviewer A", 0.0),
            ("Reviewer B", 0.02 * (r.number % 2)),
            ("Consensus", 0.0),
        ):
            grid.append(
                (
                    100 + r.number, f"{r.author} {r.year}", f"Alliance in sample {r.number}",
                    reviewer, r.country, r.n,
                    round(r.r + shift, 2), "WAI-S", "",
                )
            )  # fmt: skip
    return text_file(
        folder / "review_123456_20240401.csv", [head, *grid], encoding="utf-8-sig"
    ), correlations(rows)


REVMAN = (
    "Analysis group", "Analysis number", "Analysis name", "Subgroup", "Applicability", "Study",
    "Study year", "GIV Mean",
    "GIV SE", "Experimental mean", "Experimental SD", "Experimental cases", "Experimental N",
    "Control mean", "Control SD",
    "Control cases", "Control N", "O-E", "Variance", "Weight", "Mean", "CI start", "CI end",
    "Footnotes",
)  # fmt: skip


def revman_row(study: str, year: int, **cells: object) -> list[object]:
    found: dict[str, object] = dict.fromkeys(REVMAN)
    found.update(
        {"Analysis group": 1, "Analysis number": 1, "Analysis name": "Outcome by alliance"}
    )
    found.update({"Study": study, "Study year": year, "Weight": 10.0}, **cells)
    return list(found.values())


@house(flow="import")
def revman_means(folder: Path) -> Written:
    rows = drawn(204, 8)
    grid = []
    for r in rows:
        m1, sd1, n1, m2, sd2, n2 = groups_of(r)
        cells = {
            "Experimental mean": m1, "Experimental SD": sd1, "Experimental N": n1,
            "Control mean": m2,
            "Control SD": sd2, "Control N": n2,
        }  # fmt: skip
        grid.append(revman_row(f"{r.author} {r.year}", r.year, **cells))
    return text_file(folder / "CD000000-analysis-data-rows.csv", [REVMAN, *grid]), from_groups(rows)


@house(flow="import")
def revman_events(folder: Path) -> Written:
    from intake.houses.r_packages import counts

    rows = drawn(205, 7)
    grid = []
    for r in rows:
        a, b, c, d = counts(r)
        cells = {
            "Experimental cases": a, "Experimental N": a + b, "Control cases": c,
            "Control N": c + d,
        }  # fmt: skip
        grid.append(revman_row(f"{r.author} {r.year}", r.year, **cells))
    return text_file(folder / "CD000001-analysis-data-rows.csv", [REVMAN, *grid]), from_counts(rows)


@house()
def spss_short_names(folder: Path) -> Written:
    rows = drawn(206, 13)
    head = ["STUDID", "AUTHOR", "PUBYEAR", "NTOT", "RXY", "PUBTYPE", "ALLRAT", "FEMPCT", "DXGRP"]
    grid = [
        (
            r.number,
            r.author.upper(),
            r.year,
            r.n,
            r.r,
            1 + r.number % 2,
            1 + r.number % 3,
            r.female,
            r.number % 4,
        )
        for r in rows
    ]
    return text_file(folder / "META.csv", [head, *grid]), correlations(rows)


@house()
def spss_file(folder: Path) -> Written:
    import pyreadstat

    rows = drawn(207, 10, several=2)
    frame = pd.DataFrame(
        {
            "STUDY": [r.study for r in rows],
            "YEAR": [float(r.year) for r in rows],
            "N": [float(r.n) for r in rows],
            "R": [r.r for r in rows],
            "ALLIANCE_RATER": [float(1 + RATER_CODES.index(r.rater)) for r in rows],
            "SESSIONS": [999.0 if r.number % 3 == 0 else 8.0 + r.number for r in rows],
        }
    )
    path = folder / "alliance.sav"
    pyreadstat.write_sav(
        frame,
        path,
        column_labels=[
            "Study",
            "Year",
            "Sample size",
            "Correlation",
            "Who rated",
            "Number of sessions",
        ],
        variable_value_labels={"ALLIANCE_RATER": {1: "client", 2: "therapist", 3: "observer"}},
        missing_ranges={"SESSIONS": [999]},
    )
    return path, correlations(rows)


RATER_CODES = ("client", "therapist", "observer")


@house()
def stata_file(folder: Path) -> Written:
    import pyreadstat

    rows = drawn(208, 9, several=2)
    frame = pd.DataFrame(
        {
            "study": [r.study for r in rows],
            "year": [r.year for r in rows],
            "n": [r.n for r in rows],
            "r": pd.Series([r.r for r in rows], dtype="float32"),
            "rater": [1 + RATER_CODES.index(r.rater) for r in rows],
        }
    )
    path = folder / "alliance.dta"
    labels = {"rater": {1: "client", 2: "therapist", 3: "observer"}}
    pyreadstat.write_dta(frame, path, variable_value_labels=labels)
    return path, correlations(rows)


@house(flow="import")
def cma_data_with_computed_columns(folder: Path) -> Written:
    rows = drawn(209, 9)
    head = [
        "Study name", "Outcome", "Correlation", "Sample size", "Effect direction", "Correlation",
        "Std Err", "Variance",
        "Fisher's Z", "Std Err", "Variance",
    ]  # fmt: skip
    grid = []
    for r in rows:
        vz = 1 / (r.n - 3)
        vr = (1 - r.r**2) ** 2 * vz
        grid.append(
            (
                f"{r.author} {r.year}", r.outcome, r.r, r.n, "Auto", r.r, round(math.sqrt(vr), 3),
                round(vr, 3),
                round(math.atanh(r.r), 3), round(math.sqrt(vz), 3), round(vz, 3),
            )
        )  # fmt: skip
    return workbook(folder / "CMA export.xlsx", {"Data": [head, *grid]}), correlations(rows)


@house()
def cma_statistics_for_each_study(folder: Path) -> Written:
    rows = drawn(210, 9, digits=3)
    top = ["", "Statistics for each study", "", "", "", ""]
    head = ["Study name", "Correlation", "Lower limit", "Upper limit", "Z-Value", "p-Value"]
    grid, effects = [], []
    for r in rows:
        z, se = math.atanh(r.r), 1 / math.sqrt(r.n - 3)
        low, high = (round(math.tanh(z + s * truth.NORMAL * se), 3) for s in (-1, 1))
        p = math.erfc(abs(z / se) / math.sqrt(2))
        grid.append((f"{r.author}, {r.year}", r.r, low, high, round(z / se, 3), round(p, 3)))
        effects.append(truth.from_r_and_limits(r.r, low, high).of(r.study))
    return workbook(folder / "CMA results.xlsx", {"Sheet1": [top, head, *grid]}), effects


@house(
    Touch("yi", '"Effect size"', "columns"),
    Touch("sei", '"Standard error"', "columns"),
    Touch("yi_measure", '"z"'),
    asks="yi_measure|statistic|scale",
)
def jasp_effect_and_standard_error(folder: Path) -> Written:
    rows = drawn(211, 12)
    head = ["Study", "Effect size", "Standard error"]
    grid, effects = [], []
    for r in rows:
        z, se = round(math.atanh(r.r), 4), round(1 / math.sqrt(r.n - 3), 4)
        grid.append((f"{r.author} ({r.year})", z, se))
        effects.append(truth.from_z_and_variance(z, se**2).of(r.study))
    return text_file(folder / "jasp.csv", [head, *grid]), effects


@house()
def jasp_correlations(folder: Path) -> Written:
    rows = drawn(212, 12)
    head = ["Study", "Correlation", "Sample size", "Fisher's z", "SE Fisher's z"]
    grid = [
        (r.study, r.r, r.n, round(math.atanh(r.r), 6), round(1 / math.sqrt(r.n - 3), 6))
        for r in rows
    ]
    return text_file(folder / "jasp_r.csv", [head, *grid]), correlations(rows)


@house()
def google_form_responses(folder: Path) -> Written:
    rows = drawn(213, 10)
    head = [
        "Timestamp", "Email Address", "Author(s)", "Year of publication", "Sample size (N)",
        "Correlation (r)",
        "Is the full text available?", "Anything else to note?",
    ]  # fmt: skip
    start = dt.datetime(2024, 2, 3, 9, 15, 31)
    grid = [
        (
            start + dt.timedelta(hours=7 * r.number), "coder@example.org",
            f"{r.author}, A., & Other, B.", r.year, r.n, r.r, r.number % 2 == 0, None,
        )
        for r in rows
    ]  # fmt: skip
    return workbook(
        folder / "Coding form (Responses).xlsx", {"Form Responses 1": [head, *grid]}
    ), correlations(rows)
