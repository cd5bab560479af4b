"""CONTRIBUTING's recipe for a column and a rule about it, followed in a copy."""

from __future__ import annotations

import json

import pytest

COLUMN = """    _count("alliance_session", "Session in which the alliance was rated.", "session"),
"""
MESSAGE = """MA490 warning: an early alliance was rated late
alliance_time says early, but the session is a late one.
Correct one of them.

"""
RULE = '''
def session_problems(row: Row, choice: Choice) -> list[Problem]:
    """An early alliance belongs to the first five sessions."""
    session = row.get("alliance_session")
    if session is None or session <= 5 or row.get("alliance_time") != "early":
        return []
    message = f"the alliance is early but was rated in session {session:g}"
    return [row.problem("MA490", message, "alliance_session")]


'''
HEADER = "study,n,r,outcome_direction,alliance_time,alliance_session"


@pytest.fixture(scope="module")
def house(copied):
    copied.change("sheet/columns/specification.py", ('    _text("risk_of_bias"', COLUMN))
    copied.change("messages/rows.txt", ("MA413 ", MESSAGE))
    copied.change(
        "sheet/rules/row.py",
        ("#: Rules about a row whose statistic is chosen", RULE),
        ("    assumption_problems,\n)", "    session_problems,\n"),
    )
    return copied


@pytest.fixture(scope="module")
def template(house):
    return house.template()


def problems(house, *rows):
    path = house.folder / "studies.csv"
    path.write_text("\n".join([HEADER, *rows]), encoding="utf-8")
    done = house.run("validate", path.name, "--json")
    return [(p["code"], p["cell"], p["message"]) for p in json.loads(done.stdout)["problems"]]


def test_rule_reports_its_problem_at_the_cell(house):
    assert problems(house, "A,50,0.3,higher_better,early,12") == [
        ("MA490", "F2", "the alliance is early but was rated in session 12")
    ]


def test_rule_is_silent_elsewhere(house):
    ends = ("early,5", "late,12", "early,", ",12")
    rows = [f"S{i},{50 + i},0.3,higher_better,{end}" for i, end in enumerate(ends)]
    assert not problems(house, *rows)


def test_column_has_its_kind(house):
    [(code, cell, _)] = problems(house, "A,50,0.3,higher_better,early,2.5")
    assert (code, cell) == ("MA314", "F2")


def test_message_is_explained(house):
    assert "alliance_time says early" in house.run("explain", "MA490").stdout
    assert "### MA490: an early alliance was rated late" in house.page("reference/messages.md")


def test_column_stands_in_the_template(template):
    names = [c.value for c in template["effects"][1]]
    assert names[names.index("risk_of_bias") - 1] == "alliance_session"


def test_codebook_explains_the_column(template):
    rows = {row[0]: row for row in template["codebook"].values}
    assert rows["alliance_session"][1:5] == (
        "Study and treatment", "Session in which the alliance was rated.",
        "whole number, at least 1", "session",
    )  # fmt: skip


def test_documentation_has_the_column(house):
    row = (
        "| `alliance_session` | Session in which the alliance was rated. | whole number, at least 1"
    )
    assert row in house.page("sheets/workbook.md")


def test_column_can_be_a_moderator(house):
    rows = [f"S{i},{40 + i},0.{20 + i},higher_better,,{i}" for i in range(1, 9)]
    assert not problems(house, *rows)
    done = house.run("moderators", "studies.csv", "--by", "alliance_session", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "alliance_session" in done.stdout
