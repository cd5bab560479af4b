#!/usr/bin/env bash
# svy-io keeps texts that an SPSS file declares missing as data; numbers it makes blank.
#
# Package   svy-io 0.7.1 (October 2026), a reader of .sav files into polars; the file is written
#           by pyreadstat 1.3.7, built on the same library, ReadStat.
# Expected  MISSING VALUES takes texts as it takes numbers, and both are treated like
#           system-missing values unless asked otherwise:
#           https://www.ibm.com/docs/en/spss-statistics/26.0.0?topic=values-overview-missing-command
#           pyreadstat, and haven's read_sav in R, read them as missing.
# Seen      With user_na=False, the default, the number 999 becomes null and the text "refused"
#           stays a value like any other, so that a third rater appears beside patient and
#           therapist. The metadata do not name it either: meta["user_missing"] lists the number
#           alone.
# Exit      0 while this stands, 1 when it has changed, 2 when it cannot be run.
set -u
unset PYTHONPATH
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
"${PYTHON:-python3}" -m venv env &&
    env/bin/pip install -qq --no-compile --disable-pip-version-check svy-io==0.7.1 polars==2.1.0 \
        pyarrow==26.0.1 pyreadstat==1.3.7 pandas==3.1.1 || exit 2
env/bin/python - <<'END'
import sys

import pandas as pd
import pyreadstat
import svy_io

sheet = pd.DataFrame(
    {"n": [30.0, 999.0, 50.0, 41.0], "rater": ["patient", "therapist", "refused", "patient"]}
)
missing = {"n": [999], "rater": ["refused"]}
pyreadstat.write_sav(sheet, "coding.sav", missing_ranges=missing)

by_pyreadstat = pyreadstat.read_sav("coding.sav")[0]
frame, meta = svy_io.read_sav("coding.sav")
declared = [entry["col"] for entry in meta["user_missing"]]
print("declared  ", missing)
print("pyreadstat", by_pyreadstat.to_dict("list"))
print("svy-io    ", frame.to_dict(as_series=False), "declared:", declared)
assert by_pyreadstat.isna().sum().to_dict() == {"n": 1, "rater": 1}
seen = frame["n"].to_list() == [30.0, None, 50.0, 41.0] and frame["rater"][2] == "refused"
sys.exit(0 if seen and declared == ["n"] else 3)
END
case $? in 0) echo "stands" ;; 3) echo "changed"; exit 1 ;; *) exit 2 ;; esac
