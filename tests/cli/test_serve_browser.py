"""The local page in a real browser: drop a workbook, read the result."""

from __future__ import annotations

import base64
import json

import pytest
from devtools import Browser, find_browser
from serving import HOSTILE_SHEET, SMALL, Server

DROP = """(() => {
  const bytes = Uint8Array.from(atob(%s), c => c.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], %s));
  document.getElementById("drop").dispatchEvent(
    new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
})()"""


@pytest.fixture
def page(tmp_path):
    program = find_browser()
    if program is None:
        pytest.skip("no Chromium is installed")
    server = Server(tmp_path)
    browser = Browser(program, tmp_path)
    browser.call("Page.navigate", url=server.url)
    browser.wait("document.readyState === 'complete' && !!document.getElementById('drop')")
    yield browser, server
    browser.close()
    server.close()


def drop(browser, content, name):
    browser.run(DROP % (json.dumps(base64.b64encode(content).decode()), json.dumps(name)))


def test_drop_read_download_stop(page):
    browser, server = page
    drop(browser, HOSTILE_SHEET.encode(), "hostile.csv")
    browser.wait("document.body.dataset.stage === 'done'")
    assert browser.run("document.title") == "metaalliance: hostile.csv"
    assert browser.run("document.images.length") == 0
    assert browser.run("document.querySelectorAll('details.error tbody tr').length") == 3
    assert "3 errors" in browser.run("document.getElementById('message').textContent")

    drop(browser, SMALL.read_bytes(), "mine.xlsx")
    browser.wait("document.title.includes('mine') && document.body.dataset.stage === 'done'")
    assert "r = .27" in browser.run("document.querySelector('main').textContent")
    assert browser.run("getComputedStyle(document.getElementById('drop')).borderStyle") == "dashed"
    assert browser.run("document.getElementById('message').hidden")
    size = browser.run("fetch('report.docx').then(a => a.arrayBuffer()).then(b => b.byteLength)")
    assert size > 10_000

    browser.call("Page.navigate", url=server.url + "report.html")
    browser.wait("document.querySelectorAll('table').length > 3")
    assert browser.run("document.querySelectorAll('thead button').length") > 0  # its script runs
    assert browser.run("fetch('status').then(() => 'sent', () => 'refused')") == "refused"

    browser.call("Page.navigate", url=server.url)
    browser.wait("!!document.getElementById('stop')")
    browser.run("document.getElementById('stop').click()")
    browser.wait("document.querySelector('main').textContent.startsWith('Stopped')")
    assert server.process.wait(timeout=30) == 0

    own = f"http://127.0.0.1:{server.port}/"
    foreign = [url for url in browser.requested if not url.startswith((own, "data:", "about:"))]
    assert not foreign
    refused = [text for text in browser.console if "Content Security Policy" in text]
    assert all(f"{server.url}status" in text for text in refused), refused
