"""Variances whose logarithms are linear in columns of their groups."""
