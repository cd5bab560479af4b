"""Effect sizes: from coded rows to yi and vi, with their ledger."""
