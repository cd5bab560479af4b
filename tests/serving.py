"""A running `metaalliance serve`, and what is sent to it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote, urlsplit

ROOT = Path(__file__).resolve().parents[1]
SMALL = ROOT / "data" / "primary_alliance_effects.xlsx"
HOSTILE = (
    '"><img src=x onerror="document.title=1">',
    "<script>document.title = 1</script>",
    "{{ 7 * 7 }} </td><b>bold</b>",
)
HOSTILE_SHEET = "study,r,n,outcome_direction\n" + "".join(
    '"{}",1.{},40,higher_better\n'.format(label.replace('"', '""'), i)
    for i, label in enumerate(HOSTILE, start=1)
)


class Server:
    """A running `metaalliance serve`."""

    def __init__(self, folder, *words):
        self.temporary = folder / "temporary"
        self.temporary.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "metaalliance.cli.main", "serve", "--no-browser", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            cwd=folder,
            env={**os.environ, "TMPDIR": str(self.temporary), "PYTHONIOENCODING": "utf-8"},
        )
        self.url = self.process.stdout.readline().strip()
        if self.url:
            parts = urlsplit(self.url)
            self.port, self.path = parts.port, parts.path

    def ask(self, name="", method="GET", body=None, path=None, **headers):
        """Return status, headers and body of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {k.replace("_", "-"): v for k, v in headers.items()}
        connection.request(method, self.path + name if path is None else path, body, sent)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.headers, content

    def text(self, name=""):
        return self.ask(name)[2].decode()

    def upload(self, content, name="sheet.csv", query=""):
        body = content.encode() if isinstance(content, str) else content
        return self.ask(f"analyse{query}", "POST", body, X_File_Name=quote(name))

    def finish(self):
        """Wait for the analysis and return the page."""
        end = time.monotonic() + 120
        while json.loads(self.text("status"))["stage"] not in {"done", "idle"}:
            assert time.monotonic() < end
            time.sleep(0.1)
        return self.text()

    def raw(self, request):
        """Return the first line of the answer to bytes that no client would send."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            return connection.makefile("rb").readline().decode()

    def interrupt(self, number=signal.SIGINT):
        """Press Ctrl-C, or send another signal; return the exit code and standard error."""
        self.process.send_signal(number)
        return self.process.wait(timeout=120), self.process.stderr.read()

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=30)
        self.process.stdout.close()
        self.process.stderr.close()
