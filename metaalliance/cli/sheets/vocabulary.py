"""`metaalliance vocabulary`."""

from __future__ import annotations

import textwrap
from pathlib import Path

from metaalliance.analysis.analysis import config_for
from metaalliance.cli.run import OK, print_document, print_result, terminal_width
from metaalliance.errors import OptionError
from metaalliance.options import did_you_mean
from metaalliance.problems import SCHEMA_VERSION
from metaalliance.sheet.columns.scheme import scheme_of
from metaalliance.sheet.columns.vocabularies import Vocabulary, term_pages


def run_vocabulary(column: str | None, config: Path | None, *, json_output: bool) -> int:
    """Print the levels of a column with their aliases, the team's included; or list all columns."""
    vocabularies = scheme_of(config_for(Path(), config)).vocabularies
    if column is None:
        names = sorted(vocabularies)
        if json_output:
            print_document({"schema_version": SCHEMA_VERSION, "vocabularies": names})
        else:
            print_result([f"{name}: {', '.join(vocabularies[name].levels)}" for name in names])
        return OK
    name = column.strip().lower()
    if name not in vocabularies:
        hint = did_you_mean(name, vocabularies)
        listed = ", ".join(sorted(vocabularies))
        raise OptionError(f"{column!r} has no vocabulary; there are {listed}.{hint}")
    vocabulary = vocabularies[name]
    if json_output:
        print_document(_document(vocabulary))
    else:
        print_result(_lines(vocabulary))
    return OK


def _document(vocabulary: Vocabulary) -> dict[str, object]:
    def seen(name: str) -> list[str]:
        return [term_pages()[key][0] for key in vocabulary.pages.get(name, ())]

    levels = [
        {
            "level": level,
            "aliases": vocabulary.aliases.get(level, ()),
            "higher": vocabulary.higher.get(level),
            "pages": [address for address in seen(level) if address],
        }
        for level in vocabulary.levels
    ]
    questions = [
        {"name": name, "meanings": meanings, "pages": seen(name)}
        for name, meanings in vocabulary.questions.items()
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        "command": "vocabulary",
        "column": vocabulary.name,
        "open": vocabulary.open,
        "levels": levels,
        "questions": questions,
    }


def _lines(vocabulary: Vocabulary) -> list[str]:
    width = terminal_width()
    other = " (other values are kept as they are)" if vocabulary.open else ""
    lines = [f"{vocabulary.name}{other}"]
    for level in vocabulary.levels:
        names = ", ".join(vocabulary.aliases.get(level, ()))
        side = vocabulary.higher.get(level)
        known = f"{level} (higher is {side})" if side else level
        text = f"  {known}: {names}" if names else f"  {known}"
        lines += textwrap.wrap(text, width, subsequent_indent="    ")
    for name in vocabulary.questions:
        text = f"  asked about: {vocabulary.question(name)}"
        lines += textwrap.wrap(text, width, subsequent_indent="    ")
    return lines
