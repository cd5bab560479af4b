"""Figures on the command line: `forest`, `funnel` and `plot KIND`."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaalliance.analysis.analysis import Analysis
from metaalliance.analysis.documents import figure_document, figure_results
from metaalliance.cli.analysis import load, print_preamble, results_path, settings_of
from metaalliance.cli.frame import save_record
from metaalliance.cli.request import Request
from metaalliance.cli.run import (
    OK,
    print_document,
    print_error,
    print_result,
    progress_line,
    terminal_width,
)
from metaalliance.errors import OptionError
from metaalliance.files import Spool, write_whole
from metaalliance.notices import quiet
from metaalliance.plots.canvas.fonts import drawn_of, font_notices, texts_of
from metaalliance.plots.canvas.numbers import size_text
from metaalliance.plots.canvas.save import ALT, BESIDE, FORMATS, files_of, is_ours
from metaalliance.plots.canvas.style import style_named
from metaalliance.plots.forests.choice import grouping
from metaalliance.plots.forests.interactive import interactive_forest
from metaalliance.plots.kinds import KINDS, FigureKind, function_at, kind_named
from metaalliance.plots.options import OPTIONS
from metaalliance.problems import SCHEMA_VERSION
from metaalliance.report.folder import ResultsFolder

if TYPE_CHECKING:
    from metaalliance.models.pooled_fit import PooledFit
    from metaalliance.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRequest(Request):
    """What a command that draws was asked.

    Attributes
    ----------
    command : str
        "forest", "funnel" or "plot".
    kind : str
        A name of `metaalliance.plots.kinds.KINDS`.
    outputs : tuple of Path
        Files to write, or one folder; empty for the folder of results beside the sheet.
    options : dict
        Options of the figure; None where not given.
    """

    command: str
    kind: str
    outputs: tuple[Path, ...] = ()
    title: str | None = None
    dpi: int = 300
    interactive: bool = False
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where the files of a figure go: named files, or a folder with a record."""

    files: tuple[Path, ...]
    folder: ResultsFolder | None


def run_figure(request: FigureRequest) -> int:
    """Draw one figure and write it in every format that was asked for."""
    kind = kind_named(request.kind)
    options = _known_options(request, kind)
    config, settings = settings_of(request)
    target = _target(request)
    loaded = load(request, config, settings, "Nothing was drawn.")
    if isinstance(loaded, int):
        return loaded
    if not kind.intervals:
        drawn = f"A figure ({request.kind})"
        loaded.coded.refuse_intervals(drawn, "it draws the value of each effect")
    style = style_named(settings.look.style)
    look = {"style": style, "width_mm": settings.look.width or kind.width, "title": request.title}
    shown = (
        {} if request.quiet or not kind.counts else {"progress": progress_line(unit=kind.counts)}
    )
    with quiet():  # notices are printed
        fit = loaded.fit
        alt = _alt(kind, fit, {**options, **shown})
        files, texts = _files(request, kind, fit, {**look, **options, **shown}, target, alt)
    notes = (*fit.notices, *font_notices(_labels(fit, options, texts)))
    levels = _levels(kind, fit, options)
    drawn_in = {"style": style.name, "page": style.page, "notes": style.notes}
    figure = {"kind": request.kind, **look, **drawn_in, **options}
    figure |= {"levels": levels} if levels else {}
    written = _write(request, loaded, target, files, notes, figure)
    if not request.json_output:
        print_preamble(loaded.studies, request)
        _print(alt, notes, request)
    if not request.quiet:
        print_error(f"Wrote {', '.join(written)}")
    return OK


def figure_of(request: Request, command: str, kind: str, **own: Any) -> FigureRequest:
    """Return the request of a command that draws, with what every figure takes."""
    shared = {f.name: getattr(request, f.name) for f in fields(Request)}
    return FigureRequest(**shared, command=command, kind=kind, **own)


def list_kinds(*, json_output: bool) -> int:
    """Print every kind of figure."""
    if json_output:
        kinds = {name: kind.about for name, kind in KINDS.items()}
        print_document({"schema_version": SCHEMA_VERSION, "command": "plot", "kinds": kinds})
        return OK
    width = max(map(len, KINDS))
    print_result(f"{name:{width}}  {kind.about}" for name, kind in KINDS.items())
    return OK


def _known_options(request: FigureRequest, kind: FigureKind) -> dict[str, Any]:
    """Return the options that were given, after a check that the figure has them."""
    given = {k: v for k, v in request.options.items() if v is not None}
    for name in given:
        if name not in kind.options:
            takes = ", ".join(OPTIONS[o].flag for o in kind.options) or "none of these"
            raise OptionError(
                f"{_flag(name)} has no meaning for {request.kind}, which takes {takes}."
            )
    for name in kind.required:
        if name not in given:
            raise OptionError(f"{request.kind} needs {_flag(name)}.")
    if request.interactive and request.kind != "forest":
        raise OptionError(f"{request.kind} has no interactive page.", code="MA679")
    return given


def _flag(name: str) -> str:
    return OPTIONS[name].flag if name in OPTIONS else f"--{name.replace('_', '-')}"


