"""The pages of docs/api: every public name, on the page of the subpackage that holds it."""

from __future__ import annotations

import metaalliance
from metaalliance import plots

#: Subpackages by page: file, title, what is there.
PAGES = {
    "sheet": (
        "Sheets and effects",
        "A workbook, its problems, effects with their ledger; the analysis as a value.",
        ("sheet", "effects", "problems", "model", "policy", "analysis"),
    ),
    "models": ("Pooling", "Models of a mean, and what they give.", ("models",)),
    "moderators": ("Moderators", "Differences between groups, slopes, meta-regression.",
                   ("moderation",)),
    "bias": ("Publication bias", "Small-study effects and selection. What each method assumes: "
             "[publication bias](../publication_bias.md).", ("publication_bias",)),
    "influence": ("Influence", "What single studies and effects do to the result.",
                  ("diagnostics",)),
    "multiverse": ("Choices, updates, planning", "Multiverse, comparison of two "
                   "versions, power, and where long runs are computed.",
                   ("robustness", "workers")),
    "errors": ("Errors and warnings", "What can be raised. Every message has a code; "
               "[messages](../reference/messages.md) explains each.", ("errors",)),
}  # fmt: skip
PLOTS = (
    "# Figures\n\n`metaalliance.plots`: every function takes and returns matplotlib objects and "
    "runs without a display. How figures are made: [figures](../results/figures.md).\n"
)


def home(name: str) -> str:
    """Return the module of a public name."""
    found: str = getattr(metaalliance, name).__module__
    return found


def page_of(name: str) -> str:
    """Return the page on which a public name stands."""
    if name == "plots":
        return "plots"
    layer = home(name).split(".")[1]
    return next(page for page, (_, _, layers) in PAGES.items() if layer in layers)


def in_order(names: list[str]) -> list[str]:
    """Functions first, then what they return, each by the alphabet."""
    return sorted(names, key=lambda name: (name[0].isupper(), name.lower()))


def entry(home: str, name: str, shown: str) -> str:
    """Return the directive that prints the docstring of a name."""
    return (
        f'\n::: {home}.{name}\n    options:\n      heading: "{shown}"\n      toc_label: "{name}"\n'
    )


def api_pages() -> dict[str, str]:
    """Return the text of every page by its name in docs/."""
    found = {}
    for page, (title, about, _) in PAGES.items():
        names = in_order([n for n in metaalliance.__all__ if page_of(n) == page])
        entries = [entry(home(n), n, f"metaalliance.{n}") for n in names]
        found[f"api/{page}.md"] = f"# {title}\n\n{about}\n" + "".join(entries)
    drawn = [
        entry(getattr(plots, n).__module__, n, f"metaalliance.plots.{n}")
        for n in in_order(plots.__all__)
    ]
    found["api/plots.md"] = PLOTS + "".join(drawn)
    found["api/index.md"] = index_page()
    return found


def index_page() -> str:
    """Return the list of every public name with its first line."""
    parts = [
        "# Python\n\n`import metaalliance as ma`. Results are frozen: `summary()` is text, "
        "`to_frame()` a data frame, `to_dict()` what `--json` prints. Estimates are on the scale "
        'of the analysis (Fisher z); `to_frame(scale="r")` gives correlations. I² is a '
        "fraction.\n"
    ]
    for page, (title, _, _) in PAGES.items():
        parts.append(f"\n## [{title}]({page}.md)\n\n")
        for name in in_order([n for n in metaalliance.__all__ if page_of(n) == page]):
            first = (getattr(metaalliance, name).__doc__ or "").strip().splitlines()[0]
            parts.append(f"- [`{name}`][{home(name)}.{name}]: {first}\n")
    parts.append("\n## [Figures](plots.md)\n\n")
    for name in in_order(plots.__all__):
        value = getattr(plots, name)
        first = (value.__doc__ or "").strip().splitlines()[0]
        parts.append(f"- [`plots.{name}`][{value.__module__}.{name}]: {first}\n")
    return "".join(parts)
