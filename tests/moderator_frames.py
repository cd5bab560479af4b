"""Each analysis of moderators as a frame of its numbers."""

from __future__ import annotations

import metaalliance as ma
from metaalliance.moderation.decomposition import within_between
from metaalliance.moderation.slope import slope
from metaalliance.moderation.table import moderator_table


def levels_of(effects, **settings):
    return ma.moderators(effects, "arm", **settings).levels.drop(columns=["level", "note"])


def slope_of(effects, **settings):
    return slope(effects, "age", **settings).to_frame().drop(columns="term")


def regression_of(effects, **settings):
    return ma.meta_regression(effects, "arm + age", **settings).to_frame().drop(columns="term")


def parts_of(effects, **settings):
    return within_between(effects, "dose", **settings).slopes.drop(columns=["part", "term"])


def table_of(effects, **settings):
    found = moderator_table(effects, ["arm", "age"], **settings)
    return found.to_frame().drop(columns=["moderator", "level", "note"])


def numbers(frame):
    return frame.astype(float).to_numpy()
