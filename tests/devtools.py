"""A headless Chromium driven over its DevTools protocol, with the standard library alone."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import struct
import subprocess
import time
import urllib.request
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find_browser():
    """Path of a Chromium, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One page of a browser of its own."""

    def __init__(self, program: str, folder: Path) -> None:
        profile = folder / "profile"
        self._socket: socket.socket | None = None
        words = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
        words += ["--disable-background-networking", "--remote-debugging-port=0"]
        self._process = subprocess.Popen(
            [program, *words, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            port = self._port(profile / "DevToolsActivePort")
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
                pages = [p for p in json.load(answer) if p["type"] == "page"]
            self._socket = self._connected(port, pages[0]["id"])
        except BaseException:
            self.close()
            raise
        self._number = 0
        self.requested: list[str] = []
        self.console: list[str] = []
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")

    def _port(self, file: Path) -> int:
        end = time.monotonic() + 40
        while not (file.exists() and file.read_text().count("\n")):
            if time.monotonic() > end or self._process.poll() is not None:
                raise RuntimeError("the browser did not start")
            time.sleep(0.1)
        return int(file.read_text().split()[0])

    def _connected(self, port: int, page: str) -> socket.socket:
        found = socket.create_connection(("127.0.0.1", port), timeout=60)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = (
            f"GET /devtools/page/{page} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
        )
        found.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += found.recv(1)
        assert b" 101 " in head.splitlines()[0], head
        return found

    def _send(self, text: str) -> None:
        data, mask = text.encode(), os.urandom(4)
        if len(data) < 126:
            head = struct.pack("!BB", 0x81, 0x80 | len(data))
        else:
            head = struct.pack("!BBQ", 0x81, 0xFF, len(data))
        self._socket.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self._socket.recv(count - len(data))
            if not part:
                raise ConnectionError("the browser has gone")
            data += part
        return data

    def _receive(self) -> dict:
        data, final = b"", False
        while not final:
            first, length = self._exactly(2)
            final = bool(first & 0x80)
            if length == 126:
                (length,) = struct.unpack("!H", self._exactly(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", self._exactly(8))
            data += self._exactly(length)
        return json.loads(data)

    def call(self, method: str, **parameters: object) -> dict:
        """Call a method of the protocol; events that come meanwhile are kept."""
        self._number += 1
        self._send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = self._receive()
            if message.get("id") == self._number:
                assert "error" not in message, message
                return message["result"]
            self._keep(message)

    def _keep(self, message: dict) -> None:
        name, found = message.get("method"), message.get("params", {})
        if name == "Network.requestWillBeSent":
            self.requested.append(found["request"]["url"])
        elif name == "Log.entryAdded":
            self.console.append(found["entry"]["text"])
        elif name == "Runtime.exceptionThrown":
            self.console.append(found["exceptionDetails"]["text"])

    def run(self, code: str) -> object:
        """Return the value of an expression in the page."""
        found = self.call(
            "Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait(self, code: str, seconds: float = 120) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + seconds
        while True:
            try:
                if self.run(code):
                    return
            except AssertionError:  # the page is being loaded anew
                pass
            assert time.monotonic() < end, f"never: {code}"
            time.sleep(0.2)

    def close(self) -> None:
        """End the browser."""
        if self._socket is not None:
            self._socket.close()
        self._process.terminate()
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=15)
