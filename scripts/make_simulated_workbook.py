"""Write the SIMULATED example workbook, its truth file, and its twin with faults.

The settings (shares, instruments, invented surnames, true values, seed) stand in
``data/simulated_alliance_studies.design.json``. Run from anywhere:
``python scripts/make_simulated_workbook.py``. The same versions of numpy, openpyxl and
zlib write the same bytes every time.
"""

from __future__ import annotations

import io
import json
import math
import re
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from openpyxl import Workbook
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet
from scipy import stats

Row = dict[str, Any]
Rng = np.random.Generator

DATA = Path(__file__).resolve().parents[1] / "data"
STAMP = datetime(2026, 1, 1)
HEADER_ROW = 3
TITLE = "SIMULATED data: invented alliance-outcome studies, not real studies"
DESIGN: Row = json.loads(
    (DATA / "simulated_alliance_studies.design.json").read_text(encoding="utf-8")
)
COLUMNS: list[str] = DESIGN["columns"]
TWIN_COLUMNS: list[str] = DESIGN["twin_columns"]


# Drawing the studies ------------------------------------------------------------------


def pick(rng: Rng, shares: dict[str, float]) -> str:
    """Return one key, drawn with the shares as weights."""
    weights = np.array(list(shares.values()))
    return list(shares)[int(rng.choice(len(weights), p=weights / weights.sum()))]


def by_modality(table: dict[str, dict[str, float]], modality: str) -> dict[str, float]:
    """Return the shares of this modality, or the default ones."""
    return table.get(modality, table["default"])


def draw_n(rng: Rng, size: dict[str, float]) -> int:
    """Return a lognormal sample size between the limits of the design."""
    while True:
        n = round(float(rng.lognormal(math.log(size["median"]), size["sd_log"])))
        if size["min"] <= n <= size["max"]:
            return n


def draw_authors(rng: Rng, design: Row, year: int) -> str:
    """Return an invented label such as ``Björnholt & Ferrán (1999)``."""
    count = int(pick(rng, design["number_of_authors"]))
    first, second = rng.choice(design["invented_surnames"], 2, replace=False)
    names = {1: first, 2: f"{first} & {second}", 3: f"{first} et al."}[count]
    return f"{names} ({year})"


def draw_study(rng: Rng, design: Row, modality: Row, n_effects: int) -> Row:
    """Return the study-level columns, with the sizes of its samples under ``_samples``."""
    last = design["last_year"]
    year = round(modality["since"] + (last - modality["since"]) * float(rng.beta(1.9, 1.2)))
    n = draw_n(rng, design["sample_size"])
    name = modality["name"]
    online = year >= design["delivery_other_than_face_to_face_since"]
    return {
        "study": draw_authors(rng, design, year),
        "year": year,
        "source": pick(rng, design["sources"]),
        "modality": name,
        "delivery": pick(rng, design["deliveries"]) if online else "face-to-face",
        "format": pick(rng, by_modality(design["formats"], name)),
        "design": pick(rng, design["designs"]),
        "diagnosis": pick(rng, by_modality(design["diagnoses"], name)),
        "population": "adult",
        "setting": pick(rng, design["settings"]),
        "country": pick(rng, design["countries"]),
        "n_therapists": known(rng, max(1, round(n / float(rng.uniform(2.5, 12)))), 0.75),
        "percent_female": known(rng, round(float(np.clip(rng.normal(64, 14), 5, 98)), 1), 0.85),
        "percent_minority": known(rng, round(float(rng.beta(1.5, 5) * 100), 1), 0.45),
        "mean_age": known(rng, round(float(np.clip(rng.normal(36, 6.5), 19, 68)), 1), 0.85),
        "risk_of_bias": pick(rng, design["risk_of_bias"]),
        "estimand": "total",
        "_n": n,
        "_n_effects": n_effects,
    }


def known(rng: Rng, value: Any, share: float) -> Any:
    """Return the value, or None for a study that does not report it."""
    return value if rng.random() < share else None


def draw_studies(rng: Rng, design: Row) -> list[Row]:
    """Return all studies, in the order of their labels, labels made unique by a, b, ..."""
    modalities = [m for m in design["modalities"] for _ in range(m["studies"])]
    sizes = [int(k) for k, v in design["studies_by_number_of_effects"].items() for _ in range(v)]
    studies = [
        draw_study(rng, design, modality, int(n_effects))
        for modality, n_effects in zip(modalities, rng.permutation(sizes), strict=True)
    ]
    totals = Counter(s["study"] for s in studies)
    seen: Counter[str] = Counter()
    for study in studies:
        label = study["study"]
        if totals[label] > 1:
            study["study"] = f"{label[:-1]}{'abcdef'[seen[label]]})"
            seen[label] += 1
    separate_lookalikes(studies)
    add_samples(rng, design, studies)
    return sorted(studies, key=lambda s: unicodedata.normalize("NFD", s["study"]).casefold())


