"""Figures that `moderators`, `influence` and `bias` leave beside their tables."""

from __future__ import annotations

import json

import matplotlib.image
import pytest

from metaalliance.cli.drawing.further_figures import slug

ROWS = [
    ("Adler 1988", 0.30, 40, "CBT", 1988),
    ("Berg 1991", 0.25, 50, "PDT", 1991),
    ("Cohn 1999", 0.10, 160, "CBT", 1999),
    ("Dorn 2004", 0.40, 45, "PDT", 2004),
    ("Eng 2006", 0.35, 85, "PDT", 2006),
    ("Falk 2008", 0.05, 95, "CBT", 2008),
    ("Gill 2011", 0.22, 60, "CBT", 2011),
]


@pytest.fixture
def seven(tmp_path):
    path = tmp_path / "seven.csv"
    lines = [f"{s},{r},{n},higher_better,{m},{y}" for s, r, n, m, y in ROWS]
    path.write_text("\n".join(["study,r,n,outcome_direction,modality,year", *lines]), "utf-8")
    return path


def drawn(path):
    folder = path.parent / f"{path.stem}_results"
    return {p.stem for p in folder.glob("*.png")}, folder


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (
            ("moderators", "--by", "modality", "--by", "year", "--formula", "modality + year"),
            {"orchard_modality", "levels_modality", "bubble_year", "coefficients"},
        ),
        (("moderators", "--within-between", "year", "--formula", "year"), None),
        (("influence",), {"leave_one_out", "influence", "baujat", "cumulative"}),
        (("influence", "--gosh", "100"),
         {"leave_one_out", "influence", "baujat", "cumulative", "gosh"}),
        (("bias",),
         {"funnel_contours", "funnel_trim_fill", "funnel_egger", "funnel_pet_peese",
          "selection_weights", "selection_weights_beta"}),
    ],
)  # fmt: skip
def test_commands_leave_their_figures(call, seven, words, names):
    done = call(words[0], seven, *words[1:], "--json", "-q")
    found, folder = drawn(seven)
    if names is None:  # the year does not vary within a study: nothing is computed or drawn
        assert done.exit_code == 4
        assert found == set()
        return
    assert done.exit_code == 0, done.stderr
    assert found == names
    listed = json.loads(done.stdout)["files"]
    for name in names:
        assert {f"{name}.pdf", f"{name}.png", f"{name}.alt.txt"} <= set(listed)
        assert (folder / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        picture = matplotlib.image.imread(folder / f"{name}.png")
        assert picture.std() > 0.01
        assert len((folder / f"{name}.alt.txt").read_text("utf-8")) > 60
    record = json.loads((folder / f"run_{words[0]}.json").read_text("utf-8"))
    assert set(record["files"]) == set(listed) - {f"run_{words[0]}.json"}


@pytest.mark.parametrize("command", ["moderators", "influence", "bias"])
def test_no_figures(call, seven, command):
    assert call(command, seven, "--no-figures", "-q").exit_code == 0
    found, folder = drawn(seven)
    assert found == set()
    assert len(list(folder.iterdir())) == 3


def test_a_second_run_without_figures_removes_them(call, seven):
    assert call("bias", seven, "-q").exit_code == 0
    assert call("bias", seven, "-q", "--no-figures").exit_code == 0
    assert drawn(seven)[0] == set()


def test_a_figure_that_these_data_do_not_allow_is_a_note(call, tmp_path):
    path = tmp_path / "two.csv"
    rows = [f"{s},{r},{n},higher_better,{m}" for s, r, n, m, _ in ROWS[:2]]
    path.write_text("\n".join(["study,r,n,outcome_direction,modality", *rows]), "utf-8")
    done = call("bias", path, "--json", "-q")
    assert done.exit_code == 0, done.stderr
    found, _ = drawn(path)
    assert "funnel_contours" in found
    assert "funnel_egger" not in found


def test_what_cannot_be_drawn_is_told_and_the_others_are_written(tmp_path):
    from metaalliance import plots
    from metaalliance.cli.drawing.further_figures import Drawing, draw_all
    from metaalliance.cli.settings import Look
    from metaalliance.effects.effects import Effects
    from metaalliance.errors import EstimationError
    from metaalliance.models.pool import pool
    from metaalliance.report.folder import ResultsFolder

    def refuse(**look):
        raise EstimationError("There are too few studies.")

    fit = pool(Effects.from_arrays([0.1, 0.3, 0.2], [0.01, 0.02, 0.03]))
    folder = ResultsFolder(tmp_path / "out", command="bias")
    notes = draw_all(
        [
            Drawing(name="first", draw=refuse, what=(), words=lambda: "Nothing."),
            Drawing(name="second", draw=plots.funnel, what=(fit,), words=lambda: "A funnel."),
        ],
        folder,
        Look(),
    )
    assert [(p.code, p.severity) for p in notes] == [("MA684", "note")]
    assert "first was not drawn: There are too few studies." in notes[0].message
    assert set(folder.written) == {
        f"second{end}" for end in (".pdf", ".png", ".alt.txt", ".caption.txt")
    }


def test_names_of_files_are_plain():
    assert slug("Alliance rater / time") == "alliance_rater_time"
    assert slug("../x") == "x"
    assert slug("年") == "moderator"
