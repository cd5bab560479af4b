"""Influence of single studies, outliers, cumulative results."""
