#!/usr/bin/env bash
# pingouin says that F and p of an ICC test for bias between raters; they test the targets.
#
# Package   pingouin 0.7.0 (September 2026), intraclass_corr.
# Expected  "F, pval: F-test results for detecting systematic differences (bias) between raters. A
#           significant p-value suggests that rater means differ", and then "ICC(1,1) is invalid
#           and should not be reported" (docstring of 0.7.0, which makes the page
#           https://pingouin-stats.org/generated/pingouin.intraclass_corr.html).
#           A test of the raters is F = MS(raters) / MS(error).
# Seen      F is MS(targets) / MS(error), the test that the ICC is zero. It is large where the
#           raters agree. Two raters with exactly equal means, and an ICC of .83, have p = .000002,
#           by which their ICC(1,1) would be discarded; the test of the raters has F = 0, p = 1.
#           Two raters a unit of the scale apart who agree on nothing have p = .54;
#           the test of the raters has p = .004.
# Exit      0 while this stands, 1 when it has changed, 2 when it cannot be run.
set -u
unset PYTHONPATH
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
"${PYTHON:-python3}" -m venv env &&
    env/bin/pip install -qq --no-compile --disable-pip-version-check numpy==2.4.6 scipy==1.17.1 \
        pandas==3.1.1 seaborn==0.13.2 pandas-flavor==0.8.1 tabulate==0.10.0 &&
    env/bin/pip install -qq --no-compile --disable-pip-version-check --no-deps pingouin==0.7.0 ||
    exit 2
env/bin/python - <<'END'
import sys

import numpy as np
import pandas as pd
import pingouin as pg
from scipy.stats import f as f_distribution

said = "detecting systematic differences (bias) between" in pg.intraclass_corr.__doc__

def rated(scores):
    """The p of pingouin, and the p of the raters' means, for targets x raters."""
    n, k = scores.shape
    cells = [(i, j, scores[i, j]) for i in range(n) for j in range(k)]
    frame = pd.DataFrame(cells, columns=["target", "rater", "score"])
    table = pg.intraclass_corr(frame, "target", "rater", "score").set_index("Type")
    by_rater = n * ((scores.mean(0) - scores.mean()) ** 2).sum() / (k - 1)
    rest = scores - scores.mean(1, keepdims=True) - scores.mean(0) + scores.mean()
    ratio = by_rater / ((rest**2).sum() / ((n - 1) * (k - 1)))
    raters = f_distribution.sf(ratio, k - 1, (n - 1) * (k - 1))
    icc, p = table.loc["ICC(C,1)", ["ICC", "pval"]]
    print(f"ICC(C,1) {icc:6.3f}   p of pingouin {p:.2g}   p of a difference of raters {raters:.2g}")
    return p, raters


print("equal means, high agreement:")
target = np.linspace(-1.6, 1.6, 20)
noise = 0.3 * np.resize([1.0, -1.0, -1.0, 1.0], 20)
agreeing = rated(np.column_stack([target + noise, target - noise]))
print("means a unit apart, no agreement:")
other = np.resize([1.0, -1.0, -1.0, 1.0, 0.5, -0.5], 20)
biased = rated(np.column_stack([target, 1 + other]))
stands = said and agreeing[0] < 1e-5 and agreeing[1] > 0.99 and biased[0] > 0.05 and biased[1] < 0.01
sys.exit(0 if stands else 3)
END
case $? in 0) echo "stands" ;; 3) echo "changed"; exit 1 ;; *) exit 2 ;; esac
