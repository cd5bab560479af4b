"""The server of the local page: this computer only, for whoever holds the token of this run.

A page in the same browser could send requests here, or make a name of its own point here (DNS
rebinding). So each request must name this address as its host, must carry the token in its path,
and, where it changes something, must not come from another origin.
"""

from __future__ import annotations

import hmac
import json
import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast, get_args
from urllib.parse import parse_qs, quote, unquote, urlsplit

from metaalliance.cli.local.analysis import LocalAnalysis, Progress
from metaalliance.cli.run import print_error
from metaalliance.options import Nonsignificant
from metaalliance.report.local_page import PageState, local_page
from metaalliance.sheet.read.limits import MAX_FILE

ADDRESS = "127.0.0.1"
_CHUNK = 1 << 16
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".zip": "application/zip",
}
#: The report keeps its own policy and is cut off from this page and its token.
_REPORT_POLICY = "sandbox allow-scripts allow-downloads; connect-src 'none'; frame-ancestors 'none'"
_NO_POLICY = "default-src 'none'; frame-ancestors 'none'"


class LocalServer(ThreadingHTTPServer):
    """A server on the loopback address.

    Parameters
    ----------
    port : int
        0 takes a free one.
    token : str
        First part of every path.
    analysis : LocalAnalysis
        What is done with an uploaded workbook.
    """

    daemon_threads = True
    allow_reuse_address = False  # another program must not share the port

    def __init__(self, port: int, token: str, analysis: LocalAnalysis) -> None:
        super().__init__((ADDRESS, port), Handler)
        self.token = token
        self.analysis = analysis

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        """Pass over browsers that have gone; say in a sentence what else went wrong."""
        error = sys.exc_info()[1]
        if not isinstance(error, (ConnectionError, TimeoutError)):
            print_error(f"A request failed ({type(error).__name__}: {error}). (MA699)")

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names under which this server answers."""
        return f"{ADDRESS}:{self.server_port}", f"localhost:{self.server_port}"

    @property
    def url(self) -> str:
        """Address of the page, with the token."""
        return f"http://{ADDRESS}:{self.server_port}/{self.token}/"


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server_version = "metaalliance"
    sys_version = ""
    timeout = 60  # of a connection that sends nothing

    @property
    def _local(self) -> LocalServer:
        return cast(LocalServer, self.server)

    def do_GET(self) -> None:
        """Answer with the page, its state or a file."""
        name = self._asked()
        if name is None:
            return
        progress = self._local.analysis.progress
        if name == "":
            text, policy = local_page(_state(progress))
            self._send(HTTPStatus.OK, text.encode(), _TYPES[".html"], policy)
        elif name == "status":
            seconds = round(time.monotonic() - progress.began) if progress.busy else 0
            state = {"stage": progress.stage, "seconds": seconds}
            self._send(HTTPStatus.OK, json.dumps(state).encode(), "application/json")
        elif name in progress.files and not progress.busy:
            self._send_file(name, progress.files[name], progress.file)
        else:
            self._say(HTTPStatus.NOT_FOUND, "There is no such page.")

    def do_POST(self) -> None:
        """Take a workbook, or stop."""
        name = self._asked()
        if name is None:
            return
        origin = self.headers.get("Origin")
        if origin is not None and origin not in {f"http://{host}" for host in self._local.hosts}:
            self._say(HTTPStatus.FORBIDDEN, "Another page may not send a workbook here.")
        elif name == "analyse":
            self._receive()
        elif name == "stop":
            self._say(HTTPStatus.OK, "Stopped. This window can be closed.")
            threading.Thread(target=self.server.shutdown, daemon=True).start()
        else:
            self._say(HTTPStatus.NOT_FOUND, "There is no such page.")

    def log_message(self, format: str, *args: object) -> None:
        """Keep the token out of the terminal."""

    def _asked(self) -> str | None:
        """Return what is asked for below the token; None after a refusal."""
        if self.headers.get("Host", "").lower() not in self._local.hosts:
            self._say(HTTPStatus.FORBIDDEN, "This address is not served here.")
            return None
        token, slash, name = urlsplit(self.path).path.lstrip("/").partition("/")
        if not slash or not hmac.compare_digest(token.encode(), self._local.token.encode()):
            sentence = "Open the page with the whole address that the terminal shows."
            self._say(HTTPStatus.FORBIDDEN, sentence)
            return None
        return name

    def _receive(self) -> None:
        """Store an uploaded workbook and start its analysis."""
        length, policy = self._length(), self._policy()
        if length is None or policy is None:
            return
        analysis = self._local.analysis
        target = analysis.begin(unquote(self.headers.get("X-File-Name", "")))
        if target is None:
            self._discard(length)
            self._say(HTTPStatus.CONFLICT, "Another workbook is being analysed; wait for it.")
            return
        try:
            complete = self._store(target, length)
        except OSError:
            complete = False
        if not complete:
            analysis.abandon()
            self._say(HTTPStatus.BAD_REQUEST, "The workbook did not arrive whole; try again.")
            return
        analysis.start(target, policy)
        self._say(HTTPStatus.ACCEPTED, "The analysis has begun.")

    def _length(self) -> int | None:
        """Return the size of the upload; None after a refusal."""
        stated = self.headers.get("Content-Length", "")
        if not (stated.isascii() and stated.isdigit()) or "Transfer-Encoding" in self.headers:
            self._say(HTTPStatus.LENGTH_REQUIRED, "The size of the workbook has to be stated.")
            return None
        length = int(stated[:20])
        if length == 0:
            self._say(HTTPStatus.BAD_REQUEST, "The file is empty.")
            return None
        if length > MAX_FILE:
            self._discard(min(length, 4 * MAX_FILE))  # so that the browser reads the answer
            size = MAX_FILE // 2**20
            self._say(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The workbook is larger than {size} MB."
            )
            return None
        return length

    def _policy(self) -> str | None:
        """Return the policy for "n.s." that the page asked for; None after a refusal."""
        asked = parse_qs(urlsplit(self.path).query).get("nonsignificant", [""])[0]
        if asked and asked not in get_args(Nonsignificant):
            self._say(HTTPStatus.BAD_REQUEST, "There is no such policy for n.s. cells.")
            return None
        return asked

    def _store(self, target: Path, length: int) -> bool:
        """Write the body to a file; False when it breaks off."""
        with target.open("wb") as stream:
            while length:
                chunk = self.rfile.read(min(length, _CHUNK))
                if not chunk:
                    return False
                stream.write(chunk)
                length -= len(chunk)
        return True

    def _discard(self, length: int) -> None:
        while length > 0 and (chunk := self.rfile.read(min(length, _CHUNK))):
            length -= len(chunk)

    def _say(self, status: HTTPStatus, sentence: str) -> None:
        self._send(status, sentence.encode(), "text/plain; charset=utf-8")

    def _send_file(self, name: str, path: Path, workbook: str) -> None:
        shown = name == "report.html"
        stem = Path(workbook).stem
        saved = f"{stem}_{name}"
        disposition = "" if shown else f"attachment; filename*=UTF-8''{quote(saved, safe='')}"
        try:
            body = path.read_bytes()
        except OSError:
            self._say(HTTPStatus.NOT_FOUND, "The file has been removed.")
            return
        policy = _REPORT_POLICY if shown else _NO_POLICY
        self._send(HTTPStatus.OK, body, _TYPES[path.suffix], policy, disposition)

    def _send(
        self,
        status: HTTPStatus,
        body: bytes,
        kind: str,
        policy: str = _NO_POLICY,
        disposition: str = "",
    ) -> None:
        self.send_response(status)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
        }
        if disposition:
            headers["Content-Disposition"] = disposition
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _state(progress: Progress) -> PageState:
    """Return what the page shows of an analysis."""
    return PageState(
        stage=progress.stage,
        file=progress.file,
        problems=progress.problems,
        message=progress.message,
        summary=progress.summary,
        downloads=tuple(progress.files),
        largest=MAX_FILE,
    )
