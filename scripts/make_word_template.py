"""Write an example of a team's own Word file for `report --template`, with every kind of field.

    python scripts/make_word_template.py mine.docx

Open it in Word, write around the fields, and give it to `metaalliance report studies.xlsx
--template mine.docx`: manuscript.docx in the folder of results is the same file with the results.
"""

from __future__ import annotations

import sys
from pathlib import Path

import docx

from metaalliance.report.manuscript.values import NAMES

ABSTRACT = (
    "We pooled {{ effects }} effects of {{ k }} studies ({{ years }}, N = {{ participants }}). The "
    "mean correlation was r = {{ r }}, 95% CI {{ ci }}, {{ test }}; the 95% prediction interval "
    "was {{ pi }} (τ = {{ tau }}, {{ tau_ci }}; I² = {{ I2 }}; {{ Q }}). {{ above_zero }} of the "
    "true correlations are above zero."
)
DIGITS = (
    "Any number of results.json, with the digits you want: r = "
    "{{ results.pooled.r.estimate|r(3) }}, "
    "p {{ results.pooled.p_value|p }}."
)
FIGURE = "{% if figures.forest is defined %}{{ figures.forest }}{% endif %}"


def example() -> docx.document.Document:
    """Return the document."""
    book = docx.Document()
    book.add_heading("{{ title }}", 0)
    book.add_paragraph("{{ authors }}")
    book.add_heading("Abstract", 1)
    book.add_paragraph(ABSTRACT)
    book.add_heading("Method", 1)
    book.add_paragraph("{{p sections.data.methods }}")
    book.add_paragraph("{{p sections.pooled.methods }}")
    book.add_heading("Results", 1)
    book.add_paragraph("{{p summary }}")
    book.add_paragraph(DIGITS)
    book.add_paragraph("{{p tables.studies }}")
    book.add_paragraph(FIGURE)
    book.add_heading("References", 1)
    book.add_paragraph("{{p references }}")
    book.add_heading("Fields of one value", 1)
    table = book.add_table(rows=1, cols=3)
    for cell, text in zip(table.rows[0].cells, ("Name", "What", "Value"), strict=True):
        cell.text = text
    for name, what in NAMES.items():
        for cell, text in zip(
            table.add_row().cells, (name, what, f"{{{{ {name} }}}}"), strict=True
        ):
            cell.text = text
    return book


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "template.docx")
    example().save(str(target))
    print(f"Wrote {target}")
