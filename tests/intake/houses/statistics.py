"""Sheets whose statistics are not plain correlations, or need a decision first. Simulated."""

from __future__ import annotations

import math
from pathlib import Path

from intake import truth
from intake.houses.r_packages import correlations, counts, g_and_variance, two_groups
from intake.sheets import Touch, Written, drawn, house, text_file, workbook
from intake.truth import Effect
from openpyxl import Workbook


@house()
def r_beside_its_error_and_limits(folder: Path) -> Written:
    rows = drawn(501, 10)
    head = ["Author", "Year", "SE", "95% CI lower", "95% CI upper", "p", "Weight (%)", "N", "r"]
    grid = []
    for r in rows:
        z, se = math.atanh(r.r), 1 / math.sqrt(r.n - 3)
        low, high = (round(math.tanh(z + s * truth.NORMAL * se), 2) for s in (-1, 1))
        p = round(math.erfc(abs(z / se) / math.sqrt(2)), 3)
        grid.append((r.author, r.year, round((1 - r.r**2) * se, 3), low, high, p, 10.0, r.n, r.r))
    return workbook(folder / "with limits.xlsx", {"Sheet1": [head, *grid]}), correlations(rows)


@house()
def r_with_limits_and_no_n(folder: Path) -> Written:
    rows = drawn(502, 9)
    head = ["study", "r", "ci_low", "ci_high"]
    grid, effects = [], []
    for r in rows:
        z, se = math.atanh(r.r), 1 / math.sqrt(r.n - 3)
        low, high = (round(math.tanh(z + s * truth.NORMAL * se), 2) for s in (-1, 1))
        grid.append((r.study, r.r, low, high))
        effects.append(truth.from_r_and_limits(r.r, low, high).of(r.study))
    return text_file(folder / "limits.csv", [head, *grid]), effects


@house()
def d_with_standard_error_and_no_n(folder: Path) -> Written:
    rows = drawn(503, 10)
    head = ["Author", "Year", "d", "SE_d", "outcome"]
    grid, effects = [], []
    for r in rows:
        g, vg, _, _ = g_and_variance(r)
        se = round(math.sqrt(vg), 3)
        grid.append((r.author, r.year, g, se, r.outcome))
        effects.append(truth.from_d_with_variance(g, se**2).of(r.study))
    return text_file(folder / "d_se.csv", [head, *grid]), effects


@house()
def g_with_limits_and_no_n(folder: Path) -> Written:
    rows = drawn(504, 10)
    head = ["Study", "Hedges g", "g_LL", "g_UL"]
    grid, effects = [], []
    for r in rows:
        g, vg, _, _ = g_and_variance(r)
        low, high = (round(g + s * truth.NORMAL * math.sqrt(vg), 3) for s in (-1, 1))
        grid.append((r.study, g, low, high))
        se = (high - low) / (2 * truth.NORMAL)
        effects.append(truth.from_d_with_variance(g, se**2).of(r.study))
    return text_file(folder / "g_limits.csv", [head, *grid]), effects


@house()
def odds_ratios_with_limits(folder: Path) -> Written:
    rows = drawn(505, 9)
    head = ["Study", "Year", "N", "OR", "lowCI", "highCI"]
    grid, effects = [], []
    for r in rows:
        a, b, c, d = counts(r)
        log, se = math.log(a * d / (b * c)), math.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
        odds, low, high = (round(math.exp(log + s * truth.NORMAL * se), 2) for s in (0, -1, 1))
        grid.append((r.author, r.year, r.n, odds, low, high))
        effects.append(truth.from_odds_ratio(odds, low, high, r.n).of(r.study))
    return workbook(folder / "odds.xlsx", {"Sheet1": [head, *grid]}), effects


@house()
def fisher_z_with_standard_error(folder: Path) -> Written:
    rows = drawn(506, 10)
    head = ["Author", "Year", "N", "Fisher's z", "SEz", "Moderator 1"]
    grid = [
        (
            r.author,
            r.year,
            r.n,
            round(math.atanh(r.r), 3),
            round(1 / math.sqrt(r.n - 3), 3),
            r.modality,
        )
        for r in rows
    ]
    effects = [truth.from_z(round(math.atanh(r.r), 3), r.n).of(r.study) for r in rows]
    return text_file(folder / "zs.csv", [head, *grid]), effects


@house()
def t_with_degrees_of_freedom(folder: Path) -> Written:
    rows = drawn(507, 9)
    head = ["Study", "t", "df", "N", "mean_age"]
    grid, effects = [], []
    for r in rows:
        t = round(r.r * math.sqrt((r.n - 2) / (1 - r.r**2)), 2)
        grid.append((r.study, t, r.n - 2, r.n, r.age))
        effects.append(truth.from_t(t, r.n - 2, r.n).of(r.study))
    return text_file(folder / "ts.csv", [head, *grid]), effects


