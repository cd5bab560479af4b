"""Meta-analysis of therapeutic alliance-outcome correlations.

Everything public is a name of this module; it is imported when it is first used, so that
``import metaalliance`` and ``metaalliance --help`` cost next to nothing.
"""

import lazy_loader

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