def separate_lookalikes(studies: list[Row]) -> None:
    """Let no two studies share first author, country and n, as overlapping samples would."""
    seen: set[tuple[str, str, int]] = set()
    for study in studies:
        first = study["study"].split()[0]
        while (first, study["country"], study["_n"]) in seen:
            study["_n"] += 1
        seen.add((first, study["country"], study["_n"]))


def add_samples(rng: Rng, design: Row, studies: list[Row]) -> None:
    """Split some studies into two independent samples; a few are arms of two treatments."""
    size = design["sample_size"]
    arms = design["two_arm_studies"]
    for study in studies:
        study["_samples"] = [{"sample": None, "n": study["_n"], "modality": study["modality"]}]
        if study["_n_effects"] < 2 or study["_n"] < 4 * size["min"]:
            continue
        if arms and study["modality"] == "CBT" and study["_n_effects"] >= 4:
            arms -= 1
            second = design["two_arm_second_modality"][arms % 3]
            names, modalities = ("CBT arm", f"{second} arm"), ("CBT", second)
        elif rng.random() < design["two_sample_share"]:
            names, modalities = ("site A", "site B"), (study["modality"],) * 2
        else:
            continue
        first = round(study["_n"] * float(rng.uniform(0.4, 0.6)))
        study["_samples"] = [
            {"sample": name, "n": n, "modality": modality}
            for name, modality, n in zip(
                names, modalities, (first, study["_n"] - first), strict=True
            )
        ]


def add_culture_and_therapists(rng: Rng, design: Row, studies: list[Row]) -> None:
    """Say whether languages match and how experienced therapists are; schools treat youth."""
    ages, years = design["age_in_schools"], design["therapist_experience"]
    for study in studies:
        study["language_match"] = known(rng, pick(rng, design["language_matches"]), 0.35)
        drawn = np.clip(rng.normal(years["mean"], years["sd"]), years["min"], years["max"])
        study["therapist_experience"] = known(rng, round(float(drawn), 1), 0.45)
        age = round(float(rng.uniform(ages["min"], ages["max"])), 1)
        if study["setting"] == "school":
            study["population"] = "youth"
            study["mean_age"] = None if study["mean_age"] is None else age


# Drawing the effects ------------------------------------------------------------------


def available(measures: list[Row], study: Row) -> list[Row]:
    """Return the instruments in use in the study's year and for its diagnosis."""
    return [
        m
        for m in measures
        if m["since"] <= study["year"] <= m["until"]
        and study["diagnosis"] in m.get("diagnoses", [study["diagnosis"]])
    ]


def draw_some(rng: Rng, measures: list[Row], count: int) -> list[Row]:
    """Return up to `count` different instruments, drawn by their weights."""
    weights = np.array([m["weight"] for m in measures], dtype=float)
    count = min(count, len(measures))
    chosen = rng.choice(len(measures), count, replace=False, p=weights / weights.sum())
    return [measures[int(i)] for i in chosen]


