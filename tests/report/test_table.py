"""One table type: a number is the same text everywhere, and foreign text is only text."""

from __future__ import annotations

import math

import pytest

from metaalliance.report.tables.table import Field, Table, pad, render_text, text_width
from metaalliance.wording.untrusted import printable

TEXTS = {
    ("r", 0.2784): ".278",
    ("r", -0.2784): "−.278",
    ("r", -0.0001): ".000",
    ("r", 1.0): "1.000",
    ("r", None): "–",
    ("r", math.nan): "–",
    ("r", math.inf): "∞",
    ("number", 0.2784): "0.278",
    ("number", -12.5): "−12.500",
    ("count", 1234567.0): "1,234,567",
    ("count", None): "–",
    ("p", 0.0321): ".032",
    ("p", 0.0004): "< .001",
    ("p", 0.9999): "> .999",
    ("percent", 0.756): "75.600",
    ("percent", 0.1234565): "12.346",
    ("r", 0.2785): ".279",
    ("count", 54.5): "55",
    ("text", "Adler"): "Adler",
    ("text", "<b>[red]"): "<b>[red]",
    ("text", "\x1b[31mred"): "[31mred",
}


@pytest.mark.parametrize(("kind", "value"), TEXTS)
def test_text_of_a_value(kind, value):
    assert Field(key="x", title="X", kind=kind).text(value) == TEXTS[kind, value]


PRINTABLE = {
    "vertical\x0btab": "vertical tab",
    "bell\x07": "bell",
    "\x1b[31mred\x1b[0m": "[31mred[0m",
    "\u202eRTL\u202c": "RTL",
    "zero\u200bwidth": "zerowidth",
    "two\nlines": "two lines",
    "tab\there": "tab here",
    "\ud800": "",
    "\ue000private": "private",
    "Flückiger 😀": "Flückiger 😀",
    "[bold]x[/bold]": "[bold]x[/bold]",
}


@pytest.mark.parametrize("raw", PRINTABLE, ids=ascii)
def test_printable_text_has_no_control_characters(raw):
    assert printable(raw) == PRINTABLE[raw]


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("", 0)])
def test_width_in_a_terminal(text, width):
    assert text_width(text) == width


@pytest.mark.parametrize("text", ["abc", "日本", "e\u0301", "much longer than that"])
@pytest.mark.parametrize("right", [True, False])
def test_padding_never_shortens(text, right):
    assert text_width(pad(text, 8, right=right)) == max(8, text_width(text))


TABLE = Table(
    title="Pooled",
    fields=(Field(key="name", title="Model"), Field(key="r", title="r", kind="r")),
    rows=({"name": "che", "r": 0.278}, {"name": "two-level 日本", "r": -0.1}, {"name": "none"}),
    notes=("A note.",),
)


def test_cells_begin_with_the_header():
    assert TABLE.cells()[0] == ["Model", "r"]


def test_missing_value_is_a_dash():
    assert TABLE.cells()[-1] == ["none", "–"]


def test_rows_of_a_rendered_table_are_aligned():
    body = render_text(TABLE, 80).splitlines()[2:-1]
    assert {text_width(line) for line in body} == {text_width(body[1])}


def test_rendered_table_has_title_and_notes():
    lines = render_text(TABLE, 80).splitlines()
    assert (lines[0], lines[-1]) == ("Pooled", "A note.")


def test_narrow_table_becomes_blocks():
    assert render_text(TABLE, 12).splitlines()[1:4] == ["", "che", "  r: .278"]


def test_columns_go_one_at_a_time_then_texts_fold_then_rows_become_blocks():
    fields = (
        Field(key="name", title="Name of the study"),
        Field(key="n", title="Participants", kind="count"),
        Field(key="r", title="r", kind="r"),
        Field(key="a", title="first to stay", kind="r", optional=True),
        Field(key="b", title="first to go", kind="r", optional=True),
    )
    row = {"name": "a long name of a study", "n": 1234, "r": 0.3, "a": 0.1, "b": 0.2}
    table = Table(title="T", fields=fields, rows=(row,))
    at = {width: render_text(table, width).splitlines() for width in range(14, 80)}
    for width, lines in at.items():
        assert all(text_width(line) <= width for line in lines[2:] if width >= 30)
        told = " ".join(lines)
        assert "1,234" in told and ".300" in told
        assert ".100" in told or "left out for width: first to stay" in told
        assert ".100" in told or ".200" not in told
    assert at[79][2].split("  ")[0] == "Name of the study"
    assert "(left out for width: first to go)" in " ".join(at[48])
    assert at[32][2:6] == ["Name of the    Participants    r", "study", "─" * 32,
                           "a long name of        1,234 .300"]  # fmt: skip
    assert at[32][6] == "a study"
    assert "  Participants: 1,234" in at[20]
