"""Sheets as houses keep them: importing this folder fills the collection. All data are
simulated.
"""

from intake.houses import languages, layouts, programs, r_packages, statistics  # noqa: F401
