"""The extraction workbook that a team begins with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.utils import get_column_letter

from metaalliance.core.conversion.rules import RULES
from metaalliance.sheet.columns.specification import COLUMNS, IN_WORKBOOK, Column
from metaalliance.sheet.columns.vocabularies import VOCABULARIES, Vocabulary
from metaalliance.sheet.template.archive import font, workbook_bytes, write_text
from metaalliance.sheet.template.codebook import write_about, write_codebook
from metaalliance.sheet.template.entry_checks import number_format, validation, values_text
from metaalliance.sheet.template.style import group_fill, set_widths, write_header_cell

#: Rows that have dropdowns and entry checks.
LAST_ROW = 5_000

_WIDTHS = {"study": 30, "outcome_measure": 20, "diagnosis": 18, "doi": 22, "page": 14, "quote": 34,
           "notes": 50, "exclusion_reason": 28, "statistic": 16, "country": 14}  # fmt: skip
_WIDEST = 24
#: Statistics, and what stands beside them, that many reports give; the others are collapsed.
_OFTEN = frozenset({"n", "r", "t", "df", "F", "df1", "df2", "d"})
#: Columns of the short form.
_SHORT = frozenset(
    {"study", "label", "year", "sample", "effect", "alliance_measure", "alliance_rater",
     "alliance_time", "outcome_measure", "outcome_domain", "outcome_rater", "outcome_time",
     "outcome_direction", "n", "r", "sign", "statistic", "value", "modality", "format",
     "population", "risk_of_bias", "page", "notes", "include", "exclusion_reason"}
)  # fmt: skip
_GREY = font(italic=True, color="7F7F7F")

_REASON = "example row: delete it"
_EXAMPLES: tuple[dict[str, Any], ...] = (
    {"study": "EXAMPLE 1 (delete)", "year": 2011, "effect": "1", "alliance_measure": "WAI-S",
     "alliance_subscale": "total", "alliance_rater": "client", "alliance_time": "early",
     "outcome_measure": "BDI", "outcome_domain": "symptom", "outcome_rater": "client",
     "outcome_time": "post", "outcome_direction": "lower_better", "n": 62, "r": -0.28,
     "modality": "CBT", "delivery": "face-to-face", "format": "individual", "design": "RCT",
     "diagnosis": "depression", "population": "adult", "setting": "outpatient",
     "source": "journal", "page": "142, Table 3",
     "notes": "r as printed; lower_better turns it into .28", "include": "no",
     "exclusion_reason": _REASON},
    {"study": "EXAMPLE 2 (delete)", "year": 1998, "effect": "1", "alliance_measure": "VTAS",
     "alliance_rater": "observer", "alliance_time": "averaged", "outcome_measure": "GAF",
     "outcome_domain": "functioning", "outcome_rater": "therapist", "outcome_time": "follow-up",
     "outcome_direction": "higher_better", "n": 45, "F": 5.12, "df1": 1, "df2": 43, "sign": "+",
     "modality": "psychodynamic", "format": "individual", "design": "other",
     "source": "dissertation", "page": "87",
     "notes": "F has no sign; the text says: higher alliance, higher GAF",
     "include": "no", "exclusion_reason": _REASON},
)  # fmt: skip


def template_workbook(
    vocabularies: Mapping[str, Vocabulary] = VOCABULARIES, *, short: bool = False
) -> bytes:
    """Return the empty extraction workbook as .xlsx.

    Its sheets are `effects` (a column for each of the specification, with prompts, dropdowns
    and two example rows that are never pooled; statistics that few reports give stand in
    collapsed groups), `codebook`, `about`, and the hidden `_lists` that feeds the dropdowns.
    Equal calls give equal bytes.

    Parameters
    ----------
    vocabularies : dict of str to Vocabulary
        Levels of the dropdowns; a team's own, or the built-in ones.
    short : bool
        Only the columns that most teams need; statistics other than r stand in `statistic`
        and `value`.

    Examples
    --------
    >>> template_workbook()[:2]
    b'PK'
    """
    return workbook_bytes(template_book(vocabularies, short=short), "Extraction workbook")


def template_book(
    vocabularies: Mapping[str, Vocabulary] = VOCABULARIES,
    *,
    short: bool = False,
    examples: Sequence[Mapping[str, Any]] = _EXAMPLES,
    collapse: bool = True,
) -> Workbook:
    """Return the workbook of `template_workbook`, to be filled in where there are no examples."""
    levels = _levels(vocabularies)
    book = Workbook()
    effects = book.active
    effects.title = "effects"
    codebook, about = book.create_sheet("codebook"), book.create_sheet("about")
    sources = _write_lists(book.create_sheet("_lists"), levels)
    columns = [c for c in IN_WORKBOOK if c.name in _SHORT] if short else list(IN_WORKBOOK)
    groups = {} if short or not collapse else collapsed_groups(columns)
    _write_effects(effects, columns, levels, sources, examples)
    _collapse(effects, columns, groups)
    write_codebook(codebook, columns, vocabularies, {c for names in groups.values() for c in names})
    write_about(about, tuple(groups))
    return book


def collapsed_groups(columns: Sequence[Column]) -> dict[str, tuple[str, ...]]:
    """Return the columns that are collapsed by the column that follows them.

    Examples
    --------
    >>> collapsed_groups(IN_WORKBOOK)["sign"]
    ('se', 'ci_low', 'ci_high', 'ci_level')
    """
    groups: dict[str, tuple[str, ...]] = {}
    run: list[str] = []
    for column in columns:
        if column.group in {"statistic", "companion"} and column.name not in _OFTEN:
            run.append(column.name)
        elif run:
            groups[column.name], run = tuple(run), []
    return groups


def _collapse(sheet: Any, columns: Sequence[Column], groups: Mapping[str, tuple[str, ...]]) -> None:
    """Hide groups of columns behind a + over the next one, whose header shows that they are there.

    The hint is a number format, so that the header stays the name of its column.
    """
    places = {c.name: i for i, c in enumerate(columns, start=1)}
    sheet.column_dimensions.max_outline = 1 if groups else None
    for after, names in groups.items():
        for name in names:
            dimension = sheet.column_dimensions[get_column_letter(places[name])]
            dimension.outlineLevel, dimension.hidden = 1, True
        dimension = sheet.column_dimensions[get_column_letter(places[after])]
        dimension.collapsed = True
        header = sheet.cell(1, places[after])
        hint = f"  [+] {len(names)} more"
        header.number_format = f'@"{hint}"'
        dimension.width = max(dimension.width, 1.05 * len(after + hint) + 3)
        text = f"{header.comment.text}\nCollapsed left of it (open with the +): {', '.join(names)}."
        header.comment = _note(text)


def _levels(vocabularies: Mapping[str, Vocabulary]) -> dict[str, tuple[str, ...]]:
    """Entries of the dropdown of each column that has one."""
    found = {name: v.levels for name, v in vocabularies.items() if name in COLUMNS}
    return {**found, "statistic": tuple(RULES)}


def _write_lists(sheet: Any, levels: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Write the levels to the hidden sheet; return the range of each column."""
    sources = {}
    for index, (name, entries) in enumerate(levels.items(), start=1):
        write_text(sheet.cell(1, index), name)
        for row, entry in enumerate(entries, start=2):
            write_text(sheet.cell(row, index), entry)
        letter = get_column_letter(index)
        sources[name] = f"'{sheet.title}'!${letter}$2:${letter}${len(entries) + 1}"
    sheet.sheet_state = "hidden"
    return sources


