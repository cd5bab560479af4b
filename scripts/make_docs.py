"""Write the pages of docs/ that are made from the code.

They are workbook, vocabulary, conversions, references, literature, messages, commands, publication
bias and Python. Run without arguments to write them, to put real output under the commands of the
pages of docs/start (half a minute), and to copy the files of data/ that the package ships; a
test runs it with ``--check``, which leaves the commands to a test of their own.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from api_pages import api_pages
from console_output import rewrite
from typer.testing import CliRunner

from metaalliance.cli.app import COMMANDS, app
from metaalliance.core.conversion.rules import RULES
from metaalliance.core.conversion.sampling import phi_z_variance, point_biserial_z_variance
from metaalliance.messages import MESSAGES
from metaalliance.model import Model
from metaalliance.plots.published import Published, published_results
from metaalliance.publication_bias.methods import METHODS, Method
from metaalliance.report.manuscript.bibliography import BIBLIOGRAPHY
from metaalliance.setting import settings_in
from metaalliance.sheet.columns.specification import COLUMNS, Column
from metaalliance.sheet.columns.vocabularies import TOTALS, VOCABULARIES, Vocabulary, term_pages
from metaalliance.sheet.rules.directions import PARTS
from metaalliance.sheet.template.entry_checks import values_text
from metaalliance.sheet.template.style import GROUPS

ROOT = Path(__file__).resolve().parent.parent
DOCS, DATA, EXAMPLES = ROOT / "docs", ROOT / "data", ROOT / "metaalliance" / "examples"
HEAD = "<!-- Made by scripts/make_docs.py from the code; edit the code. -->\n\n"
METHODS_BEGIN, METHODS_END = "<!-- methods: begin -->", "<!-- methods: end -->"
GIVES = {"test": "test", "mean": "adjusted mean", "both": "test, adjusted mean", "count": "counts"}
CODE_GROUPS = {
    "MA1": "Files",
    "MA2": "Sheets and headers",
    "MA3": "Cells",
    "MA4": "Rows",
    "MA5": "Studies and the data set",
    "MA6": "Analysis and output",
    "MA7": "Path models of correlations",
}


def cell(text: str) -> str:
    """Escape a text for a Markdown table."""
    return text.replace("|", "\\|").replace("\n", " ")


def values_of(column: Column) -> str:
    """Say what a column may hold."""
    if column.vocabulary is not None and column.vocabulary.named:
        return f"[{len(column.vocabulary.levels)} instruments](vocabulary.md) or another"
    if column.vocabulary is not None:
        listed = ", ".join(f"`{level}`" for level in column.vocabulary.levels)
        return listed + (" or another" if column.vocabulary.open else "")
    return values_text(column)


def workbook_page() -> str:
    """Return the page about the extraction workbook."""
    unsigned = [f"`{rule.statistic}`" for rule in RULES.values() if not rule.signed]
    percent = [f"`{c.name}`" for c in COLUMNS.values() if c.percent is not None]
    intro = (DOCS / "sheets/workbook_intro.md.in").read_text(encoding="utf-8")
    for name, listed in (("unsigned", unsigned), ("percent", percent)):
        intro = intro.replace(f"{{{{{name}}}}}", f"{', '.join(listed[:-1])} and {listed[-1]}")
    parts = [HEAD, intro]
    for group, (title, _) in GROUPS.items():
        parts.append(f"\n### {title}\n\n| column | what to enter | values | also read as |\n")
        parts.append("|---|---|---|---|\n")
        for column in (c for c in COLUMNS.values() if c.group == group):
            aliases = ", ".join(f"`{a}`" for a in column.aliases)
            row = (f"`{column.name}`", column.about, values_of(column), aliases)
            parts.append(f"| {' | '.join(cell(x) for x in row)} |\n")
    parts.append(
        "\n## Levels\n\nWhat else each level is called, the directions of instruments and the "
        "pages where they were seen stand on [the page of the vocabulary](vocabulary.md).\n"
    )
    return "".join(parts)


def page_links(keys: Iterable[str]) -> str:
    """Return links to pages of the register of terms."""
    addresses = {key: address for key, (address, _) in term_pages().items()}
    return ", ".join(f"[{k}]({addresses[k]})" if addresses[k] else "this program" for k in keys)


def level_table(vocabulary: Vocabulary) -> str:
    """Return the levels of a column with what is known of them."""
    heads = {"level": True, "also read as": True, "higher is": bool(vocabulary.higher),
             "seen at": bool(vocabulary.pages)}  # fmt: skip
    rows = [
        (f"`{level}`", ", ".join(vocabulary.aliases.get(level, ())),
         vocabulary.higher.get(level, ""), page_links(vocabulary.pages.get(level, ())))
        for level in vocabulary.levels
    ]  # fmt: skip
    shown = [i for i, kept in enumerate(heads.values()) if kept]
    names = list(heads)
    lines = [f"| {' | '.join(names[i] for i in shown)} |\n", f"|{'---|' * len(shown)}\n"]
    lines += [f"| {' | '.join(cell(row[i]) for i in shown)} |\n" for row in rows]
    return "".join(lines)


def vocabulary_page() -> str:
    """Return the page of the vocabulary: levels, directions, questions and their pages."""
    text = (DOCS / "sheets/vocabulary.md.in").read_text(encoding="utf-8")
    asked = [
        f"- `{column}`: {vocabulary.question(name)} ({page_links(vocabulary.pages[name])})\n"
        for column, vocabulary in VOCABULARIES.items()
        for name in vocabulary.questions
    ]
    text = text.replace("{{questions}}\n", "".join(asked))
    for mark, words in (("{{totals}}", TOTALS), ("{{parts}}", PARTS)):
        text = text.replace(mark, ", ".join(sorted(words)))
    for key in term_pages():
        text = text.replace(f"{{{{{key}}}}}", page_links([key]))
    parts = [HEAD, text]
    for column in (c for c in COLUMNS.values() if c.vocabulary is not None):
        other = " Other values are kept as they are." if column.vocabulary.open else ""
        parts.append(f"\n## `{column.name}`\n\n{column.about}{other}\n\n")
        parts.append(level_table(column.vocabulary))
    parts.append("\n## Pages\n\n| page | what was seen |\n|---|---|\n")
    parts += [
        f"| {page_links([key])} | {cell(seen)} |\n"
        for key, (address, seen) in term_pages().items()
        if address
    ]
    return "".join(parts)


def conversions_table() -> str:
    """Return the table of conversions in the order of precedence."""
    lines = ["| statistic | needs | sign | source |\n|---|---|---|---|\n"]
    for rule in RULES.values():
        needs = ", ".join(" or ".join(f"`{a}`" for a in group) for group in rule.needs)
        sign = "its own" if rule.signed else "`sign` column"
        lines.append(f"| `{rule.statistic}` | {needs} | {sign} | {cell(rule.source)} |\n")
    return "".join(lines)


def formulas_table() -> str:
    """Return the table of formulas in the order of precedence."""
    lines = ["| statistic | r | variance of Fisher z | r exact? |\n|---|---|---|---|\n"]
    for rule in RULES.values():
        exact = {True: "yes", False: "approximate"}.get(rule.exact, rule.exact)
        texts = (rule.formula, rule.variance, str(exact))
        lines.append(f"| `{rule.statistic}` | {' | '.join(map(cell, texts))} |\n")
    return "".join(lines)


def factors_table() -> str:
    """Return n times the variance of Fisher z by share of a group and r, for d and for φ."""
    sizes = (0.1, 0.2, 0.3, 0.4, 0.5)
    heads = [f"{of} r = {no_zero(r)}" for of in ("d,", "φ,") for r in sizes]
    lines = [f"| share | {' | '.join(heads)} |\n|{'---|' * (1 + len(heads))}\n"]
    for share in (0.5, 0.3, 0.2, 0.1, 0.05):
        d = [point_biserial_z_variance(r, share, 1 - share) for r in sizes]
        phi = [split_variance(r, share) for r in sizes]
        lines.append(f"| {share:.0%} | {' | '.join(map(no_zero, (*d, *phi)))} |\n")
    return "".join(lines)


def split_variance(r: float, share: float) -> float:
    """Return n times the variance of Fisher z of φ = r where one margin is halved; NaN if none."""
    a = share / 2 + r * math.sqrt(share * (1 - share)) / 2
    cells = (a, 0.5 - a, share - a, 0.5 - share + a)
    return phi_z_variance(*cells) if min(cells) >= 0 else math.nan


def no_zero(value: float) -> str:
    """Return a number with two decimals, without a leading zero."""
    return "–" if math.isnan(value) else f"{value:.2f}".removeprefix("0")


def conversions_page() -> str:
    """Return the page about conversions."""
    text = (DOCS / "sheets/conversions.md.in").read_text(encoding="utf-8")
    text = text.replace("{{table}}", conversions_table()).replace("{{factors}}", factors_table())
    return HEAD + text.replace("{{formulas}}", formulas_table())


def as_printed(result: Published) -> str:
    """Return a published result with at least two decimals: "r = 0.275 [0.25, 0.30]"."""
    values = (v for v in (result.estimate, result.low, result.high) if not math.isnan(v))
    value, *limits = (f"{v:.2f}" if round(v, 2) == v else f"{v:g}" for v in values)
    text = f"{result.effect} = {value}" + (f" [{', '.join(limits)}]" if limits else "")
    return text.replace("-", "\N{MINUS SIGN}")


def literature_page() -> str:
    """Return the page about published results, with the source of each."""
    results = published_results()
    years = [result.year for result in results]
    heads = ("group", "review", "about", "*k*", "as printed", "source", "note")
    rows = [f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|\n"]
    for result in results:
        doi = result.source.removeprefix("https://doi.org/")
        source = result.source if doi == result.source else f"[{doi}]({result.source})"
        about = (result.group, result.label, result.about, result.k)
        cells = (*about, as_printed(result), source, result.note)
        rows.append(f"| {' | '.join(map(cell, cells))} |\n")
    text = (DOCS / "results/literature.md.in").read_text(encoding="utf-8")
    text = text.replace("{{count}}", str(len(results)))
    text = text.replace("{{years}}", f"{min(years)} to {max(years)}")
    return HEAD + text.replace("{{table}}", "".join(rows))


def messages_page() -> str:
    """Return the page with every message."""
    parts = [
        HEAD,
        "# Every message\n\nCodes are stable. `metaalliance explain MA312` prints one.\n",
    ]
    for prefix, title in CODE_GROUPS.items():
        parts.append(f"\n## {title}\n")
        for code, message in sorted(MESSAGES.items()):
            if code.startswith(prefix):
                parts.append(f"\n### {code}: {message.title}\n\n*{message.severity}.* ")
                parts.append(f"{message.explanation} {message.remedy}".strip() + "\n")
    return "".join(parts)


def commands_page() -> str:
    """Return the help text of every command."""
    parts = [HEAD, (DOCS / "reference/commands_intro.md.in").read_text(encoding="utf-8")]
    os.environ.update(COLUMNS="90", TERMINAL_WIDTH="90", LC_ALL="C.UTF-8")
    for command in ("", *COMMANDS):
        words = [command, "--help"] if command else ["--help"]
        done = CliRunner().invoke(app, words, prog_name="metaalliance", catch_exceptions=False)
        title = f"metaalliance {command}".strip()
        parts.append(f"\n## `{title}`\n\n```text\n{done.stdout.rstrip()}\n```\n")
    return "".join(parts)


def method_row(method: Method) -> str:
    """Return the row of a method for publication bias."""
    result = method.result
    taken = [f"`{s.name}`" for s in settings_in(Model) if s.name in result.takes]
    several = "averaged first" if method.averages else "taken as they are"
    sentence = method.sentence.replace("{name}", method.title)
    sources = "; ".join(BIBLIOGRAPHY[key].parenthetical() for key in method.references)
    cells = (
        f"`{result.method}`", sentence, GIVES[method.kind], several, ", ".join(taken),
        result.because, sources,
    )  # fmt: skip
    return f"| {' | '.join(cell(text) for text in cells)} |\n"


def bias_page() -> str:
    """Return the page about publication bias with the table of its methods."""
    text = (DOCS / "publication_bias.md").read_text(encoding="utf-8")
    before, rest = text.split(METHODS_BEGIN)
    _, after = rest.split(METHODS_END)
    rows = dict.fromkeys(method_row(m) for m in METHODS)
    head = (
        "| function | what it does | gives | several effects of a study | settings of `pool` that "
        "it takes | why not others | source |\n| --- | --- | --- | --- | --- | --- | --- |\n"
    )
    return f"{before}{METHODS_BEGIN}\n\n{head}{''.join(rows)}\n{METHODS_END}{after}"


def references_page() -> str:
    """Return the list of every work that is cited."""
    parts = [
        HEAD,
        "# References\n\nThe works that the code, its reports and these pages cite. They were read "
        "in reference lists of R packages (metafor,\nclubSandwich, robumeta, stats) or in other "
        "public ones; a part that none of them shows is left out. The reviews and studies of\nthe "
        "example data have their sources in the data files.\n\n",
    ]
    for work in sorted(BIBLIOGRAPHY.values(), key=lambda work: work.sort_key()):
        before, italic, after = work.apa()
        address = work.address()
        text = f"{before.replace('*', '&#42;')}*{italic}*{after.removesuffix(address)}".rstrip()
        link = f" [{address.removeprefix('https://doi.org/')}]({address})" if address else ""
        parts.append(f"- {text}{link}\n")
    return "".join(parts)


PAGES = {
    "reference/references.md": references_page,
    "publication_bias.md": bias_page,
    "sheets/workbook.md": workbook_page,
    "sheets/vocabulary.md": vocabulary_page,
    "sheets/conversions.md": conversions_page,
    "results/literature.md": literature_page,
    "reference/messages.md": messages_page,
    "reference/commands.md": commands_page,
}


def main() -> int:
    """Write the pages, or check that they are up to date."""
    checking = "--check" in sys.argv[1:]
    shipped = {path.name: (DATA / path.name).read_bytes() for path in EXAMPLES.iterdir()}
    stale = [n for n, content in shipped.items() if (EXAMPLES / n).read_bytes() != content]
    if not checking:
        for name in stale:
            (EXAMPLES / name).write_bytes(shipped[name])
        stale.clear()
    for name, text in ({n: make() for n, make in PAGES.items()} | api_pages()).items():
        path = DOCS / name
        if not checking:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
    if not checking:
        for path in sorted((DOCS / "start").glob("*.md")):
            path.write_text(rewrite(path.read_text(encoding="utf-8")), encoding="utf-8")
    if stale:
        sys.stderr.write(f"Out of date: {', '.join(stale)}. Run make docs.\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
