"""A legend in lines under a plot, every entry measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from metaalliance.plots.canvas.page import Page
from metaalliance.plots.canvas.typeset import Line, line_width

#: In mm: widths of the keys of a patch and of a line, height of a patch, distance of the
#: label, distance between entries.
PATCH_WIDTH, LINE_WIDTH, PATCH_HEIGHT, NEAR, APART = 3.4, 5.6, 2.2, 1.0, 2.4


@dataclass(frozen=True, slots=True)
class Entry:
    """A key and its label; a key is a patch or a line whose look is copied."""

    key: Patch | Line2D
    label: Line

    @property
    def key_width(self) -> float:
        """Width of the key in mm."""
        return LINE_WIDTH if isinstance(self.key, Line2D) and _has_line(self.key) else PATCH_WIDTH

    def width(self, size: float) -> float:
        """Width in mm with the space that follows."""
        return self.key_width + NEAR + line_width(self.label, size) + APART


def _has_line(key: Line2D) -> bool:
    """Whether a key is more than a marker."""
    return key.get_linestyle() not in {"None", "none", "", " "}


def flow(entries: Sequence[Entry], limit: float, size: float) -> list[list[Entry]]:
    """Divide entries into lines of at most `limit` mm."""
    lines: list[list[Entry]] = [[]]
    used = 0.0
    for entry in entries:
        width = entry.width(size)
        if lines[-1] and used + width - APART > limit:
            lines.append([])
            used = 0.0
        lines[-1].append(entry)
        used += width
    return lines


def draw_legend(
    page: Page, lines: Sequence[Sequence[Entry]], left: float, top: float, pitch: float
) -> None:
    """Draw lines of entries from `left` and `top` in mm, `pitch` mm apart."""
    size = page.style.small_size
    for i, line in enumerate(lines):
        x, y = left, top + pitch * (i + 0.5)
        for entry in line:
            _draw_key(page, entry.key, x, y)
            page.put(entry.label, x + entry.key_width + NEAR, y, size=size)
            x += entry.width(size)


def _draw_key(page: Page, key: Patch | Line2D, x: float, y: float) -> None:
    if isinstance(key, Line2D):
        (line,) = page.layer.plot([x, x + LINE_WIDTH / 2, x + LINE_WIDTH], [y] * 3)
        line.update_from(key)
        line.set_markevery([1])
        line.set_transform(page.layer.transData)
        if not _has_line(key):  # a marker on its own
            line.set(xdata=[x + PATCH_WIDTH / 2], ydata=[y], markevery=None)
        return
    patch = Rectangle((x, y - PATCH_HEIGHT / 2), PATCH_WIDTH, PATCH_HEIGHT)
    patch.set(facecolor=key.get_facecolor(), edgecolor=page.style.pale, linewidth=page.style.thin)
    page.layer.add_patch(patch)
