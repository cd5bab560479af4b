"""Influence of single studies, outliers, subsets, cumulative results."""
