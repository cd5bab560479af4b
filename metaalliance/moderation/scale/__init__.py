"""Moderators of the heterogeneity: designs, coefficients and results."""
