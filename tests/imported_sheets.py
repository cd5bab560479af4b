"""Small invented files in the layouts of other programs, and what they are worth."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import metaalliance as ma


def write(path: Path, text: str, **how: Any) -> Path:
    path.write_text(text.strip("\n") + "\n", **{"encoding": "utf-8", **how})
    return path


def point_biserial(m1, sd1, n1, m2, sd2, n2) -> float:
    """r of group and outcome, from first principles: the correlation of the pooled data."""
    n = n1 + n2
    mean = (n1 * m1 + n2 * m2) / n
    within = (n1 - 1) * sd1**2 + (n2 - 1) * sd2**2
    between = n1 * (m1 - mean) ** 2 + n2 * (m2 - mean) ** 2
    return math.copysign(math.sqrt(between / (between + within)), m1 - m2)


def phi(e1, n1, e2, n2) -> float:
    a, b, c, d = e1, n1 - e1, e2, n2 - e2
    return (a * d - b * c) / math.sqrt((a + b) * (c + d) * (a + c) * (b + d))


def effects_of(imported: ma.Imported, folder: Path) -> dict[tuple[str, str], float]:
    """Save, read and convert: r by study and outcome of every included row."""
    path = imported.save(folder / "studies.xlsx", force=True)
    studies = ma.read_studies(path)
    frame = ma.effect_sizes(studies).frame
    rows = {row.number: row for row in studies.rows}
    return {
        (rows[int(n)].study, _outcome(rows[int(n)])): float(r)
        for n, r in zip(frame["row"], frame["r"], strict=True)
    }


def _outcome(row) -> str:
    return str(row.get("outcome_measure") or row.get("outcome_domain") or "")


def pooled(imported: ma.Imported, folder: Path) -> Any:
    """The mean of what was imported; notices of small sets are not looked at here."""
    effects = ma.effect_sizes(ma.read_studies(imported.save(folder / "s.xlsx", force=True)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ma.pool(effects)


# RevMan ---
MEANS = {"Müller 2004": (8.5, 4.0, 20, 12.0, 5.0, 22), "Novak 2010": (10.0, 6.0, 35, 9.0, 5.5, 33)}
EVENTS = {"Ortiz 2007": (4, 30, 9, 31), "Novak 2010": (6, 40, 7, 38), "Petit 1999": (0, 12, 0, 14)}
WEB_HEAD = (
    "\ufeffAnalysis group,Analysis number,Analysis name,Subgroup,Applicability,Study,Study year,"
    "GIV Mean,GIV SE,Experimental mean,Experimental SD,Experimental cases,Experimental N,"
    "Control mean,Control SD,Control cases,Control N,O-E,Variance,Weight,Mean,CI start,CI end,"
    "Footnotes\n"
)


def web() -> str:
    lines = [
        f"1,1,BDI-II,,SUBGROUP_AND_OVERALL,{s},{s[-4:]},0.0,0.0,{m1},{s1},0,{n1},{m2},{s2},0,{n2},"
        "0.0,0.0,50,0,0,0,"
        for s, (m1, s1, n1, m2, s2, n2) in MEANS.items()
    ]
    lines += [
        f"1,2,Dropout,Adults,SUBGROUP_AND_OVERALL,{s},{s[-4:]},0.0,0.0,0.0,0.0,{e1},{n1},0.0,0.0,{e2},"
        f"{n2},0.0,0.0,30,0,0,0,"
        for s, (e1, n1, e2, n2) in EVENTS.items()
    ]
    return WEB_HEAD + "\n".join(lines)


def five() -> str:
    head = (
        "Comparison Number,Outcome Number,Subgroup Number,Name,Data Type,Statistical Method,"
        "Effect Measure,Events 1,Mean 1,SD 1,Total 1,Events 2,Mean 2,SD 2,Total 2,"
        "Effect Estimate,SE,Year of study,User defined order"
    )
    lines = [
        head,
        "1,0,0,Therapy against none,,,,,,,,,,,,,,,",
        "1,1,0,BDI-II,CON,IV,MD,0,,,55,0,,,55,,,,",
    ]
    lines += [
        f"1,1,0,{s},,,,0,{m1},{s1},{n1},0,{m2},{s2},{n2},,,{s[-4:]},{i}"
        for i, (s, (m1, s1, n1, m2, s2, n2)) in enumerate(MEANS.items())
    ]
    lines += ["1,2,0,Dropout,DIC,MH,OR,10,,,82,16,,,83,,,,", "1,2,1,Adults,,,,10,,,82,16,,,83,,,,"]
    lines += [
        f"1,2,1,{s},,,,{e1},0,0,{n1},{e2},0,0,{n2},,,{s[-4:]},{i}"
        for i, (s, (e1, n1, e2, n2)) in enumerate(EVENTS.items())
    ]
    return "\n".join(lines)


def rm5(more: str = "", head: str = "") -> str:
    ids = {s: "STD-" + s.replace(" ", "-") for s in (*MEANS, *EVENTS)}
    studies = "".join(
        f'<STUDY DATA_SOURCE="PUB" ID="{i}" NAME="{s}" YEAR="{s[-4:]}"/>' for s, i in ids.items()
    )
    cont = "".join(
        f'<CONT_DATA ESTIMABLE="YES" MEAN_1="{m1}" MEAN_2="{m2}" ORDER="1" SD_1="{s1}" SD_2="{s2}" '
        f'STUDY_ID="{ids[s]}" TOTAL_1="{n1}" TOTAL_2="{n2}"/>'
        for s, (m1, s1, n1, m2, s2, n2) in MEANS.items()
    )
    dich = "".join(
        f'<DICH_DATA ESTIMABLE="{"YES" if e1 + e2 else "NO"}" EVENTS_1="{e1}" EVENTS_2="{e2}" '
        f'STUDY_ID="{ids[s]}" TOTAL_1="{n1}" TOTAL_2="{n2}"/>'
        for s, (e1, n1, e2, n2) in EVENTS.items()
    )
    return (
        f'<?xml version="1.0" encoding="ISO-8859-1" standalone="no"?>{head}<COCHRANE_REVIEW '
        f'REVMAN_VERSION="5"><INCLUDED_STUDIES>{studies}</INCLUDED_STUDIES><ANALYSES_AND_DATA>'
        '<COMPARISON ID="CMP-001" NO="1"><NAME>Therapy against none</NAME>'
        f'<CONT_OUTCOME EFFECT_MEASURE="SMD" NO="1"><NAME>BDI-II</NAME>{cont}</CONT_OUTCOME>'
        f'<DICH_OUTCOME EFFECT_MEASURE="OR" NO="2"><NAME>Dropout</NAME><DICH_SUBGROUP NO="1">'
        f"<NAME>Adults</NAME>{dich}</DICH_SUBGROUP></DICH_OUTCOME>{more}"
        "</COMPARISON></ANALYSES_AND_DATA></COCHRANE_REVIEW>"
    )


# Covidence
COVIDENCE_HEAD = (
    "Covidence #,Study ID,Title,Reviewer Name,r,Sample size,Alliance measure,Outcome measure,Notes"
)
COVIDENCE = f"""{COVIDENCE_HEAD}
12,Adler 2011,On bonds,Ann B,.30,40,WAI,GAF,
12,Adler 2011,On bonds,Cem D,.35,40,WAI,GAF,from table 2
12,Adler 2011,On bonds,Consensus,.31,40,WAI,GAF,
14,Berg 2012,On goals,Ann B,.22,55,CALPAS,GAF,
15,Cole 2013,On tasks,Consensus,-.1,80,WAI,GAF,
15,Cole 2013,On tasks,Ann B,-.1,80,WAI,GAF,
"""


# metapsy
METAPSY_COLUMNS = [
    "study",
    "condition_arm1",
    "condition_arm2",
    "multi_arm1",
    "multi_arm2",
    "outcome_type",
    "instrument",
    "time",
    "time_weeks",
    "rating",
    "mean_arm1",
    "sd_arm1",
    "n_arm1",
    "mean_arm2",
    "sd_arm2",
    "n_arm2",
    "mean_change_arm1",
    "sd_change_arm1",
    "n_change_arm1",
    "mean_change_arm2",
    "sd_change_arm2",
    "n_change_arm2",
    "event_arm1",
    "event_arm2",
    "totaln_arm1",
    "totaln_arm2",
    "precalc_g",
    "precalc_g_se",
    "year",
    "percent_women",
    "rob",
    ".g",
]
ABT = {"study": "Abt 2010", "condition_arm1": "cbt", "condition_arm2": "wl", "outcome_type": "msd",
       "instrument": "phq-9", "time": "post", "rating": "self-report", "mean_arm1": 8, "sd_arm1": 4,
       "n_arm1": 30, "mean_arm2": 11, "sd_arm2": 5, "n_arm2": 28, "year": 2010,
       "percent_women": 0.64, "rob": "2", ".g": -0.66}  # fmt: skip
BOS = {"study": "Bos 2014", "condition_arm1": "ipt", "condition_arm2": "cau",
       "outcome_type": "response", "instrument": "hdrs", "time": "fu", "rating": "clinician",
       "event_arm1": 20, "totaln_arm1": 40, "event_arm2": 12, "totaln_arm2": 41,
       "year": 2014}  # fmt: skip
CID = {"study": "Cid 2001", "condition_arm1": "cbt", "condition_arm2": "pst",
       "outcome_type": "change", "instrument": "phq-9", "time": "post", "rating": "self-report",
       "mean_change_arm1": -4,
       "sd_change_arm1": 3, "n_change_arm1": 22, "mean_change_arm2": -2, "sd_change_arm2": 3.5,
       "n_change_arm2": 20}  # fmt: skip
DEL = {"study": "Del 1999", "condition_arm1": "cbt", "condition_arm2": "wl", "outcome_type": "g",
       "instrument": "phq-9", "time": "post", "precalc_g": -0.5, "precalc_g_se": 0.2, "n_arm1": 45,
       "n_arm2": 45}  # fmt: skip


def turned(row):
    """The comparison from its other arm."""
    swap = {"arm1": "arm2", "arm2": "arm1"}
    found = {k[:-4] + swap[k[-4:]] if k[-4:] in swap else k: v for k, v in row.items()}
    return {k: -v if k in {".g", "precalc_g"} else v for k, v in found.items()}


def metapsy(*rows) -> str:
    lines = [",".join(str(row.get(c, "")) for c in METAPSY_COLUMNS) for row in rows]
    return "\n".join([",".join(METAPSY_COLUMNS), *lines])


# CMA
CORRELATIONS = "\t".join((
    "Study name", "Subgroup within study", "Outcome", "Time point", "Correlation", "Sample size",
    "Effect direction", "Fisher's Z", "Std Err", "Variance",
)) + """
Ames 2001\tBlank\tGAF\tpost\t.30\t50\tAuto\t.3095\t.1459\t.0213
Boll 2004\twomen\tGAF\tpost\t.20\t60\tNegative\t-.2027\t.1325\t.0175
Boll 2004\tmen\tGAF\tpost\t-.10\t40\tAuto\t-.1003\t.1644\t.0270
"""  # fmt: skip
DIFFERENCES = (
    "Study name,Comparison,Outcome,Time point,Std diff in means   ,Group-A Sample size ,"
    "Group-B Sample size ,Effect direction,Hedges's g,Std Err,dose"
    """
Ames 2001,Blank,sleep,posttest,.61,24,21,1,.5990,.3052,12
Boll 2004,Blank,mood,followup,-.17,23,32,1,-.1676,.2724,Blank
"""
)


# Wide
WIDE = """study,n,r_symptoms,r_functioning,r_dropout,country
Ames 2001,120,.25,.2,-.1,US
Boll 2004,90,.2,.1,-.05,NL
Crane 2010,140,.3,.2,-.2,US
"""
