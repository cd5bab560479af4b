"""Designs of which more is known than their numbers."""
