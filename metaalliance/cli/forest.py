"""Words of `forest`, `funnel` and `plot` as options of a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from metaalliance.errors import OptionError


def forest_options(given: Mapping[str, Any], *, summary: bool) -> tuple[str, dict[str, Any]]:
    """Return kind and options of `forest`; a summary has one diamond per level."""
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
    if summary:
        options.setdefault("by", "modality")
    return "summary-forest" if summary else "forest", options


def plot_options(given: Mapping[str, Any], further: Sequence[str]) -> dict[str, Any]:
    """Return the options of `funnel` or `plot`, with those given as NAME=VALUE."""
    options = {k: v for k, v in given.items() if v is not None}
    for text in further:
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise OptionError(f"--option {text!r} is not NAME=VALUE.")
        options[name.strip().replace("-", "_")] = _value(value.strip())
    return options


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
