#!/usr/bin/env bash
# rdata writes factors that R takes apart: a missing value is not NA, and an order is lost.
#
# Packages  rdata 1.1.0 with pandas 3.1.1; R 4 (Debian: r-base-core), no package of R.
# Expected  write_rds of a data frame with a pandas Categorical gives a factor: integer codes
#           from 1, NA for a missing value, class "ordered" where there is an order. ?factor: "The
#           codes of a factor may contain NA", "Ordered factors differ from factors only in their
#           class": https://search.r-project.org/R/refmans/base/html/factor.html
# Seen      A missing value has the code 0: is.na() and na.omit() of R do not see it,
#           levels(f)[f] is a value shorter than f, and printing stops with "malformed factor".
#           An ordered Categorical arrives unordered, without a word. Writing says nothing.
# Exit      0 while this stands, 1 when it has changed, 2 when it cannot be run.
set -u
unset PYTHONPATH
command -v Rscript >/dev/null || exit 2
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
"${PYTHON:-python3}" -m venv env &&
    env/bin/pip install -qq --no-compile --disable-pip-version-check rdata==1.1.0 pandas==3.1.1 \
        numpy==2.4.6 || exit 2
env/bin/python - <<'END' || exit 2
import pandas as pd
import rdata

rater = pd.Categorical(["patient", None, "therapist", "patient"], ["patient", "therapist"])
quality = pd.Categorical(["low", "high", "low", "high"], ["low", "high"], ordered=True)
frame = pd.DataFrame({"r": [0.2, 0.3, 0.4, 0.5], "rater": rater, "quality": quality})
print(frame)
rdata.write_rds("coding.rds", frame)
END
Rscript --vanilla - <<'END'
d <- readRDS("coding.rds")
codes <- as.integer(d$rater)
cat(R.version.string, "\n")
cat("codes of rater       ", codes, "\n")
cat("missing values seen  ", sum(is.na(d$rater)), "of 1\n")
cat("rows after na.omit   ", nrow(na.omit(d)), "of 3\n")
cat("levels(rater)[rater] ", length(levels(d$rater)[d$rater]), "of 4 values\n")
cat("quality is ordered   ", is.ordered(d$quality), "\n")
stands <- identical(codes, c(1L, 0L, 2L, 1L)) && !anyNA(d$rater) && nrow(na.omit(d)) == 4 &&
  length(levels(d$rater)[d$rater]) == 3 && !is.ordered(d$quality)
quit(status = if (stands) 0 else 3)
END
case $? in 0) echo "stands" ;; 3) echo "changed"; exit 1 ;; *) exit 2 ;; esac
