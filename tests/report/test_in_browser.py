"""The page in headless Chromium: sorting, filtering, and that its policy holds."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
]

PROBE = """
<script>
var table = document.getElementById("rows-studies");
var rows = function () { return Array.from(table.tBodies[0].rows); };
var column = function (i) { return rows().map(function (r) { return r.cells[i].textContent; }); };
var cells = Array.from(table.tHead.rows[0].cells);
var heads = cells.map(function (c) { return c.textContent; });
var at = heads.indexOf("n"), found = {heads: heads};
var button = cells[at].querySelector("button");
button.click(); found.up = column(at); found.sort = cells[at].getAttribute("aria-sort");
button.click(); found.down = column(at);
var input = document.getElementById("filter-studies");
input.value = "cmd"; input.dispatchEvent(new Event("input"));
found.shown = rows().filter(function (r) { return !r.hidden; }).length;
found.count = document.getElementById("count-studies").textContent;
document.body.setAttribute("data-found", JSON.stringify(found));
</script>
"""


def dom(path):
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
               path.as_uri()]  # fmt: skip
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, timeout=120)
    return done.stdout


def test_table_sorts_and_filters(made, tmp_path):
    page = re.sub(r"<meta http-equiv[^>]*>", "", made.text("report.html"))
    (tmp_path / "page.html").write_text(page.replace("</body>", f"{PROBE}</body>"), "utf-8")
    attribute = re.search(r'data-found="([^"]*)"', dom(tmp_path / "page.html"))
    found = json.loads(attribute[1].replace("&quot;", '"').replace("&amp;", "&"))
    numbers = [int(text) for text in found["up"]]
    assert numbers == sorted(numbers)
    assert [int(text) for text in found["down"]] == sorted(numbers, reverse=True)
    assert found["sort"] == "ascending"
    assert found["shown"] == 1
    assert found["count"] == "1 of 12 rows"


def test_policy_of_the_page_stops_foreign_scripts(made, tmp_path):
    text = made.text("report.html").replace("</body>", f"{PROBE}</body>")
    (tmp_path / "page.html").write_text(text, "utf-8")
    assert 'data-found="' not in dom(tmp_path / "page.html")