@house()
def regression_coefficients(folder: Path) -> Written:
    rows = drawn(508, 8)
    head = ["Study", "Year", "N", "b", "SE b", "df"]
    grid, effects = [], []
    for r in rows:
        df = r.n - 5
        t = r.r * math.sqrt(df / (1 - r.r**2))
        se = round(0.11 + 0.01 * r.number, 3)
        b = round(t * se, 3)
        grid.append((r.author, r.year, r.n, b, se, df))
        effects.append(truth.from_t(b / se, df, r.n).of(r.study))
    return workbook(folder / "coefficients.xlsx", {"Sheet1": [head, *grid]}), effects


@house()
def mixed_statistics(folder: Path) -> Written:
    rows = drawn(509, 12)
    head = ["study", "r", "t", "df", "F", "df1", "df2", "sign", "d", "n1", "n2", "n"]
    grid, effects = [], []
    for r in rows:
        line: dict[str, object] = dict.fromkeys(head)
        line.update(study=r.study, n=r.n)
        t = round(r.r * math.sqrt((r.n - 2) / (1 - r.r**2)), 2)
        if r.number % 4 == 0:
            line.update(r=r.r)
            effects.append(truth.from_r(r.r, r.n).of(r.study))
        elif r.number % 4 == 1:
            line.update(t=t, df=r.n - 2)
            effects.append(truth.from_t(t, r.n - 2, r.n).of(r.study))
        elif r.number % 4 == 2:
            f = round(t * t, 2)
            line.update(F=f, df1=1, df2=r.n - 2, sign="+" if t > 0 else "-")
            effects.append(truth.from_f(f, r.n - 2, 1 if t > 0 else -1, r.n).of(r.study))
        else:
            n1, n2, d = two_groups(r)
            line.update(d=d, n1=n1, n2=n2)
            effects.append(truth.from_d(d, n1, n2).of(r.study))
        grid.append(list(line.values()))
    return workbook(folder / "mixed.xlsx", {"effects": [head, *grid]}), effects


@house()
def independent_samples(folder: Path) -> Written:
    rows = drawn(510, 9, several=3)
    head = ["study", "sample", "alliance_rater", "r", "n"]
    grid, effects = [], []
    for r in rows:
        sample = ("arm 1", "arm 2")[r.number % 2 and r.rater == "therapist"]
        n = r.n + (30 if sample == "arm 2" else 0)
        grid.append((r.study, sample, r.rater, r.r, n))
        effects.append(truth.from_r(r.r, n).of(r.study, sample))
    return text_file(folder / "arms.csv", [head, *grid]), effects


@house(refused="MA302|MA312|number")
def statistics_in_words(folder: Path) -> Written:
    rows = drawn(511, 6)
    head = ["Study", "N", "r"]
    grid = [(r.study, r.n, f"t({r.n - 2}) = 2.31, p = .02" if r.number == 4 else r.r) for r in rows]
    return text_file(folder / "words.csv", [head, *grid]), correlations(rows)


@house(refused="MA308|percent")
def correlations_as_percentages(folder: Path) -> Written:
    rows = drawn(512, 7)
    head = ["Study", "N", "r"]
    grid = [(r.study, r.n, r.r) for r in rows]

    def dress(book: Workbook) -> None:
        for row in range(2, len(rows) + 2):
            book.active[f"C{row}"].number_format = "0%"

    return workbook(folder / "percent.xlsx", {"Sheet1": [head, *grid]}, dress), correlations(rows)


@house(refused="MA402|sign")
def f_without_sign(folder: Path) -> Written:
    rows = drawn(513, 7)
    head = ["Study", "F", "df1", "df2"]
    grid = [(r.study, round(r.r**2 * (r.n - 2) / (1 - r.r**2), 2), 1, r.n - 2) for r in rows]
    return text_file(folder / "unsigned.csv", [head, *grid]), correlations(rows)


@house()
def levels_of_the_team(folder: Path) -> Written:
    rows = drawn(514, 10)
    head = ["Study", "N", "r", "design", "setting", "population", "achievement type"]
    designs = ("cross-sectional", "longitudinal", "prospective")
    grid = [
        (r.study, r.n, r.r, designs[r.number % 3], "university lab", "emerging adults", "grades")
        for r in rows
    ]
    return text_file(folder / "own_levels.csv", [head, *grid]), correlations(rows)


@house()
def effects_that_differ_in_an_own_column(folder: Path) -> Written:
    rows = drawn(515, 7)
    head = ["study", "n", "r", "achievement_type"]
    grid, effects = [], []
    for r in rows:
        for kind in ("grades", "test")[: 1 + r.number % 2]:
            grid.append((r.study, r.n, r.r, kind))
            effects.append(truth.from_r(r.r, r.n).of(r.study))
    return text_file(folder / "own_column.csv", [head, *grid]), effects


