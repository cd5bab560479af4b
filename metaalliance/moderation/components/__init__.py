"""Means of several components at once, and how true effects of components go together."""
