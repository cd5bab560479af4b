"""`metaalliance serve`: the real process, asked as a browser and as an attacker would."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import zipfile
from html.parser import HTMLParser
from urllib.parse import quote

import openpyxl
import pytest
from serving import HOSTILE, HOSTILE_SHEET, ROOT, SMALL, Server

from metaalliance.cli.local.analysis import safe_name
from metaalliance.report.local_page import PageState, local_page
from metaalliance.sheet.read.limits import MAX_FILE


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    found = Server(tmp_path_factory.mktemp("serve"))
    yield found
    found.close()
    assert not list(found.temporary.iterdir())


@pytest.fixture
def own_server(tmp_path):
    started = []

    def start(*words):
        started.append(Server(tmp_path, *words))
        return started[-1]

    yield start
    for found in started:
        found.close()


class Elements(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.links = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [v for k, v in attributes if k in {"src", "href", "action"} and v]
        assert not [k for k, _ in attributes if k.startswith("on")]


def test_page_and_its_headers(server):
    status, headers, body = server.ask()
    assert status == 200
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "Python" not in headers["Server"]
    assert Elements(body.decode()).links == ["data:,"]


def test_address_is_loopback_with_a_long_token(server):
    assert server.url.startswith("http://127.0.0.1:")
    assert re.fullmatch(r"/[\w-]{43}/", server.path)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", server.port), timeout=5)


@pytest.mark.parametrize("path", ["/", "/status", "/x/", "/x/status", "//", "/../", "/%2e/"])
def test_nothing_without_the_token(server, path):
    status, headers, body = server.ask(path=path)
    assert status == 403
    assert b"whole address" in body and server.path.strip("/").encode() not in body
    assert server.ask(path=path + "analyse", method="POST", body=b"x")[0] == 403
    assert headers["Content-Type"].startswith("text/plain")


def test_token_has_to_be_whole(server):
    token = server.path.strip("/")
    for wrong in (token[:-1], token + "x", token.swapcase(), token[:-1] + "é"):
        assert server.ask(path=quote(f"/{wrong}/"))[0] == 403
    assert server.ask(path=f"/{token}")[0] == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1",
                                  "localhost.evil.example:{port}", "[::1]:{port}", ""])  # fmt: skip
def test_other_host_names_are_refused(server, host):
    name = host.format(port=server.port)
    assert server.ask(Host=name)[0] == 403
    assert server.ask("analyse", "POST", b"x", Host=name)[0] == 403


def test_localhost_is_this_host(server):
    assert server.ask(Host=f"localhost:{server.port}")[0] == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:{port}"])
def test_other_pages_cannot_send(server, origin):
    named = origin.format(port=server.port)
    for name in ("analyse", "stop"):
        assert server.ask(name, "POST", b"x", Origin=named)[0] == 403
    assert server.process.poll() is None


def test_unknown_pages_and_methods(server):
    assert server.ask("../../etc/passwd")[0] == 404
    assert server.ask("report.html")[0] == 404
    assert server.ask("other", "POST", b"x")[0] == 404
    assert server.ask("", "DELETE")[0] == 501


def test_uploads_that_are_refused(server):
    assert server.upload(b"")[0] == 400
    assert server.upload("a", query="?nonsignificant=guess")[0] == 400
    head = f"POST {server.path}analyse HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n".encode()
    assert " 411 " in server.raw(head + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    assert " 411 " in server.raw(head + b"Content-Length: -1\r\n\r\n")
    assert " 400 " in server.raw(head + b"Content-Length: 50\r\n\r\nbroken off")
    assert json.loads(server.text("status"))["stage"] == "idle"


def test_upload_that_is_too_large(server):
    status, _, body = server.upload(bytes(MAX_FILE + 1))
    assert (status, body.decode()) == (413, f"The workbook is larger than {MAX_FILE >> 20} MB.")
    assert json.loads(server.text("status"))["stage"] == "idle"
    assert f'data-largest="{MAX_FILE}"' in server.text()


def test_good_workbook(server, run, tmp_path):
    name = "Prüfung 1.xlsx"
    assert server.upload(SMALL.read_bytes(), name)[0] == 202
    status, _, body = server.upload("study,r,n\n")
    assert (status, body.decode()) == (409, "Another workbook is being analysed; wait for it.")
    assert server.ask("report.html")[0] == 404
    page = server.finish()

    (tmp_path / name).write_bytes(SMALL.read_bytes())
    direct = run("report", name, "--quiet", env={"COLUMNS": "120"})
    for paragraph in direct.stdout.strip().split("\n\n"):
        assert " ".join(paragraph.split()) in page
    assert re.search(r"Warnings: \d", page) and "Errors" not in page
    assert Elements(page).links[1:] == [
        "report.html", "report.docx", "supplement.xlsx", "results.zip", "checked.xlsx",
    ]  # fmt: skip

    _, headers, packed = server.ask("results.zip")
    assert headers["Content-Disposition"].endswith(quote("Prüfung 1_results.zip"))
    zipfile.ZipFile(io.BytesIO(packed)).extractall(tmp_path / "unpacked")
    record = tmp_path / "unpacked" / "Prüfung 1_results" / "run.json"
    done = run("verify", record, name)
    assert done.returncode == 0, done.stdout
    for file in ("report.html", "report.docx"):
        assert server.ask(file)[2] == (record.parent / file).read_bytes()
    assert "sandbox" in server.ask("report.html")[1]["Content-Security-Policy"]


def test_hostile_labels_are_text(server):
    assert server.upload(HOSTILE_SHEET, HOSTILE[0] + ".csv")[0] == 202
    page = server.finish()
    found = Elements(page)
    assert found.tags.count("script") == 1 and not {"img", "b"} & set(found.tags)
    assert "&lt;script&gt;document.title = 1&lt;/script&gt;" in page
    assert "{{ 7 * 7 }}" in page and "49" not in page.partition("<main")[2]


def test_sheet_with_errors(server):
    server.upload("study,r,n\nAdler 1988,1.3,40\nBerg 1991,0.2,50\n", "mine.csv")
    page = server.finish()
    assert "1 error in mine.csv. Nothing was analysed." in page
    assert "MA312" in page and "Adler 1988" in page and "1.3" in page
    assert server.ask("report.html")[0] == 404
    book = openpyxl.load_workbook(io.BytesIO(server.ask("checked.xlsx")[2]))
    assert "Problems" in book.sheetnames


def test_file_that_is_no_workbook(server):
    server.upload(b"PK\x03\x04" + bytes(range(256)) * 9, "broken.xlsx")
    page = server.finish()
    assert re.search(r'role="alert">broken\.xlsx[^<]{10,}', page)
    assert "Traceback" not in page and server.ask("checked.xlsx")[0] == 404


@pytest.mark.skipif(os.name != "posix", reason="a signal of POSIX")
def test_file_whose_reader_crashes(own_server, tmp_path, monkeypatch):
    (tmp_path / "library").mkdir()
    crash = "import os\ndef open_workbook(**_):\n    os.abort()\n"
    (tmp_path / "library" / "xlrd.py").write_text(crash)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "library"), prepend=os.pathsep)
    server = own_server()
    server.upload((ROOT / "tests/formats/files/small.xls").read_bytes(), "old.xls")
    page = server.finish()
    assert re.search(r'role="alert">old\.xls is broken[^<]+', page), page
    assert "Traceback" not in page


def test_analysis_that_is_impossible(server):
    server.upload("study,r,n\nAdler 1988,0.3,40\nAdler 1988,0.2,40\n", "one.csv")
    page = server.finish()
    assert re.search(r'role="alert">[^<]*MA611', page), page


def test_policy_for_results_without_a_number(server):
    sheet = "study,r,n\nAdler 1988,n.s.,40\nBerg 1991,0.2,50\n"
    server.upload(sheet)
    assert "MA315" in server.finish()
    server.upload(sheet, query="?nonsignificant=zero")
    assert server.finish().count("report.html") >= 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_ends_cleanly(own_server, number):
    found = own_server()
    found.upload(SMALL.read_bytes(), "a.xlsx")
    assert list(found.temporary.glob("metaalliance_*/sheet_*/a.xlsx"))
    assert oct(next(found.temporary.iterdir()).stat().st_mode)[-3:] == "700"
    code, errors = found.interrupt(number)
    assert code == 0
    assert "Traceback" not in errors and "are removed" in errors
    assert not list(found.temporary.iterdir())


def test_stop_button(own_server):
    found = own_server()
    assert found.ask("stop", "POST")[0] == 200
    assert found.process.wait(timeout=120) == 0
    assert not list(found.temporary.iterdir())


def test_port_that_is_taken(server, run):
    done = run("serve", "--no-browser", "--port", server.port)
    assert done.returncode == 2
    assert "MA689" in done.stderr and str(server.port) in done.stderr


def test_wrong_configuration_is_found_at_once(run, tmp_path):
    (tmp_path / "metaalliance.toml").write_text("[pol]\n")
    done = run("serve", "--no-browser")
    assert done.returncode == 2 and "pol" in done.stderr


def test_configuration_of_the_working_folder_is_followed(own_server, tmp_path):
    (tmp_path / "metaalliance.toml").write_text('[pool]\nnonsignificant = "drop"\n')
    found = own_server()
    found.upload("study,r,n\nAdler 1988,n.s.,40\nBerg 1991,1.2,50\n")
    page = found.finish()
    assert "MA312" in page and "MA315" not in page


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("studies.xlsx", "studies.xlsx"),
        ("C:\\Users\\me\\studies.xlsx", "studies.xlsx"),
        ("../../x.csv", "x.csv"),
        ("", "workbook.xlsx"),
        (".xlsx", "workbook.xlsx"),
        ("a\x00b\n.csv", "ab.csv"),
        ("日本 1.tsv", "日本 1.tsv"),
        ("x" * 300 + ".xlsx", "x" * 100 + ".xlsx"),
    ],
)
def test_names_of_uploads(name, kept):
    assert safe_name(name) == kept


def test_long_lists_are_cut():
    blank = dict.fromkeys(("sheet", "study", "column", "seen", "hint"), "")
    problem = {**blank, "severity": "note", "cell": "A1", "message": "m", "code": "MA311"}
    page, _ = local_page(PageState(stage="done", problems=[problem] * 700, largest=1))
    assert page.count("<td>MA311</td>") == 500 and "Notes: 700" in page
