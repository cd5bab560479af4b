#!/usr/bin/env bash
# statsmodels pools with negative weights: its DerSimonian-Laird tau^2 may be below zero.
#
# Package   statsmodels 0.15.0, stats.meta_analysis.combine_effects(method_re="dl").
# Expected  tau^2 = max(0, (Q - (k - 1)) / C), so that where Q is below its degrees of freedom the
#           random-effects model is the fixed-effect model:
#           https://rdrr.io/cran/pimeta/src/R/tau2h-dl.r (DerSimonian and Laird, 1986)
#           https://rdrr.io/cran/kim/man/tau_squared.html (Borenstein et al., 2009, pp. 72-73, the
#           book that the docstring of statsmodels names)
#           https://github.com/wviechtb/metafor/issues/14 (metafor)
# Seen      The maximum is not taken. Six correlations, as Fisher z of n = 20 to 150, with Q = 0.81
#           for 5 degrees of freedom: tau^2 = -.0125. The study of 85 patients has 120% of the
#           weight, the two largest have -26% and -10%, and the standard error, .024, is half
#           that of the fixed-effect model, .048. I^2 is -5.2. Nothing is said.
# Exit      0 while this stands, 1 when it has changed, 2 when it cannot be run.
set -u
unset PYTHONPATH
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
"${PYTHON:-python3}" -m venv env &&
    env/bin/pip install -qq --no-compile --disable-pip-version-check statsmodels==0.15.0 \
        numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 || exit 2
env/bin/python - <<'END'
import sys

import numpy as np
from statsmodels.stats.meta_analysis import combine_effects

z = np.array([0.10, 0.28, 0.33, 0.30, 0.31, 0.27])  # made for this script
v = 1 / np.array([17.0, 37, 57, 77, 97, 147])
w = 1 / v
q = float((w * (z - (w * z).sum() / w.sum()) ** 2).sum())
tau2 = max(0.0, (q - 5) / (w.sum() - (w**2).sum() / w.sum()))
pooled = float((z / (v + tau2)).sum() / (1 / (v + tau2)).sum())
se = float((1 / (v + tau2)).sum() ** -0.5)

fit = combine_effects(z, v, method_re="dl")
print(f"formula      Q {q:.4f}  tau2 {tau2:.4f}  pooled {pooled:.4f}  SE {se:.4f}")
print(
    f"statsmodels  Q {fit.q:.4f}  tau2 {fit.tau2:.4f}  pooled {fit.mean_effect_re:.4f}"
    f"  SE {fit.sd_eff_w_re:.4f}  I2 {fit.i2:.2f}"
)
print("weights     ", np.round(fit.weights_rel_re, 3))
stands = (
    tau2 == 0
    and abs(fit.q - q) < 1e-9
    and fit.tau2 < -0.01
    and min(fit.weights_rel_re) < -0.2
    and fit.sd_eff_w_re < 0.6 * se
)
sys.exit(0 if stands else 3)
END
case $? in 0) echo "stands" ;; 3) echo "changed"; exit 1 ;; *) exit 2 ;; esac
