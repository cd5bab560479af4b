"""Every command that draws: each artist it draws obeys `[style]`, each figure the width.

Whatever is drawn is met where matplotlib draws it, whichever command and module it comes from, so
that a new command or figure is tested without a word here.
"""

from __future__ import annotations

import shutil

import pytest
from command_line import call
from fault_runs import COMMANDS as LINES
from fault_runs import CORRELATIONS
from matplotlib.colors import to_hex, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.text import Text

from metaalliance.cli.app import COMMANDS
from metaalliance.plots.canvas.style import HEIGHTS

INK, ACCENT, FACE, SIZE, WIDTH = "#102030", "#d02060", "DejaVu Serif", 9.0, 110.0
STYLE = f"""base = "apa"
ink = "{INK}"
accent = "{ACCENT}"
size = {SIZE}
typeface = ["{FACE}"]
"""
REST = """
[pool]
width = 110
[multiverse]
conversions = ["all"]
measure = ["z", "r"]
outliers = ["keep"]
[multiverse.include]
late = { year = [">=1990"] }
[prisma]
screened = 900
screened_out = 700
"""
ROWS = [
    ("Adler 1988", 0.30, 40, "CBT", 1988, "low"),
    ("Berg 1991", 0.25, 50, "PDT", 1991, "high"),
    ("Cohn 1999", 0.10, 160, "CBT", 1999, "low"),
    ("Dorn 2004", 0.40, 45, "PDT", 2004, "low"),
    ("Eng 2006", 0.35, 85, "PDT", 2006, "high"),
    ("Falk 2008", 0.05, 95, "CBT", 2008, "low"),
    ("Gill 2011", 0.22, 60, "CBT", 2011, "low"),
]
HEADER = "study,r,n,outcome_direction,modality,year,risk_of_bias"
SHEET = "\n".join(
    [HEADER, *(f"{s},{r},{n},higher_better,{m},{y},{b}" for s, r, n, m, y, b in ROWS)]
)
#: What is added to the line of a command so that it draws all that it can.
MORE = {
    "moderators": ["--by", "year", "--formula", "modality + year"],
    "influence": ["--gosh", "100"],
    "report": ["--multiverse"],
    "multiverse": ["--all"],
}
#: Figures that are drawn at least.
LEAST = {"pool": 2, "moderators": 4, "bias": 5, "influence": 5, "components": 2,
         "multiverse": 1, "report": 5, "forest": 1, "funnel": 1, "plot": 1,
         "mediation": 1}  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder with what every command reads, made without a style."""
    folder = tmp_path_factory.mktemp("looks")
    for name in ("studies.csv", "old.csv"):
        (folder / name).write_text(SHEET, encoding="utf-8")
    (folder / "correlations.csv").write_text(CORRELATIONS, encoding="utf-8")
    (folder / "metaalliance.toml").write_text(REST, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert call("pool", "studies.csv", "--no-figures", "-o", "recorded").exit_code == 0
        assert call("agree", "old.csv", "studies.csv", "-o", "conflicts.xlsx").exit_code == 0
    return folder


@pytest.fixture
def here(written, tmp_path, monkeypatch):
    shutil.copytree(written, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.fixture
def drawn(monkeypatch):
    """Every figure that is drawn."""
    found: dict[int, Figure] = {}
    draw = Figure.draw

    def kept(figure, *what, **options):
        found[id(figure)] = figure
        return draw(figure, *what, **options)

    monkeypatch.setattr(Figure, "draw", kept)
    return found


def words_of(name: str) -> list[str]:
    """Return the line of a command that draws where it can."""
    line = [word for word in LINES[name] if word not in {"--no-figures", "--vary", "tau2=REML,DL"}]
    return [*line, *MORE.get(name, [])]


def texts(figure: Figure) -> list[Text]:
    return [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]


def colors(figure: Figure) -> set[str]:
    """Return the colours of lines, areas and points."""
    found = set()
    for artist in figure.findobj(lambda a: not isinstance(a, Text) and a.get_visible()):
        for name in ("get_color", "get_facecolor", "get_edgecolor"):
            value = getattr(artist, name, list)()
            found |= {to_hex(color) for color in to_rgba_array(value)}
    return found


@pytest.mark.parametrize("name", LINES)
def test_every_artist_obeys_the_style_of_the_file(name, here, drawn):
    (here / "metaalliance.toml").write_text(f"{REST}[style]\n{STYLE}", encoding="utf-8")
    done = call(*words_of(name))
    assert done.exit_code == 0 or not COMMANDS[name].draws, done.output
    assert bool(drawn) == COMMANDS[name].draws
    assert len(drawn) >= LEAST.get(name, 0)
    for figure in drawn.values():
        shown = texts(figure)
        assert {t.get_color().lower() for t in shown} == {INK}
        assert {t.get_fontfamily()[0] for t in shown} == {FACE}
        assert max(t.get_fontsize() for t in shown) <= SIZE
        assert round(25.4 * figure.get_figwidth(), 6) == WIDTH
    assert not drawn or any(ACCENT in colors(figure) for figure in drawn.values())


@pytest.mark.parametrize("name", [name for name, c in COMMANDS.items() if c.draws])
def test_the_command_line_goes_over_the_file(name, here, drawn):
    text = f"{REST}[style]\nbase = 'bmj'\n[styles.lab]\n{STYLE}"
    (here / "metaalliance.toml").write_text(text, encoding="utf-8")
    look = ("--style", "lab", "--width", "90", "--page", "journal", "--notes", "none")
    done = call(*words_of(name), *look)
    assert done.exit_code == 0, done.output
    captions = [getattr(figure, "caption", "") for figure in drawn.values()]
    assert any(captions)
    for figure, caption in zip(drawn.values(), captions, strict=True):
        assert 25.4 * figure.get_figheight() <= HEIGHTS["journal"] + 0.01
        shown = "".join("".join(t.get_text() for t in texts(figure)).split())
        assert not [line for line in caption.splitlines() if "".join(line.split()) in shown]
        assert {t.get_fontfamily()[0] for t in texts(figure)} == {FACE}
        assert round(25.4 * figure.get_figwidth(), 6) == 90


@pytest.mark.parametrize("name", [name for name, c in COMMANDS.items() if c.draws])
def test_a_style_that_there_is_not_is_refused_before_anything_is_written(name, here):
    before = {p: p.read_bytes() for p in here.rglob("*") if p.is_file()}
    done = call(*words_of(name), "--page", "a5")
    assert done.exit_code == 2
    assert "--page='a5' is not one of 'a4', 'letter', 'journal'" in done.output
    done = call(*words_of(name), "--style", "jana")
    assert done.exit_code == 2
    assert "--style jana is not one of apa, revman, jama, bmj. Did you mean 'jama'?" in done.output
    (here / "metaalliance.toml").write_text("[style]\nsise = 9\n", encoding="utf-8")
    done = call(*words_of(name))
    assert done.exit_code == 2
    assert "metaalliance.toml [style]: there is no 'sise'. Did you mean 'size'?" in done.output
    (here / "metaalliance.toml").write_text(REST, encoding="utf-8")
    assert {p: p.read_bytes() for p in here.rglob("*") if p.is_file()} == before


def test_every_command_has_a_line():
    assert set(LINES) == set(COMMANDS) - {"serve"}  # which runs `report`
    assert set(LEAST) == {name for name, c in COMMANDS.items() if c.draws}