@house()
def reliabilities_in_words(folder: Path) -> Written:
    rows = drawn(516, 8)
    head = ["study", "N (final)", "r", "alliance_reliability"]
    words = ("α = .78", ".93", ">.75", "alpha=0.91")
    grid = [(r.study, r.n, r.r, words[r.number % 4]) for r in rows]
    return workbook(folder / "reliability.xlsx", {"Sheet1": [head, *grid]}), correlations(rows)


@house()
def half_participants(folder: Path) -> Written:
    rows = drawn(517, 8)
    head = ["study", "n1", "n2", "d"]
    grid, effects = [], []
    for r in rows:
        n1, n2, d = two_groups(r)
        first = n1 + 0.5 if r.number % 3 == 0 else n1
        grid.append((r.study, first, n2, d))
        effects.append(truth.from_d(d, first, n2).of(r.study))
        effects[-1] = Effect(r.study, effects[-1].r, effects[-1].vi)
    return text_file(folder / "halves.csv", [head, *grid]), effects


@house()
def r_beside_d_of_unequal_groups(folder: Path) -> Written:
    rows = drawn(518, 8)
    head = ["study", "n", "r", "d"]
    grid = []
    for r in rows:
        n1 = max(8, r.n // 6)
        h = (r.n - 2) * (1 / n1 + 1 / (r.n - n1))
        d = round(r.r * math.sqrt(h / (1 - r.r**2)), 3) if r.number % 2 else None
        grid.append((r.study, r.n, r.r, d))
    return text_file(folder / "both.csv", [head, *grid]), correlations(rows)


@house()
def symptoms_turned(folder: Path) -> Written:
    rows = drawn(519, 12, several=2)
    head = ["study", "n", "r", "outcome measure", "direction"]
    grid = [
        (r.study, r.n, -r.r, "BDI-II", "lower is better")
        if r.effect % 2
        else (r.study, r.n, r.r, "GAF", "higher is better")
        for r in rows
    ]
    return workbook(folder / "turned.xlsx", {"effects": [head, *grid]}), correlations(rows)


@house()
def p_as_an_inequality_beside_r(folder: Path) -> Written:
    rows = drawn(520, 9)
    head = ["Study", "N", "r", "p"]
    grid = [(r.study, r.n, r.r, _shown_p(r.r, r.n)) for r in rows]
    return workbook(folder / "p values.xlsx", {"Sheet1": [head, *grid]}), correlations(rows)


def _shown_p(r: float, n: int) -> object:
    p = math.erfc(abs(math.atanh(r)) * math.sqrt(n - 3) / math.sqrt(2))
    return "<.001" if p < 0.001 else "<.05" if p < 0.05 else round(p, 2)


@house()
def numbers_of_effects_and_years_of_publication(folder: Path) -> Written:
    rows = drawn(521, 8, several=2)
    head = ["effectsizeID", "first author", "yop", "N_analyzed", "pearson r", "alliance rater"]
    grid = [(r.number + r.effect / 100, r.author, r.year, r.n, r.r, r.rater) for r in rows]
    return text_file(folder / "effects_2022.csv", [head, *grid]), correlations(rows)


@house()
def kinds_of_publication(folder: Path) -> Written:
    rows = drawn(522, 9)
    head = ["study_id", "author", "pub_type", "year", "n", "r", "publication"]
    kinds = ("journal", "book", "preprint")
    grid = [
        (r.number, r.author, kinds[r.number % 3], r.year, r.n, r.r, ("yes", "no")[r.number % 2])
        for r in rows
    ]
    return text_file(folder / "publications.csv", [head, *grid]), correlations(rows)


@house(
    Touch("r", '"alliance x BDI change"', "columns"),
    asks="statistic|alliance x BDI|p carries no sign",
)
def effect_under_an_unknown_header(folder: Path) -> Written:
    """Nothing but its values says which column is the effect; four others lie in (-1, 1) as
    well.
    """
    rows = drawn(523, 10)
    head = ["Author", "Year", "se", "p", "w", "reliability alliance", "alliance x BDI change", "N"]
    grid = []
    for r in rows:
        z, se = math.atanh(r.r), 1 / math.sqrt(r.n - 3)
        p = round(math.erfc(abs(z / se) / math.sqrt(2)), 3)
        line = (r.author, r.year, round(se, 3), p, 0.1, 0.9 + r.number / 200, r.r, r.n)
        grid.append(line)
    return workbook(folder / "unknown.xlsx", {"Sheet1": [head, *grid]}), correlations(rows)
