"""Additions to a workbook's own parts; every byte that needs no change stays as it is."""
