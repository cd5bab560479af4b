"""Settings of a run: command line over configuration file over default."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from metaalliance.config import Config, find_config, read_config
from metaalliance.effects.attenuation import Assumed, Attenuation
from metaalliance.errors import OptionError
from metaalliance.models.pool import check_test
from metaalliance.options import (
    BetaPolicy,
    Model,
    Nonsignificant,
    Prediction,
    SheetMeasure,
    Tau2Estimator,
    check_level,
    check_option,
    check_rho,
)

DEFAULTS: dict[str, Any] = {
    "measure": "z",
    "model": "auto",
    "tau2": "REML",
    "test": "auto",
    "rho": None,
    "level": 0.95,
    "prediction": "t",
    "nonsignificant": "error",
    "beta": "peterson-brown",
    "width": 174.0,
    "within": (),
    "above": (),
    "crossed": "",
    "rho_same": None,
    "same": "",
    "attenuation": "none",
    "alliance_reliability": None,
    "outcome_reliability": None,
}
_OPTIONS = {
    "measure": SheetMeasure,
    "model": Model,
    "tau2": Tau2Estimator,
    "prediction": Prediction,
    "nonsignificant": Nonsignificant,
    "beta": BetaPolicy,
    "attenuation": Attenuation,
}
WIDTHS = (60.0, 500.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Resolved and checked options of a run.

    Attributes
    ----------
    rho : float, str or None
        None takes the default of the model or of the aggregation; a text names the column that
        holds it by study.
    within, above, crossed, rho_same, same
        Further levels and correlations, as `pool` takes them.
    """

    measure: Any
    model: Any
    tau2: Any
    test: Any
    rho: float | str | None
    level: float
    prediction: Any
    nonsignificant: Any
    beta: Any
    width: float
    within: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    crossed: str = ""
    rho_same: float | None = None
    same: str = ""
    attenuation: Any = "none"
    alliance_reliability: Assumed | None = None
    outcome_reliability: Assumed | None = None

    @property
    def correction(self) -> dict[str, Any]:
        """Correction for unreliability, as `effect_sizes` takes it."""
        names = ("attenuation", "alliance_reliability", "outcome_reliability")
        return {name: getattr(self, name) for name in names}

    @property
    def structure(self) -> dict[str, Any]:
        """Further levels and correlations, as `pool` takes them."""
        names = ("within", "above", "crossed", "rho_same", "same")
        return {name: getattr(self, name) for name in names}


def config_for(workbook: Path, explicit: Path | None) -> Config:
    """Return the configuration that is named, or the nearest beside or above the sheet."""
    if explicit is not None:
        return read_config(explicit)
    folder = Path() if str(workbook) == "-" else workbook.parent
    found = find_config(folder) if folder.exists() else None
    return Config() if found is None else read_config(found)


def resolve(given: dict[str, Any], config: Config) -> Settings:
    """Merge the command line, the configuration and the defaults, and check every value.

    Raises
    ------
    OptionError
        For a value that an option does not have.
    """
    merged: dict[str, Any] = {
        key: given.get(key) if given.get(key) is not None else config.pool.get(key, default)
        for key, default in DEFAULTS.items()
    }
    for name, option in _OPTIONS.items():
        check_option(name, merged[name], option)
    check_test(merged["model"], merged["test"])
    check_level(merged["level"])
    merged["rho"] = _rho(merged["rho"])
    merged["within"], merged["above"] = tuple(merged["within"]), tuple(merged["above"])
    if merged["rho_same"] is not None:
        check_rho(merged["rho_same"])
    for name in ("alliance_reliability", "outcome_reliability"):
        merged[name] = _reliability(name, merged[name])
    low, high = WIDTHS
    if not low <= merged["width"] <= high:
        raise OptionError(f"width={merged['width']:g} is not between {low:g} and {high:g} mm.")
    return Settings(**merged)


def _rho(given: Any) -> float | str | None:
    """Return a correlation, the name of the column that holds it, or None."""
    if given is None:
        return None
    try:
        number = float(given)
    except ValueError:
        return str(given)
    return check_rho(number)


def _reliability(name: str, given: Any) -> Assumed | None:
    """Return what stands for a missing reliability: a number, numbers by measure, or the mean."""
    if given is None or given == "mean":
        return cast("Assumed | None", given)
    if isinstance(given, int | float):
        return float(given)
    pairs = given.items() if isinstance(given, dict) else _pairs(name, str(given))
    try:
        by_measure = {str(key): float(value) for key, value in pairs}
    except ValueError:
        raise OptionError(
            f"{name}={given!r} is not a number, 'mean', or numbers by measure (WAI=.93,*=.9)."
        ) from None
    return by_measure.get("", by_measure) if set(by_measure) == {""} else by_measure


def _pairs(name: str, text: str) -> list[tuple[str, str]]:
    """Split "WAI=.93,*=.9"; a number alone has no measure."""
    parts = [part.partition("=") for part in text.split(",")]
    if len(parts) == 1 and not parts[0][1]:
        return [("", text)]
    if not all(key.strip() and equals for key, equals, _ in parts):
        raise OptionError(f"{name}={text!r}: write each measure as NAME=number.")
    return [(key.strip(), value) for key, _, value in parts]
