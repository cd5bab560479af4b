"""What the pages say exists: links, headings, commands and options, public names."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
import typer.main
from api_pages import api_pages, page_of

import metaalliance
from metaalliance import plots
from metaalliance.cli.app import COMMANDS, app

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
FENCE = re.compile(r"^ {0,3}(```+).*?^ {0,3}\1", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
INLINE = re.compile(r"`metaalliance ([^`]+)`")
#: Names of files and columns that stand for the reader's own, or elisions: no command to check.
ELIDED = re.compile(r"…|\.\.\.$")


def name_of(path):
    return str(path.relative_to(DOCS))


def slug(heading):
    """The anchor that Python-Markdown gives a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    plain = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip().lower())


def anchors(path):
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    return {slug(h) for h in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_pages_and_headings(page):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for link in LINK.findall(text):
        if link.startswith(("http://", "https://")):
            continue
        file, _, anchor = link.partition("#")
        target = page if not file else (page.parent / file).resolve()
        assert target.is_file(), f"{link}: no such file"
        assert DOCS in target.parents, f"{link}: outside of the site"
        if anchor:
            assert anchor in anchors(target), f"{link}: no such heading"


def test_every_page_is_in_the_navigation(site_config):
    listed = set(re.findall(r"[\w/]+\.md", site_config.read_text(encoding="utf-8")))
    assert {name_of(p) for p in PAGES} == listed


def test_the_site_asks_no_other_server(site_config):
    assert "font: false" in site_config.read_text(encoding="utf-8")
    for page in PAGES:
        assert not re.search(r"!\[[^\]]*\]\(https?:|<script|<link", page.read_text("utf-8")), page


def commands_in(page):
    """Every command that a page mentions in its text or prints after a prompt."""
    text = page.read_text(encoding="utf-8")
    mentioned = INLINE.findall(FENCE.sub("", text))
    return mentioned + re.findall(r"^\$ metaalliance (.+)$", text, re.MULTILINE)


def test_pages_mention_commands():
    assert sum(len(commands_in(page)) for page in PAGES) > 60


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_and_options_exist(page):
    known = typer.main.get_command(app)
    for line in commands_in(page):
        words = shlex.split(ELIDED.sub("", line).partition(" | ")[0], comments=True)
        if words and words[0].startswith("-"):
            continue
        assert words[0] in COMMANDS, f"metaalliance {line}"
        options = {
            o
            for p in known.get_command(None, words[0]).params
            for o in (*p.opts, *p.secondary_opts)
        }
        used = {w.partition("=")[0] for w in words if re.match(r"--?[a-z]", w)}
        assert used <= options | {"--help", "-h"}, f"metaalliance {line}"


def test_every_command_has_its_help_on_the_page_of_commands(docs):
    text = (docs / "reference" / "commands.md").read_text(encoding="utf-8")
    shown = re.findall(r"^## `metaalliance ([\w-]+)`$", text, re.MULTILINE)
    assert shown == list(COMMANDS)


def test_every_public_name_is_documented(docs):
    for name in metaalliance.__all__:
        if name == "plots":
            continue
        page = docs / "api" / f"{page_of(name)}.md"
        directive = f"::: {getattr(metaalliance, name).__module__}.{name}\n"
        assert page.read_text(encoding="utf-8").count(directive) == 1, name
    for name in plots.__all__:
        directive = f"::: {getattr(plots, name).__module__}.{name}\n"
        assert directive in (docs / "api" / "plots.md").read_text(encoding="utf-8"), name


def test_every_public_name_has_a_docstring():
    for holder, names in ((metaalliance, metaalliance.__all__), (plots, plots.__all__)):
        for name in names:
            assert (getattr(holder, name).__doc__ or "").strip(), name


def test_pages_of_the_python_interface_are_up_to_date(docs):
    for name, text in api_pages().items():
        assert (docs / name).read_text(encoding="utf-8") == text, f"{name}: run make docs"


@pytest.mark.slow
def test_site_builds_without_warnings(site_config, tmp_path):
    pytest.importorskip("mkdocs")
    target = tmp_path / "site"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", site_config, "-d", target],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "", "NO_MKDOCS_2_WARNING": "1", "LC_ALL": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stderr
    for page in PAGES:
        assert (target / name_of(page)).with_suffix(".html").is_file()
    html = (target / "api" / "models.html").read_text(encoding="utf-8")
    assert 'id="metaalliance.models.pool.pool"' in html
    assert not re.search(r'(src|href)="https?://(fonts|unpkg|cdn)', html)
