"""A table as HTML, Word, spreadsheet, LaTeX, Markdown, CSV and JSON: the same strings in each."""
