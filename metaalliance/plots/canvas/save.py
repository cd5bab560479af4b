"""Figures to files: exact width, identical bytes on every run, whole or not at all."""

from __future__ import annotations

import io
import logging
import re
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import ref

import numpy as np
from fontTools.subset import Options
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf, PdfPages
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from PIL import Image

from metaalliance.errors import OptionError
from metaalliance.files import write_whole
from metaalliance.plots.canvas.slides import Slides
from metaalliance.plots.canvas.style import drawing

#: What every file of a figure says of its origin.
MARK = "Drawn by metaalliance"

#: Level of the compression of a PNG; higher ones take longer for files as large.
_PACKED = 2

#: Endings of the texts beside a figure: the alternative text, and all that is to be said.
ALT, CAPTION = ".alt.txt", ".caption.txt"
BESIDE = (ALT, CAPTION)

#: Rows of a bitmap that are packed at a time.
_STRIP = 32

_EPS_DATE = re.compile(rb"^%%CreationDate:.*\n", re.MULTILINE)


def save(
    figure: Figure | Sequence[Figure],
    path: str | Path,
    dpi: int = 300,
    *,
    alt: str | None = None,
) -> list[Path]:
    """Save a figure, or the pages of one, in the format that the suffix names.

    The width is exact, fonts are embedded as TrueType, no date is written, and a file is
    replaced only when the new one is complete. Several pages become one PDF or TIFF; in
    other formats they become ``name-1.svg``, ``name-2.svg`` and so on.

    Parameters
    ----------
    figure : Figure or sequence of Figure
        From a function of this package, or any other figure of matplotlib.
    path : str or Path
        Ends in .pdf, .svg, .png, .tif, .tiff, .eps or .pptx (a slide for each page).
    dpi : int
        Resolution of .png and .tif.
    alt : str, optional
        Alternative text, written beside the figure as ``name.alt.txt``, with all that is to be said
        under it as ``name.caption.txt``.

    Returns
    -------
    list of Path
        Every file that was written.

    Raises
    ------
    OptionError
        For another format, no figure, or a resolution that is not positive.
    """
    files = contents(figure, Path(path), dpi, alt=alt)
    write_whole(files)
    return list(files)


def contents(
    figure: Figure | Sequence[Figure], target: Path, dpi: int = 300, *, alt: str | None = None
) -> dict[Path, bytes]:
    """Return the files that `save` writes."""
    return dict(files_of(figure, [target], dpi, alt=alt))


def files_of(
    figure: Figure | Sequence[Figure],
    targets: Sequence[Path],
    dpi: int = 300,
    *,
    alt: str | None = None,
) -> Iterator[tuple[Path, bytes]]:
    """Yield the files of a figure in every format that some targets name.

    Each page is taken once and let go, so that a sequence may draw its pages when it is asked for
    them.
    """
    pages = [figure] if isinstance(figure, Figure) else figure
    for target in targets:
        if target.suffix.lower() not in FORMATS:
            listed = ", ".join(FORMATS)
            raise OptionError(f"{target.name}: a figure is saved as {listed}.")
    if not len(pages) or dpi <= 0:
        raise OptionError(f"{len(pages)} figures at {dpi} dpi cannot be saved.")
    books = {t: _BOOKS[t.suffix.lower()](dpi) for t in targets if t.suffix.lower() in _BOOKS}
    single = [target for target in targets if target not in books]
    caption = ""
    for i, page in enumerate(pages, start=1):
        caption = getattr(page, "caption", caption)
        for book in books.values():
            with drawing():
                book.add(page)
        for target in single:
            number = f"-{i}" if len(pages) > 1 else ""
            with drawing():
                content = _WRITERS[target.suffix.lower()](page, dpi)
            yield target.with_name(f"{target.stem}{number}{target.suffix}"), content
    for target, book in books.items():
        with drawing():
            content = book.content()
        yield target, content
    for ending, text in ((ALT, alt or ""), (CAPTION, "" if alt is None else caption)):
        for target in targets if text else ():
            yield target.with_name(f"{target.stem}{ending}"), f"{text.strip()}\n".encode()


class _Pdf:
    """A PDF of several pages."""

    def __init__(self, dpi: int) -> None:
        self._dpi, self._buffer = dpi, io.BytesIO()
        self._pages = PdfPages(self._buffer, metadata={"Creator": MARK, "CreationDate": None})

    def add(self, page: Figure) -> None:
        """Print a page."""
        with _printing(page, FigureCanvasPdf, self._dpi) as canvas:
            canvas.print_pdf(self._pages)

    def content(self) -> bytes:
        """Return the file."""
        with _outlines_alone():
            self._pages.close()  # type: ignore[no-untyped-call]
        return self._buffer.getvalue()


@contextmanager
def _outlines_alone() -> Iterator[None]:
    """Embed fonts without tables that lay texts out: letters of a PDF have their places.

    To reduce these tables takes most of the time of embedding a font.
    """
    usual = Options._drop_tables_default
    Options._drop_tables_default = [*usual, "GSUB", "GPOS", "GDEF"]
    try:
        yield
    finally:
        Options._drop_tables_default = usual


