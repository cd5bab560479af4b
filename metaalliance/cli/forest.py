"""`metaalliance forest`, `funnel` and `plot`: from words of the command line to a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from metaalliance.cli.figures import FigureRequest, run_figure
from metaalliance.errors import OptionError


def forest_request(
    request: Mapping[str, Any], given: Mapping[str, Any], *, summary: bool
) -> FigureRequest:
    """Return the request of `forest`; a summary has one diamond per level."""
    options = {k: v for k, v in given.items() if v is not None}
    label = options.pop("reference_label", None)
    if label is not None:
        if "reference" not in options:
            raise OptionError("--reference-label needs --reference.")
        options["reference"] = (options["reference"], label)
    if "limits" in options:
        options["limits"] = _limits(options["limits"])
    if "directions" in options:
        options["directions"] = _directions(options["directions"])
    kind = "summary-forest" if summary else "forest"
    if summary:
        options.setdefault("by", "modality")
    return FigureRequest(command="forest", kind=kind, options=options, **request)


def run_forest(request: FigureRequest) -> int:
    """Run the command."""
    return run_figure(request)


def plot_request(
    command: str,
    kind: str,
    request: Mapping[str, Any],
    given: Mapping[str, Any],
    further: Sequence[str],
) -> FigureRequest:
    """Return the request of `funnel` or `plot`, with the options given as NAME=VALUE."""
    if not isinstance(request.get("workbook"), Path):
        raise OptionError(f"plot {kind} needs a workbook: metaalliance plot {kind} studies.xlsx.")
    options = {k: v for k, v in given.items() if v is not None}
    for text in further:
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise OptionError(f"--option {text!r} is not NAME=VALUE.")
        options[name.strip().replace("-", "_")] = _value(value.strip())
    return FigureRequest(command=command, kind=kind, options=options, **request)


def _value(text: str) -> Any:
    """Return true, false, a number or a text."""
    if text.lower() in {"true", "yes"}:
        return True
    if text.lower() in {"false", "no"}:
        return False
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _limits(text: str) -> tuple[float, float]:
    parts = text.split(",")
    try:
        low, high = (float(part) for part in parts)
    except ValueError:
        raise OptionError(f"--limits {text!r} is not LOW,HIGH such as -.2,.8.") from None
    return low, high


def _directions(text: str) -> tuple[str, str]:
    left, sign, right = text.partition("|")
    if not sign or "|" in right:
        raise OptionError(f"--directions {text!r} is not 'LEFT|RIGHT'.")
    return left.strip(), right.strip()
