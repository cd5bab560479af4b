"""Sheets checked, converted, written and compared; no model is fitted here."""
