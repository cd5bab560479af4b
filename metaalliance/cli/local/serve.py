"""`metaalliance serve`: a page on this computer for those who do not use a terminal."""

from __future__ import annotations

import secrets
import tempfile
import webbrowser
from pathlib import Path

from metaalliance.cli.local.analysis import LocalAnalysis
from metaalliance.cli.local.server import LocalServer
from metaalliance.cli.request import Request
from metaalliance.cli.run import OK, print_error, print_result
from metaalliance.cli.settings import resolve
from metaalliance.config import Config, find_config, read_config
from metaalliance.errors import OptionError


def run_serve(request: Request, *, port: int, browser: bool) -> int:
    """Serve the page until Ctrl-C or its stop button; then remove the temporary folder.

    Every analysis follows the settings and the configuration of `request`, or the one of the
    working folder. Port 0 takes a free one.
    """
    config = request.config or find_config(Path.cwd())
    written = Config() if config is None else read_config(config)
    resolve(request, written)  # an error now, not with the first workbook
    config = None if config is None else config.resolve()
    with tempfile.TemporaryDirectory(prefix="metaalliance_") as name:
        root = Path(name)
        analysis = LocalAnalysis(root, config or _own_config(root), request.settings)
        _serve(analysis, root, port, browser=browser)
    print_error("Stopped; uploaded workbooks and their results are removed.")
    return OK


def _serve(analysis: LocalAnalysis, root: Path, port: int, *, browser: bool) -> None:
    try:
        server = LocalServer(port, secrets.token_urlsafe(32), analysis)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or "there is no such port"
        raise OptionError(
            f"Port {port} cannot be used ({reason}). Choose another with --port, or leave it out.",
            code="MA689",
        ) from None
    with server:
        try:
            print_result([server.url])
            print_error("Only this computer can open this page. Ctrl-C stops it.")
            if browser:
                _open(server.url, root)
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            pass
        finally:
            analysis.close()


def _own_config(root: Path) -> Path | None:
    """Return an empty configuration where a foreign one stands above the temporary folder."""
    if find_config(root) is None:
        return None
    path = root / "empty.toml"
    path.write_text("", encoding="utf-8")
    return path


def _open(url: str, root: Path) -> None:
    """Open the browser by way of a file, since every user can read a command line."""
    page = root / "open.html"
    page.touch(mode=0o600)
    page.write_text(
        f'<!DOCTYPE html><meta http-equiv="refresh" content="0; url={url}">'
        f'<title>metaalliance</title><a href="{url}">metaalliance</a>',
        encoding="utf-8",
    )
    if not webbrowser.open(page.as_uri()):
        print_error("No browser was found; open the address above.")