def draw_effects(rng: Rng, design: Row, study: Row) -> list[Row]:
    """Return the effects of one study: no two alike in sample, instruments, rater and times."""
    k = study["_n_effects"]
    alliances = draw_some(rng, available(design["alliance_measures"], study), 1 + (k > 3))
    outcomes = draw_some(rng, available(design["outcome_measures"], study), 1 + (k + 1) // 2)
    effects: dict[tuple[Any, ...], Row] = {}
    while len(effects) < k:
        sample = study["_samples"][len(effects) % len(study["_samples"])]
        alliance = alliances[int(rng.integers(len(alliances)))]
        outcome = outcomes[int(rng.integers(len(outcomes)))]
        row = {
            **study,
            **sample,
            "alliance_measure": alliance["name"],
            "alliance_direction": alliance.get("direction"),
            "alliance_subscale": draw_subscale(rng, alliance),
            "alliance_rater": str(rng.choice(alliance["raters"])),
            "alliance_time": pick(rng, design["alliance_times"]),
            "alliance_reliability": known(rng, round(float(rng.uniform(0.8, 0.95)), 2), 0.4),
            "outcome_measure": outcome["name"],
            "outcome_domain": outcome["domain"],
            "outcome_rater": outcome["rater"],
            "outcome_time": "dropout" if outcome["name"] == "dropout" else draw_time(rng, design),
            "outcome_reliability": known(rng, round(float(rng.uniform(0.75, 0.94)), 2), 0.3),
            "outcome_direction": outcome["direction"],
            "_binary": outcome.get("binary", False),
        }
        effects.setdefault(effect_key(row), row)
    return sorted(effects.values(), key=lambda e: e["sample"] or "")


def draw_subscale(rng: Rng, alliance: Row) -> str:
    """Return ``total``, or sometimes a subscale of an instrument that has some."""
    if alliance["subscales"] and rng.random() < 0.18:
        return str(rng.choice(alliance["subscales"]))
    return "total"


def draw_time(rng: Rng, design: Row) -> str:
    """Return when the outcome was measured."""
    return pick(rng, design["outcome_times"])


def effect_key(row: Row) -> tuple[Any, ...]:
    """Return what makes an effect different from the others of its study."""
    return tuple(
        row[c]
        for c in (
            "sample",
            "alliance_measure",
            "alliance_subscale",
            "alliance_rater",
            "alliance_time",
            "outcome_measure",
            "outcome_time",
        )
    )


# True and observed correlations -------------------------------------------------------


def offsets(design: Row, row: Row) -> tuple[float, float]:
    """Return the offsets in z of the treatment, and of rater and time."""
    truth = design["truth"]
    treatment = {m["name"]: m["offset_z"] for m in design["modalities"]}[row["modality"]]
    rater = truth["alliance_rater_offset_z"][row["alliance_rater"]]
    return treatment, rater + truth["alliance_time_offset_z"][row["alliance_time"]]


def mean_by_study(values: list[list[float]]) -> float:
    """Return the mean over studies of the mean over their effects."""
    return float(np.mean([np.mean(v) for v in values]))


def observe(rng: Rng, design: Row, studies: list[list[Row]]) -> Row:
    """Put the observed r (sign aligned) into each effect as ``_r``; return the true means."""
    truth = design["truth"]
    parts = [[offsets(design, row) for row in rows] for rows in studies]
    other = mean_by_study([[b for _, b in p] for p in parts])
    intercept = math.atanh(truth["mean_r"]) - mean_by_study([[a + b for a, b in p] for p in parts])
    rho = truth["sampling_correlation_within_sample"]
    for rows, part in zip(studies, parts, strict=True):
        between = rng.normal(0, truth["tau_between_studies"])
        shared = {row["sample"]: rng.normal() for row in rows}
        for row, (treatment, rest) in zip(rows, part, strict=True):
            true_z = intercept + treatment + rest + between
            true_z += rng.normal(0, truth["tau_within_studies"])
            error = math.sqrt(rho) * shared[row["sample"]] + math.sqrt(1 - rho) * rng.normal()
            row["_r"] = math.tanh(true_z + error / math.sqrt(row["n"] - 3))
    return {"intercept_z": intercept, "mean_rater_and_time_offset_z": other}


# How the paper prints a correlation ---------------------------------------------------


def sign_of(r: float) -> str:
    """Return the sign as a coder writes it."""
    return "-" if r < 0 else "+"


def t_of(r: float, df: float) -> float:
    """Return the t statistic of a correlation."""
    return r * math.sqrt(df / (1 - r * r))


def halves(n: int) -> tuple[int, int]:
    """Return the numbers above and below the median of the alliance."""
    return n // 2, n - n // 2


def d_of(r: float, n: int) -> float:
    """Return the d between the halves whose point-biserial correlation is r."""
    n1, n2 = halves(n)
    return r * math.sqrt((n - 2) * (1 / n1 + 1 / n2) / (1 - r * r))


def print_t_df(r: float, n: int, _: Rng) -> Row:
    return {"t": round(t_of(r, n - 2), 2), "df": n - 2, "n": None}


def print_t_n(r: float, n: int, _: Rng) -> Row:
    return {"t": round(t_of(r, n - 2), 2), "n": n}


def print_f(r: float, n: int, _: Rng) -> Row:
    f = t_of(r, n - 2) ** 2
    return {"F": round(f, 2), "df1": 1, "df2": n - 2, "sign": sign_of(r)}


def print_chi2(r: float, n: int, _: Rng) -> Row:
    return {"chi2": round(r * r * n, 2), "df": 1, "sign": sign_of(r)}


def print_p(r: float, n: int, _: Rng) -> Row:
    p = 2 * float(stats.t.sf(abs(t_of(r, n - 2)), n - 2))
    return {"p": round(p, 4), "tails": 2, "sign": sign_of(r)}


def print_d(r: float, n: int, _: Rng) -> Row:
    n1, n2 = halves(n)
    return {"d": round(d_of(r, n), 2), "n1": n1, "n2": n2, "n": None, "notes": MEDIAN_NOTE}


def print_g(r: float, n: int, _: Rng) -> Row:
    row = print_d(r, n, _)
    del row["d"]
    return {**row, "g": round(d_of(r, n) * (1 - 3 / (4 * (n - 2) - 1)), 2)}


def print_means(r: float, n: int, rng: Rng) -> Row:
    n1, n2 = halves(n)
    sd1, sd2 = (round(float(s), 2) for s in rng.uniform(6, 12, 2))
    mean2 = round(float(rng.uniform(25, 60)), 2)
    pooled = math.sqrt(((n1 - 1) * sd1**2 + (n2 - 1) * sd2**2) / (n - 2))
    mean1 = round(mean2 + d_of(r, n) * pooled, 2)
    row = {"mean1": mean1, "sd1": sd1, "mean2": mean2, "sd2": sd2, "n1": n1, "n2": n2}
    return {**row, "n": None, "notes": MEDIAN_NOTE}


def print_odds_ratio(r: float, n: int, rng: Rng) -> Row:
    d = 2 * r / math.sqrt(1 - r * r)
    to_log = math.pi / math.sqrt(3)
    row = {"odds_ratio": round(math.exp(d * to_log), 2)}
    if rng.random() < 0.5:
        se = (d * d + 4) ** 1.5 / 4 * (1 - r * r) / math.sqrt(n - 3) * to_log
        row["ci_low"] = round(math.exp(d * to_log - 1.96 * se), 2)
        row["ci_high"] = round(math.exp(d * to_log + 1.96 * se), 2)
    return {**row, "notes": MEDIAN_NOTE}


def print_counts(r: float, n: int, _: Rng) -> Row:
    """Return the table of high/low alliance by outcome whose phi comes nearest to r."""
    best = (math.inf, 0, 0, 0)
    for high in range(n // 2 - 4, n // 2 + 5):
        for events in range(round(0.25 * n), round(0.6 * n)):
            spread = math.sqrt(high * (n - high) * events * (n - events))
            a = round((r * spread + high * events) / n)
            miss = abs((a * n - high * events) / spread - r)
            if 0 < a < min(high, events) and events - a < n - high:
                best = min(best, (miss, a, high, events))
    _miss, a, high, events = best
    cells = {"cell_a": a, "cell_b": high - a, "cell_c": events - a}
    return {**cells, "cell_d": n - high - events + a, "n": None, "notes": MEDIAN_NOTE}


def print_partial(r: float, _: int, rng: Rng) -> Row:
    return {"partial_r": round(r, 2), "n_predictors": int(rng.integers(2, 6))}


MEDIAN_NOTE = "group 1 / first row: alliance above the median"
PRINTERS: dict[str, Callable[[float, int, Rng], Row]] = {
    "t_df": print_t_df,
    "t_n": print_t_n,
    "F": print_f,
    "chi2": print_chi2,
    "p": print_p,
    "d": print_d,
    "g": print_g,
    "means": print_means,
    "odds_ratio": print_odds_ratio,
    "counts": print_counts,
    "partial_r": print_partial,
    "spearman_rho": lambda r, _n, _: {"spearman_rho": round(6 / math.pi * math.asin(r / 2), 3)},
    "kendall_tau": lambda r, _n, _: {"kendall_tau": round(2 / math.pi * math.asin(r), 3)},
    "beta": lambda r, _n, _: {"beta": round(r - 0.05, 2)},
    "r_squared": lambda r, _n, _: {"r_squared": round(r * r, 3), "sign": sign_of(r)},
    "fisher_z": lambda r, _n, _: {"fisher_z": round(math.atanh(r), 3)},
    "z_stat": lambda r, n, _: {"z_stat": round(r * math.sqrt(n), 2)},
}


def printable(kind: str, row: Row) -> bool:
    """Say whether a paper could print this effect so, with enough digits to recover r."""
    r: float = row["_printed"]
    n: int = row["n"]
    if kind in {"counts", "odds_ratio", "chi2"}:
        return bool(row["_binary"]) and abs(r) > 0.08 and n >= 40
    if row["_binary"]:
        return kind in {"t_df", "t_n"}
    if kind == "p":
        return 0.003 < 2 * float(stats.t.sf(abs(t_of(r, n - 2)), n - 2)) < 0.6
    if kind == "beta":
        return 0.1 < r < 0.5
    if kind in {"r_squared", "F"}:
        return abs(r) > 0.12
    return n >= 20


def report(rng: Rng, design: Row, rows: list[Row]) -> None:
    """Give each effect the columns its paper prints, with the sign as printed."""
    for row in rows:
        row["_printed"] = row["_r"]
        if rng.random() < design["blank_outcome_direction_share"]:
            row["outcome_direction"] = None
        for column in ("outcome_direction", "alliance_direction"):
            row["_printed"] *= -1 if row[column] == "lower_better" else 1
    free = list(range(len(rows)))
    for kind, count in design["reported_statistic_counts"].items():
        eligible = [i for i in free if printable(kind, rows[i])]
        for i in rng.choice(eligible, count, replace=False):
            rows[i].update(PRINTERS[kind](rows[i]["_printed"], rows[i]["n"], rng))
            rows[i]["_kind"] = kind
        free = [i for i in free if "_kind" not in rows[i]]
    print_r([rows[i] for i in free])
    add_second_statistic(rng, design, [rows[i] for i in free])


def print_r(rows: list[Row]) -> None:
    """Print r to two decimals, to more where that would repeat a value of the study."""
    seen: set[tuple[str, float]] = set()
    for row in rows:
        row["_kind"] = "r"
        for digits in (2, 3, 4):
            row["r"] = round(row["_printed"], digits)
            if (row["study"], abs(row["r"])) not in seen:
                break
        seen.add((row["study"], abs(row["r"])))


def add_second_statistic(rng: Rng, design: Row, rows: list[Row]) -> None:
    """Let some rows report t, p or a confidence interval beside r, all in agreement."""
    wanted = design["r_with_second_statistic"]
    kinds = [kind for kind, count in wanted.items() for _ in range(count)]
    eligible = [i for i, row in enumerate(rows) if row["n"] >= 25 and 0.1 < abs(row["r"]) < 0.5]
    for kind, i in zip(kinds, rng.choice(eligible, len(kinds), replace=False), strict=True):
        row, r, n = rows[i], rows[i]["r"], rows[i]["n"]
        half = 1.96 / math.sqrt(n - 3)
        row["_kind"] = f"r and {kind}"
        row["_r"] = math.copysign(r, row["_r"])
        if kind == "t":
            row.update(t=round(t_of(r, n - 2), 2), df=n - 2)
        elif kind == "p":
            row["p"] = round(2 * float(stats.t.sf(abs(t_of(r, n - 2)), n - 2)), 3) or 0.001
        else:
            row.update(ci_low=round(math.tanh(math.atanh(r) - half), 2))
            row.update(ci_high=round(math.tanh(math.atanh(r) + half), 2))


# Dirt that real sheets hold -----------------------------------------------------------


def short(value: float) -> str:
    """Return the number as journals print it, without the leading zero."""
    return f"{value:.2f}".replace("0.", ".", 1)


Dirt = tuple[str, str, int, Callable[[Any], bool], Callable[[Any], Any]]
DIRT: tuple[Dirt, ...] = (
    ("no leading zero, as text", "r", 6, lambda v: v > 0, short),
    ("minus sign U+2212", "r", 6, lambda v: v < 0, lambda v: short(v).replace("-", "−")),
    ("footnote asterisk", "r", 8, lambda v: v > 0.2, lambda v: f"{short(v)}*"),
    ("two asterisks and U+2212", "r", 4, lambda v: v < -0.3, lambda v: f"−{short(-v)}**"),
    ("blanks around the number", "r", 3, lambda v: v > 0, lambda v: f" {short(v)} "),
    ("decimal comma", "r", 3, lambda v: v > 0, lambda v: f"{v:.2f}".replace(".", ",")),
    ("N= before the number", "n", 3, lambda v: v > 0, lambda v: f"N={v}"),
    ("rater called patient", "alliance_rater", 12, lambda v: v == "client", lambda _: "patient"),
    ("rater with a trailing blank", "alliance_rater", 5, lambda v: v == "client", "{} ".format),
    ("rater in capitals", "alliance_rater", 5, lambda v: v == "therapist", str.upper),
    ("mixed case", "alliance_time", 8, lambda v: v == "early", str.title),
    ("trailing blank", "outcome_measure", 4, lambda v: v == "OQ-45", "{} ".format),
)


def soil(rng: Rng, rows: list[Row]) -> None:
    """Make some cells untidy in ways that a reader must understand; the meaning stays."""
    touched: set[int] = set()
    for name, column, count, fits, change in DIRT:
        usable = [
            i
            for i, row in enumerate(rows)
            if i not in touched
            and row.get(column) is not None
            and fits(row[column])
            and (column != "r" or row["r"] == round(row["r"], 2))
        ]
        for i in rng.choice(usable, count, replace=False):
            rows[i][column] = change(rows[i][column])
            rows[i].setdefault("_dirt", {})[column] = name
            touched.add(int(i))
    alias_modalities(rng, rows)
    decompose_one_label(rows)


def alias_modalities(rng: Rng, rows: list[Row]) -> None:
    """Write the treatment of some studies under another name."""
    used: set[str] = set()
    for alias, (modality, count) in DESIGN["modality_aliases"].items():
        plain = {r["study"] for r in rows if r["modality"] == modality and not r["sample"]}
        for study in rng.choice(sorted(plain - used), count, replace=False):
            used.add(str(study))
            for row in rows:
                if row["study"] == study:
                    row["modality"] = alias
                    row.setdefault("_dirt", {})["modality"] = f"alias {alias}"


def decompose_one_label(rows: list[Row]) -> None:
    """Write one study's accents decomposed (NFD) in one of its rows only."""
    for earlier, row in pairwise(rows):
        label = unicodedata.normalize("NFD", row["study"])
        if label != row["study"] == earlier["study"]:
            row["study"] = label
            row.setdefault("_dirt", {})["study"] = "decomposed accents (NFD)"
            return


def add_excluded(rng: Rng, rows: list[Row]) -> list[Row]:
    """Return the rows with a few that the team set aside, each with its reason."""
    last = {row["study"]: i for i, row in enumerate(rows)}
    several = [i for i in last.values() if i and rows[i - 1]["study"] == rows[i]["study"]]
    texts = DESIGN["exclusion_reasons"]
    chosen = sorted(int(i) for i in rng.choice(several, len(texts), replace=False))
    reasons = dict(zip(chosen, texts, strict=True))
    out: list[Row] = []
    for i, row in enumerate(rows):
        out.append({**row, "include": "yes"})
        if i in reasons:
            reported = "only p" not in reasons[i]
            extra = {c: v for c, v in row.items() if c in DESIGN["columns_of_excluded_rows"]}
            extra["r"] = round(float(rng.normal(0.2, 0.1)), 2) if reported else None
            out.append({**extra, "include": "no", "exclusion_reason": reasons[i]})
    return out


def add_notes(rng: Rng, rows: list[Row]) -> None:
    """Write coders' notes and page numbers."""
    for note, count in DESIGN["notes"].items():
        free = [i for i, row in enumerate(rows) if not row.get("notes")]
        for i in rng.choice(free, count, replace=False):
            rows[i]["notes"] = note
    for number, row in enumerate(rows, 1):
        row["effect"] = f"e{number:03d}"
        row["page"] = known(rng, int(rng.integers(2, 400)), 0.5)


# Writing ------------------------------------------------------------------------------


def fill_sheet(
    sheet: Worksheet,
    titles: list[str],
    columns: list[str],
    rows: list[Row],
    headers: dict[str, str] | None = None,
) -> None:
    """Write titles, the header in row 3 and one row per effect."""
    for number, title in enumerate(titles, 1):
        sheet.cell(number, 1, title).font = Font(bold=True, color="C00000")
    for j, column in enumerate(columns, 1):
        cell = sheet.cell(HEADER_ROW, j, (headers or {}).get(column, column))
        cell.font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(j)].width = max(9, len(column) + 2)
    for i, row in enumerate(rows, HEADER_ROW + 1):
        for j, column in enumerate(columns, 1):
            if row.get(column) is not None:
                sheet.cell(i, j, row[column])
    sheet.column_dimensions["A"].width = 34
    sheet.freeze_panes = sheet.cell(HEADER_ROW + 1, 2)


def fill_about(sheet: Worksheet, lines: list[str]) -> None:
    """Write the explanatory sheet."""
    sheet.column_dimensions["A"].width = 110
    for number, line in enumerate(lines, 1):
        sheet.cell(number, 1, line)
    sheet["A1"].font = Font(bold=True, color="C00000")


def save_reproducibly(workbook: Workbook, path: Path, properties: dict[str, str]) -> None:
    """Save with fixed dates in the properties and in the archive, so that bytes repeat."""
    for name, value in {"creator": "metaalliance", **properties}.items():
        setattr(workbook.properties, name, value)
    workbook.properties.created = STAMP
    raw = io.BytesIO()
    workbook.save(raw)
    fixed = f">{STAMP.isoformat()}Z</dcterms:modified>".encode()
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            part = source.read(name)
            if name == "docProps/core.xml":
                part = re.sub(rb">[^<]*</dcterms:modified>", fixed, part)
            info = zipfile.ZipInfo(name, STAMP.timetuple()[:6])
            target.writestr(info, part, zipfile.ZIP_DEFLATED, 9)


def save_simulated(rows: list[Row], seed: int) -> None:
    """Write the simulated workbook with hidden columns and blank rows at the end."""
    workbook = Workbook()
    sheet = workbook.active
    sheet.title = "effects"
    titles = [TITLE, f"scripts/make_simulated_workbook.py, seed {seed}: for trying and testing"]
    fill_sheet(sheet, titles, COLUMNS, rows, DESIGN["headers"])
    for column in DESIGN["hidden"]:
        sheet.column_dimensions[get_column_letter(COLUMNS.index(column) + 1)].hidden = True
    end = HEADER_ROW + len(rows)
    for i in range(end + 1, end + 6):
        sheet.cell(i, 1).fill = PatternFill("solid", fgColor="F2F2F2")
    sheet.cell(end + 3, COLUMNS.index("notes") + 1, " ")
    about = [
        TITLE,
        "The studies, authors and numbers are invented by a random number generator.",
        "Size and shape follow the published literature: 295 studies, true mean r = .278.",
        f"Made by scripts/make_simulated_workbook.py with seed {seed}.",
        "The true values stand in simulated_alliance_studies.truth.json.",
        "Do not cite these numbers and do not pool them with real studies.",
        "Licence: MIT, as the software.",
    ]
    fill_about(workbook.create_sheet("about"), about)
    save_reproducibly(workbook, DATA / "simulated_alliance_studies.xlsx", SIMULATED)


SIMULATED = {
    "title": "SIMULATED alliance-outcome studies",
    "subject": "SIMULATED data, not real studies",
    "description": "SIMULATED data made by scripts/make_simulated_workbook.py",
    "keywords": "SIMULATED, therapeutic alliance, meta-analysis, example",
}


def address(row_number: int, column: str, columns: list[str] = COLUMNS) -> str:
    """Return the cell address of a column in a row of the sheet."""
    return f"{get_column_letter(columns.index(column) + 1)}{row_number}"


def truth_of(design: Row, means: Row, rows: list[Row]) -> Row:
    """Return the true values, the dirt by cell, and the simulated r of each row."""
    used = [row for row in rows if row["include"] == "yes"]
    modalities = {}
    for m in design["modalities"]:
        z = means["intercept_z"] + m["offset_z"] + means["mean_rater_and_time_offset_z"]
        mine = [row for row in used if row["_modality"] == m["name"]]
        studies = {unicodedata.normalize("NFC", row["study"]) for row in mine}
        counts = {"n_studies": len(studies), "n_effects": len(mine)}
        modalities[m["name"]] = {**counts, "true_mean_z": z, "true_mean_r": math.tanh(z)}
    dirt: dict[str, list[str]] = {}
    for number, row in enumerate(rows, HEADER_ROW + 1):
        for column, name in row.get("_dirt", {}).items():
            dirt.setdefault(name, []).append(address(number, column))
    return {
        "notice": design["notice"].replace("settings", "true values"),
        "seed": design["seed"],
        "parameters": {**design["truth"], "mean_z": math.atanh(design["truth"]["mean_r"])},
        **means,
        "modalities": modalities,
        "counts": {
            "n_studies": len({unicodedata.normalize("NFC", r["study"]) for r in used}),
            "n_effects": len(used),
            "n_rows": len(rows),
            "n_excluded": len(rows) - len(used),
            "statistics": dict(Counter(row["_kind"] for row in used)),
        },
        "dirt": dirt,
        "effects": [
            [number, row["_kind"], round(row["_r"], 6)]
            for number, row in enumerate(rows, HEADER_ROW + 1)
            if row["include"] == "yes"
        ],
    }


def write_json(path: Path, content: Row) -> None:
    """Write JSON with one line per effect."""
    text = json.dumps(content, ensure_ascii=False, indent=1)
    text = re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", text)
    path.write_text(text + "\n", encoding="utf-8")


# The twin with faults -----------------------------------------------------------------

# fault, column of the fault, cells that differ from a sound row
FAULTS: tuple[tuple[str, str, Row], ...] = (
    ("no study label", "study", {"study": None}),
    ("r beyond 1", "r", {"r": 1.07}),
    ("r as a percentage", "r", {"r": "35%"}),
    ("n too small for Fisher z", "n", {"n": 3}),
    ("F without sign", "F", {"r": None, "F": 6.41, "df1": 1, "df2": 58, "n": 60}),
    ("text instead of a number", "r", {"r": "see text"}),
    ("formula without stored value", "r", {"r": "=B5/2"}),
    ("error value", "r", {"r": "#DIV/0!"}),
    ("date made of 1-2", "r", {"r": date(2017, 2, 1)}),
    ("r and t disagree", "t", {"r": 0.31, "t": 4.9, "df": 58, "n": 60}),
    ("only n.s.", "r", {"r": "n.s."}),
    ("unknown modality", "modality", {"modality": "CBTT"}),
    ("no statistic", "r", {"r": None}),
    ("inequality for p", "p", {"r": None, "p": "<.05", "n": 44, "sign": "+"}),
)


def sound_row(rng: Rng, design: Row, number: int) -> Row:
    """Return a row without fault, of a study of its own."""
    name = design["invented_surnames"][3 * number]
    year = 1990 + number
    return {
        "study": f"{name} ({year})",
        "year": year,
        "effect": f"f{number:02d}",
        "r": round(float(rng.normal(0.28, 0.1)), 2),
        "n": int(rng.integers(30, 120)),
        "outcome_direction": "higher_better",
        "alliance_measure": "WAI",
        "alliance_rater": "client",
        "alliance_time": "early",
        "outcome_measure": "GAF",
        "outcome_domain": "functioning",
        "outcome_time": "post",
        "modality": "CBT",
    }


def twin_rows(rng: Rng, design: Row) -> tuple[list[Row], list[Row]]:
    """Return the rows of the twin and the list of its faults with their cells."""
    rows: list[Row] = [sound_row(rng, design, i) for i in range(4)]
    faults: list[Row] = []

    def add(row: Row, fault: str | None = None, column: str = "study") -> None:
        rows.append(row)
        if fault:
            cell = address(HEADER_ROW + len(rows), column, TWIN_COLUMNS)
            faults.append({"cell": cell, "fault": fault})

    for fault, column, cells in FAULTS:
        add({**sound_row(rng, design, len(rows)), **cells}, fault, column)
    first = sound_row(rng, design, len(rows))
    add(first)
    add({**first, "effect": "f19"}, "row entered twice")
    first = sound_row(rng, design, len(rows))
    add(first)
    other = {"effect": "f21", "n": first["n"] + 17, "r": 0.19, "outcome_measure": "WHO-5"}
    add({**first, **other, "outcome_domain": "wellbeing"}, "n differs within a sample", "n")
    for _ in range(2):
        add(sound_row(rng, design, len(rows)))
    add({"study": "Mean", "r": 0.28}, "row of means at the bottom")
    return rows, faults


def save_twin(rng: Rng, design: Row) -> None:
    """Write the twin with one row per kind of fault, and the list of faults."""
    workbook = Workbook()
    sheet = workbook.active
    sheet.title = "effects"
    rows, faults = twin_rows(rng, design)
    titles = [TITLE, "Each fault stands here on purpose, to show what a check must find"]
    fill_sheet(sheet, titles, TWIN_COLUMNS, rows)
    for fault in faults:
        if fault["fault"] == "date made of 1-2":
            sheet[fault["cell"]].number_format = "d-mmm"
    lines = [TITLE, *(f"{f['cell']}: {f['fault']}" for f in faults)]
    fill_about(workbook.create_sheet("about"), lines)
    path = DATA / "simulated_with_problems.xlsx"
    save_reproducibly(workbook, path, {**SIMULATED, "title": "SIMULATED sheet with faults"})
    content = {"notice": "SIMULATED data with faults on purpose", "faults": faults}
    write_json(path.with_suffix(".faults.json"), content)


def main() -> None:
    """Write both workbooks and the files that say what is in them."""
    design = DESIGN
    streams = np.random.default_rng(design["seed"]).spawn(6)
    structure, values, printing, cells, twin, further = streams
    studies = draw_studies(structure, design)
    add_culture_and_therapists(further, design, studies)
    effects = [draw_effects(structure, design, study) for study in studies]
    means = observe(values, design, effects)
    rows = [row for study in effects for row in study]
    report(printing, design, rows)
    for row in rows:
        row["_modality"] = row["modality"]
    rows = add_excluded(cells, rows)
    used = [row for row in rows if row["include"] == "yes"]
    add_notes(cells, rows)
    soil(cells, used)
    save_simulated(rows, design["seed"])
    truth = truth_of(design, means, rows)
    write_json(DATA / "simulated_alliance_studies.truth.json", truth)
    save_twin(twin, design)


if __name__ == "__main__":
    main()
