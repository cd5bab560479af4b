"""Many straight lines of one look, written into a PDF at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase
from matplotlib.backends.backend_pdf import PdfFile
from matplotlib.path import Path
from matplotlib.transforms import Transform

#: Lines that are few are left to matplotlib.
FEW = 8


def with_strokes(renderer: Any) -> Any:
    """Return a renderer of a PDF that writes many lines quickly; any other as it is."""
    return Strokes(renderer) if isinstance(getattr(renderer, "file", None), PdfFile) else renderer


class Strokes:
    """A renderer of a PDF; what is no collection of lines of one look, matplotlib draws.

    matplotlib looks up colour, width and dashes anew for each line of a collection. Lines are
    strokes of their own here as there, so that they darken where they cross.
    """

    def __init__(self, renderer: Any) -> None:
        self._renderer = renderer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._renderer, name)

    def draw_path_collection(
        self,
        gc: GraphicsContextBase,
        transform: Transform,
        paths: Sequence[Path],
        transforms: Sequence[Any],
        offsets: Any,
        offset_transform: Transform,
        faces: Any,
        edges: Any,
        widths: Any,
        styles: Any,
        *rest: Any,
        **further: Any,
    ) -> None:
        """Draw a collection as `RendererBase.draw_path_collection` does."""
        looks = len(edges), len(widths), len(styles)
        alike = len(paths) > FEW and looks == (1, 1, 1) and widths[0] > 0 and edges[0][3] > 0
        placed = len(transforms) or len(faces) or np.any(offsets) or gc.get_hatch() is not None
        if not alike or placed or any(np.shape(path.vertices) != (2, 2) for path in paths):
            self._renderer.draw_path_collection(
                gc, transform, paths, transforms, offsets, offset_transform, faces, edges, widths,
                styles, *rest, **further,
            )  # fmt: skip
            return
        own = self._renderer.new_gc()
        own.copy_properties(gc)
        own.set_linewidth(widths[0])
        own.set_dashes(*styles[0])
        own.set_foreground(edges[0], isRGBA=True)
        self._renderer.check_gc(own)
        ends = transform.transform(np.concatenate([path.vertices for path in paths]))
        lines = [
            b"%.6f %.6f m %.6f %.6f l S" % tuple(line) for line in ends.reshape(-1, 4).tolist()
        ]
        self._renderer.file.write(b"\n".join([*lines, b""]))
        own.restore()
