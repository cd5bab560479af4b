"""The analysis as a script of another program."""
