"""Likelihoods of selected effects, and counts of missing ones."""
