"""Double coding: rows of several coders matched, compared, and brought to one sheet."""
