"""Moderators: levels compared, meta-regression, contrasts, moderators of heterogeneity."""
