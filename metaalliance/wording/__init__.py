"""Numbers and phrases as text, once for terminal, figures and reports."""
