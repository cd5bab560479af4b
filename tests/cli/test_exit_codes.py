"""What each command returns and says, on which stream."""

from __future__ import annotations

import pytest

from metaalliance.cli.run import guarded
from metaalliance.messages import MESSAGES

WRONG_OPTIONS = [
    ("--model", "nonsense"),
    ("--model", "CHE"),
    ("--tau2", "reml"),
    ("--test", "z"),
    ("--measure", "d"),
    ("--measure", "generic"),
    ("--prediction", "none"),
    ("--nonsignificant", "ignore"),
    ("--beta", "yes"),
    ("--level", "95"),
    ("--level", "0"),
    ("--level", "1"),
    ("--level", "nan"),
    ("--rho", "1"),
    ("--rho", "-0.1"),
    ("--rho", "nan"),
    ("--rho", "0.6"),
]


@pytest.mark.parametrize(("option", "value"), WRONG_OPTIONS)
def test_wrong_value_of_an_option(call, good, option, value):
    result = call("pool", good, "--no-figures", option, value)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith("(MA690)\n")


@pytest.mark.parametrize(("option", "value"), WRONG_OPTIONS)
def test_wrong_option_writes_nothing(call, good, tmp_path, option, value):
    call("pool", good, "--no-figures", option, value)
    assert [p.name for p in tmp_path.iterdir()] == ["good.csv"]


UNPARSED = [
    ["pool", "good.csv", "--level", "abc"],
    ["pool", "good.csv", "--level", "six"],
    ["pool", "good.csv", "--nope"],
    ["pool"],
    ["pool", "good.csv", "other.csv"],
    ["nope"],
    ["validate"],
]


