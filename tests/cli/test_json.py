"""--json: exactly one document on stdout, with the documented keys, also on failure."""

from __future__ import annotations

import json
import math

import pytest


def document(result):
    return json.loads(result.stdout, parse_constant=pytest.fail)


@pytest.fixture
def pooled(call, nested):
    return document(call("pool", nested, "--no-figures", "--json"))


KEYS = {
    (): ["schema_version", "command", "input", "problems", "settings", "counts", "pooled",
         "heterogeneity", "models", "files"],
    ("input",): ["file", "sha256", "sheet", "rows_read", "rows_used", "rows_excluded"],
    ("settings",): ["measure", "model", "tau2", "test", "rho", "level"],
    ("counts",): ["n_studies", "n_effects", "n_participants"],
    ("pooled",): ["estimate", "se", "ci_low", "ci_high", "pi_low", "pi_high", "statistic", "df",
                  "p_value", "r"],
    ("pooled", "r"): ["estimate", "ci_low", "ci_high", "pi_low", "pi_high"],
    ("heterogeneity",): ["Q", "df", "p_value", "tau2", "tau", "tau2_ci_low", "tau2_ci_high", "I2",
                         "H2", "sigma2", "I2_levels"],
    ("heterogeneity", "sigma2"): ["study", "effect"],
    ("heterogeneity", "I2_levels"): ["study", "effect"],
    ("models", 0): ["name", "settings", "counts", "pooled", "heterogeneity"],
}  # fmt: skip


@pytest.mark.parametrize("path", KEYS, ids=str)
def test_documented_keys(pooled, path):
    part = pooled
    for key in path:
        part = part[key]
    assert set(KEYS[path]) <= set(part)


def test_main_model_is_the_first_of_the_models(pooled):
    assert pooled["models"][0]["pooled"] == pooled["pooled"]


def test_counts(pooled):
    assert pooled["counts"] == {"n_studies": 4, "n_effects": 7, "n_participants": 195}


def test_rows(pooled):
    assert (pooled["input"]["rows_read"], pooled["input"]["rows_used"]) == (7, 7)


def test_r_is_tanh_of_the_estimate(pooled):
    assert pooled["pooled"]["r"]["estimate"] == math.tanh(pooled["pooled"]["estimate"])


def test_i2_is_a_fraction(pooled):
    assert 0 <= pooled["heterogeneity"]["I2"] <= 1


def test_input_hash_is_that_of_the_file(pooled, nested):
    import hashlib

    assert pooled["input"]["sha256"] == hashlib.sha256(nested.read_bytes()).hexdigest()


def test_excluded_rows_have_their_reason(call, good):
    lines = good.read_text().splitlines()
    head = lines[0] + ",include,exclusion_reason"
    good.write_text("\n".join([head, *lines[1:], "Egan 2001,x,3,,no,wrong unit"]) + "\n")
    found = document(call("pool", good, "--no-figures", "--json"))["input"]["rows_excluded"]
    assert found == [{"row": 6, "study": "Egan 2001", "reason": "wrong unit"}]


def test_document_is_all_of_stdout(call, nested):
    result = call("pool", nested, "--no-figures", "--json")
    assert result.stdout.startswith("{")
    assert result.stdout.endswith("}\n")


@pytest.mark.parametrize("lines", [2, 3, 5])
def test_no_nan_however_few_the_studies(call, good, lines):
    good.write_text("\n".join(good.read_text().splitlines()[:lines]) + "\n")
    document(call("pool", good, "--no-figures", "--json"))


MODELS = ["auto", "che", "three-level", "two-level", "common-effect"]


@pytest.mark.parametrize("model", MODELS)
def test_no_nan_in_any_model(call, nested, model):
    document(call("pool", nested, "--no-figures", "--json", "--model", model))


@pytest.mark.parametrize("measure", ["z", "r", "r-unbiased"])
def test_measure_is_in_the_settings(call, nested, measure):
    result = call("pool", nested, "--no-figures", "--json", "--measure", measure)
    assert document(result)["settings"]["measure"] == measure


def test_saved_document_is_the_printed_one(call, nested, tmp_path):
    result = call("pool", nested, "--no-figures", "--json")
    saved = (tmp_path / "nested_results" / "results.json").read_text(encoding="utf-8")
    assert json.loads(saved) == document(result)


# Failures -------------------------------------------------------------------------------

FAILURES = {
    "errors in the data": (["pool", "bad.csv"], 1, "MA400"),
    "unknown model": (["pool", "good.csv", "--model", "nonsense"], 2, "MA690"),
    "level in percent": (["pool", "good.csv", "--level", "95"], 2, "MA690"),
    "policy": (["pool", "good.csv", "--nonsignificant", "x"], 2, "MA690"),
    "policy of validate": (["validate", "good.csv", "--beta", "x"], 2, "MA690"),
    "missing file": (["pool", "nothing.xlsx"], 3, "MA101"),
    "missing file for validate": (["validate", "nothing.xlsx"], 3, "MA101"),
    "missing file for convert": (["convert", "nothing.xlsx"], 3, "MA101"),
    "wrong sheet": (["pool", "good.csv", "--sheet", "x"], 3, "MA203"),
    "three-level": (["pool", "good.csv", "--model", "three-level"], 4, "MA610"),
    "output is a file": (["pool", "good.csv", "-o", "bad.csv"], 2, "MA691"),
    "output below a file": (["pool", "good.csv", "-o", "bad.csv/x", "--no-figures"], 3, "MA692"),
}


@pytest.mark.parametrize(("words", "status", "code"), FAILURES.values(), ids=FAILURES)
def test_failure_is_one_document(call, good, bad, words, status, code):
    result = call(*words, "--json")
    found = document(result)
    assert (result.exit_code, found["error"]["code"]) == (status, code)
    assert list(found) == ["schema_version", "command", "error", "problems"]


@pytest.mark.parametrize(("words", "status", "code"), FAILURES.values(), ids=FAILURES)
def test_failure_names_its_command(call, good, bad, words, status, code):
    assert document(call(*words, "--json"))["command"] == words[0]


def test_failure_carries_every_problem(call, bad):
    found = document(call("pool", bad, "--json"))["problems"]
    assert [(p["code"], p["cell"]) for p in found if p["severity"] == "error"] == [
        ("MA312", "B2"),
        ("MA301", "A4"),
    ]


def test_failure_says_nothing_on_stderr(call, bad):
    assert call("pool", bad, "--json").stderr == ""


# validate -------------------------------------------------------------------------------


def test_validate_has_its_keys(call, bad):
    found = document(call("validate", bad, "--json"))
    assert {"schema_version", "command", "input", "problems"} <= set(found)


def test_validate_exits_with_1_on_errors(call, bad):
    assert call("validate", bad, "--json").exit_code == 1


def test_validate_counts_the_usable_rows(call, bad):
    found = document(call("validate", bad, "--json"))["input"]
    assert (found["rows_read"], found["rows_used"]) == (3, 1)


def test_problem_has_its_keys(call, bad):
    (first, *_) = document(call("validate", bad, "--json"))["problems"]
    assert set(first) == {
        "code", "severity", "sheet", "cell", "row", "study", "column", "seen", "message", "hint",
    }  # fmt: skip
