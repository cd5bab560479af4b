"""The interactive page: what it holds, and what it does in a real browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from metaalliance.plots.forests.interactive import interactive_forest

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
HOSTILE = (
    "<script>alert(1)</script>",
    '</script><img src=x onerror="document.title=1">',
    "{{svg}} & \"quotes\" 'single' `tick`",
    "<!-- <b>bold</b>",
    "Zoë 日本",
)


@pytest.fixture(scope="module")
def browser():
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium is installed")
    return found


@pytest.fixture
def grouped(make_fit):
    return make_fit(12, groups=("CBT", "humanistic"), several=True)


def data_of(page):
    return json.loads(re.search(r'id="data">(.*?)</script>', page)[1])


class Elements(HTMLParser):
    """Collects the elements of a page and their attributes."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def elements_of(page):
    parser = Elements()
    parser.feed(page)
    return parser.found


def test_the_page_is_alone(grouped):
    page = interactive_forest(grouped, title="Alliance")
    for tag, attributes in elements_of(page):
        assert tag not in {"img", "iframe", "link", "object", "embed", "base"}
        assert not {"src", "href", "xlink:href", "action"} & set(attributes), tag
    urls = set(re.findall(r"https?://[^\"' ]+", page))
    assert urls == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in page
    assert "url(" not in page
    assert "fetch(" not in page and "XMLHttpRequest" not in page


def test_every_label_is_escaped(make_fit):
    fit = make_fit(10, names=HOSTILE, groups=("<i>g</i>", 'a"b'))
    page = interactive_forest(fit, title="<u>T</u>", directions=("<b>", "&amp;"))
    elements = elements_of(page)
    tags = [tag for tag, _ in elements]
    assert not {"img", "b", "i", "u"} & set(tags)
    assert tags.count("script") == 3
    handlers = [n for tag, attrs in elements for n in attrs if n.startswith("on")]
    assert handlers == ["onsubmit"]
    labels = [row["label"] for row in data_of(page) if row["kind"] == "study"]
    assert {label.rsplit(" (", 1)[0] for label in labels} == set(HOSTILE)


def test_the_same_page_every_time(grouped):
    assert interactive_forest(grouped) == interactive_forest(grouped)


def test_rows_hold_what_sorting_and_hovering_need(grouped):
    rows = data_of(interactive_forest(grouped, columns="year,n"))
    studies = [row for row in rows if row["kind"] == "study"]
    assert len(studies) == 12
    frame = grouped.effects.frame
    first = studies[0]
    assert first["sort"]["n"] == frame.loc[frame["study"] == first["label"], "n"].max()
    assert {"label", "effect", "weight", "year", "n", "k"} == set(first["sort"])
    assert first["tip"][0] == first["label"]
    assert sum(row["sort"]["weight"] for row in studies) == pytest.approx(1)
    assert {row["group"] for row in studies} == {"CBT", "Humanistic"}


DRIVE = (Path(__file__).parent / "drive_page.js").read_text(encoding="utf-8")
PROBE = f'<pre id="found"></pre><script>{DRIVE}</script>'


def driven(page, browser, folder):
    """Open a page in headless Chromium, drive it by script, and return what was found."""
    path = folder / "page.html"
    path.write_text(page.replace("</body>", PROBE + "</body>"), encoding="utf-8")
    command = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        f"--user-data-dir={folder / 'profile'}", "--window-size=1200,1000",
        "--virtual-time-budget=5000", "--dump-dom", path.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    dom = done.stdout.decode("utf-8")
    found = re.search(r'<pre id="found">(.*?)</pre>', dom, re.DOTALL)[1]
    for entity, sign in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        found = found.replace(entity, sign)
    return json.loads(found)


def test_sort_filter_search_and_hover_in_a_browser(grouped, browser, tmp_path):
    page = interactive_forest(grouped, columns=("n",))
    rows = data_of(page)
    found = driven(page, browser, tmp_path)

    def studies(shown):
        return [i for i in shown if rows[i]["kind"] == "study"]

    assert found["start"] == list(range(len(rows)))
    assert not (found["startOverlap"] or found["sortedOverlap"] or found["groupOverlap"])
    effects = [rows[i]["sort"]["effect"] for i in studies(found["sorted"])]
    assert effects == sorted(effects)
    assert len(effects) == 12
    assert studies(found["descending"]) == studies(found["sorted"])[::-1]
    assert {rows[i]["kind"] for i in found["sorted"]} == {"study", "overall", "prediction"}
    assert {rows[i]["group"] for i in studies(found["group"])} == {"CBT"}
    assert found["groupText"] == (
        "6 of 12 rows shown; the pooled results are those of all studies."
    )
    assert all("Horvath" in rows[i]["label"] for i in studies(found["search"]))
    assert studies(found["search"])
    assert [rows[i]["kind"] for i in found["none"]] == ["overall", "prediction"]
    first = next(row for row in rows if row["kind"] == "study")
    assert found["tip"] == "\n".join(first["tip"])
    assert (found["tipShown"], found["tipHidden"]) == ("block", "none")
    sizes = [rows[i]["sort"]["n"] for i in studies(found["clicked"])]
    assert sizes == sorted(sizes)
    assert found["sortValue"] == "n"
    assert found["outside"] == []


def test_hostile_labels_do_nothing_in_a_browser(make_fit, browser, tmp_path):
    fit = make_fit(10, names=HOSTILE, groups=("CBT", "<img src=x onerror=alert(1)>"))
    found = driven(interactive_forest(fit, title="Fine"), browser, tmp_path)
    assert found["images"] == 0
    assert found["scripts"] == 4
    assert found["title"] == "Fine"