def _target(request: FigureRequest) -> Target:
    """Return where the figure goes, after a check that nothing foreign would be replaced."""
    suffixes = (".html",) if request.interactive else FORMATS
    named = [path for path in request.outputs if path.suffix and not path.is_dir()]
    if named and len(named) != len(request.outputs):
        raise OptionError("-o names files and a folder; give one folder, or files only.")
    if len(request.outputs) > 1 and not named:
        raise OptionError("-o names several folders; give one.")
    for path in named:
        if path.suffix.lower() not in suffixes:
            raise OptionError(f"{path.name}: this figure is saved as {', '.join(suffixes)}.")
    if named:
        beside = (name.with_name(f"{name.stem}{end}") for name in named for end in BESIDE)
        for path in (*named, *beside):
            _check_file(path, request)
        return Target(files=tuple(named), folder=None)
    path = request.outputs[0] if request.outputs else results_path(request) / "figures"
    endings = (".html",) if request.interactive else (".pdf", ".png")
    folder = ResultsFolder(path, force=request.force, command=request.command)
    folder.check([f"{request.kind}{end}" for end in (*endings, *BESIDE)], request.source)
    return Target(files=tuple(path / f"{request.kind}{end}" for end in endings), folder=folder)


def _check_file(path: Path, request: FigureRequest) -> None:
    """Refuse to replace the input, or a file that this tool did not write, unless by force."""
    if not path.exists():
        return
    if request.source is not None and request.source.exists() and path.samefile(request.source):
        raise OptionError(f"{path} is the input and would be replaced.", code="MA691")
    if not request.force and not is_ours(path):
        raise OptionError(
            f"{path} exists already and was not written by this tool. Choose another name with "
            "-o, or use --force.",
            code="MA691",
        )


def _alt(kind: FigureKind, fit: PooledFit, options: Mapping[str, Any]) -> str:
    """Return the alternative text, from a function that may take fewer options than the figure."""
    if not kind.alt:
        return f"{kind.about[:1].upper()}{kind.about[1:]}, from {size_text(fit)}."
    write = function_at(kind.alt)
    parameters = inspect.signature(write).parameters
    if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
        options = {name: value for name, value in options.items() if name in parameters}
    text: str = write(fit, **options)
    return text


def _levels(kind: FigureKind, fit: PooledFit, options: Mapping[str, Any]) -> dict[str, str]:
    """Return of which columns a figure shows means of levels, and how they are pooled."""
    if "pool" not in kind.options:
        return {}
    taken = inspect.signature(function_at(kind.path)).parameters
    default = {name: taken[name].default for name in taken if name in kind.options}
    asked = {"by": None, "pool": "joint", **default, **options}
    by = grouping(asked["by"], fit.effects)
    found: dict[str, Any] = {n: asked[n] for n in ("x", "pool") if n in kind.options}
    return {} if by == "none" else {"by": by, **found}


def _files(
    request: FigureRequest,
    kind: FigureKind,
    fit: PooledFit,
    options: dict[str, Any],
    target: Target,
    alt: str,
) -> tuple[Mapping[Path, bytes], str | None]:
    """Return the content of every file, and all texts of a figure of one page."""
    if request.interactive:
        page = interactive_forest(fit, **options)
        pages = {path: page.encode() for path in target.files}
        return pages | {_beside(path): f"{alt}\n".encode() for path in target.files}, page
    figure = function_at(kind.path)(fit, **options)
    drawn = texts_of(figure)
    files = Spool[Path]()
    for path, content in files_of(figure, target.files, request.dpi, alt=alt):
        files[path] = content
    for path in files:  # further pages, which were not known before
        if target.folder is None and path not in target.files:
            _check_file(path, request)
    if target.folder is not None:
        target.folder.check([path.name for path in files], request.source)
    return files, drawn


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.stem}{ALT}")


def _labels(fit: PooledFit, options: Mapping[str, Any], drawn: str | None) -> Sequence[str]:
    """Return the texts of the sheet that stand in a figure: in several pages all of them."""
    frame = fit.effects.frame
    columns = options.get("columns", ())
    names = columns.split(",") if isinstance(columns, str) else list(columns)
    shown = {"study", "label", "modality", options.get("by"), *names} & set(frame.columns)
    found = [str(value) for name in sorted(shown) for value in frame[name].dropna().unique()]
    return found if drawn is None else drawn_of(found, drawn)


def _print(alt: str, notes: Sequence[Problem], request: FigureRequest) -> None:
    """The figure in words on stdout, what has to be known about it on stderr."""
    print_result(textwrap.wrap(alt, terminal_width()))
    for found in notes if not request.quiet else ():
        if found.severity != "note" or request.verbose or found.code == "MA676":
            print_error(found.text)


def _write(
    request: FigureRequest,
    loaded: Analysis,
    target: Target,
    files: Mapping[Path, bytes],
    notes: Sequence[Problem],
    figure: Mapping[str, Any],
) -> list[str]:
    """Write the files, and a record where they stand in a folder of results."""
    names = [path.name if target.folder else str(path) for path in files]
    document = figure_document(
        request.command,
        loaded.studies,
        loaded.fit,
        figure,
        (*loaded.studies.problems, *notes),
        {**loaded.settings(), **loaded.recorded},
        names,
    )
    if target.folder is None:
        write_whole(files)
    else:
        for path, content in files.items():
            target.folder.write(path.name, content)
        results, numbers = figure_results(document)
        save_record(target.folder, document, loaded, results, document["figure"], numbers=numbers)
    if request.json_output:
        print_document(document)
    return names
