"""Pooling models and their results."""
