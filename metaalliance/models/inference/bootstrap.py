"""The cluster wild bootstrap of a fitted model, with the settings that every fit passes on."""

from __future__ import annotations

from typing import Any, TypedDict, Unpack

from numpy.typing import ArrayLike

from metaalliance.core.inference.wild_bootstrap import WildBootstrapTest, wild_bootstrap_test
from metaalliance.core.variance.multilevel import MultilevelData, MultilevelPoint
from metaalliance.errors import EstimationError
from metaalliance.model import Specification
from metaalliance.models.working import estimator_of
from metaalliance.options import Components, check_option


class BootstrapSettings(TypedDict, total=False):
    """Settings of a wild bootstrap.

    Attributes
    ----------
    components : {"re-estimated", "held"}
        Whether the variance components are estimated in the null model and in every replication
        (the default), or held at those of the fit, which takes milliseconds.
    replications, weights, seed, adjust, kind, test
        See `metaalliance.core.inference.wild_bootstrap.wild_bootstrap_test`.
    """

    components: Components
    replications: int
    weights: str
    seed: int
    adjust: str
    kind: str
    test: str


def bootstrapped(
    data: MultilevelData,
    point: MultilevelPoint,
    C: ArrayLike,
    model: Specification,
    **settings: Unpack[BootstrapSettings],
) -> WildBootstrapTest:
    """Test C beta = 0 of a fitted model by the cluster wild bootstrap.

    Raises
    ------
    OptionError
        For a value that an option does not have, or where a crossed factor links all studies.
    EstimationError
        For one study.
    """
    chosen: dict[str, Any] = dict(settings)
    components = chosen.pop("components", "re-estimated")
    check_option("components", components, Components)
    if data.blocks.m < 2:
        raise EstimationError("A wild bootstrap needs two studies; there is one.")
    estimator = None if components == "held" else estimator_of(model)
    return wild_bootstrap_test(data, point, C, estimator=estimator, **chosen)