@pytest.mark.parametrize("words", UNPARSED, ids=" ".join)
def test_unparsed_command_line(call, good, words):
    result = call(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error:" in result.stderr


def test_near_option_value_is_suggested(call, good):
    assert "Did you mean 'REML'?" in call("pool", good, "--tau2", "reml").stderr


def test_level_says_what_is_meant(call, good):
    assert "such as 0.95 for 95%" in call("pool", good, "--level", "95").stderr


@pytest.mark.parametrize("command", ["pool", "validate", "convert"])
def test_folder_is_no_workbook(call, tmp_path, command):
    (tmp_path / "sub").mkdir()
    result = call(command, tmp_path / "sub")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.endswith("(MA101)\n")


@pytest.mark.parametrize("command", ["pool", "validate", "convert"])
def test_wrong_sheet(call, good, command):
    result = call(command, good, "--sheet", "zzz")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.endswith("(MA203)\n")


# pool -----------------------------------------------------------------------------------


def test_pool_on_errors_exits_with_1(call, bad):
    assert call("pool", bad).exit_code == 1


def test_pool_on_errors_prints_nothing_on_stdout(call, bad):
    assert call("pool", bad).stdout == ""


def test_pool_on_errors_writes_nothing(call, bad, tmp_path):
    call("pool", bad)
    assert [p.name for p in tmp_path.iterdir()] == ["bad.csv"]


def test_pool_on_errors_names_every_cell(call, bad):
    message = call("pool", bad).stderr
    assert "bad.csv!B2" in message
    assert "bad.csv!A4" in message


def test_pool_on_errors_says_that_nothing_was_pooled(call, bad):
    assert call("pool", bad).stderr.splitlines()[-1].startswith("2 errors in bad.csv. Nothing was")


def test_pool_result_on_stdout(call, good):
    result = call("pool", good, "--no-figures")
    assert result.stdout.startswith("4 studies, 4 effects, 195 participants\nModel: two-level")


def test_pool_rest_on_stderr(call, good):
    result = call("pool", good, "--no-figures")
    assert result.stderr.startswith("good.csv, sheet good.csv: 4 rows read, 4 used, 0 excluded")
    assert "Wrote results.xlsx, results.json, run.json" in result.stderr


def test_quiet_pool_says_nothing_beside_its_result(call, good):
    assert call("pool", good, "--no-figures", "-q").stderr == ""


def test_pool_with_dependent_effects(call, nested):
    assert "Model: che, rho .60" in call("pool", nested, "--no-figures").stdout


def test_pool_aggregates_for_a_two_level_model(call, nested):
    result = call("pool", nested, "--no-figures", "--model", "two-level")
    assert result.stdout.startswith("7 effects were averaged within studies (rho = 0.5).")


SMALL = {"one effect": 2, "two effects": 3}


@pytest.mark.parametrize("lines", SMALL.values(), ids=SMALL)
def test_very_few_studies(call, good, lines):
    good.write_text("\n".join(good.read_text().splitlines()[:lines]) + "\n")
    assert call("pool", good, "--no-figures").exit_code == 0


def test_identical_effects(call, good):
    rows = "".join(f"S{i},0.3,40,higher_better\n" for i in range(4))
    good.write_text("study,r,n,outcome_direction\n" + rows)
    assert call("pool", good, "--no-figures").exit_code == 0


@pytest.mark.parametrize("policy", ["zero", "drop"])
def test_policy_is_applied(call, good, policy):
    good.write_text(good.read_text() + "Egan 2001,n.s.,30,higher_better\n")
    assert call("pool", good, "--no-figures", "--nonsignificant", policy).exit_code == 0


# validate -------------------------------------------------------------------------------


def test_valid_sheet(call, good):
    result = call("validate", good)
    assert (result.exit_code, result.stdout) == (0, "")


def test_valid_sheet_is_summed_up(call, good):
    assert call("validate", good).stderr == (
        "good.csv, sheet good.csv: 4 rows read, 4 usable, 0 excluded, 0 in error; "
        "0 errors, 0 warnings, 0 notes.\n"
    )


def test_invalid_sheet_prints_its_problems_on_stdout(call, bad):
    result = call("validate", bad)
    assert result.exit_code == 1
    assert "bad.csv!B2  Adler 1988, r = '1.3'" in result.stdout


def test_invalid_sheet_is_summed_up(call, bad):
    assert "3 rows read, 1 usable, 0 excluded, 2 in error; 2 errors" in call("validate", bad).stderr


def test_warnings_are_no_failure(call, good):
    good.write_text("study,r,n\nA,0.3,40\n")
    assert call("validate", good).exit_code == 0


def test_warnings_are_a_failure_on_request(call, good):
    good.write_text("study,r,n\nA,0.3,40\n")
    assert call("validate", good, "--strict").exit_code == 1


def test_validate_writes_nothing(call, bad, tmp_path):
    call("validate", bad)
    assert [p.name for p in tmp_path.iterdir()] == ["bad.csv"]


# explain --------------------------------------------------------------------------------


@pytest.mark.parametrize("code", sorted(MESSAGES))
def test_every_code_is_explained(call, code):
    result = call("explain", code)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{code} ({MESSAGES[code].severity}): {MESSAGES[code].title}")


def test_code_in_small_letters(call):
    assert call("explain", "ma312").stdout == call("explain", "MA312").stdout


def test_all_codes_are_listed(call):
    assert len(call("explain").stdout.splitlines()) == len(MESSAGES)


@pytest.mark.parametrize("code", ["nonsense", "MA000", "", "312"])
def test_unknown_code(call, code):
    result = call("explain", code)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "There is no code" in result.stderr


def test_near_code_is_suggested(call):
    assert "Did you mean MA312" in call("explain", "MA3122").stderr


# Failures -------------------------------------------------------------------------------


def outcome(capsys, error, **options):
    def fail():
        raise error

    with pytest.raises(Exception) as caught:
        guarded("pool", fail, **options)
    return caught.value, capsys.readouterr()


def test_interruption_exits_with_130(capsys):
    found, _ = outcome(capsys, KeyboardInterrupt())
    assert found.exit_code == 130


def test_internal_error_exits_with_70(capsys):
    found, _ = outcome(capsys, ZeroDivisionError("x"))
    assert found.exit_code == 70


def test_internal_error_is_one_sentence(capsys):
    _, streams = outcome(capsys, ZeroDivisionError("x"))
    assert streams.out == ""
    assert streams.err.startswith("Internal error (ZeroDivisionError: x). This is a fault of")


def test_internal_error_is_raised_for_debugging(capsys):
    found, _ = outcome(capsys, ZeroDivisionError("x"), debug=True)
    assert isinstance(found, ZeroDivisionError)


def test_internal_error_as_json(capsys):
    _, streams = outcome(capsys, ZeroDivisionError("x"), json_output=True)
    assert '"code": "MA699"' in streams.out
