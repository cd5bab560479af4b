"""Sheets of teams that write German, Dutch, French, Spanish or Italian. Simulated."""

from __future__ import annotations

from pathlib import Path

from intake import truth
from intake.houses.r_packages import correlations, from_groups, groups_of
from intake.sheets import Row, Touch, Written, drawn, house, text_file, workbook


@house()
def german_semicolons(folder: Path) -> Written:
    rows = drawn(301, 10)
    head = ["Studie", "Jahr", "Stichprobengröße", "Korrelation", "Land", "Bemerkungen"]
    remarks = ("", "Tabelle 3, S. 214", "Rücksprache nötig")
    grid = [(r.author, r.year, r.n, r.r, r.country, remarks[r.number % 3]) for r in rows]
    path = text_file(folder / "Kodierung.csv", [head, *grid], ";", ",", "cp1252")
    return path, correlations(rows)


@house()
def german_author_and_year(folder: Path) -> Written:
    rows = drawn(302, 9, several=2)
    title = ["Kodierbogen Allianz und Therapieerfolg (Stand 12.03.2024)"]
    head = ["Nr.", "Autor", "Jahr", "N", "r", "Messinstrument", "Anmerkungen"]
    grid = [(r.number, f"{r.author} et al.", r.year, r.n, r.r, r.outcome, None) for r in rows]
    return workbook(
        folder / "Kodierung final.xlsx", {"Tabelle1": [title, [], head, *grid]}
    ), correlations(rows)


@house()
def german_group_means(folder: Path) -> Written:
    rows = drawn(303, 8)
    head = [
        "Autor",
        "Jahr",
        "MW Gruppe 1",
        "SD Gruppe 1",
        "N Gruppe 1",
        "MW Gruppe 2",
        "SD Gruppe 2",
        "N Gruppe 2",
    ]
    grid = [(r.author, r.year, *groups_of(r)) for r in rows]
    return text_file(folder / "Mittelwerte.csv", [head, *grid], ";", ","), from_groups(rows)


@house(
    Touch("lower_better", '["niedriger = besser"]', "vocabulary.outcome_direction"),
    Touch("higher_better", '["höher = besser"]', "vocabulary.outcome_direction"),
    asks="besser",
)
def german_direction_words(folder: Path) -> Written:
    rows = drawn(304, 10)
    head = ["Studie", "Jahr", "N", "r", "outcome_direction"]
    grid, effects = [], []
    for r in rows:
        symptom = r.number % 2 == 0
        coded = -r.r if symptom else r.r
        grid.append((r.author, r.year, r.n, coded, ("höher", "niedriger")[symptom] + " = besser"))
        effects.append(truth.from_r(r.r, r.n).of(r.study))
    return workbook(folder / "Richtung.xlsx", {"Daten": [head, *grid]}), effects


def five_columns(rows: list[Row]) -> list[tuple[object, ...]]:
    return [(r.author, r.year, r.n, r.r, None if r.number % 4 else "p. 12") for r in rows]


@house()
def dutch_semicolons(folder: Path) -> Written:
    rows = drawn(305, 10)
    head = ["Auteur", "Jaar", "Steekproefgrootte", "Correlatie", "Opmerkingen"]
    return text_file(folder / "codering.csv", [head, *five_columns(rows)], ";", ","), correlations(
        rows
    )


@house()
def french_semicolons(folder: Path) -> Written:
    rows = drawn(306, 10)
    head = ["Auteurs", "Année", "Taille de l'échantillon", "Corrélation", "Remarques"]
    grid = five_columns(rows)
    return text_file(folder / "codage.csv", [head, *grid], ";", ",", "cp1252"), correlations(rows)


@house()
def french_studies_and_effects(folder: Path) -> Written:
    rows = drawn(307, 8, several=2)
    head = ["Étude", "Année", "Effectif", "r", "Évaluateur de l'alliance", "Pays"]
    grid = [(r.study, r.year, r.n, r.r, r.rater, r.country) for r in rows]
    return workbook(folder / "méta-analyse.xlsx", {"Feuil1": [head, *grid]}), correlations(rows)


@house()
def spanish_semicolons(folder: Path) -> Written:
    rows = drawn(308, 10)
    head = ["Autor", "Año", "Tamaño de la muestra", "Correlación", "Observaciones"]
    return text_file(
        folder / "codificación.csv", [head, *five_columns(rows)], ";", ","
    ), correlations(rows)


@house()
def spanish_workbook(folder: Path) -> Written:
    rows = drawn(309, 9)
    head = ["Estudio", "Año de publicación", "Muestra (N)", "r de Pearson", "País"]
    grid = [(r.study, r.year, r.n, r.r, r.country) for r in rows]
    return workbook(folder / "alianza.xlsx", {"Hoja1": [head, *grid]}), correlations(rows)


@house()
def italian_semicolons(folder: Path) -> Written:
    rows = drawn(310, 10)
    head = ["Autori", "Anno", "Numerosità del campione", "Correlazione", "Note"]
    return text_file(folder / "codifica.csv", [head, *five_columns(rows)], ";", ","), correlations(
        rows
    )


@house()
def italian_workbook(folder: Path) -> Written:
    rows = drawn(311, 8, several=2)
    head = ["Studio", "Anno di pubblicazione", "N", "r", "Strumento", "Paese"]
    grid = [(r.study, r.year, r.n, r.r, r.outcome, r.country) for r in rows]
    return workbook(folder / "alleanza.xlsx", {"Foglio1": [head, *grid]}), correlations(rows)
