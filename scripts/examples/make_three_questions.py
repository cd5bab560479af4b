"""Write the SIMULATED workbook of the page "The three questions".

Forty invented studies. Twenty-six report the alliance by subscale (bond, task, goal); fourteen
followed patients from session to session and report an association within and one between
patients beside the total one. The sheet `correlations` has how subscales correlate, the sheet
`paths` the correlations of severity, alliance and outcome. Scores are drawn person by person
where the sheet has several correlations of one sample; the true values stand in `TRUTH`, in the
sheet `readme`, and a test recovers them. From the root of the repository
``PYTHONPATH=scripts python scripts/examples/make_three_questions.py`` writes the same bytes every
time.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from make_simulated_workbook import (
    DATA,
    DESIGN,
    SIMULATED,
    TITLE,
    fill_about,
    fill_sheet,
    save_reproducibly,
)
from openpyxl import Workbook

Row = dict[str, Any]
Rng = np.random.Generator
Array = np.ndarray

PATH = DATA / "simulated_three_questions.xlsx"
SEED = 20261
BY_SUBSCALE, BY_SESSION = 26, 14
COMPONENTS = ("bond", "task", "goal")
ESTIMANDS = ("total", "within_patient", "between_patient")
VARIABLES = ("severity", "alliance", "outcome")

#: What is true: means of Fisher z (paths and their correlations are of r), standard deviations
#: and correlations between studies, and how scores correlate within one.
TRUTH: dict[str, Any] = {
    "components": {"bond": 0.24, "task": 0.34, "goal": 0.283},
    "tau_components": 0.11,
    "correlation_of_components_between_studies": 0.7,
    "correlation_of_scores_of_components": 0.65,
    "estimands": {"total": math.atanh(0.28), "within_patient": 0.11, "between_patient": 0.36},
    "tau_estimands": {"total": 0.08, "within_patient": 0.05, "between_patient": 0.12},
    "correlation_of_estimands_between_studies": 0.4,
    "paths": {"a": -0.25, "b": 0.22, "c": -0.24},
    "tau_correlations": 0.08,
}

EFFECTS = (
    *("study", "year", "effect", "alliance_measure", "alliance_subscale", "alliance_rater"),
    *("alliance_time", "outcome_measure", "outcome_domain", "outcome_time", "outcome_direction"),
    *("estimand", "r", "n", "notes"),
)
CORRELATIONS = ("study", "var1", "var2", "r", "n")
PATHS = ("study", "var1", "var2", "r", "n", "time1", "time2", "outcome_direction")


def equicorrelation(size: int, r: float) -> Array:
    """Return a matrix with ones on its diagonal and r elsewhere, shape (size, size)."""
    return np.full((size, size), r) + (1 - r) * np.eye(size)


def implied_correlations() -> tuple[float, float, float]:
    """Return what the true paths imply: severity-alliance, severity-outcome, alliance-outcome."""
    a, b, c = (TRUTH["paths"][name] for name in "abc")
    return a, c + a * b, b + a * c


def observed(rng: Rng, R: Array, n: int) -> Array:
    """Return the correlation matrix of n persons whose scores truly correlate by R."""
    return np.corrcoef(rng.multivariate_normal(np.zeros(len(R)), R, n), rowvar=False)


def draw_study(rng: Rng, number: int) -> Row:
    """Return what all rows of a study share."""
    year = int(rng.integers(1992, 2025))
    name = DESIGN["invented_surnames"][2 * number]
    return {
        "study": f"{name} ({year})",
        "year": year,
        "alliance_measure": "WAI",
        "alliance_rater": "client",
        "alliance_time": "early",
        "outcome_measure": ("BDI-II", "OQ-45")[number % 2],
        "outcome_domain": "symptom",
        "outcome_time": "post",
        "outcome_direction": "lower_better",
        "n": int(np.clip(round(rng.lognormal(math.log(90), 0.5)), 30, 320)),
    }


def subscale_rows(rng: Rng, study: Row) -> tuple[list[Row], list[Row]]:
    """Return the effects of a study by subscale, and the correlations of its subscales."""
    between = TRUTH["tau_components"] ** 2 * equicorrelation(
        3, TRUTH["correlation_of_components_between_studies"]
    )
    z = rng.multivariate_normal(list(TRUTH["components"].values()), between)
    R = equicorrelation(4, TRUTH["correlation_of_scores_of_components"])
    R[3, :3] = R[:3, 3] = np.tanh(z)
    found = observed(rng, R, study["n"])
    seen = [i for i in range(3) if i < 2 or rng.random() < 0.75]
    rows = [
        {**study, "alliance_subscale": COMPONENTS[i], "estimand": "total",
         "r": -round(float(found[i, 3]), 2)}
        for i in seen
    ]  # fmt: skip
    told = rng.random() < 0.75
    inter = [
        {"study": study["study"], "var1": COMPONENTS[i], "var2": COMPONENTS[j],
         "r": round(float(found[i, j]), 2), "n": study["n"]}
        for k, i in enumerate(seen) for j in seen[k + 1 :] if told
    ]  # fmt: skip
    return rows, inter


def session_rows(rng: Rng, study: Row) -> list[Row]:
    """Return the associations of a study within and between patients, and the total one.

    Their errors have variance 1 / (n - 3), n the patients; those of the total and of the one
    between patients correlate by .6, the one within patients has its own.
    """
    tau = np.diag(list(TRUTH["tau_estimands"].values()))
    between = tau @ equicorrelation(3, TRUTH["correlation_of_estimands_between_studies"]) @ tau
    z = rng.multivariate_normal(list(TRUTH["estimands"].values()), between)
    errors = np.array([[1, 0, 0.6], [0, 1, 0], [0.6, 0, 1]]) / (study["n"] - 3)
    r = np.tanh(z + rng.multivariate_normal(np.zeros(3), errors))
    total = rng.random() < 0.7
    rows = [
        {**study, "alliance_subscale": "total", "estimand": name, "r": -round(float(value), 2)}
        for name, value in zip(ESTIMANDS, r, strict=True)
        if total or name != "total"
    ]
    for row in rows:
        if row["estimand"] != "total":
            row |= {"alliance_time": "averaged", "outcome_time": None,
                    "notes": f"every session; n = {study['n']} patients"}  # fmt: skip
    return rows


def path_rows(rng: Rng, study: Row) -> list[Row]:
    """Return the correlations of severity, alliance and outcome that a study reports."""
    true = np.array(implied_correlations()) + rng.normal(0, TRUTH["tau_correlations"], 3)
    R = np.eye(3)
    at = ((0, 1), (0, 2), (1, 2))
    for (i, j), value in zip(at, true, strict=True):
        R[i, j] = R[j, i] = value
    found = observed(rng, R, study["n"])
    when = dict(zip(VARIABLES, ("intake", "session 3", "post"), strict=True))
    rows = []
    for i, j in at:
        if (i, j) != (1, 2) and rng.random() < 0.2:  # severity is not always reported
            continue
        value, symptoms = float(found[i, j]), j == 2
        rows.append(
            {"study": study["study"], "var1": VARIABLES[i], "var2": VARIABLES[j],
             "r": round(-value if symptoms else value, 2), "n": study["n"],
             "time1": when[VARIABLES[i]], "time2": when[VARIABLES[j]],
             "outcome_direction": "lower_better" if symptoms else None}
        )  # fmt: skip
    return rows


def simulate(seed: int = SEED) -> dict[str, list[Row]]:
    """Return the rows of the sheets effects, correlations and paths."""
    rng = np.random.default_rng(seed)
    sheets: dict[str, list[Row]] = {"effects": [], "correlations": [], "paths": []}
    for number in range(BY_SUBSCALE + BY_SESSION):
        study = draw_study(rng, number)
        if number < BY_SUBSCALE:
            rows, inter = subscale_rows(rng, study)
            sheets["effects"] += rows
            sheets["correlations"] += inter
        else:
            sheets["effects"] += session_rows(rng, study)
        sheets["paths"] += path_rows(rng, study) if number % 4 else []
    for number, row in enumerate(sheets["effects"], 1):
        row["effect"] = f"e{number:03d}"
    return sheets


def readme_lines() -> list[str]:
    """Return what the sheet `readme` says, the true values among it."""

    def listed(values: dict[str, float]) -> str:
        return ", ".join(f"{name} {value:.3f}" for name, value in values.items())

    a, b = TRUTH["paths"]["a"], TRUTH["paths"]["b"]
    return [
        TITLE,
        f"Made by scripts/examples/make_three_questions.py with seed {SEED}, for docs/start.",
        "Sheet effects: 26 studies by subscale, 14 from session to session.",
        "Sheet correlations: how the subscales of a study correlate.",
        "Sheet paths: correlations of severity, alliance and outcome (read with --sheet paths).",
        "Outcomes are symptoms (lower_better): a good alliance has a negative r as printed.",
        "True values, in the direction better alliance, better outcome:",
        f"Components, mean Fisher z: {listed(TRUTH['components'])}.",
        f"Estimands, mean Fisher z: {listed(TRUTH['estimands'])}.",
        f"Paths: {listed(TRUTH['paths'])}; indirect a*b {a * b:.3f}.",
        f"Standard deviation of true effects between studies: components "
        f"{TRUTH['tau_components']}, correlated {listed_r('components')}; estimands "
        f"{listed(TRUTH['tau_estimands'])}, correlated {listed_r('estimands')}; correlations "
        f"of the paths {TRUTH['tau_correlations']}.",
        "Do not cite these numbers and do not pool them with real studies.",
        "Licence: MIT, as the software.",
    ]


def listed_r(what: str) -> str:
    """Return how the true effects of studies correlate."""
    return f"{TRUTH[f'correlation_of_{what}_between_studies']}"


def main() -> None:
    """Write the workbook."""
    workbook = Workbook()
    made = simulate()
    sheet = workbook.active
    titles = [TITLE, "For the page 'The three questions'; true values on the sheet readme"]
    for name, columns in (
        ("effects", EFFECTS), ("correlations", CORRELATIONS), ("paths", PATHS),
    ):  # fmt: skip
        sheet = workbook.active if name == "effects" else workbook.create_sheet(name)
        sheet.title = name
        fill_sheet(sheet, titles, list(columns), made[name])
    fill_about(workbook.create_sheet("readme"), readme_lines())
    what = "made by scripts/examples/make_three_questions.py"
    properties = {**SIMULATED, "title": "SIMULATED studies of the three questions"}
    save_reproducibly(workbook, PATH, {**properties, "description": f"SIMULATED data {what}"})


if __name__ == "__main__":
    main()
