"""Tables as LaTeX with the packages booktabs and longtable."""

from __future__ import annotations

from metaalliance.report.manuscript.prose import Prose, symbols
from metaalliance.report.tables.table import Table

_LONG = 40  # rows; longer tables run over pages
_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "\N{MINUS SIGN}": r"\ensuremath{-}", "\N{EN DASH}": "--", "²": r"\textsuperscript{2}",
    "τ": r"\ensuremath{\tau}", "ρ": r"\ensuremath{\rho}", "σ": r"\ensuremath{\sigma}",
    "χ": r"\ensuremath{\chi}", "β": r"\ensuremath{\beta}", "η": r"\ensuremath{\eta}",
    "∞": r"\ensuremath{\infty}", "≤": r"\ensuremath{\le}", "≥": r"\ensuremath{\ge}",
    "×": r"\ensuremath{\times}", "√": r"\ensuremath{\surd}", "…": r"\ldots{}", "-": "{-}",
    "†": r"\textdagger{}", "\N{EM SPACE}": r"\quad{}",
}  # fmt: skip


def escape(text: str) -> str:
    r"""Return text that LaTeX prints as it is.

    A hyphen stands in braces, so that two of them, or a "?`", are no ligature.

    Examples
    --------
    >>> print(escape("100% & $x_1$"))
    100\% \& \$x\_1\$
    """
    return "".join(_SPECIAL.get(c, c) for c in text).replace("`", "{`}").replace("'", "{'}")


def prose_latex(text: Prose) -> str:
    """Return a paragraph."""
    marks = {"italic": r"\textit{%s}", "bold": r"\textbf{%s}"}
    return "".join(marks.get(run.look, "%s").replace("%s", escape(run.text)) for run in text.runs)


def table_latex(table: Table) -> str:
    r"""Return a table with caption, three rules and notes.

    It needs ``\usepackage{booktabs,longtable}``, and with pdfLaTeX ``[T1]{fontenc}`` and
    ``{textcomp}``. Long tables are a longtable, whose head is repeated.
    """
    head, *body = table.cells()
    columns = "".join("l" if f.kind == "text" else "r" for f in table.fields)
    header = " & ".join(prose_latex(symbols(text)) for text in head) + r" \\"
    rows = [" & ".join(map(escape, row)) + r" \\" for row in body]
    caption = rf"\caption{{{prose_latex(symbols(table.title))}}}\label{{tab:{table.name}}}"
    notes = [rf"\textit{{Note.}} {prose_latex(symbols(' '.join(table.notes)))}"]
    notes = notes if table.notes else []
    if len(body) > _LONG:
        return "\n".join(_long(columns, caption, header, rows, notes)) + "\n"
    lines = [r"\begin{table}", r"\centering", caption, rf"\begin{{tabular}}{{{columns}}}"]
    lines += [r"\toprule", header, r"\midrule", *rows, r"\bottomrule", r"\end{tabular}"]
    below = [r"\par\smallskip\raggedright\footnotesize", *notes] if notes else []
    return "\n".join([*lines, *below, r"\end{table}"]) + "\n"


def _long(columns: str, caption: str, header: str, rows: list[str], notes: list[str]) -> list[str]:
    head = [r"\toprule", header, r"\midrule"]
    return [
        rf"\begin{{longtable}}{{{columns}}}", caption + r" \\", *head, r"\endfirsthead",
        *head, r"\endhead", r"\bottomrule", r"\endfoot", *rows, r"\end{longtable}",
        *((r"{\footnotesize", *notes, "}") if notes else ()),
    ]  # fmt: skip
