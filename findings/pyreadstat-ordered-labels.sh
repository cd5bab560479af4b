#!/usr/bin/env bash
# pyreadstat cannot make ordered categories of a labelled variable with one blank cell.
#
# Package   pyreadstat 1.3.7 (October 2026), with narwhals 2.29.0 and pandas 3.1.1.
# Expected  formats_as_ordered_category=True: "the variables having formats will be transformed
#           into pandas or polars ordered categories" (docstring of set_value_labels); a blank
#           is a category in neither.
#           https://ofajardo.github.io/pyreadstat_documentation/_build/html/index.html
# Seen      Without a blank the option works, never < seldom < always. With one it raises
#           "Categorical categories cannot be null", as the blank is taken for a category. The
#           default, which does read the file, has the labels in the order of the alphabet:
#           always, never, seldom. So the order of a rating scale cannot be had from a file with
#           a missing answer but from the metadata.
# Exit      0 while this stands, 1 when it has changed, 2 when it cannot be run.
set -u
unset PYTHONPATH
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
"${PYTHON:-python3}" -m venv env &&
    env/bin/pip install -qq --no-compile --disable-pip-version-check pyreadstat==1.3.7 \
        narwhals==2.29.0 pandas==3.1.1 || exit 2
env/bin/python - <<'END'
import sys

import pandas as pd
import pyreadstat

labels = {"bond": {1: "never", 2: "seldom", 3: "always"}}
pyreadstat.write_sav(pd.DataFrame({"bond": [1.0, 2, 3]}), "full.sav", variable_value_labels=labels)
pyreadstat.write_sav(
    pd.DataFrame({"bond": [1.0, 2, 3, None]}), "blank.sav", variable_value_labels=labels
)


def categories(file, **how):
    frame, _ = pyreadstat.read_sav(file, apply_value_formats=True, **how)
    return frame["bond"].cat.categories.tolist()


full = categories("full.sav", formats_as_ordered_category=True)
default = categories("blank.sav")
try:
    blank = categories("blank.sav", formats_as_ordered_category=True)
except ValueError as error:
    blank = str(error)
print("no blank, ordered :", full)
print("a blank, default  :", default)
print("a blank, ordered  :", blank)
right = ["never", "seldom", "always"]
stands = full == right and default == sorted(right) and "cannot be null" in blank
sys.exit(0 if stands else 3)
END
case $? in 0) echo "stands" ;; 3) echo "changed"; exit 1 ;; *) exit 2 ;; esac
