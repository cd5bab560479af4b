"""Imports lose no sign and ignore no setting: what is in doubt is asked or refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

import metaalliance as ma

CMA = "Study name,Outcome,Correlation,Sample size,Std Err\nA,BDI,.3,50,.1\nB,GAF,.2,60,.1\n"
COVIDENCE = (
    "Covidence #,Study ID,Reviewer Name,r,n,Outcome measure,Site\n"
    "1,A,Consensus,.3,50,BDI,x\n2,B,Consensus,.2,60,GAF,y\n"
)
WIDE = "study,n,r_BDI,r_GAF,Site\nA,50,.3,.1,x\nB,60,.2,.2,y\n"


def imported(folder: Path, text: str, **how: object) -> ma.Imported:
    path = folder / "in.csv"
    path.write_text(text, encoding="utf-8")
    return ma.import_sheet(path, **how)


def column(found: ma.Imported, name: str) -> list[object]:
    return [e[name].value if name in e else None for e in found.entries]


def codes(found: ma.Imported) -> set[str]:
    return {q.code for q in found.questions}


def errors(found: ma.Imported, folder: Path) -> set[str]:
    return {p.code for p in ma.load_studies(found.save(folder / "out.xlsx", force=True)).errors}


@pytest.mark.parametrize("text", [CMA, COVIDENCE, WIDE])
def test_a_direction_is_entered_in_every_house(tmp_path, text):
    found = imported(tmp_path, text, directions={"bdi": "lower_better"})
    wanted = ["lower_better" if m == "BDI" else None for m in column(found, "outcome_measure")]
    assert column(found, "outcome_direction") == wanted
    assert "MA551" in codes(found)  # GAF is still to be decided
    every = imported(tmp_path, text, directions={"BDI": "lower_better", "*": "higher_better"})
    assert None not in column(every, "outcome_direction")
    assert "MA551" not in codes(every)


@pytest.mark.parametrize("text", [CMA, COVIDENCE, WIDE])
def test_an_outcome_or_a_header_that_is_not_there_is_refused(tmp_path, text):
    with pytest.raises(ma.OptionError, match="'Remision' in the file; it has 'BDI', 'GAF'"):
        imported(tmp_path, text, directions={"Remision": "higher_better"})
    with pytest.raises(ma.OptionError, match="no header 'nosuch'"):
        imported(tmp_path, text, columns={"nosuch": "country"})


def test_a_header_that_the_house_reads_itself_is_refused(tmp_path):
    with pytest.raises(ma.OptionError, match="'r_BDI' cannot be 'country'"):
        imported(tmp_path, WIDE, columns={"r_BDI": "country"})
    with pytest.raises(ma.OptionError, match="cannot both be 'country'"):
        imported(tmp_path, WIDE, columns={"Site": "country", "n": "country"})
    assert column(imported(tmp_path, WIDE, columns={"Site": "study"}), "study") == [*"xxyy"]


def test_a_direction_stated_in_the_source_gives_way_to_a_named_one(tmp_path):
    text = COVIDENCE.replace("Site", "outcome_direction").replace(",x", ",higher_better")
    text = text.replace(",y", ",upwards")
    found = imported(tmp_path, text)
    assert column(found, "outcome_direction") == ["higher_better", "upwards"]
    assert errors(found, tmp_path)  # "upwards" is no direction, and not lost in a column of its own
    found = imported(tmp_path, text, directions={"BDI": "lower_better", "GAF": "higher_better"})
    assert column(found, "outcome_direction") == ["lower_better", "higher_better"]
