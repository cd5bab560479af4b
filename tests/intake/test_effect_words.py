"""Headers with the word r or d: what is an effect, what only stands beside one."""

from __future__ import annotations

import tomllib

import pytest
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.cli.app import app
from metaalliance.sheet.columns.effect_words import effect_named, is_reliability

ROWS = (.25, .2, -.05, .44, .15)  # fmt: skip


def init(path):
    result = CliRunner().invoke(app, ["init", str(path), "--force"])
    assert result.exit_code == 0, result.output
    text = (path.parent / "metaalliance.toml").read_text(encoding="utf-8")
    return tomllib.loads(text).get("columns", {}), text


def written(tmp_path, headers, *columns):
    """A sheet with a study and n, and a column of numbers under each header."""
    lines = [",".join(["study", "n", *(f'"{h}"' for h in headers)])]
    lines += [",".join([f"Lee {2001 + i}", str(40 + 7 * i), *(f"{c[i]:.2f}" for c in columns)])
              for i in range(len(ROWS))]  # fmt: skip
    path = tmp_path / "own.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


SURE = {
    "Pearson's r between alliance and outcome": "r", "r (observed)": "r", "r_total": "r",
    "alliance-outcome correlation": "r", "Korrelation Allianz Outcome": "r", "mean r": "r",
    "Corrélation de l'alliance": "r", "r (WAI–BDI)": "r", "r client": "r",
    "r, alliance x BDI": "r", "r patient-rated": "r",
    "r (partial)": "partial_r", "r_spearman": "spearman_rho", "Spearman r": "spearman_rho",
    "z-transformed r": "fisher_z", "z transformed correlation": "fisher_z",
    "z (from r)": "fisher_z", "log OR (dropout)": "log_odds_ratio", "Hedges g (post)": "g",
}  # fmt: skip


@pytest.mark.parametrize(("header", "column"), SURE.items())
def test_harmless_words_leave_the_statistic_sure(tmp_path, header, column):
    assert init(written(tmp_path, [header], ROWS))[0] == {column: header}


@pytest.mark.parametrize(
    "header",
    ["r assumed", "r imputed", "critical r", "r power", "r bias", "r age", "1-r", "|r|", "abs r",
     "d or r", "r/beta", "d adj", "r transformed", "r attenuated"],
)  # fmt: skip
def test_a_word_that_is_not_known_is_asked_about(tmp_path, header):
    lines, text = init(written(tmp_path, [header], ROWS))
    assert lines == {}
    assert f' = "{header}"  # its words name the statistic, but not all of them' in text


@pytest.mark.parametrize(
    "header",
    ["interrater r", "test-retest r", "Retest-Korrelation", "r client-therapist agreement",
     "r rel", "r tt", "split-half r", "r_prepost", "pre-post correlation", "r_kappa",
     "Korrelation prä-post", "r_alpha",
     "rLow", "r_l", "r.l", "r_inf", "r_2.5%", "r borne inf", "r min", "d.l", "OR low",
     "r^2", "R2adj", "R² change", "ΔR²", "Cohen's f"],
)  # fmt: skip
def test_what_is_no_effect_is_not_offered(tmp_path, header):
    assert effect_named(header) is None
    assert "=" not in init(written(tmp_path, [header], ROWS))[1]


@pytest.mark.parametrize(
    ("effect", "other"),
    [("ES", "r_prepost"), ("Effektstärke", "Retest-Korrelation"), ("ES", "r assumed")],
)
def test_the_effect_is_offered_whatever_stands_beside_it(tmp_path, effect, other):
    lines, text = init(written(tmp_path, [effect, other], ROWS, [0.8] * 5))
    assert lines == {}
    assert f'# r = "{effect}"' in text


LIMITS = [("r", "r_low", "r_high"), ("r", "rLow", "rHigh"), ("r", "r_l", "r_u"),
          ("r", "r.l", "r.u"), ("r", "r_min", "r_max"), ("g", "g_low", "g_high"),
          ("d", "d_inf", "d_sup"), ("r", "r_2.5%", "r_97.5%"), ("ES", "r_low", "r_high"),
          ("r", "r borne inf", "r borne sup")]  # fmt: skip


@pytest.mark.parametrize("headers", LIMITS, ids=" ".join)
def test_limits_around_an_effect_are_no_effects(tmp_path, headers):
    path = written(tmp_path, headers, ROWS, [r - 0.2 for r in ROWS], [r + 0.2 for r in ROWS])
    _, text = init(path)
    assert headers[1] not in text
    with pytest.raises(ma.UnreadableFileError):
        ma.import_sheet(path)
    if headers[0] != "ES":
        studies = ma.load_studies(path)
        assert not {p.code for p in studies.problems} & {"MA219"}
        assert [row.get(headers[0]) for row in studies.used] == [*ROWS]


def test_low_and_high_are_groups_where_the_effect_is_not_between(tmp_path):
    path = written(tmp_path, ("r", "r_low", "r_high"), ROWS, ROWS[::-1], [0.1, 0.2, 0.3, 0.1, 0.2])
    assert len(ma.import_sheet(path).entries) == 15


def test_limits_of_each_effect_of_a_wide_sheet_stay_beside_it(tmp_path):
    low, high = [r - 0.2 for r in ROWS], [r + 0.2 for r in ROWS]
    headers = [f"r_{label}{end}" for label in ("mood", "sleep") for end in ("", "_low", "_high")]
    frame = ma.import_sheet(written(tmp_path, headers, *[ROWS, low, high] * 2)).frame
    assert frame["outcome_measure"].tolist() == ["mood", "sleep"] * 5
    assert frame["ci_low"].tolist()[::2] == pytest.approx(low)
    assert frame["ci_high"].tolist()[1::2] == pytest.approx(high)


@pytest.mark.parametrize(
    "headers", [("r", "r_alpha", "r_kappa"), ("r", "prepost_r", "interrater_r")]
)
def test_reliabilities_beside_r_are_no_further_effects(tmp_path, headers):
    path = written(tmp_path, headers, ROWS, [0.8] * 5, [0.71] * 5)
    assert all(map(is_reliability, headers[1:]))
    assert not {p.code for p in ma.load_studies(path).problems} & {"MA219"}
    with pytest.raises(ma.UnreadableFileError):
        ma.import_sheet(path)


def test_limits_around_g_stand_for_n(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("study,g,g_low,g_high\nA,.4,.1,.7\nB,.3,.0,.6\nC,.2,-.2,.6\n", encoding="utf-8")
    assert init(path)[0] == {"ci_low": "g_low", "ci_high": "g_high"}
    path.write_text("study,g,g_low,g_high\nA,.4,.5,.7\nB,.3,.0,.6\nC,.2,-.2,.6\n", encoding="utf-8")
    assert init(path)[0] == {}
