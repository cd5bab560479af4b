"""The extraction workbook: cells, columns, vocabularies, rules."""
