"""The figures that commands leave beside their tables, and those of the report."""
