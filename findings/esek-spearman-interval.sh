#!/usr/bin/env bash
# esek's Bonett-Wright interval of a Spearman correlation has rho where the formula has rho squared.
#
# Package   esek 0.1.38 (May 2026), its recommended interval of Spearman's rho.
# Expected  On the scale of Fisher's z the variance is (1 + rho^2 / 2) / (n - 3): Bonett and
#           Wright (2000), Psychometrika 65, 23-28, doi:10.1007/BF02294183. The example of the
#           first author's own package has n = 15, rho = .8699639 and the 95% interval
#           [.5840951, .9638297]: https://dgbonett.github.io/statpsych/reference/ci.spear.html
# Seen      The variance is (1 + rho / 2) / (n - 3). The interval is [.575, .965], and that of
#           -rho is not its mirror image: it is [-.942, -.720], 43% narrower, so that a
#           negative correlation looks far more certain than a positive one of the same size.
# Exit      0 while this stands, 1 when it has changed, 2 when it cannot be run.
set -u
unset PYTHONPATH
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
"${PYTHON:-python3}" -m venv env &&
    env/bin/pip install -qq --no-compile --disable-pip-version-check --no-deps \
        esek==0.1.38 numpy==2.4.6 scipy==1.17.1 || exit 2
env/bin/python - <<'END'
import math
import runpy
import sys
import sysconfig

from scipy.stats import norm, spearmanr

# The one module alone: the package loads twenty others that it does not need here.
module = sysconfig.get_path("purelib") + "/esek/confidence_intervals/ci_correlations.py"
spearman_ci = runpy.run_path(module)["spearman_ci"]

y = [21, 4, 9, 12, 35, 18, 10, 22, 24, 1, 6, 8, 13, 16, 19]
x = [67, 28, 30, 28, 52, 40, 25, 37, 44, 10, 14, 20, 28, 40, 51]
n, rho = len(x), float(spearmanr(x, y).statistic)
half = norm.ppf(0.975) * math.sqrt((1 + rho**2 / 2) / (n - 3))
formula = tuple(math.tanh(math.atanh(rho) + sign * half) for sign in (-1, 1))
published = (0.5840951, 0.9638297)
assert all(abs(a - b) < 1e-6 for a, b in zip(formula, published, strict=True)), formula

up = spearman_ci(rho, n).ci_bonett_wright_z
down = spearman_ci(-rho, n).ci_bonett_wright_z
print(f"published  {published}")
print(f"formula    {formula}")
print(f"esek       {up}")
print(f"esek, -rho {down}")
off = abs(up[0] - published[0]) > 0.005
mirrored = abs(up[0] + down[1]) < 1e-9 and abs(up[1] + down[0]) < 1e-9
sys.exit(0 if off and not mirrored else 3)
END
case $? in 0) echo "stands" ;; 3) echo "changed"; exit 1 ;; *) exit 2 ;; esac
