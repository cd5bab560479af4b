"""Moderators: subgroups now, regression and contrasts to come."""
