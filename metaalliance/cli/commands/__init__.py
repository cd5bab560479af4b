"""The commands and their options; the work is done in modules imported when needed."""
