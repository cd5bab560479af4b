"""Let every test directory import the modules that lie beside this file; how hypothesis works."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

sys.path.append(str(Path(__file__).parent))

# No test depends on how fast or how busy the machine is.
settings.register_profile(
    "metaalliance", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("metaalliance")
