"""Figures of what the studies are: how they were found, rated, and spread."""
