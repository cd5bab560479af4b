"""Effects whose table stays as it is, for those that are fitted again and again."""

from __future__ import annotations

from functools import cached_property

from metaalliance.core.arrays import Array, IntArray
from metaalliance.effects.effects import Effects


class HeldEffects(Effects):
    """Effects whose table nobody changes: what follows from it is found once."""

    @cached_property
    def yi(self) -> Array:
        """Effects on the analysis scale, shape (k,)."""
        return super().yi

    @cached_property
    def vi(self) -> Array:
        """Sampling variances, shape (k,)."""
        return super().vi

    @cached_property
    def n_studies(self) -> int:
        """Number of studies."""
        return super().n_studies

    @cached_property
    def n_censored(self) -> int:
        """Number of effects that are known only as intervals."""
        return super().n_censored

    @cached_property
    def sample_codes(self) -> IntArray:
        """Index of the independent sample of each effect, shape (k,)."""
        return super().sample_codes

    @cached_property
    def studies_with_samples(self) -> int:
        """Number of studies whose effects come from several independent samples."""
        return super().studies_with_samples
