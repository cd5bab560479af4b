#!/usr/bin/env bash
# spssmirror's omega is computed from principal components: .83 for a scale whose omega is .73.
#
# Package   spssmirror 2.1.1 (July 2026), a "replacement" of SPSS; method mcdonald_omega.
# Expected  omega = (sum of loadings)^2 / ((sum of loadings)^2 + sum of error variances), with
#           the loadings of a one-factor model:
#           https://rdocumentation.org/packages/semTools/versions/0.4-14/topics/reliability
#           For k items that all correlate r the one-factor model is exact, its loadings are
#           sqrt(r), and omega equals Cronbach's alpha, k r / (1 + (k - 1) r). Four items with
#           r = .4: 1.6 / 2.2 = .727.
# Seen      The loadings are the first eigenvector times the root of its eigenvalue, which holds
#           error variance too: .742 for .632, so omega is .830. alpha of the same package is
#           .727. Corrections for attenuation that divide by such a reliability are too small.
# Exit      0 while this stands, 1 when it has changed, 2 when it cannot be run.
set -u
unset PYTHONPATH
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
"${PYTHON:-python3}" -m venv env &&
    env/bin/pip install -qq --no-compile --disable-pip-version-check numpy==2.4.6 scipy==1.17.1 \
        pandas==3.1.1 statsmodels==0.15.0 pydantic==2.14.4 rapidfuzz==3.14.6 &&
    env/bin/pip install -qq --no-compile --disable-pip-version-check --no-deps spssmirror==2.1.1 ||
    exit 2
env/bin/python - <<'END'
import sys

import numpy as np
import pandas as pd
from scipy.linalg import hadamard
from spssmirror import SPSSMirror

items, r = list("abcd"), 0.4
parts = hadamard(16)[:, 1:6].astype(float)  # five uncorrelated columns, means 0, variances 1
scores = np.sqrt(r) * parts[:, [0]] + np.sqrt(1 - r) * parts[:, 1:]
frame = pd.DataFrame(scores, columns=items)
assert np.allclose(frame.corr().to_numpy()[np.triu_indices(4, 1)], r)

mirror = SPSSMirror()
mirror.load_dataframe(frame)
truth = 4 * r / (1 + 3 * r)
alpha = mirror.cronbach_alpha(items).statistic
omega = mirror.mcdonald_omega(items).statistic
print(f"omega by the formula {truth:.4f}, alpha {alpha:.4f}, mcdonald_omega {omega:.4f}")
sys.exit(0 if abs(alpha - truth) < 1e-9 and abs(omega - 0.8302) < 1e-3 else 3)
END
case $? in 0) echo "stands" ;; 3) echo "changed"; exit 1 ;; *) exit 2 ;; esac
