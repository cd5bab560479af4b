"""The workbook of the three questions: made by its script, and its truth is recovered."""

from __future__ import annotations

import math
import re
import warnings
from functools import cache

import make_three_questions as script
import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook

import metaalliance as ma

TRUTH = script.TRUTH
MODEL = "outcome ~ b*alliance + c*severity\nalliance ~ a*severity\nindirect := a*b"


@cache
def fitted(which, rho=0.6):
    """The three models of the page, of the sheets of the workbook."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ma.MetaAllianceWarning)
        if which == "paths":
            return ma.masem(ma.Analysis.read(script.PATH, sheet="paths").coded, MODEL)
        studies = ma.read_studies(
            script.PATH, estimand="total" if which == "components" else "each"
        )
        effects = ma.effect_sizes(studies)
        if which == "components":
            return ma.multivariate(
                effects, "alliance_subscale", "HCS", only=script.COMPONENTS,
                correlations=studies.correlations,
            )  # fmt: skip
        return ma.multivariate(effects, "estimand", "CS", within_studies="equal", rho=rho)


def found():
    """What was found, by what the page calls it: true value, estimate, limits."""
    rows = {}
    names = {"within_patient": "within patients", "between_patient": "between patients"}
    for which in ("components", "estimands"):
        fit, true = fitted(which), TRUTH[which]
        for row in fit.to_frame("r").to_dict("records"):
            label = f"r, {names.get(row['level'], row['level'])}"
            numbers = (row[c] for c in ("estimate", "ci_low", "ci_high"))
            rows[label] = (math.tanh(true[row["level"]]), *numbers)
        for row in fit.contrasts().to_dict("records"):
            a, b = row["level_a"], row["level_b"]
            label = f"z, {a} less {b}".replace("_patient", "")
            numbers = (row[c] for c in ("estimate", "ci_low", "ci_high"))
            rows[label] = (true[a] - true[b], *numbers)
    paths = TRUTH["paths"] | {"indirect": TRUTH["paths"]["a"] * TRUTH["paths"]["b"]}
    table = pd.concat([fitted("paths").paths, fitted("paths").defined])
    for row in table.to_dict("records"):
        label = row["label"] if row["label"] == "indirect" else f"path {row['label']}"
        rows[label] = (paths[row["label"]], row["estimate"], row["ci_low"], row["ci_high"])
    return rows


def test_the_workbook_is_that_of_the_script():
    made, book = script.simulate(), load_workbook(script.PATH)
    columns = {"effects": script.EFFECTS, "correlations": script.CORRELATIONS,
               "paths": script.PATHS}  # fmt: skip
    assert book.sheetnames == [*columns, "readme"]
    for name, head in columns.items():
        header, *rows = book[name].iter_rows(min_row=3, values_only=True)
        assert header == tuple(head)
        assert rows == [tuple(row.get(c) for c in head) for row in made[name]]
    said = [row[0] for row in book["readme"].iter_rows(values_only=True)]
    assert said == script.readme_lines()
    assert all(book[name]["A1"].value.startswith("SIMULATED") for name in book.sheetnames)


def test_intervals_hold_what_is_true():
    rows = found()
    assert len(rows) == 16
    for label, (true, _, low, high) in rows.items():
        assert low < true < high, label


def test_the_table_of_the_page_is_what_is_found(docs):
    text = (docs / "start" / "three_questions.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| (.+?) \| (\S+) \| (\S+) \| \[(\S+), (\S+)\] \|$", text, re.MULTILINE)
    assert len(table) == 14
    rows = found()
    for label, *printed in table:
        numbers = [float(x.replace("\N{MINUS SIGN}", "-")) for x in printed]
        assert numbers == pytest.approx(rows[label], abs=0.000501), label


def test_another_rho_moves_the_difference_as_little_as_the_page_says():
    low, usual = (fitted("estimands", rho).contrasts()["estimate"].iloc[-1] for rho in (0.2, 0.6))
    assert 0 < abs(low - usual) < 0.02


def of_rows(rows):
    """Effects in the direction of the analysis."""
    e = pd.DataFrame(rows)
    return ma.Effects.from_arrays(
        np.arctanh(-e["r"]), 1 / (e["n"] - 3), e["study"], measure="z", n=e["n"],
        moderators=e[["alliance_subscale", "estimand", "outcome_measure"]],
    )  # fmt: skip


def errors_of(seed):
    """Estimate less truth in standard errors, in another review of the same kind."""
    made, errors = script.simulate(seed), {}
    frame = pd.DataFrame(made["paths"])
    frame["r"] *= np.where(frame["outcome_direction"] == "lower_better", -1, 1)
    for row in ma.masem(frame[list(script.CORRELATIONS)], MODEL, interval="wald").paths.to_dict(
        "records"
    ):
        errors[row["label"]] = (row["estimate"] - TRUTH["paths"][row["label"]]) / row["se"]
    by_subscale = [row for row in made["effects"] if row["alliance_subscale"] != "total"]
    table = pd.DataFrame(made["correlations"])
    fits = {
        "components": ma.multivariate(
            of_rows(by_subscale), "alliance_subscale", "HCS", correlations=table
        ),
        "estimands": ma.multivariate(
            of_rows(made["effects"]), "estimand", "CS", within_studies="equal"
        ),
    }
    for which, fit in fits.items():
        for row in fit.means.to_dict("records"):
            level = row["level"]
            errors[level] = (row["estimate"] - TRUTH[which][level]) / row["se"]
    return errors


@pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")
def test_other_reviews_of_the_kind_do_not_miss_to_one_side():
    reviews = 16
    errors = pd.DataFrame([errors_of(seed) for seed in range(1, reviews + 1)])
    assert errors.shape == (reviews, 9)
    assert (errors.mean().abs() < 3.5 / math.sqrt(reviews)).all(), errors.mean()
    assert errors.stack().std() < 1.4


def test_figures_have_no_glyph_that_is_missing():
    """Names of estimands are broken over lines where they are measured."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        ma.plots.component_correlations(fitted("estimands"))
