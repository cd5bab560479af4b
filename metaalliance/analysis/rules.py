"""Versions of the rules that make numbers of a sheet, and what each changed."""

from __future__ import annotations

#: Version of the rules that this version of the package follows.
RULES_VERSION = 2
