"""The covariance of many variants, by what their structure allows."""

from __future__ import annotations

from metaalliance.core.arrays import Array
from metaalliance.core.variance.many.each_variant import EachVariant
from metaalliance.core.variance.many.level_variants import LevelVariants
from metaalliance.core.variance.many.nested_variants import NestedVariants
from metaalliance.core.variance.many.variant_designs import VariantCovariance
from metaalliance.core.variance.structure import Levels, Nested, Structure


def joined(structure: Structure) -> bool:
    """Whether the covariances of variants have a joint form, in which effects may be absent."""
    if isinstance(structure, Levels):
        return structure.factor is None and structure.errors is None
    return isinstance(structure, Nested)


def covariance_at(structure: Structure, present: Array, theta: Array) -> VariantCovariance:
    """Prepare S of `present` (k, variants) or (k, 1) at `theta` (variants, c)."""
    if isinstance(structure, Nested):
        return NestedVariants.build(structure, present, theta)
    if isinstance(structure, Levels) and joined(structure):
        return LevelVariants.build(structure, present, theta)
    return EachVariant.build(structure, theta)