class _Tiff:
    """A TIFF of several pages, as RGB; LZW."""

    def __init__(self, dpi: int) -> None:
        self._dpi = dpi
        self._pages: list[Image.Image] = []

    def add(self, page: Figure) -> None:
        """Draw a page."""
        self._pages.append(_raster(page, self._dpi))

    def content(self) -> bytes:
        """Return the file."""
        buffer = io.BytesIO()
        first, *rest = self._pages
        first.save(
            buffer,
            format="TIFF",
            compression="tiff_lzw",
            dpi=(self._dpi, self._dpi),
            software=MARK,
            save_all=bool(rest),
            append_images=rest,
        )
        return buffer.getvalue()


def _svg(page: Figure, dpi: int) -> bytes:
    buffer = io.BytesIO()
    with _printing(page, FigureCanvasSVG, dpi) as canvas:
        canvas.print_svg(buffer, metadata={"Creator": MARK, "Date": None})
    return buffer.getvalue()


def _png(page: Figure, dpi: int) -> bytes:
    """Return a PNG without an alpha channel.

    Its rows are not filtered: of lines and letters, filters make neither smaller nor faster files.
    """
    packer, packed = zlib.compressobj(_PACKED), []
    with _bitmap(page, dpi) as bitmap:
        height, width, _ = bitmap.shape
        packed.append(packer.compress(b"\0"))  # no filter of the first line
        for first in range(0, height, _STRIP):
            strip = Image.fromarray(bitmap[first : first + _STRIP])
            last = first + strip.height == height
            # a byte of padding ends each line: it is the filter of the next, none
            lines = memoryview(strip.tobytes("raw", "RGB", 3 * width + 1, 1))
            packed.append(packer.compress(lines[:-1] if last else lines))
    per_metre = round(dpi / 0.0254)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1)),
        (b"tEXt", b"Software\0" + MARK.encode("latin-1")),
        (b"IDAT", b"".join([*packed, packer.flush()])),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


@contextmanager
def _bitmap(page: Figure, dpi: int) -> Iterator[np.ndarray]:
    """Draw a page; give its bitmap, rows by columns by red, green, blue, opacity, for a while."""
    with _printing(page, FigureCanvasAgg, dpi) as canvas:
        bitmap = canvas.get_renderer()
        lent: Any = _Lent(bitmap)
        page.draw(lent)
        yield np.asarray(bitmap.buffer_rgba())


def _raster(page: Figure, dpi: int) -> Image.Image:
    """Return a page as RGB without an alpha channel, which printers refuse."""
    with _bitmap(page, dpi) as bitmap:
        return Image.fromarray(bitmap).convert("RGB")


class _Lent:
    """A bitmap that texts do not keep: each of them remembers what it was last drawn on."""

    def __init__(self, bitmap: RendererAgg) -> None:
        self._bitmap = ref(bitmap)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bitmap(), name)


@contextmanager
def _printing(page: Figure, kind: type[Any], dpi: int) -> Iterator[Any]:
    """Give a page another canvas for a while.

    A canvas is asked to print at once: `savefig` draws everything twice, as it has to for layouts
    that are found while drawing; our pages have none.
    """
    canvas, former = page.canvas, page.dpi
    try:
        page.dpi = dpi
        yield kind(page)
    finally:
        page.set_canvas(canvas)
        page.dpi = former


def _eps(page: Figure, dpi: int) -> bytes:
    """EPS has no transparency; matplotlib draws opaque, and need not tell the user each time."""
    log = logging.getLogger("matplotlib.backends.backend_ps")
    log.addFilter(_about_something_else)
    buffer = io.BytesIO()
    try:
        page.savefig(buffer, format="eps", dpi=dpi, metadata={"Creator": MARK})
        return _EPS_DATE.sub(b"", buffer.getvalue())
    finally:
        log.removeFilter(_about_something_else)


def _about_something_else(record: logging.LogRecord) -> bool:
    return "transparency" not in record.getMessage()


#: Formats that hold several pages in one file, and what writes one page in the others.
_BOOKS: dict[str, Callable[[int], _Pdf | _Tiff | Slides]] = {
    ".pdf": _Pdf,
    ".tif": _Tiff,
    ".tiff": _Tiff,
    ".pptx": lambda _dpi: Slides(MARK),
}
_WRITERS: dict[str, Callable[[Figure, int], bytes]] = {".svg": _svg, ".png": _png, ".eps": _eps}

#: Every format of a figure.
FORMATS = (".pdf", ".svg", ".png", ".tif", ".tiff", ".eps", ".pptx")


def is_ours(path: Path) -> bool:
    """Whether a file was written by this package and not by an editor since.

    A text beside a figure has no mark; it is ours when its figure is.
    """
    for ending in BESIDE:
        stem = path.name.removesuffix(ending)
        if stem == path.name:
            continue
        return any(is_ours(path.with_name(stem + suffix)) for suffix in (*FORMATS, ".html"))
    try:
        content = path.read_bytes()
    except OSError:
        return False
    return MARK.encode() in content and b"inkscape" not in content.lower()