def _write_effects(
    sheet: Any,
    columns: Sequence[Column],
    levels: Mapping[str, tuple[str, ...]],
    sources: Mapping[str, str],
    examples: Sequence[Mapping[str, Any]],
) -> None:
    """Header, formats, entry checks and examples."""
    set_widths(sheet, (_width(c, levels.get(c.name, ())) for c in columns))
    names = {column.name for column in columns}
    sheet.row_dimensions[1].height = 34  # the filter buttons sit below the names
    for index, column in enumerate(columns, start=1):
        letter = get_column_letter(index)
        entries = levels.get(column.name, ())
        write_header_cell(sheet.cell(1, index), column.name, group_fill(column.group))
        sheet.cell(1, index).comment = _comment(column, entries)
        sheet.column_dimensions[letter].number_format = number_format(column)
        check = validation(column, entries, sources.get(column.name, ""))
        check.add(f"{letter}2:{letter}{LAST_ROW}")
        sheet.add_data_validation(check)
        for row, example in enumerate(examples, start=2):
            shown = example if "F" in names else _in_long_form(example)
            _write_example(sheet.cell(row, index), column, shown.get(column.name))
    sheet.freeze_panes = "B2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{LAST_ROW}"
    sheet.page_setup.orientation = "landscape"
    sheet.print_title_rows = "1:1"


def _in_long_form(example: Mapping[str, Any]) -> Mapping[str, Any]:
    """An example without the columns of single statistics other than r."""
    if "F" not in example:
        return example
    told = "t as printed, in statistic and value; higher alliance, higher GAF"
    return {**example, "statistic": "t", "value": 2.26, "sign": None, "notes": told}


def _width(column: Column, levels: tuple[str, ...]) -> float:
    """Room for the name in bold and for the longest level."""
    if column.name in _WIDTHS:
        return _WIDTHS[column.name]
    longest = max((len(level) for level in levels), default=5)
    return max(1.05 * len(column.name) + 1.5, min(longest + 4, _WIDEST), 7)


def _write_example(cell: Any, column: Column, value: Any) -> None:
    """One cell of an example row, blank or not."""
    if isinstance(value, str):
        write_text(cell, value)
    else:
        cell.value = value
    cell.number_format = number_format(column)
    cell.font = _GREY


def _comment(column: Column, levels: tuple[str, ...]) -> Comment:
    """What to enter, as the note that the header shows under the pointer."""
    lines = [column.about, f"Values: {values_text(column, levels)}."]
    if column.aliases:
        lines.append(f"Also read as: {', '.join(column.aliases)}.")
    return _note("\n".join(lines))


def _note(text: str) -> Comment:
    height = 20 + 16 * sum(1 + len(line) // 46 for line in text.split("\n"))
    return Comment(text, "metaalliance", width=320, height=height)
